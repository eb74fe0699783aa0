"""Runs of a loop from a notebook's cell that collects orders into batches and writes them, with a
trace of all that it does.

    def by_size(queue, store):
        batch = []
        while store.open:
            …
            results = store.write(batch)

    run_batch_loop(by_size, regular_times(13))      that loop gets thirteen orders, one per second
    run_batch_processor(regular_times(13), 10, 5.0)     the package's batch processor gets them

So a chart of such a run shows what the code in the notebook's cell does. By default one worker
writes, deliveries are not leased, and the run is observed for thirty seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from mqlearn.messaging.batch import BatchMessageProcessor
from mqlearn.messaging.memory import InMemoryMessageQueue
from mqlearn.messaging.message import Message
from mqlearn.runtime import check
from mqlearn.runtime.simulation import Simulation
from mqlearn.runtime.trace import Trace
from mqlearn.study.queue_adapter import run_of_trace
from mqlearn.study.run import Run
from mqlearn.study.scenario import start_shop
from mqlearn.units.batching.store import BulkStore, report_call

UNTIL = 30.0  # seconds
Handle = Callable[[BulkStore, list[Message]], Sequence[Any]]


class ReportingStore(BulkStore):
    """A store for a loop made by hand: it is `open` until it closes, and records every call as a
    batch.

    A processor of the package records its batches itself. A loop in a notebook does not, so here
    the store does it.
    """

    def __init__(self, queue: InMemoryMessageQueue, bad: Collection[str]) -> None:
        super().__init__(queue.runtime, bad=bad)
        self.queue, self.open = queue, True

    def write(self, batch: Sequence[Message]) -> list[bool]:
        self._report_start(batch)
        results = super().write(batch)
        self._report_end(batch, results)
        return results

    def load(self, batch: Sequence[Message]) -> list[bool]:
        self._report_start(batch)
        # `load` writes all or nothing, so every message of the call has the same result.
        good = not any(self._is_bad(message.id) for message in batch)
        try:
            return super().load(batch)
        finally:
            self._report_end(batch, [good] * len(batch))

    def _report_start(self, batch: Sequence[Message]) -> None:
        trace = self.queue.trace
        if batch and trace is not None:
            # The charts count calls by these records, which the package's processor makes by
            # itself.
            report_call(trace, self.queue, batch)
            for message in batch:
                self._record("started", message, None)

    def _report_end(self, batch: Sequence[Message], results: Sequence[bool]) -> None:
        for message, good in zip(batch, results, strict=True):
            self._record(
                "finished", message, "completed" if good else "failed: the store refused it"
            )

    def _record(self, event: str, message: Message, detail: object) -> None:
        now, worker = self.runtime.stamp()
        assert self.queue.trace is not None
        self.queue.trace.note(
            now, event, self.queue.name, delivery=message, worker=worker, detail=detail
        )


def regular_times(orders: int, every: float = 1.0, since: float = 0.0) -> list[float]:
    """Return the times (s) of `orders` orders: the first `every` seconds after `since`, then one
    every `every` seconds.
    """
    check.whole("orders", orders, low=0)
    check.number("every", every, low=0)
    check.number("since", since, low=0)
    return [since + every * number for number in range(1, orders + 1)]


def run_batch_loop(
    loop: Callable[[InMemoryMessageQueue, ReportingStore], object],
    times: Iterable[float],
    *,
    workers: int = 1,
    until: float = UNTIL,
    closes_at: float | None = None,
    bad: Collection[str] = (),
    lease: float | None = None,
) -> Run:
    """Return the run of order-1, order-2, …, sent at `times` (s), while each of `workers` runs
    `loop(queue, store)`, observed until `until` (s).

    At `closes_at` (s) the store closes: `store.open` becomes False, and every worker that waits in
    `receive` is woken, so that it can check this.
    """
    check.function("loop", loop)
    _check_times(workers, until, closes_at)
    with Simulation() as sim:
        queue = _queue(sim, lease)
        store = ReportingStore(queue, bad)

        def close() -> None:
            store.open = False
            queue.wake()

        for number in range(workers):
            sim.spawn(loop, queue, store, name=f"worker-{number}")
        if closes_at is not None:
            sim.call_at(closes_at, close)
        return _run_until(sim, queue, times, until)


def run_batch_processor(
    times: Iterable[float],
    batch_size: int = 10,
    batch_timeout: float = 5.0,
    *,
    workers: int = 1,
    until: float = UNTIL,
    closes_at: float | None = None,
    bad: Collection[str] = (),
    lease: float | None = None,
    handle: Handle = BulkStore.write,
    **options: Any,
) -> Run:
    """Return the run of the same orders through a `BatchMessageProcessor` with these `options`,
    which is stopped at `closes_at` (s).

    `handle(store, batch)` is its handler; the default calls `store.write(batch)`.
    """
    check.function("handle", handle)
    _check_times(workers, until, closes_at)
    with Simulation() as sim:
        queue = _queue(sim, lease)
        store = BulkStore(sim, bad=bad)
        processor = BatchMessageProcessor(queue, batch_size, batch_timeout, **options)
        processor.start_batch_processing(lambda batch: handle(store, batch), num_workers=workers)
        if closes_at is not None:
            # A task, not a timer: stopping waits for the workers, which a timer may not do.
            def close(when: float) -> None:
                sim.sleep(when)
                processor.stop()

            sim.spawn(close, closes_at, name="operator")
        return _run_until(sim, queue, times, until)


def _check_times(workers: int, until: float, closes_at: float | None) -> None:
    check.whole("workers", workers, low=1)
    check.number("until", until, above=0)
    check.number("closes_at", closes_at, low=0, optional=True)


def _queue(sim: Simulation, lease: float | None) -> InMemoryMessageQueue:
    return InMemoryMessageQueue(visibility_timeout=lease, runtime=sim, trace=Trace(), name="orders")


def _run_until(
    sim: Simulation, queue: InMemoryMessageQueue, times: Iterable[float], until: float
) -> Run:
    """Send the orders at `times`, and return what has happened until `until` (s) as a run."""
    start_shop(sim, queue, times, lambda number: Message(id=f"order-{number}"))
    sim.run(until=until)
    assert queue.trace is not None
    # What the open tasks would still record when the simulation closes is no part of the run.
    queue.trace.freeze()
    return run_of_trace(queue.trace, until)
