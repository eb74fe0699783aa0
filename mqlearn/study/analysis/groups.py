"""The analysis of a consumer group: the owner of each partition over time, and the events that the
group handled twice or never.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from math import inf

from mqlearn.runtime.trace import Record
from mqlearn.study.analysis.logs import LogAnalysis, at


@dataclass(frozen=True)
class Owned:
    """The ownership of a partition by `member`, from `start` to `end` (s)."""

    partition: int
    member: str
    start: float
    end: float


class GroupAnalysis:
    """Owners, repeated work and losses, read off the records of one stream with one group.

    `owned` has the ownerships, in the order of their ends; `members` the names of the processes, in
    the order of joining; `generations` is the number of the last generation. `done` is the number
    of events that were done, `twice` of those done more than once, `fenced` of the commits that
    were refused.

    `present` has the processes that are in the group at the end. `again` has the time (s) of each
    repeat, `second` only that of the first repeat of each event. `lost` has the time (s) of the
    crash that lost an event, once per lost event. An event is lost if its offset is committed, it
    was not done, and the member that had read it has crashed. `fell` lists the members that crashed
    or stood still, each with the time (s). `silent` has the ownerships of such a member, cut to the
    time when it sent no heartbeat.

    A process that dies and starts again joins as a new member, with the same `process_name`.
    """

    def __init__(self, records: Iterable[Record], until: float) -> None:
        records = list(records)
        self.log = LogAnalysis(records)
        self.owned: list[Owned] = []
        self.members: list[str] = []
        self.generations = 0
        self.fenced = 0
        done: Counter[str] = Counter()
        # by member: partition, offset and id of each event that it has read
        taken: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
        self.present = _present(records)
        self.again: list[float] = []
        self.lost: list[float] = []
        self.fell: list[tuple[str, float]] = []
        self.silent: list[Owned] = []
        silences: dict[str, list[tuple[float, float]]] = defaultdict(list)  # by member: from, to
        since: dict[int, tuple[str, float]] = {}  # by partition: its owner now, and from when (s)

        def keep(partition: int, end: float) -> None:
            member, start = since.pop(partition)
            if end <= start:  # assigned and revoked at one instant
                return
            self.owned.append(Owned(partition, process_name(member), start, end))
            self.silent += [
                Owned(partition, process_name(member), max(start, fell), min(end, spoke))
                for fell, spoke in silences[member]
                if fell < end and spoke > start
            ]

        for time, event, _, entry, name, _, _, worker, _, detail in records:
            if event == "joined" and process_name(name) not in self.members:
                self.members.append(process_name(name))
            elif event == "assigned":
                self.generations = entry
                since |= dict.fromkeys(detail, (name, time))
            elif event == "revoked":
                for partition in detail:
                    keep(partition, time)
            elif event == "fenced":
                self.fenced += 1
            elif event == "read":
                taken[worker].append((detail, entry, name))  # the detail is the partition
            elif event == "effect":
                done[name] += 1
                if done[name] > 1:
                    self.again.append(time)
            elif event == "stalled":
                self.fell.append((process_name(worker), time))
                silences[worker].append((time, time + detail))  # the detail is how long (s)
            elif event == "finished" and detail == "crashed":
                self.fell.append((process_name(worker), time))
                silences[worker].append((time, inf))
                # What it had read and committed, but not done: the next owner of the partition
                # begins at the committed offset and never reads these events.
                self.lost += [
                    time
                    for partition, offset, each in taken[worker]
                    if not done[each] and at(self.log.position, partition, time) > offset
                ]
        # What is owned at the end of the run has no "revoked" record.
        for partition in list(since):
            keep(partition, until)
        self.done = len(done)
        self.second = _second(records)
        self.twice = len(self.second)


def _present(records: Iterable[Record]) -> set[str]:
    """Return the names of the processes that joined last and did not leave the group again."""
    present = set[str]()
    for record in records:
        if record.event == "joined":
            present.add(process_name(record.message_id))
        elif record.event in ("left", "evicted"):
            present.discard(process_name(record.message_id))
    return present


def _second(records: Iterable[Record]) -> list[float]:
    """Return the times (s) at which events had an effect for the second time."""
    done, found = Counter[str](), list[float]()
    for record in records:
        if record.event == "effect":
            done[record.message_id] += 1
            if done[record.message_id] == 2:
                found.append(record.time)
    return found


def process_name(member: str) -> str:
    """Return the name of a member's process, as charts show it: "A" for "A-1" and for "A.2".

    A member's name goes on with a hyphen or, after a restart, with a dot and a number.
    """
    return member.partition("-")[0].partition(".")[0]
