"""Workers that take messages from a queue, call a handler by type, and settle what they took."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from mqlearn.messaging.message import COMPLETED, Message, Outcome, Reject, Release
from mqlearn.messaging.queue import MessageQueue
from mqlearn.runtime import check
from mqlearn.runtime.base import Task, WorkerCrash
from mqlearn.runtime.pool import WorkerPool

Handler = Callable[[Message], object]


class MessageProcessor:
    """A pool of workers on one queue, and a handler for each `headers["type"]` ("default" without one).

    A handler succeeds by returning None or a true value; any other result or an exception is a charged failure.
    It may raise `Reject(reason)` or `Release(delay)`. A type without a handler is rejected as unroutable. A
    worker holds at most `prefetch` messages, their leases running; a crashed one is back after `restart_after`
    seconds. `metrics` counts acks ("processed"), charged failures ("failed") and those of them that may be tried
    again ("retried").
    """

    def __init__(self, queue: MessageQueue, *, prefetch: int = 1, restart_after: float = 1.0) -> None:
        check.instance("queue", queue, MessageQueue)
        check.whole("prefetch", prefetch, low=1)
        self.queue, self.prefetch = queue, prefetch
        self.processors: dict[str, Handler] = {}
        self.counts = {"processed": 0, "failed": 0, "retried": 0}
        self.metrics = self.counts
        self._runtime = queue.runtime
        self._counting = self._runtime.lock()
        self._pool = WorkerPool(self._runtime, self._work, restart_after=restart_after)

    @property
    def running(self) -> bool:
        """Whether workers were started and not stopped."""
        return bool(self._pool.workers) and not self._pool.stopping

    @property
    def workers(self) -> list[Task]:
        """The tasks of the pool."""
        return self._pool.workers

    def register_processor(self, message_type: str, processor: Handler) -> None:
        """Have messages of this type handled by `processor(message)`."""
        check.instance("message_type", message_type, str)
        check.function("processor", processor)
        self.processors[message_type] = processor

    def start_workers(self, num_workers: int = 4) -> None:
        """Start workers, called worker-0, worker-1, … They can be started again after `stop_workers`."""
        check.whole("num_workers", num_workers, low=1)
        self._pool.start(num_workers)

    def stop_workers(self) -> None:
        """Let every worker finish what it is at and give the rest back unspent; wait for them."""
        self._pool.stop(self.queue.wake)

    def _work(self) -> None:
        """What one worker does until the pool stops, or until it crashes."""
        pool, queue = self._pool, self.queue
        held: deque[Message] = deque()
        while not pool.stopping:
            if not held:
                message = queue.take(lambda: pool.stopping)
                if message is None:
                    return
                held.append(message)
            if len(held) < self.prefetch:
                held.extend(queue.receive_many(self.prefetch - len(held), timeout=0))
            if not self._try(held.popleft()):
                return
        while held:
            queue.release(held.popleft())

    def _try(self, message: Message) -> bool:
        """Handle one message and settle it; False if the worker crashed on it."""
        task = self._runtime.current_task()
        assert task is not None
        self._report("started", message, None)
        try:
            outcome = self._handle(message)
        except WorkerCrash:
            task.crashed = True  # also one that was created elsewhere
        if task.crashed:
            self._report("finished", message, "crashed")
            return False
        self._report("finished", message, str(outcome))
        if self.queue.settle(message, outcome):
            self._count(message, outcome)
        return True

    def _handle(self, message: Message) -> Outcome:
        kind = message.headers.get("type", "default")
        handler = self.processors.get(kind)
        if handler is None:
            return Outcome("rejected", f"unroutable: no handler for type {kind!r}")
        try:
            result = self._call(handler, message)
        except Reject as rejection:
            return Outcome("rejected", rejection.reason)
        except Release as release:
            return Outcome("released", delay=release.delay)
        except WorkerCrash:
            raise
        except Exception as error:
            return Outcome("failed", str(error) or type(error).__name__)
        return COMPLETED if result is None or result else Outcome("failed", f"the handler returned {result!r}")

    def _call(self, handler: Handler, message: Message) -> object:
        return handler(message)

    def _count(self, message: Message, outcome: Outcome) -> None:
        with self._counting:
            if outcome.kind == "completed":
                self.counts["processed"] += 1
            elif outcome.kind != "released":
                self.counts["failed"] += 1
                self.counts["retried"] += outcome.kind == "failed" and message.can_retry()

    def _report(self, event: str, message: Message, detail: str | None) -> None:
        trace = self.queue.trace
        if trace is not None:
            now, worker = self._runtime.witness()
            trace.record((now, event, self.queue.name, 0, message.id, message.priority._name_, message.attempt, worker,
                          message.receipt, detail))
