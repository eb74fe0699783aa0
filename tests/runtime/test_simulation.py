"""What simulated time promises: order, an end, errors that surface, and nothing left behind."""

import gc
import inspect
import threading

import pytest

from mqlearn import InMemoryMessageQueue, Message, MessageProcessor, Simulation, SimulationError


def test_a_run_until_includes_what_is_due_at_that_instant() -> None:
    """After run(until=t) the clock says t and events at t have happened; a cancelled timer moves
    nothing.
    """
    with Simulation() as sim:
        seen: list[float] = []
        for time in (1, 2, 3):
            sim.call_at(time, lambda: seen.append(sim.now))
        sim.call_at(9, lambda: None).cancel()
        sim.run(until=2)
        assert (seen, sim.now) == ([1, 2], 2)
        sim.run()
        assert (seen, sim.now) == ([1, 2, 3], 3)
        with pytest.raises(ValueError, match="until must not be before now"):
            sim.run(until=1)


def test_an_idle_pool_ends_the_run() -> None:
    """Workers parked in receive have nothing scheduled; daemons do not keep a run alive."""
    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim)
        processor = MessageProcessor(queue)
        processor.register_processor("default", lambda message: sim.sleep(2))

        def beat() -> None:
            while True:
                sim.sleep(1)

        sim.spawn(beat, daemon=True)
        queue.send(Message())
        processor.start_workers(3)
        sim.run()
        assert sim.now == 2


def test_a_polling_loop_is_ended_and_named() -> None:
    """A hundred thousand wake-ups that achieve nothing are called what they are."""
    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim)

        def poll() -> None:
            while queue.receive(timeout=0) is None:
                pass

        sim.spawn(poll, name="poller")
        with pytest.raises(SimulationError, match="poller"):
            sim.run()


def test_a_wait_that_nothing_can_end_and_a_deadlock_raise() -> None:
    """The notebook's own wait, and a lock whose holder sleeps for ever."""
    with Simulation() as sim:
        with pytest.raises(SimulationError, match="nothing is left"):
            InMemoryMessageQueue(runtime=sim).receive()
        lock, never = sim.lock(), sim.condition()

        def hold() -> None:
            with lock, never:
                never.wait()

        def want() -> None:
            with lock:
                pass

        sim.spawn(hold, name="holder")
        sim.spawn(want, name="publisher")
        with pytest.raises(SimulationError, match="publisher waits for the lock that holder holds"):
            sim.run()


def test_a_bug_surfaces_with_its_own_frames_and_a_join_reraises() -> None:
    """The traceback names the function that failed."""
    with Simulation() as sim:

        def faulty() -> None:
            raise ZeroDivisionError("here")

        task = sim.spawn(faulty)
        with pytest.raises(ZeroDivisionError) as caught:
            sim.run()
        assert "faulty" in [entry.name for entry in caught.traceback]
        with pytest.raises(ZeroDivisionError):
            task.join()


def test_another_thread_is_refused() -> None:
    """A simulation belongs to the thread that made it."""
    with Simulation() as sim:
        errors: list[BaseException] = []

        def intrude() -> None:
            try:
                sim.run()
            except RuntimeError as error:
                errors.append(error)

        thread = threading.Thread(target=intrude)
        thread.start()
        thread.join()
        assert "belongs to the thread" in str(errors[0])


def test_closing_unwinds_every_task_even_one_that_will_not_end() -> None:
    """Finally blocks run; a task that swallows every interruption is left after ten."""
    ended: list[str] = []
    with Simulation() as sim:

        def polite() -> None:
            try:
                sim.sleep(100)
            finally:
                ended.append("polite")

        def stubborn() -> None:
            while True:
                try:
                    sim.sleep(100)
                except BaseException:
                    ended.append("stubborn")

        sim.spawn(polite)
        sim.spawn(stubborn)
        sim.run(until=1)
    assert ended.count("polite") == 1
    assert ended.count("stubborn") <= 11
    with pytest.raises(RuntimeError, match="closed"):
        sim.run()


def test_many_simulations_leave_nothing_behind() -> None:
    """The number of living objects is the same after a thousand runs as after a hundred."""

    def once() -> None:
        with Simulation() as sim:
            queue = InMemoryMessageQueue(runtime=sim)
            processor = MessageProcessor(queue)
            processor.register_processor("default", lambda message: None)
            processor.start_workers(3)
            queue.send(Message())
            sim.run()

    def living(runs: int) -> int:
        for _ in range(runs):
            once()
        gc.collect()
        return len(gc.get_objects())

    first = living(100)
    assert living(1000) - first < 500


def test_a_draw_depends_on_its_key_alone() -> None:
    """The same number in any process, whatever was drawn before."""
    with Simulation(7) as sim, Simulation(7) as other:
        other.draw("noise")
        assert sim.draw("fails", "order-1", 0) == other.draw("fails", "order-1", 0)
        assert sim.draw("fails", "order-1", 0) != sim.draw("fails", "order-1", 1)


def test_a_task_that_begins_a_task_five_thousand_times_needs_no_deeper_stack() -> None:
    """Each begins where the hub is, not below the one that started it, so recursion never comes
    near its limit.
    """
    depths = []

    def link(left: int) -> None:
        depths.append(len(inspect.stack(context=0)))
        if left:
            sim.spawn(link, left - 1).join()

    with Simulation() as sim:
        sim.spawn(link, 5_000)
        sim.run()
    assert len(depths) == 5_001 and max(depths) == min(depths)
