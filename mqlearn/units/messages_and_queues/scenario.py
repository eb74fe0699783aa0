"""Unit 01: who is served next, and what does it cost the others?"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from mqlearn.messaging.message import Message, MessagePriority
from mqlearn.messaging.percentile import percentile
from mqlearn.messaging.processor import MessageProcessor
from mqlearn.messaging.queue import MessageQueue
from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.books import Balance
from mqlearn.runtime.trace import Record, Trace
from mqlearn.study import theory
from mqlearn.study.arrivals import poisson
from mqlearn.study.run import Run
from mqlearn.study.scenario import Scenario, own_or_given, param, start_shop
from mqlearn.study.words import format_count, format_number, format_seconds

URGENT_FIRST = ("CRITICAL", "HIGH", "NORMAL", "LOW")
# messages that may wait: more than ever arrive, since a full queue is unit 02's subject
ROOM = 100_000


@dataclass(frozen=True)
class PriorityMix(Scenario):
    """Messages of four priorities wait for the same workers. They arrive for `minutes`, then the
    workers clear what is left.

    Arrivals are Poisson; each message's priority is drawn by the four shares, which are parts of
    their sum. Service times (seconds) are exponential, or all the same. No message is interrupted
    for a more urgent one. Deliveries are not leased (leases are unit 03's subject).
    """

    TITLE: ClassVar[str] = "Who is served next?"
    CHARTS: ClassVar[tuple[str, ...]] = ("depth_by_priority", "wait_by_priority", "reasons")
    PREDICTS: ClassVar[str] = "wait_by_priority"
    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        "everything is critical": {"critical": 90, "high": 2, "normal": 4, "low": 4},
        "starved": {"rate": 1.3, "critical": 10, "high": 35, "normal": 35, "low": 20},
        "stale quotes": {"rate": 1.1, "ttl": 10.0},
    }

    rate: float = param(
        0.8,
        unit="1/s",
        low=0.1,
        high=3,
        step=0.1,
        group="load",
        help="Messages that arrive a second, on average.",
    )
    critical: int = param(
        5, unit="parts", low=0, high=100, group="load", help="CRITICAL's share of them."
    )
    high: int = param(15, unit="parts", low=0, high=100, group="load", help="HIGH's share of them.")
    normal: int = param(
        40, unit="parts", low=0, high=100, group="load", help="NORMAL's share of them."
    )
    low: int = param(40, unit="parts", low=0, high=100, group="load", help="LOW's share of them.")
    minutes: int = param(
        10,
        low=1,
        high=60,
        group="load",
        help="How long messages arrive. A longer run comes closer to theory.",
    )
    workers: int = param(
        1, low=1, high=10, group="workers", help="How many take from the one line."
    )
    service: float = param(
        1.0,
        unit="s",
        low=0.1,
        high=5,
        step=0.1,
        group="workers",
        help="How long a message takes a worker, on average.",
    )
    times: str = param(
        "exponential",
        group="workers",
        choices=("exponential", "constant"),
        help="Whether that time differs from message to message or is always the same.",
    )
    ttl: float = param(
        600.0,
        unit="s",
        low=1,
        high=600,
        step=1,
        group="policy",
        help="A message that waited longer is not handed out: it expires.",
    )
    prediction: float | None = param(
        None,
        unit="s",
        low=0,
        high=3600,
        group="load",
        help="The mean wait of all messages? In one line without priorities it is 4 s.",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not sum(self.parts.values()):
            raise ValueError(
                f"critical + high + normal + low must be positive, got {sum(self.parts.values())}"
            )

    @property
    def parts(self) -> dict[str, int]:
        """The four shares by priority, most urgent first."""
        return dict(
            zip(URGENT_FIRST, (self.critical, self.high, self.normal, self.low), strict=True)
        )

    @property
    def load(self) -> float:
        """The number of workers that the arriving work keeps busy on average, in erlangs."""
        return theory.offered_load(self.rate, 1 / self.service)

    def priority(self, chance: float) -> MessagePriority:
        """Return the priority of a message whose draw is `chance`, in [0, 1); a low draw means an
        urgent message.
        """
        chance = check.number("chance", chance, low=0)
        left = chance * sum(self.parts.values())
        for name, part in self.parts.items():
            left -= part
            if left < 0:
                return MessagePriority[name]
        raise ValueError(f"chance must be below 1, got {chance!r}")

    def _simulate(self, runtime: Runtime, queue: MessageQueue | None, seed: int) -> Run:
        queue, trace = own_or_given(queue, runtime, max_size=ROOM, visibility_timeout=None)
        closing = runtime.now + self.minutes * 60.0
        arrivals = poisson(self.rate, self.minutes * 60.0, runtime.draw)
        processor = MessageProcessor(queue)
        processor.register_processor(
            "default", lambda message: runtime.sleep(message.body["seconds"])
        )
        processor.start_workers(self.workers)
        start_shop(runtime, queue, arrivals, partial(self._message, runtime)).join()
        # The last arrival may come long before the closing time, which the analysis counts from.
        runtime.sleep_until(closing)
        while queue.size():
            runtime.sleep(1.0)
        processor.stop_workers()
        trace.freeze()
        return self._report(trace, PriorityAnalysis(trace.records, closing), runtime.now, seed)

    def _message(self, runtime: Runtime, number: int) -> Message:
        """Return the order of this number, its service time (s) and priority drawn."""
        seconds = self.service
        if self.times == "exponential":
            seconds *= -math.log1p(-runtime.draw("service", number))
        return Message(
            id=f"order-{number}",
            body={"seconds": seconds},
            ttl=self.ttl,
            priority=self.priority(runtime.draw("priority", number)),
        )

    def _report(self, trace: Trace, analysis: PriorityAnalysis, until: float, seed: int) -> Run:
        books = trace.balance()
        by_name = analysis.waits
        all_waits = sorted(wait for waits in by_name.values() for wait in waits)
        totals: dict[str, float] = {
            "sent": books.accepted,
            "done": books.completed,
            "expired": books.dead,
            "mean_wait_s": analysis.mean(),
            "p95_wait_s": percentile(all_waits, 95),
            "critical_p95_s": percentile(sorted(by_name["CRITICAL"]), 95),
            "low_p95_s": percentile(sorted(by_name["LOW"]), 95),
        }
        if analysis.expired:
            totals["low_served"] = len(by_name["LOW"])
        expected = self._theory(stale=bool(analysis.expired))
        parts = [self._waits(analysis, expected)]
        if analysis.expired:
            parts.append(f"The waits are of those served. {_expiry(analysis, books)}")
        if books.completed:
            parts += self._compare_prediction(
                format_seconds(analysis.mean()), lambda said: f"{format_seconds(said)} for all"
            )
        return Run(
            self,
            seed,
            trace,
            until,
            totals,
            " ".join(parts),
            expected,
            self._headline(analysis, books),
        )

    def _headline(self, analysis: PriorityAnalysis, books: Balance) -> str:
        if not analysis.served:
            return ""
        names = analysis.names
        waits = analysis.waits_of(dict.fromkeys((names[-1], names[0])))
        everyone = "all served" if books.dead else "all"
        text = f"{waits}, {everyone} {format_seconds(analysis.mean())}"
        if self.load >= self.workers:
            work = format_count(self.load, "worker")
            text += f": work for {work}, and there {_there(self.workers)}"
        return text + (f"; {books.dead:,} of {books.accepted:,} expired" if books.dead else "")

    def _waits(self, analysis: PriorityAnalysis, expected: dict[str, Any]) -> str:
        if not analysis.served:
            return "Nothing was handed out."
        first, last = analysis.names[0], analysis.names[-1]
        waits = analysis.waits_of(dict.fromkeys((last, first)), " on average")
        if self.load >= self.workers:
            left, sent = analysis.left[last], analysis.sent[last]
            return (
                f"{waits}: work for {format_count(self.load, 'worker')} arrives, and there "
                f"{_there(self.workers)}; {left:,} of {sent:,} {last} "
                f"{'waits' if left == 1 else 'still wait'} when the shop closes."
            )
        theirs = expected.get("wait_by_priority", {})
        three = [format_number(theirs[name]) for name in (last, first, "all")] if theirs else []
        if first == last:
            text = f"; theory says {three[2]} s" if theirs else ""
            if len(analysis.waits[first]) == analysis.sent[first]:
                mean = format_seconds(analysis.mean())
                return f"All are {first} and wait {mean} on average{text}."
            return f"All are {first}; {waits}."
        text = f"; theory says {three[0]}, {three[1]} and {three[2]} s" if three else ""
        return f"{waits}, all together {format_seconds(analysis.mean())}{text}."

    def _theory(self, *, stale: bool) -> dict[str, Any]:
        """Return Cobham's mean waits (s), if they are exact: workers to spare, and no message
        expires.
        """
        found: dict[str, Any] = {"utilisation": min(1.0, self.load / self.workers)}
        if self.load >= self.workers or stale or (self.times == "constant" and self.workers > 1):
            return found
        cv = 1.0 if self.times == "exponential" else 0.0
        shares = {
            name: part / sum(self.parts.values()) for name, part in self.parts.items() if part
        }
        rates = [self.rate * share for share in shares.values()]
        waits = theory.priority_waits(rates, 1 / self.service, self.workers, service_cv=cv)
        found["wait"] = theory.mgc_wait(self.rate, 1 / self.service, self.workers, service_cv=cv)
        found["wait_by_priority"] = {**dict(zip(shares, waits, strict=True)), "all": found["wait"]}
        return found


def _there(workers: int) -> str:
    return "is 1" if workers == 1 else f"are {workers}"


def _expiry(analysis: PriorityAnalysis, books: Balance) -> str:
    """Return the sentence about the messages that expired, and when that was found."""
    most = max(URGENT_FIRST, key=lambda name: analysis.expired[name])
    late = f"counted as waiting for another {format_seconds(analysis.late)}"
    if books.dead == 1:
        return f"1 of {books.accepted:,} expired, a {most}; it was still {late}."
    share = "all" if analysis.expired[most] == books.dead else f"{analysis.expired[most]:,}"
    return (
        f"{books.dead:,} of {books.accepted:,} expired, {share} of them {most}; they were still "
        f"{late} on average."
    )


class PriorityAnalysis:
    """The messages of a trace by priority: their waits (s), and the numbers of those that were
    sent, that expired, and that still waited at `closing` (s).
    """

    def __init__(self, records: list[Record], closing: float) -> None:
        self.waits: dict[str, list[float]] = {name: [] for name in URGENT_FIRST}
        self.sent, self.expired, self.left = Counter[str](), Counter[str](), Counter[str]()
        since: dict[int, float] = {}
        late = 0.0
        for time, event, _, entry, _, priority, _, _, _, detail in records:
            if event == "sent":
                since[entry] = time
                self.sent[priority] += 1
            elif event in ("received", "expired"):
                if time > closing:
                    self.left[priority] += 1
                if event == "expired":
                    self.expired[priority] += 1
                    late += time - detail  # the detail is the time at which it expired
                else:
                    self.waits[priority].append(time - since[entry])
        self.late = late / max(self.expired.total(), 1)  # seconds between expiring and being found

    @property
    def names(self) -> list[str]:
        """The priorities that occur, the most urgent first."""
        return [name for name in URGENT_FIRST if self.sent[name]]

    @property
    def served(self) -> int:
        """The number of messages that were handed out."""
        return sum(map(len, self.waits.values()))

    def waits_of(self, names: Iterable[str], average: str = "") -> str:
        """Return the mean waits of these priorities in words, or how few of them were served.

        What expired waited longest and is in no mean: the mean of fewer than half of the messages
        would look like a short wait.
        """
        parts: list[str] = []
        for name in names:
            sent, served = self.sent[name], len(self.waits[name])
            if 2 * served < sent:
                were = "was" if served == 1 else "were"
                parts.append(f"{served:,} of {sent:,} {name} {were} served")
                continue
            first = not any(" waits " in part for part in parts)
            wait = f"{format_seconds(self.mean(name))}{average if not parts else ''}"
            parts.append(f"{name} {'waits ' if first else ''}{wait}")
        return ", ".join(parts)

    def mean(self, name: str | None = None) -> float:
        """The mean wait, in seconds, of one priority or of all messages that were handed out."""
        waits = (
            [wait for waits in self.waits.values() for wait in waits]
            if name is None
            else self.waits[name]
        )
        return math.fsum(waits) / len(waits) if waits else math.nan
