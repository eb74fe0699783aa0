"""One partition: a list of events that grows at the end, and is cut at the start by retention."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import overload

from mqlearn.runtime import check
from mqlearn.streaming.event import StreamEvent

OFFSET = attrgetter("sequence_number")


class OffsetOutOfRange(LookupError):
    """Raised for an `offset` that is not in a partition: before `start` or after `end`."""

    def __init__(self, partition: int, offset: int, start: int, end: int) -> None:
        super().__init__(partition, offset, start, end)  # all that it is made of: it is pickled so
        self.partition, self.offset, self.start, self.end = partition, offset, start, end

    def __str__(self) -> str:
        return (
            f"offset must be within {self.start} to {self.end} in partition {self.partition}, got "
            f"{self.offset}"
        )


class PartitionLog(Sequence[StreamEvent]):
    """The events of one partition, oldest first. A caller that changes it holds the stream's lock.

    `start` is the first offset that retention has left, `end` the one that the next event gets.
    Offsets never change and are never used again; compaction leaves gaps between them. As a
    sequence it contains the events that are left.
    """

    def __init__(self) -> None:
        self.start = self.end = 0
        self._events: list[StreamEvent] = []
        # The index of the first event that is left. Deleting at the front of a list moves all the
        # rest, so the dropped events stay in the list until they are more than half of it.
        self._head = 0

    def append(self, event: StreamEvent) -> None:
        """Give `event` the next offset, and add it at the end."""
        event.sequence_number = self.end
        self._events.append(event)
        self.end += 1

    def fetch(self, offset: int, n: int) -> list[StreamEvent]:
        """Return at most `n` events from `offset` on."""
        events, at = self._events, self._head + offset - self.start
        # the index follows from the offset, except behind a gap that compaction left: search there
        if not (self._head <= at < len(events) and events[at].sequence_number == offset):
            at = bisect_left(events, offset, lo=self._head, key=OFFSET)
        return events[at : at + n]

    def first(self, offset: int) -> StreamEvent | None:
        """Return the first event from `offset` on; None at the end."""
        # as in `fetch`, without making a list: a reader calls this for each event
        at = self._head + offset - self.start
        if (
            self._head <= at < len(self._events)
            and (event := self._events[at]).sequence_number == offset
        ):
            return event
        return next(iter(self.fetch(offset, 1)), None)

    def cut(self, before: float | None, keep: int | None) -> bool:
        """Drop the events appended up to the time `before` (s), and all but the last `keep` events;
        None: no limit. True if any was dropped.
        """
        head, events = self._head, self._events
        while head < len(events) and (
            (before is not None and (events[head].appended_at or 0.0) <= before)
            or (keep is not None and len(events) - head > keep)
        ):
            head += 1
        if head == self._head:
            return False
        self._head = head
        self.start = events[head].sequence_number if head < len(events) else self.end
        if head * 2 > len(events):
            del events[:head]
            self._head = 0
        return True

    def superseded(self, before: float) -> set[int]:
        """Return the offsets of all events whose partition key has a newer event, and of the
        tombstones appended up to the time `before` (s). Events without a key stay.
        """
        # later events overwrite earlier ones in the dict, so the newest of each key remains
        last = {event.partition_key: event.sequence_number for event in self}
        return {
            e.sequence_number
            for e in self
            if e.partition_key
            and (
                last[e.partition_key] != e.sequence_number
                or (e.data is None and (e.appended_at or 0.0) <= before)
            )
        }

    def drop(self, offsets: set[int]) -> None:
        """Drop the events at these offsets; the others keep theirs."""
        self._events = [event for event in self if event.sequence_number not in offsets]
        self._head = 0

    def lag(self, offset: int) -> int:
        """Return the number of offsets from `offset` to the end. It is 0 if compaction has dropped
        all of their events; those that retention dropped count, since they were not read.
        """
        left = offset < self.start or self.first(offset) is not None
        return self.end - offset if left else 0

    def __len__(self) -> int:
        return len(self._events) - self._head

    @overload
    def __getitem__(self, index: int) -> StreamEvent: ...

    @overload
    def __getitem__(self, index: slice) -> list[StreamEvent]: ...

    def __getitem__(self, index: int | slice) -> StreamEvent | list[StreamEvent]:
        return (
            self._events[self._head :][index]
            if isinstance(index, slice)
            else self._events[self._place(index)]
        )

    def _place(self, index: int) -> int:
        if not -len(self) <= index < len(self):
            raise IndexError(
                f"index must be within {len(self)} events, got {check.short_repr(index)}"
            )
        return self._head + index if index >= 0 else index

    def __iter__(self) -> Iterator[StreamEvent]:
        return iter(self._events[self._head :])
