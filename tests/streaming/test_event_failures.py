"""Whatever a function does with an event is a failure of that event, with a reason: the worker goes
on, and the offsets are right.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import pytest

from mqlearn import (
    EventStream,
    EventStreamProcessor,
    Outcome,
    Reject,
    Release,
    RetryPolicy,
    Simulation,
    StreamEvent,
    ThreadRuntime,
    Trace,
    WorkerCrash,
)


class Unprintable(Exception):
    """An exception without a text."""

    def __str__(self) -> str:
        raise ValueError("no text")


async def coroutine_function() -> None:
    """Does nothing when it is called."""


def raising(error: BaseException) -> Callable[[StreamEvent], object]:
    """Return a function that raises this error."""

    def handle(event: StreamEvent) -> object:
        raise error

    return handle


FAILURES: dict[str, tuple[Callable[[StreamEvent], object], str]] = {
    "raises": (raising(ValueError("no address")), "no address"),
    "exits": (raising(SystemExit(3)), "SystemExit: 3"),
    "is cancelled": (raising(asyncio.CancelledError()), "CancelledError"),
    "has no text": (raising(Unprintable()), "Unprintable"),
    "rejects": (raising(Reject("no such customer")), "no such customer"),
    "returns a failure": (lambda event: Outcome("failed", "late"), "late"),
    "returns a rejection": (lambda event: Outcome("rejected", "stale"), "stale"),
    "returns an exception": (lambda event: ValueError("x"), "x"),
    "returns Reject": (lambda event: Reject("y"), "y"),
    "returns a coroutine": (
        lambda event: coroutine_function(),
        "the function returned a coroutine: nothing of it has run",
    ),
    "returns a generator": (
        lambda event: (each for each in "ab"),
        "the function returned a generator: nothing of it has run",
    ),
}


def three(runtime: Any, trace: Trace | None = None) -> EventStream:
    """A stream of one partition with the events e0, e1, e2."""
    stream = EventStream("orders", 1, runtime=runtime, trace=trace)
    for number in range(3):
        stream.append(StreamEvent("order", event_id=f"e{number}", data={"n": number}))
    return stream


@pytest.mark.parametrize("virtual", [True, False], ids=["simulation", "threads"])
@pytest.mark.parametrize("name", FAILURES)
def test_whatever_a_function_does_is_a_failure_of_that_event(name: str, virtual: bool) -> None:
    """The second of three events fails: it is skipped with its reason, the third is processed, all
    are committed, and the worker stops in peace.
    """
    function, reason = FAILURES[name]
    runtime: Any = Simulation() if virtual else ThreadRuntime()
    stream = three(runtime)
    done = runtime.condition()
    seen: list[str] = []

    def handle(event: StreamEvent) -> object:
        seen.append(event.event_id)
        return function(event) if event.event_id == "e1" else None

    processor = EventStreamProcessor(stream, "mail")
    processor.add_processor(handle)
    stream.listen(lambda record: record.event == "committed" and wake())

    def wake() -> None:
        with done:
            done.notify_all()

    processor.start(1)
    with done:
        deadline = runtime.now + 20
        while stream.lag("mail") != {0: 0} and runtime.now < deadline:
            done.wait(1)
    processor.stop()
    assert [(e.event_id, said) for e, said in processor.skipped] == [("e1", reason)]
    assert seen == ["e0", "e1", "e2"] and stream.lag("mail") == {0: 0}
    assert processor.counts["processed"] == 2 and processor.counts["failed"] == 1


@pytest.mark.parametrize(
    "result", [False, 0, "", pd.DataFrame({"a": [1]}), [], Outcome(), object(), StreamEvent]
)
def test_any_other_result_is_success(result: object) -> None:
    """Also one without a truth value: a function for events is not asked for one."""
    with Simulation() as sim:
        stream = three(sim)
        processor = EventStreamProcessor(stream, "mail")
        processor.add_processor(lambda event: result)
        processor.start(1)
        sim.run()
        assert processor.counts["processed"] == 3 and processor.skipped == []
        processor.stop()


def generator_function(event: StreamEvent) -> Iterator[None]:
    """Does nothing when it is called."""
    yield


async def async_function(event: StreamEvent) -> None:
    """Does nothing when it is called."""


@pytest.mark.parametrize("function", [generator_function, async_function, StreamEvent.copy, Reject])
def test_what_can_never_work_is_refused_when_it_is_added(function: Any) -> None:
    """A coroutine or generator function, or an exception class; a plain method is none of these."""
    with Simulation() as sim:
        processor = EventStreamProcessor(three(sim), "mail")
        if function is StreamEvent.copy:
            processor.add_processor(function)
            return
        with pytest.raises(TypeError, match="processor must be a plain function"):
            processor.add_processor(function)
        assert processor.processors == []


def test_what_a_function_does_to_its_event_changes_neither_log_nor_offsets() -> None:
    """It sets every field to nonsense: the log keeps its events, and the right offset is
    committed.
    """
    with Simulation() as sim:
        stream = three(sim)
        before = [(e.event_id, e.sequence_number, e.partition) for e in stream.history()]

        def handle(event: StreamEvent) -> None:
            event.sequence_number = event.partition = event.event_id = None  # type: ignore[assignment]
            raise ValueError("x")

        for on_failure in ("skip", "retry"):
            processor = EventStreamProcessor(stream, on_failure, on_failure=on_failure)
            processor.add_processor(handle)
            processor.start(1)
            sim.run(until=sim.now + 10)
            processor.stop()
        assert [(e.event_id, e.sequence_number, e.partition) for e in stream.history()] == before
        assert stream.lag("skip") == {0: 0} and stream.lag("retry") == {0: 3}


def test_a_rejected_event_is_not_tried_again() -> None:
    """With "retry" it is skipped with its reason after one try; the event that merely failed is
    tried until it succeeds.
    """
    with Simulation() as sim:
        trace = Trace()
        stream = three(sim, trace)
        tries: Counter[str] = Counter()

        def handle(event: StreamEvent) -> None:
            tries[event.event_id] += 1
            if event.event_id == "e1":
                raise Reject("no such customer")
            if tries["e2"] in (1, 2):
                raise ValueError("down")

        processor = EventStreamProcessor(stream, "mail", on_failure="retry")
        processor.add_processor(handle)
        processor.start(1)
        sim.run()
        processor.stop()
        assert tries == {"e0": 1, "e1": 1, "e2": 3}
        assert [(e.event_id, said) for e, said in processor.skipped] == [("e1", "no such customer")]
        assert [r.message_id for r in trace.records if r.event == "skipped"] == ["e1"]
        assert not processor._failures  # memory follows what is alive


@pytest.mark.parametrize("on_failure", ["skip", "retry", "park"])
def test_a_released_event_waits_and_has_not_failed(on_failure: str) -> None:
    """Its partition waits five seconds, with the events behind it; nothing is skipped or parked."""
    with Simulation() as sim:
        stream = three(sim)
        park = EventStream("later", 1, runtime=sim) if on_failure == "park" else None
        seen: list[tuple[str, float]] = []

        def handle(event: StreamEvent) -> None:
            if event.event_id == "e1" and sim.now < 5:
                raise Release(5.0)
            seen.append((event.event_id, sim.now))

        processor = EventStreamProcessor(stream, "mail", on_failure=on_failure, park=park, batch=3)
        processor.add_processor(handle)
        processor.start(1)
        sim.run()
        processor.stop()
        assert seen == [("e0", 0), ("e1", 5), ("e2", 5)]
        assert processor.counts["failed"] == 0 and processor.skipped == []


ODD: dict[str, Callable[[int], Any]] = {
    "raises": lambda n: {}[n],
    "none": lambda n: None,
    "nan": lambda n: float("nan"),
    "inf": lambda n: float("inf"),
    "negative": lambda n: -1.0,
    "text": lambda n: "1",
}


@pytest.mark.parametrize("name", ODD)
def test_a_policy_without_a_usable_delay_is_replaced_by_the_default(name: str) -> None:
    """The event that fails once is tried again after the default's backoff; the failure of the
    policy surfaces from `run()`.
    """
    with Simulation() as sim:
        stream = three(sim)
        odd = {"delay": lambda self, retry_count, draw=0.5: ODD[name](retry_count)}
        policy = type("Odd", (RetryPolicy,), odd)()
        tries: Counter[str] = Counter()

        def handle(event: StreamEvent) -> None:
            tries[event.event_id] += 1
            if event.event_id == "e1" and tries["e1"] == 1:
                raise ValueError("down")

        processor = EventStreamProcessor(stream, "mail", on_failure="retry", retry=policy)
        processor.add_processor(handle)
        processor.start(1)
        with pytest.raises((KeyError, TypeError, ValueError)):
            sim.run()
        assert tries == {"e0": 1, "e1": 2, "e2": 1} and stream.lag("mail") == {0: 0}
        assert 0 < sim.now <= RetryPolicy().base
        processor.stop()


def test_a_function_that_closes_its_consumer_gets_another_one() -> None:
    """The worker joins again as a new member, and reads the event again whose commit was fenced."""
    with Simulation() as sim:
        stream = three(sim)
        seen: Counter[str] = Counter()
        processor = EventStreamProcessor(stream, "mail")

        def handle(event: StreamEvent) -> None:
            seen[event.event_id] += 1
            if seen["e1"] == 1 and event.event_id == "e1":
                processor.consumers["worker-0"].close()

        processor.add_processor(handle)
        processor.start(1)
        sim.run()
        processor.stop()
        assert seen == {"e0": 1, "e1": 2, "e2": 1} and stream.lag("mail") == {0: 0}
        assert processor.counts["fenced"] == 1


def test_a_worker_dies_of_a_crash_alone() -> None:
    """A crash made outside the task, caught by the function, or made by the assignor: a new member
    does the rest after a second.
    """

    def caught(event: StreamEvent) -> None:
        try:
            raise WorkerCrash
        except WorkerCrash:
            pass

    for crash in (raising(WorkerCrash("made outside")), caught):
        with Simulation() as sim:
            stream = three(sim)
            stream.group("mail", session_timeout=5.0)
            tries: Counter[str] = Counter()

            def handle(event: StreamEvent, crash: Any = crash, tries: Any = tries) -> None:
                tries[event.event_id] += 1
                if event.event_id == "e1" and tries["e1"] == 1:
                    crash(event)

            processor = EventStreamProcessor(stream, "mail")
            processor.add_processor(handle)
            processor.start(1)
            sim.run()
            processor.stop()
            assert tries == {"e0": 1, "e1": 2, "e2": 1} and processor.counts["processed"] == 3
            assert processor.skipped == []


def test_retention_may_drop_the_event_that_is_to_be_read_again() -> None:
    """While it failed, newer events pushed it out: the worker goes on at the start of the log."""
    with Simulation() as sim:
        stream = EventStream("orders", 1, retention_events=2, out_of_range="error", runtime=sim)
        seen: list[str] = []

        def handle(event: StreamEvent) -> None:
            if event.event_id == "e0":
                for number in range(1, 4):
                    stream.append(StreamEvent("order", event_id=f"e{number}"))
                raise ValueError("x")
            seen.append(event.event_id)

        stream.append(StreamEvent("order", event_id="e0"))
        processor = EventStreamProcessor(stream, "mail", on_failure="retry")
        processor.add_processor(handle)
        processor.start(1)
        sim.run()
        processor.stop()
        assert seen == ["e2", "e3"]


def test_a_start_that_fails_leaves_no_member_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """No thread can be started: a member without a worker would keep its partitions idle."""
    with Simulation() as sim:
        stream = three(sim)
        processor = EventStreamProcessor(stream, "mail")
        monkeypatch.setattr(processor._pool, "start", raising(RuntimeError("can't start")))
        with pytest.raises(TypeError):
            processor.start(2)
        assert stream.groups["mail"].members == {}
