"""The simulated shop of exercise 10.3: transactions write to an outbox, while a relay runs and
sometimes crashes.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

from mqlearn.runtime.base import WorkerCrash
from mqlearn.runtime.trace import Trace
from mqlearn.streaming.event import StreamEvent
from mqlearn.study.exercise import Answer, RunawayAnswer, call_answer, short_repr

ORDERS, TRANSACTIONS = 4, 40
# The share of the relay's steps that crash, and of the transactions that are rolled back.
CRASHES, ROLLED_BACK = 0.06, 0.1
CALLS = 200  # calls of the relay in one seed, at most
CALM = 10  # the last calls: all transactions have ended and nothing crashes, so it can finish
STEPS = 5000  # calls of outbox and broker in one seed; an answer that needs more has no end


class ShopDatabase:
    """Transactions that commit while the relay runs, their outbox, and the events that the broker
    got.

    Time is counted in steps of the relay. In each step a transaction may begin or end.
    """

    def __init__(self, seed: int) -> None:
        self.seed, self.rng, self.trace = seed, random.Random(f"outbox {seed}"), Trace()
        self.answers: list[Answer] = []
        self.endless = False  # True if an answer was ended after 5000 steps
        self.tries = Counter[str]()
        self.begun = self.steps = self.deaths = 0
        self.open: dict[str, tuple[int, StreamEvent]] = {}  # the one open transaction of each order
        self.outbox: dict[int, StreamEvent] = {}
        self.committed: dict[str, int] = {}  # by event id: the number of its entry in the outbox
        self.versions = dict.fromkeys((f"order-{n}" for n in range(1, ORDERS + 1)), 0)
        self.published: list[StreamEvent] = []
        # Removed without being published, by a relay that did not crash in between.
        self.skipped: set[str] = set()
        self.calm = False

    def run(self, relay: Callable[..., Any]) -> None:
        """Call the relay until all transactions have ended and the outbox is empty. If that does
        not happen, the last calls are without any crash.
        """
        try:
            for number in range(CALLS):
                self._call(relay, calm=number >= CALLS - CALM)
                if self.error is not None:
                    break  # an error of the answer itself: the next call would raise it again
                self.tick()
                if self._all_done and number < CALLS - CALM - 1:
                    break
        except RunawayAnswer:
            self.endless = True

    def _call(self, relay: Callable[..., Any], *, calm: bool) -> None:
        self.calm = calm
        # In the calm end all transactions are over, so an answer can empty the outbox.
        while calm and not self._all_ended:
            self.tick()
        process = RelayProcess(self)
        self.answers.append(call_answer(relay, Outbox(process), process.publish))
        process.end()

    @property
    def error(self) -> BaseException | None:
        """The exception that the last call raised; None if that was only a crash of the relay."""
        error = self.answers[-1].error
        return None if isinstance(error, WorkerCrash) else error

    @property
    def _all_ended(self) -> bool:
        return self.begun == TRANSACTIONS and not self.open

    @property
    def _all_done(self) -> bool:
        return self._all_ended and not self.outbox

    def tick(self) -> None:
        """Begin a transaction, or end one, or do neither, at random."""
        # An entry gets its number when the transaction begins, and is visible only when it commits:
        # so a smaller number can appear after a larger one.
        name = self.rng.choice(list(self.versions))
        if name not in self.open and self.begun < TRANSACTIONS:
            self.begun += 1
            event = StreamEvent(
                "orders", f"{name}/{self.versions[name] + 1}", "order_changed", partition_key=name
            )
            self.open[name] = self.begun, event
        elif name in self.open and self.rng.random() < 0.4:
            entry, event = self.open.pop(name)
            if self.rng.random() >= ROLLED_BACK:
                self.versions[name] += 1
                self.outbox[entry] = event
                self.committed[event.event_id] = entry
                self.note("sent", event)

    def note(self, what: str, event: StreamEvent, detail: object = None) -> None:
        """Add a record of a committed event, with one step as one second."""
        self.tries[event.event_id] += what == "received"
        entry, tried = self.committed[event.event_id], self.tries[event.event_id]
        self.trace.note(
            float(self.steps),
            what,
            "outbox",
            entry=entry,
            message_id=event.event_id,
            priority="NORMAL",
            attempt=tried,
            worker="relay",
            receipt=1000 * entry + tried,
            detail=detail,
        )


class RelayProcess:
    """One process of the relay. It ends at its first crash, also if the function catches the
    exception.
    """

    def __init__(self, shop: ShopDatabase) -> None:
        self.shop, self.dead = shop, False
        self.published: dict[int, StreamEvent] = {}  # published, and not yet removed
        self.removed: dict[int, StreamEvent] = {}  # removed, and not yet published

    def step(self) -> None:
        """Let one step of time pass, and crash in 6 % of the steps. A dead process raises each
        time.
        """
        shop = self.shop
        shop.steps += 1
        if shop.steps > STEPS:
            raise RunawayAnswer
        shop.tick()
        if not self.dead and not shop.calm and shop.rng.random() < CRASHES:
            self.dead = True
            shop.deaths += 1
        if self.dead:
            self.end()
            raise WorkerCrash("the relay died")

    def end(self) -> None:
        """End the process. An event that it published and did not remove waits in the outbox again;
        an event that it removed and did not publish is lost.
        """
        for event in self.published.values():
            self.shop.note("lease_lost", event)
        for event in self.removed.values():
            self.shop.note("dead", event, "not published")
            if not self.dead:
                self.shop.skipped.add(event.event_id)
        self.published.clear()
        self.removed.clear()

    def publish(self, event: StreamEvent) -> None:
        """Hand an event to the broker."""
        if not isinstance(event, StreamEvent):
            raise TypeError(f"publish takes an event, got {short_repr(event)}")
        self.step()
        shop, entry = self.shop, self.shop.committed.get(event.event_id, 0)
        shop.published.append(event)
        if entry in self.removed:
            del self.removed[entry]
            shop.note("acked", event)
        elif entry in shop.outbox and entry not in self.published:
            self.published[entry] = event
            shop.note("received", event)
            # It publishes another event while some are removed: these were left out, not lost in
            # a crash, and get another hint.
            shop.skipped.update(event.event_id for event in self.removed.values())
        self.step()


class Outbox:
    """The outbox with the two methods that the relay may call; each of them may crash."""

    def __init__(self, process: RelayProcess) -> None:
        self._process = process

    def pending(self) -> list[tuple[int, StreamEvent]]:
        """Return the ids and events that are committed and not removed, oldest id first."""
        self._process.step()
        found = sorted(self._process.shop.outbox.items())
        self._process.step()
        return found

    def remove(self, entry: int) -> bool:
        """Remove the event with this id; return False if it was not there."""
        # True is an int as well, and would remove the entry 1.
        if type(entry) is not int:
            raise TypeError(f"remove takes an id, got {short_repr(entry)}")
        process = self._process
        process.step()
        event = process.shop.outbox.pop(entry, None)
        if event is not None and entry in process.published:
            del process.published[entry]
            process.shop.note("acked", event)
        elif event is not None:
            process.removed[entry] = event
            process.shop.note("received", event)
        process.step()
        return event is not None
