"""Faults of the connection: acks that get lost, messages that are sent twice, and all else as on
the real queue.
"""

from __future__ import annotations

from collections import Counter

import pytest

from mqlearn import InMemoryMessageQueue, Message, MessageProcessor, MessageQueue, Simulation, Trace
from mqlearn.study.faults import Faults
from mqlearn.study.run import Run
from tests.study.faulty import ORDERS, events, near, outcomes, work


def test_no_faults_change_nothing() -> None:
    """Without faults, link and handler are the queue and the handler themselves, record for
    record.
    """
    run, effects = work(Faults())
    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim, trace=Trace())
        processor = MessageProcessor(queue)
        processor.register_processor("default", lambda _: sim.sleep(1.0))

        def shop() -> None:
            for number in range(1, ORDERS + 1):
                queue.send(Message(id=f"order-{number}"))
                sim.sleep(1.0)

        sim.spawn(shop, name="shop")
        processor.start_workers(2)
        sim.run()
        assert queue.trace is not None and run.trace.records == queue.trace.records
    assert run.totals["done"] == ORDERS == effects.total()


def test_a_lost_ack_is_traced_and_the_work_is_done_again() -> None:
    """The ack returns False without the queue hearing of it; the effect happens again after the
    lease.
    """
    run, effects = work(Faults(lost_ack=0.1), workers=4)
    lost = events(run, "lost_ack")
    assert near(len(lost), len(outcomes(run)), 0.1)
    assert {(r.message_id, r.attempt) for r in lost} == {
        (r.message_id, r.attempt) for r in events(run, "lease_lost", "dead")
    }
    assert effects.total() == ORDERS + len(events(run, "lease_lost"))
    assert all(r.worker.startswith("worker-") for r in lost) and not events(run, "stale")


def test_duplicates_are_two_entries_of_one_id() -> None:
    """A share of the messages is accepted twice, right after itself, and each copy is worked
    off.
    """
    run, effects = work(Faults(duplicates=0.2))
    sent = [(r.time, r.message_id) for r in events(run, "sent")]
    twice = {
        message for message, times in Counter(message for _, message in sent).items() if times == 2
    }
    assert near(len(twice), ORDERS, 0.2) and len(sent) == ORDERS + len(twice)
    assert len(set(sent)) == ORDERS
    assert effects.total() == run.totals["done"] == len(sent)


def test_a_refused_message_is_not_sent_again() -> None:
    """The second copy follows an accepted first one only."""
    with Simulation() as sim:
        queue = InMemoryMessageQueue(1, runtime=sim, trace=Trace())
        link = Faults(duplicates=1.0).link(queue)
        assert link.send(Message()) and not link.send(Message())
        assert queue.trace is not None and queue.trace.balance().rejected == 2


def test_the_link_gives_what_the_queue_gives() -> None:
    """Receipts, name, trace, runtime, and every method of the real queue, with its own
    arguments.
    """
    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim, trace=Trace(), name="orders")
        link = Faults().link(queue)
        assert (link.name, link.trace, link.runtime) == ("orders", queue.trace, sim)
        link.send(Message(id="order-1"), delay=2.0)
        first = link.receive(timeout=5.0, cancelled=lambda: False)
        assert first is not None and (first.receipt, sim.now) == (1, 2.0)
        assert link.extend(first, 60.0) and link.release(first, delay=1.0) and not link.ack(first)
        (second,) = link.receive_many(5)
        assert link.nack(second, reason="no") and link.size() == 1
        third = link.take(lambda: False)
        assert third is not None and third.receipt == 3 and link.nack(third, False)
        assert [m.id for m in link.get_dead_letter_messages()] == [
            "order-1"
        ] and link.redrive() == 1
        assert link.purge() == 1 and link.census() == queue.census()
        link.wake()
        with pytest.raises(AttributeError):
            link.no_such_method()


def test_an_ack_by_id_is_lost_anew_each_time() -> None:
    """A bare id does not say which try it was, so its acks are counted; a lost one is no sentence
    for life.
    """
    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim, trace=Trace())
        link = Faults(lost_ack=0.5).link(queue)
        answers = []
        for number in range(100):
            link.send(Message(id=f"order-{number}"))
            link.receive(timeout=0)
            while not link.ack(f"order-{number}"):
                answers.append(False)
            answers.append(True)
        assert near(answers.count(False), len(answers), 0.5)
        assert len(events(Run.of(queue.trace), "lost_ack")) == answers.count(False)


class Five(MessageQueue):
    """A queue with five methods, without receipts, trace or retries."""

    def __init__(self, runtime: Simulation) -> None:
        self._runtime = runtime
        self.line: list[Message] = []
        self.flying: dict[str, Message] = {}

    def send(self, message: Message) -> bool:
        self.line.append(message)
        return True

    def receive(self, timeout: float | None = None) -> Message | None:
        if not self.line:
            self.runtime.sleep(timeout or 0)
            return None
        message = self.line.pop(0)
        self.flying[message.id] = message
        return message

    def ack(self, message_id: str) -> bool:
        return self.flying.pop(message_id, None) is not None

    def nack(self, message_id: str, requeue: bool = True) -> bool:
        message = self.flying.pop(message_id, None)
        if message is not None and requeue:
            message.retry_count += 1
            self.line.append(message)
        return message is not None

    def size(self) -> int:
        return len(self.line)


def test_a_queue_of_five_methods_is_linked_as_well() -> None:
    """Nothing beyond the five is asked of the real queue, and a lost ack is lost there too."""
    with Simulation() as sim:
        queue = Five(sim)
        link = Faults(lost_ack=0.2, failure_rate=0.2, duplicates=0.2).link(queue)
        processor = MessageProcessor(link)
        processor.register_processor(
            "default", Faults(failure_rate=0.2).handler(lambda _: None, sim)
        )
        for number in range(100):
            assert link.send(Message(id=f"order-{number}"))
        processor.start_workers(2)
        sim.run(until=60.0)
        processor.stop_workers()
        assert queue.size() == 0 and near(len(queue.flying), 100, 0.2)
        assert link.nack("order-999") is False
