"""An event that is parked: a copy goes to the parking stream, and what that refuses is not lost."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from mqlearn import DurableEventStream, EventStream, EventStreamProcessor, Simulation, StreamEvent
from tests.streaming.test_event_failures import raising, three


def test_a_parked_event_is_a_copy_and_the_right_offset_is_committed() -> None:
    """Parking on a stream where it gets another place leaves its place in this one."""
    with Simulation() as sim:
        stream, later = three(sim), EventStream("later", 1, runtime=sim)
        for _ in range(7):
            later.append(StreamEvent("other"))
        processor = EventStreamProcessor(stream, "mail", on_failure="park", park=later)
        processor.add_processor(raising(ValueError("x")))
        processor.start(1)
        sim.run()
        processor.stop()
        assert [e.sequence_number for e in stream.history()] == [0, 1, 2]
        assert stream.groups["mail"].committed == {0: 3} and later.end(0) == 10


class Refuses(EventStream):
    """A stream that refuses the first three events."""

    refusals = 3

    def append(self, event: StreamEvent) -> bool:
        if self.refusals:
            self.refusals -= 1
            return False
        return super().append(event)


def test_a_parking_stream_that_refuses_loses_nothing() -> None:
    """Its partition waits and tries again until the parking stream takes the event; the refusals
    surface from `run()`.
    """
    with Simulation() as sim:
        stream, later = three(sim), Refuses("later", 1, runtime=sim)
        seen: list[str] = []

        def handle(event: StreamEvent) -> None:
            if event.event_id == "e1":
                raise ValueError("x")
            seen.append(event.event_id)

        processor = EventStreamProcessor(stream, "mail", on_failure="park", park=later)
        processor.add_processor(handle)
        processor.start(1)
        with pytest.raises(RuntimeError, match="the stream later refused the event e1"):
            sim.run()
        assert seen == ["e0", "e2"] and [e.event_id for e in later.history()] == ["e1"]
        assert processor.counts | {"failed": 0} == {
            "processed": 2,
            "failed": 0,
            "skipped": 0,
            "parked": 1,
            "fenced": 0,
        }
        processor.stop()


def test_a_parking_stream_in_a_file_that_cannot_hold_the_data_loses_nothing(tmp_path: Path) -> None:
    """The data is no JSON, or the file is closed: the event stays the next to read, the worker
    lives, and stops when it is told to.
    """
    with Simulation() as sim:
        stream = EventStream("orders", 1, runtime=sim)
        stream.append(StreamEvent("order", event_id="e0", data={"x": {1, 2}}))
        later = DurableEventStream(tmp_path / "later.db", "later", 1, runtime=sim)
        processor = EventStreamProcessor(stream, "mail", on_failure="park", park=later)
        processor.add_processor(raising(ValueError("x")))
        processor.start(1)
        with pytest.raises(TypeError, match="data must be what JSON can hold"):
            sim.run(until=30)
        later.close()
        with pytest.raises((TypeError, sqlite3.Error)):
            sim.run(until=60)
        assert all(worker.is_alive() for worker in processor.workers)
        processor.stop()
        assert stream.lag("mail") == {0: 1} and list(later.history()) == []
