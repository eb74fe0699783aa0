"""A standstill of all workers, as if a deployment had stopped them."""

from __future__ import annotations

from collections.abc import Callable

from mqlearn.messaging.message import Message
from mqlearn.messaging.queue import MessageQueue
from mqlearn.study.faults import Faults, Link


class Standstill(Link):
    """A queue in front of the real one that hands out nothing between `begin` and `end` (s).

    A worker that is in the middle of a message finishes it.
    """

    def __init__(self, queue: MessageQueue, begin: float, end: float) -> None:
        super().__init__(queue, Faults())
        self.begin, self.end = begin, end

    def stands(self) -> bool:
        """Return True while nothing is handed out."""
        return self.begin <= self.runtime.now < self.end

    def take(self, cancelled: Callable[[], bool]) -> Message | None:
        while not cancelled():
            if self.stands():
                self.runtime.sleep_until(self.end)
                continue
            # a worker that waited before must not take what comes while all stand still
            message = self.queue.take(lambda: cancelled() or self.stands())
            if message is not None:
                return message
        return None
