"""One subscriber of a broker: its own queue, and the loop that calls it with one message after
another.
"""

from __future__ import annotations

from operator import is_

from mqlearn.messaging.memory import InMemoryMessageQueue
from mqlearn.messaging.message import Message, Outcome
from mqlearn.messaging.workers import Handler, Workers
from mqlearn.runtime import check
from mqlearn.runtime.handed_in import PASSES


class Subscription(Workers):
    """A `queue` for the messages of all topics that `pattern` matches, and one loop that calls
    `callback` with them in order.

    The callback follows the rules of a handler: None or a true value is success; an exception or
    any other result is a failure, which costs a retry; it may raise `Reject` and `Release`. Where
    the queue has no retry policy, a failed message is tried again at once, before those behind it,
    so the order is kept; with a policy it waits for its backoff and others overtake it. After its
    last retry it goes to the dead letters of this queue only; other subscribers are not affected.

    The queue has no lease: the broker calls the subscriber itself, and so it sees the crash. A
    `WorkerCrash` counts as a failure at once, as RabbitMQ requeues the unacknowledged messages of a
    closed connection, and the loop starts again after `restart_after` seconds.
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
        # one worker only: a second one would call the callback out of order
        self._pool.start(1, self.name)

    def send(self, message: Message) -> bool:
        """Accept a message for this subscriber; False if its queue had no room."""
        accepted = self.queue.send(message)
        if self._pool.stopping:  # it waited for room, and was accepted after the loop had ended
            self.queue.purge()
        return accepted

    def leave(self, *, drain: bool) -> None:
        """End the subscription: after all waiting messages are delivered (`drain`), or at once, and
        then they are discarded. A callback that is running is not interrupted.
        """
        # set before the wake-up, so that the loop finds them
        self._leaving, self._drain = True, drain
        self.queue.wake()

    def stats(self) -> dict[str, object]:
        """Return name, pattern and the number of messages in each place, all at the same
        instant.
        """
        return {"name": self.name, "pattern": self.pattern, **queue_counts(self.queue)}

    def _finished(self) -> bool:
        return self._leaving and not (self._drain and self.queue.size())

    def _work(self) -> None:
        while (message := self.queue.take(self._finished)) is not None:
            outcome = self._attempt(message, lambda delivery: self._answer(self.callback, delivery))
            # settled by the loop even after a crash: there is no lease that could return the
            # message
            self._settle(message, outcome or Outcome("failed", "the subscriber crashed"))
            if outcome is None:
                return
        # drained or not, no message may stay in a queue that is no longer read
        self._pool.stopping = True
        self.queue.purge()


def queue_counts(queue: InMemoryMessageQueue | None) -> dict[str, object]:
    """Return the three counts of a queue that the course text has, at one instant; zeros without a
    queue.
    """
    census = (
        {"waiting": 0, "delayed": 0, "in flight": 0, "dead": 0} if queue is None else queue.census()
    )
    return {
        "queue_size": census["waiting"] + census["delayed"],
        "in_flight_count": census["in flight"],
        "dead_letter_count": census["dead"],
    }


def find_subscription(
    subscriptions: list[Subscription], callback: Handler | None, name: str | None
) -> Subscription | None:
    """Return the first subscription with this callback and this name (None: with any)."""
    named = [each for each in subscriptions if name is None or name == each.name]
    # the same object first: a callback may call itself equal to others
    for same in (is_, _equal):
        for each in named:
            if callback is None or same(each.callback, callback):
                return each
    return None


def _equal(one: Handler, other: Handler) -> bool:
    """Return True if two callbacks are equal: a bound method is another object at each look-up."""
    try:
        return bool(one == other)
    except PASSES:
        raise
    except BaseException:  # code that was handed in, or an array, which is neither true nor false
        return False
