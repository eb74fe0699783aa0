"""A queue and its model, called alike and compared after every call."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

from mqlearn import (
    InMemoryMessageQueue,
    Message,
    MessageStatus,
    Outcome,
    RetryPolicy,
    Simulation,
    Trace,
)
from tests.messaging.model import Item, Model

MakeQueue = Callable[..., InMemoryMessageQueue]
KIND = {"ack": "completed", "nack": "failed", "reject": "rejected", "release": "released"}
STATUS = {
    "ack": MessageStatus.COMPLETED,
    "nack": MessageStatus.FAILED,
    "reject": MessageStatus.FAILED,
    "release": MessageStatus.PENDING,
}


class Pair:
    """One queue in a simulation, driven from outside, and its model.

    Each call is made on the queue first, then time passes to the next whole second, so that only a
    backoff is ever due at a fraction of one; then the model is told.
    """

    def __init__(
        self,
        make: MakeQueue,
        max_size: int,
        lease: float | None,
        retry: RetryPolicy | None,
        on_full: str,
        model: type[Model] = Model,
    ) -> None:
        self.sim = Simulation(seed=1)
        self.trace = Trace()
        self.model = model(max_size, lease, retry, on_full)
        self.queue = make(
            max_size,
            visibility_timeout=lease,
            retry=retry,
            on_full=on_full,
            runtime=self.sim,
            trace=self.trace,
        )
        self.held: list[Message] = []  # deliveries that nobody has settled yet
        self.past: list[Message] = []  # all there ever were
        self._turns: dict[int, tuple[int, int]] = {}  # by receipt: entry and turn
        self._senders = count(1)
        self._heard = self._read = 0

    def close(self) -> None:
        """What is left comes out in the model's order."""
        with self.sim:
            self.take(1000, 0)

    def _pass_time(self) -> float:
        """Let happen what is due up to the next whole second; tell the model what only the queue
        can know.
        """
        until = float(math.ceil(self.sim.now))
        self.sim.run(until=until)
        news = self.trace.records[self._heard :]
        self._heard += len(news)
        self.model.admissions.extend(
            record.worker for record in news if record.worker in self.model.blocked
        )
        self.model.wait = next(
            (record.detail for record in news if record.event == "delayed"), -1.0
        )
        return until

    def _follow(self, until: float) -> None:
        """The model catches up, and all that can be seen of both is the same."""
        self.model.admit()
        self.model.advance(until)
        assert not self.model.admissions, "somebody was let in without room"
        self._compare()

    def send(self, message: Message, delay: float = 0, timeout: float = 0) -> None:
        sent = self.queue.send(message, delay=delay, timeout=timeout)
        until = self._pass_time()
        assert sent == self.model.send(replace(message), delay, timeout)
        assert (message.timestamp, message.receipt, message.status) == (
            None,
            0,
            MessageStatus.PENDING,
        )
        self._follow(until)

    def wait_for_room(self, message: Message) -> None:
        """Another task sends, and waits as long as it takes where the queue says so."""
        if self.model.on_full == "block":
            name = f"sender-{next(self._senders)}"
            self.sim.spawn(self.queue.send, message, name=name)
            self.model.blocked[name] = message
            self._follow(self._pass_time())

    def take(self, n: int, timeout: float) -> list[Message]:
        first = self.queue.receive(timeout) if n == 1 else None
        batch = self.queue.receive_many(n, timeout) if n > 1 else [] if first is None else [first]
        until = self._pass_time()
        for delivery in batch:
            self._check(delivery, self.model.receive(timeout))
            timeout = 0
        if len(batch) < n:
            missed = self.model.receive(timeout)
            assert missed is None, f"nothing was received, where the model has {missed}"
        self._follow(until)
        return batch

    def _check(self, delivery: Message, item: Item | None) -> None:
        """The right message, as a fresh copy in the right state."""
        assert item is not None, f"{delivery}, where the model has nothing"
        sent = item.message
        assert (delivery.id, delivery.attempt, delivery.retry_count) == (
            sent.id,
            item.attempt,
            item.retries,
        )
        assert (delivery.priority, delivery.max_retries, delivery.ttl) == (
            sent.priority,
            sent.max_retries,
            sent.ttl,
        )
        assert (delivery.timestamp, delivery.status) == (item.sent, MessageStatus.PROCESSING)
        assert delivery.receipt not in self._turns and "scribble" not in delivery.headers
        delivery.headers["scribble"] = "a delivery's headers are its own"
        self._turns[delivery.receipt] = item.number, item.turn
        self.held.append(delivery)
        self.past.append(delivery)

    def settle_held(self, which: int, call: str, argument: Any) -> None:
        """One of the deliveries that nobody has settled yet; its lease may be lost."""
        if self.held:
            delivery = self.held[which % len(self.held)]
            if call != "extend":
                self.held.remove(delivery)
            self.settle(delivery, self._turns[delivery.receipt], call, argument)

    def settle_past(self, which: int, call: str) -> None:
        """Any delivery there ever was, as a processor settles it."""
        if self.past:
            delivery = self.past[which % len(self.past)]
            self.settle(
                delivery, self._turns[delivery.receipt], call, None, outcome=Outcome(KIND[call])
            )

    def settle_by_id(self, message_id: str, call: str) -> None:
        self.settle(message_id, message_id, call, None)

    def settle_made_up(self, message_id: str, call: str) -> None:
        """A message of this id that was never delivered."""
        self.settle(Message(id=message_id), (0, 0), call, None)

    def settle(
        self,
        delivery: Any,
        which: tuple[int, int] | str,
        call: str,
        argument: Any,
        outcome: Outcome | None = None,
    ) -> None:
        calls: dict[str, Callable[[], bool]] = {
            "ack": lambda: self.queue.ack(delivery),
            "nack": lambda: self.queue.nack(delivery, reason=argument),
            "reject": lambda: self.queue.nack(delivery, False, reason=argument),
            "release": lambda: self.queue.release(delivery, delay=argument or 0),
            "extend": lambda: self.queue.extend(delivery, argument),
        }
        answer = calls[call]() if outcome is None else self.queue.settle(delivery, outcome)
        until = self._pass_time()
        item = self.model.holder(which)
        assert answer == (item is not None), f"{call} answered {answer}"
        if item is not None:
            self.model.settle(item, call, argument)
            assert not isinstance(delivery, Message) or delivery.status is STATUS.get(
                call, delivery.status
            )
        self._follow(until)

    def advance(self, seconds: float) -> None:
        self.sim.sleep(seconds)
        self._follow(self._pass_time())

    def redrive(self, ids: str, limit: int | None) -> None:
        """Dead letters of these ids, at most `limit`; without ids, any."""
        count = self.queue.redrive((lambda letter: letter.id in ids) if ids else None, limit=limit)
        until = self._pass_time()
        assert count == self.model.redrive(ids, limit)
        self._follow(until)

    def discard(self, ids: str, limit: int | None) -> None:
        """Dead letters of these ids, at most `limit`; without ids, any."""
        select = (lambda letter: letter.id in ids) if ids else None
        count = self.queue.discard_dead_letters(select, limit=limit)
        until = self._pass_time()
        assert count == self.model.discard(ids, limit)
        self._follow(until)

    def purge(self) -> None:
        count = self.queue.purge()
        until = self._pass_time()
        assert count == self.model.purge()
        self._follow(until)

    def wake(self) -> None:
        """Everybody looks again, and nothing changes."""
        self.queue.wake()
        assert self.queue.receive(cancelled=lambda: True) is None
        self._follow(self._pass_time())

    def _compare(self) -> None:
        queue, model = self.queue, self.model
        news = [
            (record.time, record.event, record.entry) for record in self.trace.records[self._read :]
        ]
        assert news == model.log
        self._read, model.log = len(self.trace.records), []
        held = Counter(item.place for item in model.items)
        assert (queue.size(), queue.get_in_flight_count()) == (model.size(), held["in flight"])
        letters = queue.get_dead_letter_messages()
        told = [
            (
                each.id,
                each.status,
                each.headers["dead_letter_reason"],
                each.headers.get("dead_letter_error"),
            )
            for each in letters
        ]
        assert told == [
            (item.message.id, MessageStatus.DEAD_LETTER, item.reason, item.error)
            for item in model.dead
        ]
        waiting = [number for number, _, _, place in queue.entries() if place == "waiting"]
        assert waiting == [item.number for item in model.at("waiting")]
        books = self.trace.balance()
        assert {name: getattr(books, name) for name in model.counts} == model.counts
        assert (books.waiting, books.delayed, books.in_flight, books.dead) == tuple(
            held[place] for place in ("waiting", "delayed", "in flight", "dead")
        )
