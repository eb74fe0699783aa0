"""Dead letters that are thrown away, and what a queue keeps of messages that are gone."""

from __future__ import annotations

import gc
import weakref

import pytest

from mqlearn import (
    DeduplicatingQueue,
    InMemoryMessageQueue,
    Message,
    MessageGroupQueue,
    MessageQueueMetrics,
    NewestFirstQueue,
    Simulation,
    ThreadRuntime,
    Trace,
)
from mqlearn.messaging.prometheus import prometheus_text
from mqlearn.runtime.base import Runtime


def buried(queue: InMemoryMessageQueue, count: int) -> None:
    """Let so many messages die."""
    for number in range(count):
        queue.send(Message(id=f"{number}"))
        queue.nack(queue.receive(0) or "", requeue=False)


@pytest.mark.parametrize("runtime_class", [Simulation, ThreadRuntime])
def test_dead_letters_can_be_discarded(runtime_class: type[Simulation | ThreadRuntime]) -> None:
    """All, those that are chosen, at most so many, the oldest first; the books balance, the metrics
    follow.
    """
    runtime: Runtime = runtime_class()
    trace = Trace()
    queue = InMemoryMessageQueue(runtime=runtime, trace=trace)
    metrics = MessageQueueMetrics(queue)
    buried(queue, 6)
    assert queue.discard_dead_letters(limit=0) == 0
    assert queue.discard_dead_letters(lambda letter: letter.id in "135", limit=2) == 2
    assert [letter.id for letter in queue.get_dead_letter_messages()] == ["0", "2", "4", "5"]
    assert queue.discard_dead_letters(limit=1) == 1
    assert queue.discard_dead_letters() == 3
    assert queue.discard_dead_letters() == queue.redrive() == 0
    books = trace.balance()
    assert (books.accepted, books.discarded, books.dead) == (6, 6, 0)
    assert metrics.snapshot().events["discarded"] == 6
    assert metrics.snapshot().places["dead"] == 0
    assert metrics.get_summary()["dead_letter_count"] == 6
    text = prometheus_text(metrics)
    assert 'mqlearn_messages{messaging_destination_name="queue",place="dead"} 0.0' in text


def test_a_discarded_message_leaves_its_group_and_its_key_alone(sim: Simulation) -> None:
    """The group went on when it died; the key still says that it was accepted."""
    groups = MessageGroupQueue(runtime=sim)
    for name in "ab":
        groups.send(Message(id=name, headers={"group": "g"}))
    groups.nack(groups.receive(0) or "", requeue=False)
    assert groups.discard_dead_letters() == 1
    following = groups.receive(0)
    assert following is not None and following.id == "b"
    once = DeduplicatingQueue(runtime=sim)
    buried(once, 1)
    assert once.discard_dead_letters() == 1
    assert once.send(Message(id="0")) is True and once.size() == 0


class Body(dict[str, int]):
    """A body that can be watched."""


@pytest.mark.parametrize("lease", [None, 3600.0])
@pytest.mark.parametrize("runtime_class", [Simulation, ThreadRuntime])
@pytest.mark.parametrize(
    "queue_class", [InMemoryMessageQueue, DeduplicatingQueue, MessageGroupQueue, NewestFirstQueue]
)
def test_nothing_is_kept_of_a_message_that_is_gone(
    queue_class: type[InMemoryMessageQueue],
    runtime_class: type[Simulation | ThreadRuntime],
    lease: float | None,
) -> None:
    """Of 3,000 that were acked, discarded, purged and dropped, while one is held all the time."""
    runtime: Runtime = runtime_class()
    queue = queue_class(50, visibility_timeout=lease, on_full="drop_oldest", runtime=runtime)
    metrics = MessageQueueMetrics(queue, window=1e-9)
    queue.send(Message(id="held"))
    held = queue.receive(0)
    bodies: list[weakref.ref[Body]] = []
    for number in range(3000):
        body = Body(number=number)
        bodies.append(weakref.ref(body))
        queue.send(Message(id=f"{number}", body=body, headers={"group": f"{number % 7}"}))
        if number % 3 == 0:
            delivery = queue.receive(0)
            assert delivery is not None and queue.extend(delivery, 100)
            assert queue.nack(delivery, requeue=False) if number % 2 else queue.ack(delivery)
        del body
    delivery = None
    queue.purge()
    queue.discard_dead_letters()
    gc.collect()
    assert [body for body in bodies if body() is not None] == []
    assert len(queue._entries) == 1
    assert len(queue._leases.heap) < 2000 and len(metrics._counters._since) == 1
    if isinstance(queue, MessageGroupQueue):
        assert len(queue._groups._behind) == len(queue._groups._first) == 1
    assert held is not None and queue.ack(held)
    assert not queue._leases.heap and not metrics._counters._in_flight
