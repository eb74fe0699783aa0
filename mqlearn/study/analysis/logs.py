"""The analysis of a log: the length of each partition over time, and how far a group has read."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import pairwise
from math import inf

import numpy as np
from numpy.typing import NDArray

from mqlearn.runtime.trace import Record

Floats = NDArray[np.float64]
Steps = list[tuple[float, int]]  # time (s), the offset that holds from then on


class LogAnalysis:
    """The steps of each partition over time: the log's `start` and `end`, and the group's
    `position`, which is the next offset to read.

    `jumps` are the moves past events that the group did not read, each with its time (s), from and
    to: retention had deleted them, or the group went on at the end. The records are of one stream
    with one group.
    """

    def __init__(self, records: Iterable[Record]) -> None:
        self.start: dict[int, Steps] = {}
        self.end: dict[int, Steps] = {}
        self.position: dict[int, Steps] = {}
        self.jumps: dict[int, list[tuple[float, int, int]]] = {}  # time (s), from, to
        fell: dict[int, int] = {}  # by partition: where a reset began that no commit has ended yet
        for time, event, _, entry, *_, detail in records:
            if event == "appended":
                self.end.setdefault(detail, []).append((time, entry + 1))
            elif event == "deleted":
                self.start.setdefault(detail, []).append((time, entry))
            elif event == "reset":
                fell[detail] = entry
            elif event == "committed":
                self.position.setdefault(detail, []).append((time, entry))
                if detail in fell:
                    self.jumps.setdefault(detail, []).append((time, fell.pop(detail), entry))

    @property
    def partitions(self) -> list[int]:
        """The partitions that have had an event, sorted."""
        return sorted(self.end)

    def size(self, partition: int) -> int:
        """Return the number of events that were ever appended to it."""
        return self.end[partition][-1][1]

    def lost(self, partition: int) -> int:
        """Return the number of its events that the group skipped, or can no longer read."""
        skipped = sum(to - since for _, since, to in self.jumps.get(partition, ()))
        return skipped + max(0, at(self.start, partition) - at(self.position, partition))

    def read(self, partition: int) -> int:
        """Return the number of its events that the group read."""
        return at(self.position, partition) - sum(
            to - since for _, since, to in self.jumps.get(partition, ())
        )

    def lag(self, partition: int, time: float = inf) -> int:
        """Return the number of offsets that the group was behind the end at `time` (s)."""
        return at(self.end, partition, time) - at(self.position, partition, time)

    def behind(self, *partitions: int) -> tuple[Floats, Floats]:
        """Return the lag of these partitions together: times (s), and the lag from each time on."""
        tables = [
            (table.get(p, []), sign)
            for p in partitions
            for table, sign in ((self.end, 1), (self.position, -1))
        ]
        times = np.array([time for table, _ in tables for time, _ in table], dtype=float)
        moves = np.array(
            [
                sign * (after - before)
                for table, sign in tables
                for (_, before), (_, after) in pairwise([(0.0, 0), *table])
            ],
            dtype=int,
        )
        order = np.argsort(times, kind="stable")
        # of several steps at one instant only the last one counts
        lasts = np.append(np.diff(times[order]) > 0, np.ones(min(len(times), 1), dtype=bool))
        return times[order][lasts], np.cumsum(moves[order])[lasts].astype(float)

    def worst(self) -> int:
        """Return the partition to look at first: the one that lost most; if none lost any, the one
        that lags most; if none lags, the largest.
        """
        return max(self.partitions, key=lambda p: (self.lost(p), self.lag(p), self.size(p)))


def at(table: dict[int, Steps], partition: int, time: float = inf) -> int:
    """Return the value of a partition's steps at `time` (s); 0 before the first step."""
    steps = table.get(partition, [])
    index = bisect_right(steps, (time, inf))
    return steps[index - 1][1] if index else 0
