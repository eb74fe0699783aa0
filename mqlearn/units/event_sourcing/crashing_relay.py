"""The simulated shop of exercise 10.3: transactions that write to an outbox while a relay runs and
crashes.
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
CRASHES, ROLLED_BACK = 0.06, 0.1  # shares: of the steps of the relay, of the transactions
CALLS = 200  # of the function; in the last ten all transactions have ended and nothing crashes
CALM = 10
STEPS = 5000  # calls of outbox and broker in one seed; an answer that needs more has no end


class ShopDatabase:
    """Transactions that commit while the relay runs, their outbox, and what the broker got.

    Time is counted in steps of the relay: with each of them transactions go on.
    """

    def __init__(self, seed: int) -> None:
        self.seed, self.rng, self.trace = seed, random.Random(f"outbox {seed}"), Trace()
        self.answers: list[Answer] = []
        self.endless = False  # True if an answer was ended after 5000 steps
        self.tries = Counter[str]()
        self.begun = self.steps = self.deaths = 0
        self.open: dict[str, tuple[int, StreamEvent]] = {}  # the one open transaction of each order
        self.outbox: dict[int, StreamEvent] = {}
        self.committed: dict[str, int] = {}
        self.versions = dict.fromkeys((f"order-{n}" for n in range(1, ORDERS + 1)), 0)
        self.published: list[StreamEvent] = []
        self.skipped: set[str] = set()  # removed unpublished by a relay that went on
        self.calm = False

    def run(self, relay: Callable[..., Any]) -> None:
        """Call the relay until all transactions have ended, then a few times more without any
        crash.
        """
        try:
            for number in range(CALLS):
                self._call(relay, calm=number >= CALLS - CALM)
                if self.error is not None:
                    break  # a mistake, not a crash: it would be made again
                self.tick()
                if self._all_done and number < CALLS - CALM - 1:
                    break
        except RunawayAnswer:
            self.endless = True

    def _call(self, relay: Callable[..., Any], *, calm: bool) -> None:
        self.calm = calm
        while calm and not self._all_ended:
            self.tick()
        process = RelayProcess(self)
        self.answers.append(call_answer(relay, Outbox(process), process.publish))
        process.end()

    @property
    def error(self) -> Exception | None:
        """The error of the last call; None for a crash of the relay."""
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


class RelayProcess:
    """One process of the relay: it ends at the first crash, whatever the function catches."""

    def __init__(self, shop: ShopDatabase) -> None:
        self.shop, self.dead = shop, False
        self.published: dict[int, StreamEvent] = {}  # published, and not yet removed
        self.removed: dict[int, StreamEvent] = {}  # removed, and not yet published

    def step(self) -> None:
        """Let time pass, and crash in 6 % of the steps."""
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
        """End the process: an event published and not removed waits again, one removed and not
        published is lost.
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
    """The outbox as the relay sees it."""

    def __init__(self, process: RelayProcess) -> None:
        self._process = process

    def pending(self) -> list[tuple[int, StreamEvent]]:
        """Return the ids and events that are committed and not removed, oldest id first."""
        self._process.step()
        found = sorted(self._process.shop.outbox.items())
        self._process.step()
        return found

    def remove(self, entry: int) -> bool:
        """Take one out; return False if it was not there."""
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
