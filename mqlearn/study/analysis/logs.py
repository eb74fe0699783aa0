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
    """Three offsets of each partition over time, as steps: the log's `start` and `end`, and the
    group's `position`, the next offset to read.

    `jumps` are the moves of the group past events that it did not read, each with its time (s), the
    offset from and the offset to. It jumps if retention has deleted the events, if it was set to
    the end of the log, or if it began after the first were deleted. The records are of one
    stream with one group.
    """

    def __init__(self, records: Iterable[Record]) -> None:
        self.start: dict[int, Steps] = {}
        self.end: dict[int, Steps] = {}
        self.position: dict[int, Steps] = {}
        self.jumps: dict[int, list[tuple[float, int, int]]] = {}  # time (s), from, to
        # by partition: the offset of a reset; the next commit says where the group went on
        fell: dict[int, int] = {}
        begun: set[int] = set()
        self._in_hand: set[tuple[int, int]] = set()  # partition and offset of events being read
        for time, event, _, entry, *_, detail in records:
            if event == "appended":
                self.end.setdefault(detail, []).append((time, entry + 1))
            elif event == "deleted":
                self.start.setdefault(detail, []).append((time, entry))
            elif event == "started":
                self._in_hand.add((detail, entry))
            elif event == "finished":
                self._in_hand.discard((detail, entry))
            elif event == "reset":
                fell[detail] = entry
            elif event in ("read", "committed"):
                # A group that is new in a partition cannot read what is deleted already.
                if detail not in begun and (first := min(at(self.start, detail), entry)):
                    self.jumps.setdefault(detail, []).append((time, 0, first))
                begun.add(detail)
                if event == "read":
                    continue
                self.position.setdefault(detail, []).append((time, entry))
                if detail in fell:
                    self.jumps.setdefault(detail, []).append((time, fell.pop(detail), entry))

    @property
    def partitions(self) -> list[int]:
        """The numbers of the partitions that have had an event, sorted."""
        return sorted(self.end)

    def size(self, partition: int) -> int:
        """Return the number of events that were ever appended to this partition."""
        return self.end[partition][-1][1]

    def gone(self, partition: int) -> int:
        """Return the number of this partition's events that are deleted and that the group has not
        begun to read.
        """
        position = at(self.position, partition)
        missed = max(0, at(self.start, partition) - position)
        return missed - (missed > 0 and (partition, position) in self._in_hand)

    def lost(self, partition: int) -> int:
        """Return the number of this partition's events that the group skipped or can no longer
        read.
        """
        skipped = sum(to - since for _, since, to in self.jumps.get(partition, ()))
        return skipped + self.gone(partition)

    def read(self, partition: int) -> int:
        """Return the number of this partition's events that the group read."""
        return at(self.position, partition) - sum(
            to - since for _, since, to in self.jumps.get(partition, ())
        )

    def lag(self, partition: int, time: float = inf) -> int:
        """Return the number of offsets that the group was behind the end at `time` (s)."""
        return at(self.end, partition, time) - at(self.position, partition, time)

    def behind(self, *partitions: int) -> tuple[Floats, Floats]:
        """Return the total lag of these partitions: an array of times (s), and an array of the lag
        that holds from each time on.
        """
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
        # Of several steps at one instant only the last one counts; the very last step always does.
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
    index = bisect_right(steps, (time, inf))  # inf: a step at exactly this time counts as well
    return steps[index - 1][1] if index else 0
