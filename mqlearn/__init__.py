"""Message queues you can read, run, break and measure.

- Messages: `Message`, `MessagePriority`, `MessageStatus`
- Queues: `MessageQueue`, `InMemoryMessageQueue`, `RetryPolicy`; under overload: `NewestFirstQueue`,
  and `RateLimiter` with a `TokenBucket` for each tenant
- Duplicates: `IdempotentHandler`, `retry_horizon`, `DeduplicatingQueue`; versions of a body:
  `by_schema_version`
- Metrics: `MessageQueueMetrics`, `MonitoredMessageProcessor`, `prometheus_text`, and a `Snapshot`;
  `merge_histograms`, `histogram_percentile`
- Alerts: `QueueSampler` and its `Sample`, `ThresholdAlert`, `BurnRateAlert`, `ServiceLevel`
- Workers: `MessageProcessor`, `BatchMessageProcessor`, `Reject`, `Release`, `Outcome`,
  `WorkerCrash`
- Workers that pause while a service fails: `CircuitBreaker`, its `FailureRate`, `Permit` and
  `CallNotPermitted`, `CircuitBreakerMessageProcessor`
- More workers when there is more to do: `Autoscaler`, what it has `Seen`, the `WorkerCounts` of a
  pool, and the rules `scale_by_step`, `scale_by_depth`, `scale_by_age`, `scale_by_flow`
- Several queues in the place of one: `ShardRouter`, `shards_of` a key
- A broker: `TopicBasedMessageBroker`; request and reply: `Requester`, `replying`; order by key:
  `MessageGroupQueue`
- Logs: `EventStream`, `StreamEvent`, `OffsetOutOfRange`, `partition_for` (Kafka's `murmur2`)
- Groups: `EventStreamProcessor`, `Consumer`, `ConsumerGroup`; `range_assignment`,
  `sticky_assignment`
- A log on several brokers: `ReplicatedLog`, `clean_election`, and its `Producer`; their errors
  `NotLeader`, `NotEnoughReplicas`, `OutOfSequence`, `Truncated`
- The runtimes: `Simulation` (virtual time, seeded), `ThreadRuntime` (real threads, real time)
- Event sourcing: `OrderEventStore`, its `WrongExpectedVersion` and `evolve_order`, `upcasting`,
  `Projection`
- On disk: `DurableEventStream`, `OrderTable` (the outbox)
- The trace: `Trace`, and its `Balance` or `UnbalancedBooks`
- Technologies, from the course text: `MessageQueueComparison`, `message_queue_technologies`,
  `compare_message_queues`
"""

from mqlearn.messaging.alerts import BurnRateAlert, ThresholdAlert
from mqlearn.messaging.autoscaler import Autoscaler, Seen
from mqlearn.messaging.batch import BatchMessageProcessor
from mqlearn.messaging.breaker import CircuitBreaker
from mqlearn.messaging.breaker_processor import CircuitBreakerMessageProcessor
from mqlearn.messaging.broker import TopicBasedMessageBroker
from mqlearn.messaging.deduplication import DeduplicatingQueue
from mqlearn.messaging.failure_rate import FailureRate
from mqlearn.messaging.groups import MessageGroupQueue
from mqlearn.messaging.histogram import histogram_percentile, merge_histograms
from mqlearn.messaging.idempotency import IdempotentHandler, retry_horizon
from mqlearn.messaging.memory import InMemoryMessageQueue
from mqlearn.messaging.message import (
    Message,
    MessagePriority,
    MessageStatus,
    Outcome,
    Reject,
    Release,
)
from mqlearn.messaging.metrics import MessageQueueMetrics, Snapshot
from mqlearn.messaging.monitored import MonitoredMessageProcessor
from mqlearn.messaging.newest_first import NewestFirstQueue
from mqlearn.messaging.permit import Permit
from mqlearn.messaging.processor import MessageProcessor
from mqlearn.messaging.prometheus import prometheus_text
from mqlearn.messaging.protected import CallNotPermitted
from mqlearn.messaging.queue import MessageQueue
from mqlearn.messaging.rate_limit import RateLimiter, TokenBucket
from mqlearn.messaging.request import Requester, replying
from mqlearn.messaging.retry import RetryPolicy
from mqlearn.messaging.sample import Sample
from mqlearn.messaging.sampler import QueueSampler
from mqlearn.messaging.scaling_rules import (
    scale_by_age,
    scale_by_depth,
    scale_by_flow,
    scale_by_step,
)
from mqlearn.messaging.schema import by_schema_version
from mqlearn.messaging.service_level import ServiceLevel
from mqlearn.messaging.shards import ShardRouter, shards_of
from mqlearn.runtime.base import WorkerCrash
from mqlearn.runtime.books import Balance, UnbalancedBooks
from mqlearn.runtime.pool import WorkerCounts
from mqlearn.runtime.scheduler import SimulationError
from mqlearn.runtime.simulation import Simulation
from mqlearn.runtime.threads import ThreadRuntime
from mqlearn.runtime.trace import Trace
from mqlearn.streaming.assignment import range_assignment, sticky_assignment
from mqlearn.streaming.consumer import Consumer
from mqlearn.streaming.controller import clean_election
from mqlearn.streaming.durable import DurableEventStream
from mqlearn.streaming.event import StreamEvent
from mqlearn.streaming.event_store import OrderEventStore, WrongExpectedVersion, evolve_order
from mqlearn.streaming.group import ConsumerGroup
from mqlearn.streaming.outbox import OrderTable
from mqlearn.streaming.partition_log import OffsetOutOfRange
from mqlearn.streaming.partitioner import murmur2, partition_for
from mqlearn.streaming.processor import EventStreamProcessor
from mqlearn.streaming.producer import Producer
from mqlearn.streaming.projection import Projection
from mqlearn.streaming.replica import (
    NotEnoughReplicas,
    NotLeader,
    OutOfSequence,
    Truncated,
)
from mqlearn.streaming.replicated import ReplicatedLog
from mqlearn.streaming.stream import EventStream
from mqlearn.streaming.upcast import upcasting
from mqlearn.technologies import (
    MessageQueueComparison,
    compare_message_queues,
    message_queue_technologies,
)

__all__ = [
    "Autoscaler",
    "Balance",
    "BatchMessageProcessor",
    "BurnRateAlert",
    "CallNotPermitted",
    "CircuitBreaker",
    "CircuitBreakerMessageProcessor",
    "Consumer",
    "ConsumerGroup",
    "DeduplicatingQueue",
    "DurableEventStream",
    "EventStream",
    "EventStreamProcessor",
    "FailureRate",
    "IdempotentHandler",
    "InMemoryMessageQueue",
    "Message",
    "MessageGroupQueue",
    "MessagePriority",
    "MessageProcessor",
    "MessageQueue",
    "MessageQueueComparison",
    "MessageQueueMetrics",
    "MessageStatus",
    "MonitoredMessageProcessor",
    "NotEnoughReplicas",
    "NotLeader",
    "NewestFirstQueue",
    "OrderEventStore",
    "OrderTable",
    "OffsetOutOfRange",
    "OutOfSequence",
    "Outcome",
    "Permit",
    "Producer",
    "QueueSampler",
    "Projection",
    "RateLimiter",
    "Reject",
    "Release",
    "ReplicatedLog",
    "Requester",
    "RetryPolicy",
    "Sample",
    "ServiceLevel",
    "Seen",
    "ShardRouter",
    "Simulation",
    "SimulationError",
    "Snapshot",
    "StreamEvent",
    "ThreadRuntime",
    "ThresholdAlert",
    "TokenBucket",
    "TopicBasedMessageBroker",
    "Trace",
    "Truncated",
    "UnbalancedBooks",
    "WorkerCounts",
    "WorkerCrash",
    "WrongExpectedVersion",
    "by_schema_version",
    "clean_election",
    "compare_message_queues",
    "evolve_order",
    "histogram_percentile",
    "merge_histograms",
    "message_queue_technologies",
    "murmur2",
    "partition_for",
    "prometheus_text",
    "range_assignment",
    "replying",
    "retry_horizon",
    "scale_by_age",
    "scale_by_depth",
    "scale_by_flow",
    "scale_by_step",
    "shards_of",
    "sticky_assignment",
    "upcasting",
]
