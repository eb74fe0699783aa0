"""The acks of unit 03's workers: sent after the work or before it, and sometimes lost or followed
by a crash.
"""

from __future__ import annotations

from collections.abc import Callable

from mqlearn.messaging.message import COMPLETED, Message, Outcome
from mqlearn.messaging.queue import MessageQueue
from mqlearn.runtime.base import WorkerCrash
from mqlearn.study.faults import Faults, Link, strikes


class AckLink(Link):
    """The link between a queue and its workers, which decides when a message is acked.

    With `first` a message is acked when it is handed out, before the work; many clients do this by
    default. `lost` is the probability that an ack never reaches the queue, `crash` the probability
    that a worker dies right after its ack.
    """

    def __init__(self, queue: MessageQueue, *, first: bool, lost: float, crash: float) -> None:
        super().__init__(queue, Faults(lost_ack=lost))
        self.first, self.crash = first, crash
        # The time (s) at which the last worker that is not stuck will have finished.
        self.busy_until = 0.0

    @property
    def idle(self) -> bool:
        """True if the queue has no message left, and no worker still works on a message whose lease
        it has lost.
        """
        # The queue cannot say so: after the lease, only the worker knows that it is still at work.
        counted = self.queue.census()  # type: ignore[attr-defined]
        unsettled = counted["waiting"] or counted["delayed"] or counted["in flight"]
        return not unsettled and self.runtime.now > self.busy_until

    def take(self, cancelled: Callable[[], bool]) -> Message | None:
        message = super().take(cancelled)
        # Through `Link`, so that an ack that comes first can be lost as well.
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
