"""The contract: what a silent worker holds comes back, and its late answers change nothing."""

from __future__ import annotations

from typing import Any

import pytest

from mqlearn import Message, ThreadRuntime
from mqlearn.engines import Unsupported
from tests.engines.contract import rule
from tests.engines.holder import other_process
from tests.engines.site import Site, get, is_empty
from tests.engines.until import until

LEASE = 1.0  # seconds


@rule("redelivery after a lost lease")
def test_a_lost_lease_brings_the_message_back(site: Site) -> None:
    """It counts as a failure; the late ack of the first worker answers False and does nothing."""
    queue, clock = site.open(lease=LEASE), ThreadRuntime()
    queue.send(site.message("order-1"))
    first, start = get(queue), clock.now
    if site.lacks("lease"):
        assert is_empty(queue, 2 * LEASE)
        return
    second = get(queue)
    assert clock.now - start > 0.8 * LEASE, "before the lease was over"
    assert second.id == "order-1"
    if site.has("delivery_count"):
        assert (second.attempt, second.retry_count) == (2, 1)
    assert not queue.is_current(first) and queue.is_current(second)
    assert queue.ack(first) is False
    assert queue.ack(second) is True
    assert is_empty(queue, 1.5 * LEASE)


@rule("a stale receipt answers False")
def test_a_settled_delivery_cannot_be_settled_again(site: Site) -> None:
    """Every call answers False for a delivery that was settled, and for an unknown one."""
    queue = site.open()
    queue.send(site.message("order-1"))
    first = get(queue)
    queue.nack(first)
    second = get(queue)
    calls: list[Any] = [queue.ack, queue.nack, queue.release]
    if site.has("extend"):
        calls.append(lambda delivery: queue.extend(delivery, 5))
    for call in calls:
        assert call(first) is False
        assert call("never-sent") is False
        assert call(Message(id="order-1", receipt=10**6)) is False
    assert queue.ack(second) is True
    for call in calls:
        assert call(second) is False
    assert is_empty(queue)


@rule("a stale receipt of another consumer answers False")
def test_what_another_consumer_holds_now_cannot_be_acked(site: Site) -> None:
    """The first consumer's lease is over, and a second object of the queue has the message."""
    ours = site.open(lease=LEASE)
    theirs = site.twin(ours, lease=LEASE)
    ours.send(site.message("order-1"))
    late = get(ours)
    if site.lacks("lease"):
        assert is_empty(theirs, 2 * LEASE)
        return
    current = get(theirs)
    assert ours.ack(late) is False
    assert ours.nack(late, requeue=False, reason="late") is False
    assert theirs.ack(current) is True
    assert is_empty(ours) and reasons_are_empty(theirs)


def reasons_are_empty(queue: Any) -> bool:
    """True if there are no dead letters."""
    return not queue.get_dead_letter_messages()


@rule("an extended lease holds")
def test_a_lease_can_be_renewed(site: Site) -> None:
    """A worker that extends its lease again and again keeps its message for longer than one."""
    queue, clock = site.open(lease=LEASE), ThreadRuntime()
    queue.send(site.message("order-1"))
    held, start = get(queue), clock.now
    if site.lacks("extend"):
        with pytest.raises(Unsupported, match=r"extend is unsupported on \w+: "):
            queue.extend(held, LEASE)
        assert queue.ack(held) is True
        return
    while clock.now < start + 2.5 * LEASE:
        assert queue.extend(held, LEASE) is True
        assert queue.receive(timeout=0.3 * LEASE) is None
    assert queue.is_current(held) and queue.ack(held) is True
    assert queue.extend(held, LEASE) is False


@rule("redelivery after a dead consumer")
def test_what_a_killed_process_held_comes_back(site: Site) -> None:
    """A process that is killed with signal 9 while it holds a message takes nothing with it."""
    queue = site.open(lease=2 * LEASE)
    if not site.kind.server:
        site.says_no()  # a queue in memory ends with its process
        with other_process(site.kind.id, site.url, site.name_of(queue), "send 1") as other:
            assert other.lines() == ["sent"]
        assert queue.size() == 0
        return
    queue.send(site.message("order-1"))
    name = site.name_of(queue)
    with other_process(site.kind.id, site.url, name, "hold", lease=2 * LEASE) as other:
        assert other.line() == "order-1"
        other.kill()
        again = get(queue)
    assert again.id == "order-1"
    if site.has("delivery_count"):
        assert (again.attempt, again.retry_count) == (2, 1)
    assert queue.ack(again) is True
    assert is_empty(queue)


@rule("a closed consumer's message comes back")
def test_what_a_closed_queue_held_comes_back(site: Site) -> None:
    """`close` settles nothing: the message is delivered to another object of the queue."""
    if not site.kind.server:
        site.says_no()
        assert not hasattr(site.open(), "close")
        return
    queue = site.open(lease=2 * LEASE)
    twin = site.twin(queue, lease=2 * LEASE)
    queue.send(site.message("order-1"))
    held = get(queue)
    queue.close()
    again = get(twin)
    assert again.id == "order-1" and twin.ack(again) is True
    with pytest.raises(RuntimeError, match="is closed"):
        queue.ack(held)


@rule("a lease that ends and an ack at the same moment: one of the two")
def test_an_ack_at_the_end_of_the_lease(site: Site) -> None:
    """Whether it came in time or not is what it answers: True and never again, or False and once
    more.
    """
    lease = 3.0
    queue, clock = site.open(lease=lease, retries=9), ThreadRuntime()
    if site.lacks("lease"):
        return
    count = 20
    for number in range(count):
        queue.send(site.message(f"order-{number}"))
    first: list[tuple[float, Message]] = []
    start = clock.now
    while len(first) < count and clock.now < start + lease / 2:  # none of them again
        delivery = get(queue)
        first.append((clock.now, delivery))
    acked = set()
    for number, (received, delivery) in enumerate(first):
        ends = received + lease + (number - count / 2) * 0.004
        until(lambda ends=ends: clock.now >= ends, "the end of the lease")  # type: ignore[misc]
        if queue.ack(delivery):
            acked.add(delivery.id)
    again = set()
    while (delivery := queue.receive(timeout=2.0 * lease)) is not None:
        again.add(delivery.id)
        queue.ack(delivery)
    assert acked & again == set()
    assert acked | again == {f"order-{number}" for number in range(count)}
