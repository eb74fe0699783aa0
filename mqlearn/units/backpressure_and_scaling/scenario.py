"""Unit 12: what do we do when there is simply too much?"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from mqlearn.messaging.autoscaler import Autoscaler, ScalingRule
from mqlearn.messaging.memory import InMemoryMessageQueue
from mqlearn.messaging.message import Message
from mqlearn.messaging.newest_first import NewestFirstQueue
from mqlearn.messaging.percentile import percentile
from mqlearn.messaging.processor import MessageProcessor
from mqlearn.messaging.queue import MessageQueue
from mqlearn.messaging.scaling_rules import scale_by_depth, scale_by_flow
from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.trace import Trace
from mqlearn.study.analysis.goodput import (
    DROP,
    NEWEST,
    OLDEST,
    SHED,
    GoodputAnalysis,
    lost_in_outage,
    useful_bound,
)
from mqlearn.study.analysis.workers import WorkerLevels
from mqlearn.study.arrivals import poisson
from mqlearn.study.run import Context, Run
from mqlearn.study.scenario import Scenario, advance, observe, param, start_shop
from mqlearn.units.backpressure_and_scaling.standstill import Standstill
from mqlearn.units.backpressure_and_scaling.verdict import headline_of, verdict_of

NONE, OUTAGE, RUSH = "none", "outage", "rush"
DEPTH, FLOW = "depth", "flow"
EVERY = 15.0  # seconds between two looks of the scaler
MOST_WORKERS = 100


@dataclass(frozen=True)
class Rush(Scenario):
    """Orders at random, workers who take half a second each, and customers who leave after
    `patience` seconds; for a while there is too much.

    In an outage all workers stand still for `lasts` seconds; in a rush `size` times as many orders
    arrive. Orders come for `window` seconds. The run is observed for `patience` seconds more, so
    that each of them is either in time or lost.
    """

    TITLE: ClassVar[str] = "What if there is too much?"
    CHARTS: ClassVar[tuple[str, ...]] = ("depth", "goodput", "workers_over_time", "lost_orders")
    PREDICTS: ClassVar[str] = "lost_orders"
    FIRST: ClassVar[tuple[str, ...]] = ("trouble", "lasts", "limit", "policy")
    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        "the queue that remembered": {"trouble": OUTAGE, "lasts": 60.0},
        "Black Friday": {"trouble": RUSH, "size": 2.0, "lasts": 120.0},
        "on the edge": {"trouble": NONE, "rate": 14.0, "limit": 240},
        "the scaler that hunts": {
            "trouble": RUSH,
            "size": 3.0,
            "lasts": 120.0,
            "scaler": DEPTH,
        },
    }

    rate: float = param(
        10.0, unit="1/s", low=1, high=20, step=1, group="load", help="Orders per second."
    )
    trouble: str = param(
        OUTAGE,
        group="failures",
        choices=(NONE, OUTAGE, RUSH),
        help="What happens at 20 s: nothing, all workers stand still, or more orders come.",
    )
    size: float = param(
        2.0, unit="×", low=1, high=6, step=0.5, group="failures", help="How many times the rate."
    )
    lasts: float = param(
        60.0, unit="s", low=0, high=1200, step=10, group="failures", help="How long it lasts."
    )
    patience: float = param(
        20.0,
        unit="s",
        low=5,
        high=120,
        step=1,
        group="load",
        help="A customer leaves if the order is not done after so long.",
    )
    workers: int = param(
        6, low=1, high=40, group="workers", help="Workers, and the fewest that a scaler keeps."
    )
    scaler: str = param(
        NONE,
        group="workers",
        choices=(NONE, DEPTH, FLOW),
        help="Depth: one worker for 20 that wait. Flow: what arrives, and the backlog in 60 s.",
    )
    start_up: float = param(
        30.0,
        unit="s",
        low=0,
        high=120,
        step=5,
        group="workers",
        help="How long a new worker takes to start.",
    )
    limit: int = param(
        10_000,
        low=5,
        high=10_000,
        step=5,
        group="policy",
        help="How many orders may wait. A full queue refuses, or drops the oldest.",
    )
    policy: str = param(
        OLDEST,
        group="policy",
        choices=(OLDEST, NEWEST, SHED, DROP),
        help="Which order is served next; shed by age throws away those that would be late.",
    )
    window: float = param(300.0, unit="s", low=60, high=3600, group=None)
    starts: float = param(20.0, unit="s", low=0, high=3600, group=None)
    service: float = param(0.5, unit="s", low=0.05, high=10, group=None)
    times: str = param("constant", group=None, choices=("constant", "exponential"))
    prediction: float | None = param(
        None, unit="orders", low=0, high=200_000, group="load", help="How many orders are lost?"
    )

    @property
    def span(self) -> tuple[float, float] | None:
        """The time (from, to; s) of the trouble inside the window, or None without one."""
        end = min(self.starts + self.lasts, self.window)
        return None if self.trouble == NONE or end <= self.starts else (self.starts, end)

    @property
    def levels(self) -> list[tuple[float, float]]:
        """The orders per second over time: pairs of a time (s) and the rate from then on."""
        if self.trouble != RUSH or self.span is None:
            return [(0.0, self.rate)]
        begin, end = self.span
        return [(0.0, self.rate), (begin, self.rate * self.size), (end, self.rate)]

    def arrival_times(self, runtime: Runtime) -> list[float]:
        """The times at which orders come, in seconds since the start.

        Drawn at one order per tick; a tick is shorter where the rate is higher. So another rate or
        rush brings the same orders, closer together.
        """
        check.instance("runtime", runtime, Runtime)
        spans, begins = [], 0.0  # for each level: its first tick, its time and its rate
        ends = [*(time for time, _ in self.levels[1:]), self.window]
        for (time, rate), end in zip(self.levels, ends, strict=True):
            spans.append((begins, time, rate))
            begins += (end - time) * rate
        times, number = [], 0
        for tick in poisson(1.0, begins, runtime.draw):
            while number + 1 < len(spans) and tick > spans[number + 1][0]:
                number += 1
            first, time, rate = spans[number]
            times.append(time + (tick - first) / rate)
        return times

    def _make_queue(self, runtime: Runtime, trace: Trace) -> MessageQueue:
        """Return the package's queue for this policy."""
        kind = NewestFirstQueue if self.policy == NEWEST else InMemoryMessageQueue
        return kind(
            self.limit,
            on_full="drop_oldest" if self.policy == DROP else "reject",
            visibility_timeout=None,
            runtime=runtime,
            trace=trace,
            name="orders",
        )

    def _simulate(
        self,
        runtime: Runtime,
        queue: MessageQueue | None,
        seed: int,
        scale: Callable[[MessageProcessor], object] | None = None,
    ) -> Run:
        """Make one run; `scale(processor)` starts what scales the workers, by default the scaler
        that the field names.
        """
        given = queue is not None
        if queue is None:
            queue = self._make_queue(runtime, Trace())
        trace = Trace() if queue.trace is None else queue.trace
        start, door = runtime.now, queue
        if self.trouble == OUTAGE and self.span is not None:
            door = Standstill(queue, start + self.span[0], start + self.span[1])
        processor = MessageProcessor(door)
        processor.register_processor(
            "default", lambda message: runtime.sleep(self._takes(runtime, message.id))
        )
        processor.start_workers(self.workers)
        (self._scale if scale is None else scale)(processor)
        # A shed order would be late even if it were served at once.
        ttl = max(self.patience - self.service, 1e-3) if self.policy == SHED else 3600.0
        times = self.arrival_times(runtime)
        start_shop(runtime, queue, times, lambda number: Message(id=f"order-{number}", ttl=ttl))
        advance(runtime, self.window)
        waiting = queue.size()
        until = observe(runtime, trace, self.patience)
        if not given:  # one from a notebook's cell need not hold what its workers have in hand
            trace.balance()
        theory = self._theory(given, scale is not None or self.scaler != NONE)
        run = self._report(trace, waiting, until, theory, seed)
        processor.stop_workers()
        return run

    def _scale(self, processor: MessageProcessor) -> None:
        """Start the scaler; without one, say once how many workers there are."""
        if self.scaler == NONE:
            processor.scale_to(self.workers)
            return
        rule: ScalingRule = scale_by_depth(20) if self.scaler == DEPTH else scale_by_flow()
        Autoscaler(
            processor,
            rule,
            every=EVERY,
            start_up=self.start_up,
            limits=(self.workers, MOST_WORKERS),
        ).start()

    def _takes(self, runtime: Runtime, order: str) -> float:
        """The seconds that an order takes, by its id."""
        if self.times == "constant":
            return self.service
        return -math.log1p(-runtime.draw("service", order)) * self.service

    def _report(
        self, trace: Trace, waiting: int, until: float, theory: dict[str, Any], seed: int
    ) -> Run:
        found = GoodputAnalysis(trace.records, until, self.patience)
        workers = WorkerLevels(trace.records)
        totals: dict[str, float] = {
            "orders": found.orders,
            "in_time": len(found.in_time),
            "in_vain": len(found.in_vain),
            "turned_away": len(found.turned_away),
            "lost": found.lost,
            "waiting": waiting,
            "p95_wait_s": percentile(sorted(found.waits), 95) if found.waits else math.nan,
            "longest_s": max(found.waits, default=math.nan),
            "peak": workers.peak,
            "worker_min": workers.seconds(until) / 60,
        }
        context = Context(
            outages=(self.span,) if self.trouble == OUTAGE and self.span else (),
            trouble="stand still",
            troubled="workers",
            patience=self.patience,
            window=self.window,
        )
        words = verdict_of(self, found, workers.peak, theory)
        words += self._compare_prediction(f"{found.lost:,}")
        return Run(
            self, seed, trace, until, totals, " ".join(words), theory, headline_of(found), context
        )

    def _theory(self, given: bool, scaled: bool) -> dict[str, Any]:
        """Return what arithmetic expects; nothing is known of the order of service of a `given`
        queue, and a pool that is scaled has no fixed capacity.
        """
        capacity = self.workers / self.service
        theory: dict[str, Any] = {
            "capacity": capacity,
            "servers": self.workers,
            "per_worker": 1.0 / self.service,
            "needed": [(time, rate * self.service) for time, rate in self.levels],
        }
        if scaled:
            return theory
        theory["useful"] = useful_bound(self.workers, self.service, self.patience)
        unlimited = self.limit >= 1.5 * self.rate * self.lasts
        if self.trouble == OUTAGE and self.span and unlimited and not given:
            lost = lost_in_outage(
                self.policy,
                self.rate,
                capacity,
                lasts=self.lasts,
                wait=max(0.0, self.patience - self.service),
                window=self.window - self.starts,
            )
            theory |= {} if lost is None else {"lost": lost}
        return theory
