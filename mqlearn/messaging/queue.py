"""The interface of a queue, in memory or on a real engine: five methods that it must have, and
others with a default.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from mqlearn.messaging.message import Message, Outcome
from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.threads import default_runtime
from mqlearn.runtime.trace import Listener, Trace

# seconds that `take` waits before it checks again whether to go on, for a queue without `wake`
POLL = 0.1


class MessageQueue(ABC):
    """The base class of queues: five abstract methods, and others with a default that needs only
    these five.

    A *delivery* is the `Message` that `receive` returned. A queue with receipts settles exactly
    that delivery; a queue without receipts knows only the message's id. Processors use `take` and
    `settle`, so they run on both.

    A queue that can do more says so in these four, and users of a queue ask nothing else:
    `visibility_timeout` is the lease of a delivery in seconds (None: no lease, or none that the
    queue knows), `renewable` is False where `extend` is refused, `observable` is true where
    `listen` reports what happens in the queue, and `is_current` answers True or False where the
    queue knows its leases.
    """

    name: str = "queue"
    trace: Trace | None = None
    visibility_timeout: float | None = None
    observable: bool = False
    renewable: bool = True
    _runtime: Runtime | None = None

    @property
    def runtime(self) -> Runtime:
        """The clock and the tasks it runs on; by default the process's one `ThreadRuntime`."""
        return default_runtime() if self._runtime is None else self._runtime

    def run_on(self, runtime: Runtime) -> None:
        """Go on with the clock of `runtime`. Raises ValueError for another one than its own, as in
        this default: most queues belong to their runtime.
        """
        check.instance("runtime", runtime, Runtime)
        if runtime is not self.runtime:
            raise ValueError(
                f"runtime must be that of the queue {check.short_repr(self.name)}, got "
                f"{check.short_repr(runtime)}"
            )

    # The five that every queue must have.

    @abstractmethod
    def send(self, message: Message) -> bool:
        """Accept a message; False if it was refused."""

    @abstractmethod
    def receive(self, timeout: float | None = None) -> Message | None:
        """Return the next message, now in flight; None if there is none within `timeout` seconds
        (None: wait forever).
        """

    @abstractmethod
    def ack(self, message_id: str) -> bool:
        """Report that the work on a message is done; False if it was not in flight."""

    @abstractmethod
    def nack(self, message_id: str, requeue: bool = True) -> bool:
        """Report that the work on a message failed: it is tried again, or with `requeue=False`
        never again. False if the message was not in flight.
        """

    @abstractmethod
    def size(self) -> int:
        """Return the number of messages that wait."""

    # What workers call: each has a default that needs only the five.

    def receive_many(self, n: int, timeout: float | None = None) -> list[Message]:
        """Wait up to `timeout` seconds for a first message, then take those that are ready, at most
        `n` in all.
        """
        n = check.whole("n", n, low=1)
        timeout = check.number("timeout", timeout, low=0, optional=True)
        batch: list[Message] = []
        try:
            while len(batch) < n:
                # only the first is waited for: a worker should begin with what it has
                message = self.receive(timeout=0 if batch else timeout)
                if message is None:
                    break
                batch.append(message)
        except BaseException:
            # the caller will not see those that were received before, so they are given back
            for message in batch:
                self.release(message)
            raise
        return batch

    def take(self, cancelled: Callable[[], bool]) -> Message | None:
        """Return the next message, or None once `cancelled()` is true; this default polls every 0.1
        seconds.
        """
        check.function("cancelled", cancelled)
        while not cancelled():
            message = self.receive(timeout=POLL)
            if message is not None:
                return message
        return None

    def wake(self) -> None:  # noqa: B027 - polling needs no wake-up call
        """Make all workers that wait in this queue check again whether to go on waiting."""

    def settle(self, delivery: Message, outcome: Outcome) -> bool:
        """Ack or nack a delivery according to the outcome of its try; this default uses the id
        only, without receipt, reason or delay.
        """
        check.instance("delivery", delivery, Message)
        check.instance("outcome", outcome, Outcome)
        if outcome.kind == "completed":
            return self.ack(delivery.id)
        return self.nack(delivery.id, requeue=outcome.kind != "rejected")

    def release(self, delivery: Message, *, delay: float = 0.0) -> bool:
        """Give a delivery back, to be delivered again after `delay` seconds; this default is a
        nack, which may cost the message a retry.
        """
        return self.settle(delivery, Outcome("released", delay=delay))

    def extend(self, delivery: Message, seconds: float) -> bool:
        """Let the lease end `seconds` from now; False if it cannot be extended, as in this
        default.
        """
        check.instance("delivery", delivery, Message)
        check.number("seconds", seconds, above=0)
        return False

    def is_current(self, delivery: Message) -> bool | None:
        """Return True while a delivery is in flight: neither settled nor its lease lost. None if
        the queue cannot tell, as in this default.
        """
        check.instance("delivery", delivery, Message)
        return None

    def listen(self, listener: Listener, *, existing: bool = False) -> None:
        """Call `listener(record)` for each record from now on, with `existing` also for each
        message that is there already.

        Raises NotImplementedError if the queue is not `observable`, as in this default.
        """
        check.function("listener", listener)
        check.instance("existing", existing, bool)
        raise NotImplementedError(
            f"a queue must be observable to be listened to, got {check.short_repr(self)}"
        )
