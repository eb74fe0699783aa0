"""Unit 06: why does waiting make it faster?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from mqlearn.messaging.batch import BatchMessageProcessor
from mqlearn.messaging.message import COMPLETED, Message, Outcome
from mqlearn.messaging.percentile import percentile
from mqlearn.messaging.queue import MessageQueue
from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.trace import Trace
from mqlearn.study.analysis.batches import (
    BatchAnalysis,
    least_size,
    throughput,
)
from mqlearn.study.arrivals import by_pattern
from mqlearn.study.faults import happens
from mqlearn.study.run import Run
from mqlearn.study.scenario import Scenario, observe, own_or_given, param, start_shop
from mqlearn.study.words import format_count, format_duration, format_number
from mqlearn.units.batching.store import PER_CALL, PER_ITEM, BulkStore, bisected, report_call

ALL, FAILURES, BISECT = "all", "failures", "bisect"
REFUSED = Outcome("rejected", "refused alone")
LONGEST = 100.0  # seconds that a prediction of the mean latency may be


@dataclass(frozen=True)
class BatchedWriter(Scenario):
    """Orders are written to a store in batches; observed until the last of `items` has come.

    A call with n orders lasts `per_call` + n · `per_item` seconds. A worker writes its batch when
    it has `size` orders, or `linger` seconds after it took the first of them. A bad order can never
    be written. With "failures" the store writes the good orders and has a result for each order;
    only failed orders are tried again, up to three times. "all" is the same store, but the queue
    gets one answer for the whole batch, so that good orders are tried again as well. With "bisect"
    a call writes all orders, or none if one is bad; then the call is made again with each half of
    what was refused, and an order that is refused alone is dead at once. Deliveries are not leased:
    a worker keeps what it has collected.
    """

    TITLE: ClassVar[str] = "How large a batch?"
    CHARTS: ClassVar[tuple[str, ...]] = ("batches", "throughput", "latency")
    PREDICTS: ClassVar[str] = "latency"
    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        "night traffic": {"rate": 5.0, "items": 1000, "size": 100, "linger": 5.0},
        "rush hour": {"rate": 600.0, "items": 1500, "size": 50, "linger": 0.1},
        "one bad record": {
            "rate": 20.0,
            "items": 1000,
            "size": 10,
            "linger": 5.0,
            "bad": 0.002,
            "on_failure": ALL,
        },
    }

    arrivals: str = param(
        "poisson",
        group="load",
        choices=("poisson", "regular"),
        help="Orders come at random or like clockwork.",
    )
    rate: float = param(
        100.0,
        unit="1/s",
        low=1,
        high=600,
        step=1,
        group="load",
        help="Orders that come a second, on average.",
    )
    items: int = param(
        1000,
        low=100,
        high=2000,
        step=100,
        group="load",
        help="How many orders come, about: a quicker day is a shorter one.",
    )
    workers: int = param(
        1, low=1, high=8, group="workers", help="How many write; each fills a batch of its own."
    )
    per_call: float = param(
        PER_CALL,
        unit="s",
        low=0.005,
        high=0.5,
        step=0.005,
        group="workers",
        help="What a call costs, however many orders it has: a in a + bn.",
    )
    per_item: float = param(
        PER_ITEM,
        unit="s",
        low=0,
        high=0.02,
        step=0.0005,
        group="workers",
        help="What each order in it costs: b in a + bn.",
    )
    size: int = param(20, low=1, high=500, group="policy", help="Orders at which a batch is full.")
    linger: float = param(
        5.0,
        unit="s",
        low=0,
        high=10,
        step=0.05,
        group="policy",
        help="How long a batch waits at most for more, from its first order on; 0: not at all.",
    )
    bad: float = param(
        0.0,
        low=0,
        high=0.05,
        step=0.001,
        group="failures",
        help="The share of orders that can never be written.",
    )
    on_failure: str = param(
        FAILURES,
        group="failures",
        choices=(ALL, FAILURES, BISECT),
        help="What is tried again: all of a batch, its failures; or halves, within the call.",
    )
    prediction: float | None = param(
        None,
        unit="s",
        low=0,
        high=LONGEST,
        group="load",
        help="Seconds from sending to written, on average?",
    )

    def arrival_times(self, runtime: Runtime) -> list[float]:
        """The times at which orders come, in seconds since the start."""
        check.instance("runtime", runtime, Runtime)
        return by_pattern(self.arrivals, self.rate, self.window, runtime.draw)

    @property
    def window(self) -> float:
        """The seconds for which orders come and are observed."""
        return self.items / self.rate

    @property
    def capacity(self) -> float:
        """The orders per second that can be written in full batches, if none is bad."""
        return throughput(self.size, self.per_call, self.per_item, self.workers)

    def _simulate(self, runtime: Runtime, queue: MessageQueue | None, seed: int) -> Run:
        queue, trace = own_or_given(queue, runtime, visibility_timeout=None)
        store = BulkStore(
            runtime,
            self.per_call,
            self.per_item,
            bad=lambda order: happens(runtime, self.bad, "bad", order),
        )
        processor = self._processor(queue, store)
        times = self.arrival_times(runtime)
        start_shop(runtime, queue, times, lambda number: Message(id=f"order-{number}"))
        run = self._report(trace, observe(runtime, trace, self.window), seed)
        # Only after the report: stopping settles the batches that are still being filled.
        processor.stop()
        return run

    def _processor(self, queue: MessageQueue, store: BulkStore) -> BatchMessageProcessor:
        """Return the processor of the batches, its workers started."""

        def call_again(part: list[Message]) -> Sequence[bool]:
            # The processor records only the first call of a batch; charts must show the others too.
            if queue.trace is not None:
                report_call(queue.trace, queue, part)
            return store.load(part)

        def halves(batch: list[Message], _: object) -> list[Outcome]:
            return [COMPLETED if good else REFUSED for good in bisected(batch, call_again)]

        halving = self.on_failure == BISECT
        processor = BatchMessageProcessor(
            queue, self.size, self.linger, on_failure=halves if halving else self.on_failure
        )
        processor.start_batch_processing(
            store.load if halving else store.write, num_workers=self.workers
        )
        return processor

    def _report(self, trace: Trace, until: float, seed: int) -> Run:
        books, analysis = trace.balance(), BatchAnalysis(trace.records)
        left = books.waiting + books.delayed + books.in_flight
        totals: dict[str, float] = {
            "sent": books.accepted,
            "done": books.completed,
            "dead": books.dead,
            "left": left,
            "calls": len(analysis.calls),
            "redelivered": analysis.redelivered,
            "mean_s": analysis.mean,
            "p99_s": percentile(analysis.latencies, 99),
        }
        grows = self._grows(analysis, until)
        parts = [
            self._load(left, grows),
            self._latency(analysis),
            self._failures(analysis, books.dead),
        ]
        if analysis.done:
            parts += self._compare_prediction(format_duration(analysis.mean), format_duration)
        elif self.prediction is not None:
            parts.append(f"You said {format_duration(self.prediction)}; nothing is written yet.")
        verdict = " ".join(part for part in parts if part)
        return Run(
            self,
            seed,
            trace,
            until,
            totals,
            verdict,
            {"capacity": self.capacity},
            self._headline(analysis, left, grows),
        )

    def _grows(self, analysis: BatchAnalysis, until: float) -> bool:
        """Return True if more orders come than can be written, and in the second half of the run
        the backlog grew by at least half of what follows from that.
        """
        since, growth = until - self.window / 2, self.rate - self.capacity
        came = sum(time > since for time in analysis.sent)
        gone = sum(time > since for time in (*analysis.died, *(time for time, _ in analysis.done)))
        # Rounding errors must not show as a backlog that grows. Before the first call every order
        # is left, whatever the capacity.
        return bool(analysis.calls) and growth > 1e-9 and came - gone >= growth * self.window / 4

    def _many(self, left: int) -> bool:
        """Return True if more orders are left than the workers hold and one second brings."""
        return left > self.workers * self.size + self.rate

    def _load(self, left: int, grows: bool) -> str:
        """Compare the rate of arrivals with the rate that can be written."""
        growth = self.rate - self.capacity
        arriving = (
            f"{self.rate:g} order{'s' * (self.rate != 1)} a second come{'s' * (self.rate == 1)}"
        )
        full = (
            f"{'1 worker' if self.workers == 1 else f'{self.workers} workers'} in batches of "
            f"{self.size}"
        )
        if growth <= 1e-9:
            # The capacity is that of good orders; what bad ones cost shows in what is left.
            many = f"; {left:,} are left" if self._many(left) else ""
            return f"{arriving}, {full} can write {format_number(self.capacity)}{many}."
        least = least_size(self.rate, self.per_call, self.per_item, self.workers)
        enough = (
            "no batch is large enough" if least is None else f"batches of {least:,} could keep up"
        )
        said = f"Backlog grows by {format_number(growth)} a second: " if grows else ""
        return (
            f"{said}{arriving}, {full} can write {format_number(self.capacity)}; "
            f"{left:,} {'is' if left == 1 else 'are'} left; {enough}."
        )

    def _latency(self, analysis: BatchAnalysis) -> str:
        """Say how long an order takes until it is written, and where that time goes."""
        if not analysis.calls:
            return f"No batch is full, or {self.linger:g} s old, when we stop watching."
        if not analysis.done:
            return "Nothing is written yet."
        # A mean over a part of the orders says so: those that wait longest are not in it.
        few = len(analysis.done) < 0.9 * len(analysis.sent)
        latency = (
            f"Latency {format_duration(analysis.mean)} on average"
            f"{f' of the {len(analysis.done):,} written' if few else ''}, 99 % at most "
            f"{format_duration(percentile(analysis.latencies, 99))}"
        )
        # With bad orders the parts would describe only some of the latency: retries are left out.
        if self.bad or not analysis.at_first:
            return f"{latency}."
        return latency + ": filling {}, waiting {}, the call {}.".format(
            *map(format_duration, analysis.parts)
        )

    def _failures(self, analysis: BatchAnalysis, dead: int) -> str:
        """Say how many bad orders died, and what happened to good orders in the same batches."""
        if not analysis.failed:
            return ""
        bad = dead - analysis.dead_good
        died = f"{format_count(bad, 'bad order')} died" if bad else "No bad order has died yet"
        if self.on_failure == ALL:
            return (
                f"{died}; good ones came back {format_count(analysis.redelivered, 'time')}, and "
                f"{f'{analysis.dead_good:,}' if analysis.dead_good else 'none'} of them died too."
            )
        alone = " alone" if bad else ""
        again = sum(part for _, _, part in analysis.calls)
        if bad and again:
            alone += f", found by {format_count(again, 'more call')}"
        return f"{died}{alone}; no good one came back."

    def _headline(self, analysis: BatchAnalysis, left: int, grows: bool) -> str:
        if grows:
            return f"Batches of {self.size} cannot keep up: {left:,} orders left"
        if not analysis.done:
            return self._latency(analysis).removesuffix(".")
        if analysis.redelivered:
            return (
                f"Good orders redelivered {format_count(analysis.redelivered, 'time')}; "
                f"{analysis.dead_good:,} of them dead"
            )
        of = f"{format_count(analysis.mean_size, 'order')} a batch"
        latency = (
            f"{of}: latency {format_duration(analysis.mean)}, 99 % within "
            f"{format_duration(percentile(analysis.latencies, 99))}"
        )
        return f"{latency}; {left:,} left" if self._many(left) else latency
