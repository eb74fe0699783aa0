"""The places of a queue's entries: a line per priority where they wait, and a heap of those with a
due time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from heapq import heapify, heappop, heappush

from mqlearn.messaging.message import Message, MessagePriority

# highest priority first: a lane's number is its place in this tuple, and 0 is served first
PRIORITIES = tuple(sorted(MessagePriority, key=lambda p: -p.value))
LANE = {priority: lane for lane, priority in enumerate(PRIORITIES)}

MANY = 1000  # invalid ends of leases that may stay, however few valid ones there are


class Entry:
    """One accepted message and its state. The same id sent twice makes two entries.

    `number` counts the queue's entries from 1 (0: not accepted yet); `lane` is the number of its
    priority's line, 0 for the highest; `position` is its place in the order of joining; `lease` is
    the time (s) when the lease of the delivery `receipt` ends, `end` the last instant (s) at which
    it is handed out. `group` is set by a queue of groups only.
    """

    __slots__ = (
        "attempt",
        "end",
        "group",
        "lane",
        "lease",
        "message",
        "number",
        "position",
        "receipt",
    )

    end: float
    group: str

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


class LeaseHeap:
    """The ends (s) of the leases of the deliveries `in_flight`, the earliest first.

    An end becomes invalid when its delivery is settled, or gets another end. It is not searched for
    then, but skipped when it comes to the top. It holds only a number, so what is settled is not
    kept in memory.
    """

    def __init__(self, in_flight: dict[int, Entry]) -> None:
        self.heap: list[tuple[float, int]] = []
        self._in_flight = in_flight

    def add(self, end: float, receipt: int) -> None:
        """Add an end (s), which the entry in flight has as its `lease`."""
        heap, in_flight = self.heap, self._in_flight
        heappush(heap, (end, receipt))
        # the invalid ones are removed when there are many of them, compared with the valid ones:
        # this costs little per `add`
        if len(heap) > 2 * len(in_flight) + MANY:
            heap[:] = [(in_flight[r].lease, r) for r in in_flight]
            heapify(heap)

    def first(self) -> float | None:
        """Return the earliest valid end (s), or None; drop invalid ones from the top."""
        heap, in_flight = self.heap, self._in_flight
        while heap:
            end, receipt = heap[0]
            if receipt in in_flight and in_flight[receipt].lease == end:
                return end
            heappop(heap)
        return None

    def pop(self) -> Entry:
        """Take out the end that `first` has just returned; return its entry, which is still in
        flight.
        """
        return self._in_flight[heappop(self.heap)[1]]

    def clear(self) -> None:
        self.heap.clear()


class DeadlineHeap:
    """Entries with a due time (s), the earliest first."""

    def __init__(self) -> None:
        self.heap: list[tuple[float, int, Entry]] = []

    def add(self, date: float, entry: Entry) -> None:
        """Add an entry that is due at `date` (s)."""
        heappush(self.heap, (date, entry.number, entry))

    def first(self) -> float | None:
        """Return the earliest date (s), or None."""
        return self.heap[0][0] if self.heap else None

    def pop(self) -> Entry:
        """Take out the entry that is due first."""
        return heappop(self.heap)[2]

    def __len__(self) -> int:
        return len(self.heap)

    def __iter__(self) -> Iterator[tuple[float, int, Entry]]:
        return iter(sorted(self.heap, key=lambda item: item[:2]))

    def clear(self) -> None:
        self.heap.clear()
