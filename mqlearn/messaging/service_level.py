"""The service level of a queue: which messages were done in time, each judged at its deadline."""

from __future__ import annotations

from collections import deque

from mqlearn.messaging.queue import MessageQueue
from mqlearn.runtime import check
from mqlearn.runtime.events import MOVES, NEW
from mqlearn.runtime.threads import default_runtime
from mqlearn.runtime.trace import Record


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
        # (deadline (s), entry), as long as the deadline has not passed, the earliest first
        self._deadlines: deque[tuple[float, int]] = deque()
        self._done: dict[int, bool] = {}  # the same entries: whether each is done
        queue.runtime.at_close(self._close)
        queue.listen(self._hear, existing=True)

    @property
    def due(self) -> int:
        """The number of messages whose deadline has passed."""
        self._judge_now()
        return self._due

    @property
    def missed(self) -> int:
        """The number of messages that were not done when their deadline had passed."""
        self._judge_now()
        return self._missed

    def _hear(self, record: Record) -> None:
        kind = MOVES.get(record.event)
        if kind is None or self._closed:
            return
        with self._lock:
            self._judge(record.time)
            if kind.sources == NEW:
                self._deadlines.append((record.time + self.goal, record.entry))
                self._done[record.entry] = False
            elif record.event != "acked":
                return
            elif record.entry in self._done:
                self._done[record.entry] = True
            else:
                self.late += 1

    def _close(self) -> None:
        self._judge_now()
        self._closed = True

    def _judge_now(self) -> None:
        if not self._closed:
            with self._lock:
                self._judge(self._runtime.now)

    def _judge(self, now: float) -> None:
        """Judge all messages whose deadline has passed at `now` (s)."""
        # not yet at its very deadline: an ack at that instant is still in time
        while self._deadlines and self._deadlines[0][0] < now:
            _, entry = self._deadlines.popleft()
            self._due += 1
            self._missed += not self._done.pop(entry)
