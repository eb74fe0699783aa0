"""The log on Kafka: the verbs of a stream, keys, replay, deletion and transactions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from secrets import token_hex
from typing import Any

import pytest

from mqlearn import StreamEvent, Trace, partition_for
from mqlearn.engines import EngineError, KafkaStream
from mqlearn.engines.features import supports
from mqlearn.streaming.partition_log import OffsetOutOfRange

Opener = Callable[..., KafkaStream]


@pytest.fixture(params=["kafka"])
def engine(request: pytest.FixtureRequest) -> str:
    """The engine, by which the tests share its server."""
    return str(request.param)


@pytest.fixture
def opener(servers: Any, engine: str) -> Iterator[Opener]:
    """A function that opens streams on the shared broker."""
    opened: list[KafkaStream] = []

    def open_stream(name: str = "", partitions: int = 4, **more: Any) -> KafkaStream:
        stream = KafkaStream(servers.url(engine), name or f"s-{token_hex(4)}", partitions, **more)
        opened.append(stream)
        return stream

    yield open_stream
    for stream in opened:
        stream.close()


def placed(number: int, **fields: Any) -> StreamEvent:
    """An order that was placed."""
    return StreamEvent(
        f"order-{number}",
        event_id=f"event-{number}",
        event_type="placed",
        data={"n": number},
        **fields,
    )


def test_every_key_goes_where_ours_goes(opener: Opener) -> None:
    """Kafka's own partitioner and `partition_for` agree, also on odd keys and on none."""
    stream = opener()
    keys = [f"order-{n}" for n in range(60)] + ["é", "日本", "\ud800", " ", "x" * 300, ""]
    events = [StreamEvent(key, event_id=str(n)) for n, key in enumerate(keys)]
    assert stream.append_many(events) == len(keys)
    assert [event.partition for event in events] == [partition_for(key, 4) for key in keys]
    assert {event.event_id: event.partition for event in stream.history()} == {
        event.event_id: event.partition for event in events
    }


def test_an_event_comes_back_as_it_went_in(opener: Opener) -> None:
    """Every field, a tombstone, and the time of appending where no other was given."""
    stream = opener(partitions=1)
    odd = StreamEvent(
        "s", event_id="a", event_type="t", data={"é": [1.5, None, "\ud800"]}, timestamp=0.1 + 0.2
    )
    odd.partition_key = "k"
    tombstone, plain = StreamEvent.tombstone("s", "k"), StreamEvent("s", event_id="b")
    for number, event in enumerate((odd, tombstone, plain)):
        assert stream.append(event) is True
        assert (event.partition, event.sequence_number) == (0, number)
    found = list(stream.history())
    assert found == [odd, tombstone, plain]
    assert found[1].data is None and found[0].partition_key == "k"
    assert found[2].timestamp == plain.timestamp == found[2].appended_at


@pytest.mark.parametrize("data", [{"x": object()}, {"x": (1,)}, {1: 2}, {"x": float("nan")}])
def test_data_that_is_no_json_is_refused(opener: Opener, data: Any) -> None:
    """Also among others, and then nothing is appended."""
    stream = opener(partitions=1)
    with pytest.raises(TypeError, match=r"data must .*, got "):
        stream.append_many([placed(1), StreamEvent("s", data=data)])
    with pytest.raises(ValueError, match=r"at most 1,000,000 bytes on kafka, got 1,000,\d+"):
        stream.append(StreamEvent("s", data={"x": "y" * 1_000_000}))
    assert stream.end(0) == 0


def test_reading_goes_on_where_the_group_has_stopped(opener: Opener) -> None:
    """After a break the last event is read again; another group reads everything."""
    stream = opener(partitions=2)
    stream.append_many([placed(n) for n in range(20)])
    ends = stream.get_latest_offset()
    seen: list[str] = []
    for event in stream.read("billing"):
        seen.append(event.event_id)
        if len(seen) == 5:
            break
    rest = [event.event_id for event in stream.read("billing")]
    assert rest[0] == seen[-1] and sorted({*seen, *rest}) == sorted(f"event-{n}" for n in range(20))
    assert len(seen) + len(rest) == 21
    assert list(stream.read("billing")) == []
    assert stream.lag("billing") == {0: 0, 1: 0} and stream.lag("other") == ends
    assert len(list(stream.read("other", partition=1))) == ends[1]
    info = stream.get_stream_info()
    assert info["total_events"] == 20 and info["partition_sizes"] == [ends[0], ends[1]]
    assert info["consumer_groups"] == {"billing": ends, "other": {1: ends[1]}}


def test_history_is_replayed_without_any_group(opener: Opener) -> None:
    """All of it, one partition or one key, again and again; and a group may be sent back."""
    stream = opener()
    stream.append_many([placed(n % 5) for n in range(50)])
    before = [event.event_id for event in stream.history()]
    assert before == [event.event_id for event in stream.history()] and len(before) == 50
    assert {e.event_id for e in stream.history(key="order-3")} == {"event-3"}
    assert len(list(stream.history(key="order-3"))) == 10
    partition = partition_for("order-3", 4)
    assert stream.fetch(partition, 2, 3) == list(stream.history(partition))[2:5]
    assert len(list(stream.read("billing", partition=partition))) > 0
    assert stream.seek("billing", partition, 1) is True
    assert next(iter(stream.read("billing", partition=partition))).sequence_number == 1
    assert stream.commit_offset("billing", partition, 4) is True
    assert stream.group("billing").committed == {partition: 4}


def test_offsets_outside_of_the_log_are_refused(opener: Opener) -> None:
    """With the bounds in the error, and nothing is committed."""
    stream = opener(partitions=1)
    stream.append_many([placed(n) for n in range(3)])
    for call in (
        lambda: stream.fetch(0, 4),
        lambda: stream.seek("billing", 0, 4),
        lambda: stream.commit_offset("billing", 0, 4),
        lambda: stream.delete_records(0, 4),
    ):
        with pytest.raises(OffsetOutOfRange, match="within 0 to 3 in partition 0, got 4"):
            call()
    assert stream.fetch(0, 3) == [] and stream.group("billing").committed == {}
    for bad in (lambda: stream.fetch(1, 0), lambda: stream.end(1), lambda: stream.log_start(1)):
        with pytest.raises(ValueError, match="partition must be at most 0, got 1"):
            bad()


def test_what_was_deleted_is_gone_for_every_group(opener: Opener) -> None:
    """A group whose offset is gone goes on at the earliest, or gets an error if it is to."""
    stream = opener(partitions=1)
    stream.append_many([placed(n) for n in range(200)])
    assert stream.seek("billing", 0, 5) is True
    assert stream.delete_records(0, 100) == stream.log_start(0) == 100
    with pytest.raises(OffsetOutOfRange, match="within 100 to 200 in partition 0, got 5"):
        stream.fetch(0, 5)
    assert [e.sequence_number for e in stream.history()] == list(range(100, 200))
    assert next(iter(stream.read("billing"))).sequence_number == 100
    with stream.consumer("billing") as consumer:
        assert consumer.poll(1, 30.0)[0].sequence_number == 100
    strict = opener(stream.name, 1, start="error")
    assert strict.seek("audit", 0, 150) and strict.delete_records(0, 160) == 160
    with pytest.raises(OffsetOutOfRange, match="within 160 to 200 in partition 0, got 150"):
        list(strict.read("audit"))
    with strict.consumer("audit") as consumer, pytest.raises(OffsetOutOfRange, match="got 150"):
        consumer.poll(1, 30.0)


def test_a_new_group_may_start_at_the_end(opener: Opener) -> None:
    """With `start="latest"` it sees only what comes."""
    stream = opener(partitions=1, start="latest")
    stream.append(placed(1))
    assert list(stream.read("billing")) == [] and stream.lag("billing") == {0: 0}


def test_a_transaction_is_seen_as_a_whole_or_not_at_all(opener: Opener) -> None:
    """10 aborted and 20 committed: 20 are seen, or 30 by a reader of what is not committed; each
    commit takes an offset of its own.
    """
    stream = opener(partitions=1)
    events = [placed(n) for n in range(20)]
    for event in events:
        with stream.transaction() as transaction:
            transaction.append(event)
    assert stream.end(0) == 40
    assert [event.sequence_number for event in events] == list(range(0, 40, 2))
    for number in range(10):
        with pytest.raises(ZeroDivisionError):
            abort(stream, placed(100 + number))
    assert list(stream.history()) == events
    assert [event.data["n"] for event in stream.read("billing")] == list(range(20))
    assert sum(stream.lag("billing").values()) > 0  # the markers, and what was aborted
    dirty = opener(stream.name, 1, isolation="read_uncommitted")
    assert len(list(dirty.history())) == 30
    with stream.consumer("other") as clean, dirty.consumer("dirty") as unclean:
        assert len(poll_all(clean, 20)) == 20 and len(poll_all(unclean, 30)) == 30


def abort(stream: KafkaStream, event: StreamEvent, consumer: Any = None) -> None:
    """Append an event in a transaction, and commit what `consumer` has polled; then fail."""
    with stream.transaction() as transaction:
        transaction.append(event)
        transaction.flush()
        if consumer is not None:
            transaction.commit(consumer)
        raise ZeroDivisionError


def poll_all(consumer: Any, count: int) -> list[StreamEvent]:
    """Poll until that many events have come, and then until nothing comes for a second."""
    found: list[StreamEvent] = []
    while len(found) < count:
        got = consumer.poll(500, 30.0)
        assert got, f"{len(found)} of {count}"
        found += got
    return found + list(consumer.poll(500, 1.0))


def test_offsets_are_committed_with_what_was_made_of_them(opener: Opener) -> None:
    """Read, append and commit in one transaction: after an abort the same event is read again."""
    source, target = opener(partitions=1), opener(partitions=1)
    source.append_many([placed(1), placed(2)])
    with source.consumer("billing") as consumer:
        (first,) = consumer.poll(1, 30.0)
        with pytest.raises(ZeroDivisionError):
            abort(target, first, consumer)
        assert source.group("billing").committed == {} and list(target.history()) == []
        with target.transaction() as transaction:
            transaction.append(first)
            transaction.commit(consumer)
    assert source.group("billing").committed == {0: 1}
    assert [event.event_id for event in target.history()] == ["event-1"]


def test_the_older_of_two_producers_of_one_name_is_fenced(opener: Opener) -> None:
    """A zombie's transaction fails, and nothing of it is seen."""
    stream = opener(partitions=1)
    twin = opener(stream.name, 1)

    def overtaken() -> None:
        with stream.transaction("billing") as old:
            old.append(placed(1))
            old.flush()
            with twin.transaction("billing") as new:
                new.append(placed(2))

    with pytest.raises(EngineError, match="fenced the producer 'billing'"):
        overtaken()
    assert [event.event_id for event in stream.history()] == ["event-2"]
    with stream.transaction("other") as transaction:
        transaction.append(placed(3))
    assert len(list(stream.history())) == 2


def test_settings_are_checked_and_agreed_on(opener: Opener) -> None:
    """A second object must have the number of partitions of the first."""
    stream = opener()
    with pytest.raises(EngineError, match=r"partition_count must be 4, .* on kafka .*, got 3"):
        opener(stream.name, 3)
    for settings, said in (
        ({"partitions": 0}, "partition_count must be at least 1, got 0"),
        ({"start": "middle"}, "start must be one of"),
        ({"isolation": "none"}, "isolation must be one of"),
        ({"name": "a b"}, "name must be 1 to 60 letters"),
    ):
        with pytest.raises(ValueError, match=said):
            opener(**settings)
    with pytest.raises(EngineError, match=r"kafka does not answer: url must .*'127\.0\.0\.1:1'"):
        KafkaStream("127.0.0.1:1", "x")
    assert stream.features == supports("kafka_log")


def test_a_trace_tells_what_this_process_did(opener: Opener) -> None:
    """Appends, reads and commits, as of an `EventStream`; first what was there already."""
    first = opener(partitions=1)
    first.append(placed(0))
    trace = Trace()
    stream = opener(first.name, 1, trace=trace)
    stream.append(placed(1))
    for _ in stream.read("billing"):
        pass
    stream.commit_offset("billing", 0, 1)
    stream.delete_records(0, 1)
    told = [(record.event, record.source, record.entry) for record in trace.records]
    group = f"{stream.name}/billing"
    assert told == [
        ("appended", stream.name, 0),
        ("appended", stream.name, 1),
        ("read", group, 0),
        ("committed", group, 1),
        ("read", group, 1),
        ("committed", group, 2),
        ("committed", group, 1),
        ("deleted", stream.name, 1),
    ]


def test_a_deleted_stream_is_new_again(opener: Opener) -> None:
    """Its groups are gone too, and a closed one says so."""
    stream = opener()
    stream.append(placed(1))
    assert len(list(stream.read("billing"))) == 1
    stream.delete()
    with pytest.raises(EngineError, match="is closed"):
        stream.append(placed(2))
    fresh = opener(stream.name, 2)
    assert fresh.get_stream_info()["consumer_groups"] == {} and list(fresh.history()) == []
