"""A queue that a notebook builds decides, and what it did is recorded."""

from __future__ import annotations

from typing import Any

import pytest

from mqlearn import Message, MessageProcessor, Outcome, Simulation, Trace
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


class Moody(Careful):
    """Fails or refuses once, at the call that is named."""

    mood = ""

    def send(self, message: Message) -> Any:
        if self.mood == "refuse":
            return False
        self.fail("send")
        return super().send(message)

    def ack(self, message: Message) -> None:
        self.fail("ack")
        super().ack(message)

    def nack(self, message: Message) -> None:
        self.fail("nack")
        super().nack(message)

    def fail(self, call: str) -> None:
        if self.mood == call:
            self.mood = ""
            raise OSError("disk full")


def test_what_the_built_queue_refuses_was_not_sent() -> None:
    """A send that returns False or raises leaves no trace of an entry: the same id may be sent
    again.
    """
    with Simulation() as sim:
        built = Moody()
        queue = QueueAdapter(built, sim)
        built.mood = "refuse"
        assert not queue.send(Message(id="a"))
        built.mood = "send"
        with pytest.raises(OSError, match="disk full"):
            queue.send(Message(id="a"))
        assert queue.send(Message(id="a"))
        assert [(r.event, r.entry) for r in queue.trace.records] == [("rejected", 0), ("sent", 1)]
        assert queue.trace.balance().waiting == 1


@pytest.mark.parametrize("call", ["ack", "nack"])
def test_a_settling_that_the_built_queue_fails_at_is_not_made(call: str) -> None:
    """The message stays in flight, the worker handles the next one, and `run()` raises the
    error.
    """
    with Simulation() as sim:
        built, trace = Moody(), Trace()
        queue = QueueAdapter(built, sim, trace=trace)
        processor = MessageProcessor(queue)
        processor.register_processor("default", lambda m: call == "ack" or m.id != "a")
        built.mood = call
        for name in "ab":
            queue.send(Message(id=name))
        processor.start_workers(1)
        with pytest.raises(OSError, match="disk full"):
            sim.run()
        books = trace.balance()
        assert (books.in_flight, books.completed) == (1, 1)
        assert queue.nack("a") and trace.balance().waiting + trace.balance().in_flight == 1


@pytest.mark.parametrize("given", [5, "order-1", Message(id="never sent"), [Message()]])
def test_only_messages_that_were_sent_are_handed_out(given: Any) -> None:
    """What else the built queue returns is an error that says so."""
    with Simulation() as sim:
        built = Careful()
        queue = QueueAdapter(built, sim)
        built.receive = lambda: given  # type: ignore[method-assign] # a student's mistake
        with pytest.raises(ValueError, match="must return a message that was sent, or None, got"):
            queue.receive(0)
