"""The world that a refused call must leave as it was, and how to make each class in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mqlearn
from mqlearn import (
    Message,
    MessageProcessor,
    MessageQueue,
    RetryPolicy,
    Simulation,
    ThreadRuntime,
    Trace,
)
from mqlearn.study.card import EffectLedger, KeyedCard, PlainCard
from mqlearn.study.faults import Faults
from mqlearn.study.run import Run
from mqlearn.units import scenarios


class Plain(MessageQueue):
    """The least that is a queue; it has nothing and takes nothing."""

    def send(self, message: Message) -> bool:
        return False

    def receive(self, timeout: float | None = None) -> Message | None:
        return None

    def ack(self, message_id: str) -> bool:
        return False

    def nack(self, message_id: str, requeue: bool = True) -> bool:
        return False

    def size(self) -> int:
        return 0


class World:
    """A simulation with a message in every place of a queue, in which a refused call must change
    nothing.
    """

    def __init__(self) -> None:
        self.sim = Simulation()
        self.trace = Trace()
        self.queue = mqlearn.InMemoryMessageQueue(9, runtime=self.sim, trace=self.trace)
        for name in ("dead", "flying", "waiting"):
            self.queue.send(Message(id=name))
        self.queue.send(Message(id="delayed"), delay=50)
        self.queue.nack(self.queue.receive(0) or "", requeue=False)
        self.delivery = self.queue.receive(0)
        self.sim.run(until=1)
        self.broker = mqlearn.TopicBasedMessageBroker(runtime=self.sim)
        self.broker.create_topic("x")
        self.broker.subscribe("x", print)
        self.stream = mqlearn.EventStream("x", 2, retention_events=3, runtime=self.sim)
        for _ in range(5):
            self.stream.append(mqlearn.StreamEvent("x"))
        self.stream.commit_offset("x", 0, 1)
        self.store, self.table = (
            mqlearn.OrderEventStore(runtime=self.sim),
            mqlearn.OrderTable(runtime=self.sim),
        )
        self.table.save("x", {})
        self.table.enqueue(mqlearn.StreamEvent("x"))
        self.consumer = mqlearn.Consumer(self.stream, "y", name="x")
        self.sim.spawn(self.consumer.poll, 1, 0, name="x")
        self.sim.run(until=1)
        self.log = mqlearn.ReplicatedLog("copied", 2, runtime=self.sim)
        self.log.append("x", acks=1)
        self.processor = MessageProcessor(self.queue)
        self.processor.register_processor("default", print)
        self.threads = ThreadRuntime()
        self.message, self.policy = Message(), RetryPolicy()

    def seen(self) -> object:
        """All that can be seen of it."""
        dead = [vars(letter) for letter in self.queue.get_dead_letter_messages()]
        return (
            list(self.trace.records),
            self.queue.entries(),
            self.queue.census(),
            self.queue.size(),
            dead,
            self.sim.now,
            self.processor.running,
            dict(self.processor.processors),
            dict(self.processor.metrics),
            self.broker.get_topic_stats("x"),
            self.stream.get_stream_info(),
            self.store.stream.get_stream_info(),
            self.table.load("x"),
            len(self.table.pending()),
            self.consumer.position,
            list(self.consumer.group.members),
            self.consumer.group.assignment,
            self.consumer.group.generation,
            [(each.log, each.up, each.cut_off, each.fetch_every) for each in self.log.replicas],
            list(self.broker.topics),
            len(self.broker.subscribers),
            repr(self.delivery),
            repr(self.message),
            self.policy,
            self.queue.trace is self.trace,
        )


# How to get an object whose methods are to be called.
MAKE: dict[str, Callable[[World], Any]] = {
    "Autoscaler": lambda world: mqlearn.Autoscaler(world.processor, mqlearn.scale_by_depth()),
    "BatchMessageProcessor": lambda world: mqlearn.BatchMessageProcessor(world.queue),
    "CircuitBreaker": lambda world: mqlearn.CircuitBreaker(runtime=world.sim),
    "CircuitBreakerMessageProcessor": lambda world: mqlearn.CircuitBreakerMessageProcessor(
        world.queue
    ),
    "DeduplicatingQueue": lambda world: mqlearn.DeduplicatingQueue(runtime=world.sim),
    "InMemoryMessageQueue": lambda world: world.queue,
    "Message": lambda world: world.message,
    "MessageGroupQueue": lambda world: mqlearn.MessageGroupQueue(runtime=world.sim),
    "MessageProcessor": lambda world: world.processor,
    "MessageQueue": lambda world: Plain(),
    "BurnRateAlert": lambda world: mqlearn.BurnRateAlert(len, len),
    "QueueSampler": lambda world: mqlearn.QueueSampler(world.queue),
    "ServiceLevel": lambda world: mqlearn.ServiceLevel(world.queue),
    "ThresholdAlert": lambda world: mqlearn.ThresholdAlert(len, 1),
    "MessageQueueMetrics": lambda world: mqlearn.MessageQueueMetrics(world.queue),
    "MonitoredMessageProcessor": lambda world: mqlearn.MonitoredMessageProcessor(world.queue),
    "EventStream": lambda world: world.stream,
    "Consumer": lambda world: world.consumer,
    "ConsumerGroup": lambda world: world.consumer.group,
    "EventStreamProcessor": lambda world: mqlearn.EventStreamProcessor(world.stream, "z"),
    "FailureRate": lambda world: mqlearn.FailureRate(),
    "Permit": lambda world: mqlearn.CircuitBreaker(runtime=world.sim).acquire(),
    "Requester": lambda world: mqlearn.Requester(
        mqlearn.TopicBasedMessageBroker(runtime=world.sim), "answers"
    ),
    "DurableEventStream": lambda world: mqlearn.DurableEventStream(
        ":memory:", "x", 2, runtime=world.sim
    ),
    "NewestFirstQueue": lambda world: mqlearn.NewestFirstQueue(runtime=world.sim),
    "OrderEventStore": lambda world: world.store,
    "OrderTable": lambda world: world.table,
    "Projection": lambda world: mqlearn.Projection(world.stream, print),
    "Producer": lambda world: mqlearn.Producer(world.log, "till"),
    "ReplicatedLog": lambda world: world.log,
    "RateLimiter": lambda world: mqlearn.RateLimiter(1, 1, runtime=world.sim),
    "RetryPolicy": lambda world: world.policy,
    "ShardRouter": lambda world: mqlearn.ShardRouter([world.queue], lambda message: message.id),
    "Simulation": lambda world: world.sim,
    "StreamEvent": lambda world: mqlearn.StreamEvent("x"),
    "ThreadRuntime": lambda world: world.threads,
    "TokenBucket": lambda world: mqlearn.TokenBucket(1, 1),
    "TopicBasedMessageBroker": lambda world: world.broker,
    "Trace": lambda world: world.trace,
    "Faults": lambda world: Faults(),
    "EffectLedger": lambda world: EffectLedger(world.sim),
    "PlainCard": lambda world: PlainCard(EffectLedger(world.sim)),
    "KeyedCard": lambda world: KeyedCard(EffectLedger(world.sim)),
    "Run": lambda world: Run.of(Trace()),
}


def make(name: str, world: World) -> Any:
    """An object of the class of this name; a scenario has defaults for everything."""
    return MAKE[name](world) if name in MAKE else scenarios()[name]()
