"""Unit 09: who reads what, and what happens when one dies?"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from mqlearn.messaging.queue import MessageQueue
from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime, WorkerCrash
from mqlearn.runtime.trace import Trace
from mqlearn.streaming.event import StreamEvent
from mqlearn.streaming.processor import EventStreamProcessor
from mqlearn.streaming.stream import EventStream
from mqlearn.study.analysis.groups import GroupAnalysis
from mqlearn.study.arrivals import by_pattern, flight_file
from mqlearn.study.run import Run
from mqlearn.study.scenario import Scenario, observe, param, refuse_queue, wait_for_arrivals
from mqlearn.study.words import format_count

GROUP = "mail"
LETTERS = "ABCDEFGH"
FLIGHTS = "flights"
SPEED = 60  # the recorded day is replayed so many times as fast: a second here is a minute there
DAY = 86_400.0 / SPEED  # seconds
NOTHING, DIES, STALLS, LEAVES = "nothing", "dies", "stands still", "leaves"


@dataclass(frozen=True)
class SharedPartitions(Scenario):
    """Orders are appended to a stream. The members A, B, C … of a group share its partitions, and
    send a mail for each order.

    A member takes up to `batch` orders, spends `mail_time` seconds on the mail for each, and
    commits the batch after the mails or before them. At `at` (s), member A dies, stands still or
    leaves: in the middle of its batch, if it has one. One more member joins at `joins_at` (s).
    """

    TITLE: ClassVar[str] = "Who reads what, and what happens when one dies?"
    CHARTS: ClassVar[tuple[str, ...]] = ("owners", "lag_by_partition", "repeats")
    PREDICTS: ClassVar[str] = "repeats"
    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        "one dies mid-batch": {"batch": 100, "backlog": 1600, "rate": 16.0},
        "rebalance storm": {
            "what": NOTHING,
            "batch": 100,
            "mail_time": 0.3,
            "poll_interval": 20.0,
            "backlog": 800,
            "rate": 4.0,
        },
        "zombie": {"what": STALLS, "stall": 25.0, "batch": 100, "backlog": 1600, "rate": 16.0},
        "more members than partitions": {"members": 6, "what": LEAVES},
    }

    arrivals: str = param(
        "poisson",
        group="load",
        choices=("poisson", "regular", FLIGHTS),
        help="At random, like clockwork, or the departures of 2 December 2013 at 60 times speed.",
    )
    rate: float = param(
        22.0, unit="1/s", low=1, high=40, step=1, group="load", help="Orders a second."
    )
    backlog: int = param(
        0, low=0, high=4000, group="load", help="Orders that wait in the log at the start."
    )
    window: float = param(
        120.0,
        unit="s",
        low=60,
        high=300,
        step=10,
        group="load",
        help="How long we watch; the flights all day, which is 1,440 s.",
    )
    partitions: int = param(4, low=1, high=8, group="workers", help="Partitions of the stream.")
    members: int = param(
        4, low=1, high=7, group="workers", help="Members of the group at the start."
    )
    mail_time: float = param(
        0.15,
        unit="s",
        low=0.01,
        high=2,
        step=0.01,
        group="workers",
        help="How long the mail for one order takes.",
    )
    what: str = param(
        DIES, group="failures", choices=(NOTHING, DIES, STALLS, LEAVES), help="What happens to A."
    )
    at: float = param(
        40.0, unit="s", low=0, high=1500, step=5, group="failures", help="When that happens."
    )
    stall: float = param(
        25.0,
        unit="s",
        low=1,
        high=120,
        step=1,
        group="failures",
        help="How long A stands still; it sends no heartbeat meanwhile.",
    )
    joins_at: float = param(
        0.0,
        unit="s",
        low=0,
        high=1500,
        step=5,
        group="failures",
        help="When one more member joins; 0: never.",
    )
    commit: str = param(
        "after",
        group="policy",
        choices=("after", "before"),
        help="Whether a batch is committed after its orders are mailed, or before.",
    )
    batch: int = param(
        10, low=1, high=500, group="policy", help="Orders taken, and committed, at a time."
    )
    assignment: str = param(
        "range", group="policy", choices=("range", "sticky"), help="How partitions are assigned."
    )
    session_timeout: float = param(
        10.0,
        unit="s",
        low=4,
        high=60,
        step=1,
        group="policy",
        help="Without a heartbeat for so long, a member is gone.",
    )
    poll_interval: float = param(
        60.0,
        unit="s",
        low=5,
        high=300,
        step=5,
        group="policy",
        help="A member that takes longer from poll to poll is gone.",
    )
    prediction: float | None = param(
        None,
        unit="orders",
        low=0,
        high=9000,
        group="load",
        help="How many orders are mailed twice, or never?",
    )

    @property
    def watched(self) -> float:
        """The seconds for which the group is observed."""
        return DAY if self.arrivals == FLIGHTS else self.window

    def arrival_times(self, runtime: Runtime) -> list[float]:
        """The times at which orders come, in seconds since the start."""
        check.instance("runtime", runtime, Runtime)
        if self.arrivals == FLIGHTS:
            return [time for time, _ in departures() if time <= DAY]
        return by_pattern(self.arrivals, self.rate, self.window, runtime.draw)

    def _simulate(self, runtime: Runtime, queue: MessageQueue | None, seed: int) -> Run:
        refuse_queue(queue, "a log is read here")
        trace, start = Trace(), runtime.now
        stream = EventStream("orders", self.partitions, runtime=runtime, trace=trace)
        stream.group(
            GROUP,
            assignment=self.assignment,
            session_timeout=self.session_timeout,
            poll_interval=self.poll_interval,
            heartbeat_interval=3.0,
        )
        runtime.spawn(self._shop, stream, start, name="shop")
        # Shared by all members, since the next owner's try of an event is its second attempt.
        tries = Counter[str]()
        crew = [Mailer(self, name, stream, trace, start, tries) for name in LETTERS[: self.members]]
        for mailer in crew:
            mailer.start()
        if self.what == LEAVES:
            runtime.spawn(
                _later, runtime, self.at, crew[0].processor.stop, name="operator", daemon=True
            )
        if self.joins_at:
            late = Mailer(self, LETTERS[self.members], stream, trace, start, tries)
            crew.append(late)
            runtime.spawn(_later, runtime, self.joins_at, late.start, name="newcomer", daemon=True)
        run = self.report(trace, observe(runtime, trace, self.watched), seed)
        for mailer in crew:
            mailer.processor.stop()
        return run

    def _shop(self, stream: EventStream, start: float) -> None:
        """Append the backlog, then each order at its time. The key of a flight is its aircraft."""
        tails = [tail for _, tail in departures()] if self.arrivals == FLIGHTS else []

        def append(number: int, key: str) -> None:
            stream.append(StreamEvent("orders", event_id=f"order-{number}", partition_key=key))

        for number in range(1, self.backlog + 1):
            append(number, f"order-{number}")
        times = self.arrival_times(stream.runtime)
        for index in wait_for_arrivals(stream.runtime, start, times):
            number = self.backlog + index
            append(number, tails[index - 1] if tails else f"order-{number}")

    def report(self, trace: Trace, until: float, seed: int) -> Run:
        """Return the run that a frozen trace records, observed until `until` (s)."""
        analysis = GroupAnalysis(trace.records, until)
        log = analysis.log
        events, behind = (
            sum(log.size(p) for p in log.partitions),
            sum(log.lag(p) for p in log.partitions),
        )
        totals: dict[str, float] = {
            "events": events,
            "mailed": analysis.done,
            "twice": analysis.twice,
            "lost": len(analysis.lost),
            "behind": behind,
            "generations": analysis.generations,
            "fenced": analysis.fenced,
        }
        working = len({owned.member for owned in analysis.owned})
        idle = len(analysis.members) - working
        repeats = len(analysis.again)
        more = "" if repeats == analysis.twice else f" or more, {repeats:,} mails too many"
        noun = "flights" if self.arrivals == FLIGHTS else "orders"
        had = f"{working} of {format_count(len(analysis.members), 'member')} had a partition"
        parts = [
            f"{events:,} {noun}, {had}{'' if not idle else f', {idle} never'}.",
            f"{analysis.twice:,} {'was' if analysis.twice == 1 else 'were'} mailed twice{more}, "
            f"{len(analysis.lost):,} never will be; "
            f"{behind:,} {'is' if behind == 1 else 'are'} not committed.",
        ]
        struck = "A" in {name for name, _ in analysis.fell} or "A" not in analysis.present
        if self.what != NOTHING and not struck:
            parts.append(f"A {self.what} only after the end.")
        if not analysis.present:
            parts.append("No member is left.")
        if analysis.fenced:
            was = "was" if analysis.fenced == 1 else "were"
            parts.append(f"{format_count(analysis.fenced, 'late commit')} {was} refused.")
        parts += self._compare_prediction(f"{analysis.twice + len(analysis.lost):,}")
        short = (
            f"{analysis.twice:,} mailed twice{' or more' if more else ''}, "
            f"{len(analysis.lost):,} lost, {behind:,} not committed"
            f"{'' if analysis.present else '; no member left'}"
        )
        return Run(self, seed, trace, until, totals, " ".join(parts), {}, short)


def _later(runtime: Runtime, seconds: float, what: Callable[[], None]) -> None:
    runtime.sleep(seconds)
    what()


def departures() -> list[tuple[float, str]]:
    """Return the departures of 2 December 2013 at 60 times the real speed: pairs of a time (s since
    midnight) and the aircraft's tail number.
    """
    with flight_file("2013-12-02").open(encoding="utf-8", newline="") as lines:
        return sorted(
            (float(row["departure"]) / SPEED, row["tail"])
            for row in csv.DictReader(lines)
            if row["departure"]
        )


class Mailer:
    """One process of the group: a processor with one worker. Its handler sends mails, and may crash
    or stand still.
    """

    def __init__(
        self,
        scenario: SharedPartitions,
        name: str,
        stream: EventStream,
        trace: Trace,
        start: float,
        tries: Counter[str],
    ) -> None:
        self.scenario, self.name, self.stream, self.trace, self.begin = (
            scenario,
            name,
            stream,
            trace,
            start,
        )
        self.tries = tries
        self.processor = EventStreamProcessor(
            stream,
            GROUP,
            commit=scenario.commit,
            batch=scenario.batch,
            restart_after=scenario.watched,  # a member that dies does not come back in this run
        )
        self.processor.add_processor(self.mail)
        # Only A is struck, and only once: for the others it counts as done from the start.
        self.struck = name != LETTERS[0] or scenario.what not in (DIES, STALLS)

    def start(self) -> None:
        """Start the process."""
        self.processor.start(1, name=self.name)

    def mail(self, event: StreamEvent) -> None:
        """Send the mail for an order. If this process is to die or stand still, it does so at the
        last order that it begins before that time.
        """
        runtime = self.stream.runtime
        consumer = self.processor.consumers[f"{self.name}-0"]
        due = (
            not self.struck
            and runtime.now + self.scenario.mail_time >= self.begin + self.scenario.at
        )
        self.struck = self.struck or due
        if due and self.scenario.what == STALLS:
            self._note("stalled", event, self.scenario.stall, consumer.member)
            consumer.stall(self.scenario.stall)
        self.tries[event.event_id] += 1
        self._note("started", event, None, consumer.member)
        runtime.sleep(self.scenario.mail_time)
        if due and self.scenario.what == DIES:
            self._note("finished", event, "crashed", consumer.member)
            raise WorkerCrash
        self._note("effect", event, event.event_id, consumer.member)
        self._note("finished", event, "completed", consumer.member)

    def _note(self, what: str, event: StreamEvent, detail: object, member: str) -> None:
        source = f"{self.stream.name}/{GROUP}"
        self.trace.note(
            self.stream.runtime.now,
            what,
            source,
            entry=event.sequence_number,
            message_id=event.event_id,
            attempt=self.tries[event.event_id],
            worker=member,
            # An offset is unique only within its partition, and there are at most eight of these.
            receipt=event.sequence_number * 100 + event.partition,
            detail=detail,
        )
