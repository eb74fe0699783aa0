"""What every queue can do, here and on a real engine."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from mqlearn.messaging.message import Message, Outcome
from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.threads import default_runtime
from mqlearn.runtime.trace import Trace

# seconds between two looks at whether to go on waiting, for a queue that cannot be woken
POLL = 0.1


class MessageQueue(ABC):
    """Five methods make a queue; the rest has a default that rests on them.

    A *delivery* is the `Message` that `receive` returned. A queue with receipts settles exactly
    that delivery; one without knows only its id. Processors use `take` and `settle`, so they run on
    either.
    """

    name: str = "queue"
    trace: Trace | None = None
    _runtime: Runtime | None = None

    @property
    def runtime(self) -> Runtime:
        """What it runs on; by default the process's one `ThreadRuntime`."""
        return default_runtime() if self._runtime is None else self._runtime

    @abstractmethod
    def send(self, message: Message) -> bool:
        """Take a message; False if it was refused."""

    @abstractmethod
    def receive(self, timeout: float | None = None) -> Message | None:
        """The next message, now in flight; None if there is none within `timeout` seconds (None:
        for ever).
        """

    @abstractmethod
    def ack(self, message_id: str) -> bool:
        """The work is done; False if the message was not in flight."""

    @abstractmethod
    def nack(self, message_id: str, requeue: bool = True) -> bool:
        """The work failed: try again, or with `requeue=False` never again. False if it was not in
        flight.
        """

    @abstractmethod
    def size(self) -> int:
        """How many messages wait."""

    def receive_many(self, n: int, timeout: float | None = None) -> list[Message]:
        """Wait up to `timeout` seconds for a first message, then take what is there, at most `n` in
        all.
        """
        check.whole("n", n, low=1)
        check.number("timeout", timeout, low=0, optional=True)
        batch: list[Message] = []
        while len(batch) < n:
            message = self.receive(timeout=0 if batch else timeout)
            if message is None:
                break
            batch.append(message)
        return batch

    def take(self, cancelled: Callable[[], bool]) -> Message | None:
        """The next message, or None once `cancelled()` is true; here by polling, every 0.1
        seconds.
        """
        check.function("cancelled", cancelled)
        while not cancelled():
            message = self.receive(timeout=POLL)
            if message is not None:
                return message
        return None

    def wake(self) -> None:  # noqa: B027 - polling needs no wake-up call
        """Make everybody who waits in this queue look again at whether to go on waiting."""

    def settle(self, delivery: Message, outcome: Outcome) -> bool:
        """Ack or nack a delivery as its try ended; here by id, without receipt, reason or delay."""
        check.instance("delivery", delivery, Message)
        check.instance("outcome", outcome, Outcome)
        if outcome.kind == "completed":
            return self.ack(delivery.id)
        return self.nack(delivery.id, requeue=outcome.kind != "rejected")

    def release(self, delivery: Message, *, delay: float = 0.0) -> bool:
        """Give a delivery back for `delay` seconds from now; here a nack, which may charge a
        retry.
        """
        return self.settle(delivery, Outcome("released", delay=delay))

    def extend(self, delivery: Message, seconds: float) -> bool:
        """Let the lease end `seconds` from now; False where it cannot be extended, as here."""
        check.instance("delivery", delivery, Message)
        check.number("seconds", seconds, above=0)
        return False
