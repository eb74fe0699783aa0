"""A pool whose workers die of bugs, do not end, or call `sys.exit()`, on both clocks."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from mqlearn import InMemoryMessageQueue, Message, MessageProcessor, Simulation, ThreadRuntime
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.pool import WorkerPool

DEADLINE = 20.0  # seconds: nothing here takes a tenth of it


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """What threads die of is not printed."""
    monkeypatch.setattr(threading, "excepthook", lambda args: None)


@pytest.fixture(params=["virtual", "real"])
def runtime(request: pytest.FixtureRequest) -> Iterator[Runtime]:
    """A runtime of either kind."""
    if request.param == "real":
        yield ThreadRuntime()
    else:
        with Simulation() as sim:
            yield sim


def wait_until(runtime: Runtime, true: Callable[[], bool]) -> None:
    """Let time pass until something is true."""
    for _ in range(int(DEADLINE / 0.001)):
        if true():
            return
        runtime.sleep(0.001)
    raise AssertionError("it never is")


def test_stop_waits_for_all_and_raises_once_what_they_died_of(runtime: Runtime) -> None:
    """Two of three die while they stop; the third finishes its work; then all is said."""
    finished: list[str] = []
    numbers = iter(range(4))
    begun: list[int] = []

    def work() -> None:
        number = next(numbers)
        begun.append(number)
        while not pool.stopping:
            runtime.sleep(0.001)
        if number < 2:
            raise KeyError(number)
        runtime.sleep(0.05)
        finished.append("third")

    pool = WorkerPool(runtime, work)
    pool.start(3)
    wait_until(runtime, lambda: len(begun) == 3)
    with pytest.raises(KeyError) as raised:
        pool.stop(lambda: None)
    assert finished == ["third"] and raised.value.args[0] in (0, 1)
    assert raised.value.__notes__ == ["(1 more workers died)"]
    pool.stop(lambda: None)
    pool.start(1)
    wait_until(runtime, lambda: len(begun) == 4)
    pool.stop(lambda: None)  # or the worker's end would be reported in whichever test comes next


def test_stop_gives_up_after_its_time_and_names_those_that_work(runtime: Runtime) -> None:
    """They keep ending, and a later call finds them ended."""
    numbers = iter(range(3))
    begun: list[int] = []
    go: list[bool] = []

    def work() -> None:
        number = next(numbers)
        begun.append(number)
        while not pool.stopping or (number and not go):
            runtime.sleep(0.001)

    pool = WorkerPool(runtime, work)
    pool.start(3, "w")
    wait_until(runtime, lambda: len(begun) == 3)
    before = runtime.now
    with pytest.raises(TimeoutError, match=r"^still working after 0.2 s: w-1, w-2$"):
        pool.stop(lambda: None, timeout=0.2)
    assert runtime.now - before >= 0.2 - 1e-9
    with pytest.raises(RuntimeError, match="running already"):
        pool.start(1)
    go.append(True)
    pool.stop(lambda: None, timeout=DEADLINE)
    assert not any(worker.is_alive() for worker in pool.workers)


@pytest.mark.parametrize("timeout", [-1, float("nan"), "1", True])
def test_a_time_to_stop_within_is_checked_first(timeout: object) -> None:
    """Nothing is told to stop."""
    with Simulation() as sim:
        pool = WorkerPool(sim, lambda: None)
        with pytest.raises((TypeError, ValueError), match="timeout must"):
            pool.stop(lambda: None, timeout)  # type: ignore[arg-type]
        assert not pool.stopping


class Broken(InMemoryMessageQueue):
    """A queue with a bug."""

    def take(self, cancelled: Callable[[], bool]) -> Message | None:
        raise ZeroDivisionError("in take")


def test_a_pool_whose_workers_all_died_is_not_running(runtime: Runtime) -> None:
    """It says what they died of: from `run()` in a simulation, from `stop_workers()` on threads."""
    processor = MessageProcessor(Broken(runtime=runtime))
    processor.start_workers(2)
    if isinstance(runtime, Simulation):
        for _ in range(2):
            with pytest.raises(ZeroDivisionError, match="in take"):
                runtime.run(until=1)
        runtime.run(until=1)
    wait_until(runtime, lambda: not processor.running)
    if isinstance(runtime, Simulation):
        processor.stop_workers()  # `run()` has raised both
    else:
        with pytest.raises(ZeroDivisionError, match="in take"):
            processor.stop_workers()
    processor.stop_workers()
    processor.start_workers(1)


def test_a_task_that_calls_exit_ends_no_process(runtime: Runtime) -> None:
    """`join()` and `run()` raise an error that names the task and its code."""
    task = runtime.spawn(sys.exit, 3, name="leaver")
    with pytest.raises(RuntimeError, match=r"^leaver called sys.exit\(3\)$") as raised:
        task.join()
    assert isinstance(raised.value.__cause__, SystemExit)


def test_run_raises_that_a_task_called_exit() -> None:
    """And goes on with the others at the next call."""
    with Simulation() as sim:
        sim.spawn(sys.exit, name="leaver")
        sim.call_at(1, sys.exit)
        with pytest.raises(RuntimeError, match=r"^leaver called sys.exit\(None\)$"):
            sim.run()
        with pytest.raises(
            RuntimeError, match=r"^the function of a timer called sys.exit\(None\)$"
        ):
            sim.run()
        assert sim.now == 1


def test_a_timers_failure_comes_out_of_run_and_the_rest_goes_on() -> None:
    """Also out of a cell's wait: a message that it no longer waits for goes to the next one."""

    def fail() -> None:
        raise ZeroDivisionError

    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim)
        got: list[tuple[float, str]] = []

        def worker() -> None:
            delivery = queue.receive()
            assert delivery is not None
            got.append((sim.now, delivery.id))

        sim.call_at(1, fail)
        sim.call_at(1, fail)
        sim.call_at(2, lambda: queue.send(Message(id="m")))
        with pytest.raises(ZeroDivisionError):
            queue.receive()
        sim.spawn(worker)
        with pytest.raises(ZeroDivisionError):
            sim.run()
        sim.run()
        assert got == [(2, "m")]


def test_functions_for_the_closing_that_fail_stop_neither_each_other_nor_the_closing() -> None:
    """The first error comes out in the end, and says how many others there were."""
    called: list[str] = []

    def fail() -> None:
        called.append("fail")
        raise ZeroDivisionError("at close")

    def leave() -> None:
        called.append("leave")
        sys.exit()

    sim = Simulation()
    task = sim.spawn(lambda: sim.sleep(9))
    sim.run(until=1)
    for closer in (fail, leave, lambda: called.append("last")):
        sim.at_close(closer)
    with pytest.raises(ZeroDivisionError, match="at close") as raised:
        sim.close()
    assert called == ["fail", "leave", "last"] and sim.closed and not task.is_alive()
    assert raised.value.__notes__ == ["(1 more were reported in this run)"]
    sim.close()
    other = Simulation()
    other.at_close(fail)
    with pytest.raises(LookupError), other:  # what left the block says more
        raise LookupError
    assert other.closed
