"""Unit 08: what if reading did not remove?"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, ClassVar

from mqlearn.messaging.queue import MessageQueue
from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.trace import Trace
from mqlearn.streaming.event import StreamEvent
from mqlearn.streaming.event_log import OUT_OF_RANGE
from mqlearn.streaming.partition_log import OffsetOutOfRange
from mqlearn.streaming.partitioner import partition_for
from mqlearn.streaming.stream import EventStream
from mqlearn.study.analysis.logs import LogAnalysis, at
from mqlearn.study.arrivals import by_pattern
from mqlearn.study.run import Run
from mqlearn.study.scenario import Scenario, observe, param, refuse_queue, wait_for_arrivals
from mqlearn.study.words import format_number

GROUP = "reader"


@dataclass(frozen=True)
class ReadingTheLog(Scenario):
    """Orders of many customers are appended to a stream, keyed by customer; each partition has one
    reader.

    A customer's events stay in one partition and in order. A reader takes `read_time` (s) for an
    event. From `away_from` to `away_to` (s) no reader works. Events older than `retention` (s) are
    dropped, whether they were read or not. A reader whose next event was dropped goes on as
    `out_of_range` says.
    """

    TITLE: ClassVar[str] = "What if reading did not remove?"
    CHARTS: ClassVar[tuple[str, ...]] = ("offsets", "lag", "sizes")
    PREDICTS: ClassVar[str] = "lag"
    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        "one big customer": {"big": 0.5, "read_time": 0.15},
        "the reader that fell off": {"retention": 20.0, "away_from": 30.0, "away_to": 70.0},
        "celebrity": {
            "big": 0.8,
            "keys": 200,
            "partitions": 12,
            "read_time": 0.1,
            "retention": 40.0,
        },
    }

    arrivals: str = param(
        "poisson",
        group="load",
        choices=("poisson", "regular"),
        help="Events come at random, or like clockwork.",
    )
    rate: float = param(
        20.0, unit="1/s", low=5, high=50, step=1, group="load", help="Events appended a second."
    )
    window: float = param(
        120.0, unit="s", low=60, high=180, step=10, group="load", help="How long we watch."
    )
    keys: int = param(
        20, low=1, high=500, group="load", help="How many customers there are beside the big one."
    )
    skew: float = param(
        0.0,
        low=0,
        high=2,
        step=0.1,
        group="load",
        help="Zipf: the nth customer has a share of 1/n to this power; 0: all the same.",
    )
    big: float = param(
        0.0,
        low=0,
        high=0.95,
        step=0.05,
        group="load",
        help="The share of events of one more, big customer.",
    )
    partitions: int = param(
        4, low=1, high=12, group="workers", help="Partitions, each with a reader of its own."
    )
    read_time: float = param(
        0.1,
        unit="s",
        low=0.01,
        high=1,
        step=0.01,
        group="workers",
        help="How long a reader takes for an event.",
    )
    away_from: float = param(
        60.0, unit="s", low=0, high=180, step=5, group="failures", help="When the readers go away."
    )
    away_to: float = param(
        0.0,
        unit="s",
        low=0,
        high=180,
        step=5,
        group="failures",
        help="When they are back; they do not go if that is not later.",
    )
    retention: float = param(
        0.0,
        unit="s",
        low=0,
        high=180,
        step=5,
        group="policy",
        help="How long an event is kept; 0: forever.",
    )
    out_of_range: str = param(
        "earliest",
        group="policy",
        choices=OUT_OF_RANGE,
        help="Where a reader goes on if its place in the log is gone; error: it stops.",
    )
    prediction: float | None = param(
        None,
        unit="events",
        low=0,
        high=9000,
        group="load",
        help="How many events are the readers behind at the end?",
    )

    def arrival_times(self, runtime: Runtime) -> list[float]:
        """The times at which events come, in seconds since the start."""
        check.instance("runtime", runtime, Runtime)
        return by_pattern(self.arrivals, self.rate, self.window, runtime.draw)

    def shares(self) -> dict[str, float]:
        """Return each customer's share of the events, by name; together they are 1."""
        weights = {f"customer-{n}": n**-self.skew for n in range(1, self.keys + 1)}
        rest = (1 - self.big) / sum(weights.values())
        return {"big": self.big} | {name: weight * rest for name, weight in weights.items()}

    def _simulate(self, runtime: Runtime, queue: MessageQueue | None, seed: int) -> Run:
        refuse_queue(queue, "a log is read here")
        trace, start = Trace(), runtime.now
        stream = EventStream(
            "orders",
            self.partitions,
            retention_seconds=self.retention or None,
            out_of_range=self.out_of_range,
            runtime=runtime,
            trace=trace,
        )
        over: list[bool] = []
        for partition in range(self.partitions):
            runtime.spawn(
                self._reader(stream, trace, partition, start, over),
                name=f"reader-{partition}",
                daemon=True,
            )
        runtime.spawn(self._producer(stream, start), name="shop")
        run = self.report(trace, observe(runtime, trace, self.window), seed)
        # On threads the readers would wait forever for the next event: wake them, so that they end.
        with stream.changed:
            over.append(True)
            for arrived in stream.arrived:
                arrived.notify_all()
        return run

    def _producer(self, stream: EventStream, start: float) -> Callable[[], None]:
        shares = self.shares()
        names, bounds = list(shares), list(accumulate(shares.values()))

        def shop() -> None:
            for number in wait_for_arrivals(
                stream.runtime, start, self.arrival_times(stream.runtime)
            ):
                # By the sum and not by 1, which rounding may miss: no draw can then be beyond the
                # last name.
                u = stream.runtime.draw("key", number) * bounds[-1]
                key = names[bisect_right(bounds, u)]
                stream.append(StreamEvent("orders", event_id=f"event-{number}", partition_key=key))

        return shop

    def _reader(
        self, stream: EventStream, trace: Trace, partition: int, start: float, over: list[bool]
    ) -> Callable[[], None]:
        runtime, group = stream.runtime, stream.group(GROUP)

        def note(event: str, read: StreamEvent) -> None:
            now, worker = runtime.stamp()
            trace.note(
                now,
                event,
                group.source,
                entry=read.sequence_number,
                message_id=read.event_id,
                attempt=1,
                worker=worker,
                detail=partition,
            )

        def read_on() -> None:
            for event in stream.read(GROUP, partition=partition):
                if over or start + self.away_from <= runtime.now < start + self.away_to:
                    return  # the event before was committed as this one was asked for
                note("started", event)
                runtime.sleep(self.read_time)
                note("finished", event)

        def reader() -> None:
            while not over:
                if start + self.away_from <= runtime.now < start + self.away_to:
                    runtime.sleep_until(start + self.away_to)
                try:
                    read_on()
                except OffsetOutOfRange:
                    return
                with stream.changed:
                    while not over and stream.end(partition) == group.committed.get(partition, 0):
                        stream.arrived[partition].wait()

        return reader

    def report(self, trace: Trace, until: float, seed: int) -> Run:
        """Return the run that a frozen trace records, observed until `until` (s)."""
        analysis = LogAnalysis(trace.records)
        sizes = {p: analysis.size(p) for p in analysis.partitions}
        sent, largest = sum(sizes.values()), max(sizes.values(), default=0)
        lost = sum(analysis.lost(p) for p in sizes)
        behind = sum(analysis.lag(p) for p in sizes)
        counts = Counter(record.event for record in trace.records)
        totals: dict[str, float] = {
            "events": sent,
            "read": counts["finished"],
            "behind": behind,
            "lost": lost,
            "largest_%": 100 * largest / sent if sent else 0.0,
        }
        speed = format_number(sent / largest if largest else 0)
        share = f"{totals['largest_%']:.0f} % in one of {self.partitions} partitions"
        most = "no more than" if speed == "1" else f"at most {speed} times what"
        # All of them may read more for a while: then the largest partition falls behind.
        spread = (
            f"{share}: {self.partitions} readers together do {most} one does without falling behind"
            if self.partitions > 1
            else "all in one partition"
        )
        gone = sum(analysis.gone(p) for p in sizes)
        parts = [
            f"{sent:,} events, {spread}.",
            f"{behind:,} behind at the end{f', {gone:,} of them gone already' if gone else ''}.",
        ]
        headline = f"{share}: {speed} × one reader. {behind:,} behind."
        if self.partitions == 1:
            headline = f"{behind:,} of {sent:,} events behind."
        if lost:
            parts.append(f"{lost:,} never read.{self._stopped(trace, analysis, until)}")
            of_them = " of them" if lost == gone else ""
            also = f" ({gone:,} gone)" if gone and not of_them else ""
            headline = (
                f"{behind:,} behind{also}, {lost:,}{of_them} never read. "
                f"{share if self.partitions > 1 else 'One partition'}."
            )
        parts += self._compare_prediction(f"{behind:,}")
        return Run(self, seed, trace, until, totals, " ".join(parts), self._theory(), headline)

    def _stopped(self, trace: Trace, analysis: LogAnalysis, until: float) -> str:
        """Say how many readers stopped because their next event was gone."""
        if self.out_of_range != "error":
            return ""
        # Readers that are still away at the end have noticed nothing since they went.
        away = self.away_from <= self.window < self.away_to
        looked = until - self.window + self.away_from if away else until
        busy = {}  # a reader looks for its next event only when it is done with the one before
        for record in trace.records:
            if record.event in ("started", "finished") and record.time <= looked:
                busy[record.detail] = record.event == "started"
        stopped = sum(
            at(analysis.start, p, looked) > at(analysis.position, p, looked)
            for p in analysis.partitions
            if p in busy and not busy[p]
        )
        if not stopped:
            return ""
        return f" {'A reader' if stopped == 1 else f'{stopped} readers'} stopped."

    def _theory(self) -> dict[str, Any]:
        """Return the number of events that all readers together fall behind: in each partition, the
        events that arrive minus those that its reader can read.
        """
        if self.retention or self.away_to > self.away_from:
            return {}
        load: Counter[int] = Counter()
        for key, share in self.shares().items():
            load[partition_for(key, self.partitions)] += share * self.rate  # type: ignore[assignment]
        return {
            "behind": sum(max(0.0, each - 1 / self.read_time) for each in load.values())
            * self.window
        }
