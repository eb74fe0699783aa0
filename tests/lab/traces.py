"""Traces of every kind, made with the package's own classes: what a person may hand to `show`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mqlearn.messaging.batch import BatchMessageProcessor
from mqlearn.messaging.breaker import CircuitBreaker
from mqlearn.messaging.broker import TopicBasedMessageBroker
from mqlearn.messaging.memory import InMemoryMessageQueue
from mqlearn.messaging.message import Message, MessagePriority
from mqlearn.messaging.processor import MessageProcessor
from mqlearn.messaging.retry import RetryPolicy
from mqlearn.runtime.base import WorkerCrash
from mqlearn.runtime.events import EVENTS
from mqlearn.runtime.simulation import Simulation
from mqlearn.runtime.threads import ThreadRuntime
from mqlearn.runtime.trace import Record, Trace
from mqlearn.streaming.consumer import Consumer
from mqlearn.streaming.event import StreamEvent
from mqlearn.streaming.event_store import OrderEventStore
from mqlearn.streaming.processor import EventStreamProcessor
from mqlearn.streaming.replicated import ReplicatedLog
from mqlearn.streaming.stream import EventStream

Name = Callable[[int], str]  # the id, or the name, with this number


def order(number: int) -> str:
    """An id as the course writes them."""
    return f"order-{number}"


def empty(name: Name) -> Trace:
    """Nothing happened."""
    return Trace()


def queue(name: Name) -> Trace:
    """A queue without handlers: acked, dead, delayed, expired, purged, rejected and open."""
    with Simulation() as sim:
        trace = Trace()
        line = InMemoryMessageQueue(
            6, visibility_timeout=2.0, retry=RetryPolicy(), runtime=sim, trace=trace, name=name(0)
        )
        for i, priority in enumerate([*MessagePriority] * 2):
            line.send(Message(id=name(i), priority=priority, ttl=50, max_retries=1))
        for _ in range(2):
            for delivery in line.receive_many(4, timeout=0):
                number = int(delivery.id == name(3)) + 2 * int(delivery.id == name(2))
                (line.ack if number == 1 else line.nack)(delivery)
            sim.sleep(9.0)
        line.receive(timeout=0)
        line.send(Message(id=name(9)), delay=30.0)
        sim.run(until=sim.now + 5)
        trace.freeze()
    return trace


def workers(name: Name) -> Trace:
    """A pool whose handler works, fails, and crashes; its reasons are names as well."""
    with Simulation() as sim:
        trace = Trace()
        line = InMemoryMessageQueue(visibility_timeout=3.0, runtime=sim, trace=trace, name=name(0))

        def handle(message: Message) -> None:
            sim.sleep(0.7)
            if message.id == name(2):
                raise ValueError(name(2))
            if message.id == name(3) and message.attempt == 1:
                raise WorkerCrash

        pool = MessageProcessor(line)
        pool.register_processor("default", handle)
        pool.start_workers(2)
        for i in range(6):
            line.send(Message(id=name(i), max_retries=1))
        sim.run(until=20)
        trace.freeze()
        pool.stop_workers()
    return trace


def batches(name: Name) -> Trace:
    """Batches of three, the second refused."""
    with Simulation() as sim:
        trace = Trace()
        line = InMemoryMessageQueue(runtime=sim, trace=trace, name=name(0))
        pool = BatchMessageProcessor(line, 3, 1.0)
        pool.start_batch_processing(
            lambda batch: [message.id != name(4) for message in batch], num_workers=1
        )
        for i in range(8):
            line.send(Message(id=name(i), max_retries=1))
        sim.run(until=20)
        trace.freeze()
        pool.stop()
    return trace


def breaker(name: Name) -> Trace:
    """A breaker alone: open, half-open, a failed probe and a good one."""
    with Simulation() as sim:
        trace = Trace()
        guard = CircuitBreaker(2, 3.0, runtime=sim, trace=trace, name=name(0))
        for good in (False, False, False, True):
            permit = guard.acquire()
            if permit is not None and good:
                permit.success()
            elif permit is not None:
                permit.failure(name(1))
            sim.sleep(1.0 if not permit else 4.0)
    return trace


def broker(name: Name) -> Trace:
    """Three subscribers, one of them always failing."""
    with Simulation() as sim:
        trace = Trace()
        exchange = TopicBasedMessageBroker(runtime=sim, trace=trace)

        def fail(message: Message) -> None:
            raise ValueError(message.id)

        for i, callback in enumerate((lambda message: None, fail, lambda message: sim.sleep(3))):
            exchange.subscribe("news", callback, name=name(i))
        for i in range(5):
            exchange.publish("news", Message(id=name(i), max_retries=1))
            sim.sleep(1.0)
        sim.run(until=20)
        trace.freeze()
    return trace


def stream(name: Name) -> Trace:
    """A log that nobody reads as a group: 12 events in three partitions, some dropped."""
    with Simulation() as sim:
        trace = Trace()
        log = EventStream(name(0), 3, retention_events=3, runtime=sim, trace=trace)
        for i in range(12):
            log.append(StreamEvent(name(i % 4), event_id=name(i), event_type=name(1)))
            sim.sleep(1.0)
    return trace


def group(name: Name) -> Trace:
    """Members that join, read, commit, stall and die; and a pool that works for another group."""
    with Simulation() as sim:
        trace = Trace()
        log = EventStream(name(0), 3, runtime=sim, trace=trace)
        for i in range(12):
            log.append(StreamEvent(name(i % 5), event_id=name(i)))
        members = [Consumer(log, name(1), name=name(i)) for i in range(2)]
        for _ in range(3):
            for member in members:
                member.poll(timeout=0)
                member.commit()
            sim.sleep(1.0)
        members[0].stall(2.0)
        members[1].die()
        pool = EventStreamProcessor(log, name(2))
        pool.add_processor(lambda event: sim.sleep(0.1))
        pool.start(2, name=name(3))
        sim.run(until=80)
        trace.freeze()
        pool.stop()
    return trace


def store(name: Name) -> Trace:
    """An event store of one's own: its events have uuids."""
    with Simulation() as sim:
        trace = Trace()
        orders = OrderEventStore(runtime=sim, trace=trace)
        for i in range(4):
            orders.create_order(name(i), name(9), [])
            sim.sleep(1.0)
            orders.update_order_status(name(i), "paid")
        orders.rebuild_order_state(name(1))
    return trace


def both(name: Name) -> Trace:
    """A queue and a log in one trace."""
    with Simulation() as sim:
        trace = Trace()
        line = InMemoryMessageQueue(runtime=sim, trace=trace, name=name(0))
        log = EventStream(name(1), 2, runtime=sim, trace=trace)
        for i in range(4):
            line.send(Message(id=name(i)))
            log.append(StreamEvent(name(i), event_id=name(i)))
            sim.sleep(1.0)
        line.ack(line.receive(timeout=0))
    return trace


def live(name: Name) -> Trace:
    """A queue and its workers on threads: the times are those of the clock on the wall."""
    trace = Trace()
    line = InMemoryMessageQueue(runtime=ThreadRuntime(), trace=trace, name=name(0))
    pool = MessageProcessor(line)
    pool.register_processor("default", lambda message: None)
    for i in range(4):
        line.send(Message(id=name(i)))
    pool.start_workers(2)
    while line.get_in_flight_count() or line.size():
        line.runtime.sleep(0.002)
    pool.stop_workers()
    trace.freeze()
    return trace


def by_hand(name: Name) -> Trace:
    """One record of each kind that moves nothing, written by hand without further detail."""
    trace = Trace()
    for i, (event, kind) in enumerate(EVENTS.items()):
        if not kind.sources and kind.to is None:
            trace.record(Record(float(i), event, name(0), i, name(i), worker=name(2)))
    return trace


def replicated(name: Name) -> Trace:
    """A log on three brokers: cut off, elected, refused, truncated, without power."""
    with Simulation() as sim:
        trace = Trace()
        log = ReplicatedLog(
            name(0),
            min_insync_replicas=2,
            session_timeout=1.0,
            flush_every=2.0,
            runtime=sim,
            trace=trace,
        )
        for i in range(4):
            log.append(name(i))
        log.partition(0)
        log.append(name(4), acks=1, to=0)
        sim.sleep(2.0)
        log.append(name(6), timeout=0.5)
        log.partition(0, cut=False)
        sim.sleep(1.0)
        log.power_cut(1, 2)
        sim.sleep(2.0)
        try:
            log.append(name(7))
        except RuntimeError:
            log.restart(2)
        sim.sleep(2.0)
        trace.freeze()
    return trace


TRACES: dict[str, Callable[[Name], Any]] = {
    made.__name__: made
    for made in (
        empty, queue, workers, batches, breaker, broker, stream, group, store, replicated, both,
        live, by_hand,
    )
}  # fmt: skip
