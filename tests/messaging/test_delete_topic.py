"""Deleting a topic: what is thrown away, what stays, and who is told."""

from __future__ import annotations

import threading

from mqlearn import (
    Message,
    MessageProcessor,
    RetryPolicy,
    Simulation,
    ThreadRuntime,
    TopicBasedMessageBroker,
    Trace,
)
from tests.messaging.ears import Ear, publish

DEADLINE = 30.0  # seconds after which a test on real threads has failed


def test_all_that_waits_is_delayed_or_in_flight_is_counted_as_purged(sim: Simulation) -> None:
    """The number returned is that of the books; the dead letter stays in its queue; late acks are
    refused.
    """
    trace = Trace()
    broker = TopicBasedMessageBroker(runtime=sim, trace=trace)
    broker.create_topic("orders", retry=RetryPolicy(base=50.0, jitter="none"))
    queue = broker.topics["orders"]
    publish(broker, "orders", "done", "dead", "delayed", "flying", "flying", "waiting")
    taken = [broker.consume("orders", 0) for _ in range(5)]
    assert all(taken)
    done, dead, delayed, *flying = [delivery for delivery in taken if delivery is not None]
    broker.ack("orders", done)
    broker.nack("orders", dead, requeue=False)
    broker.nack("orders", delayed)
    assert broker.delete_topic("orders") == 4
    assert [broker.ack("orders", delivery) for delivery in flying] == [False, False]
    assert [queue.ack(delivery) for delivery in flying] == [False, False]
    books = trace.balance("orders")
    assert (books.accepted, books.completed, books.dead, books.purged) == (6, 1, 1, 4)
    assert (books.waiting, books.delayed, books.in_flight) == (0, 0, 0)
    assert [letter.id for letter in queue.get_dead_letter_messages()] == ["dead"]
    assert (broker.topics, broker.get_topic_stats("orders")) == ({}, {})
    assert broker.delete_topic("orders") == broker.delete_topic("nowhere") == 0
    sim.run()
    assert sim.now == 0, "no timer of the deleted queue is left"


def test_a_late_ack_settles_nothing_of_the_next_queue_of_the_topic(sim: Simulation) -> None:
    """The same id, sent again to the topic made anew, is another delivery."""
    trace = Trace()
    broker = TopicBasedMessageBroker(runtime=sim, trace=trace)
    broker.create_topic("orders")
    publish(broker, "orders", "m")
    old = broker.consume("orders", 0)
    assert broker.delete_topic("orders") == 1
    assert broker.create_topic("orders") is True
    assert broker.topics["orders"].name == "orders-2"
    publish(broker, "orders", "m")
    new = broker.consume("orders", 0)
    assert old is not None and new is not None
    assert [broker.ack("orders", old), broker.ack("orders", new)] == [False, True]
    assert trace.balance("orders").purged == trace.balance("orders-2").completed == 1


def test_consumers_that_wait_are_told_and_subscribers_stay(sim: Simulation) -> None:
    """Three that wait for ever or for an hour get None at once; the subscriber hears what comes
    afterwards.
    """
    broker, ear = TopicBasedMessageBroker(runtime=sim), Ear(sim)
    broker.create_topic("orders")
    broker.subscribe("orders", ear)
    got: list[tuple[float, Message | None]] = []
    for timeout in (None, 3600.0, None):
        sim.spawn(lambda timeout=timeout: got.append((broker.consume("orders", timeout), sim.now)))
    sim.call_at(5, lambda: broker.delete_topic("orders"))
    sim.run(until=6)
    assert got == [(None, 5.0)] * 3
    publish(broker, "orders", "m")
    sim.run()
    assert ear.heard == [(6.0, "m")] and broker.topics == {}
    assert broker.get_topic_stats("orders")["subscriber_count"] == 1


def test_a_deleted_topic_begins_anew_with_the_rule_of_a_new_one(sim: Simulation) -> None:
    """Once consumed, deleted, and then with a subscriber: no work queue is made for it again."""
    broker, ear = TopicBasedMessageBroker(runtime=sim), Ear(sim)
    publish(broker, "orders", "m0")
    queue = broker.topics["orders"]
    assert broker.consume("orders", 0) is not None
    broker.delete_topic("orders")
    queue.send(Message(id="direct"))
    assert queue.receive(0) is not None, "the old queue is still a queue, but not the topic's"
    broker.subscribe("orders", ear)
    publish(broker, "orders", "m1")
    sim.run()
    assert (broker.topics, ear.ids) == ({}, ["m1"])


def test_a_worker_of_a_deleted_topic_finishes_and_counts_nothing(sim: Simulation) -> None:
    """Its message is purged while it works: it settles nothing, takes nothing more, and can be
    stopped.
    """
    trace = Trace()
    broker = TopicBasedMessageBroker(runtime=sim, trace=trace)
    broker.create_topic("orders")
    publish(broker, "orders", "m0", "m1")
    worker = MessageProcessor(broker.topics["orders"])
    worker.register_processor("default", lambda message: sim.sleep(10))
    worker.start_workers(1)
    sim.run(until=5)
    assert broker.delete_topic("orders") == 2
    sim.run(until=20)
    worker.stop_workers()
    assert worker.counts == {"processed": 0, "failed": 0, "retried": 0}
    assert trace.balance("orders").purged == 2


def test_a_publisher_that_waits_for_room_is_let_go_with_false(sim: Simulation) -> None:
    """Its message is in no queue that no consumer reads, and the books balance."""
    trace, answers = Trace(), []
    broker = TopicBasedMessageBroker(runtime=sim, trace=trace)
    broker.create_topic("orders", max_size=1, on_full="block")
    for name in ("m0", "m1", "m2"):
        sim.spawn(lambda name=name: answers.extend(publish(broker, "orders", name)))
    sim.call_at(5, lambda: broker.delete_topic("orders"))
    sim.run()
    assert answers == [True, False, False]
    books = trace.balance("orders")
    assert (books.accepted, books.purged, books.waiting) == (3, 3, 0)


def test_on_threads_a_consumer_that_waits_is_told() -> None:
    """A real thread in `consume` without a timeout ends, and one that publishes goes on."""
    runtime, trace, waits = ThreadRuntime(), Trace(), threading.Event()
    broker = TopicBasedMessageBroker(runtime=runtime, trace=trace)
    broker.create_topic("orders")
    got = []

    def consume() -> None:
        waits.set()
        got.append(broker.consume("orders"))

    task = runtime.spawn(consume)
    assert waits.wait(DEADLINE)
    assert broker.delete_topic("orders") == 0
    task.join(DEADLINE)
    assert not task.is_alive() and got == [None]
    assert publish(broker, "orders", "m") == [True]
    assert trace.balance("orders-2").waiting == 1
