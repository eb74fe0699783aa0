"""Exercise 10.3: from the outbox to the broker, though the relay may die at any step. Graded by
chaos.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from typing import Any, ClassVar

from mqlearn.runtime.base import WorkerCrash
from mqlearn.runtime.trace import Trace
from mqlearn.streaming.event import StreamEvent
from mqlearn.study.exercise import (
    SEEDS,
    Answer,
    Mistake,
    RunawayAnswer,
    call_answer,
    grade,
    short_repr,
)
from mqlearn.study.run import Run
from mqlearn.study.verdict import Verdict

ORDERS, TRANSACTIONS = 4, 40
CRASHES, ROLLED_BACK = 0.06, 0.1
CALLS = 200  # of the function while transactions go on; then ten without any crash
STEPS = 5000  # calls of outbox and broker in one seed, after which an answer goes on for ever


def check_relay(relay: Callable[[Any, Callable[[StreamEvent], None]], object]) -> Verdict:
    """Whether `relay(outbox, publish)` publishes every committed event, wherever it dies.

    `outbox.pending()` is a list of (id, event), oldest id first, of what is committed and not
    removed; `outbox.remove(id)` takes one out. `publish(event)` hands an event to the broker.
    `relay` is called again and again, also after it died, and each time is to bring over what is
    there.

    In 100 seeds, 40 transactions on four orders run meanwhile. Each gets its id when it begins and
    commits some steps later, so a smaller id may appear after a larger one (not within one order:
    its transactions wait for each other); a tenth are rolled back. The relay dies before or after
    any of its three calls in 6 % of all cases. Every committed event must be published, each
    order's for the first time in their order, with at most one repetition for each death, and the
    outbox must be empty in the end.
    """
    seen = [0, 0]
    return grade(
        lambda fn, seed: mistakes(fn, seed, seen=seen),
        relay,
        lambda: (
            f"{len(SEEDS)} seeds, {seen[0]:,} committed events, {seen[1]:,} deaths: every event "
            "was "
            "published, in order, "
            f"at most one again for each death"
        ),
    )


def mistakes(
    relay: Callable[..., Any], seed: int, *, seen: list[int] | None = None
) -> Iterator[Mistake]:
    """What was wrong with what the broker got in this seed."""
    shop = Shop(seed)
    try:
        answers = shop.run(relay)
    except RunawayAnswer:
        yield Mistake(
            f"it is still going on after {STEPS} steps", "bring over what is there, and return"
        )
        return
    if seen is not None:
        seen[0] += len(shop.committed)
        seen[1] += shop.deaths
    error = next(
        (a for a in answers if a.error is not None and not isinstance(a.error, WorkerCrash)), None
    )
    if error is not None:
        yield Mistake(f"{error}", "outbox.pending() gives pairs of an id and an event")
        return
    if not shop.published:
        yield Mistake(
            f"nothing was published; {answers[0]}", "publish each event of outbox.pending()"
        )
        return
    for fault in _wrong(shop):
        yield Mistake(fault.said, fault.hint, partial(_replayed, shop, fault.said))


def _replayed(shop: Shop, said: str) -> Run:
    """The history as a queue's: waiting in the outbox, in flight from its publication to its
    removal.
    """
    totals: dict[str, float] = {
        "committed": len(shop.committed),
        "published": len(shop.published),
        "deaths": shop.deaths,
        "left": len(shop.outbox),
    }
    return Run(shop, shop.seed, shop.trace, float(shop.steps), totals, said)


def _wrong(shop: Shop) -> Iterator[Mistake]:
    names = [event.event_id for event in shop.published]
    published = set(names)
    lost = next((name for name in shop.committed if name not in published), None)
    if lost is not None:
        gone = shop.committed[lost] not in shop.outbox
        yield Mistake(
            f"{lost} was committed and never published; it is "
            f"{'no longer' if gone else 'still'} in the outbox",
            "who removed it had not published it: a memory of former calls is of another life"
            if lost in shop.skipped
            else "what if it dies between removing an event and publishing it?"
            if gone
            else "ids are given out before transactions commit: a smaller one may appear later",
        )
    first = list(dict.fromkeys(names))
    for order in range(1, ORDERS + 1):
        own = [int(name.split("/")[1]) for name in first if name.startswith(f"order-{order}/")]
        if own != sorted(own):
            late = next(b for a, b in pairwise(own) if b < a)
            yield Mistake(
                f"order-{order}/{late} was published after later events of that order",
                "oldest first, and no event before the one ahead of it is published",
            )
            break
    repeated = len(names) - len(first)
    if repeated > shop.deaths:
        yield Mistake(
            f"{repeated} repetitions after {shop.deaths} deaths",
            "remove each as soon as it is published",
        )
    if shop.outbox and lost is None:
        yield Mistake(
            f"{len(shop.outbox)} events are still in the outbox",
            "what is published must be removed",
        )


class Shop:
    """Transactions that commit while the relay runs, and what the broker got. Each step of the
    relay takes time.
    """

    REPLAYS: ClassVar[tuple[str, ...]] = ("journeys", "depth")

    def __init__(self, seed: int) -> None:
        self.seed, self.rng, self.trace = seed, random.Random(f"outbox {seed}"), Trace()
        self.tries = Counter[str]()
        self.begun = self.steps = self.deaths = 0
        self.open: dict[str, tuple[int, StreamEvent]] = {}  # the one open transaction of each order
        self.outbox: dict[int, StreamEvent] = {}
        self.committed: dict[str, int] = {}
        self.versions = dict.fromkeys((f"order-{n}" for n in range(1, ORDERS + 1)), 0)
        self.published: list[StreamEvent] = []
        self.skipped: set[str] = set()  # removed unpublished by a relay that went on
        self.calm = False

    def run(self, relay: Callable[..., Any]) -> list[Answer]:
        """Call the function until all transactions have ended, then a few times more without any
        death.
        """
        answers = []
        for number in range(CALLS):
            self.calm = number >= CALLS - 10
            if self.calm:
                while self.open or self.begun < TRANSACTIONS:
                    self.tick()
            worker = Worker(self)
            answers.append(call_answer(relay, Outbox(worker), worker.publish))
            worker.end()
            if answers[-1].error is not None and not isinstance(answers[-1].error, WorkerCrash):
                break  # a mistake, not a death: it would be made again
            self.tick()
            if (
                number < CALLS - 11
                and self.begun == TRANSACTIONS
                and not self.open
                and not self.outbox
            ):
                break
        return answers

    def tick(self) -> None:
        """One transaction begins, or one ends; or nothing happens."""
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
        """Add a record of an event that was committed; a step is a second."""
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


class Worker:
    """One life of the relay: it ends at the first death, whatever the function catches."""

    def __init__(self, shop: Shop) -> None:
        self.shop, self.dead = shop, False
        self.published: dict[int, StreamEvent] = {}  # and not removed
        self.removed: dict[int, StreamEvent] = {}  # and not published

    def step(self) -> None:
        """Let time pass; perhaps die here."""
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
        """What was published and not removed is waiting again; what was removed and not published
        is lost.
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
            shop.skipped.update(event.event_id for event in self.removed.values())
        self.step()


class Outbox:
    """What the function may call."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def pending(self) -> list[tuple[int, StreamEvent]]:
        """What is committed and not removed, oldest id first."""
        self._worker.step()
        found = sorted(self._worker.shop.outbox.items())
        self._worker.step()
        return found

    def remove(self, entry: int) -> bool:
        """Take one out; False if it was not there."""
        if type(entry) is not int:
            raise TypeError(f"remove takes an id, got {short_repr(entry)}")
        self._worker.step()
        worker = self._worker
        event = worker.shop.outbox.pop(entry, None)
        if event is not None and entry in worker.published:
            del worker.published[entry]
            worker.shop.note("acked", event)
        elif event is not None:
            worker.removed[entry] = event
            worker.shop.note("received", event)
        worker.step()
        return event is not None
