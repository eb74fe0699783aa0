"""Unit 10: what was true at 14:05?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby
from typing import Any, ClassVar

from mqlearn.messaging.queue import MessageQueue
from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.simulation import Simulation
from mqlearn.runtime.trace import Trace
from mqlearn.study.analysis.histories import HistoryAnalysis
from mqlearn.study.arrivals import by_pattern
from mqlearn.study.changes import DAY, HOUR, OPEN, Change, a_day_of_flights, a_day_of_orders, clock
from mqlearn.study.run import Run
from mqlearn.study.scenario import Scenario, observe, param, refuse_queue
from mqlearn.study.words import format_count
from mqlearn.units.event_sourcing.shop import WRITERS, Day, Shop, summed

FLIGHTS = "flights"


@dataclass(frozen=True)
class OrderHistory(Scenario):
    """A day in a shop: each change of an order is written to the shop's database, and published as
    an event.

    These are two writes to two systems, and the process may die between them. Then the customer
    gets no answer, looks at the shop's page a minute later, and asks again if the page does not
    show the change. Every hour a board counts the orders in each state. It knows only the events,
    and folds them from its last snapshot on.
    """

    TITLE: ClassVar[str] = "What was true at 14:05?"
    CHARTS: ClassVar[tuple[str, ...]] = ("histories", "dual_writes", "folds")
    PREDICTS: ClassVar[str] = "dual_writes"
    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        "dual write": {"crash_rate": 0.1},
        "event first": {"crash_rate": 0.1, "write": "event first"},
        "outbox": {"crash_rate": 0.1, "write": "outbox"},
        "snapshots": {"crash_rate": 0.0, "snapshot_every": 100},
        "the board at 18:00": {"arrivals": FLIGHTS, "hour": 18.0, "crash_rate": 0.0},
    }

    hour: float = param(
        14.0,
        unit="h",
        low=0,
        high=24,
        step=0.25,
        group="load",
        help="The time of the question: what was true then?",
    )
    arrivals: str = param(
        "poisson",
        group="load",
        choices=("poisson", "regular", FLIGHTS),
        help="Orders at random, or like clockwork; or the flights of 2 December 2013.",
    )
    orders: int = param(
        120,
        low=20,
        high=500,
        step=10,
        group="load",
        help="Orders from 6:00 to 22:00, on average; most change five times.",
    )
    crash_rate: float = param(
        0.1,
        low=0,
        high=0.3,
        step=0.01,
        group="failures",
        help="Share of changes at which a process dies between its two steps.",
    )
    write: str = param(
        "state first",
        group="policy",
        choices=tuple(WRITERS),
        help="Two writes, in this order; or one transaction with an outbox, and a relay.",
    )
    snapshot_every: int = param(
        0,
        unit="events",
        low=0,
        high=500,
        step=20,
        group="policy",
        help="The board keeps its state once it has folded so many events; 0: never.",
    )
    prediction: float | None = param(
        None,
        unit="changes",
        low=0,
        high=6000,
        group="load",
        help="How many changes will have no event, or several?",
    )

    def run(
        self, seed: int = 0, *, runtime: Runtime | None = None, queue: MessageQueue | None = None
    ) -> Run:
        """Run it as any scenario. The last few days are kept: if only `hour` has changed, the same
        day is read at another hour and not simulated again.
        """
        if runtime is not None or queue is not None:
            return super().run(seed, runtime=runtime, queue=queue)
        seed = check.whole("seed", seed, low=-(2**63))
        return self.report(_simulated(replace(self, hour=0.0, prediction=None), seed), seed)

    def plan(self, runtime: Runtime) -> list[Change]:
        """Return all changes that will happen, in order of time for each order or flight."""
        check.instance("runtime", runtime, Runtime)
        if self.arrivals == FLIGHTS:
            return list(a_day_of_flights("2013-12-02"))
        times = by_pattern(self.arrivals, self.orders / OPEN, OPEN, runtime.draw)
        return a_day_of_orders(times, runtime.draw)

    def _simulate(self, runtime: Runtime, queue: MessageQueue | None, seed: int) -> Run:
        refuse_queue(queue, "events are kept here")
        return self.report(
            self.watch(Shop(runtime, Trace(), WRITERS[self.write], self.crash_rate)), seed
        )

    def watch(self, shop: Shop) -> Day:
        """Let the day pass in this shop, and return it."""
        runtime = shop.runtime
        for key, changes in groupby(self.plan(runtime), key=lambda change: change.key):
            runtime.spawn(shop.customer, list(changes), name=key)
        runtime.spawn(shop.relay, name="relay", daemon=True)
        runtime.spawn(shop.board, self.snapshot_every, name="board", daemon=True)
        observe(runtime, shop.trace, DAY)
        return shop.close()

    def report(self, day: Day, seed: int) -> Run:
        """Return the run of this day."""
        analysis = HistoryAnalysis(day.trace.records)
        silent, again, count = len(analysis.silent), len(analysis.again), len(analysis.changes)
        totals: dict[str, float] = {
            "changes": count,
            "no event": silent,
            "several": again,
            "repeated": analysis.repeated,
            "folded": sum(folded for _, folded in analysis.folded),
        }
        # What is missing among the events is missing in the answer too.
        asked = f"{clock(self.hour * HOUR)}{', by the events' if silent else ''}"
        states = f"{asked}: {summed(day.true_at(self.hour * HOUR)) or 'nothing yet'}"
        torn = (
            f"{silent:,} of {format_count(count, 'change')} {'has' if silent == 1 else 'have'} no "
            f"event, {again:,} {'has' if again == 1 else 'have'} several"
        )
        parts = [f"{states}.", f"{torn}."]
        if analysis.repeated:
            parts.append(
                f"{format_count(analysis.repeated, 'event')} came again under an id already known, "
                "which a reader can skip."
            )
        parts += self._compare_prediction(f"{silent + again:,}")
        return Run(
            self,
            seed,
            day.trace,
            day.until,
            totals,
            " ".join(parts),
            {},
            torn if silent + again else states,
        )


@lru_cache(maxsize=4)
def _simulated(scenario: OrderHistory, seed: int) -> Day:
    with Simulation(seed) as sim:
        return scenario.watch(Shop(sim, Trace(), WRITERS[scenario.write], scenario.crash_rate))
