"""A log forgets: by age, by size, by key; and whoever comes too late is told, or goes on as
agreed.
"""

from __future__ import annotations

import pickle

import pytest

from mqlearn import Consumer, EventStream, OffsetOutOfRange, Simulation, StreamEvent, Trace
from tests.streaming.test_stream import event, filled, offsets


def test_what_is_older_than_the_retention_is_gone() -> None:
    """Three events, one a second, kept for two: at any moment whoever looks sees no older one, nor
    does a size.
    """
    sim = Simulation()
    stream = EventStream("orders", 1, retention_seconds=2, runtime=sim)
    for number in range(3):
        sim.run(until=number)
        stream.append(event(number))
    assert (stream.log_start(0), offsets(stream.history())) == (1, [1, 2])
    sim.run(until=3.5)
    assert stream.get_stream_info()["partition_sizes"] == [1]
    sim.run(until=10)
    assert (stream.log_start(0), stream.end(0), list(stream.history())) == (3, 3, [])
    stream.append(event(3))
    assert offsets(stream.history()) == [3]


def test_age_counts_from_the_append_whatever_the_producer_says() -> None:
    """An event of last week that comes today is kept as long as any other."""
    sim = Simulation()
    sim.run(until=100)
    stream = EventStream("orders", 1, retention_seconds=2, runtime=sim)
    stream.append(event(0, timestamp=1.0))
    assert offsets(stream.history()) == [0]


def test_each_partition_keeps_its_last() -> None:
    """The bound on size holds for each partition."""
    stream = filled(200, partitions=2, retention_events=30)
    assert stream.get_stream_info()["partition_sizes"] == [30, 30]
    assert all(stream.log_start(p) == stream.end(p) - 30 for p in (0, 1))


@pytest.mark.parametrize(("policy", "then"), [("earliest", [4, 5, 6]), ("latest", [])])
def test_a_reader_that_is_overtaken_goes_on_by_policy(policy: str, then: list[int]) -> None:
    """It had read up to 1 when 2 and 3 were dropped: the earliest loses these, the latest all that
    is there.
    """
    trace = Trace()
    stream = filled(2, out_of_range=policy, retention_events=3, trace=trace)
    assert offsets(stream.read("g")) == [0, 1]
    for number in range(2, 7):
        stream.append(event(number))
    assert stream.lag("g") == {0: 5}
    assert offsets(stream.read("g")) == then
    stream.append(event(7))
    assert offsets(stream.read("g")) == [7]
    reset = [r for r in trace.records if r.event == "reset"]
    assert [(r.source, r.entry, r.detail) for r in reset] == [("orders/g", 2, 0)]


def test_a_reader_that_is_overtaken_may_ask_for_an_error() -> None:
    """Nothing moves: the operator decides, with seek."""
    stream = filled(2, out_of_range="error", retention_events=3)
    list(stream.read("g"))
    for number in range(2, 7):
        stream.append(event(number))
    with pytest.raises(OffsetOutOfRange, match="within 4 to 7 in partition 0, got 2"):
        list(stream.read("g"))
    stream.seek("g", 0, 5)
    assert offsets(stream.read("g")) == [5, 6]


def test_retention_overtakes_a_reader_in_the_middle_of_its_loop() -> None:
    """What it holds it may finish; it goes on at the new start."""
    stream = filled(5, retention_events=5)
    seen = []
    for each in stream.read("g"):
        seen.append(each.sequence_number)
        if each.sequence_number == 1:
            for number in range(5, 8):
                stream.append(event(number))
    assert seen == [0, 1, 3, 4]


def test_a_commit_beyond_the_end_is_refused_before_anything_changes() -> None:
    """It would be a lag of −996; there is no group yet, and then the group is as it was. The error
    survives pickling.
    """
    stream = filled(3)
    with pytest.raises(OffsetOutOfRange, match="within 0 to 3 in partition 0, got 999") as refused:
        stream.commit_offset("g", 0, 999)
    assert stream.groups == {}
    assert stream.commit_offset("g", 0, 3) and stream.lag("g") == {0: 0}
    assert not stream.commit_offset("g", 0, 1, member="nobody")
    with pytest.raises(OffsetOutOfRange):
        stream.commit_offset("g", 0, 4)
    assert stream.lag("g") == {0: 0}
    consumer = Consumer(stream, "members")
    consumer.poll(1, timeout=0)
    with pytest.raises(OffsetOutOfRange):
        consumer.commit({0: 4})
    assert stream.groups["members"].committed == {}
    again = pickle.loads(pickle.dumps(refused.value))
    assert (str(again), vars(again)) == (str(refused.value), vars(refused.value))


def test_a_new_group_of_the_latest_misses_what_came_before_it_and_nothing_after() -> None:
    """Its first look fixes where it stands, also if there was nothing to read."""
    stream = filled(3, start="latest")
    assert (list(stream.read("g")), stream.lag("new")) == ([], {0: 0})
    stream.append(event(3))
    assert offsets(stream.read("g")) == [3]


def test_compaction_keeps_the_last_of_each_key_at_its_offset() -> None:
    """Offsets have gaps from then on; later events of a key pile up until the next time; no key, no
    compaction.
    """
    stream = EventStream("prices", 1, runtime=Simulation())
    for key in ("a", "b", "a", "", "c", "", "a"):
        stream.append(StreamEvent("prices", partition_key=key))
    assert stream.compact() == 2
    assert offsets(stream.history()) == [1, 3, 4, 5, 6]
    assert (
        stream.log_start(0),
        offsets(stream.fetch(0, 0, 2)),
        offsets(stream.fetch(0, 2, 2)),
    ) == (0, [1, 3], [3, 4])
    stream.append(StreamEvent("prices", partition_key="c"))
    assert offsets(stream.read("g")) == [1, 3, 4, 5, 6, 7]
    assert stream.compact() == 1
    assert (offsets(stream.history()), stream.end(0), stream.lag("g")) == (
        [1, 3, 5, 6, 7],
        8,
        {0: 0},
    )


def test_a_partition_reads_like_a_list_of_what_is_left() -> None:
    """Length, index from both ends, slices and loops; an index outside is an IndexError."""
    log = filled(6, retention_events=4).partitions[0]
    assert (len(log), offsets(log), log[0].sequence_number, log[-1].sequence_number) == (
        4,
        [2, 3, 4, 5],
        2,
        5,
    )
    assert offsets(log[1:3]) == [3, 4]
    for index in (4, -5):
        with pytest.raises(IndexError, match=f"within 4 events, got {index}"):
            log[index]
