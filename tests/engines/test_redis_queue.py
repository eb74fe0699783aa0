"""A queue on Valkey or Redis: what no other engine has, and what other programs do to its keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from mqlearn import Message, Trace
from mqlearn.engines import EngineError, RedisQueue
from mqlearn.runtime.books import UnbalancedBooks
from tests.engines.site import drain, get, get_ids, is_empty, reasons
from tests.engines.until import until

redis = pytest.importorskip("redis")


@pytest.fixture
def url(servers: Any) -> str:
    """The address of a running server."""
    return str(servers.url("redis"))


@pytest.fixture
def client(url: str) -> Iterator[Any]:
    """What an operator uses: a client that knows nothing of the course."""
    with redis.Redis.from_url(url) as client:
        yield client


@pytest.mark.parametrize(
    "fields",
    [
        {"payload": b"\xff\x00"},
        {"payload": "{}"},
        {"payload": '{"id": 7}'},
        {"other": "program"},
        {"payload": "x", "failures": "many", "key": b"\xff"},
    ],
    ids=["bytes", "object", "fields", "keys", "types"],
)
def test_what_another_program_sent_is_a_dead_letter(
    url: str, client: Any, fields: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    """It cannot be read, so it is put aside with that reason and shows what it was; the messages
    behind it are delivered, and the books balance.
    """
    trace = Trace()
    with RedisQueue(url, f"foreign-{request.node.callspec.id}", trace=trace) as queue:
        queue.send(Message("before"))
        client.xadd(queue.stored_as, fields)
        queue.send(Message("after"))
        assert drain(queue) == ["before", "after"]
        (letter,) = queue.get_dead_letter_messages()
        assert letter.headers["dead_letter_reason"].startswith("unreadable: payload must be ")
        sent = fields.get("payload", "")
        assert letter.body == {"payload": r"\xff" + "\0" if isinstance(sent, bytes) else sent}
        balance = trace.balance()
        assert (balance.accepted, balance.completed, balance.dead) == (3, 2, 1)


def test_an_operator_takes_a_delivery_over(url: str, client: Any) -> None:
    """XCLAIM by another consumer fences the worker: its ack answers False, and settles nothing."""
    with RedisQueue(url, "claimed", visibility_timeout=2.0) as queue:
        queue.send(Message("order-1"))
        held = get(queue)
        (pending,) = client.xpending_range(queue.stored_as, "workers", "-", "+", 1)
        client.xclaim(queue.stored_as, "workers", "operator", 0, [pending["message_id"]])
        assert queue.ack(held) is False
        assert get_ids(queue, 1) == ["order-1"]


def test_an_operator_deletes_a_message_in_flight(url: str, client: Any) -> None:
    """What is gone cannot be settled, and does not come back; the books say what is missing."""
    trace = Trace()
    with RedisQueue(url, "deleted", visibility_timeout=1.0, trace=trace) as queue:
        queue.send(Message("order-1"))
        queue.send(Message("order-2"))
        get(queue)
        client.xtrim(queue.stored_as, maxlen=0)
        assert is_empty(queue, 1.5)
        with pytest.raises(UnbalancedBooks, match="holds 0 entries waiting, its records say"):
            trace.balance()
        queue.send(Message("order-3"))
        assert get_ids(queue, 1) == ["order-3"]


def test_a_server_that_was_emptied(url: str, client: Any) -> None:
    """FLUSHALL takes the group with it: the queue begins again, and says what it has lost."""
    trace = Trace()
    with RedisQueue(url, "flushed", trace=trace) as queue:
        for number in range(3):
            queue.send(Message(f"order-{number}"))
        held = get(queue)
        client.flushall()
        assert queue.ack(held) is False
        assert queue.size() == 0
        queue.send(Message("after"))
        assert get_ids(queue, 1) == ["after"]
        with pytest.raises(UnbalancedBooks, match="holds 0 entries waiting, its records say"):
            trace.balance()


def test_a_key_of_another_kind_is_refused(url: str, client: Any) -> None:
    """The name is taken by something that is no stream."""
    client.set("mqlearn-taken", "a string")
    with pytest.raises(EngineError, match="redis refuses the stream mqlearn-taken"):
        RedisQueue(url, "taken")


def test_a_wrong_password_is_refused(url: str, client: Any) -> None:
    """The error names the engine and the address."""
    client.config_set("requirepass", "right")
    try:
        for address in (url, url.replace("://", "://default:wrong@")):
            with pytest.raises(EngineError, match=r"redis does not answer: .*[Aa]uth|password"):
                RedisQueue(address, "locked")
        with RedisQueue(url.replace("://", "://default:right@"), "locked") as queue:
            assert queue.size() == 0
    finally:
        client.config_set("requirepass", "")


def test_a_full_server_refuses_a_send(url: str, client: Any) -> None:
    """Out of memory: the send answers False, and the message is nowhere."""
    trace = Trace()
    with RedisQueue(url, "full", trace=trace) as queue:
        client.config_set("maxmemory", 1)
        try:
            assert queue.send(Message("order-1")) is False
        finally:
            client.config_set("maxmemory", 0)
        assert queue.size() == 0
        assert (trace.balance().accepted, trace.balance().rejected) == (0, 1)


def test_a_full_server_refuses_one_of_many(url: str, client: Any) -> None:
    """`send_many` counts what was accepted, and does not raise for the rest."""
    with RedisQueue(url, "full-of-many") as queue:
        client.config_set("maxmemory", 1)
        try:
            assert queue.send_many([Message("order-1"), Message("order-2")]) == 0
        finally:
            client.config_set("maxmemory", 0)
        assert queue.size() == 0


def test_delayed_messages_are_seen_and_purged(url: str) -> None:
    """They count for `size`, and a purge throws them away too."""
    with RedisQueue(url, "later") as queue:
        queue.send(Message("later"), delay=60.0)
        assert (queue.size(), queue.census()["delayed"]) == (1, 1)
        assert queue.purge() == 1 and queue.size() == 0


def test_retries_are_counted_across_a_delay(url: str) -> None:
    """A message that failed, and is then released for later, has not forgotten its failures."""
    with RedisQueue(url, "counted", max_retries=1) as queue:
        queue.send(Message("order-1"))
        assert queue.nack(get(queue))
        assert queue.release(get(queue), delay=0.2)
        again = get(queue)
        assert again.retry_count == 1
        assert queue.nack(again)
        until(lambda: reasons(queue), "it is a dead letter")
        assert reasons(queue) == {"order-1": "retries exhausted"}


def test_delete_leaves_nothing(url: str, client: Any) -> None:
    """Each key of the queue is gone, and no other."""
    with RedisQueue(url, "kept") as kept:
        kept.send(Message("order-1"))
        queue = RedisQueue(url, "deleted-whole")
        queue.send(Message("order-1"), delay=60.0)
        queue.send(Message("order-2"))
        queue.nack(get(queue), requeue=False)
        queue.delete()
        assert client.keys("mqlearn-deleted-whole*") == []
        assert kept.size() == 1
