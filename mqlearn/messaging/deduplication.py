"""A queue that takes a message once, however often an unsure producer sends it."""

from __future__ import annotations

from collections.abc import Callable

from mqlearn.messaging.entries import LANE, Entry
from mqlearn.messaging.memory import InMemoryMessageQueue
from mqlearn.messaging.message import Message
from mqlearn.messaging.retry import RetryPolicy
from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.trace import Trace


class DeduplicatingQueue(InMemoryMessageQueue):
    """An `InMemoryMessageQueue` that takes each `dedup_key(message)` once within `dedup_window`
    seconds.

    A confirm that never comes leaves the producer unsure: not taken, or taken and not confirmed? It
    sends again. What was taken before is answered True and thrown away, recorded as "deduplicated";
    what was refused may come again. By default the key is the message id, so the producer must send
    it again under the same one. This keeps the producer's duplicates out, not the redeliveries of a
    message that is in.

    Sources: Amazon SQS FIFO queues (a fixed window of 5 minutes), NATS (`Nats-Msg-Id`, 2 minutes by
    default), Azure Service Bus (10 minutes by default).
    """

    def __init__(
        self,
        max_size: int = 10000,
        *,
        dedup_window: float = 300.0,
        dedup_key: Callable[[Message], str] | None = None,
        visibility_timeout: float | None = 30.0,
        retry: RetryPolicy | None = None,
        on_full: str = "reject",
        runtime: Runtime | None = None,
        trace: Trace | None = None,
        name: str = "queue",
    ) -> None:
        check.number("dedup_window", dedup_window, above=0)
        check.function("dedup_key", dedup_key, optional=True)
        super().__init__(
            max_size,
            visibility_timeout=visibility_timeout,
            retry=retry,
            on_full=on_full,
            runtime=runtime,
            trace=trace,
            name=name,
        )
        self.dedup_window, self.dedup_key = dedup_window, dedup_key
        self._taken: dict[str, float] = {}  # key: until when it is known (s), the oldest first
        self._undecided: set[str] = set()  # keys of messages that wait for room

    def send(self, message: Message, *, delay: float = 0.0, timeout: float | None = None) -> bool:
        """Take a message, to be delivered after `delay` seconds; True also if it was taken before.

        With `on_full="block"` it waits for room, at most `timeout` seconds. False if there was no
        room, or if the same message is waiting for room already.
        """
        check.instance("message", message, Message)
        message.validate()
        key = message.id if self.dedup_key is None else self.dedup_key(message)
        check.instance("dedup_key", key, str)
        with self._lock:
            self._forget()
            if key in self._taken:
                self._emit("deduplicated", Entry(0, message, LANE[message.priority]))
                return True
            if key in self._undecided:
                self._emit("rejected", Entry(0, message, LANE[message.priority]))
                return False
            self._undecided.add(key)
            try:
                taken = super().send(message, delay=delay, timeout=timeout)
            finally:
                self._undecided.discard(key)
            if taken:
                self._taken[key] = self._runtime.now + self.dedup_window
            return taken

    def _forget(self) -> None:
        while self._taken:
            key, until = next(iter(self._taken.items()))
            if until > self._runtime.now:
                break
            del self._taken[key]
