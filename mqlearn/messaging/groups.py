"""A queue that keeps the order within each group of messages, while different groups do not wait
for one another.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from mqlearn.messaging.entries import Entry, PriorityLines
from mqlearn.messaging.memory import InMemoryMessageQueue
from mqlearn.messaging.message import Message
from mqlearn.messaging.retry import RetryPolicy
from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.trace import Trace

FINAL_EVENTS = ("acked", "dead", "expired", "purged", "dropped")  # the entry leaves the queue


class MessageGroupQueue(InMemoryMessageQueue):
    """An `InMemoryMessageQueue` that hands out one message of each group at a time, in the order of
    sending.

    `group(message)` names the group, such as a customer; by default it is the header "group", and a
    message without one is a group of its own. While a message is in flight, or waits for its retry,
    those behind it in its group wait too, while other groups are served: any number of workers may
    take messages, and at most one works on each group at a time. A message that fails delays its
    group until it is done or dead; a message whose worker crashed delays it until its
    `visibility_timeout` (seconds) is over. Groups take turns. A priority puts a group's first
    message before the first of other groups, never before a message of its own group.

    Source: Amazon SQS FIFO queues (MessageGroupId).
    """

    def __init__(
        self,
        max_size: int = 10000,
        *,
        group: Callable[[Message], str] | None = None,
        visibility_timeout: float | None = 30.0,
        retry: RetryPolicy | None = None,
        on_full: str = "reject",
        runtime: Runtime | None = None,
        trace: Trace | None = None,
        name: str = "queue",
    ) -> None:
        check.function("group", group, optional=True)
        super().__init__(
            max_size,
            visibility_timeout=visibility_timeout,
            retry=retry,
            on_full=on_full,
            runtime=runtime,
            trace=trace,
            name=name,
        )
        self.group = group
        self._ready = self._groups = GroupLines()
        self._observed = True  # so that every event passes through `_emit`

    def _make_entry(self, message: Message) -> Entry:
        check.instance("message", message, Message)
        message.validate()
        # asked once: a second answer could be another one
        group = (
            message.headers.get("group", message.id) if self.group is None else self.group(message)
        )
        check.instance("group", group, str)
        entry = super()._make_entry(message)
        entry.group = group
        return entry

    def _emit(self, event: str, entry: Entry, receipt: int = 0, detail: Any = None) -> None:
        # here, since an entry can leave in five ways: each of them makes a record
        if event in FINAL_EVENTS and self._groups.leave(entry):
            # the next of the group is ready now, and a worker may be waiting for it
            self._available.notify()
        super()._emit(event, entry, receipt, detail)


class GroupLines(PriorityLines):
    """The entries that wait. Only the first entry of each group stands in a priority's line, and it
    remains the first of its group until it leaves the queue.
    """

    def __init__(self) -> None:
        super().__init__()
        self._first: set[int] = set()  # the numbers of the first entries
        self._behind: dict[str, deque[Entry]] = {}  # the entries behind the first, by group

    def join(self, entry: Entry) -> None:
        """Add an entry at the tail of its group. The first of a group, new or back from a delay,
        joins the tail of its priority's line.
        """
        # a first entry that comes back from a delay joins its line directly: it must not stand
        # behind its own group
        if entry.number not in self._first:
            if entry.group in self._behind:
                self._behind[entry.group].append(entry)
                self.length += 1
                return
            self._first.add(entry.number)
            self._behind[entry.group] = deque()
        super().join(entry)

    def leave(self, entry: Entry) -> bool:
        """Remove an entry that is done or dead; True if another becomes the first of its group."""
        if entry.number not in self._first:
            return False  # no other entry was waiting for it
        self._first.remove(entry.number)
        behind = self._behind[entry.group]
        if not behind:
            del self._behind[entry.group]
            return False
        following = behind.popleft()
        self._first.add(following.number)
        self.length -= 1
        # a new position at the tail: groups take turns, and a large group does not delay the others
        super().join(following)
        return True

    def pop_oldest(self) -> Entry | None:
        """Take out the oldest entry of the lowest priority that stands in a line; if there is none,
        the oldest of those behind.
        """
        victim = super().pop_oldest()
        # no line has an entry: the first of every group is in flight or delayed, and all that wait
        # are behind one of them
        if victim is None and any(self._behind.values()):
            victim = min(
                filter(None, self._behind.values()), key=lambda behind: behind[0].number
            ).popleft()
            self.length -= 1
        return victim

    def clear(self) -> None:
        """Remove all entries that wait. A group whose first entry is in flight keeps it as its
        first.
        """
        super().clear()
        for behind in self._behind.values():
            behind.clear()

    def count(self) -> int:
        """Count the entries one by one."""
        return super().count() + sum(map(len, self._behind.values()))

    def __iter__(self) -> Iterator[Entry]:
        """Yield the entries in line, in the order of service, then those behind."""
        yield from super().__iter__()
        for behind in self._behind.values():
            yield from behind
