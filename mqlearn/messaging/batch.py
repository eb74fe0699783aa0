"""Workers that take messages in batches: the handler is called once per batch, and returns one
result per message.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mqlearn.messaging.message import (
    Message,
    Outcome,
    Release,
    outcome_of,
    read_outcome,
)
from mqlearn.messaging.queue import MessageQueue
from mqlearn.messaging.workers import Workers
from mqlearn.runtime import check
from mqlearn.runtime.base import Task, WorkerCrash
from mqlearn.runtime.handed_in import PASSES
from mqlearn.runtime.unbegun import why_unbegun

# recorded for a message that succeeded, where one failure fails its whole batch
FAILED_WITH_BATCH = Outcome("failed", "another message of the batch failed")

BatchHandler = Callable[[list[Message]], Sequence[Any]]


class BatchMessageProcessor(Workers):
    """Calls the handler with a batch when it has `batch_size` messages, or `batch_timeout` seconds
    after its first message was taken.

    The handler returns a list (or a tuple, an array, a Series) with a result for each message, in
    order: true, false or an `Outcome`; None and NaN are failures, as a result is missing. Every
    message is settled by its own result. With `on_failure="all"` one failure fails the whole batch,
    as on a queue that accepts only one ack or nack for a whole batch. One `Outcome` in the place of
    the list is that of all messages. A list of another length, or no list, fails all messages, with
    that reason. So does an exception, since it does not say which message caused it; only
    `Release(delay)` gives all back without costing a retry. `on_failure` may also be a function:
    after an exception `on_failure(batch, handler)` returns the results, and may call the handler
    again with parts of the batch.

    While a batch fills, leases are renewed at half their time, so at least half a lease is left
    when the handler begins; where the queue cannot renew them, the batch ends then. On stop, a
    batch that was begun is handled ("flush") or released ("return"), as `on_stop` says.
    """

    def __init__(
        self,
        queue: MessageQueue,
        batch_size: int = 10,
        batch_timeout: float = 5.0,
        *,
        on_failure: str | Callable[[list[Message], BatchHandler], Sequence[Any]] = "failures",
        on_stop: str = "flush",
        restart_after: float = 1.0,
    ) -> None:
        batch_size = check.whole("batch_size", batch_size, low=1)
        batch_timeout = check.number("batch_timeout", batch_timeout, low=0)
        if callable(on_failure):
            check.function("on_failure", on_failure)
        else:
            check.one_of("on_failure", on_failure, ("failures", "all"))
        check.one_of("on_stop", on_stop, ("flush", "return"))
        super().__init__(queue, restart_after=restart_after)
        self.batch_size, self.batch_timeout = batch_size, batch_timeout
        self.on_failure, self.on_stop = on_failure, on_stop
        self._handler: BatchHandler = list  # a placeholder until the workers are started

    def start_batch_processing(self, processor: BatchHandler, *, num_workers: int = 1) -> Task:
        """Start workers that call `processor(batch)`; returns the task of the first, which ends
        after `stop`.
        """
        check.function("processor", processor)
        check.whole("num_workers", num_workers, low=1)
        self._pool.check_ended()  # running workers would change to the new handler in mid-work
        self._handler = processor
        self._pool.start(num_workers)
        return self.workers[0]

    def stop(self, timeout: float | None = None) -> None:
        """Flush or return the batches that were begun, and wait for the workers, at most `timeout`
        seconds. Then raise what one of them died of, if no call has raised it yet.

        Raises TimeoutError that names those which still work; they end when they have finished.
        """
        self._pool.stop(self._wake_workers, timeout)

    def _work(self) -> None:
        while not self._pool.told_to_stop():
            batch = self._collect()
            # looked at again, since the pool may have been stopped while the batch was being filled
            if self._pool.told_to_stop() and self.on_stop == "return":
                for message in batch:
                    self._tell_queue(self.queue.release, message)
            elif batch and not self._process(batch):
                return

    def _collect(self) -> list[Message]:
        """Wait for a first message, then for more until the batch is full, `batch_timeout` is over
        or the pool stops.
        """
        clock = self._runtime
        lease = self.queue.visibility_timeout
        stops = self._pool.told_to_stop
        first = self.queue.take(stops)
        if first is None:
            return []
        # the time counts from the first message, so no message waits longer than `batch_timeout`
        # here
        batch, deadline = [first], clock.now + self.batch_timeout
        if lease is not None and not self.queue.renewable:
            # half of the lease is left for the work, since it cannot be renewed
            deadline = min(deadline, clock.now + lease / 2)
        with self._given_back_on_error(batch):
            if self.batch_size > 1:
                # what is ready now, in one call: a full batch then needs no timer and no second
                # wait
                batch += self.queue.receive_many(self.batch_size - 1, timeout=0)
            while (
                len(batch) < self.batch_size
                and clock.now < deadline
                and not self._pool.told_to_stop()
            ):
                if lease is None or not self.queue.renewable:
                    self._fill(batch, deadline)
                    continue
                # a message whose lease could not be renewed is another worker's by now
                renewal = clock.now + lease / 2
                self._fill(batch, min(renewal, deadline))
                if renewal < deadline and clock.now >= renewal:
                    batch[:] = [m for m in batch if self._tell_queue(self.queue.extend, m, lease)]
        return batch

    def _fill(self, batch: list[Message], until: float) -> None:
        """Add messages as they arrive, until the batch is full or it is `until` (s)."""
        stops = self._pool.told_to_stop
        # `take` has no time limit of its own: the timer wakes it, and it then finds `until` reached
        with self._woken_at(until):
            while len(batch) < self.batch_size:
                message = self.queue.take(lambda: stops() or self._runtime.now >= until)
                if message is None:
                    return
                batch.append(message)

    def _process(self, batch: list[Message]) -> bool:
        """Handle a batch and settle its messages; False if the worker crashed on it."""
        task = self._runtime.current_task()
        assert task is not None
        self._report("batched", batch[0], len(batch))
        # a record for every message, so that each has its own begin and end in the trace
        for message in batch:
            self._report("started", message, None)
        outcomes: list[Outcome] = []
        self._pool.busy.add(task)
        try:
            outcomes = self._handle(batch)
        except WorkerCrash:
            task.crashed = True  # an exception made elsewhere has marked no task
        finally:
            self._pool.busy.discard(task)
        # all are recorded as finished before the first is settled: settling takes a lock, and must
        # not make the handler's time look longer
        for index, message in enumerate(batch):
            self._report("finished", message, "crashed" if task.crashed else str(outcomes[index]))
        if not task.crashed:
            for message, outcome in zip(batch, outcomes, strict=True):
                self._settle(message, outcome)
        return not task.crashed

    def _handle(self, batch: list[Message]) -> list[Outcome]:
        """Call the handler, and return one outcome for each message. It works on its own copies, so
        that what it does to its list or to a message does not change what is settled.
        """
        try:
            outcomes = read_results(self._call_handler(batch), len(batch))
        except PASSES:
            raise
        except BaseException as error:
            return [outcome_for_all(error)] * len(batch)
        if self.on_failure == "all" and any(outcome.kind == "failed" for outcome in outcomes):
            return [
                FAILED_WITH_BATCH if outcome.kind == "completed" else outcome
                for outcome in outcomes
            ]
        return outcomes

    def _call_handler(self, batch: list[Message]) -> object:
        """Return what the handler returned or, if it raised an exception, what `on_failure` did."""
        try:
            return self._handler([message.copy() for message in batch])
        except PASSES:
            raise
        except Release:
            raise
        except BaseException:
            if not callable(self.on_failure):
                raise
            return self.on_failure([message.copy() for message in batch], self._handler)


def outcome_for_all(error: BaseException) -> Outcome:
    """Return the outcome of each message of a batch whose handler raised `error`, or returned it.
    It is never "rejected", since the error does not say which message can never succeed.
    """
    outcome = outcome_of(error)
    return Outcome("failed", outcome.reason) if outcome.kind == "rejected" else outcome


def read_results(results: Any, count: int) -> list[Outcome]:
    """Return the outcome of each of `count` messages, from what a handler returned: a sequence, an
    array or a Series with a result for each; or one `Outcome`, which is that of all.

    Raises ValueError for an answer that cannot be matched to the messages.
    """
    if isinstance(results, Outcome):
        return [read_outcome(results)] * count
    if isinstance(results, BaseException):
        return [outcome_for_all(results)] * count
    # an array or a Series; not a DataFrame: that one iterates over the names of its columns
    if getattr(results, "ndim", None) == 1 and hasattr(results, "tolist"):
        results = results.tolist()
    if not isinstance(results, Sequence) or isinstance(results, str | bytes | bytearray):
        value = check.short_repr(results)
        said = why_unbegun(results) or f"{value} instead of a list of {count} results"
        raise ValueError(f"the handler returned {said}")
    listed = list(results)
    if len(listed) != count:
        raise ValueError(f"the handler returned {len(listed)} results for {count} messages")
    return [_read_result(result) for result in listed]


def _read_result(result: Any) -> Outcome:
    # a result that is missing acks nothing; NaN is what a Series has in the place of None
    if result is None or _is_nan(result):
        return Outcome("failed", f"the result was {result}")
    return read_outcome(result, "the result was")


def _is_nan(result: Any) -> bool:
    """True for NaN of every kind, also numpy's and pandas', which all differ from themselves."""
    try:
        return bool(result != result)  # noqa: PLR0124 - that is how NaN is known
    except PASSES:
        raise
    except BaseException:  # an array or a frame, which `read_outcome` has a sentence for
        return False
