"""A queue that accepts each message once, even if the producer sends it again because it does not
know whether the first send arrived.
"""

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
    """An `InMemoryMessageQueue` that accepts each `dedup_key(message)` once within `dedup_window`
    seconds.

    Without a confirmation the producer cannot know if its message was accepted, so it sends again.
    For a message that was accepted before, `send` returns True, discards it and records it as
    "deduplicated"; one that was refused may be sent again. By default the key is the message id, so
    the producer must use the same id again. This removes duplicates that the producer makes; a
    message in the queue may still be delivered more than once.

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
        dedup_window = check.number("dedup_window", dedup_window, above=0)
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
        # keys of accepted messages, the oldest first, with the time (s) until which they count
        self._accepted: dict[str, float] = {}
        self._blocked: set[str] = set()  # keys of messages that wait for room

    def send(self, message: Message, *, delay: float = 0.0, timeout: float | None = None) -> bool:
        """Accept a message, to be delivered after `delay` seconds; True also if it was accepted
        earlier.

        With `on_full="block"` it waits for room, at most `timeout` seconds. False if there was no
        room, or if a message with the same key is waiting for room already.
        """
        check.instance("message", message, Message)
        message.validate()
        key = message.id if self.dedup_key is None else self.dedup_key(message)
        check.instance("dedup_key", key, str)
        with self._lock:
            if self._forks != self._runtime.forks:
                self._forget_former_process()
            self._drop_old_keys()
            if key in self._accepted:
                self._emit("deduplicated", Entry(0, message, LANE[message.priority]))
                return True
            # not known yet if that message will be accepted, so neither True nor a second entry is
            # right
            if key in self._blocked:
                self._emit("rejected", Entry(0, message, LANE[message.priority]))
                return False
            # `send` below may wait for room, and releases the lock while it waits: until it
            # returns, a second message with this key must be refused
            self._blocked.add(key)
            try:
                accepted = super().send(message, delay=delay, timeout=timeout)
            finally:
                self._blocked.discard(key)
            # only now: a refused message must be accepted when the producer sends it again
            if accepted:
                self._accepted[key] = self._runtime.now + self.dedup_window
            return accepted

    def _forget_former_process(self) -> None:
        super()._forget_former_process()
        self._blocked.clear()

    def _drop_old_keys(self) -> None:
        # the window is the same for all, so the dict is in the order of expiry and the first may
        # stop it
        while self._accepted:
            key, until = next(iter(self._accepted.items()))
            if until > self._runtime.now:
                break
            del self._accepted[key]
