"""A queue that a notebook builds decides, and what it did is recorded."""

from __future__ import annotations

from typing import Any

import pytest

from mqlearn import Message, Outcome, Simulation
from mqlearn.study.queue_adapter import QueueAdapter, run_with_queue
from mqlearn.units.messages_and_queues.scenario import PriorityMix
from tests.study.built_queues import Careful, Forgetful


@pytest.mark.parametrize("built", [Forgetful, Careful])
def test_a_right_one_makes_the_very_records_of_the_packages_queue(built: type[Any]) -> None:
    """Same arrivals, same decisions: record for record the same trace."""
    mine = run_with_queue(PriorityMix(minutes=2), built())
    assert mine.trace.records == PriorityMix(minutes=2).run(0).trace.records


def test_only_the_current_delivery_settles() -> None:
    """A second ack, a former delivery and an unknown id are refused."""
    with Simulation() as sim:
        queue = QueueAdapter(Careful(), sim)
        queue.send(Message(id="order-1"))
        first = queue.receive(timeout=0)
        assert first is not None and queue.nack(first.id)
        former = first.copy()
        second = queue.receive(timeout=0)
        assert second is not None and (second.attempt, former.attempt) == (2, 1)
        assert not queue.settle(former, Outcome())
        assert queue.ack(second) and not queue.ack(second) and not queue.nack("order-7")


def test_receive_waits_no_longer_than_it_is_told() -> None:
    """None after the timeout; a message that comes meanwhile is handed out at once."""
    with Simulation() as sim:
        queue = QueueAdapter(Forgetful(), sim)
        assert queue.receive(timeout=5.0) is None and sim.now == 5.0
        sim.call_at(7.0, lambda: queue.send(Message(id="order-1")))
        assert queue.receive(timeout=5.0) is not None and sim.now == 7.0


@pytest.mark.parametrize(
    ("built", "says"),
    [
        (object(), "built must have send, got object without it"),
        ([], "built must have send, got list without it"),
    ],
)
def test_it_says_what_a_queue_must_have(built: Any, says: str) -> None:
    """The error names what is missing and in what."""
    with Simulation() as sim, pytest.raises(TypeError, match=says):
        QueueAdapter(built, sim)


def test_an_id_is_sent_once() -> None:
    """Two entries with one id could not be told apart."""
    with Simulation() as sim:
        queue = QueueAdapter(Forgetful(), sim)
        queue.send(Message(id="order-1"))
        with pytest.raises(ValueError, match="id must not have been sent before, got 'order-1'"):
            queue.send(Message(id="order-1"))
