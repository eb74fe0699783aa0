"""What a group's records say: who owned which partition when, and which events were done twice or
never.
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
    """A partition was `member`'s from `start` to `end` (s)."""

    partition: int
    member: str
    start: float
    end: float


class GroupAnalysis:
    """`owned` in the order of their beginning; `again` and `lost`: when (s) an event was done
    again, or lost.

    `fell`: who died or stood still, and when (s); `silent`: what such a member owned while it gave
    no sign. An event is lost if it is committed, was not done, and who had taken it is dead. `done`
    counts events, `twice` those of them done more than once, `fenced` commits that were refused.
    The records are of one stream with one group; members of the same letter are lives of the same
    process.
    """

    def __init__(self, records: Iterable[Record], until: float) -> None:
        records = list(records)
        self.log = LogAnalysis(records)
        self.owned: list[Owned] = []
        self.members: list[str] = []
        self.generations = 0
        self.fenced = 0
        done: Counter[str] = Counter()
        taken: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
        self.again: list[float] = []
        self.lost: list[float] = []
        self.fell: list[tuple[str, float]] = []
        self.silent: list[Owned] = []
        silences: dict[str, list[tuple[float, float]]] = defaultdict(list)
        since: dict[int, tuple[str, float]] = {}

        def keep(partition: int, end: float) -> None:
            member, start = since.pop(partition)
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
                taken[worker].append((detail, entry, name))
            elif event == "effect":
                done[name] += 1
                if done[name] > 1:
                    self.again.append(time)
            elif event == "stalled":
                self.fell.append((process_name(worker), time))
                silences[worker].append((time, time + detail))
            elif event == "finished" and detail == "crashed":
                self.fell.append((process_name(worker), time))
                silences[worker].append((time, inf))
                self.lost += [
                    time
                    for partition, offset, each in taken[worker]
                    if not done[each] and at(self.log.position, partition, time) > offset
                ]
        for partition in list(since):
            keep(partition, until)
        self.done = len(done)
        self.twice = sum(count > 1 for count in done.values())


def process_name(member: str) -> str:
    """What a chart calls a member: the name of its process, before the hyphen or the number of its
    life.
    """
    return member.partition("-")[0].partition(".")[0]
