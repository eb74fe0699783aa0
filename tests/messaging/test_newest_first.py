"""Newest first: the order of service, what comes back, what expires, and what it loses in overload
beside the other ways to shed.
"""

from __future__ import annotations

from typing import Any

import pytest

from mqlearn import (
    InMemoryMessageQueue,
    Message,
    MessagePriority,
    MessageProcessor,
    NewestFirstQueue,
    RetryPolicy,
    Simulation,
    ThreadRuntime,
    Trace,
)
from mqlearn.messaging.newest_first import NewestLines
from mqlearn.study.arrivals import poisson
from tests.messaging.model import Item, Model
from tests.messaging.walk import walk

PATIENCE = 30.0  # seconds


def served(queue: InMemoryMessageQueue) -> list[str]:
    """What is handed out now, in this order."""
    return [message.id for message in queue.receive_many(99, timeout=0)]


def send(queue: InMemoryMessageQueue, *names: str, **fields: Any) -> None:
    """Send messages of these names."""
    for name in names:
        assert queue.send(Message(id=name, **fields))


def test_the_newest_of_the_highest_priority_goes_first(sim: Simulation) -> None:
    """And the census counts the same messages."""
    queue = NewestFirstQueue(runtime=sim)
    send(queue, "a", "b")
    send(queue, "urgent 1", "urgent 2", priority=MessagePriority.CRITICAL)
    send(queue, "c")
    assert queue.census()["waiting"] == queue.size() == 5
    assert served(queue) == ["urgent 2", "urgent 1", "c", "b", "a"]


def test_what_comes_back_returns_to_its_old_place_and_a_delayed_retry_is_new(
    sim: Simulation,
) -> None:
    """`b` is given back while `c` has come; `d` fails, and is tried again after 5 s."""
    queue = NewestFirstQueue(retry=RetryPolicy(5.0, jitter="none"), runtime=sim)
    send(queue, "a", "b")
    taken = queue.receive(0)
    send(queue, "c")
    assert taken is not None and taken.id == "b" and queue.release(taken)
    assert [message_id for _, message_id, _, _ in queue.entries()] == ["c", "b", "a"]
    send(queue, "d")
    assert queue.nack(queue.receive(0) or "")
    sim.run()
    assert sim.now == 5 and served(queue) == ["d", "c", "b", "a"]


def test_a_full_queue_drops_the_oldest_and_an_expired_message_is_found_at_its_turn(
    sim: Simulation,
) -> None:
    """Four are sent to a queue of three; two of those left expire."""
    queue = NewestFirstQueue(3, on_full="drop_oldest", runtime=sim, trace=(trace := Trace()))
    send(queue, "a", "b", "c", ttl=10)
    send(queue, "d")
    sim.run(until=11)
    assert served(queue) == ["d"]
    what = [(r.event, r.message_id) for r in trace.records if r.event in ("dropped", "expired")]
    assert what == [("dropped", "a"), ("expired", "c"), ("expired", "b")]
    assert trace.balance().dead == 2


class NewestModel(Model):
    """The model of a queue that serves the newest first."""

    def at(self, place: str) -> list[Item]:
        found = super().at(place)
        if place == "waiting":
            found.sort(key=lambda item: (-item.message.priority.value, -item.rank))
        return found


def test_random_walks_agree_with_the_model() -> None:
    """Eighty calls each, on queues of every setting."""
    for seed in range(50):
        walk(seed, NewestFirstQueue, model=NewestModel)


class ForgetsItsPlace(NewestLines):
    """Puts what comes back on the top."""

    def requeue(self, entry: Any) -> None:
        self.length += 1
        self._lines[entry.lane][1].append(entry)


class DropsTheNewest(NewestLines):
    """Drops what it should serve."""

    def pop_oldest(self) -> Any:
        return self.pop(reversed(self._lines))


@pytest.mark.parametrize("fault", [ForgetsItsPlace, DropsTheNewest])
def test_a_faulty_order_is_caught(fault: type[NewestLines]) -> None:
    """By the same walks."""

    class Faulty(NewestFirstQueue):
        _order = fault

    def search() -> None:
        for seed in range(100):
            walk(seed, Faulty, model=NewestModel)

    with pytest.raises(AssertionError):
        search()


def test_on_threads_a_stack_loses_nothing() -> None:
    """Four workers, two hundred messages."""
    runtime = ThreadRuntime()
    queue = NewestFirstQueue(runtime=runtime, trace=(trace := Trace()), on_full="block", max_size=9)
    processor = MessageProcessor(queue)
    processor.register_processor("default", lambda message: None)
    processor.start_workers(4)
    send(queue, *(f"{number}" for number in range(200)))
    queue.send(Message(id="last", ttl=1e9), timeout=10)
    while queue.size() or queue.get_in_flight_count():
        runtime.sleep(0)
    processor.stop_workers(timeout=10)
    assert trace.balance().completed == 201


def lost(make: type[InMemoryMessageQueue], ttl: float = 3600.0, **options: Any) -> tuple[int, int]:
    """10 orders a second for 400 s, six workers of 0.5 s that stand still from 60 to 180 s: orders
    not done within `PATIENCE`, and those of them that were done in vain.
    """
    with Simulation() as sim:
        queue = make(visibility_timeout=None, runtime=sim, trace=(trace := Trace()), **options)
        processor = MessageProcessor(queue)

        def work(message: Message) -> None:
            sim.sleep_until(180.0 if 60 <= sim.now < 180 else sim.now)
            sim.sleep(0.5)

        processor.register_processor("default", work)
        processor.start_workers(6)
        times = poisson(10.0, 400.0, sim.draw)
        for number, time in enumerate(times):
            sim.call_at(time, lambda n=number: queue.send(Message(id=f"{n}", ttl=ttl)))
        sim.run(until=1000)
        sent = {r.entry: r.time for r in trace.records if r.event == "sent"}
        took = [r.time - sent[r.entry] for r in trace.records if r.event == "acked"]
        in_time = sum(seconds <= PATIENCE for seconds in took)
        return len(times) - in_time, len(took) - in_time


def test_in_an_outage_each_way_to_shed_loses_what_theory_says() -> None:
    """Outage D, patience P: the newest first λD − (μ−λ)λP/μ = 1,150; shed by age λ(D−P) = 900, and
    in vain only the six that were in hand. Oldest first, none is in time before the run ends.
    """
    oldest, newest = lost(InMemoryMessageQueue), lost(NewestFirstQueue)
    shed = lost(InMemoryMessageQueue, ttl=PATIENCE - 0.5)
    rejected = lost(InMemoryMessageQueue, max_size=300)
    dropped = lost(InMemoryMessageQueue, max_size=300, on_full="drop_oldest")
    assert oldest[0] > 3000 and oldest[1] == oldest[0]
    assert newest[0] == pytest.approx(1150, rel=0.1) and newest[1] == newest[0]
    assert shed[0] == pytest.approx(900, rel=0.1) and shed[1] == 6
    assert shed[0] < dropped[0] < newest[0] < rejected[0]
    assert dropped[1] < 100 and rejected[1] > 290
