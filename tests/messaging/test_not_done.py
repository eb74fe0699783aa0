"""Results that show that a handler's work is not done: none of them is acked."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable
from concurrent.futures import Future
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mqlearn import (
    BatchMessageProcessor,
    EventStream,
    EventStreamProcessor,
    InMemoryMessageQueue,
    Message,
    MessageProcessor,
    Outcome,
    Simulation,
    StreamEvent,
    ThreadRuntime,
    Trace,
)
from tests.house.inputs import generator_function


def ended(value: object = None, error: Exception | None = None) -> Future[object]:
    """A future that has ended so."""
    future: Future[object] = Future()
    if error is None:
        future.set_result(value)
    else:
        future.set_exception(error)
    return future


NOT_DONE: dict[str, tuple[Callable[[], Any], str]] = {
    "a future": (Future, "a Future: its work has not ended, and .result() would wait for it"),
    "a zip": (lambda: zip([1], [2], strict=True), "a zip: nothing of it has run"),
    "an iterator": (lambda: iter([1]), "a list iterator: nothing of it has run"),
    "a chain": (lambda: itertools.chain([1]), "a chain: nothing of it has run"),
    "a partial": (lambda: functools.partial(print, 1), "the function partial uncalled"),
    "a function": (lambda: print, "the function print uncalled"),
    "a class": (lambda: Outcome, "the class Outcome uncalled"),
    "NotImplemented": (lambda: NotImplemented, "NotImplemented"),
}


@pytest.mark.parametrize(("make", "why"), NOT_DONE.values(), ids=NOT_DONE)
def test_what_is_not_done_is_a_failure(make: Callable[[], Any], why: str) -> None:
    """Of its message with that reason, also in a batch, and of its event in a stream."""
    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim, trace=Trace())
        processor = MessageProcessor(queue)
        processor.register_processor("default", lambda message: make())
        queue.send(Message(id="order-1", max_retries=0))
        processor.start_workers(1)
        batches = InMemoryMessageQueue(runtime=sim, name="batches")
        batch = BatchMessageProcessor(batches, 1, 0.1)
        batch.start_batch_processing(lambda messages: [make() for _ in messages])
        batches.send(Message(id="order-2", max_retries=0))
        stream = EventStream("log", 1, runtime=sim)
        team = EventStreamProcessor(stream, "g")
        team.add_processor(lambda event: make())
        stream.append(StreamEvent("log"))
        team.start(1)
        sim.run(until=10.0)
        (letter,) = queue.get_dead_letter_messages()
        assert letter.headers["dead_letter_error"] == f"the handler returned {why}"
        assert [dead.id for dead in batches.get_dead_letter_messages()] == ["order-2"]
        # what a function of events returns may be anything else, also a function
        skipped = [] if "uncalled" in why else [f"the function returned {why}"]
        assert [reason for _, reason in team.skipped] == skipped


@pytest.mark.parametrize(
    ("future", "completed"),
    [
        (ended(), 1),
        (ended("done"), 1),
        (ended(False), 0),
        (ended(Outcome("failed")), 0),
        (ended(error=ValueError("bank down")), 0),
    ],
)
def test_a_future_that_has_ended_means_what_came_of_it(
    future: Future[object], completed: int
) -> None:
    """Its result is read as a handler's own, its exception as one that was raised."""
    with Simulation() as sim:
        trace = Trace()
        queue = InMemoryMessageQueue(runtime=sim, trace=trace)
        processor = MessageProcessor(queue)
        processor.register_processor("default", lambda message: future)
        queue.send(Message(max_retries=0))
        processor.start_workers(1)
        sim.run()
        assert trace.balance().completed == completed


@pytest.mark.parametrize(
    "missing",
    [math.nan, np.float32("nan"), pd.NaT, np.datetime64("NaT"), Decimal("nan"), pd.NA, None],
    ids=repr,
)
def test_a_result_of_a_batch_that_is_missing_acks_nothing(missing: object) -> None:
    """NaN of every kind is a gap in a table's column."""
    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim)
        processor = BatchMessageProcessor(queue, 1, 0.1)
        processor.start_batch_processing(lambda messages: [missing])
        queue.send(Message(max_retries=0))
        sim.run(until=10.0)
        assert processor.counts["processed"] == 0 and len(queue.get_dead_letter_messages()) == 1


async def coroutine_function() -> None:
    """Do nothing."""


@pytest.mark.parametrize("target", [generator_function, coroutine_function])
def test_a_spawned_function_that_returns_what_has_not_run_is_an_error(target: Any) -> None:
    """It reaches `run()` in a simulation and `join()` on threads."""

    def hidden() -> object:
        return target()

    with Simulation() as sim:
        sim.spawn(hidden)
        with pytest.raises(TypeError, match="target must run when it is called"):
            sim.run()
    runtime = ThreadRuntime()
    gate = runtime.lock()
    with gate:

        def waiting() -> object:
            with gate:  # until it is joined, so that its error is raised there and not shown
                return target()

        task = runtime.spawn(waiting)
        task._joined = True  # type: ignore[attr-defined]
    with pytest.raises(TypeError, match="target must run when it is called"):
        task.join(10.0)
