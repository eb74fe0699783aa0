"""Waits that are longer than the system can wait at once, and timers that nobody needs any more."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from mqlearn import InMemoryMessageQueue, Message, Simulation, ThreadRuntime
from mqlearn.runtime import threads
from mqlearn.runtime.threads import QuietCondition, in_parts

DEADLINE = 20.0  # seconds: nothing here takes a tenth of it


def test_a_long_wait_is_made_of_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is as long as the system allows, and together they are the whole time, or end before."""
    clock = [0.0]
    parts: list[float] = []

    def wait(seconds: float) -> bool:
        parts.append(seconds)
        clock[0] += seconds
        return len(parts) == 5

    monkeypatch.setattr(threads, "LONGEST", 100.0)
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    assert in_parts(wait, 250.0) is False
    assert parts == [100.0, 100.0, 50.0]
    assert in_parts(wait, 1e10) is True
    assert parts[3:] == [100.0, 100.0]


@pytest.mark.parametrize("seconds", [1e10, 1e300])
def test_a_wait_of_centuries_is_a_wait(seconds: float) -> None:
    """A receive, a join and a condition on threads; each ends when what it waits for happens."""
    runtime = ThreadRuntime()
    queue = InMemoryMessageQueue(runtime=runtime)
    condition = runtime.condition()
    assert isinstance(condition, QuietCondition)
    got: list[object] = []

    def notified() -> None:
        with condition:
            got.append(condition.wait(seconds))

    def received() -> None:
        delivery = queue.receive(timeout=seconds)
        assert delivery is not None
        got.append(delivery.id)

    tasks = [runtime.spawn(notified), runtime.spawn(received)]
    end = time.monotonic() + DEADLINE
    while not (condition._waiters and queue._receivers) and time.monotonic() < end:
        time.sleep(0.001)
    with condition:
        condition.notify()
    queue.send(Message(id="m"))
    for task in tasks:
        task.join(seconds)
    assert set(got) == {True, "m"}
    asleep = runtime.spawn(lambda: runtime.sleep(seconds))
    asleep.join(0.05)
    assert asleep.is_alive() and asleep.error is None
    runtime.call_at(runtime.now + seconds, print).cancel()


def test_cancelled_timers_of_threads_are_forgotten() -> None:
    """Of three thousand for an hour, the one that is left rings, and few stay."""
    runtime, rung = ThreadRuntime(), threading.Event()
    for _ in range(3000):
        runtime.call_at(runtime.now + 3600, print).cancel()
    timers = [runtime.call_at(runtime.now + 3600, print) for _ in range(3000)]
    assert 3000 <= len(runtime._alarms) <= 3100
    for timer in timers[1:]:
        timer.cancel()
        timer.cancel()
    assert 1 <= len(runtime._alarms) < 150
    runtime.call_at(runtime.now, rung.set)
    assert rung.wait(DEADLINE)


def test_void_dates_of_a_simulation_are_forgotten() -> None:
    """Twenty thousand receives that were answered long before their time leave no date."""
    with Simulation() as sim:
        queue = InMemoryMessageQueue(visibility_timeout=None, runtime=sim)
        largest: list[int] = []

        def consumer() -> None:
            for _ in range(20_000):
                delivery = queue.receive(timeout=3600)
                assert delivery is not None and queue.ack(delivery)
                largest.append(len(sim._calendar._heap))

        def producer() -> None:
            for _ in range(20_000):
                sim.sleep(0.001)
                queue.send(Message(id="m"))

        task = sim.spawn(consumer)
        sim.spawn(producer)
        sim.run()
        assert not task.is_alive() and max(largest) < 150
        assert sim.now == pytest.approx(20.0)


def test_a_calendar_that_forgets_keeps_the_order() -> None:
    """Cancelled ones are removed now and then; the others happen at their time, in order."""
    with Simulation() as sim:
        happened: list[tuple[float, int]] = []

        def call(number: int) -> Callable[[], object]:
            return lambda: happened.append((sim.now, number))

        timers = [sim.call_at(float(number % 97), call(number)) for number in range(2000)]
        for number, timer in enumerate(timers):
            if number % 10:
                timer.cancel()
        assert len(sim._calendar._heap) <= 400
        sim.run()
        assert happened == sorted((float(n % 97), n) for n in range(0, 2000, 10))
