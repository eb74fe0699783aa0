"""Unit 04: when does trying again make it worse?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from mqlearn.messaging.message import Message
from mqlearn.messaging.processor import MessageProcessor
from mqlearn.messaging.queue import MessageQueue
from mqlearn.messaging.retry import JITTERS, RetryPolicy
from mqlearn.messaging.workers import Handler
from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.trace import Trace
from mqlearn.study.analysis.loads import FAILING, LoadAnalysis, dead_in_outage
from mqlearn.study.arrivals import by_pattern
from mqlearn.study.faults import Faults
from mqlearn.study.run import Run
from mqlearn.study.scenario import Scenario, observe, own_or_given, param, start_shop
from mqlearn.study.words import format_number
from mqlearn.units.retries_and_dead_letters.card_call import card_call
from mqlearn.units.retries_and_dead_letters.overload import Budgeted, RetryBudget, Service
from mqlearn.units.retries_and_dead_letters.redrive import redrive_at

RATE = 10.0  # orders that arrive a second
LONGEST = 300.0  # seconds that can be observed
BURST = 600  # orders that come all at once, which is within a second
LAST = 60.0  # seconds at the end over which goodput is measured
DOWN, SLOW = "down", "hangs"
AT_ONCE = "all at once"
DEAD, WAITS = "dies", "waits"


@dataclass(frozen=True)
class CardOutage(Scenario):
    """Ten orders per second charge cards at a service that breaks down and recovers; observed for a
    few minutes.

    The service answers `capacity` calls per second, one after the other. While it is down it
    refuses calls at once; while it hangs it accepts calls and answers none. A caller gives up after
    `timeout` seconds, but the service still does the late work. A failed order is tried again after
    the delays of the policy, until its retries are exhausted. A budget limits the retries to a
    share of the first tries. At `redrive_at` (s) the dead letters are redriven.
    """

    TITLE: ClassVar[str] = "When does trying again help?"
    CHARTS: ClassVar[tuple[str, ...]] = ("load", "depth", "dead")
    PREDICTS: ClassVar[str] = "dead"
    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        "2 a.m. outage": {"window": 300.0, "outage_to": 140.0, "policy": "at once"},
        "thundering herd": {
            "window": 180.0,
            "arrivals": AT_ONCE,
            "outage_to": 60.0,
            "base": 2.0,
            "retries": 6,
            "workers": 600,
        },
        "one poison order": {
            "outage_to": 20.0,
            "policy": "at once",
            "poison": 0.0013,
            "retries": 8,
        },
        "the collapse": {"window": 180.0, "outage": SLOW, "capacity": 20.0, "jitter": "full"},
        "redrive all at once": {"window": 150.0, "capacity": 20.0, "redrive_at": 70.0},
    }

    arrivals: str = param(
        "poisson",
        group="load",
        choices=("poisson", "regular", AT_ONCE),
        help="10 orders a second, at random or like clockwork; or 600 in the "
        "outage's first second.",
    )
    window: float = param(
        120.0,
        unit="s",
        low=60,
        high=LONGEST,
        step=10,
        group="load",
        help="How long orders arrive and are watched.",
    )
    outage: str = param(
        DOWN,
        group="failures",
        choices=(DOWN, SLOW),
        help="What a broken service does: it refuses calls, or accepts them and does not answer.",
    )
    outage_from: float = param(
        20.0,
        unit="s",
        low=0,
        high=LONGEST,
        step=5,
        group="failures",
        help="When the outage begins.",
    )
    outage_to: float = param(
        50.0,
        unit="s",
        low=0,
        high=LONGEST,
        step=5,
        group="failures",
        help="When it ends; there is none if that is not later.",
    )
    failure_rate: float = param(
        0.0,
        low=0,
        high=1,
        step=0.01,
        group="failures",
        help="The probability with which a try fails at any other time.",
    )
    poison: float = param(
        0.0,
        low=0,
        high=0.1,
        step=0.0001,
        group="failures",
        help="The share of orders of which every try fails.",
    )
    workers: int = param(
        100, low=1, high=600, group="workers", help="How many tries can be under way at once."
    )
    timeout: float = param(
        2.0,
        unit="s",
        low=0.5,
        high=10,
        step=0.5,
        group="workers",
        help="How long a worker waits for an answer. The service goes on with the late work.",
    )
    capacity: float = param(
        100.0,
        unit="1/s",
        low=10,
        high=200,
        step=5,
        group="workers",
        help="Calls a second that the card service can answer.",
    )
    policy: str = param(
        "exponential",
        group="policy",
        choices=("at once", "fixed", "exponential"),
        help="When a try that failed is made again; exponential: after base, 2·base, 4·base …",
    )
    base: float = param(
        1.0, unit="s", low=0.5, high=60, step=0.5, group="policy", help="The first delay."
    )
    cap: float = param(
        120.0, unit="s", low=1, high=300, step=1, group="policy", help="The longest delay."
    )
    jitter: str = param(
        "none",
        group="policy",
        choices=JITTERS,
        help="Full: a random part of the delay. Equal: half of it and a random part of the rest.",
    )
    retries: int = param(
        3, low=0, high=8, group="policy", help="How often an order is tried again at most."
    )
    budget: float = param(
        0.0,
        low=0,
        high=0.5,
        step=0.05,
        group="policy",
        help="Retries allowed for each first try; 0: as many as the policy makes.",
    )
    refused: str = param(
        DEAD,
        group="policy",
        choices=(DEAD, WAITS),
        help="What happens to a retry that the budget refuses.",
    )
    redrive_at: float = param(
        0.0,
        unit="s",
        low=0,
        high=LONGEST,
        step=5,
        group="policy",
        help="When the dead letters are tried again; 0: never.",
    )
    redrive_rate: float = param(
        0.0,
        unit="1/s",
        low=0,
        high=50,
        step=1,
        group="policy",
        help="How many of them a second; 0: all at once.",
    )
    prediction: float | None = param(
        None, unit="orders", low=0, high=RATE * LONGEST, group="load", help="How many orders die?"
    )

    @property
    def broken(self) -> tuple[float, float] | None:
        """The outage of the service as a pair (from, to; s), or None if there is none."""
        return (self.outage_from, self.outage_to) if self.outage_to > self.outage_from else None

    @property
    def retry(self) -> RetryPolicy | None:
        """The retry policy of the queue; None: a failed order goes back to its place at once."""
        if self.policy == "at once":
            return None
        return RetryPolicy(
            self.base,
            factor=1.0 if self.policy == "fixed" else 2.0,
            cap=self.cap,
            jitter=self.jitter,
        )

    def arrival_times(self, runtime: Runtime) -> list[float]:
        """The times at which orders arrive, in seconds since the start."""
        check.instance("runtime", runtime, Runtime)
        if self.arrivals == AT_ONCE:
            return [
                min(self.outage_from, self.window / 2) + number / BURST for number in range(BURST)
            ]
        return by_pattern(self.arrivals, RATE, self.window, runtime.draw)

    def _simulate(self, runtime: Runtime, queue: MessageQueue | None, seed: int) -> Run:
        queue, trace = own_or_given(queue, runtime, visibility_timeout=None, retry=self.retry)
        budget = RetryBudget(self.budget)
        budgeted = Budgeted(queue, budget, wait=self.refused == WAITS) if self.budget else queue
        processor = MessageProcessor(budgeted)
        processor.register_processor("default", self._worker(runtime))
        processor.start_workers(self.workers)
        times = self.arrival_times(runtime)
        start_shop(
            runtime,
            budgeted,
            times,
            lambda number: Message(id=f"order-{number}", max_retries=self.retries),
        )
        if self.redrive_at:
            runtime.spawn(redrive_at, queue, self.redrive_at, self.redrive_rate, name="operator")
        run = self._report(trace, len(times), observe(runtime, trace, self.window), seed)
        processor.stop_workers()
        return run

    def _worker(self, runtime: Runtime) -> Handler:
        """Return the handler of an order: it calls the card service, which is down or hangs during
        the outage.
        """
        outage = None
        if self.broken is not None:
            outage = (runtime.now + self.broken[0], runtime.now + self.broken[1])
        # Refusing is a fault of the call; hanging is the service's, which keeps the calls it
        # accepted.
        down, stall = (outage, None) if self.outage == DOWN else (None, outage)
        faults = Faults(failure_rate=self.failure_rate, poison=self.poison, outage=down)
        return card_call(runtime, Service(self.capacity, self.timeout, stall=stall), faults)

    def _report(self, trace: Trace, offered: int, until: float, seed: int) -> Run:
        books, load = trace.balance(), LoadAnalysis(trace.records, until - self.window, until)
        since = self.outage_end or 0.0
        expected = self._theory(any(record.detail == "failed: timeout" for record in trace.records))
        left = books.waiting + books.delayed + books.in_flight
        totals: dict[str, float] = {
            "sent": books.accepted,
            "done": books.completed,
            "dead": books.dead,
            "left": left,
            "tries": sum(record.event == "started" for record in trace.records),
            "peak_per_s": load.peak(since),
            "goodput_per_s": load.goodput(self._last_from, self.window),
        }
        if self.redrive_at:
            totals["redriven"] = books.redriven
        in_theory = f", theory {format_number(expected['dead'])}" if "dead" in expected else ""
        died = f"{books.dead:,} of {offered:,} orders"
        parts = [
            f"{died} are dead, {books.redriven:,} were redriven."
            if books.redriven
            else f"{died} died{in_theory}.",
            self._aftermath(load, since),
        ]
        # A title has two lines: the time at which the cause ended is left out.
        headline = f"{parts[0]} {parts[1].split(', and ')[-1]}"
        if left > 2 * RATE:
            parts.append(f"{left:,} are still being tried.")
        parts += self._compare_prediction(f"{books.dead:,}")
        return Run(self, seed, trace, until, totals, " ".join(parts), expected, headline)

    @property
    def outage_end(self) -> float | None:
        """The end of the outage (s); None if there is none in the window, or it lasts beyond."""
        return self.broken[1] if self.broken and self.broken[1] < self.window else None

    @property
    def _last_from(self) -> float:
        """The begin (s) of the span whose goodput is measured: the last minute, or what is left of
        it after the outage.
        """
        return max(self.window - LAST, self.outage_end or 0.0)

    def _aftermath(self, load: LoadAnalysis, since: float) -> str:
        """Return a sentence about the tries per second after the outage, and the recovery."""
        begins, ends = self.broken or (0.0, 0.0)
        still = begins < self.window <= ends
        # an outage that lasts is measured alone: before it, calls were answered
        last = (max(self._last_from, begins if still else 0.0), self.window)
        goodput, tries = load.goodput(*last), load.tries(*last)
        done = format_number(goodput)
        if still:
            trouble = "down" if self.outage == DOWN else "hanging"
            return (
                f"The service is still {trouble} at the end: {format_number(tries)} tries a second "
                f"get {done} done."
            )
        wasted = self.arrivals != AT_ONCE and since <= last[0] and goodput < RATE / 2
        if wasted and tries > 2 * goodput:
            why = load.why_wasted(*last)
            if why != FAILING and self.capacity <= RATE:  # too slow without any retry
                why, since = f"the service answers only {self.capacity:g} a second", 0.0
            ended = f"The cause ended at {since:g} s, and " if since and why != FAILING else ""
            return f"{ended}{format_number(tries)} tries a second still get {done} done: {why}."
        when = " after recovery" if since else ""
        peak = load.peak(since)
        if not peak:
            return f"No try was made{when}."
        most = "1 try" if peak == 1 else f"{peak:,} tries"
        return f"At most {most} a second{when}, {done} done at the end."

    def _theory(self, overloaded: bool) -> dict[str, Any]:
        """Return the service's capacity, and the expected number of dead orders if they die only of
        refused calls in an outage.
        """
        known: dict[str, Any] = {"capacity": self.capacity}
        seconds = self.outage_to - self.outage_from if self.broken else 0.0
        simple = (
            self.outage == DOWN
            and self.outage_to <= self.window
            and self.arrivals != AT_ONCE
            and not (
                overloaded or self.failure_rate or self.poison or self.budget or self.redrive_at
            )
        )
        if simple:
            known["dead"] = dead_in_outage(RATE, seconds, self.retries, self.retry)
        return known
