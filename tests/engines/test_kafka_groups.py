"""The groups of the log on Kafka: how partitions are shared, and what a member's death costs."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from secrets import token_hex
from typing import Any

import pytest

from mqlearn import StreamEvent, ThreadRuntime
from mqlearn.engines import KafkaStream, Unsupported
from mqlearn.streaming.partition_log import OffsetOutOfRange
from tests.engines.until import until

Opener = Callable[..., KafkaStream]


@pytest.fixture(params=["kafka"])
def engine(request: pytest.FixtureRequest) -> str:
    """The engine, by which the tests share its server."""
    return str(request.param)


@pytest.fixture
def opener(servers: Any, engine: str) -> Iterator[Opener]:
    """A function that opens streams with events in them on the shared broker."""
    opened: list[KafkaStream] = []

    def open_stream(count: int, partitions: int, **more: Any) -> KafkaStream:
        stream = KafkaStream(servers.url(engine), f"g-{token_hex(4)}", partitions, **more)
        opened.append(stream)
        stream.append_many([StreamEvent(str(n), event_id=f"event-{n}") for n in range(count)])
        return stream

    yield open_stream
    for stream in opened:
        stream.close()


def take(consumer: Any, count: int) -> list[str]:
    """Poll until that many events have come, and return their ids."""
    found: list[str] = []
    until(
        lambda: found.extend(e.event_id for e in consumer.poll(500, 0.5)) or len(found) >= count,
        f"{count} events",
    )
    return found


def test_partitions_are_shared_by_the_members(opener: Opener) -> None:
    """Four partitions: 4, then 2 and 2 when another joins, then 4 again when it has left."""
    stream = opener(0, 4)
    told: list[tuple[str, list[int]]] = []
    with stream.consumer(
        "billing",
        name="a",
        on_assigned=lambda partitions: told.append(("+", partitions)),
        on_revoked=lambda partitions: told.append(("-", partitions)),
    ) as first:
        until(lambda: first.poll(1, 0.1) or len(first.partitions) == 4, "one has all")
        second = stream.consumer("billing", name="b")
        until(
            lambda: (
                first.poll(1, 0.1)
                or second.poll(1, 0.1)
                or (len(first.partitions), len(second.partitions)) == (2, 2)
            ),
            "two each",
        )
        assert sorted(first.partitions + second.partitions) == [0, 1, 2, 3]
        until(
            lambda: (
                stream.group("billing").assignment
                == {"a": first.partitions, "b": second.partitions}
            ),
            "the broker says the same",
        )
        assert stream.group("billing").members == ["a", "b"]
        second.close()
        until(lambda: first.poll(1, 0.1) or len(first.partitions) == 4, "one has all again")
    assert told[0] == ("+", [0, 1, 2, 3])
    assert told[1][0] == "-" and len(told[1][1]) == 2 and told[2] == ("+", told[1][1])


def test_a_member_commits_and_its_successor_goes_on(opener: Opener) -> None:
    """What was committed is not read again; what was only polled is."""
    stream = opener(10, 1)
    with stream.consumer("billing") as consumer:
        assert [e.event_id for e in consumer.poll(4, 30.0)] == [f"event-{n}" for n in range(4)]
        assert consumer.commit() is True and consumer.position == {0: 4}
        assert len(consumer.poll(2, 30.0)) == 2
    assert stream.group("billing").committed == {0: 4} and stream.lag("billing") == {0: 6}
    with stream.consumer("billing") as successor:
        assert take(successor, 6) == [f"event-{n}" for n in range(4, 10)]
        assert successor.commit({0: 5}) is True
        assert stream.group("billing").committed == {0: 5}
        with pytest.raises(OffsetOutOfRange, match="within 0 to 10 in partition 0, got 11"):
            successor.commit({0: 11})


def test_only_members_commit_while_there_are_any(opener: Opener) -> None:
    """From outside `commit_offset` and `seek` answer False; and `read` commits nothing."""
    stream = opener(4, 1)
    with stream.consumer("billing") as consumer:
        assert len(take(consumer, 4)) == 4
        assert stream.commit_offset("billing", 0, 1) is False
        assert stream.seek("billing", 0, 1) is False
        assert len(list(stream.read("billing"))) == 4
        assert stream.group("billing").committed == {}
    assert stream.seek("billing", 0, 1) is True


def test_a_member_may_go_back(opener: Opener) -> None:
    """In a partition that it owns, and to an offset that is there."""
    stream = opener(5, 1)
    with stream.consumer("billing") as consumer:
        with pytest.raises(ValueError, match="partition must be one of"):
            consumer.seek(0, 1)
        assert len(take(consumer, 5)) == 5
        consumer.seek(0, 2)
        assert consumer.position == {0: 2}
        assert take(consumer, 3) == ["event-2", "event-3", "event-4"]
        with pytest.raises(OffsetOutOfRange, match="got 6"):
            consumer.seek(0, 6)
        with pytest.raises(Unsupported, match=r"die is unsupported on kafka: .* kill the process"):
            consumer.die()


def test_offsets_are_committed_in_time_by_themselves(opener: Opener) -> None:
    """With `auto_commit`, a poll commits what earlier polls returned, and so does `close`."""
    stream = opener(6, 1)
    with stream.consumer("billing", auto_commit=0.2) as consumer:
        assert len(consumer.poll(3, 30.0)) == 3

        def committed() -> int:
            consumer.poll(1, 0.05)
            return stream.group("billing").committed.get(0, 0)

        until(lambda: committed() >= 3, "a poll has committed the first three")
        until(lambda: committed() and consumer.position == {0: 6}, "all are read")
    assert stream.group("billing").committed == {0: 6}


def test_a_loop_over_events_ends_when_the_consumer_is_closed(opener: Opener) -> None:
    """The same handler that an `EventStreamProcessor` would call, in a plain loop."""
    stream, runtime = opener(5, 2), ThreadRuntime()
    handled: list[str] = []
    consumer = stream.consumer("billing")

    def loop() -> None:
        for event in consumer:
            handled.append(event.event_id)
            consumer.commit()

    worker = runtime.spawn(loop)
    until(lambda: len(handled) == 5, "all are handled")
    until(lambda: stream.lag("billing") == {0: 0, 1: 0}, "and committed")
    consumer.close()
    worker.join(30.0)
    assert not worker.is_alive()
    with pytest.raises(RuntimeError, match="member is closed"):
        consumer.poll(1, 0)


def test_a_killed_member_costs_what_it_had_not_committed(opener: Opener) -> None:
    """Its successor gets everything after the last commit: nothing is lost, and exactly the 50
    events that were handled but not committed are seen twice.
    """
    stream = opener(300, 2)
    command = [sys.executable, "-m", "tests.engines.kafka_member"]
    process = subprocess.Popen(
        [*command, stream.url, stream.name, "billing", "100", "150"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process, stream.consumer("billing", name="successor") as successor:
        before = [process.stdout.readline().strip() for _ in range(150)]
        process.kill()
        process.wait()
        seen = Counter(before)
        assert len(before) == len(seen) == 150
        seen.update(take(successor, 200))
        assert successor.poll(1, 1.0) == []
    assert len(seen) == 300 and Counter(seen.values()) == {1: 250, 2: 50}


def test_a_member_outlives_a_broker_that_was_killed(opener: Opener, servers: Any) -> None:
    """It is a member again when the broker is back, and no event is lost or appended twice."""
    stream = opener(3, 1)
    server = servers["kafka"]
    with stream.consumer("billing") as consumer:
        assert len(take(consumer, 3)) == 3 and consumer.commit()
        server.kill()
        assert consumer.poll(1, 0.2) == []
        server.start()
        assert stream.append(StreamEvent("s", event_id="event-3"))
        assert take(consumer, 1) == ["event-3"]
        assert [e.event_id for e in stream.history()] == [f"event-{n}" for n in range(4)]
