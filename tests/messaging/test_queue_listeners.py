"""Listeners of a queue: whatever they do, messages are sent, delivered, settled and recorded."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from mqlearn import (
    InMemoryMessageQueue,
    Message,
    MessageQueueMetrics,
    Simulation,
    Trace,
)
from tests.messaging.test_queue_handed_in import QUEUES, raiser


@pytest.mark.parametrize("queue_class", QUEUES)
def test_a_listener_that_raises_stops_nothing(
    caplog: pytest.LogCaptureFixture, queue_class: type[InMemoryMessageQueue]
) -> None:
    """The send is answered, the idle worker wakes, the lost lease and the delay are noticed, the
    trace behind it hears everything; it is logged once.
    """
    with Simulation() as sim, caplog.at_level(logging.ERROR, logger="mqlearn"):
        trace = Trace()
        queue = queue_class(visibility_timeout=5, runtime=sim, name="queue")
        queue.listen(raiser(RuntimeError("chart")), existing=True)
        trace.watch(queue, sim.at_close)
        got: list[tuple[float, int]] = []

        def work() -> None:
            for _ in range(3):
                delivery = queue.receive()
                assert delivery is not None
                got.append((sim.now, delivery.attempt))

        sim.spawn(work)
        sim.run()
        assert queue.send(Message(id="order-1")) is True
        sim.run(until=7)
        assert queue.send(Message(id="order-2"), delay=1) is True
        sim.run(until=9)
        assert got == [(0, 1), (5, 2), (8, 1)]
        assert trace.balance().in_flight == 2
        events = [record.event for record in trace.records]
        assert events == [
            "sent", "received", "lease_lost", "received", "scheduled", "due", "received"
        ]  # fmt: skip
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_a_listener_that_raises_for_what_exists_hears_what_follows(
    sim: Simulation, caplog: pytest.LogCaptureFixture
) -> None:
    """`listen(existing=True)` neither raises nor forgets it."""
    queue = InMemoryMessageQueue(runtime=sim)
    queue.send(Message(id="old"))
    heard: list[str] = []

    def listener(record: Any) -> None:
        heard.append(record.event)
        raise ValueError("always")

    queue.listen(listener, existing=True)
    queue.send(Message(id="new"))
    assert heard == ["existing", "sent"]
    assert len(caplog.records) == 1


def test_a_listener_that_adds_a_listener_while_it_is_told(sim: Simulation) -> None:
    """Metrics that are made at the first message count it once."""
    queue = InMemoryMessageQueue(runtime=sim)
    made: list[MessageQueueMetrics] = []

    def start(record: Any) -> None:
        if not made:
            made.append(MessageQueueMetrics(queue))

    queue.listen(start)
    for _ in range(3):
        queue.send(Message())
    assert made[0].snapshot().places["waiting"] == 3


def test_listeners_that_move_dead_letters_themselves(sim: Simulation) -> None:
    """A redrive inside a redrive moves each letter once."""
    trace = Trace()
    queue = InMemoryMessageQueue(runtime=sim, trace=trace)
    for _ in range(4):
        queue.send(Message())
        queue.nack(queue.receive() or "", requeue=False)
    queue.listen(lambda record: queue.redrive() if record.event == "redriven" else None)
    assert queue.redrive() == 1
    assert queue.census() == {"waiting": 4, "delayed": 0, "in flight": 0, "dead": 0}
    assert trace.balance().redriven == 4
