"""Unit 02: how many workers are enough?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

from mqlearn.messaging.message import Message
from mqlearn.messaging.processor import MessageProcessor
from mqlearn.messaging.queue import MessageQueue
from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.trace import Trace
from mqlearn.study import theory
from mqlearn.study.arrivals import Recording, by_pattern, flight_day
from mqlearn.study.run import Run
from mqlearn.study.scenario import Scenario, observe, own_or_given, param, start_shop
from mqlearn.study.words import format_count, format_number, format_seconds, format_share
from mqlearn.units.work_queues.work_analysis import WorkAnalysis

TEN_MINUTES = 600.0  # seconds
# A recorded day is replayed so many times as fast: a second here is two minutes of the real day.
FASTER = 120.0
# Seconds after midnight. A recorded day is replayed from 04:00 to 04:00, because no flight leaves
# then: it begins and ends with an empty line.
DAWN = 4 * 3600.0
RECORDED_DAY = 86400.0 / FASTER  # seconds
RECORDINGS = {
    "Dec timetable": ("2013-12-02", "timetable"),
    "Dec actual": ("2013-12-02", "actual"),
    "Jul timetable": ("2013-07-10", "timetable"),
    "Jul actual": ("2013-07-10", "actual"),
}


@dataclass(frozen=True)
class WorkQueue(Scenario):
    """Jobs wait in one line, and several workers take from it; observed for ten minutes.

    Arrivals are Poisson, regular, your own from first to last (see `read_arrivals`), or a recorded
    day of flights. A day has its own rate, runs from 04:00 to 04:00 and is replayed 120 times as
    fast, in twelve minutes: a service of 2 s stands for 4 minutes at a desk.

    A job's service time has the mean `service` and the coefficient of variation `spread`: 0 is
    constant, 1 is exponential, more is more uneven. For all other values it has a Weibull
    distribution, which is an exponential time to the power p. So each job keeps its draw, and a job
    that is long at one spread is long at every other (Weibull 1951). Deliveries are not leased
    (leases are unit 03's subject): a worker keeps what it has taken until it is done.
    """

    TITLE: ClassVar[str] = "How many workers?"
    CHARTS: ClassVar[tuple[str, ...]] = ("depth", "utilisation", "wait_distribution")
    PREDICTS: ClassVar[str] = "depth"
    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        "Monday morning": {"rate": 6.0, "service": 0.6, "spread": 0.0},
        "one slow worker": {"service": 2.0, "slow_worker": 6.0},
        "a day at the desk": {
            "arrivals": "Dec timetable",
            "service": 2.0,
            "spread": 0.0,
            "workers": 8,
        },
        "hoarder": {
            "arrivals": "Dec timetable",
            "service": 2.0,
            "spread": 0.0,
            "workers": 8,
            "prefetch": 50,
        },
    }

    arrivals: str | Recording = param(  # noqa: RUF009 -- a field
        "poisson",
        group="load",
        choices=("poisson", "regular", *RECORDINGS),
        recorded=True,
        help="At random, like clockwork, a day's flights 120 times as fast, or your own.",
    )
    rate: float = param(
        1.0,
        unit="1/s",
        low=0.1,
        high=10,
        step=0.1,
        group="load",
        help="Jobs that arrive a second, on average. A recorded day has its own: 1.4.",
    )
    workers: int = param(
        3, low=1, high=12, group="workers", help="How many take from the one line."
    )
    service: float = param(
        2.5,
        unit="s",
        low=0.05,
        high=10,
        step=0.05,
        group="workers",
        help="How long a job takes a worker, on average.",
    )
    spread: float = param(
        1.0,
        low=0,
        high=3,
        step=0.1,
        group="workers",
        help="Standard deviation over mean of that time: 0 constant, 1 exponential.",
    )
    slow_worker: float = param(
        1.0,
        unit="×",
        low=1,
        high=10,
        step=0.5,
        group="workers",
        help="One worker takes so many times as long for the same job.",
    )
    prefetch: int = param(
        1,
        low=1,
        high=50,
        group="policy",
        help="Jobs that a worker may hold at once, the one it works on included.",
    )
    queue_limit: int = param(
        1000,
        unit="jobs",
        low=10,
        high=1000,
        step=10,
        group="policy",
        help="Jobs that may wait; when the queue is full, send is refused.",
    )
    prediction: float | None = param(
        None,
        unit="jobs",
        low=0,
        high=6000,
        group="load",
        help="How many jobs are left at the end, waiting or in flight?",
    )

    def arrival_times(self, runtime: Runtime) -> list[float]:
        """The times at which jobs arrive, in seconds since the start."""
        check.instance("runtime", runtime, Runtime)
        if isinstance(self.arrivals, Recording):
            return self.arrivals.times
        if self.arrivals in RECORDINGS:
            return list(_replayed(self.arrivals))
        return by_pattern(self.arrivals, self.rate, TEN_MINUTES, runtime.draw)

    @property
    def capacity(self) -> float:
        """The jobs per second that all workers together can finish."""
        return (self.workers - 1 + 1 / self.slow_worker) / self.service

    def _simulate(self, runtime: Runtime, queue: MessageQueue | None, seed: int) -> Run:
        queue, trace = own_or_given(
            queue, runtime, "jobs", max_size=self.queue_limit, visibility_timeout=None
        )
        processor = MessageProcessor(queue, prefetch=self.prefetch)
        window = RECORDED_DAY if self.arrivals in RECORDINGS else TEN_MINUTES
        if isinstance(self.arrivals, Recording):
            window = max(self.arrivals.times[-1], 1.0)
        times, power, start = self.arrival_times(runtime), _power(self.spread), runtime.now

        def job(number: int) -> Message:
            # An exponential time to the power p has the mean Γ(1 + p), so it is divided by that.
            chance = -math.log1p(-runtime.draw("service", number))
            seconds = self.service * chance**power / math.gamma(1 + power)
            return Message(id=f"order-{number}", body={"seconds": seconds})

        def work(message: Message) -> None:
            worker = runtime.current_task()
            # By name, so that it is always the same worker that is slow.
            slower = self.slow_worker if worker is not None and worker.name == "worker-0" else 1.0
            runtime.sleep(message.body["seconds"] * slower)

        processor.register_processor("default", work)
        processor.start_workers(self.workers)
        start_shop(runtime, queue, times, job)
        until = observe(runtime, trace, window)
        analysis = WorkAnalysis(trace.records, start, until, self.workers)
        run = self._report(trace, analysis, len(times), seed)
        processor.stop_workers()
        return run

    def _report(self, trace: Trace, analysis: WorkAnalysis, offered: int, seed: int) -> Run:
        books = trace.balance()
        left = books.waiting + books.in_flight
        totals: dict[str, float] = {
            "sent": books.accepted,
            "refused": books.rejected,
            "done": books.completed,
            "left": left,
            "mean_wait_s": analysis.mean,
            "p95_wait_s": analysis.p95,
        }
        if self.prefetch > 1:
            totals["idle_beside_work_%"] = 100 * analysis.idle_beside_work
        recorded = self.arrivals not in ("poisson", "regular")
        rate = offered / analysis.window if recorded else self.rate
        expected = self._theory(rate, books.rejected)
        parts = [self._balance_of_rates(rate, offered, left, analysis, expected)]
        # First in the verdict, because the queue's own numbers do not show it. Below 0.5 % it
        # would be shown as 0 %.
        if analysis.idle_beside_work >= 0.005:
            parts.insert(
                0,
                f"Idle beside work {format_share(analysis.idle_beside_work)} of the time, up to "
                f"{analysis.most_held} "
                f"jobs in one pair of hands, where they wait as well.",
            )
        if books.rejected:
            parts.append(
                f"The queue was full: {books.rejected:,} of {offered:,} jobs were refused."
            )
        parts += self._compare_prediction(f"{left:,}")
        headline = self._headline(rate, offered, left, analysis, expected)
        return Run(self, seed, trace, analysis.until, totals, " ".join(parts), expected, headline)

    def _headline(
        self, rate: float, offered: int, left: int, analysis: WorkAnalysis, expected: dict[str, Any]
    ) -> str:
        if analysis.idle_beside_work < 0.005:
            return self._balance_of_rates(rate, offered, left, analysis, expected).removesuffix(".")
        waits = (
            f"95 % wait up to {self._real_minutes(analysis)} minutes"
            if self.arrivals in RECORDINGS
            else f"a mean wait of {format_seconds(analysis.mean)}"
        )
        return (
            f"Idle beside work {format_share(analysis.idle_beside_work)} of the time, up to "
            f"{analysis.most_held} in one pair "
            f"of hands; {waits} until work begins"
            + (f"; {analysis.refused:,} refused" if analysis.refused else "")
        )

    def _real_minutes(self, analysis: WorkAnalysis) -> str:
        """Return the 95th percentile of the waits in minutes of the recorded day."""
        return format_number(analysis.p95 * FASTER / 60)

    def _balance_of_rates(
        self, rate: float, offered: int, left: int, analysis: WorkAnalysis, expected: dict[str, Any]
    ) -> str:
        one = self.workers == 1
        workers = format_count(self.workers, "worker")
        if self.slow_worker > 1:
            workers += f", {'' if one else 'one '}{self.slow_worker:g} times as slow,"
        full = f"full after {format_seconds(analysis.full_at)}, {analysis.refused:,} refused"
        if self.arrivals in RECORDINGS:
            # The waits of jobs that no worker began are longer, and in no percentile.
            begun = " of those begun" if analysis.begun < offered else ""
            day = (
                f"{workers.rstrip(',')}: 95 %{begun} wait at most {format_seconds(analysis.p95)} "
                f"({self._real_minutes(analysis)} minutes of the recorded day)"
            )
            if begun and not analysis.refused:
                return f"{day}; {left:,} of {offered:,} are left at its end."
            return f"{day}; queue {full}." if analysis.refused else f"{day}."
        rates = f"{format_number(rate)} arrive"
        able = f"{workers} finish{'es' * one} {format_number(self.capacity)}"
        growth = rate - self.capacity
        if analysis.refused and growth > 1e-9:
            return f"The queue is {full}: {rates} a second, {able}; {left:,} are left."
        # At rates that are nearly equal, chance decides: a run may end without a backlog.
        if growth > 1e-9 and left > self.workers:
            return (
                f"Backlog grows by {format_count(growth, 'message')} a second: "
                f"{rates}, {able}; {left:,} are left."
            )
        keep = (
            f"keep{'s' * one} up"
            if growth < -1e-9
            else f"ha{'s' if one else 've'} nothing to spare"
        )
        # Arrivals of one's own, or a window that is short, may end with a rush.
        behind = left > max(0.1 * offered, self.workers * self.prefetch)
        begun = " of those begun" if behind else ""
        if analysis.refused or behind:
            keep = f"{'does' if one else 'do'} not always keep up"
        by_theory = expected.get("wait", -1.0)
        in_theory = f", theory {format_seconds(by_theory)}" if by_theory >= 0 else ""
        return (
            f"{workers} {keep}: {rates.removesuffix(' arrive')} a second arrive, "
            f"{format_number(self.capacity)} can be finished; "
            f"mean wait{begun} {format_seconds(analysis.mean)}{in_theory}"
            + (f"; {left:,} are left" if behind else "")
            + (f"; queue {full}." if analysis.refused else ".")
        )

    def _theory(self, rate: float, refused: int) -> dict[str, Any]:
        """Return the values of the theory that is exact for these settings, M/M/c, M/D/1 or M/G/1,
        if no worker is slow or holds several jobs, and no job is refused.
        """
        if self.slow_worker > 1 or refused:
            return {}
        load = theory.utilisation(rate, 1 / self.service, self.workers)
        if self.arrivals != "poisson" or load > 1 - 1e-9 or self.prefetch > 1:
            return {"utilisation": min(load, 1.0)}
        found: dict[str, Any] = {"utilisation": load}
        if self.workers == 1 or self.spread == 1:
            found["wait"] = theory.mgc_wait(
                rate, 1 / self.service, self.workers, service_cv=self.spread
            )
        if self.spread == 1:
            found["wait_exceeds"] = lambda t: theory.wait_exceeds(
                t, rate, 1 / self.service, self.workers
            )
        return found


@lru_cache
def _replayed(name: str) -> tuple[float, ...]:
    """Return a recorded day's departures, in seconds of the replay since its start."""
    return tuple((time - DAWN) / FASTER for time in flight_day(*RECORDINGS[name]))


@lru_cache
def _power(spread: float) -> float:
    """Return the p for which an exponential time to the power p has this coefficient of variation:
    0 for 0, 1 for 1.
    """
    # By bisection, since there is no formula for p; 60 halvings are as exact as a float.
    low, high = 0.0, 4.0
    for _ in range(60):
        p = (low + high) / 2
        uneven = math.gamma(1 + 2 * p) / math.gamma(1 + p) ** 2 - 1
        low, high = (p, high) if uneven < spread**2 else (low, p)
    return high if spread else 0.0
