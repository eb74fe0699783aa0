"""Fifty thousand messages on real threads, with everything that goes wrong: each has one end, and
every count is exact.

What becomes of a message is in its id, so the expected sets are known beforehand. Nothing here
waits for ever: every wait has a deadline, and threads that would outlive it are daemons.
"""

from __future__ import annotations

import threading
import time
from collections import Counter

from mqlearn import (
    InMemoryMessageQueue,
    Message,
    MessageProcessor,
    Reject,
    Release,
    ThreadRuntime,
    Trace,
    WorkerCrash,
)

PRODUCERS = CONSUMERS = 8
EACH = 6250  # messages a producer
DEADLINE = 60.0  # seconds after which the test has failed; it takes a few
LEASE = 1.0  # seconds
# in a thousand
FATES = {"crashes": 10, "poison": 20, "rejected": 10, "unroutable": 10, "flaky": 50, "later": 20}


def fate(number: int) -> str:
    """What will happen to message `number` of a producer; crashes only early, or the last lease
    would be waited for.
    """
    left = number * 7919 % 1000
    for name, share in FATES.items():
        if left < share:
            return name if name != "crashes" or number < EACH // 2 else "fine"
        left -= share
    return "fine"


class Shop:
    """The queue, its producers, a handler that does what the id says, and a meddler in every
    worker.
    """

    def __init__(self) -> None:
        self.runtime = ThreadRuntime(seed=1)
        self.trace = Trace()
        self.queue = InMemoryMessageQueue(
            2000, visibility_timeout=LEASE, on_full="block", runtime=self.runtime, trace=self.trace
        )
        self.processor = MessageProcessor(self.queue, restart_after=0.001)
        self.processor.register_processor("order", self.handle)
        self.deadline = time.monotonic() + DEADLINE
        self.mine = threading.local()  # what this worker settled last
        self.wrongly_accepted: list[tuple[str, Message]] = []
        self.meddled = Counter[str]()
        self.attempts: dict[str, Message] = {}
        self.guard = threading.Lock()

    def left(self) -> float:
        return max(self.deadline - time.monotonic(), 0.0)

    def produce(self, producer: int) -> None:
        for number in range(EACH):
            kind = fate(number)
            message = Message(
                id=f"{kind}-{producer}-{number}",
                max_retries=1 if kind == "poison" else 30,
                headers={"type": "nobody" if kind == "unroutable" else "order"},
            )
            assert self.queue.send(message, timeout=self.left()), "no room before the deadline"

    def handle(self, message: Message) -> bool:
        self.meddle(message)
        kind = message.id.split("-")[0]
        if kind == "rejected":
            raise Reject("no such order")
        if message.attempt == 1 and kind == "crashes":
            self.mine.settled = None  # this lease still runs
            raise WorkerCrash
        if message.attempt == 1 and kind == "later":
            raise Release(0.01)
        return kind != "poison" and not (kind == "flaky" and message.attempt == 1)

    def meddle(self, message: Message) -> None:
        """Settle again what this worker has settled before, and an earlier delivery of this very
        message.
        """
        stale = [getattr(self.mine, "settled", None)] if message.receipt % 10 == 0 else []
        with self.guard:
            stale.append(self.attempts.pop(message.id, None))
            self.attempts[message.id] = message
        self.mine.settled = message
        for delivery in stale:
            if delivery is not None:
                self.try_to_settle(delivery)

    def try_to_settle(self, delivery: Message) -> None:
        for call, answer in (
            ("ack", self.queue.ack(delivery)),
            ("nack", self.queue.nack(delivery)),
        ):
            with self.guard:
                self.meddled[call] += 1
                if answer:
                    self.wrongly_accepted.append((call, delivery))

    def finished(self) -> bool:
        """Whether nothing is left to do; counted at one instant, since a message may be moving."""
        census = self.queue.census()
        return census["waiting"] == census["delayed"] == census["in flight"] == 0


def test_fifty_thousand_messages_with_crashes_and_stale_settles_each_end_once() -> None:
    """Eight producers and eight consumers: completed or dead exactly once, metrics and trace agree
    to the last one.
    """
    shop = Shop()
    producers = [
        shop.runtime.spawn(shop.produce, i, name=f"producer-{i}") for i in range(PRODUCERS)
    ]
    shop.processor.start_workers(CONSUMERS)
    for producer in producers:
        producer.join(timeout=shop.left())
        assert not producer.is_alive(), "a producer is stuck"
    settled = shop.runtime.condition()
    while not shop.finished():
        assert shop.left(), f"not finished: {shop.queue.census()}"
        with settled:
            settled.wait(0.01)
    stopping = shop.runtime.spawn(shop.processor.stop_workers)
    stopping.join(timeout=shop.left())
    assert not stopping.is_alive(), "a worker does not stop"
    check(shop)


def check(shop: Shop) -> None:
    """Nothing lost, nothing twice, no counter off by one."""
    events = Counter(record.event for record in shop.trace.records)
    ended = Counter(
        record.entry for record in shop.trace.records if record.event in ("acked", "dead")
    )
    assert set(ended) == set(range(1, PRODUCERS * EACH + 1)), "an entry has no end"
    assert set(ended.values()) == {1}, "an entry has two ends"

    wanted = Counter(fate(number) for number in range(EACH))
    dead = Counter(letter.id.split("-")[0] for letter in shop.queue.get_dead_letter_messages())
    done = Counter(
        record.message_id.split("-")[0] for record in shop.trace.records if record.event == "acked"
    )
    die = ("poison", "rejected", "unroutable")
    assert dead == {kind: PRODUCERS * wanted[kind] for kind in die}
    assert done == {kind: PRODUCERS * wanted[kind] for kind in wanted if kind not in die}

    books = shop.trace.balance()
    assert (books.accepted, books.completed, books.dead) == (
        PRODUCERS * EACH,
        sum(done.values()),
        sum(dead.values()),
    )
    assert (books.waiting, books.delayed, books.in_flight, books.rejected) == (0, 0, 0, 0)

    by_workers = Counter(
        record.event for record in shop.trace.records if record.worker.startswith("worker-")
    )
    failed = by_workers["nacked"] + by_workers["dead"]
    assert shop.processor.metrics == {
        "processed": by_workers["acked"],
        "failed": failed,
        "retried": by_workers["nacked"],
    }
    assert events["started"] == events["finished"] == events["received"]
    crashed = sum(
        record.detail == "crashed" for record in shop.trace.records if record.event == "finished"
    )
    assert crashed == PRODUCERS * wanted["crashes"] > 100
    assert shop.wrongly_accepted == []
    assert events["stale"] >= sum(shop.meddled.values()) > 5000
