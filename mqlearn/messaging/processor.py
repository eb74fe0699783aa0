"""Workers that take messages from a queue, call the handler for their type, and settle them."""

from __future__ import annotations

from collections import deque

from mqlearn.messaging.message import Message, Outcome
from mqlearn.messaging.queue import MessageQueue
from mqlearn.messaging.workers import Handler, Workers
from mqlearn.runtime import check


class MessageProcessor(Workers):
    """A pool of workers on one queue, and a handler for each `headers["type"]` ("default" without
    one).

    A handler succeeds by returning None or a true value. An exception, raised or returned, is a
    failure, which costs the message a retry; so is any other result. It may raise `Reject(reason)`
    or `Release(delay)`, or return an `Outcome`. Whatever else it does is a failure of its message,
    with the reason: a worker dies of `WorkerCrash` alone, and only KeyboardInterrupt reaches the
    caller of `run()` or `stop_workers()`. A handler works on its own copy of the message. A
    message whose type has no handler is rejected as unroutable. A worker holds at most `prefetch`
    messages. The lease of each begins when it is delivered, not when the work on it begins.
    `metrics` has the counts that all `Workers` have.
    """

    def __init__(
        self, queue: MessageQueue, *, prefetch: int = 1, restart_after: float = 1.0
    ) -> None:
        prefetch = check.whole("prefetch", prefetch, low=1)
        super().__init__(queue, restart_after=restart_after)
        self.prefetch = prefetch
        self.processors: dict[str, Handler] = {}

    def register_processor(self, message_type: str, processor: Handler) -> None:
        """Let `processor(message)` handle the messages of this type."""
        check.instance("message_type", message_type, str)
        check.function("processor", processor)
        self.processors[message_type] = processor

    def start_workers(self, num_workers: int = 4, *, name: str = "worker") -> None:
        """Start workers, `name`-0, `name`-1, … They can be started again after `stop_workers`.

        Give the workers of a second processor on one queue another name: a trace knows a worker by
        its name.
        """
        check.whole("num_workers", num_workers, low=1)
        check.instance("name", name, str)
        self._pool.start(num_workers, name)

    def stop_workers(self, timeout: float | None = None) -> None:
        """Let every worker finish its message and release the others it holds; wait for them, at
        most `timeout` seconds. Then raise what one of them died of, if no call has raised it yet.

        Raises TimeoutError that names those which still work; they end when they have finished.
        """
        self._pool.stop(self._wake_workers, timeout)

    def _work(self) -> None:
        pool, queue = self._pool, self.queue
        held: deque[Message] = deque()
        with self._given_back_on_error(held):
            while not pool.told_to_stop():
                if not held:
                    message = queue.take(pool.told_to_stop)
                    if message is None:
                        return
                    held.append(message)
                # without waiting: a worker that has one message works on it, and takes more only if
                # they are there already
                if len(held) < self.prefetch:
                    held.extend(queue.receive_many(self.prefetch - len(held), timeout=0))
                # it crashed: leave without a release, as a dead process would; the leases of `held`
                # run out
                if not self._try(held[0]):
                    return
                held.popleft()
        # the prefetched messages go back without a retry, since no handler has seen them
        while held:
            self._tell_queue(queue.release, held.popleft())

    def _try(self, message: Message) -> bool:
        """Handle one message and settle it; False if the worker crashed on it."""
        outcome = self._attempt(message, self._handle)
        if outcome is None:
            return False
        self._settle(message, outcome)
        return True

    def _handle(self, message: Message) -> Outcome:
        # rejected and not failed: another try would not find a handler either
        kind = message.headers.get("type", "default")
        handler = self.processors.get(kind) if isinstance(kind, str) else None
        if handler is None:
            said = check.short_repr(kind)
            return Outcome("rejected", f"unroutable: no handler for type {said}")
        return self._answer(handler, message)
