"""One subscriber of a broker: a queue of its own, and the loop that calls it with one message after
another.
"""

from __future__ import annotations

from mqlearn.messaging.memory import InMemoryMessageQueue
from mqlearn.messaging.message import Message, Outcome
from mqlearn.messaging.workers import Handler, Workers
from mqlearn.runtime import check


class Subscription(Workers):
    """The messages of the topics that `pattern` matches, in `queue`, and one loop that calls
    `callback` with them, in order.

    The callback answers as a handler does: None or a true value is success; an exception or any
    other result is a failure, which costs a retry; it may raise `Reject` and `Release`. Where the
    queue has no retry policy, a failed message is tried again at once, before those behind it, so
    the order is kept; with a policy it waits for its backoff and others overtake it. After its last
    retry it is a dead letter of this queue and of no other.

    The queue has no lease: the broker calls the subscriber itself and sees it crash. A
    `WorkerCrash` counts as a failure at once, as RabbitMQ requeues what a closed connection had not
    acknowledged, and the loop starts again after `restart_after` seconds.
    """

    def __init__(
        self,
        pattern: str,
        callback: Handler,
        queue: InMemoryMessageQueue,
        *,
        restart_after: float = 1.0,
    ) -> None:
        check.instance("pattern", pattern, str)
        check.function("callback", callback)
        super().__init__(queue, restart_after=restart_after)
        self.pattern, self.callback, self.name = pattern, callback, queue.name
        self.queue: InMemoryMessageQueue = queue
        self._leaving = self._drain = False
        self._pool.start(1, self.name)

    def send(self, message: Message) -> bool:
        """Accept a message for this subscriber; False if its queue had no room."""
        accepted = self.queue.send(message)
        if self._pool.stopping:  # it waited for room, and got in after the end
            self.queue.purge()
        return accepted

    def leave(self, *, drain: bool) -> None:
        """End after all messages that wait here are delivered (`drain`), or discard them; a call
        that is going on is finished.
        """
        self._leaving, self._drain = True, drain
        self.queue.wake()

    def stats(self) -> dict[str, object]:
        """Return name, pattern and the number of messages in each place, all at one instant."""
        return {"name": self.name, "pattern": self.pattern, **queue_counts(self.queue)}

    def _finished(self) -> bool:
        return self._leaving and not (self._drain and self.queue.size())

    def _work(self) -> None:
        while (message := self.queue.take(self._finished)) is not None:
            outcome = self._attempt(message, lambda delivery: self._answer(self.callback, delivery))
            self._settle(message, outcome or Outcome("failed", "the subscriber crashed"))
            if outcome is None:
                return
        # drained or not, nothing may stay in a queue that no loop reads any more
        self._pool.stopping = True
        self.queue.purge()


def queue_counts(queue: InMemoryMessageQueue | None) -> dict[str, object]:
    """Return the course text's three counts of a queue, at one instant; zeros without a queue."""
    census = (
        {"waiting": 0, "delayed": 0, "in flight": 0, "dead": 0} if queue is None else queue.census()
    )
    return {
        "queue_size": census["waiting"] + census["delayed"],
        "in_flight_count": census["in flight"],
        "dead_letter_count": census["dead"],
    }
