"""Each message is judged at its deadline, done or not, and when it is done."""

from __future__ import annotations

import pytest

from mqlearn import InMemoryMessageQueue, Message, MessageQueue, ServiceLevel, Simulation
from tests.house.world import Plain


def read(level: ServiceLevel) -> tuple[int, int, int]:
    """Its three counts."""
    return level.due, level.missed, level.late


def test_an_order_is_judged_when_its_deadline_has_passed_done_or_not() -> None:
    """One done in time, one at the very last instant, one late, one dead, one that waits."""
    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim, visibility_timeout=None)
        level = ServiceLevel(queue, goal=60.0)
        for name in ("in time", "last instant", "late", "dead", "waits"):
            queue.send(Message(id=name))
        queue.ack(queue.receive(0) or "")
        second, third, fourth = (queue.receive(0) or "" for _ in range(3))
        queue.nack(fourth, requeue=False)
        sim.run(until=60.0)
        queue.ack(second)
        assert read(level) == (0, 0, 0)
        sim.run(until=61.0)
        assert read(level) == (5, 3, 0)
        queue.ack(third)
        assert read(level) == (5, 3, 1)


def test_where_nothing_is_done_only_the_deadline_sees_it() -> None:
    """No order is late as long as none is done."""
    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim)
        level = ServiceLevel(queue, goal=10.0)
        for second in range(100):
            sim.run(until=float(second))
            queue.send(Message())
        assert read(level) == (89, 89, 0)


def test_a_redriven_message_keeps_its_first_deadline() -> None:
    """Dead at once, redriven and done: in time before the 60 s are over, late after them."""
    for when, expected in ((50.0, (1, 0, 0)), (60.0, (1, 0, 0)), (70.0, (1, 1, 1))):
        with Simulation() as sim:
            queue = InMemoryMessageQueue(runtime=sim, visibility_timeout=None)
            level = ServiceLevel(queue, goal=60.0)
            queue.send(Message())
            queue.nack(queue.receive(0) or "", requeue=False)
            sim.run(until=when)
            queue.redrive()
            queue.ack(queue.receive(0) or "")
            sim.run(until=100.0)
            assert read(level) == expected


def test_messages_that_were_there_count_as_if_they_had_just_arrived() -> None:
    """The first look is at 5 s, so they are due after 15."""
    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim)
        queue.send(Message())
        sim.run(until=5.0)
        level = ServiceLevel(queue, goal=10.0)
        sim.run(until=15.0)
        assert level.due == 0
        sim.run(until=15.5)
        assert read(level) == (1, 1, 0)


def test_a_closed_simulation_counts_no_more() -> None:
    """What tasks do while they are ended is no part of the run."""
    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim)
        level = ServiceLevel(queue, goal=10.0)
        queue.send(Message())
        sim.run(until=11.0)
    queue.send(Message())
    assert read(level) == (1, 1, 0)


@pytest.mark.parametrize("queue", [Plain(), 5])
def test_a_queue_that_cannot_be_observed_is_refused(queue: MessageQueue) -> None:
    """By name."""
    with pytest.raises(TypeError, match="queue must be"):
        ServiceLevel(queue)
