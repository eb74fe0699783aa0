"""What a log promises: order by key, offsets that stay, reading that removes nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from typing import Any

import pytest

from mqlearn import EventStream, OffsetOutOfRange, Simulation, StreamEvent, ThreadRuntime, Trace
from mqlearn.streaming.partitioner import partition_for


def event(number: int, key: str = "k", **fields: object) -> StreamEvent:
    """An event that can be told from others."""
    return StreamEvent("orders", event_id=f"e{number}", partition_key=key, **fields)  # type: ignore[arg-type]


def filled(count: int = 6, partitions: int = 1, **options: object) -> EventStream:
    """A stream in a simulation of its own, with `count` events, one a second."""
    sim = Simulation()
    stream = EventStream("orders", partitions, runtime=sim, **options)  # type: ignore[arg-type]
    for number in range(count):
        sim.run(until=number)
        stream.append(event(number, f"k{number % 5}"))
    return stream


def offsets(events: object) -> list[int]:
    """Their offsets."""
    return [each.sequence_number for each in events]  # type: ignore[attr-defined]


def test_the_course_texts_usage_runs_as_it_stands() -> None:
    """Append, read, read on, ask for offsets: names, parameters and answers are the contract."""
    stream = EventStream("orders", partition_count=4)
    created = StreamEvent(
        stream_id="orders", event_type="order_created", data={"order_id": "1"}, partition_key="1"
    )
    assert stream.append(created) is True
    assert (
        stream.append(StreamEvent(stream_id="orders", event_type="paid", partition_key="1")) is True
    )
    assert [e.event_type for e in stream.read("billing")] == ["order_created", "paid"]
    assert list(stream.read("billing")) == []
    home = partition_for("1", 4)
    assert stream.get_latest_offset() == {p: 2 * (p == home) for p in range(4)}
    assert stream.get_latest_offset(home) == {home: 2}
    stream.commit_offset("billing", home, 1)
    assert [e.event_type for e in stream.read("billing", from_offset=0, partition=home)] == ["paid"]
    info = stream.get_stream_info()
    assert info == {
        "stream_name": "orders",
        "partition_count": 4,
        "total_events": 2,
        "partition_sizes": [2 * (p == home) for p in range(4)],
        "consumer_groups": {"billing": {p: 2 * (p == home) for p in range(4)}},
    }
    assert [e.sequence_number for e in stream.partitions[home]] == [0, 1]


def test_a_key_lands_in_the_same_partition_in_every_process() -> None:
    """`hash` of a string differs from one process to the next; the partition of an event does
    not.
    """
    code = (
        "from mqlearn import EventStream, StreamEvent; s = EventStream('s');"
        "e = StreamEvent('s', partition_key='order-123'); s.append(e); print(hash('order-123') "
        "% 4, e.partition)"
    )
    seen = [
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed},
            text=True,
            capture_output=True,
            check=True,
        ).stdout.split()
        for seed in ("1", "2", "3")
    ]
    assert len({naive for naive, _ in seen}) > 1
    assert {ours for _, ours in seen} == {str(partition_for("order-123", 4))}


def test_producers_do_not_wait_for_a_readers_handler() -> None:
    """A reader in the middle of its loop holds no lock: another task appends in the meantime."""
    sim = Simulation()
    stream = EventStream("orders", 1, runtime=sim)
    stream.append(event(0))
    appended: list[float] = []

    def handle() -> None:
        for _ in stream.read("slow"):
            sim.sleep(10)

    def produce() -> None:
        sim.sleep(1)
        stream.append(event(1))
        appended.append(sim.now)

    sim.spawn(handle)
    sim.spawn(produce)
    sim.run()
    assert appended == [1.0]


def test_a_replay_goes_back_and_reading_history_moves_no_group() -> None:
    """Seek lets a group read again; history leaves no trace on any."""
    stream = filled(3)
    assert offsets(stream.read("g")) == [0, 1, 2]
    before = stream.get_stream_info()
    assert offsets(stream.history()) == offsets(stream.history(0)) == [0, 1, 2]
    assert offsets(stream.history(key="k1")) == [1]
    assert stream.get_stream_info() == before
    assert stream.seek("g", 0, 1) is True
    assert stream.lag("g") == {0: 2}
    assert offsets(stream.read("g")) == [1, 2]


def test_an_event_is_committed_when_the_next_is_asked_for_or_the_loop_ends() -> None:
    """Breaking off in the middle reads that event again; an ended loop reads nothing again."""
    stream = filled(4)
    for each in stream.read("g"):
        if each.sequence_number == 2:
            break
    assert stream.lag("g") == {0: 2}
    assert offsets(stream.read("g")) == [2, 3]
    assert list(stream.read("g")) == []


def test_a_handler_that_raises_reads_its_event_again() -> None:
    """Nothing is committed for the event whose handler died."""
    stream = filled(3)
    with pytest.raises(ZeroDivisionError):
        [1 / (1 - each.sequence_number) for each in stream.read("g")]
    assert offsets(stream.read("g")) == [1, 2]


def test_reading_starts_at_the_later_of_committed_and_asked() -> None:
    """`from_offset` skips forward and cannot go back, in one partition or in all."""
    stream = filled(6)
    assert offsets(stream.read("g", from_offset=4)) == [4, 5]
    assert offsets(stream.read("g", from_offset=0)) == []
    assert offsets(stream.read("far", from_offset=99)) == []
    assert stream.lag("far") == {0: 6}


def test_a_loop_ends_at_the_end_as_it_was_when_it_came() -> None:
    """A handler that appends an event for each that it reads does not read for ever."""
    stream = filled(3)
    for each in stream.read("g"):
        stream.append(event(100 + each.sequence_number))
    assert stream.lag("g") == {0: 3}


def test_two_groups_do_not_know_of_each_other() -> None:
    """Each has offsets of its own."""
    stream = filled(5, partitions=4)
    assert len(list(stream.read("a"))) == len(list(stream.read("b"))) == 5
    assert sum(stream.lag("c").values()) == 5
    assert set(stream.groups) == {"a", "b"}


def test_the_stream_keeps_a_copy_and_tells_the_caller_where() -> None:
    """The same object appended twice is two events; the producer's timestamp stays, else it is the
    stream's time.
    """
    sim = Simulation()
    stream = EventStream("orders", 1, runtime=sim)
    sim.run(until=7)
    mine = event(0)
    stream.append(mine)
    stream.append(mine)
    stream.append(event(1, timestamp=3.0))
    assert (mine.sequence_number, mine.partition, mine.timestamp) == (1, 0, None)
    assert offsets(stream.partitions[0]) == [0, 1, 2]
    assert [(e.timestamp, e.appended_at) for e in stream.history()] == [
        (7.0, 7.0),
        (7.0, 7.0),
        (3.0, 7.0),
    ]


def test_without_a_key_the_stream_id_decides() -> None:
    """All events of one stream id stay together."""
    stream = EventStream("orders")
    for stream_id in ("a", "b", "a"):
        stream.append(StreamEvent(stream_id))
    assert [e.stream_id for e in stream.history(key="a")] == ["a", "a"]
    assert {e.partition for e in stream.history(key="a")} == {partition_for("a", 4)}


def test_order_holds_by_key_and_not_across() -> None:
    """A reader meets the events of each key in order, and those of different keys as the partitions
    fall.
    """
    stream = filled(40, partitions=4)
    read = list(stream.read("g"))
    numbers = [int(e.event_id[1:]) for e in read]
    assert numbers != sorted(numbers)
    for key in {e.key for e in read}:
        mine = [int(e.event_id[1:]) for e in read if e.key == key]
        assert mine == sorted(mine)


def test_a_fetch_takes_from_any_offset_in_the_log_and_from_no_other() -> None:
    """At the end there is nothing; before the start or beyond the end is an error that tells the
    bounds.
    """
    stream = filled(6, retention_events=4)
    assert (stream.log_start(0), stream.end(0)) == (2, 6)
    assert offsets(stream.fetch(0, 3, 2)) == [3, 4]
    assert stream.fetch(0, 6, 2) == []
    for wrong in (1, 7):
        with pytest.raises(
            OffsetOutOfRange, match=f"within 2 to 6 in partition 0, got {wrong}"
        ) as caught:
            stream.fetch(0, wrong)
        assert (caught.value.start, caught.value.end) == (2, 6)
        with pytest.raises(OffsetOutOfRange):
            stream.seek("g", 0, wrong)
    assert stream.groups == {}


def test_a_group_has_its_options_once() -> None:
    """A group is made when first asked for; options for one that exists are refused."""
    stream = filled()
    assert stream.group("g") is stream.group("g")
    with pytest.raises(ValueError, match="name must be new where options are given, got 'g'"):
        stream.group("g", session_timeout=5.0)
    with pytest.raises(TypeError, match="name must be str, got 5"):
        stream.group(5)  # type: ignore[arg-type]


def test_the_trace_tells_what_was_appended_read_and_committed() -> None:
    """Whole records: source is the stream or the group, entry the offset, detail the partition."""
    trace = Trace()
    stream = filled(1, trace=trace)
    list(stream.read("g"))
    assert [(r.event, r.source, r.entry, r.message_id, r.detail) for r in trace.records] == [
        ("appended", "orders", 0, "e0", 0),
        ("committed", "orders/g", 0, "", 0),
        ("read", "orders/g", 0, "e0", 0),
        ("committed", "orders/g", 1, "", 0),
    ]
    assert trace.balance("orders").accepted == 0


def test_a_listener_that_comes_late_hears_what_is_there() -> None:
    """Asked for what it carries, a log tells of its events in the order of their coming, as they
    came.
    """
    trace = Trace()
    stream = filled(9, partitions=4, trace=trace)
    late: list[object] = []
    stream.listen(late.append, existing=True)
    assert late == trace.records
    stream.append(event(9))
    assert late == trace.records


def test_many_producers_on_real_threads_lose_nothing() -> None:
    """Eight threads append 250 events each while one reads: offsets are dense, each producer's
    order is kept.
    """
    runtime = ThreadRuntime()
    stream = EventStream("orders", 1, runtime=runtime)
    read: list[StreamEvent] = []

    def produce(name: str) -> None:
        for number in range(250):
            stream.append(StreamEvent("orders", event_id=f"{name}-{number}", partition_key="k"))

    def consume() -> None:
        while len(read) < 2000:
            read.extend(stream.read("g"))
            with stream.changed:
                while stream.lag("g") == {0: 0} and len(read) < 2000:
                    stream.changed.wait(5)

    tasks = [runtime.spawn(consume), *(runtime.spawn(produce, f"p{n}") for n in range(8))]
    for task in tasks:
        task.join(30)
        assert not task.is_alive()
    assert offsets(read) == list(range(2000)) == offsets(stream.history())
    for n in range(8):
        mine = [each.event_id for each in read if each.event_id.startswith(f"p{n}-")]
        assert mine == [f"p{n}-{number}" for number in range(250)]


def test_a_reader_of_one_partition_is_woken_for_no_other() -> None:
    """Of two appends, a second apart, the one to its own partition wakes it; whoever waits for any
    hears both.
    """
    keys = {partition_for(f"k{n}", 2): f"k{n}" for n in range(9)}
    woken: list[tuple[str, float]] = []
    with Simulation() as sim:
        stream = EventStream("orders", 2, runtime=sim)

        def wait(name: str, condition: Any) -> None:
            while True:
                with stream.changed:
                    condition.wait()
                    woken.append((name, sim.now))

        for name, condition in (("own", stream.arrived[1]), ("any", stream.changed)):
            sim.spawn(wait, name, condition, daemon=True)
        for time, partition in ((1.0, 0), (2.0, 1)):
            sim.call_at(
                time, partial(stream.append, StreamEvent("orders", partition_key=keys[partition]))
            )
        sim.run(until=3)
    assert sorted(woken) == [("any", 1.0), ("any", 2.0), ("own", 2.0)]
