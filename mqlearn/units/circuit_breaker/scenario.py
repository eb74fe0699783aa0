"""Unit 05: when should we stop trying?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from mqlearn.messaging.breaker import OPEN, CircuitBreaker
from mqlearn.messaging.breaker_processor import CircuitBreakerMessageProcessor
from mqlearn.messaging.failure_rate import FailureRate
from mqlearn.messaging.message import Message
from mqlearn.messaging.processor import MessageProcessor
from mqlearn.messaging.queue import MessageQueue
from mqlearn.messaging.retry import RetryPolicy
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.trace import Trace
from mqlearn.study.analysis.breakers import BreakerAnalysis, drain_time
from mqlearn.study.analysis.loads import tries_per_order
from mqlearn.study.arrivals import poisson
from mqlearn.study.run import Context, Run
from mqlearn.study.scenario import Scenario, observe, own_or_given, param, start_shop
from mqlearn.study.words import format_share
from mqlearn.units.circuit_breaker.card_service import DOWN, SLOW, Call, CardService
from mqlearn.units.circuit_breaker.waiting import Waiting, aftermath

LONGEST = 300.0  # seconds that can be observed
FASTEST = 10.0  # orders per second
NONE, ROW, RATE = "none", "in a row", "rate"

# It starts the workers, and returns the function that stops them.
Staff = Callable[[MessageQueue, Trace, Call], Callable[[], object]]


@dataclass(frozen=True)
class GuardedCalls(Scenario):
    """Orders wait in a queue for a pool of workers that call a card service; a breaker guards the
    calls.

    A call takes `call_time` seconds on average, from half to one and a half times that. Between
    `outage_from` and `outage_to` the service is in trouble. If it is down, a call fails after half
    a second; if it is slow, a share of the calls takes `slow_time` seconds and is then answered.
    With `flap` the trouble begins and ends several times between the two. An order whose call
    failed is tried again after `backoff` seconds, then after twice that, and so on.
    """

    TITLE: ClassVar[str] = "When should we stop trying?"
    CHARTS: ClassVar[tuple[str, ...]] = ("depth", "retries", "dead_letter_ticks", "breaker")
    PREDICTS: ClassVar[str] = "depth"
    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        "hard outage": {"outage_to": 150.0},
        "brown-out": {"trouble": SLOW, "outage_to": 150.0, "breaker": RATE, "slow_after": 5.0},
        "flapping": {"outage_to": 180.0, "flap": 10.0, "cooldown": 5.0},
    }

    rate: float = param(
        5.0,
        unit="1/s",
        low=1,
        high=FASTEST,
        step=0.5,
        group="load",
        help="Orders that arrive a second, at random.",
    )
    window: float = param(
        240.0,
        unit="s",
        low=60,
        high=LONGEST,
        step=10,
        group="load",
        help="How long orders arrive and are watched.",
    )
    workers: int = param(
        20, low=1, high=50, group="workers", help="How many calls can be under way at once."
    )
    call_time: float = param(
        2.0,
        unit="s",
        low=0.5,
        high=5,
        step=0.5,
        group="workers",
        help="How long a call takes on average while the service is well.",
    )
    retries: int = param(
        3, low=0, high=8, group="workers", help="How often an order is tried again at most."
    )
    backoff: float = param(
        1.0,
        unit="s",
        low=0,
        high=30,
        step=0.5,
        group="workers",
        help="The first delay before that, doubled each time; 0: at once.",
    )
    trouble: str = param(
        DOWN,
        group="failures",
        choices=(DOWN, SLOW),
        help="Down: each call fails within half a second. Slow: some take very long.",
    )
    outage_from: float = param(
        60.0,
        unit="s",
        low=0,
        high=LONGEST,
        step=5,
        group="failures",
        help="When the trouble begins.",
    )
    outage_to: float = param(
        120.0,
        unit="s",
        low=0,
        high=LONGEST,
        step=5,
        group="failures",
        help="When it is over; there is none if that is not later.",
    )
    flap: float = param(
        0.0,
        unit="s",
        low=0,
        high=60,
        step=1,
        group="failures",
        help="In trouble for so long, well for so long, and again; 0: without a break.",
    )
    failure_rate: float = param(
        0.02,
        low=0,
        high=0.3,
        step=0.01,
        group="failures",
        help="The probability with which a call fails at any other time.",
    )
    slow_share: float = param(
        0.5,
        low=0,
        high=1,
        step=0.05,
        group="failures",
        help="The share of calls that is slow while the service is.",
    )
    slow_time: float = param(
        20.0, unit="s", low=5, high=60, step=1, group="failures", help="How long a slow call takes."
    )
    breaker: str = param(
        ROW,
        group="policy",
        choices=(NONE, ROW, RATE),
        help="What opens it: failures in a row, or their share of the last calls.",
    )
    threshold: int = param(
        5, low=1, high=20, group="policy", help="In a row: so many failures open it."
    )
    share: float = param(
        0.5,
        low=0.05,
        high=1,
        step=0.05,
        group="policy",
        help="Rate: such a share of the last calls opens it.",
    )
    last_calls: int = param(
        20, low=1, high=100, group="policy", help="Rate: of so many calls, judged once there are."
    )
    cooldown: float = param(
        30.0,
        unit="s",
        low=1,
        high=120,
        step=1,
        group="policy",
        help="How long it stays open before it lets probes through.",
    )
    probes: int = param(
        1, low=1, high=20, group="policy", help="How many calls it lets through when half-open."
    )
    slow_after: float = param(
        0.0,
        unit="s",
        low=0,
        high=30,
        step=1,
        group="policy",
        help="A call that takes longer counts as failed for the breaker; 0: none does.",
    )
    prediction: float | None = param(
        None,
        unit="orders",
        low=0,
        high=FASTEST * LONGEST,
        group="load",
        help="How many orders wait when the most wait?",
    )

    @property
    def broken(self) -> tuple[tuple[float, float], ...]:
        """The spans of time (from, to; s) while the service is in trouble."""
        found, begins, end = [], self.outage_from, min(self.outage_to, self.window)
        while begins < end:
            ends = min(begins + self.flap, end) if self.flap else end
            found.append((begins, ends))
            begins = ends + self.flap
        return tuple(found)

    def _simulate(self, runtime: Runtime, queue: MessageQueue | None, seed: int) -> Run:
        return self._observed(runtime, queue, seed, self._pool)

    def _observed(
        self,
        runtime: Runtime,
        queue: MessageQueue | None,
        seed: int,
        staff: Staff,
        call: Call | None = None,
    ) -> Run:
        """Return the run with workers that `staff` starts, and with `call` instead of the card
        service, if given.
        """
        # Without jitter, so that the retries of an outage are seen to come back together.
        retry = RetryPolicy(self.backoff, jitter="none") if self.backoff else None
        queue, trace = own_or_given(queue, runtime, visibility_timeout=None, retry=retry)
        stop = staff(queue, trace, self._service(runtime).call if call is None else call)
        start_shop(
            runtime,
            queue,
            poisson(self.rate, self.window, runtime.draw),
            lambda number: Message(id=f"order-{number}", max_retries=self.retries),
        )
        run = self._report(trace, observe(runtime, trace, self.window), seed)
        stop()
        return run

    def _service(self, runtime: Runtime) -> CardService:
        """Return the card service, with the outages of this scenario from now on."""
        return CardService(
            runtime,
            runtime.now,
            self.broken,
            self.trouble,
            call_time=self.call_time,
            slow_time=self.slow_time,
            slow_share=self.slow_share,
            failure_rate=self.failure_rate,
        )

    def _pool(self, queue: MessageQueue, trace: Trace, call: Call) -> Callable[[], object]:
        """Start the package's own workers, behind its breaker if there is one."""
        processor: MessageProcessor = MessageProcessor(queue)
        if self.breaker != NONE:
            # No rate of fewer calls than that: one failure in one call would be 100 %.
            rule = FailureRate(self.share, calls=self.last_calls, minimum=self.last_calls)
            breaker = CircuitBreaker(
                self.threshold,
                self.cooldown,
                rate=rule if self.breaker == RATE else None,
                probes=self.probes,
                slow_after=self.slow_after or None,
                runtime=queue.runtime,
                trace=trace,
            )
            processor = CircuitBreakerMessageProcessor(queue, breaker=breaker)
        processor.register_processor("default", call)
        processor.start_workers(self.workers)
        return processor.stop_workers

    def _report(self, trace: Trace, until: float, seed: int) -> Run:
        books, analysis = (
            trace.balance(),
            BreakerAnalysis(trace.records, until - self.window, until),
        )
        share = analysis.seconds(OPEN) / self.window
        totals: dict[str, float] = {
            "sent": books.accepted,
            "done": books.completed,
            "dead": books.dead,
            "left": books.waiting + books.delayed + books.in_flight,
            "tries": sum(record.event == "started" for record in trace.records),
            "opened": analysis.count(OPEN),
            "probes": len(analysis.probes),
            "open_%": round(100 * share, 1),
        }
        # A run without a verdict, because the verdict needs the depths that a run has.
        run = Run(self, seed, trace, until, totals, "")
        waiting, theory = Waiting(run), {}
        parts = [
            f"{books.dead:,} of {books.accepted:,} orders died.",
            self._openings(analysis, share),
        ]
        if self.window <= self.outage_from < self.outage_to:
            parts.append("The trouble would begin after the end.")
        if analysis.shut:
            text, expected = aftermath(run, analysis, waiting, self.rate)
            parts.append(text)
            if expected is not None:
                theory["depth"] = expected
        else:
            parts.append(f"At most {waiting.most:,} waited.")
        parts += self._compare_prediction(f"{waiting.most:,}")
        context = Context(self.broken, self.trouble, guarded=self.breaker != NONE)
        # The chart's peak counts the calls under way as well, so that the title names both.
        headline = f"{parts[0][:-1]}, at most {waiting.most:,} waited"
        if waiting.most_unsettled > waiting.most:
            headline += f", {waiting.most_unsettled:,} not settled"
        return Run(self, seed, trace, until, totals, " ".join(parts), theory, headline, context)

    def _openings(self, analysis: BreakerAnalysis, share: float) -> str:
        """Say how often the breaker opened, and for what share of the time it was open."""
        count = analysis.count(OPEN)
        if not count:
            return "No breaker opened." if self.breaker == NONE else "The breaker never opened."
        how = {1: "once", 2: "twice"}.get(count, f"{count} times")
        return f"The breaker opened {how} and was open {format_share(share)} of the time."

    def drain(self, waiting: float) -> float:
        """Return the mean time (s) that the workers need to clear a backlog of `waiting` orders
        while others arrive.
        """
        # Each order costs several tries if calls fail, so the capacity in orders is lower.
        tries = tries_per_order(self.failure_rate, self.retries)
        return drain_time(waiting, self.rate, self.workers / self.call_time / tries)
