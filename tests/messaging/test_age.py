"""A message's time to live counts from when it is due, on the clock of its queue."""

from __future__ import annotations

import copy
import pickle
import time

import pytest

from mqlearn import (
    DeduplicatingQueue,
    InMemoryMessageQueue,
    Message,
    MessageGroupQueue,
    NewestFirstQueue,
    RetryPolicy,
    Simulation,
    ThreadRuntime,
    Trace,
)


@pytest.mark.parametrize(
    "queue_class", [InMemoryMessageQueue, DeduplicatingQueue, MessageGroupQueue, NewestFirstQueue]
)
@pytest.mark.parametrize(("after", "delivered"), [(0, True), (3600, True), (3600.5, False)])
def test_a_delay_longer_than_the_time_to_live_is_delivered(
    queue_class: type[InMemoryMessageQueue], after: float, delivered: bool
) -> None:
    """Sent for two hours from now with the default time to live of one: alive for an hour from
    then, sent at the time when it was sent.
    """
    with Simulation() as sim:
        trace = Trace()
        queue = queue_class(runtime=sim, trace=trace)
        assert queue.send(Message(id="reminder"), delay=7200) is True
        sim.run(until=7200 + after)
        delivery = queue.receive(0)
        assert (delivery is not None) is delivered
        if delivery is not None:
            assert delivery.timestamp == 0 and not delivery.is_expired()
        else:
            assert trace.records[-1][1:2] + trace.records[-1][-1:] == ("expired", 10_800)
        books = trace.balance()
        assert (books.in_flight, books.dead) == (delivered, not delivered)


def test_waits_after_that_count(sim: Simulation) -> None:
    """Neither a backoff nor a release gives a message more time."""
    policy = RetryPolicy(base=8, jitter="none")
    for give_back in (lambda q, m: q.nack(m), lambda q, m: q.release(m, delay=8)):
        queue = InMemoryMessageQueue(retry=policy, runtime=sim, trace=(trace := Trace()))
        queue.send(Message(ttl=5), delay=2)
        give_back(queue, queue.receive())
        assert queue.receive(timeout=20) is None
        assert trace.balance().dead == 1


def test_a_redrive_begins_the_time_anew(sim: Simulation) -> None:
    """From the redrive, whatever the delay was."""
    queue = InMemoryMessageQueue(runtime=sim)
    queue.send(Message(ttl=5), delay=100)
    sim.run(until=200)
    assert queue.receive(0) is None
    assert queue.redrive() == 1
    sim.run(until=205)
    again = queue.receive(0)
    assert again is not None and again.timestamp == 200 and not again.is_expired()
    assert again.is_expired(205.5)


def test_a_delivery_knows_the_clock_of_its_queue(sim: Simulation) -> None:
    """Its age is that of the simulation, and so is that of its copies and of dead letters."""
    queue = InMemoryMessageQueue(visibility_timeout=None, runtime=sim)
    queue.send(Message(id="a", ttl=10), delay=5)
    delivery = queue.receive()
    assert delivery is not None
    everything = [delivery, delivery.copy(), copy.copy(delivery), copy.deepcopy(delivery)]
    sim.run(until=15)
    assert [each.is_expired() for each in everything] == [False] * 4
    sim.run(until=15.5)
    assert [each.is_expired() for each in everything] == [True] * 4
    assert all(each == delivery and each.is_expired(15) is False for each in everything)
    queue.nack(delivery, requeue=False)
    (letter,) = queue.get_dead_letter_messages()
    assert letter.is_expired() and not letter.is_expired(15)


def test_the_clock_is_no_field_of_a_message(sim: Simulation) -> None:
    """It is neither shown nor compared nor pickled, and takes no simulation with it."""
    queue = InMemoryMessageQueue(runtime=sim)
    queue.send(Message(id="a", timestamp=3))
    delivery = queue.receive()
    assert delivery is not None
    twin = Message(id="a", timestamp=0.0, status=delivery.status)
    assert delivery == twin
    assert repr(delivery) == repr(twin).replace("receipt=0, attempt=0", "receipt=1, attempt=1")
    again = pickle.loads(pickle.dumps(delivery))
    assert again == delivery and again.is_expired()  # by the wall clock, far from 0 s
    assert "Simulation" not in str(pickle.dumps(delivery))


def test_without_a_queue_it_is_the_wall_clock() -> None:
    """A message that was made with a time, or delivered by a queue on threads."""
    assert Message(timestamp=time.time() - 20, ttl=10).is_expired()
    assert not Message(timestamp=time.time(), ttl=10).is_expired()
    assert not Message(ttl=1e-9).is_expired()
    queue = InMemoryMessageQueue(runtime=ThreadRuntime().fresh(0))
    queue.send(Message(ttl=1000))
    delivery = queue.receive(0)
    assert delivery is not None and not delivery.is_expired()


def test_without_leases_an_extension_is_no_event(sim: Simulation) -> None:
    """There is no end to record; the answer says whether the delivery is current."""
    queue = InMemoryMessageQueue(visibility_timeout=None, runtime=sim, trace=(trace := Trace()))
    queue.send(Message())
    delivery = queue.receive()
    assert delivery is not None
    assert queue.extend(delivery, 5) is True and queue.ack(delivery)
    assert queue.extend(delivery, 5) is False
    assert [record.event for record in trace.records] == ["sent", "received", "acked", "stale"]
