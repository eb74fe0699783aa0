"""What the walk over public parameters knows: what is wrong for each kind of parameter.

A new public class, parameter or kind of annotation fails the walk until it is told of here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from typing import Any

import mqlearn
from mqlearn import MessageQueue, Outcome, RetryPolicy, Sample, Simulation, Trace
from mqlearn.study.arrivals import Arrival
from mqlearn.study.card import EffectLedger
from tests.house.world import World

BEYOND = 10**400  # a whole number that no float can hold


async def coroutine_function(*_: Any) -> None:
    """Does nothing when it is called: that only makes a coroutine."""


def generator_function(*_: Any) -> Iterator[None]:
    """Does nothing when it is called: that only makes a generator."""
    yield


# Per kind of annotation: a right value, and wrong ones.
Kind = tuple[Callable[[World], Any], list[Any]]
KINDS: dict[str, Kind] = {
    r"float": (lambda world: 1.0, ["ten", True, [1.0], math.nan, math.inf, BEYOND, -1]),
    r"int": (lambda world: 1, ["ten", True, 1.5, [1], -1]),
    r"str": (lambda world: "x", [5, b"x", ["x"]]),
    r"bool": (lambda world: True, ["yes", 0, []]),
    r"Callable\[.*|Handler|BatchHandler|Listener|Evolve|EventHandler|Hook|ScalingRule": (
        lambda world: print,
        [5, "x", coroutine_function, generator_function, mqlearn.Reject, mqlearn.IdempotentHandler],
    ),
    r"BaseException": (lambda world: ValueError("x"), [5, "x", ValueError]),
    r"Message": (lambda world: world.delivery, [5, "x", {}]),
    r"Message \| str": (lambda world: world.delivery, [5, b"x", {}]),
    r"Delivery": (lambda world: world.delivery, [5, "x", {}]),
    r"Outcome": (lambda world: Outcome(), [5, "completed"]),
    r"RetryPolicy": (lambda world: RetryPolicy(), [5, "full", RetryPolicy]),
    r"FailureRate": (lambda world: mqlearn.FailureRate(), [5, 0.5, mqlearn.FailureRate]),
    r"CircuitBreaker": (
        lambda world: mqlearn.CircuitBreaker(runtime=world.sim),
        [5, "OPEN", mqlearn.CircuitBreaker],
    ),
    r"Runtime": (lambda world: world.sim, [5, "x", Simulation]),
    r"Trace": (lambda world: Trace(), [5, [], Trace]),
    r"TopicBasedMessageBroker": (
        lambda world: world.broker,
        [5, [], mqlearn.TopicBasedMessageBroker],
    ),
    r"ReplicatedLog|Controller": (lambda world: world.log, [5, "x", mqlearn.ReplicatedLog]),
    r"Election": (lambda world: mqlearn.clean_election, [5, "x", coroutine_function]),
    r"str \| int": (lambda world: "all", ["some", 2, True, 1.5, [1]]),
    r"list\[int\]": (lambda world: [0], [5, "x", (0,)]),
    r"Hashable": (lambda world: "y", [[1], {}]),
    r"EffectLedger": (lambda world: EffectLedger(world.sim), [5, [], EffectLedger]),
    r"EventStream": (lambda world: world.stream, [5, "x", mqlearn.EventStream]),
    r"StreamEvent": (lambda world: mqlearn.StreamEvent("x"), [5, "x", {}]),
    r"bytes": (lambda world: b"x", [5, "x", [1]]),
    r"MessageQueue": (lambda world: world.queue, [5, [], MessageQueue]),
    r"Lock": (lambda world: None, [5, "x"]),
    r"MessagePriority|MessageStatus": (lambda world: None, [5, "HIGH", "pending"]),
    r"dict\[str, (str|Any)\]|Order": (lambda world: {}, [5, "x", [], ("a", "b")]),
    r"float \| Callable\[.*": (lambda world: 1.0, ["ten", True, math.nan, -1]),
    r"str \| Callable\[.*": (lambda world: print, [5, "explode", ["x"]]),
    r"str \| float": (lambda world: 0.5, [True, [], math.nan, -1]),
    r"str \| Recording": (lambda world: "poisson", [5, b"x", [0.0], (0.0, 1.0), [Arrival(0.0)]]),
    r"str \| Path": (lambda world: ":memory:", [5, b"x", ["x"]]),
    r"list\[dict\[str, Any\]\]": (lambda world: [], [5, "x", {}]),
    r"Mapping\[tuple\[str, int\], Step\]": (
        lambda world: {("x", 1): dict},
        [5, "x", {"x": dict}, {("x", 1): 5}],
    ),
    r"Iterable\[str\]": (lambda world: ["x"], [5, "x", [5]]),
    r"Previous": (lambda world: {}, [5, "x", []]),
    r"Mapping\[int, int\]": (lambda world: {0: 1}, [5, "x", [], {"x": 1}, {0: -1}]),
    r"str \| Assignor": (lambda world: "range", [5, "explode"]),
    r"list\[str\]": (lambda world: ["x"], [5, "x", [5]]),
    r"Mapping\[str, Handler\]": (
        lambda world: {"1": print},
        [5, "x", [], {}, {"1": 5}, {5: print}],
    ),
    r"Signal": (lambda world: Sample.index, [5, "x", coroutine_function, generator_function]),
    r"Sample": (lambda world: Sample(1.0), [5, "x", (1.0,), Sample]),
    r"tuple\[float, \.\.\.\]": (lambda world: (1.0,), [5, "ab", (), [1.0], (0.0,), (1.0, "x")]),
    r"Mapping\[str, AlertRule\]": (lambda world: {}, [5, "x", [], {"x": 5}, {5: "x"}]),
    r"Histogram": (
        lambda world: {1.0: 1, math.inf: 2},
        [5, "x", [], {}, {1.0: 1}, {"x": 1, math.inf: 2}, {math.inf: -1}, {1.0: 2, math.inf: 1}],
    ),
    r"Iterable\[Histogram\]": (
        lambda world: [],
        [5, "x", [5], [{}], [{1.0: 1}], [{math.inf: 1}, {1.0: 0, math.inf: 1}]],
    ),
    r"Sequence\[InMemoryMessageQueue\]": (lambda world: [world.queue], [5, "x", [], [5]]),
    r"Workers": (lambda world: world.processor, [5, [], mqlearn.MessageProcessor]),
    r"tuple\[int, int\]": (lambda world: (1, 2), [5, "ab", (1,), (2, 1), (1, "x"), (-1, 1)]),
    r"tuple\[float, float\]": (lambda world: (1.0, 2.0), [5, "ab", (1.0,), (2.0, 1.0), (1.0, "x")]),
}


def kind_of(annotation: str) -> tuple[Kind, bool]:
    """The kind of an annotation as it is written, and whether None is right too."""
    optional = annotation.endswith(" | None")
    bare = annotation.removesuffix(" | None")
    for pattern, kind in KINDS.items():
        if re.fullmatch(pattern, bare):
            return kind, optional
    raise AssertionError(
        f"tests/house/inputs.py knows no wrong values for the annotation {annotation!r}"
    )


# Right values where the first of the kind is not.
FITTING: dict[str, Any] = {
    "Trace.note.event": "effect",
    "TopicBasedMessageBroker.create_topic.topic_name": "y",
    "FanOut.callback.name": "mail",
    "flight_day.day": "2013-12-02",
    "by_pattern.pattern": "poisson",
    "MessageQueueMetrics.percentile.what": "wait",
    "wait_exceeds.arrival_rate": 0.5,
    "mmc_wait.arrival_rate": 0.5,
    "priority_waits.arrival_rates": [0.1, 0.2],
    "ReplicatedLog.append.value": "x",
    "ReplicatedLog.note_retry.value": "x",
    "ReplicatedLog.note_retry.attempt": 2,
    "little.sojourns": [],
    "little.start": 0.0,
}


def right(path: str, annotation: str, world: World) -> Any:
    """A value that this parameter takes."""
    return FITTING[path] if path in FITTING else kind_of(annotation)[0][0](world)


# Wrong values beyond those of the kind.
ALSO_WRONG: dict[str, list[Any]] = {
    **{
        f"{queue}.{parameter}": wrong
        for queue in (
            "InMemoryMessageQueue",
            "DeduplicatingQueue",
            "MessageGroupQueue",
            "NewestFirstQueue",
        )
        for parameter, wrong in {
            "max_size": [0],
            "visibility_timeout": [0],
            "on_full": ["explode"],
            "extend.seconds": [0],
            "receive_many.n": [0],
        }.items()
    },
    "BatchMessageProcessor.batch_size": [0],
    "BatchMessageProcessor.on_stop": ["explode"],
    "BatchMessageProcessor.start_batch_processing.num_workers": [0],
    "CircuitBreaker.failure_threshold": [0],
    "CircuitBreaker.probes": [0],
    "CircuitBreaker.probe_timeout": [0],
    "CircuitBreakerMessageProcessor.failure_threshold": [0],
    "CircuitBreakerMessageProcessor.start_workers.num_workers": [0],
    "DeduplicatingQueue.dedup_window": [0],
    **{
        f"EventStream.{parameter}": wrong
        for parameter, wrong in {
            "partition_count": [0],
            "retention_seconds": [0],
            "retention_events": [0],
            "start": ["error"],
            "out_of_range": ["explode"],
            "fetch.n": [0],
        }.items()
    },
    **{
        f"EventStream.{method}.partition": [2]
        for method in (
            "read",
            "history",
            "fetch",
            "resolve",
            "log_start",
            "end",
            "commit_offset",
            "seek",
            "get_latest_offset",
        )
    },
    "partition_for.partitions": [0],
    "ReplicatedLog.replicas": [0],
    "ReplicatedLog.min_insync_replicas": [0, 4],
    "ReplicatedLog.fetch_every": [0],
    "ReplicatedLog.lag_limit": [0],
    "ReplicatedLog.session_timeout": [0],
    "ReplicatedLog.append.to": [2],
    "ReplicatedLog.append.sequence": [1],
    "ReplicatedLog.fetch.n": [0],
    "ReplicatedLog.fetch.to": [2],
    "ReplicatedLog.slow.fetch_every": [0],
    **{f"ReplicatedLog.{fault}.number": [2] for fault in ("kill", "restart", "partition", "slow")},
    "ReplicatedLog.note_retry.attempt": [1],
    "Producer.in_flight": [0],
    "Autoscaler.every": [0],
    "ShardRouter.per_key": [0, 2],
    "shards_of.shards": [0],
    "shards_of.per_key": [0, 2],
    "RateLimiter.rate": [0],
    "RateLimiter.burst": [0],
    "TokenBucket.rate": [0],
    "TokenBucket.burst": [0],
    "scale_by_age.limit": [0],
    "scale_by_depth.per_worker": [0],
    "scale_by_flow.utilisation": [0, 1.5],
    "scale_by_flow.catch_up": [0],
    "FailureRate.share": [0, 1.5],
    "FailureRate.calls": [0],
    "FailureRate.seconds": [0],
    "FailureRate.minimum": [0],
    "IdempotentHandler.window": [0],
    "IdempotentHandler.delay": [0],
    "KeyedCard.remember": [0],
    "BurnRateAlert.budget": [0, 1.5],
    "QueueSampler.every": [0],
    "QueueSampler.goal": [0],
    "ServiceLevel.goal": [0],
    "ThresholdAlert.window": [0],
    "histogram_percentile.share": [1.5],
    "MessageQueueMetrics.window": [0],
    "MessageQueueMetrics.percentile.what": ["explode"],
    "MessageQueueMetrics.percentile.share": [1.5],
    "MonitoredMessageProcessor.prefetch": [0],
    "MonitoredMessageProcessor.window": [0],
    "MonitoredMessageProcessor.start_workers.num_workers": [0],
    "MessageQueue.receive_many.n": [0],
    "MessageQueue.extend.seconds": [0],
    "Message.ttl": [0],
    "Message.headers": [{"type": 5}, {5: "x"}],
    "MessageProcessor.prefetch": [0],
    "MessageProcessor.start_workers.num_workers": [0],
    "OrderEventStore.snapshot_every": [0],
    **{
        f"OrderEventStore.{method}.order_id": [""]
        for method in (
            "create_order",
            "update_order_status",
            "add_payment",
            "record",
            "version",
            "get_order_history",
            "rebuild_order_state",
        )
    },
    "DurableEventStream.partition_count": [0],
    "Projection.saved": [{"state": 1}],
    "Outcome.kind": ["explode"],
    "Requester.reply_to": ["answers.*"],
    "RetryPolicy.factor": [0.5],
    "RetryPolicy.jitter": ["explode"],
    "RetryPolicy.delay.retry_count": [0],
    "RetryPolicy.delay.draw": [1.5],
    "Simulation.run.until": [0.5],
    "TopicBasedMessageBroker.create_topic.topic_name": ["y.*"],
    "TopicBasedMessageBroker.create_topic.max_size": [0],
    "TopicBasedMessageBroker.create_topic.visibility_timeout": [0],
    "TopicBasedMessageBroker.create_topic.on_full": ["explode"],
    "TopicBasedMessageBroker.delete_topic.topic_name": ["y.*"],
    "TopicBasedMessageBroker.publish.topic": ["x.*"],
    "TopicBasedMessageBroker.consume.topic": ["x.*"],
    "TopicBasedMessageBroker.subscribe.topic": ["x.#", "x.y*"],
    "TopicBasedMessageBroker.subscribe.max_size": [0],
    "TopicBasedMessageBroker.subscribe.on_full": ["explode"],
    "Trace.balance.source": ["nobody"],
    "Faults.slow_factor": [0.5],
    "erlang_b.servers": [0],
    "mmc_wait.servers": [0],
    "flight_day.day": ["2013-12-03"],
    "flight_day.which": ["explode"],
}

# Values that are right although they are wrong for others of the kind, and why.
RIGHT: dict[str, tuple[Any, str]] = {
    "Message.timestamp": (-1, "any time: a simulation may have begun before zero"),
    "Message.is_expired.now": (-1, "any time"),
    "StreamEvent.timestamp": (-1, "any time: it may have happened before the clock began"),
    "StreamEvent.appended_at": (-1, "any time: a simulation may have begun before zero"),
    "Message.ttl": (math.inf, "a message that never expires"),
    "Simulation.seed": (-1, "any whole number"),
    "Producer.send.value": (None, "whatever a log is to keep, if it can be a key"),
    "ThreadRuntime.seed": (-1, "any whole number"),
    "ThreadRuntime.fresh.seed": (-1, "any whole number"),
    "ThreadRuntime.sleep_until.time": (-1, "any time; one that has passed is waited for no more"),
    "Simulation.sleep_until.time": (-1, "any time; one that has passed is waited for no more"),
    "ThreadRuntime.call_at.time": (-1, "any time; one that has passed is due at once"),
    "Simulation.call_at.time": (-1, "any time; one that has passed is due at once"),
    "*.run.seed": (-1, "any whole number, in every scenario"),
    "OrderEventStore.add_payment.amount": (-1, "any number: money may come back"),
    "OrderEventStore.record.timestamp": (
        -1,
        "any time: it may have happened before the clock began",
    ),
    "OrderEventStore.get_order_history.until": (-1, "any time"),
    "OrderEventStore.rebuild_order_state.until": (-1, "any time"),
    "Projection.catch_up.until": (-1, "any time"),
    "EffectLedger.record.amount": (-1, "any number: money may come back"),
    "little.start": (-1, "any time"),
    "TokenBucket.allow.now": (-1, "any time: a simulation may have begun before zero"),
    "Trace.note.time": (-1, "any time: a simulation may have begun before zero"),
    "ThresholdAlert.above": (-1, "any number: a signal may be negative"),
    "Run.at.time": (-1, "any time; before the first record nothing is anywhere"),
    "Run.of.until": (-1, "any time"),
}
