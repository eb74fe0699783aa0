"""Unit 10: what was true at 14:05?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any, ClassVar

from mqlearn.messaging.queue import MessageQueue
from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.trace import Trace
from mqlearn.study.arrivals import poisson, regular
from mqlearn.study.changes import DAY, HOUR, OPEN, Change, a_day_of_flights, a_day_of_orders
from mqlearn.study.histories import HistoryStory
from mqlearn.study.run import Run
from mqlearn.study.scenarios.base import Scenario, let_pass, param
from mqlearn.study.shop import WRITERS, Shop

FLIGHTS = "flights"


@dataclass(frozen=True)
class OrderHistory(Scenario):
    """A day in a shop: each change of an order is written to the shop's database, and published as an event.

    These are two writes to two systems, and the process may die between them. Then the customer gets no answer, looks
    at the shop's page a minute later, and asks again if the change is not there. Every hour a board is asked how many
    orders are in which state; it knows only the events, and begins at its last snapshot.
    """

    TITLE: ClassVar[str] = "What was true at 14:05?"
    CHARTS: ClassVar[tuple[str, ...]] = ("histories", "torn", "folds")
    PREDICTS: ClassVar[str] = "torn"
    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        "dual write": {"crash": 0.1},
        "event first": {"crash": 0.1, "write": "event first"},
        "outbox": {"crash": 0.1, "write": "outbox"},
        "snapshots": {"crash": 0.0, "snapshot_every": 100},
        "the board at 18:00": {"arrivals": FLIGHTS, "hour": 18.0, "crash": 0.0},
    }

    hour: float = param(14.0, unit="h", low=0, high=24, step=0.25, group="load",
                        help="The time of the question: what was true then?")
    arrivals: str = param("poisson", group="load", choices=("poisson", "regular", FLIGHTS),
                          help="Orders at random, or like clockwork; or the flights of 2 December 2013.")
    orders: int = param(120, low=20, high=500, step=10, group="load",
                        help="Orders from 6:00 to 22:00, on average; most change five times.")
    crash: float = param(0.1, low=0, high=0.3, step=0.01, group="failures",
                         help="Share of changes at which a process dies between its two steps.")
    write: str = param("state first", group="policy", choices=tuple(WRITERS),
                       help="Two writes, in this order; or one transaction with an outbox, and a relay.")
    snapshot_every: int = param(0, unit="events", low=0, high=500, step=20, group="policy",
                                help="The board keeps its state once it has folded so many events; 0: never.")
    prediction: float | None = param(None, unit="changes", low=0, high=6000, group="load",
                                     help="How many changes will have no event, or two?")

    def plan(self, runtime: Runtime) -> list[Change]:
        """What will happen, one thing after another for each order or flight."""
        check.instance("runtime", runtime, Runtime)
        if self.arrivals == FLIGHTS:
            return a_day_of_flights("2013-12-02")
        rate, span = self.orders / OPEN, OPEN
        times = poisson(rate, span, runtime.draw) if self.arrivals == "poisson" else regular(rate, span)
        return a_day_of_orders(times, runtime.draw)

    def _observe(self, runtime: Runtime, queue: MessageQueue | None, seed: int) -> Run:
        if queue is not None:
            raise ValueError(f"queue must be None, since events are kept here, got {queue!r}")
        return self.watch(Shop(runtime, Trace(), WRITERS[self.write], self.crash), seed)

    def watch(self, shop: Shop, seed: int) -> Run:
        """The day in this shop."""
        runtime = shop.runtime
        for key, changes in groupby(self.plan(runtime), key=lambda change: change.key):
            runtime.spawn(shop.customer, list(changes), name=key)
        runtime.spawn(shop.relay, name="relay", daemon=True)
        runtime.spawn(shop.board, self.snapshot_every, name="board", daemon=True)
        let_pass(runtime, DAY)
        shop.trace.freeze()
        run = self.report(shop.trace, shop.true_at(shop.start + self.hour * HOUR), runtime.now, seed)
        shop.table.close()
        return run

    def report(self, trace: Trace, then: Mapping[str, int], until: float, seed: int) -> Run:
        """The run that a frozen trace tells of, until `until` (s); `then`: how many were in which state at the hour."""
        story = HistoryStory(trace.records)
        silent, again, count = len(story.silent), len(story.again), len(story.changes)
        totals: dict[str, float] = {"changes": count, "no event": silent, "two events": again,
                                    "repeated": story.repeated, "folded": story.folded[-1][1]}
        clock = f"{int(self.hour):02d}:{round(self.hour % 1 * 60):02d}"
        states = f"{clock}: {', '.join(f'{n:,} {state}' for state, n in then.items()) or 'nothing yet'}"
        torn = f"{silent:,} of {count:,} changes have no event, {again:,} have two"
        parts = [f"{states}.", f"{torn}."]
        if story.repeated:
            parts.append(f"{story.repeated:,} events came twice under one id, which a reader can skip.")
        if self.prediction is not None:
            parts.append(f"You said {self.prediction:,g}, it is {silent + again:,}.")
        return Run(self, seed, trace, until, totals, " ".join(parts), {}, torn if silent + again else states)
