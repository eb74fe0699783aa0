"""Where a queue keeps its entries: the lines of those who wait, and the heap of those who have a
date.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from heapq import heapify, heappop, heappush

from mqlearn.messaging.message import Message, MessagePriority

PRIORITIES = tuple(sorted(MessagePriority, key=lambda p: -p.value))  # the first is served first
LANE = {priority: lane for lane, priority in enumerate(PRIORITIES)}


MANY = 1000  # dates that are kept before void ones are looked for


class Entry:
    """One accepted message and its state. The same id sent twice makes two entries with two fates.

    `number` counts the queue's entries from 1; `lane` is its priority's line; `position` its place
    in the order of joining; `lease` when the lease of the delivery `receipt` ends (s).
    """

    __slots__ = ("attempt", "lane", "lease", "message", "number", "position", "receipt")

    def __init__(self, number: int, message: Message, lane: int) -> None:
        self.number, self.message, self.lane = number, message, lane
        self.attempt = self.position = self.receipt = 0
        self.lease = 0.0


# those who came back, by their position; the others
Line = tuple[list[tuple[int, Entry]], deque[Entry]]


class PriorityLines:
    """The entries that wait: one line a priority, first in first out. `length` is how many there
    are.

    What comes back goes to its old place. It is older than everything that still waits in its line
    (it was taken from the head of it), so a small heap of returned entries in front of the line is
    enough.
    """

    def __init__(self) -> None:
        self._lines: list[Line] = [([], deque()) for _ in PRIORITIES]
        self._joined = 0
        self.length = 0

    def __iter__(self) -> Iterator[Entry]:
        """In the order in which they would be served."""
        for returned, line in self._lines:
            yield from (entry for _, entry in sorted(returned))
            yield from line

    def clear(self) -> None:
        """Forget them all; places in the order go on from where they were, for those who may yet
        come back.
        """
        self._lines = [([], deque()) for _ in PRIORITIES]
        self.length = 0

    def count(self) -> int:
        """How many there are, counted one by one."""
        return sum(len(returned) + len(line) for returned, line in self._lines)

    def join(self, entry: Entry) -> None:
        """At the tail of its line."""
        self._joined += 1
        self.length += 1
        entry.position = self._joined
        self._lines[entry.lane][1].append(entry)

    def requeue(self, entry: Entry) -> None:
        """At its old place."""
        self.length += 1
        heappush(self._lines[entry.lane][0], (entry.position, entry))

    def pop(self, lines: Iterable[Line] | None = None) -> Entry | None:
        """Take out the entry to serve next: the highest priority, and the oldest in it."""
        if self.length:
            for returned, line in self._lines if lines is None else lines:
                if returned or line:
                    self.length -= 1
                    return heappop(returned)[1] if returned else line.popleft()
        return None

    def pop_oldest(self) -> Entry | None:
        """Take out the oldest entry of the lowest priority that waits."""
        return self.pop(reversed(self._lines))


class DeadlineHeap:
    """Entries with a date (s), earliest first; a date is void once `current(entry, date, key)` is
    false.
    """

    def __init__(self, current: Callable[[Entry, float, int], bool]) -> None:
        self.heap: list[tuple[float, int, Entry]] = []
        self._current = current
        self._much = MANY

    def add(self, date: float, key: int, entry: Entry) -> None:
        heappush(self.heap, (date, key, entry))
        # forget void dates now and then: memory follows what is alive
        if len(self.heap) > self._much:
            self.heap = [item for item in self.heap if self._current(item[2], item[0], item[1])]
            heapify(self.heap)
            self._much = 2 * len(self.heap) + MANY

    def first(self) -> float | None:
        """The earliest date that is not void."""
        while self.heap:
            date, key, entry = self.heap[0]
            if self._current(entry, date, key):
                return date
            heappop(self.heap)
        return None

    def pop(self) -> Entry:
        return heappop(self.heap)[2]

    def __len__(self) -> int:
        return len(self.heap)

    def __iter__(self) -> Iterator[tuple[float, int, Entry]]:
        return iter(sorted(self.heap, key=lambda item: item[:2]))

    def clear(self) -> None:
        self.heap.clear()
