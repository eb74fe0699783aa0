"""Workers on a queue, for one message at a time or for batches: try, settle, count, report."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from mqlearn.messaging.message import COMPLETED, Message, Outcome, outcome_of, read_outcome
from mqlearn.messaging.queue import MessageQueue
from mqlearn.runtime import check
from mqlearn.runtime.base import WorkerCrash
from mqlearn.runtime.handed_in import PASSES
from mqlearn.runtime.pool import PoolOwner, WorkerCounts, WorkerPool
from mqlearn.runtime.trace import Record, pack_record

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
        self._pool = WorkerPool(
            self._runtime, self._work, restart_after=restart_after, changed=self._report_workers
        )

    def scale_to(self, num_workers: int, *, start_up: float = 0.0) -> None:
        """Let `num_workers` workers be running or starting from now on.

        A new worker takes its first message after `start_up` seconds; it is paid from now on. If
        there are too many, those that are still starting are cancelled first, the newest before
        the others; then idle workers stop at once, then busy ones after their job. The trace has a
        record "scaled" of this and of each later change. Raises RuntimeError if the workers are not
        started.
        """
        self._pool.scale_to(num_workers, self._wake_workers, start_up=start_up)

    def count_workers(self) -> WorkerCounts:
        """Return how many workers are starting, running, leaving and busy."""
        return self._pool.counts()

    def worker_seconds(self) -> float:
        """Return what the workers have cost so far, in worker-seconds: each counts from the call
        that ordered it to its end.
        """
        return self._pool.paid_seconds()

    def _wake_workers(self) -> None:
        """Wake the workers that wait, so that they ask whether to stop."""
        self.queue.wake()

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
        """Try a message; return the outcome, or None if the worker crashed.

        Whatever the handler does is the outcome of this message. It works on its own copy, so that
        what it does to that one does not change which delivery is settled.
        """
        task, busy = self._runtime.current_task(), self._pool.busy
        self._report("started", message, None)
        outcome: Outcome | None = None
        busy.add(task)
        try:
            outcome = handle(message.copy())
        except WorkerCrash:  # one that was created outside this task has not marked it
            if task is not None:
                task.crashed = True
        except PASSES:
            raise
        except BaseException as error:
            outcome = outcome_of(error)
        finally:
            busy.discard(task)
        # the handler may have caught its own `WorkerCrash` and returned: the worker is dead all the
        # same
        if outcome is None or (task is not None and task.crashed):
            self._report("finished", message, "crashed")
            return None
        self._report("finished", message, "completed" if outcome is COMPLETED else str(outcome))
        return outcome

    def _answer(self, handler: Handler, message: Message) -> Outcome:
        """Call a handler; return the outcome that its result means. Raises what it raises: only
        `_attempt` reads that.
        """
        return read_outcome(self._call(handler, message))

    def _call(self, handler: Handler, message: Message) -> object:
        return handler(message)

    def _settle(self, message: Message, outcome: Outcome) -> bool:
        """Settle a delivery and count it; False if it is not current any more."""
        settled = self._tell_queue(self.queue.settle, message, outcome)
        # counted only if it was settled: after a lost lease, the next delivery is the one that
        # counts
        if settled:
            self._count(message, outcome)
        return settled

    @contextmanager
    def _given_back_on_error(self, held: Sequence[Message]) -> Iterator[None]:
        """Release the messages that are `held` when the queue's own code fails in the `with` block:
        without a lease no other call could return them. The error ends the worker.
        """
        try:
            yield
        except BaseException as error:
            # on threads only this worker is interrupted; a simulation has ended as a whole
            ended = self._runtime.virtual or not isinstance(error, KeyboardInterrupt)
            if isinstance(error, PASSES) and ended:
                raise
            for message in held:
                self._tell_queue(self.queue.release, message)
            raise

    def _tell_queue(self, call: Callable[..., bool], *told: Any) -> bool:
        """Settle, release or extend a delivery by a `call` of the queue. If the queue's own code
        fails, report that and return False: the lease will return the message.
        """
        try:
            return bool(call(*told))
        except PASSES:
            raise
        except BaseException as error:
            self._runtime.report(error)
            return False

    def _count(self, message: Message, outcome: Outcome) -> None:
        # `+=` reads and writes in two steps: without the lock, threads would lose counts
        with self._counting:
            if outcome.kind == "completed":
                self.counts["processed"] += 1
            elif outcome.kind != "released":
                self.counts["failed"] += 1
                self.counts["retried"] += (
                    outcome.kind == "failed" and message.retry_count < message.max_retries
                )

    def _report_workers(self, counts: WorkerCounts) -> None:
        if self.queue.trace is not None:
            now, worker = self._runtime.stamp()
            self.queue.trace.record(
                Record(now, "scaled", self.queue.name, worker=worker, detail=counts)
            )

    def _report(self, event: str, message: Message, detail: object) -> None:
        trace = self.queue.trace
        if trace is None:
            return
        try:
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
        except PASSES:
            raise
        except BaseException as error:  # of a trace, or of a queue's message, of another class
            self._runtime.report(error)
