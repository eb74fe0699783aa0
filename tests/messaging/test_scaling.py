"""A pool of workers that grows and shrinks: which ones go first, and what they cost."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from mqlearn import (
    BatchMessageProcessor,
    CircuitBreakerMessageProcessor,
    InMemoryMessageQueue,
    Message,
    MessageProcessor,
    Simulation,
    ThreadRuntime,
    Trace,
    WorkerCrash,
)
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.pool import WorkerCounts, WorkerPool

DEADLINE = 10.0  # seconds of real time, only reached by a test that fails


def shop(
    runtime: Runtime, workers: int, *, service: float = 10.0, lease: float | None = None
) -> tuple[MessageProcessor, Trace]:
    """Workers of `service` seconds on a queue with a trace."""
    queue = InMemoryMessageQueue(
        visibility_timeout=lease, runtime=runtime, trace=(trace := Trace())
    )
    processor = MessageProcessor(queue)
    processor.register_processor("default", lambda message: runtime.sleep(service))
    processor.start_workers(workers)
    return processor, trace


def scaled(trace: Trace) -> list[tuple[float, tuple[int, ...]]]:
    """When the number of workers changed: (starting, running, leaving, busy)."""
    return [(r.time, tuple(r.detail)) for r in trace.records if r.event == "scaled"]


def send(processor: MessageProcessor, *names: str) -> None:
    """Send these messages."""
    for name in names:
        processor.queue.send(Message(id=name))


def test_new_workers_start_up_and_are_counted_meanwhile(sim: Simulation) -> None:
    """Three are ordered at 5 s: they are starting for 60 s, then they work; all are counted."""
    processor, trace = shop(sim, 1)
    sim.call_at(5, lambda: processor.scale_to(4, start_up=60.0))
    sim.run(until=100)
    assert scaled(trace) == [
        (5, (3, 1, 0, 0)),
        (65, (2, 2, 0, 0)),
        (65, (1, 3, 0, 0)),
        (65, (0, 4, 0, 0)),
    ]
    assert processor.count_workers() == WorkerCounts(0, 4, 0, 0)
    assert [worker.name for worker in processor.workers] == [f"worker-{n}" for n in range(4)]


def test_a_worker_takes_its_first_message_after_its_start_up(sim: Simulation) -> None:
    """Two jobs, one worker: the second job is begun when the second worker is ready."""
    processor, trace = shop(sim, 1, service=100.0)
    send(processor, "a", "b")
    processor.scale_to(2, start_up=60.0)
    sim.run()
    begun = [(r.time, r.worker, r.message_id) for r in trace.records if r.event == "started"]
    assert begun == [(0, "worker-0", "a"), (60, "worker-1", "b")] and sim.now == 160


def test_without_a_start_up_it_works_at_once(sim: Simulation) -> None:
    """And a second call with the same number changes nothing, and says so."""
    processor, trace = shop(sim, 1)
    processor.scale_to(2)
    processor.scale_to(2, start_up=9.0)
    sim.run()
    assert scaled(trace) == [(0, (0, 2, 0, 0))] * 2 and sim.now == 0


def test_the_starting_go_first_then_the_idle_then_the_busy(sim: Simulation) -> None:
    """Two busy, one idle, two starting; one number less each time, and the last two finish their
    jobs first.
    """
    processor, trace = shop(sim, 3)
    send(processor, "a", "b")
    sim.call_at(1, lambda: processor.scale_to(5, start_up=60.0))
    for seconds, workers in enumerate((4, 3, 2, 1, 0), start=2):
        sim.call_at(seconds, lambda n=workers: processor.scale_to(n))
    sim.run()
    assert scaled(trace) == [
        (1, (2, 3, 0, 2)),
        (2, (1, 3, 0, 2)),
        (3, (0, 3, 0, 2)),
        (4, (0, 2, 1, 2)),
        (4, (0, 2, 0, 2)),
        (5, (0, 1, 1, 2)),
        (6, (0, 0, 2, 2)),
        (10, (0, 0, 1, 1)),
        (10, (0, 0, 0, 0)),
    ]
    assert [r.time for r in trace.records if r.event == "acked"] == [10, 10]
    assert sim.now == 10, "a start that was cancelled still moved the clock"


def test_the_newest_of_the_starting_are_cancelled_first(sim: Simulation) -> None:
    """One ordered at 0 and one at 30 s: the first remains, and works at 60 s."""
    processor, trace = shop(sim, 1)
    processor.scale_to(2, start_up=60.0)
    sim.call_at(30, lambda: processor.scale_to(3, start_up=60.0))
    sim.call_at(40, lambda: processor.scale_to(2))
    sim.run()
    assert [time for time, counts in scaled(trace) if counts[0] == 0] == [60] and sim.now == 60


def test_a_busy_worker_that_was_to_leave_stays_when_more_are_wanted_again(sim: Simulation) -> None:
    """Nothing is started for it."""
    processor, trace = shop(sim, 2)
    send(processor, "a", "b", "c", "d")
    sim.call_at(1, lambda: processor.scale_to(0))
    sim.call_at(2, lambda: processor.scale_to(2, start_up=60.0))
    sim.run()
    assert scaled(trace) == [(1, (0, 0, 2, 2)), (2, (0, 2, 0, 2))]
    assert [r.time for r in trace.records if r.event == "acked"] == [10, 10, 20, 20]


def test_the_cost_counts_from_the_order_to_the_end(sim: Simulation) -> None:
    """One for 100 s, one starting from 10 to 70 s and leaving at 80, one cancelled after 5 s."""
    processor, _ = shop(sim, 1)
    sim.call_at(10, lambda: processor.scale_to(3, start_up=60.0))
    sim.call_at(15, lambda: processor.scale_to(2))
    sim.call_at(80, lambda: processor.scale_to(1))
    sim.run(until=100)
    assert processor.worker_seconds() == 100 + 70 + 5
    processor.stop_workers()
    sim.run(until=200)
    assert processor.worker_seconds() == 175


def test_a_pool_that_stops_cancels_what_is_starting(sim: Simulation) -> None:
    """Workers that were stopped are not scaled; a new start begins with worker-0."""
    processor, trace = shop(sim, 1)
    sim.run()
    processor.scale_to(3, start_up=60.0)
    processor.stop_workers()
    assert scaled(trace) == [(0, (2, 1, 0, 0)), (0, (0, 0, 1, 0)), (0, (0, 0, 0, 0))]
    sim.run()
    assert sim.now == 0 and not processor.running
    with pytest.raises(RuntimeError, match="must be started before they can be scaled"):
        processor.scale_to(2)
    processor.start_workers(1)
    assert [worker.name for worker in processor.workers] == ["worker-0"]
    assert processor.count_workers().running == 1


def test_a_start_that_is_cancelled_while_it_ends_begins_nothing(sim: Simulation) -> None:
    """As on threads, where the timer may fire in this very moment."""
    processor, _ = shop(sim, 1)
    processor.scale_to(2, start_up=60.0)
    processor.scale_to(1)
    processor._pool._end_start("worker-1")
    assert processor.count_workers() == WorkerCounts(0, 1, 0, 0)


def test_a_pool_whose_workers_are_all_starting_is_running_already(sim: Simulation) -> None:
    """A second start would give it two sets of them."""
    processor, _ = shop(sim, 1)
    processor.scale_to(0)
    sim.run()
    processor.scale_to(2, start_up=60.0)
    with pytest.raises(RuntimeError, match="running already"):
        processor.start_workers(1)


def test_a_crashed_worker_may_leave_before_its_restart_and_others_wait_on(sim: Simulation) -> None:
    """Two crash at 10 s and would restart at 110: one leaves at 20, the other restarts at 110."""
    queue = InMemoryMessageQueue(visibility_timeout=500.0, runtime=sim, trace=(trace := Trace()))
    processor = MessageProcessor(queue, restart_after=100.0)

    def crash(message: Message) -> None:
        sim.sleep(10.0)
        if sim.now < 100:
            raise WorkerCrash

    processor.register_processor("default", crash)
    processor.start_workers(2)
    send(processor, "a", "b", "c")
    sim.call_at(20, lambda: processor.scale_to(1))
    sim.run(until=200)
    assert scaled(trace) == [(20, (0, 1, 1, 0)), (20, (0, 1, 0, 0))]
    begun = [(r.time, r.message_id) for r in trace.records if r.event == "started"]
    assert begun == [(0, "a"), (0, "b"), (110, "c")]


def test_one_that_dies_of_a_bug_leaves_in_the_place_of_another(sim: Simulation) -> None:
    """Of two busy ones one is to leave; one dies at 5 s, and the other stays."""

    def work() -> None:
        task = sim.current_task()
        sim.sleep(5.0 if task is pool.workers[0] else 10.0)
        if sim.now == 5:
            raise ZeroDivisionError

    pool = WorkerPool(sim, work)
    pool.start(2)
    sim.call_at(1, lambda: pool.scale_to(1, lambda: None))
    with pytest.raises(ZeroDivisionError):
        sim.run(until=30)
    sim.run(until=30)
    assert pool.counts() == WorkerCounts(0, 1, 0, 0)


def test_a_batch_that_was_begun_is_flushed_by_a_worker_that_leaves(sim: Simulation) -> None:
    """Two fill a batch each; the one that asks first has to leave, and handles what it has."""
    queue = InMemoryMessageQueue(runtime=sim, trace=(trace := Trace()))
    processor = BatchMessageProcessor(queue, 5, 100.0)
    processor.start_batch_processing(lambda batch: [True] * len(batch), num_workers=2)
    queue.send(Message(id="a"))
    sim.call_at(1, lambda: queue.send(Message(id="b")))
    sim.call_at(2, lambda: processor.scale_to(1))
    sim.run()
    acked = [(r.time, r.message_id) for r in trace.records if r.event == "acked"]
    assert len(acked) == 2 and acked[0][0] == 2 and acked[1][0] in (100, 101)
    assert processor.count_workers() == WorkerCounts(0, 1, 0, 0)


def test_a_worker_that_waits_for_an_open_breaker_leaves_at_once(sim: Simulation) -> None:
    """It waits for a permit and not in the queue."""
    queue = InMemoryMessageQueue(runtime=sim, trace=(trace := Trace()))
    processor = CircuitBreakerMessageProcessor(queue, 1, 1000.0)
    processor.register_processor("default", lambda message: False)
    processor.start_workers(2)
    queue.send(Message(id="a"))
    sim.run(until=1)
    assert processor.state == "OPEN"
    processor.scale_to(1)
    sim.run(until=2)
    assert scaled(trace) == [(1, (0, 1, 1, 0)), (1, (0, 1, 0, 0))]


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"num_workers": -1}, ValueError, "num_workers must be at least 0, got -1"),
        ({"num_workers": 1.5}, TypeError, "num_workers must be a whole number, got 1.5"),
        ({"num_workers": 2, "start_up": -1}, ValueError, "start_up must not be negative, got -1"),
    ],
)
def test_a_number_that_cannot_be_is_refused(
    sim: Simulation, given: dict[str, Any], error: type[Exception], said: str
) -> None:
    """Nothing has changed, and nothing is recorded."""
    processor, trace = shop(sim, 1)
    with pytest.raises(error, match=f"^{said}$"):
        processor.scale_to(**given)
    assert scaled(trace) == [] and processor.count_workers() == WorkerCounts(0, 1, 0, 0)


def test_the_tasks_of_those_that_left_are_forgotten(sim: Simulation) -> None:
    """A pool that is scaled up and down all day does not grow."""
    processor, _ = shop(sim, 1)
    for _ in range(50):
        processor.scale_to(10)
        sim.run()
        processor.scale_to(1)
        sim.run()
    assert len(processor.workers) <= 10 and processor.count_workers().paid == 1


def test_a_simulation_with_starting_and_leaving_workers_closes(sim: Simulation) -> None:
    """Whatever each of them waits for."""
    processor, _ = shop(sim, 3, lease=60.0)
    send(processor, "a", "b")
    sim.run(until=1)
    processor.scale_to(5, start_up=60.0)
    processor.scale_to(1)
    sim.run(until=2)
    sim.close()
    assert processor.count_workers().paid == 0


def test_on_threads_it_grows_and_shrinks_and_every_message_is_done() -> None:
    """Up and down while messages come; at the end each was done once, and two workers are left."""
    runtime = ThreadRuntime()
    queue = InMemoryMessageQueue(runtime=runtime, trace=(trace := Trace()))
    processor = MessageProcessor(queue)
    done, changed = [0], threading.Condition()

    def work(message: Message) -> None:
        with changed:
            done[0] += 1
            changed.notify_all()

    processor.register_processor("default", work)
    processor.start_workers(1)
    for round_ in range(20):
        for number in range(50):
            queue.send(Message(id=f"{round_}-{number}"))
        processor.scale_to(2 + round_ % 7, start_up=0.001 * (round_ % 3))
    processor.scale_to(2)
    with changed:
        assert changed.wait_for(lambda: done[0] == 1000, DEADLINE)
    while processor.count_workers() != WorkerCounts(0, 2, 0, 0):
        assert runtime.now < DEADLINE + trace.records[0].time
        with changed:
            changed.wait(0.001)
    processor.stop_workers(timeout=DEADLINE)
    assert trace.balance().completed == 1000 and processor.count_workers().paid == 0
