"""What a log's records say: how long each partition was when, and how far a group had read."""

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
    """By partition, over time: the log's `start` and `end`, and the group's `position`, the next
    offset to read.

    `lost` are the offsets that the group never read: dropped before it came, or skipped when it
    went on. The records are of one stream with one group.
    """

    def __init__(self, records: Iterable[Record]) -> None:
        self.start: dict[int, Steps] = {}
        self.end: dict[int, Steps] = {}
        self.position: dict[int, Steps] = {}
        self.jumps: dict[int, list[tuple[float, int, int]]] = {}  # time (s), from, to
        fell: dict[int, int] = {}
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
        """Those that have an event."""
        return sorted(self.end)

    def size(self, partition: int) -> int:
        """How many events were ever appended to it."""
        return self.end[partition][-1][1]

    def lost(self, partition: int) -> int:
        """How many of them the group skipped, or can no longer read."""
        skipped = sum(to - since for _, since, to in self.jumps.get(partition, ()))
        return skipped + max(0, at(self.start, partition) - at(self.position, partition))

    def read(self, partition: int) -> int:
        """How many of them the group read."""
        return at(self.position, partition) - sum(
            to - since for _, since, to in self.jumps.get(partition, ())
        )

    def lag(self, partition: int, time: float = inf) -> int:
        """How many offsets the end is ahead of the group at `time` (s)."""
        return at(self.end, partition, time) - at(self.position, partition, time)

    def behind(self, *partitions: int) -> tuple[Floats, Floats]:
        """The lag of these partitions together: times (s), and what holds from each on."""
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
        lasts = np.append(np.diff(times[order]) > 0, np.ones(min(len(times), 1), dtype=bool))
        return times[order][lasts], np.cumsum(moves[order])[lasts].astype(float)

    def worst(self) -> int:
        """The partition to look at: the one that lost most, else the one that lags most, else the
        largest.
        """
        return max(self.partitions, key=lambda p: (self.lost(p), self.lag(p), self.size(p)))


def at(table: dict[int, Steps], partition: int, time: float = inf) -> int:
    """What held in this partition at `time` (s); 0 before the first step."""
    steps = table.get(partition, [])
    index = bisect_right(steps, (time, inf))
    return steps[index - 1][1] if index else 0
