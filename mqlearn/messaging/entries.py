"""The places of a queue's entries: a line per priority where they wait, and a heap of those with a
due time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from heapq import heapify, heappop, heappush

from mqlearn.messaging.message import Message, MessagePriority

# highest priority first: a lane's number is its place in this tuple, and 0 is served first
PRIORITIES = tuple(sorted(MessagePriority, key=lambda p: -p.value))
LANE = {priority: lane for lane, priority in enumerate(PRIORITIES)}

MANY = 1000  # dates in a heap before it is searched for invalid ones


class Entry:
    """One accepted message and its state. The same id sent twice makes two entries.

    `number` counts the queue's entries from 1; `lane` is the number of its priority's line, 0 for
    the highest; `position` is its place in the order of joining; `lease` is the time (s) when the
    lease of the delivery `receipt` ends.
    """

    __slots__ = ("attempt", "lane", "lease", "message", "number", "position", "receipt")

    def __init__(self, number: int, message: Message, lane: int) -> None:
        self.number, self.message, self.lane = number, message, lane
        self.attempt = self.position = self.receipt = 0
        self.lease = 0.0


# a heap of (position, entry) for the entries that came back; the line of all others
Line = tuple[list[tuple[int, Entry]], deque[Entry]]


class PriorityLines:
    """The entries that wait: one line for each priority, first in, first out. `length` is the
    number of all of them.

    An entry that comes back goes to its old place. It was taken from the head of its line, so it is
    older than all that still wait there. A small heap of returned entries, served before the line,
    is therefore enough.
    """

    def __init__(self) -> None:
        self._lines: list[Line] = [([], deque()) for _ in PRIORITIES]
        self._joined = 0
        self.length = 0

    def __iter__(self) -> Iterator[Entry]:
        """Iterate in the order of service."""
        for returned, line in self._lines:
            yield from (entry for _, entry in sorted(returned))
            yield from line

    def clear(self) -> None:
        """Remove all entries. The count of positions is not reset, since entries in flight may
        still come back.
        """
        self._lines = [([], deque()) for _ in PRIORITIES]
        self.length = 0

    def count(self) -> int:
        """Count the entries in the lines themselves, independently of `length`."""
        return sum(len(returned) + len(line) for returned, line in self._lines)

    def join(self, entry: Entry) -> None:
        """Add an entry at the tail of its line."""
        self._joined += 1
        self.length += 1
        entry.position = self._joined
        self._lines[entry.lane][1].append(entry)

    def requeue(self, entry: Entry) -> None:
        """Return an entry to its old place."""
        self.length += 1
        heappush(self._lines[entry.lane][0], (entry.position, entry))

    def pop(self, lines: Iterable[Line] | None = None) -> Entry | None:
        """Take out the entry to serve next: of the highest priority, the oldest. `lines` may give
        another order of the lines.
        """
        if self.length:
            # a returned entry is older than the whole line behind it, so the heap is asked first
            for returned, line in self._lines if lines is None else lines:
                if returned:
                    self.length -= 1
                    return heappop(returned)[1]
                if line:
                    self.length -= 1
                    return line.popleft()
        return None

    def pop_oldest(self) -> Entry | None:
        """Take out the oldest entry of the lowest priority that waits."""
        return self.pop(reversed(self._lines))


class DeadlineHeap:
    """Entries with a due time (s), earliest first. An item becomes invalid once `current(entry,
    date, key)` is false; it is not searched for, but skipped when it comes to the top.
    """

    def __init__(self, current: Callable[[Entry, float, int], bool]) -> None:
        self.heap: list[tuple[float, int, Entry]] = []
        self._current = current
        self._limit = MANY

    def add(self, date: float, key: int, entry: Entry) -> None:
        """Add a date (s) for an entry. An earlier date of it stays in the heap until it is found to
        be invalid.
        """
        heappush(self.heap, (date, key, entry))
        # The date of an acked delivery would stay until its lease would have ended, so invalid
        # dates are removed now and then. The limit grows with what is left: this costs little per
        # `add`.
        if len(self.heap) > self._limit:
            self.heap = [item for item in self.heap if self._current(item[2], item[0], item[1])]
            heapify(self.heap)
            self._limit = 2 * len(self.heap) + MANY

    def first(self) -> float | None:
        """Return the earliest valid date (s), or None; drop invalid ones from the top."""
        while self.heap:
            date, key, entry = self.heap[0]
            if self._current(entry, date, key):
                return date
            heappop(self.heap)
        return None

    def pop(self) -> Entry:
        """Take out the entry whose date `first` has just returned."""
        return heappop(self.heap)[2]

    def __len__(self) -> int:
        return len(self.heap)

    def __iter__(self) -> Iterator[tuple[float, int, Entry]]:
        return iter(sorted(self.heap, key=lambda item: item[:2]))

    def clear(self) -> None:
        self.heap.clear()
