"""The analysis of a replicated log: the role of each replica over time, the entries that are not
committed yet, and those that the newest leader does not have.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from math import inf

from mqlearn.runtime.trace import Record
from mqlearn.study.analysis.promises import PromiseAnalysis

LEADER, IN_SYNC, OUT, DOWN = "leader", "in sync", "out of sync", "down"
Steps = list[tuple[float, int]]  # time (s), the count that holds from then on


@dataclass(frozen=True)
class Span:
    """The time from `start` to `end` (s) while a replica had a `role`; `epoch` is that of a
    leader.
    """

    replica: int
    role: str
    start: float
    end: float
    epoch: int = 0


@dataclass
class Copy:
    """The log of one replica: `segments` has the epoch and the first offset of each stretch of
    entries that one leader appended, `end` is the offset after the last entry.
    """

    segments: list[tuple[int, int]] = field(default_factory=list)
    end: int = 0
    common: int = 0  # offsets up to here are the same as the newest leader's

    def append(self, epoch: int, offset: int) -> None:
        """Add the entry at `offset`, which a leader of `epoch` appended."""
        if not self.segments or self.segments[-1][0] != epoch:
            self.segments.append((epoch, offset))
        self.end = offset + 1

    def cut(self, end: int) -> None:
        """Drop the entries from offset `end` on."""
        self.end = min(self.end, end)
        self.segments = [each for each in self.segments if each[1] < self.end]
        self.common = min(self.common, self.end)

    def shared_with(self, other: Copy) -> int:
        """Return the number of entries at the beginning that both logs have."""
        least = min(self.end, other.end)
        for mine, theirs in zip(self.segments, other.segments, strict=False):
            if mine != theirs:
                return min(least, mine[1], theirs[1])
        longer = max(self.segments, other.segments, key=len)
        shorter = min(len(self.segments), len(other.segments))
        return min(least, longer[shorter][1]) if shorter < len(longer) else least


class ReplicaAnalysis:
    """Roles, ends and losses of the replicas of one log, read off its records.

    `spans` are the roles of the replicas, `cut` the times while one was cut off from the others.
    `above` has, by replica, the number of its entries above the high watermark over time, `dropped`
    the number of entries that the newest leader does not have. `elections` are the times (s) with
    the number of the leader and its epoch; `drops` the times (s) at which a replica's log was cut,
    with the number of the replica and that of the entries.
    """

    def __init__(self, records: Iterable[Record], until: float) -> None:
        self.until = until
        self.spans: list[Span] = []
        self.cut: list[Span] = []
        self.elections: list[tuple[float, int, int]] = []
        self.above: dict[int, Steps] = {}
        self.dropped: dict[int, Steps] = {}
        self.logs: dict[int, Copy] = {}
        self.watermark: Steps = []
        self.drops: list[tuple[float, int, int]] = []
        self._roles: dict[int, tuple[str, float, int]] = {}
        self._cut_since: dict[int, float] = {}
        self._down: set[int] = set()
        self._out: set[int] = set()
        self._ids: dict[tuple[int, int], str] = {}  # by epoch and offset
        records = list(records)
        self._first = records[0].time if records else 0.0
        for record in records:
            if record.worker.startswith("replica-"):
                self._take(record, int(record.worker.removeprefix("replica-")))
        # the role and the epoch of each replica at the end
        self.last = {number: (role, epoch) for number, (role, _, epoch) in self._roles.items()}
        for replica in list(self._roles):
            self._become(replica, "", until)
        self.cut += [Span(n, "cut off", since, until) for n, since in self._cut_since.items()]

    @property
    def replicas(self) -> list[int]:
        """The numbers of the replicas, sorted."""
        return sorted(self.logs)

    @property
    def leader(self) -> int | None:
        """The replica that was elected last; None if none ever was."""
        return self.elections[-1][1] if self.elections else None

    def ids(self, replica: int) -> list[str]:
        """Return the ids of the entries that this replica's log has at the end, by offset."""
        log = self.logs[replica]
        if not log.segments:
            return []
        ends = [*(start for _, start in log.segments[1:]), log.end]
        return [
            self._ids[epoch, offset]
            for (epoch, start), end in zip(log.segments, ends, strict=True)
            for offset in range(start, end)
        ]

    def _take(self, record: Record, replica: int) -> None:
        time, event, _, entry, name, _, _, _, epoch, _ = record
        log = self.logs.setdefault(replica, Copy())
        if event == "appended":
            self._ids[epoch, entry] = name
            prefix = replica == self.leader
            log.append(epoch, entry)
            log.common = log.end if prefix else log.common
            self._count(replica, time)
        elif event == "fetched":
            source = self.logs[self.leader] if self.leader is not None else log
            log.segments, log.end = [each for each in source.segments if each[1] < entry], entry
            log.common = entry
            self._count(replica, time)
        elif event in ("truncated", "power_cut"):
            self.drops.append((time, replica, max(0, log.end - entry)))
            log.cut(entry)
            self._count(replica, time)
        elif event == "committed":
            self.watermark.append((time, entry))
            for number in self.logs:
                self._count(number, time)
        elif event == "elected":
            self._elected(time, replica, epoch)
        self._change_role(time, event, replica)

    def _elected(self, time: float, replica: int, epoch: int) -> None:
        self.elections.append((time, replica, epoch))
        self._out.discard(replica)
        for number, log in self.logs.items():
            log.common = log.shared_with(self.logs[replica])
            self._count(number, time)
        self._become(replica, LEADER, time, epoch)

    def _change_role(self, time: float, event: str, replica: int) -> None:
        self._down -= {replica} if event == "restarted" else set()
        self._down |= {replica} if event in ("killed", "power_cut") else set()
        self._out -= {replica} if event == "isr_grown" else set()
        self._out |= {replica} if event == "isr_shrunk" else set()
        if event == "cut_off":
            self._cut_since[replica] = time
        elif event == "healed" and replica in self._cut_since:
            self.cut.append(Span(replica, "cut off", self._cut_since.pop(replica), time))
        role, *_ = self._roles.get(replica, (IN_SYNC, 0.0, 0))
        if replica in self._down:
            self._become(replica, DOWN, time)
        elif role == LEADER and not self._deposed(event, replica):
            return  # it believes so until it hears of a newer epoch, also while it is cut off
        elif role == LEADER or event in ("restarted", "isr_grown", "isr_shrunk") or not role:
            self._become(replica, OUT if replica in self._out else IN_SYNC, time)
        elif replica not in self._roles:
            self._become(replica, IN_SYNC, time)

    def _deposed(self, event: str, replica: int) -> bool:
        return replica != self.leader and event in ("fetched", "truncated", "isr_grown", "followed")

    def _become(self, replica: int, role: str, time: float, epoch: int = 0) -> None:
        was = self._roles.pop(replica, None)
        if was is not None and was[0] == role and was[2] == epoch:
            self._roles[replica] = was
            return
        if was is not None and time > was[1]:
            self.spans.append(Span(replica, was[0], was[1], time, was[2]))
        if role:
            # A replica has its first role from the beginning, also if its first record is later.
            since = self._first if was is None else time
            self._roles[replica] = role, since, epoch

    def _count(self, replica: int, time: float) -> None:
        log, watermark = self.logs[replica], self.watermark[-1][1] if self.watermark else 0
        dropped = max(0, log.end - log.common)
        above = max(0, min(log.end, log.common) - watermark)
        for table, count in ((self.above, above), (self.dropped, dropped)):
            steps = table.setdefault(replica, [])
            if not steps or steps[-1][1] != count:
                steps.append((time, count))


def promises_in(records: Iterable[Record]) -> PromiseAnalysis:
    """Return the promises that the records of one log tell of; the log is that of the newest
    leader.
    """
    records = list(records)
    told: dict[Hashable, str] = {}
    answers = {"acknowledged": "yes", "refused": "no", "unanswered": "maybe", "appended": "maybe"}
    for record in records:
        said, before = answers.get(record.event), told.get(record.message_id)
        # a refused try says nothing of an earlier one that was not answered
        if said is None or before == "yes" or (said == "no" and before == "maybe"):
            continue
        told[record.message_id] = said
    found = ReplicaAnalysis(records, inf)
    return PromiseAnalysis({"": told}, [] if found.leader is None else found.ids(found.leader))


def value(steps: Steps, time: float) -> int:
    """Return the value of `steps` at `time` (s); 0 before the first step."""
    index = bisect_right(steps, (time, inf))
    return steps[index - 1][1] if index else 0
