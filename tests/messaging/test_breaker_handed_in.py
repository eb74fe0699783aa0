"""A cool-down that is handed to a breaker: whatever it does, the breaker opens and half-opens."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any

import pytest

from mqlearn import (
    CircuitBreaker,
    CircuitBreakerMessageProcessor,
    FailureRate,
    InMemoryMessageQueue,
    Message,
    Simulation,
    ThreadRuntime,
    Trace,
    WorkerCrash,
)
from tests.messaging.permits import ask
from tests.messaging.test_breaker import fail, transitions

DEADLINE = 30.0  # seconds after which a test on real threads has failed


def raises(error: BaseException) -> Callable[..., Any]:
    """A function that raises this at every call."""

    def function(*_: object) -> float:
        raise error

    return function


def unfinished(times: int) -> Any:
    """An answer that is none: a coroutine."""

    async def seconds() -> float:
        return 5.0

    made = seconds()
    made.close()
    return made


def endless(times: int) -> float:
    """Calls itself forever."""
    return endless(times)


USELESS = {
    "raises": (raises(KeyError("tenant")), KeyError),
    "exits": (raises(SystemExit(1)), SystemExit),
    "None": (lambda times: None, TypeError),
    "nan": (lambda times: math.nan, ValueError),
    "inf": (lambda times: math.inf, ValueError),
    "negative": (lambda times: -1.0, ValueError),
    "text": (lambda times: "30", TypeError),
    "true": (lambda times: True, TypeError),
    "too large": (lambda times: 10**400, ValueError),
    "a coroutine": (unfinished, TypeError),
    "two parameters": (lambda times, tenant: 5.0, TypeError),
    "endless": (endless, RecursionError),
}


@pytest.mark.parametrize("name", USELESS)
def test_it_opens_whatever_its_cool_down_answers(name: str) -> None:
    """Thirty seconds stand in, the fault surfaces from run(), and the state is that of any other
    opening.
    """
    cooldown, error = USELESS[name]
    sim, trace = Simulation(), Trace()
    breaker = CircuitBreaker(2, cooldown, runtime=sim, trace=trace)
    heard: list[str] = []
    breaker.listen(lambda: heard.append(breaker.state))
    fail(breaker, 2)
    assert (breaker.state, breaker.failure_count, breaker.times_opened) == ("OPEN", 2, 1)
    with pytest.raises(error):
        sim.run()
    assert transitions(trace) == [
        (0, "opened", "failures in a row: 2"),
        (30, "half_opened", "the cool-down is over"),
    ]
    ask(breaker).success()
    assert (breaker.state, heard) == ("CLOSED", ["OPEN", "HALF_OPEN", "CLOSED"])
    sim.close()


def test_a_cool_down_that_fails_is_asked_again_the_next_time() -> None:
    """It stands in this once: the second opening has the function's own answer."""
    sim = Simulation()
    breaker = CircuitBreaker(1, lambda times: 5.0 if times == 2 else 1 // 0, runtime=sim)
    fail(breaker)
    with pytest.raises(ZeroDivisionError):
        sim.run()
    assert sim.now == 30
    fail(breaker)
    sim.run()
    assert (sim.now, breaker.state) == (35, "HALF_OPEN")
    sim.close()


@pytest.mark.parametrize("rate", [None, FailureRate(0.5, calls=1, minimum=1)])
def test_the_cool_down_is_asked_too_where_a_probe_times_out(rate: FailureRate | None) -> None:
    """By the timer, outside any task: what it answers counts, and what it raises comes out of
    run().
    """
    sim, asked = Simulation(), []

    def cooldown(times: int) -> float:
        asked.append((sim.now, times))
        return {1: 10.0, 2: 20.0}[times]

    breaker = CircuitBreaker(1, cooldown, rate=rate, probe_timeout=7, runtime=sim)
    fail(breaker)
    sim.run()
    ask(breaker)
    sim.run()
    assert (sim.now, breaker.state) == (37, "HALF_OPEN")
    ask(breaker)
    with pytest.raises(KeyError):
        sim.run()
    assert (sim.now, breaker.state) == (74, "HALF_OPEN")
    assert asked == [(0, 1), (17, 2), (44, 3)]
    sim.close()


def test_a_cool_down_may_call_its_breaker(sim: Simulation) -> None:
    """It finds it open, old answers count no more, and what it closes by hand stays closed."""
    seen: list[tuple[str, bool, bool]] = []
    breaker = CircuitBreaker(2, 10, runtime=sim)
    other = [ask(breaker) for _ in range(2)]

    def look(times: int) -> float:
        seen.append((breaker.state, breaker.acquire() is None, other[0].failure()))
        return 5.0

    breaker.cooldown = look
    fail(breaker, 2)
    sim.run()
    assert (seen, sim.now, breaker.state) == ([("OPEN", True, False)], 5, "HALF_OPEN")

    def close(times: int) -> float:
        breaker.reset()
        return 5.0

    breaker.cooldown = close
    fail(breaker)
    sim.run()
    assert (sim.now, breaker.state, breaker.failure_count) == (5, "CLOSED", 0)


def test_a_cool_down_that_waits_holds_up_no_other_task(sim: Simulation) -> None:
    """It may ask a service: others call the breaker meanwhile, and the time counts from the
    opening.
    """

    def slow(times: int) -> float:
        sim.sleep(4)
        return 10.0

    breaker = CircuitBreaker(1, slow, runtime=sim)
    sim.spawn(lambda: fail(breaker))
    sim.spawn(lambda: seen.append((breaker.acquire(), sim.now)))
    seen: list[tuple[object, float]] = []
    sim.run()
    assert (seen, sim.now, breaker.state) == ([(None, 0)], 10, "HALF_OPEN")


@pytest.mark.parametrize("error", [KeyboardInterrupt, WorkerCrash])
def test_an_interrupt_in_a_cool_down_passes_and_the_breaker_is_open(
    sim: Simulation, error: type[BaseException]
) -> None:
    """The interrupt reaches its caller; the opening is whole: half-open comes, listeners hear."""
    breaker = CircuitBreaker(1, raises(error()), runtime=sim)
    heard: list[str] = []
    breaker.listen(lambda: heard.append(breaker.state))
    with pytest.raises(error):
        ask(breaker).failure()
    sim.run()
    assert (sim.now, heard) == (30, ["OPEN", "HALF_OPEN"])


def test_numbers_of_a_table_are_numbers(sim: Simulation) -> None:
    """What comes out of a DataFrame's column counts as Python's own numbers, also as an answer."""
    np = pytest.importorskip("numpy")
    breaker = CircuitBreaker(
        np.int64(2),
        lambda times: np.float32(2.5),
        probes=np.int32(1),
        slow_after=np.float32(3),
        probe_timeout=np.int64(7),
        runtime=sim,
    )
    fail(breaker, 2)
    sim.run()
    ask(breaker)
    sim.run()
    assert (sim.now, type(sim.now), breaker.state) == (12, float, "HALF_OPEN")
    rule = FailureRate(np.float64(0.5), np.int64(10), np.float32(60), np.int64(5))
    assert rule == FailureRate(0.5, 10, 60.0, 5)
    assert [type(value) for value in vars(rule).values()] == [float, int, float, int]


def test_on_threads_a_cool_down_that_fails_opens_it_too() -> None:
    """The task's join() raises the fault, the breaker is open, and a worker that waits is woken by
    reset().
    """
    runtime, done = ThreadRuntime(), threading.Event()
    queue = InMemoryMessageQueue(runtime=runtime)
    breaker = CircuitBreaker(1, raises(KeyError("tenant")), runtime=runtime)
    breaker.listen(raises(ValueError("chart")))
    processor = CircuitBreakerMessageProcessor(queue, breaker=breaker)
    processor.register_processor("default", lambda message: done.set())
    task = runtime.spawn(lambda: fail(breaker))
    with pytest.raises(KeyError, match="tenant"):
        task.join(DEADLINE)
    assert breaker.state == "OPEN"
    processor.start_workers(2)
    queue.send(Message())
    breaker.reset()
    assert done.wait(DEADLINE)
    processor.stop_workers()
