"""Numbers of numpy are numbers, and become Python's own; errors say long values in short."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mqlearn import (
    Consumer,
    DurableEventStream,
    EventStream,
    EventStreamProcessor,
    OrderEventStore,
    Projection,
    Simulation,
    StreamEvent,
    partition_for,
    range_assignment,
    sticky_assignment,
    upcasting,
)

LONG = "x" * 1_000_000
N, F = np.int64, np.float32


def test_offsets_partitions_and_times_of_numpy_are_kept_as_pythons_own() -> None:
    """Whatever a stream, a group or a consumer stores is an int or a float."""
    with Simulation() as sim:
        stream = EventStream(
            "orders", N(1), retention_seconds=F(100), retention_events=N(50), runtime=sim
        )
        for number in range(4):
            event = StreamEvent("orders", timestamp=F(number), sequence_number=N(7))
            stream.append(event)
            assert type(event.timestamp) is float and type(event.sequence_number) is int
        assert len(stream.fetch(N(0), N(1), N(2))) == 2 and len(list(stream.read("r", N(3)))) == 1
        assert stream.commit_offset("g", N(0), N(2)) and stream.seek("g", N(0), N(1))
        stream.group("h", session_timeout=F(9), poll_interval=N(20), heartbeat_interval=F(1))
        with Consumer(stream, "h", auto_commit=F(2.5)) as consumer:
            assert len(consumer.poll(N(3), F(0))) == 3
            assert consumer.commit({N(0): N(1)})
            consumer.seek(N(0), N(4))
            consumer.poll(N(3), F(1.5))
            consumer.stall(F(0.5))
            groups = [stream.groups[name].committed for name in "gh"]
            numbers = [
                n for kept in (*groups, consumer.position) for pair in kept.items() for n in pair
            ]
            assert {type(n) for n in numbers} == {int} and type(sim.now) is float


def test_answers_are_pythons_own_whatever_the_question_was() -> None:
    """Partitions, assignments, saved offsets and amounts."""
    assert type(partition_for("a", N(3))) is int
    previous: Any = {"a": np.array([2, 1])}
    for owners in (
        range_assignment(["a", "b"], N(3)),
        sticky_assignment(["a", "b"], N(3), previous),
    ):
        assert {type(p) for has in owners.values() for p in has} == {int}
    stream = EventStream("orders", 2)
    offsets = Projection(stream, print, saved={"state": 1, "offsets": {N(0): N(0)}}).offsets
    assert {type(n) for pair in offsets.items() for n in pair} == {int}
    store = OrderEventStore(snapshot_every=N(2))
    store.add_payment("a", "card", F(1.5), expected_version=N(0))
    (payment,) = store.rebuild_order_state("a", until=F(1e38))["payments"]
    assert type(payment["amount"]) is float


def test_a_processor_takes_numbers_of_numpy() -> None:
    """Sizes and times; the clock stays a Python float."""
    with Simulation() as sim:
        stream = EventStream("orders", N(2), runtime=sim)
        for _ in range(3):
            stream.append(StreamEvent("orders"))
        processor = EventStreamProcessor(stream, "mail", batch=N(2), restart_after=F(0.5))
        processor.add_processor(lambda event: sim.sleep(F(0.25)))  # type: ignore[arg-type]
        processor.start(N(2))
        sim.run()
        processor.stop(F(5))
        assert processor.counts["processed"] == 3 and type(sim.now) is float


def retained() -> EventStream:
    """A stream with a long name that forgets."""
    return EventStream(LONG, 1, retention_events=1)


ERRORS: dict[str, Callable[[], Any]] = {
    "data": lambda: StreamEvent("x", data=LONG),
    "json": lambda: DurableEventStream(":memory:").append(StreamEvent("x", data={"a": {1: LONG}})),
    "steps": lambda: upcasting({LONG: print}),  # type: ignore[dict-item]
    "members": lambda: range_assignment([LONG, LONG], 3),
    "saved": lambda: Projection(EventStream("x"), print, saved={LONG: 1}),
    "stream": lambda: OrderEventStore(retained()),
    "version": lambda: OrderEventStore().create_order(LONG, "c", [], expected_version=4),
    "partition": lambda: Consumer(EventStream("x"), "g").seek(LONG, 0),  # type: ignore[arg-type]
    "member": lambda: EventStream("x").group("g").ready(LONG),
    "group": lambda: [EventStream("x").group(LONG), EventStream("x").group(LONG, explode=LONG)],
    "park": lambda: EventStreamProcessor(EventStream("x"), "g", park=EventStream(LONG)),
    "path": lambda: DurableEventStream(LONG),
}


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_is_short(name: str) -> None:
    """A value of a million characters is shortened."""
    with pytest.raises(Exception) as error:  # noqa: PT011 - of several types
        ERRORS[name]()
    assert len(str(error.value)) < 1000
