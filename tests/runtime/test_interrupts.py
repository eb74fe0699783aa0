"""A KeyboardInterrupt at any step of a run: it reaches the cell, the books balance, the simulation
refuses to go on and closes.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType

import pytest

from mqlearn import InMemoryMessageQueue, Message, MessageProcessor, Simulation, Trace
from tests.runtime.interrupts import Busy, traced

SHARES = 40  # tests; each interrupts ten runs


@pytest.fixture(scope="module")
def lines() -> int:
    """The number of lines of the package in one run; from run to run a few more or less."""
    busy = Busy()
    count = traced(busy.cell, 0)[1].lines
    busy.sim.close()
    return count * 98 // 100


def sound(busy: Busy) -> None:
    """Assert what an interrupted simulation still does."""
    books = busy.trace.balance()
    for queue in busy.queues:
        census = queue.census()
        assert queue.size() == census["waiting"] + census["delayed"], queue.name
        assert queue.get_in_flight_count() == census["in flight"], queue.name
        assert len(queue.get_dead_letter_messages()) == census["dead"], queue.name
        numbers = [number for number, *_ in queue.entries()]
        assert len(set(numbers)) == len(numbers) == sum(census.values()), queue.name
    busy.sim.close()
    assert busy.sim.closed and not busy.sim._tasks
    assert busy.trace.balance() == books


@pytest.mark.parametrize("share", range(SHARES))
def test_an_interrupt_at_any_line_leaves_sound_books(share: int, lines: int) -> None:
    """Each of these runs is interrupted at another line of the package's code."""
    for number in range(10):
        busy = Busy()
        at = 1 + (number * SHARES + share) * lines // (10 * SHARES)
        interrupted, interrupter = traced(busy.cell, at)
        assert interrupted, interrupter.where
        if busy.sim.interrupted:  # else it came before anything was changed
            with pytest.raises(RuntimeError, match="was interrupted and cannot go on"):
                busy.sim.run(until=20)
        sound(busy)


def until_the_signal(busy: Busy, came: list[int], seconds: float) -> None:
    """Run, and wait for a signal that comes later than the end of the run."""
    signal.setitimer(signal.ITIMER_REAL, seconds)
    busy.cell()
    while not came:
        pass
    # here only if it came while Python collected garbage, where it ignores every exception
    raise KeyboardInterrupt


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="Windows has no such timer")
def test_a_signal_at_any_time_leaves_sound_books() -> None:
    """As Jupyter's stop button sends it: a hundred runs, interrupted sooner or later."""
    came: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        came.append(number)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, stop)
    try:
        for number in range(100):
            busy = Busy()
            came.clear()
            with pytest.raises(KeyboardInterrupt):
                until_the_signal(busy, came, 0.00005 * (number + 1))
            sound(busy)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


REFUSED: dict[str, Callable[[Simulation, InMemoryMessageQueue], object]] = {
    "run": lambda sim, queue: sim.run(until=9),
    "spawn": lambda sim, queue: sim.spawn(print),
    "call_at": lambda sim, queue: sim.call_at(9, print),
    "sleep": lambda sim, queue: sim.sleep(1),
    "receive": lambda sim, queue: queue.receive(),
    "wait": lambda sim, queue: waits(sim),
}


def waits(sim: Simulation) -> None:
    """Wait for a notification."""
    with (condition := sim.condition()):
        condition.wait(1)


def interrupt() -> None:
    """Raise what the stop button raises."""
    raise KeyboardInterrupt


@pytest.mark.parametrize("call", REFUSED.values(), ids=REFUSED)
def test_an_interrupted_simulation_says_so(
    call: Callable[[Simulation, InMemoryMessageQueue], object],
) -> None:
    """Whatever would let time pass, or prepare it, is refused."""
    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim, trace=(trace := Trace()))
        sim.spawn(interrupt)
        with pytest.raises(KeyboardInterrupt):
            sim.run()
        with pytest.raises(RuntimeError, match="was interrupted and cannot go on; make a new one"):
            call(sim, queue)
        assert (sim.interrupted, sim.now, trace.balance().accepted) == (True, 0.0, 0)


def test_an_interrupt_of_a_task_that_is_joined_reaches_the_cell() -> None:
    """The joiner does not hear of it: it is meant for the notebook."""
    heard: list[BaseException] = []

    def joiner() -> None:
        try:
            sim.spawn(interrupt).join()
        except BaseException as error:
            heard.append(error)
            raise

    with Simulation() as sim:
        sim.spawn(joiner)
        with pytest.raises(KeyboardInterrupt):
            sim.run()
    assert [type(error).__name__ for error in heard] == ["GreenletExit"]


def test_an_interrupt_of_the_cell_within_a_change_is_noticed() -> None:
    """`redrive` asks a function of the cell under the lock; other calls may be half done there."""

    def select(message: Message) -> bool:
        raise KeyboardInterrupt

    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim, trace=(trace := Trace()))
        queue.send(Message())
        delivery = queue.receive(0)
        assert delivery is not None and queue.nack(delivery, requeue=False)
        with pytest.raises(KeyboardInterrupt):
            queue.redrive(select)
        assert sim.interrupted and trace.balance().dead == 1
        assert len(queue.get_dead_letter_messages()) == 1


def test_an_interrupt_while_it_closes_leaves_it_to_be_closed_again() -> None:
    """Once in a function for the closing, once in a task that is being ended."""
    calls: list[str] = []

    def at_close() -> None:
        calls.append("at_close")
        if len(calls) == 1:
            raise KeyboardInterrupt

    def task() -> None:
        try:
            sim.sleep(9)
        finally:
            calls.append("task")
            raise KeyboardInterrupt

    sim = Simulation()
    sim.at_close(at_close)
    sim.spawn(task)
    sim.spawn(lambda: sim.sleep(99))
    sim.run(until=1)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            sim.close()
    sim.close()
    assert calls == ["at_close", "at_close", "task"]
    assert sim.closed and not sim._tasks


def joins(join: Callable[[object], None]) -> Callable[[object], None]:
    """Join a line, and be interrupted the first time."""
    times = iter(range(9))

    def call(entry: object) -> None:
        join(entry)
        if next(times) == 0:
            raise KeyboardInterrupt

    return call


def test_an_interrupt_that_a_handler_catches_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """It came in the middle of a `send`, so the run must not go on as if nothing were half done."""
    caught: list[str] = []

    def handle() -> None:
        for _ in range(3):
            try:
                queue.send(Message(id="m"))
                sim.sleep(1)
            except BaseException as error:
                caught.append(type(error).__name__)

    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim, trace=(trace := Trace()))
        monkeypatch.setattr(queue._ready, "join", joins(queue._ready.join))
        sim.spawn(handle)
        sim.spawn(lambda: sim.sleep(5))
        with pytest.raises(KeyboardInterrupt):
            sim.run()
        assert sim.interrupted and caught == ["KeyboardInterrupt"] * 3
        assert trace.balance().waiting == queue.size() == 2


def test_an_interrupt_in_a_simulation_within_a_task_ends_both() -> None:
    """It leaves the inner run, then the outer one."""
    with Simulation() as outer:

        def task() -> None:
            with Simulation() as inner:
                inner.spawn(interrupt)
                inner.run()

        outer.spawn(task)
        with pytest.raises(KeyboardInterrupt):
            outer.run()
        assert outer.interrupted


def test_an_interrupted_task_can_neither_close_nor_go_on() -> None:
    """It has caught the interrupt, and tries everything."""
    errors: list[str] = []

    def stubborn() -> None:
        for call in (interrupt, lambda: queue.redrive(select), sim.close, lambda: sim.sleep(1)):
            try:
                call()
            except BaseException as error:
                errors.append(type(error).__name__)
        while True:
            try:
                sim.sleep(1)
            except BaseException:
                errors.append("again")

    def select(message: Message) -> bool:
        raise KeyboardInterrupt

    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim)
        queue.send(Message())
        delivery = queue.receive(0)
        assert delivery is not None and queue.nack(delivery, requeue=False)
        task = sim.spawn(stubborn)
        with pytest.raises(KeyboardInterrupt):
            sim.run()
        assert errors[:4] == [
            "KeyboardInterrupt",
            "KeyboardInterrupt",
            "RuntimeError",
            "KeyboardInterrupt",
        ]
        assert errors[4:] == ["again"] * 9 and task.is_alive()
    assert sim.closed


def test_an_interrupt_while_a_cell_stops_its_workers_reaches_it() -> None:
    """A worker was running, and ends by the interrupt; the cell does not wait for the others."""
    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim)
        processor = MessageProcessor(queue)

        def handle(message: Message) -> None:
            sim.sleep(1)
            raise KeyboardInterrupt

        processor.register_processor("default", handle)
        processor.start_workers(2)
        queue.send(Message())
        sim.run(until=0.5)
        with pytest.raises(KeyboardInterrupt):
            processor.stop_workers()
        assert sim.interrupted and sim.now == 1


@pytest.mark.parametrize("watched", ["at first", "later"])
def test_a_users_own_list_of_records_is_no_trace(watched: str) -> None:
    """It began to listen later; the places are those of the trace, which knows all entries."""
    heard: list[object] = []
    with Simulation() as sim:
        trace = Trace()
        queue = InMemoryMessageQueue(runtime=sim, trace=trace if watched == "at first" else None)
        queue.send(Message())
        queue.listen(heard.append)
        if watched == "later":
            trace.watch(queue, sim.at_close)
        queue.send(Message(), delay=5)
        sim.call_at(1, interrupt)
        with pytest.raises(KeyboardInterrupt):
            sim.run()
        assert queue.census() == {"waiting": 1, "delayed": 1, "in flight": 0, "dead": 0}
        assert trace.balance().accepted == 2 and len(heard) == 1
