"""One subscriber: a queue of its own, and the loop that calls it with one message after the
other.
"""

from __future__ import annotations

from mqlearn.messaging.memory import InMemoryMessageQueue
from mqlearn.messaging.message import Message, Outcome
from mqlearn.messaging.workers import Handler, Workers
from mqlearn.runtime import check


class Subscription(Workers):
    """What `callback` is owed of the topics that `pattern` matches: `queue` holds it, one loop
    delivers it in turn.

    The callback answers as a handler does: None or a true value is success, an exception or any
    other result a charged failure, `Reject` and `Release` as ever. Where the queue has no retry
    policy, a failed message is tried again at once and before those behind it, so the order is
    kept; with a policy it steps aside for its backoff and is overtaken. After its last retry it is
    a dead letter of this queue and of no other.

    The queue has no lease: the broker calls the subscriber itself and sees it die. A `WorkerCrash`
    is a charged failure at once, as RabbitMQ takes back what a closed connection had not
    acknowledged, and the loop is back after `restart_after` seconds.
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
        """Take a message for this subscriber; False if its queue had no room."""
        taken = self.queue.send(message)
        if self._pool.stopping:  # it waited for room, and was let in behind the loop's last look
            self.queue.purge()
        return taken

    def leave(self, *, drain: bool) -> None:
        """Deliver what is here already and end (`drain`), or throw it away; the call that is going
        on is finished.
        """
        self._leaving, self._drain = True, drain
        self.queue.wake()

    def stats(self) -> dict[str, object]:
        """Its name, pattern and how many messages it has in each place, counted at one instant."""
        return {"name": self.name, "pattern": self.pattern, **counted(self.queue)}

    def _over(self) -> bool:
        return self._leaving and not (self._drain and self.queue.size())

    def _work(self) -> None:
        while (message := self.queue.take(self._over)) is not None:
            outcome = self._attempt(message, lambda delivery: self._answer(self.callback, delivery))
            self._settle(message, outcome or Outcome("failed", "the subscriber crashed"))
            if outcome is None:
                return
        self._pool.stopping = True
        self.queue.purge()


def counted(queue: InMemoryMessageQueue | None) -> dict[str, object]:
    """The course text's three counts of a queue, all of the same instant; of none, nothing."""
    census = (
        {"waiting": 0, "delayed": 0, "in flight": 0, "dead": 0} if queue is None else queue.census()
    )
    return {
        "queue_size": census["waiting"] + census["delayed"],
        "in_flight_count": census["in flight"],
        "dead_letter_count": census["dead"],
    }
