"""A breaker's own calls: `call(fn)` and `with breaker`, on both clocks."""

from __future__ import annotations

import asyncio
import pickle
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest
from greenlet import GreenletExit

from mqlearn import (
    CallNotPermitted,
    CircuitBreaker,
    FailureRate,
    Reject,
    Release,
    Simulation,
    ThreadRuntime,
    Trace,
    WorkerCrash,
)
from mqlearn.runtime.handed_in import StopRun
from tests.messaging.permits import ask
from tests.messaging.test_breaker import fail, transitions

DEADLINE = 30.0  # seconds after which a test on real threads has failed


def raise_(error: BaseException) -> None:
    """Raise it."""
    raise error


def in_a_block(breaker: CircuitBreaker, fn: Any, *args: Any) -> Any:
    """The same call in a `with` block."""
    with breaker:
        return fn(*args)


BOTH = pytest.mark.parametrize("call", [CircuitBreaker.call, in_a_block])


@BOTH
def test_the_whole_life_of_a_service_that_is_called(sim: Simulation, call: Any) -> None:
    """Failures come out as they are and open it; open, nothing is called; the probe closes it."""
    trace, called = Trace(), []
    breaker = CircuitBreaker(2, 30, runtime=sim, trace=trace, name="card service")

    def charge(order: str, down: bool = False) -> str:
        called.append(order)
        if down:
            raise ConnectionError("refused")
        return f"{order} charged"

    assert call(breaker, charge, "a") == "a charged"
    for order in "bc":
        with pytest.raises(ConnectionError, match="refused"):
            call(breaker, charge, order, True)
    sim.run(until=10)
    text = "card service must not be called for another 20 s: it is OPEN"
    with pytest.raises(CallNotPermitted, match=text):
        call(breaker, charge, "d")
    sim.run(until=30)
    assert call(breaker, charge, "e") == "e charged"
    assert (called, breaker.refused) == (["a", "b", "c", "e"], 1)
    assert transitions(trace) == [
        (0, "opened", "failures in a row: 2"),
        (30, "half_opened", "the cool-down is over"),
        (30, "probed", "succeeded"),
        (30, "closed", "probes succeeded: 1"),
    ]


@BOTH
def test_a_second_probe_is_told_that_the_place_is_taken(sim: Simulation, call: Any) -> None:
    """Half-open and busy, the error says so; a probe that failed opens it with its own reason."""
    trace = Trace()
    breaker = CircuitBreaker(1, 10, runtime=sim, trace=trace)
    fail(breaker)
    sim.run()

    def probe() -> None:
        sim.sleep(5)
        raise TimeoutError("no answer")

    task = sim.spawn(lambda: call(breaker, probe))
    sim.run(until=12)
    with pytest.raises(CallNotPermitted, match=r"breaker .*: all probes are taken \(1\)"):
        call(breaker, print)
    with pytest.raises(TimeoutError):
        task.join()
    assert transitions(trace)[-2:] == [
        (15, "probed", "failed: no answer"),
        (15, "opened", "a probe failed"),
    ]


@BOTH
@pytest.mark.parametrize(
    "error",
    [Reject("poison"), Release(5), KeyboardInterrupt(), GreenletExit(), StopRun(), GeneratorExit()],
)
def test_what_says_nothing_of_the_service_gives_the_place_back(
    sim: Simulation, call: Any, error: BaseException
) -> None:
    """It comes out of the call; the breaker is half-open, and another call may be the probe."""
    breaker = CircuitBreaker(1, 10, probe_timeout=None, runtime=sim)
    fail(breaker)
    sim.run()
    with pytest.raises(type(error)) as caught:
        call(breaker, raise_, error)
    assert caught.value is error and breaker.state == "HALF_OPEN"
    call(breaker, dict)
    assert breaker.state == "CLOSED"


class Oddity(Exception):
    """An exception without a text that can be read."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


@BOTH
@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (SystemExit(3), "SystemExit: 3"),
        (asyncio.CancelledError(), "CancelledError"),
        (Oddity(), "Oddity"),
        (KeyError("price"), "KeyError: 'price'"),
    ],
)
def test_every_other_exception_is_a_failure_with_its_reason(
    sim: Simulation, call: Any, error: BaseException, reason: str
) -> None:
    """Also one that ends programs, and one without a text."""
    trace = Trace()
    breaker = CircuitBreaker(1, 10, runtime=sim, trace=trace)
    fail(breaker)
    sim.run()
    with pytest.raises(type(error)):
        call(breaker, raise_, error)
    assert transitions(trace)[-2:] == [
        (10, "probed", f"failed: {reason}"),
        (10, "opened", "a probe failed"),
    ]


@BOTH
def test_a_crash_reports_nothing(sim: Simulation, call: Any) -> None:
    """The place of a dead probe is taken until probe_timeout, as with the processor's workers."""
    breaker = CircuitBreaker(1, 10, probe_timeout=7, runtime=sim)
    fail(breaker)
    sim.run()
    with pytest.raises(WorkerCrash):
        call(breaker, lambda: raise_(WorkerCrash()))
    assert (breaker.state, breaker.acquire()) == ("HALF_OPEN", None)
    sim.run(until=17)
    assert breaker.state == "OPEN"


def test_a_block_may_answer_its_permit_itself(sim: Simulation) -> None:
    """A service that says 503 without an exception is a failure; the end of the block changes
    nothing then.
    """
    breaker = CircuitBreaker(5, runtime=sim)
    with breaker as permit:
        assert permit.failure("503") is True
    assert (breaker.failure_count, breaker.state) == (1, "CLOSED")
    with breaker as permit:
        permit.cancel()
    assert breaker.failure_count == 1


def test_nested_blocks_and_tasks_side_by_side_keep_their_permits_apart(sim: Simulation) -> None:
    """Each block answers its own: of eight tasks the odd ones fail, inner blocks of another breaker
    never.
    """
    outer = CircuitBreaker(rate=FailureRate(minimum=40), runtime=sim)
    inner, permits = CircuitBreaker(runtime=sim), []

    def nested(number: int) -> None:
        with outer as first:
            sim.sleep(8 - number)
            with inner, outer as second:
                permits.extend([first, second])
                sim.sleep(number)
            assert second.answered and not first.answered
            sim.sleep(1)
            if number % 2:
                raise OSError("down")

    def caller(number: int) -> None:
        with pytest.raises(OSError, match="down") if number % 2 else nullcontext():
            nested(number)

    for number in range(8):
        sim.spawn(caller, number)
    sim.run()
    assert len(set(permits)) == 16 and all(each.answered for each in permits)
    window = outer._window
    assert window is not None and (len(window), window.failed) == (16, 4)
    assert inner.last_failure_time == 0 and outer.last_failure_time == sim.now == 9


def test_tasks_of_asyncio_keep_their_permits_apart(sim: Simulation) -> None:
    """A task begun inside a block has blocks of its own: each permit is answered once, by its own
    block.
    """
    breaker = CircuitBreaker(9, runtime=sim)

    async def child(error: Exception | None) -> None:
        with breaker:
            await asyncio.sleep(0)
            if error is not None:
                raise error

    async def parent() -> list[BaseException | None]:
        with breaker as permit:
            told = await asyncio.gather(
                child(None), child(OSError("down")), child(None), return_exceptions=True
            )
            assert not permit.answered
        return told

    assert [type(each) for each in asyncio.run(parent())] == [type(None), OSError, type(None)]
    assert breaker.failure_count == 0 and breaker.last_failure_time == sim.now


def test_a_slow_call_is_a_failure_though_it_returned(sim: Simulation) -> None:
    """The time of the block counts; the result is handed on."""
    breaker = CircuitBreaker(1, slow_after=3, runtime=sim)

    def slow() -> str:
        sim.sleep(4)
        return "late"

    assert breaker.call(slow) == "late"
    assert breaker.state == "OPEN"


def test_sixteen_real_threads_call_side_by_side() -> None:
    """Every call is counted once: the window holds as many failures as were raised; then all are
    refused.
    """
    runtime, gate = ThreadRuntime(), threading.Barrier(16)
    breaker = CircuitBreaker(16, 3600, runtime=runtime)
    refused = []

    def caller(number: int) -> None:
        with breaker:
            gate.wait(DEADLINE)  # all sixteen are inside
            assert breaker.call(int, "7") == 7
            gate.wait(DEADLINE)  # the successes are over, and only failures follow
            raise OSError(number)

    def careful(number: int) -> None:
        try:
            caller(number)
        except OSError:
            pass
        gate.wait(DEADLINE)
        try:
            breaker.call(print)
        except CallNotPermitted as error:
            refused.append(error)

    for task in [runtime.spawn(careful, number) for number in range(16)]:
        task.join(DEADLINE)
    assert (breaker.state, breaker.failure_count, breaker.refused) == ("OPEN", 16, 16)
    assert len(refused) == 16 and "it is OPEN" in str(refused[0])


def test_the_error_can_be_sent_to_another_process(sim: Simulation) -> None:
    """It is the same after pickling."""
    breaker = CircuitBreaker(1, runtime=sim)
    fail(breaker)
    with pytest.raises(CallNotPermitted) as caught:
        breaker.call(print)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    breaker.reset()
    assert ask(breaker).success()


def test_a_block_of_a_generator_that_ends_in_another_thread_is_left_quietly() -> None:
    """Nothing is known of its permit there, and the blocks of that thread keep theirs."""
    breaker = CircuitBreaker(2, runtime=ThreadRuntime())

    def rows() -> Iterator[int]:
        with breaker:
            yield 1

    generator = rows()
    starter = threading.Thread(target=next, args=(generator,))
    starter.start()
    starter.join(DEADLINE)
    generator.close()  # type: ignore[attr-defined]
    with breaker as permit:
        assert permit.failure()
    assert breaker.failure_count == 1
