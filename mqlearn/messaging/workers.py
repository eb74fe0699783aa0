"""Workers on a queue, for one message at a time or for batches: try, settle, count, report."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mqlearn.messaging.message import COMPLETED, Message, Outcome, Reject, Release
from mqlearn.messaging.queue import MessageQueue
from mqlearn.runtime import check
from mqlearn.runtime.base import WorkerCrash
from mqlearn.runtime.pool import PoolOwner, WorkerPool
from mqlearn.runtime.trace import pack_record

Handler = Callable[[Message], object]


class Workers(PoolOwner):
    """A pool of workers on one queue; a subclass defines in `_work` what each of them does.

    `counts` has the acks ("processed"), the failures ("failed"), and how many of these failures are
    tried again ("retried"). A crashed worker starts again after `restart_after` seconds.
    """

    def __init__(self, queue: MessageQueue, *, restart_after: float = 1.0) -> None:
        check.instance("queue", queue, MessageQueue)
        self.queue = queue
        self.counts = {"processed": 0, "failed": 0, "retried": 0}
        self.metrics = self.counts
        self._runtime = queue.runtime
        # a lock of threads also in a simulation: no task is suspended while it holds this one
        self._counting = threading.Lock()
        self._pool = WorkerPool(self._runtime, self._work, restart_after=restart_after)

    def _work(self) -> None:
        """Work until the pool stops, or until this worker crashes."""
        raise NotImplementedError

    @contextmanager
    def _woken_at(self, time: float) -> Iterator[None]:
        """Wake all workers that wait in the queue at `time` (s), unless the `with` block has ended
        before.
        """
        timer = self._runtime.call_at(time, self.queue.wake)
        try:
            yield
        finally:
            timer.cancel()

    def _attempt(self, message: Message, handle: Callable[[Message], Outcome]) -> Outcome | None:
        """Try a message; return the outcome, or None if the worker crashed."""
        task = self._runtime.current_task()
        self._report("started", message, None)
        outcome: Outcome | None = None
        try:
            outcome = handle(message)
        except WorkerCrash:  # one that was created outside this task has not marked it
            if task is not None:
                task.crashed = True
        # the handler may have caught its own `WorkerCrash` and returned: the worker is dead all the
        # same
        if outcome is None or (task is not None and task.crashed):
            self._report("finished", message, "crashed")
            return None
        self._report("finished", message, "completed" if outcome is COMPLETED else str(outcome))
        return outcome

    def _answer(self, handler: Handler, message: Message) -> Outcome:
        """Call a handler; return the outcome that follows from its result or its exception."""
        try:
            result = self._call(handler, message)
        except Reject as rejection:
            return Outcome("rejected", rejection.reason)
        except Release as release:
            return Outcome("released", delay=release.delay)
        except WorkerCrash:
            raise
        except Exception as error:
            return failed(error)
        return (
            COMPLETED
            # None is success, since most handlers return nothing
            if result is None or result
            else Outcome("failed", f"the handler returned {result!r}")
        )

    def _call(self, handler: Handler, message: Message) -> object:
        return handler(message)

    def _settle(self, message: Message, outcome: Outcome) -> bool:
        """Settle a delivery and count it; False if it is not current any more."""
        # counted only if it was settled: after a lost lease, the next delivery is the one that
        # counts
        settled = self.queue.settle(message, outcome)
        if settled:
            self._count(message, outcome)
        return settled

    def _count(self, message: Message, outcome: Outcome) -> None:
        # `+=` reads and writes in two steps: without the lock, threads would lose counts
        with self._counting:
            if outcome.kind == "completed":
                self.counts["processed"] += 1
            elif outcome.kind != "released":
                self.counts["failed"] += 1
                self.counts["retried"] += outcome.kind == "failed" and message.can_retry()

    def _report(self, event: str, message: Message, detail: object) -> None:
        trace = self.queue.trace
        if trace is not None:
            now, worker = self._runtime.stamp()
            # directly to the trace: the queue's listeners hear only what happens in the queue
            trace.record(
                pack_record(
                    (
                        now,
                        event,
                        self.queue.name,
                        0,
                        message.id,
                        message.priority._name_,
                        message.attempt,
                        worker,
                        message.receipt,
                        detail,
                    )
                )
            )


def failed(error: Exception) -> Outcome:
    """Return the outcome of a failed try, with the text of the exception as its reason."""
    return Outcome("failed", str(error) or type(error).__name__)
