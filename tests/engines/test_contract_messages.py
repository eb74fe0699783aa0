"""The contract: messages go in, and come out as they went in, once."""

from __future__ import annotations

from typing import Any

import pytest

from mqlearn import MessageStatus, ThreadRuntime
from mqlearn.engines import Unsupported
from tests.engines.contract import rule
from tests.engines.site import Site, drain, finish, get, get_ids, is_empty, send_all
from tests.engines.until import until

ODD: dict[str, Any] = {
    "id": "order-é-😀-\ud83d",
    "topic": "Straße/\u202etnemyap",
    "headers": {"type": "payment \udc00", "empty": "", "line\nbreak": "\x00\x1f\x7f"},
    "body": {"": None, "\ud800": ["\udfff", "𝔘", 1e308, -0.0, 2**63, True, {"deep": {"er": []}}]},
}


@rule("send, receive, ack")
def test_a_message_is_received_and_acked(site: Site) -> None:
    """It comes with all its fields, as a try of its own, and an ack ends it."""
    queue = site.open()
    sent = site.message("order-1", topic="orders", body={"total": 20.0}, headers={"type": "order"})
    assert queue.send(sent) is True
    found = get(queue)
    assert (found.id, found.topic, found.body, found.headers) == (
        "order-1",
        "orders",
        {"total": 20.0},
        {"type": "order"},
    )
    assert (found.status, found.attempt, found.retry_count) == (MessageStatus.PROCESSING, 1, 0)
    assert found.timestamp is not None and found.is_expired() is False
    assert queue.is_current(found) and queue.ack(found) is True
    assert found.status is MessageStatus.COMPLETED
    assert is_empty(queue) and not queue.is_current(found)


@rule("what the sender changes afterwards stays with the sender")
def test_the_queue_keeps_its_own_copy(site: Site) -> None:
    """Neither the sender's object nor a delivery is the message in the queue."""
    queue = site.open()
    sent = site.message("order-1", headers={"type": "order"})
    queue.send(sent)
    sent.headers["type"] = "changed"
    assert (sent.timestamp, sent.receipt, sent.status) == (None, 0, MessageStatus.PENDING)
    first = get(queue)
    assert first.headers == {"type": "order"}
    first.headers.clear()
    queue.nack(first)
    assert get(queue).headers == {"type": "order"}


@rule("an empty queue: None after the timeout")
def test_an_empty_queue_answers_none(site: Site) -> None:
    """A poll does not wait, a timeout ends, and `cancelled` with `wake` ends a wait without one."""
    queue, clock = site.open(), ThreadRuntime()
    assert queue.receive(timeout=0) is None
    start = clock.now
    assert queue.receive(timeout=0.4) is None
    assert clock.now - start >= 0.39
    asked: list[bool] = []
    stop: list[bool] = []
    waiting = clock.spawn(lambda: queue.take(lambda: asked.append(True) or bool(stop)))
    until(lambda: asked, "the worker looks whether to go on")
    stop.append(True)
    queue.wake()
    finish(waiting)


@rule("a consumer that waits gets what is sent")
def test_a_waiting_consumer_is_woken(site: Site) -> None:
    """It waits in `receive` before the message is sent."""
    queue, clock = site.open(), ThreadRuntime()
    found: list[str] = []
    waiting = clock.spawn(lambda: found.append(get(queue).id))
    assert queue.receive(timeout=0.3) is None
    queue.send(site.message("late"))
    finish(waiting)
    assert found == ["late"]


@rule("order of sending, where promised")
def test_one_consumer_gets_them_in_order(site: Site) -> None:
    """A single consumer gets messages in the order in which they were sent; elsewhere all of them
    come, in some order.
    """
    queue = site.open()
    sent = [f"order-{number}" for number in range(40)]
    assert send_all(queue, map(site.message, sent[:20])) == 20
    for each in sent[20:]:
        assert queue.send(site.message(each))
    found = get_ids(queue, 40)
    if site.kind.ordered:
        assert found == sent
    else:
        site.says_no()
        assert sorted(found) == sorted(sent)
    assert is_empty(queue)


@rule("the same id twice: two messages")
def test_an_id_may_be_sent_twice(site: Site) -> None:
    """An id is the sender's word. Each send makes an entry, and each is acked for itself."""
    queue = site.open()
    assert queue.send(site.message("twice")) and queue.send(site.message("twice"))
    first, second = get(queue), get(queue)
    assert (first.id, second.id) == ("twice", "twice")
    assert queue.ack(second) is True and queue.ack(second) is False
    assert queue.ack(first) is True
    assert is_empty(queue)


@rule("unicode, half surrogates, odd numbers")
def test_any_text_survives(site: Site) -> None:
    """Id, topic, headers and body come back as they were, whatever their characters."""
    queue = site.open()
    queue.send(site.message(ODD["id"], **{key: ODD[key] for key in ("topic", "headers", "body")}))
    found = get(queue)
    assert {key: getattr(found, key) for key in ODD} == ODD
    assert queue.ack(found)


@rule("receive_many takes what is there")
def test_several_in_one_call(site: Site) -> None:
    """At most `n`, without waiting for more than the first; each is settled for itself."""
    queue = site.open()
    send_all(queue, [site.message(f"order-{number}") for number in range(7)])
    found: list[str] = []
    while len(found) < 7:
        batch = queue.receive_many(3, timeout=30)
        assert 1 <= len(batch) <= 3
        assert all(queue.ack(each) for each in batch)
        found += [each.id for each in batch]
    assert sorted(found) == [f"order-{number}" for number in range(7)]
    assert queue.receive_many(3, timeout=0.3) == []


@rule("size")
def test_the_engine_counts_what_waits(site: Site) -> None:
    """`size` is the number of messages that wait: neither in flight nor done."""
    queue = site.open()
    if site.lacks("exact_size"):
        with pytest.raises(Unsupported, match=r"exact_size is unsupported on \w+: "):
            queue.size()
        return
    assert queue.size() == 0
    send_all(queue, [site.message(f"order-{number}") for number in range(5)])
    assert queue.size() == 5
    first, second = get(queue), get(queue)
    assert queue.size() == 3
    queue.ack(first)
    assert queue.size() == 3
    queue.nack(second)
    assert queue.size() == 4
    assert len(drain(queue)) == 4
    assert queue.size() == 0
