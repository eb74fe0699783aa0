"""The service level of a queue: which messages were done in time, each judged at its deadline."""

from __future__ import annotations

from collections import deque

from mqlearn.messaging.queue import MessageQueue
from mqlearn.runtime import check
from mqlearn.runtime.events import MOVES, NEW
from mqlearn.runtime.threads import default_runtime
from mqlearn.runtime.trace import Record

LEAVES = ("acked", "dead", "expired", "purged", "dropped")  # the message is no longer in the queue


class ServiceLevel:
    """Counts which messages of a queue are done within `goal` seconds of being sent, in two ways.

    At the deadline: `due` messages are those whose `goal` seconds are over, and `missed` are those
    of them that were not done in time, whether they are done later, dead, or still wait. When done:
    `late` are the messages that were done after their deadline. Only the first way sees a queue
    where nothing is done any more.

    Messages that are in the queue already count as if they had just arrived. A redriven message
    keeps the deadline of its first life.
    """

    def __init__(self, queue: MessageQueue, *, goal: float = 60.0) -> None:
        check.instance("queue", queue, MessageQueue)
        if not queue.observable:
            raise TypeError(f"queue must be observable, got {check.short_repr(queue)}")
        self.goal = check.number("goal", goal, above=0)
        self.late = 0
        self._due, self._missed = 0, 0
        self._runtime = queue.runtime
        self._lock = default_runtime().lock()  # as in `MessageQueueMetrics`
        self._closed = False
        self._deadlines: deque[tuple[float, int]] = deque()  # (deadline (s), entry), in order
        self._open: dict[int, float] = {}  # entry in the queue: its deadline (s)
        self._in_time: set[int] = set()  # entries done, whose deadline has not passed yet
        queue.runtime.at_close(self._close)
        queue.listen(self._hear, existing=True)

    @property
    def due(self) -> int:
        """The number of messages whose deadline has passed."""
        self._judge()
        return self._due

    @property
    def missed(self) -> int:
        """The number of messages that were not done when their deadline had passed."""
        self._judge()
        return self._missed

    def _hear(self, record: Record) -> None:
        kind = MOVES.get(record.event)
        if kind is None or self._closed:
            return
        time, entry = record.time, record.entry
        with self._lock:
            if kind.sources == NEW:
                self._open[entry] = time + self.goal
                self._deadlines.append((time + self.goal, entry))
            elif record.event in LEAVES:
                deadline = self._open.pop(entry, None)
                if record.event == "acked" and deadline is not None:
                    if time > deadline:
                        self.late += 1
                    else:
                        self._in_time.add(entry)

    def _close(self) -> None:
        self._judge()
        self._closed = True

    def _judge(self) -> None:
        """Judge all messages whose deadline has passed by now."""
        if self._closed:
            return
        now = self._runtime.now
        with self._lock:
            # not yet at its very deadline: an ack at that instant is still in time
            while self._deadlines and self._deadlines[0][0] < now:
                _, entry = self._deadlines.popleft()
                self._due += 1
                if entry in self._in_time:
                    self._in_time.remove(entry)
                else:
                    self._missed += 1
