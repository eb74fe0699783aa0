"""The acks of unit 03's workers: after the work or first, lost, or the last act."""

from __future__ import annotations

from collections.abc import Callable

from mqlearn.messaging.message import COMPLETED, Message, Outcome
from mqlearn.messaging.queue import MessageQueue
from mqlearn.runtime.base import WorkerCrash
from mqlearn.study.faults import Faults, Link, strikes


class AckLink(Link):
    """The link between the queue and its workers, which decides when a message is acked.

    With `first` a message is settled as it is handed out, as many clients do by themselves. `lost`
    is the probability that an ack never reaches the queue, `crash` the probability that a worker
    dies right after its ack.
    """

    def __init__(self, queue: MessageQueue, *, first: bool, lost: float, crash: float) -> None:
        super().__init__(queue, Faults(lost_ack=lost))
        self.first, self.crash = first, crash
        # when the last of the workers that are not stuck will be ready (s)
        self.busy_until = 0.0

    @property
    def idle(self) -> bool:
        """True if nothing waits or is in flight, and no worker is still at work on a message that
        it has lost.
        """
        counted = self.queue.census()  # type: ignore[attr-defined]
        unsettled = counted["waiting"] or counted["delayed"] or counted["in flight"]
        return not unsettled and self.runtime.now > self.busy_until

    def take(self, cancelled: Callable[[], bool]) -> Message | None:
        message = super().take(cancelled)
        if message is not None and self.first:
            super().settle(message, COMPLETED)
        return message

    def settle(self, delivery: Message, outcome: Outcome) -> bool:
        if self.first:
            return True  # it was settled as it was handed out
        settled = super().settle(delivery, outcome)
        if strikes(self.runtime, self.crash, "crash after ack", delivery):
            raise WorkerCrash
        return settled
