"""A queue that a notebook builds is recorded as it is, its losses included."""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count
from typing import Any

import pytest

from mqlearn import Message, MessageProcessor, Outcome, Simulation, Trace, UnbalancedBooks, WorkerCrash
from mqlearn.study.handmade import Handmade, seen
from mqlearn.study.run import Run
from mqlearn.study.scenarios import PriorityMix


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


def day(built: Any, handler: Any, until: float = 60.0) -> tuple[Handmade, Trace]:
    """Six orders, two workers; the trace of what `built` did until `until` seconds, frozen."""
    with Simulation(0) as sim:
        queue = Handmade(built, sim)
        for number in range(1, 7):
            queue.send(Message(id=f"order-{number}", max_retries=2))
        desk = MessageProcessor(queue)
        desk.register_processor("default", lambda message: handler(sim, message))
        desk.start_workers(2)
        sim.run(until=until)
        queue.trace.freeze()
        return queue, queue.trace


def crashes_once(sim: Simulation, message: Message) -> None:
    """The worker dies of order-4."""
    sim.sleep(2.0)
    if message.id == "order-4":
        raise WorkerCrash


def fails(sim: Simulation, message: Message) -> bool:
    """order-2 can never succeed."""
    sim.sleep(1.0)
    return message.id != "order-2"


@pytest.mark.parametrize("built", [Forgetful, Careful])
def test_a_right_one_makes_the_very_records_of_the_packages_queue(built: type[Any]) -> None:
    """Same arrivals, same decisions: record for record the same trace."""
    with Simulation(0) as sim:
        mine = PriorityMix(minutes=2).run(0, runtime=sim, queue=Handmade(built(), sim))
    assert mine.trace.records == PriorityMix(minutes=2).run(0).trace.records


def test_what_it_forgets_is_missing_in_the_books() -> None:
    """A crash loses the message: the records say in flight, the queue holds nothing."""
    _, trace = day(Forgetful(), crashes_once)
    with pytest.raises(UnbalancedBooks, match="holds 0 entries in flight, its records say 1"):
        trace.balance()
    run = seen(trace, 60.0)
    assert run.totals == {"sent": 6, "done": 5, "lost": 1}
    assert run.verdict == "The books do not balance: orders holds 0 entries in flight, its records say 1."


def test_a_failure_without_nack_is_lost_too() -> None:
    """Nobody can tell such a queue that the work failed."""
    assert seen(day(Forgetful(), fails)[1], 60.0).totals["lost"] == 1


def test_what_it_remembers_stays_in_flight() -> None:
    """A crash leaves the message in flight, and the books balance."""
    books = day(Careful(), crashes_once)[1].balance()
    assert (books.completed, books.in_flight, books.dead) == (5, 1, 0)


def test_failures_are_retried_and_buried() -> None:
    """max_retries=2 allows three tries; the nacks and the burial are in the trace."""
    _, trace = day(Careful(), fails)
    events = [record[1] for record in trace.records if record[4] == "order-2" and record[1] in ("nacked", "dead")]
    assert events == ["nacked", "nacked", "dead"] and trace.balance().dead == 1
    assert [(t.attempt, t.outcome) for t in Run.of(trace).tries().itertuples() if t.message_id == "order-2"] == [
        (n, "failed: the handler returned False") for n in (1, 2, 3)]


def test_only_the_current_delivery_settles() -> None:
    """A second ack, a former delivery and an unknown id are refused."""
    with Simulation() as sim:
        queue = Handmade(Careful(), sim)
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
        queue = Handmade(Forgetful(), sim)
        assert queue.receive(timeout=5.0) is None and sim.now == 5.0
        sim.call_at(7.0, lambda: queue.send(Message(id="order-1")))
        assert queue.receive(timeout=5.0) is not None and sim.now == 7.0


@pytest.mark.parametrize(("built", "says"), [
    (object(), "built must have send, got object without it"), ([], "built must have send, got list without it"),
])
def test_it_says_what_a_queue_must_have(built: Any, says: str) -> None:
    """The error names what is missing and in what."""
    with Simulation() as sim, pytest.raises(TypeError, match=says):
        Handmade(built, sim)


def test_an_id_is_sent_once() -> None:
    """Two entries with one id could not be told apart."""
    with Simulation() as sim:
        queue = Handmade(Forgetful(), sim)
        queue.send(Message(id="order-1"))
        with pytest.raises(ValueError, match="id must not have been sent before, got 'order-1'"):
            queue.send(Message(id="order-1"))
