"""Simulated time at its edges: who may run it, what ends it, and that one simulation is not
another.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from mqlearn import (
    InMemoryMessageQueue,
    Message,
    MessageProcessor,
    Simulation,
    SimulationError,
    ThreadRuntime,
    WorkerCrash,
)


def test_equal_times_come_in_the_order_of_scheduling() -> None:
    """Timers, starts and wake-ups that are due at one instant."""
    with Simulation() as sim:
        seen: list[str] = []
        sim.call_at(1, lambda: seen.append("first"))
        sim.spawn(lambda: (sim.sleep(1), seen.append("third")))  # sleeps from its start on
        sim.call_at(1, lambda: seen.append("second"))
        sim.run()
        assert (seen, sim.now) == (["first", "second", "third"], 1)


def test_a_cancelled_timer_does_not_move_the_clock() -> None:
    """Neither the lease of what was acked nor the timeout of what was answered lengthens a run."""
    with Simulation() as sim:
        queue = InMemoryMessageQueue(visibility_timeout=500, runtime=sim)

        def consume() -> None:
            delivery = queue.receive(timeout=900)
            assert delivery is not None
            sim.sleep(3)
            queue.ack(delivery)

        sim.spawn(consume)
        sim.call_at(2, lambda: queue.send(Message()))
        sim.run()
        assert sim.now == 5


def test_timers_always_count_and_daemons_never() -> None:
    """A run goes on for a lease and for a delayed retry, with nobody there; it does not for a
    heartbeat.
    """
    with Simulation() as sim:
        queue = InMemoryMessageQueue(visibility_timeout=30, runtime=sim)
        queue.send(Message())
        queue.send(Message(), delay=70)
        queue.receive(0)
        beats: list[float] = []

        def heart() -> None:
            while True:
                sim.sleep(20)
                beats.append(sim.now)

        sim.spawn(heart, daemon=True)
        sim.run()
        assert (sim.now, beats, queue.size()) == (70, [20, 40, 60], 2)


def test_a_run_inside_a_task_raises() -> None:
    """A task that would run its own simulation, or close it, is told so."""
    with Simulation() as sim:
        sim.spawn(sim.run)
        with pytest.raises(RuntimeError, match="inside the simulation"):
            sim.run()
        sim.spawn(sim.close)
        with pytest.raises(RuntimeError, match="inside the simulation"):
            sim.run()


def test_a_poll_lets_others_run_first() -> None:
    """A loop of zero-timeout polls sees what another task sends at the same instant, and time
    stands still.
    """
    with Simulation() as sim:
        queue = InMemoryMessageQueue(visibility_timeout=None, runtime=sim)
        polls: list[Message | None] = []

        def poll() -> None:
            while not polls or polls[-1] is None:
                polls.append(queue.receive(timeout=0))

        sim.spawn(poll)
        sim.spawn(lambda: (sim.sleep(0), sim.sleep(0), queue.send(Message(id="order-1"))))
        sim.run()
        assert polls[-1] is not None and polls[-1].id == "order-1"
        assert sim.now == 0


def test_a_call_from_the_cell_lets_time_pass_until_it_is_answered() -> None:
    """Receive, sleep, join and a wait for room, outside any task."""
    with Simulation() as sim:
        queue = InMemoryMessageQueue(1, on_full="block", runtime=sim)
        sim.call_at(2, lambda: queue.send(Message(id="order-1")))
        received = queue.receive()
        assert received is not None and (received.id, sim.now) == ("order-1", 2)
        sim.sleep(1.5)
        sim.spawn(sim.sleep, 4).join()
        assert sim.now == 7.5
        queue.send(Message())
        sim.spawn(lambda: (sim.sleep(2), queue.receive()))
        assert queue.send(Message()) and sim.now == 9.5


def test_endless_idling_is_ended_but_not_within_a_time_that_passes() -> None:
    """With `until`, a polling loop with a pause is work like any other; one without a pause never
    gets there.
    """
    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim)

        def poll(pause: float) -> None:
            for _ in range(500_000):  # not for ever, should nobody end it
                assert queue.receive(timeout=0) is None
                sim.sleep(pause)

        sim.spawn(poll, 0.001, name="patient")
        sim.run(until=120)
        assert sim.now == 120
        sim.call_at(120.5, lambda: sim.spawn(poll, 0.0, name="restless"))
        with pytest.raises(SimulationError, match="restless"):
            sim.run(until=121)


def test_a_keyboard_interrupt_reaches_the_cell() -> None:
    """Raised in a handler by whoever stops the kernel, it is nobody's failed message; the
    simulation can be closed.
    """
    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim)
        processor = MessageProcessor(queue)

        def stopped(message: Message) -> None:
            raise KeyboardInterrupt

        processor.register_processor("default", stopped)
        queue.send(Message())
        processor.start_workers(1)
        with pytest.raises(KeyboardInterrupt):
            sim.run()
        assert (queue.get_in_flight_count(), processor.metrics["failed"]) == (1, 0)


class Broken(InMemoryMessageQueue):
    """A queue with a bug in it."""

    def ack(self, delivery: Message | str) -> bool:
        raise ZeroDivisionError("in the queue")


def test_a_handlers_failure_is_a_nack_and_the_machinerys_comes_out() -> None:
    """An exception of the handler is charged to the message; one of the queue itself reaches run(),
    frames and all.
    """
    with Simulation() as sim:
        queue = Broken(runtime=sim)
        processor = MessageProcessor(queue)
        processor.register_processor("fails", lambda message: 1 / 0)
        queue.send(Message(headers={"type": "fails"}, max_retries=0))
        processor.start_workers(1)
        sim.run()
        assert (
            queue.get_dead_letter_messages()[0].headers["dead_letter_error"] == "division by zero"
        )
        processor.register_processor("default", lambda message: None)
        queue.send(Message())
        with pytest.raises(ZeroDivisionError, match="in the queue") as caught:
            sim.run()
        assert "ack" in [entry.name for entry in caught.traceback]


def test_a_crashed_worker_is_back_after_its_time() -> None:
    """The pool sits out `restart_after` seconds, or less if it is stopped meanwhile."""
    with Simulation() as sim:
        queue = InMemoryMessageQueue(visibility_timeout=10, runtime=sim)
        processor = MessageProcessor(queue, restart_after=2.5)
        starts: list[float] = []

        def crash(message: Message) -> None:
            starts.append(sim.now)
            raise WorkerCrash

        processor.register_processor("default", crash)
        for number in range(3):
            queue.send(Message(id=f"order-{number}"))
        processor.start_workers(1)
        with pytest.raises(RuntimeError, match="running already"):
            processor.start_workers(1)
        sim.run(until=6)
        processor.stop_workers()
        assert (starts, sim.now) == ([0, 2.5, 5], 6)


def test_two_workers_that_both_stop_their_pool_do_not_wait_for_each_other() -> None:
    """A handler may end the work; all workers finish what they are at, and can be started again."""
    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim)
        processor = MessageProcessor(queue)
        processor.register_processor(
            "default", lambda message: (sim.sleep(1), processor.stop_workers())
        )
        for _ in range(3):
            queue.send(Message())
        processor.start_workers(2)
        sim.run()
        assert (sim.now, processor.metrics["processed"], processor.running) == (1, 2, False)
        processor.start_workers(2)
        sim.run()
        assert (sim.now, processor.metrics["processed"]) == (2, 3)


def test_the_lock_excludes_among_simulated_tasks() -> None:
    """A task that sleeps while it holds the lock keeps all others out, in the order in which they
    came.
    """
    with Simulation() as sim:
        lock = sim.lock()
        inside: list[tuple[float, str, str]] = []

        def visit(name: str) -> None:
            with lock, lock:  # re-entrant
                inside.append((sim.now, name, "in"))
                sim.sleep(1)
                inside.append((sim.now, name, "out"))

        for name in "abc":
            sim.spawn(visit, name)
        sim.run()
        assert inside == [
            (0, "a", "in"),
            (1, "a", "out"),
            (1, "b", "in"),
            (2, "b", "out"),
            (2, "c", "in"),
            (3, "c", "out"),
        ]


Use = Callable[[Simulation, InMemoryMessageQueue], object]
USES: dict[str, Use] = {
    "lock": lambda other, queue: other.lock().acquire(),
    "sleep": lambda other, queue: other.sleep(1),
    "condition": lambda other, queue: other.condition().acquire(),
    "spawn": lambda other, queue: other.spawn(print),
    "timer": lambda other, queue: other.call_at(1, print),
    "run": lambda other, queue: other.run(),
    "queue": lambda other, queue: queue.send(Message()),
    "receive": lambda other, queue: queue.receive(timeout=1),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_a_task_may_not_use_another_simulation(use: Use) -> None:
    """Whatever it touches there raises, and nothing has happened in either."""
    with Simulation() as sim, Simulation() as other:
        queue = InMemoryMessageQueue(runtime=other)
        sim.spawn(use, other, queue)
        with pytest.raises(RuntimeError, match="another simulation"):
            sim.run()
        assert (other.now, queue.size()) == (0, 0)
        other.run()
        assert queue.send(Message())


def test_a_lock_of_one_is_no_lock_of_another() -> None:
    """A condition wants a lock of its own runtime, be it simulated or real."""
    with Simulation() as sim, Simulation() as other:
        for lock in (other.lock(), ThreadRuntime().lock(), threading.Lock()):
            with pytest.raises(ValueError, match="lock must be a lock of this simulation"):
                sim.condition(lock)
        with pytest.raises(TypeError, match="lock must be RLock"):
            ThreadRuntime().condition(other.lock())


def test_a_task_may_have_a_simulation_of_its_own() -> None:
    """One that was made inside a task is that task's, and runs there while the outer one stands
    still.
    """
    with Simulation() as sim:

        def nested() -> float:
            with Simulation() as inner:
                inner.spawn(inner.sleep, 50)
                inner.run()
                sim_time.append((inner.now, sim.now))
            sim.sleep(1)
            return 0

        sim_time: list[tuple[float, float]] = []
        sim.spawn(nested)
        sim.run()
        assert (sim_time, sim.now) == ([(50, 0)], 1)


@pytest.mark.parametrize(
    "use",
    [
        lambda sim, queue: queue.send(Message()),
        lambda sim, queue: queue.receive(0),
        lambda sim, queue: sim.sleep(1),
        lambda sim, queue: sim.spawn(print),
        lambda sim, queue: sim.call_at(1, print),
        lambda sim, queue: sim.close(),
    ],
    ids=["send", "receive", "sleep", "spawn", "call_at", "close"],
)
def test_another_thread_is_told_whose_simulation_it_is(use: Use) -> None:
    """Greenlets cannot switch across threads: every way in says so, and nothing has happened."""
    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim)
        errors: list[BaseException] = []

        def intrude() -> None:
            try:
                use(sim, queue)
            except RuntimeError as error:
                errors.append(error)

        thread = threading.Thread(target=intrude)
        thread.start()
        thread.join(20)
        assert "belongs to the thread that made it" in str(errors[0])
        assert (sim.now, queue.size(), sim.closed) == (0, 0, False)
