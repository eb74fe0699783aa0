"""Only RabbitMQ has these: priorities of a classic queue, the broker's own reasons of dead letters,
a TTL that counts at the head only, settings that it compares, and no buffer that hides a message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from secrets import token_hex
from typing import Any

import pika
import pytest
from pika.exceptions import ChannelClosedByBroker, ConnectionBlockedTimeout

from mqlearn import Message, MessagePriority, Trace
from mqlearn.engines import EngineError, RabbitMQQueue
from mqlearn.engines.rabbitmq_terms import explain
from tests.engines.site import drain, get, get_ids, reasons
from tests.engines.until import until

Make = Callable[..., RabbitMQQueue]


@pytest.fixture
def url(servers: Any) -> str:
    """The address of the server."""
    return str(servers.url("rabbitmq"))


@pytest.fixture
def make(url: str) -> Iterator[Make]:
    """Makes queues, each of its own name unless one is given, and deletes them at the end."""
    made: dict[str, RabbitMQQueue] = {}
    twins: list[RabbitMQQueue] = []

    def make_one(name: str = "", **settings: Any) -> RabbitMQQueue:
        queue = RabbitMQQueue(url, name or f"t-{token_hex(4)}", **settings)
        twins.append(queue)
        made.setdefault(queue.name, queue)
        return queue

    yield make_one
    for queue in made.values():
        queue.delete()
    for queue in twins:
        queue.close()


def test_a_classic_queue_has_priorities(make: Make) -> None:
    """The most urgent comes first; of equals, the one that was sent first."""
    queue = make(kind="classic")
    order = ["LOW", "HIGH", "NORMAL", "CRITICAL", "HIGH"]
    for number, priority in enumerate(order):
        assert queue.send(Message(id=f"{priority}-{number}", priority=MessagePriority[priority]))
    assert get_ids(queue, 5) == ["CRITICAL-3", "HIGH-1", "HIGH-4", "NORMAL-2", "LOW-0"]


def test_a_quorum_queue_refuses_priorities_by_name(make: Make) -> None:
    """The error says where there are priorities."""
    with pytest.raises(EngineError, match=r"priority is unsupported on rabbitmq: .* classic queue"):
        make().send(Message(priority=MessagePriority.HIGH))


@pytest.mark.parametrize("kind", ["quorum", "classic"])
def test_the_broker_says_why_a_letter_is_dead(make: Make, url: str, kind: str) -> None:
    """Its header x-death has a reason, and `dead_letter_reason` is that one, or ours for the limit,
    which a classic queue does not know.
    """
    queue = make(kind=kind, max_retries=1)
    queue.send(Message(id="old", ttl=0.05))
    until(lambda: queue.census()["dead"] == 1, "the first has expired")
    for message_id in ("bad", "spent"):
        queue.send(Message(id=message_id))
    assert queue.nack(get(queue), requeue=False, reason="no such card")
    assert queue.nack(get(queue)) and queue.nack(get(queue))
    until(lambda: queue.census()["dead"] == 3, "all are dead")
    assert reasons(queue) == {"old": "expired", "bad": "rejected", "spent": "retries exhausted"}
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        channel = connection.channel()
        headers = [channel.basic_get(f"{queue.stored_as}.dead")[1].headers for _ in range(3)]
    told = [each.get("x-death", [{"reason": None}])[0]["reason"] for each in headers]
    assert told == ["expired", "rejected", "delivery_limit" if kind == "quorum" else None]


@pytest.mark.parametrize("kind", ["quorum", "classic"])
def test_a_time_to_live_counts_at_the_head_only(make: Make, kind: str) -> None:
    """A message behind one that lives is still counted when its own time is over. It is dead as
    soon as it gets to the head, and the records say so once the engine was asked.
    """
    trace = Trace()
    queue = make(kind=kind, trace=trace)
    queue.send(Message(id="lives"))
    queue.send(Message(id="old", ttl=0.2))
    over = queue.runtime.now + 0.4
    until(lambda: queue.runtime.now > over, "its time is over")
    assert queue.census() == {"waiting": 2, "delayed": 0, "in flight": 0, "dead": 0}
    assert drain(queue) == ["lives"]
    until(lambda: queue.census()["dead"] == 1, "the second is dead")
    balance = trace.balance()
    assert (balance.accepted, balance.completed, balance.dead) == (2, 1, 1)
    expired = [record for record in trace.records if record.event == "expired"]
    assert [record.message_id for record in expired] == ["old"]
    assert expired[0].detail < over


def test_settings_of_a_queue_that_exists_are_compared(make: Make) -> None:
    """The error names the setting, both values and the queue."""
    name = make(max_retries=2).name
    with pytest.raises(EngineError, match=r"max_retries must be 2, as the queue .* got 5"):
        make(name, max_retries=5)
    other_kind = r"kind must be the one that the queue .* on rabbitmq has"
    with pytest.raises(EngineError, match=other_kind):
        make(name, max_retries=2, kind="classic")
    classic = make(kind="classic").name
    with pytest.raises(EngineError, match=other_kind):
        make(classic)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda url: url.replace("guest@", "secret@"), "ACCESS_REFUSED"),
        (lambda url: f"{url}elsewhere", "vhost elsewhere not found"),
    ],
)
def test_who_is_refused_learns_why(url: str, wrong: Callable[[str], str], said: str) -> None:
    """The error names the address, and never shows a password."""
    with pytest.raises(EngineError, match="rabbitmq refuses: url must be") as refused:
        RabbitMQQueue(wrong(url), "t")
    text = str(refused.value)
    assert said in text and "amqp://guest:***@127.0.0.1" in text and "secret" not in text


@pytest.mark.parametrize("given", ["nonsense", "http://127.0.0.1:1", "amqp:///", "amqp://h:99999/"])
def test_a_url_that_is_none_is_refused(given: str) -> None:
    """No server is asked."""
    with pytest.raises(ValueError, match="url must be like amqp://user:password@host:port/"):
        RabbitMQQueue(given, "t")


def test_no_message_waits_in_a_client(make: Make) -> None:
    """After waits that ended and batches that were not full, another client gets all that was sent,
    each as its first delivery.
    """
    queue = make()
    twin = make(queue.name)
    for number in range(5):
        assert queue.receive(timeout=0.05) is None
        assert queue.receive_many(10, timeout=0.0) == []
        twin.send(Message(id=str(number)))
        delivery = get(twin)
        assert (delivery.id, delivery.attempt) == (str(number), 1)
        assert twin.ack(delivery)


def test_many_acks_leave_what_is_in_work(make: Make) -> None:
    """One ack for many deliveries never takes one that another worker still holds."""
    queue = make()
    queue.send_many([Message(id=str(number)) for number in range(6)])
    deliveries = queue.receive_many(6, timeout=30)
    assert [each.id for each in deliveries] == list("012345")
    assert queue.ack_many([deliveries[n] for n in (0, 1, 3, 5)]) == 4
    assert queue.nack(deliveries[4]) and queue.nack(deliveries[2])
    again = queue.receive_many(2, timeout=30)
    assert {(each.id, each.attempt) for each in again} == {("2", 2), ("4", 2)}
    assert queue.ack_many(again) == 2 and queue.ack_many(deliveries) == 0
    assert not any(queue.census().values())


def test_a_connection_that_ends_costs_a_try(make: Make) -> None:
    """The broker counts it; after the last try the message is dead, and the records say so."""
    trace = Trace()
    queue = make(max_retries=1, trace=trace)
    queue.send(Message(id="m"))
    for attempt in (1, 2):
        delivery = get(queue)
        assert (delivery.attempt, delivery.retry_count) == (attempt, attempt - 1)
        queue._receiving._drop()
        assert not queue.ack(delivery)
    until(lambda: queue.census()["dead"] == 1, "it is dead")
    assert reasons(queue) == {"m": "retries exhausted"}
    assert trace.balance().dead == 1


def test_what_the_broker_limits_is_named() -> None:
    """A message over `max_message_size`, and an alarm that blocks senders."""
    large = ChannelClosedByBroker(
        406, "PRECONDITION_FAILED - message size 2001 is larger than configured max size 2000"
    )
    text = "message must have at most 2,000 bytes on rabbitmq (max_message_size), envelope included"
    assert str(explain(large, "")) == f"{text}, got 2,001"
    assert isinstance(explain(large, ""), ValueError)
    blocked = explain(ConnectionBlockedTimeout(), "")
    assert isinstance(blocked, EngineError) and "short of memory or disk" in str(blocked)
