"""A queue that hands out the newest message first."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Iterator

from mqlearn.messaging.entries import Entry, Line, PriorityLines
from mqlearn.messaging.memory import InMemoryMessageQueue


class NewestLines(PriorityLines):
    """The entries that wait: one stack for each priority, last in, first out."""

    def pop(self, lines: Iterable[Line] | None = None) -> Entry | None:
        """Take out the entry to serve next: of the highest priority, the newest."""
        for _, line in self._lines if lines is None else lines:
            if line:
                self.length -= 1
                return line.pop()
        return None

    def pop_oldest(self) -> Entry | None:
        """Take out the oldest entry of the lowest priority that waits."""
        for _, line in reversed(self._lines):
            if line:
                self.length -= 1
                return line.popleft()
        return None

    def requeue(self, entry: Entry) -> None:
        """Return an entry to its old place: below those that have come since."""
        self.length += 1
        insort(self._lines[entry.lane][1], entry, key=lambda each: each.position)

    def __iter__(self) -> Iterator[Entry]:
        """Iterate in the order of service."""
        for _, line in self._lines:
            yield from reversed(line)


class NewestFirstQueue(InMemoryMessageQueue):
    """An `InMemoryMessageQueue` that serves the highest priority first, and within one priority
    the message that was sent last.

    In overload the newest are served in time, and only the others wait too long; in the usual
    order all do. But an unlucky message waits without end, unless it has a `ttl` (seconds); one
    that has expired is found when it is its turn. A message whose delay is over counts as new; one
    that comes back without a delay returns to its old place. `on_full="drop_oldest"` drops the
    oldest, as in any queue.

    Source: B. Maurer, "Fail at Scale", ACM Queue, 2015 (adaptive LIFO).
    """

    _order = NewestLines
