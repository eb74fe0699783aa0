"""Unit 13, monitoring: which number tells us first?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from mqlearn.messaging.queue import MessageQueue
from mqlearn.messaging.retry import RetryPolicy
from mqlearn.messaging.sample import Sample
from mqlearn.messaging.sampler import QueueSampler
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.trace import Trace
from mqlearn.study.analysis.alerts import alert_spans
from mqlearn.study.analysis.signals import Watch
from mqlearn.study.run import Context, Run
from mqlearn.study.scenario import Scenario, observe, own_or_given, param
from mqlearn.study.words import format_count, format_number, format_seconds
from mqlearn.units.monitoring.alarms import (
    ALARMS,
    BUDGET,
    BURN_DONE,
    DEAD,
    DEPTH,
    ERRORS,
    GOAL,
    OLDEST,
)
from mqlearn.units.monitoring.outcome import Outcome, expected, outcome
from mqlearn.units.monitoring.shop import (
    DOWN,
    FAILURES,
    NONE,
    NOTHING,
    ONE_KIND,
    ONSET,
    PRODUCER,
    SLOW,
    UNTIL,
    WORKERS_GONE,
    Shop,
)

PERIOD = 30 * 86_400.0  # seconds that the error budget is for
# after "Paged … after", "when" and "before"
BEGAN = {
    WORKERS_GONE: "the workers went",
    SLOW: "the service became slow",
    DOWN: "the calls began to fail",
    ONE_KIND: "one kind of order began to fail",
    NOTHING: "the handlers stopped doing anything",
    PRODUCER: "the producer went down",
}
OVER = {
    WORKERS_GONE: "the workers had been back",
    SLOW: "the service had been fast again",
    DOWN: "the calls had been answered again",
    ONE_KIND: "all kinds had been done again",
    NOTHING: "the handlers had been working again",
    PRODUCER: "the producer had been back",
}


@dataclass(frozen=True)
class WatchedShop(Scenario):
    """A shop with one alarm. Orders wait in a queue for workers that charge them; after 15 calm
    minutes a failure begins, and lasts `lasts` seconds.

    An order takes 2.5 s on average, is tried again after 1, 2 and 4 s, and is to be done within
    60 s. One try in a hundred fails at any time, and one order in the calm is poisonous. A sampler
    looks at the queue every `every` seconds. The alarm fires when its number has been above the
    `threshold` for `hold` seconds. Handlers that do nothing are all handlers, and a producer that
    is down sends no order: `severity` changes neither.
    """

    TITLE: ClassVar[str] = "Which number tells us first?"
    CHARTS: ClassVar[tuple[str, ...]] = ("signals", "budget", "latency")
    PREDICTS: ClassVar[str] = "signals"
    FIRST: ClassVar[tuple[str, ...]] = ("failure", "alarm", "threshold", "hold")
    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        "the Monday page": {"monday": 1.5},
        "the silent consumer": {"failure": NOTHING, "alarm": OLDEST, "threshold": 60.0},
        "paged when it was over": {
            "severity": 1.0,
            "lasts": 300.0,
            "alarm": BURN_DONE,
            "threshold": 14.4,
        },
        "thirty per cent fail": {"failure": DOWN, "severity": 0.3, "alarm": ERRORS},
        "one poison order": {"failure": NONE, "alarm": DEAD, "threshold": 0.0},
    }

    failure: str = param(
        WORKERS_GONE,
        group="failures",
        choices=FAILURES,
        help="What begins after 900 s.",
    )
    alarm: str = param(
        DEPTH,
        group="policy",
        choices=tuple(ALARMS),
        help="The number that the alarm is judged by.",
    )
    threshold: float = param(
        20.0,
        low=0,
        high=500,
        step=1,
        group="policy",
        help="Above it the alarm fires: orders, seconds, percent, or times the budget.",
    )
    hold: float = param(
        0.0,
        unit="s",
        low=0,
        high=300,
        step=10,
        group="policy",
        help="For so long it must be above the threshold; 0: the first look is enough.",
    )
    rate: float = param(
        2.0, unit="1/s", low=0.5, high=4, step=0.1, group="load", help="Orders per second."
    )
    monday: float = param(
        1.0,
        unit="×",
        low=1,
        high=2,
        step=0.05,
        group="load",
        help="So many times as many orders from 300 to 700 s.",
    )
    workers: int = param(8, low=2, high=16, group="workers", help="Workers that charge orders.")
    severity: float = param(
        0.6,
        low=0.1,
        high=1,
        step=0.05,
        group="failures",
        help="The share of workers that go, of tries or kinds that fail, of speed that is lost.",
    )
    lasts: float = param(
        600.0, unit="s", low=0, high=600, step=10, group="failures", help="How long it lasts."
    )
    every: float = param(
        10.0,
        unit="s",
        low=5,
        high=60,
        step=5,
        group="policy",
        help="The time from one look to the next.",
    )
    prediction: float | None = param(
        None,
        unit="s",
        low=0,
        high=600,
        group="load",
        help="How many seconds after the failure begins will the alarm page?",
    )

    @property
    def fails(self) -> bool:
        """True if a failure begins after 900 s."""
        return self.failure != NONE and self.lasts > 0

    def _simulate(self, runtime: Runtime, queue: MessageQueue | None, seed: int) -> Run:
        queue, trace = own_or_given(
            queue,
            runtime,
            max_size=100_000,
            visibility_timeout=None,
            retry=RetryPolicy(1.0, jitter="none"),
        )
        start = runtime.now
        shop = Shop(self, runtime, queue, trace)
        sampler = QueueSampler(
            queue,
            {self.alarm: ALARMS[self.alarm].make(self.threshold, self.hold)},
            every=self.every,
            goal=GOAL,
            charged=lambda: len(shop.ledger.effects),
            trace=trace,
        )
        sampler.start()
        shop.open()
        until = observe(runtime, trace, UNTIL)
        sampler.stop()
        run = self._report(trace, sampler, start, until, seed)
        shop.close()
        return run

    def _report(
        self, trace: Trace, sampler: QueueSampler, start: float, until: float, seed: int
    ) -> Run:
        last, books = sampler.look(), trace.balance()
        spans = [
            span._replace(start=span.start - start, end=span.end - start)
            for span in alert_spans(trace.records, until)
        ]
        found = outcome(spans, self.fails)
        totals: dict[str, float] = {
            "sent": books.accepted,
            "done": books.completed,
            "dead": books.dead,
            "charges": last.charged,
            "missed": last.missed,
            "false_pages": found.false,
        }
        if found.after is not None and not found.already:
            totals["paged_after_s"] = found.after
        theory = expected(self)
        parts = [self._paged(found, theory), self._harm(last)]
        answer = "already on" if found.already else "never"
        if "paged_after_s" in totals:
            answer = format_seconds(totals["paged_after_s"])
        parts += self._compare_prediction(answer, format_seconds)
        watch = Watch(
            tuple(sampler.samples),
            tuple(sampler.values[self.alarm]),
            self.threshold,
            ALARMS[self.alarm].compared,
            tuple((start + span.start, self.fails and span.start >= ONSET) for span in spans),
            allowed=self.rate * PERIOD * BUDGET,
            period=PERIOD,
        )
        outages = ((start + ONSET, min(start + ONSET + self.lasts, until)),) if self.fails else ()
        return Run(
            self,
            seed,
            trace,
            until,
            totals,
            " ".join(parts),
            {} if theory is None else {"page": theory[0]},
            self._headline(found),
            Context(outages, tables={"signals": watch}),
        )

    def _paged(self, found: Outcome, theory: tuple[float, str] | None) -> str:
        """Return the sentence about the pages."""
        calm = int((ONSET if self.fails else UNTIL) / 60)
        false = f"{format_count(found.false, 'false page') if found.false else 'no false page'}"
        false = f"{false} in {calm} calm minutes."
        if not self.fails:
            return f"No failure, and {false}"
        if found.already:
            return f"The alarm was on already when {BEGAN[self.failure]}; {false}"
        if found.after is None:
            return f"Never paged; {false}"
        if found.after > self.lasts:
            back = format_seconds(found.after - self.lasts)
            said = f"Paged at {format_seconds(found.after)}"
            return f"{said}; {OVER[self.failure]} for {back}; {false}"
        said = f"Paged {format_seconds(found.after)} after {BEGAN[self.failure]}"
        if theory is not None:
            said += f", theory {theory[1]} = {format_seconds(theory[0])}"
        return f"{said}; {false}"

    def _harm(self, last: Sample) -> str:
        """Return the sentence about what the customers felt, by the end of the run."""
        harm = f"{format_count(last.missed, 'order')} missed the goal of 60 s, {last.dead:,} died."
        if last.done == last.charged:
            return harm
        return f"{format_count(last.done - last.charged, 'order')} acked and never charged. {harm}"

    def _headline(self, found: Outcome) -> str:
        """Return the pages in a few words."""
        false = f"{format_number(found.false)} false" if found.false else "no false page"
        if not self.fails:
            return f"No failure, {false}"
        if found.already:
            return f"On before the failure, {false}"
        if found.after is None:
            return f"Never paged, {false}"
        return f"Paged after {format_seconds(found.after)}, {false}"
