"""A queue that a notebook builds is recorded as it is, its losses included."""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count
from typing import Any

import pytest

from mqlearn import Message, Outcome, Simulation, UnbalancedBooks, WorkerCrash
from mqlearn.study.queue_adapter import QueueAdapter, run_with_queue
from mqlearn.units.messages_and_queues import burst, run_workers
from mqlearn.units.messages_and_queues.scenario import PriorityMix


class Forgetful:
    """Most urgent first, as sent; what it hands out it forgets."""

    def __init__(self) -> None:
        self.heap: list[Any] = []
        self.sent = count()

    def send(self, message: Message) -> None:
        heappush(self.heap, (-message.priority.value, next(self.sent), message))

    def receive(self) -> Message | None:
        return heappop(self.heap)[2] if self.heap else None

    def __len__(self) -> int:
        return len(self.heap)


class Careful(Forgetful):
    """Remembers what it handed out until it is told how it ended."""

    def __init__(self) -> None:
        super().__init__()
        self.in_flight: dict[str, Any] = {}
        self.dead: list[Message] = []

    def receive(self) -> Message | None:
        if not self.heap:
            return None
        item = heappop(self.heap)
        self.in_flight[item[2].id] = item
        return item[2]  # type: ignore[no-any-return]

    def ack(self, message: Message) -> None:
        del self.in_flight[message.id]

    def nack(self, message: Message) -> None:
        item = self.in_flight.pop(message.id)
        message.retry_count += 1
        if message.retry_count > message.max_retries:
            self.dead.append(message)
        else:
            heappush(self.heap, item)


def crashes_once(message: Message) -> None:
    """The worker dies of order-4, the first time."""
    if message.id == "order-4" and message.attempt == 1:
        raise WorkerCrash


def fails(message: Message) -> bool:
    """order-2 can never succeed."""
    return message.id != "order-2"


def orders() -> list[Message]:
    """Six, with two retries each."""
    return [Message(id=f"order-{number}", max_retries=2) for number in range(1, 7)]


@pytest.mark.parametrize("built", [Forgetful, Careful])
def test_a_right_one_makes_the_very_records_of_the_packages_queue(built: type[Any]) -> None:
    """Same arrivals, same decisions: record for record the same trace."""
    mine = run_with_queue(PriorityMix(minutes=2), built())
    assert mine.trace.records == PriorityMix(minutes=2).run(0).trace.records


def test_what_it_forgets_is_missing_in_the_books() -> None:
    """A crash loses the message: the records say in flight, the queue holds nothing."""
    run = run_workers(crashes_once, orders(), Forgetful())
    with pytest.raises(UnbalancedBooks, match="holds 0 entries in flight, its records say 1"):
        run.trace.balance()
    assert run.until == 30.0
    assert run.totals == {"sent": 6, "done": 5, "lost": 1}
    assert (
        run.verdict
        == "The books do not balance: orders holds 0 entries in flight, its records say 1."
    )


def test_a_failure_without_nack_is_lost_too() -> None:
    """Nobody can tell such a queue that the work failed."""
    assert run_workers(fails, orders(), Forgetful()).totals["lost"] == 1


def test_what_it_remembers_stays_in_flight() -> None:
    """A crash leaves the message in flight, and the books balance."""
    books = run_workers(crashes_once, orders(), Careful()).trace.balance()
    assert (books.completed, books.in_flight, books.dead) == (5, 1, 0)


def test_failures_are_retried_and_buried() -> None:
    """max_retries=2 allows three tries; the nacks and the burial are in the trace."""
    run = run_workers(fails, orders(), Careful())
    events = [
        record.event
        for record in run.trace.records
        if record.message_id == "order-2" and record.event in ("nacked", "dead")
    ]
    assert events == ["nacked", "nacked", "dead"] and run.trace.balance().dead == 1
    assert [
        (t.attempt, t.outcome) for t in run.tries().itertuples() if t.message_id == "order-2"
    ] == [(n, "failed: the handler returned False") for n in (1, 2, 3)]


def test_on_the_packages_queue_a_crash_costs_a_lease() -> None:
    """The same desk without a handmade queue: the settings are the queue's, and order-4 is back
    when its lease ends.
    """
    run = run_workers(crashes_once, orders(), visibility_timeout=10)
    taken = [
        record.time
        for record in run.trace.records
        if record.event == "received" and record.message_id == "order-4"
    ]
    assert taken == [2.0, 12.0] and run.totals["done"] == 6


def test_a_burst_is_sent_before_any_is_taken() -> None:
    """All at one instant, each acked; FIFO here."""
    records = burst(Careful(), 5).trace.records
    assert [r.event for r in records] == ["sent"] * 5 + ["received", "acked"] * 5
    assert [r.message_id for r in records if r.event == "received"] == [
        f"order-{n}" for n in range(1, 6)
    ]


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
