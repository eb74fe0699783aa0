"""The limits of the broker, and the members of the share group, which only Kafka's queue has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from secrets import token_hex
from typing import Any

import pytest

from mqlearn import Message, ThreadRuntime, Trace
from mqlearn.engines import EngineError, KafkaQueue, Unsupported, kafka_queue, kafka_share
from mqlearn.engines.kafka_share import ACCEPT
from tests.engines.site import drain, get, get_ids, is_empty
from tests.engines.until import until

LEASE = 1.5  # seconds

Opener = Callable[..., KafkaQueue]


@pytest.fixture(params=["kafka"])
def engine(request: pytest.FixtureRequest) -> str:
    """The engine, by which the tests share its server."""
    return str(request.param)


@pytest.fixture
def opener(servers: Any, engine: str) -> Iterator[Opener]:
    """A function that opens queues on the shared broker."""
    opened: list[KafkaQueue] = []

    def open_queue(name: str = "", **settings: Any) -> KafkaQueue:
        settings = {"visibility_timeout": 30.0, **settings}
        queue = KafkaQueue(servers.url(engine), name or f"k-{token_hex(4)}", **settings)
        opened.append(queue)
        return queue

    yield open_queue
    for queue in opened:
        queue.close()


def send(queue: KafkaQueue, count: int) -> list[str]:
    """Send that many messages, and return their ids."""
    ids = [f"order-{number}" for number in range(count)]
    assert queue.send_many([Message(id=each) for each in ids]) == count
    return ids


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"visibility_timeout": 0.5}, r"from 1 to 60 s .* group\.share\.min\..* got 0\.5"),
        ({"visibility_timeout": 61}, r"from 1 to 60 s .* group\.share\.max\..* got 61"),
        ({"max_retries": 0}, "max_retries must be at least 1, got 0"),
        ({"max_retries": 10}, "max_retries must be at most 9, got 10"),
        ({"batch": 0}, "batch must be at least 1, got 0"),
    ],
)
def test_limits_of_the_broker_are_named(opener: Opener, settings: Any, said: str) -> None:
    """A lease or a number of tries that the broker refuses is refused before anything is made."""
    with pytest.raises(ValueError, match=said):
        opener(**settings)


def test_deliveries_are_settled_by_any_thread_in_any_order(opener: Opener) -> None:
    """Five are in flight at once, and another thread acks them, the last one first."""
    queue, runtime = opener(), ThreadRuntime()
    ids = send(queue, 5)
    held = [get(queue) for _ in ids]
    assert [each.id for each in held] == ids
    answers: list[bool] = []
    runtime.spawn(lambda: answers.extend(queue.ack(each) for each in reversed(held))).join()
    assert answers == [True] * 5
    assert is_empty(queue)


def test_members_that_are_idle_leave_the_group(opener: Opener) -> None:
    """What a member was still to get would otherwise wait for the end of its lease; here a second
    process gets all of it, delivered for the first time.
    """
    queue = opener()
    twin = opener(queue.name)
    send(queue, 4)
    assert queue.ack_many([get(queue) for _ in range(4)]) == 4
    assert is_empty(queue)
    until(lambda: not queue._members._all, "no member is left")
    send(twin, 8)
    assert {get_first(twin) for _ in range(8)} == {1}
    send(queue, 2)
    assert len(get_ids(queue, 2)) == 2


def get_first(queue: KafkaQueue) -> int:
    """Receive and ack a message, and return which delivery of it that was."""
    message = get(queue)
    assert queue.ack(message)
    return message.attempt


def test_what_a_crashed_worker_held_comes_back(opener: Opener) -> None:
    """Its member holds the record until the lease is over, then it leaves."""
    queue, runtime = opener(visibility_timeout=LEASE), ThreadRuntime()
    send(queue, 1)

    def crash() -> None:
        get(queue)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        runtime.spawn(crash).join()
    again = get(queue)
    assert again.attempt == 2 and queue.ack(again)
    until(lambda: not queue._members._all, "no member is left")


def test_too_many_deliveries_one_by_one_are_refused(
    opener: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each needs a member of its own; an ack makes room, and nothing is lost."""
    monkeypatch.setattr(kafka_share, "MOST", 2)
    queue = opener()
    send(queue, 3)
    held = [get(queue), get(queue)]
    with pytest.raises(EngineError, match="at most 2 deliveries"):
        queue.receive(timeout=0)
    assert queue.ack_many(held) == 2
    assert get_ids(queue, 1) == ["order-2"]


@pytest.mark.parametrize(("batch", "others"), [(1, ["order-1", "order-2", "order-3"]), (4, [])])
def test_what_travels_together_is_handed_out_together(
    opener: Opener, batch: int, others: list[str]
) -> None:
    """With a batch of four, the first receive takes all four from the other consumers."""
    queue = opener(batch=batch)
    twin = opener(queue.name)
    ids = send(queue, 4)
    first = get(queue)
    assert first.id == "order-0" and queue.ack(first)
    assert drain(twin) == others
    assert drain(queue) == [each for each in ids[1:] if each not in others]


def test_a_late_ack_of_what_another_has_acked_is_refused(opener: Opener) -> None:
    """The broker itself says yes to it, since the record is archived; the clock says no."""
    queue = opener(visibility_timeout=LEASE)
    twin = opener(queue.name, visibility_timeout=LEASE)
    send(queue, 1)
    (late,) = queue._members.take(1, 30.0)  # as in a process that was stopped: no timer runs
    assert get_ids(twin, 1) == ["order-0"]
    assert queue._members.settle([late], ACCEPT) == [False]


def test_purge_counts_what_it_threw_away(opener: Opener) -> None:
    """What is in flight stays with its worker."""
    queue = opener()
    send(queue, 10)
    held = get(queue)
    assert queue.purge() == 9
    assert queue.ack(held) is True
    assert is_empty(queue) and queue.purge() == 0


def test_the_census_is_this_process_s_own_but_for_the_dead(opener: Opener) -> None:
    """Without a trace nothing is known, and size is refused in any case."""
    queue = opener()
    for call in (queue.census, queue.size):
        with pytest.raises(Unsupported, match="exact_size is unsupported on kafka: "):
            call()
    trace = Trace()
    twin = opener(queue.name, trace=trace)
    send(twin, 3)
    assert twin.nack(get(twin), requeue=False) is True
    held = get(twin)
    assert twin.census() == {"waiting": 1, "delayed": 0, "in flight": 1, "dead": 1}
    assert trace.balance(twin.name).accepted == 3
    assert twin.ack(held) is True


def test_a_broker_that_was_killed_gives_everything_back(opener: Opener, servers: Any) -> None:
    """An ack meanwhile answers False, and the same objects go on when the broker is back."""
    queue = opener()
    send(queue, 3)
    held = get(queue)
    server = servers["kafka"]
    server.kill()
    assert queue.ack(held) is False
    server.start()
    assert queue.send(Message(id="order-3"))
    assert sorted(get_ids(queue, 4)) == [f"order-{number}" for number in range(4)]
    assert is_empty(queue)


def test_a_deleted_queue_may_be_made_anew(opener: Opener) -> None:
    """With other settings, and nothing of the old one in it."""
    queue = opener(max_retries=2)
    send(queue, 2)
    assert queue.nack(get(queue), requeue=False)
    queue.delete()
    fresh = opener(queue.name, max_retries=5)
    assert is_empty(fresh) and fresh.get_dead_letter_messages() == []
    send(fresh, 1)
    assert get_ids(fresh, 1) == ["order-0"]


@pytest.mark.parametrize("arrived", [True, False])
def test_an_ack_whose_answer_is_lost(
    opener: Opener, arrived: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stays in flight until a poll finds that it is gone, or it is delivered again; the books
    are right either way.
    """
    monkeypatch.setattr(kafka_queue, "DOUBT", 0.5)
    trace = Trace()
    queue = opener(visibility_timeout=LEASE, trace=trace)
    settle = queue._members.settle

    def answer_lost(records: Any, how: Any) -> list[bool | None]:
        if arrived:
            settle(records, how)
        return [None] * len(records)

    send(queue, 1)
    held = get(queue)
    with monkeypatch.context() as patch:
        patch.setattr(queue._members, "settle", answer_lost)
        assert queue.ack(held) is False
    assert queue.census()["in flight"] == 1
    if not arrived:
        assert get_ids(queue, 1) == ["order-0"]
    until(lambda: not queue.receive(timeout=0.2) and not queue._doubts, "the doubt has ended")
    events = [record.event for record in trace.records]
    assert events.count("received") == (1 if arrived else 2)
    assert trace.balance(queue.name).completed == 1
