"""The places of a queue's entries: the lines where they wait, the heap of those with a date."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from heapq import heapify, heappop, heappush

from mqlearn.messaging.message import Message, MessagePriority

# the first is served first
PRIORITIES = tuple(sorted(MessagePriority, key=lambda p: -p.value))
LANE = {priority: lane for lane, priority in enumerate(PRIORITIES)}

MANY = 1000  # dates in a heap before void ones are looked for


class Entry:
    """One accepted message and its state. The same id sent twice makes two entries.

    `number` counts the queue's entries from 1; `lane` is its priority's line; `position` its place
    in the order of joining; `lease` when the lease of the delivery `receipt` ends (s).
    """

    __slots__ = ("attempt", "lane", "lease", "message", "number", "position", "receipt")

    def __init__(self, number: int, message: Message, lane: int) -> None:
        self.number, self.message, self.lane = number, message, lane
        self.attempt = self.position = self.receipt = 0
        self.lease = 0.0


# the entries that came back, by their position; the others
Line = tuple[list[tuple[int, Entry]], deque[Entry]]


class PriorityLines:
    """The entries that wait: one line for each priority, first in first out. `length` is how many
    there are.

    An entry that comes back goes to its old place. It is older than all that still wait in its line
    (it was taken from the head of it), so a small heap of returned entries in front of the line is
    enough.
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
        """Forget them all. The count of positions goes on, since entries in flight may still come
        back.
        """
        self._lines = [([], deque()) for _ in PRIORITIES]
        self.length = 0

    def count(self) -> int:
        """Count the entries in the lines themselves, as a check of `length`."""
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
        """Take out the entry to serve next: the highest priority, and the oldest in it."""
        if self.length:
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
    """Entries with a date (s), earliest first; a date is void once `current(entry, date, key)` is
    false. Voiding needs no search of the heap: a void date is skipped when its turn comes.
    """

    def __init__(self, current: Callable[[Entry, float, int], bool]) -> None:
        self.heap: list[tuple[float, int, Entry]] = []
        self._current = current
        self._limit = MANY

    def add(self, date: float, key: int, entry: Entry) -> None:
        """Give an entry this date (s). A date that it had before stays until it is found void."""
        heappush(self.heap, (date, key, entry))
        # Void dates are forgotten now and then, so that memory follows what is alive.
        if len(self.heap) > self._limit:
            self.heap = [item for item in self.heap if self._current(item[2], item[0], item[1])]
            heapify(self.heap)
            self._limit = 2 * len(self.heap) + MANY

    def first(self) -> float | None:
        """The earliest date that is not void."""
        while self.heap:
            date, key, entry = self.heap[0]
            if self._current(entry, date, key):
                return date
            heappop(self.heap)
        return None

    def pop(self) -> Entry:
        """Take out the entry whose date `first` has just told."""
        return heappop(self.heap)[2]

    def __len__(self) -> int:
        return len(self.heap)

    def __iter__(self) -> Iterator[tuple[float, int, Entry]]:
        return iter(sorted(self.heap, key=lambda item: item[:2]))

    def clear(self) -> None:
        self.heap.clear()
