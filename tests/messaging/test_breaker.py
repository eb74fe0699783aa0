"""What a circuit breaker promises: its states, its permits, its probes."""

from __future__ import annotations

import gc
import weakref
from random import Random

import pytest

from mqlearn import CircuitBreaker, Simulation, ThreadRuntime, Trace
from tests.messaging.permits import ask


def fail(breaker: CircuitBreaker, times: int = 1) -> None:
    """So many failed calls, one after the other."""
    for _ in range(times):
        assert ask(breaker).failure()


def transitions(trace: Trace) -> list[tuple[float, str, str]]:
    """Time, event and detail of what breakers recorded."""
    return [(record.time, record.event, record.detail) for record in trace.records]


def test_its_whole_life_is_in_the_trace(sim: Simulation) -> None:
    """Five failures open it, the timer half-opens it without any call, a bad probe opens it, a good
    one closes it.
    """
    trace = Trace()
    breaker = CircuitBreaker(runtime=sim, trace=trace, name="card service")
    sim.run(until=10)
    fail(breaker, 5)
    assert (breaker.state, breaker.acquire()) == ("OPEN", None)
    sim.run(until=40)
    assert breaker.state == "HALF_OPEN"
    fail(breaker)
    sim.run(until=75)
    assert ask(breaker).success()
    assert breaker.state == "CLOSED"
    assert transitions(trace) == [
        (10, "opened", "failures in a row: 5"),
        (40, "half_opened", "the cool-down is over"),
        (40, "probed", "failed: failure"),
        (40, "opened", "a probe failed"),
        (70, "half_opened", "the cool-down is over"),
        (75, "probed", "succeeded"),
        (75, "closed", "probes succeeded: 1"),
    ]
    assert {record.source for record in trace.records} == {"card service"}


def test_scattered_failures_open_nothing(sim: Simulation) -> None:
    """Fail, succeed, fail, succeed, fail: never three in a row. The third in a row opens it."""
    breaker = CircuitBreaker(3, runtime=sim)
    for _ in range(100):
        fail(breaker, 2)
        ask(breaker).success()
    assert (breaker.state, breaker.failure_count) == ("CLOSED", 0)
    fail(breaker, 3)
    assert (breaker.state, breaker.failure_count, breaker.last_failure_time) == ("OPEN", 3, 0.0)


def test_an_old_answer_is_not_taken_for_a_probes(sim: Simulation) -> None:
    """Calls that began before the breaker opened change nothing in any later state, good or bad."""
    breaker = CircuitBreaker(2, 10, runtime=sim)
    slow = [ask(breaker) for _ in range(6)]
    fail(breaker, 2)
    assert not slow[0].success() and not slow[1].failure()
    sim.run(until=10)
    assert not slow[2].success() and not slow[3].failure()
    assert breaker.state == "HALF_OPEN"
    probe = ask(breaker)
    assert not slow[4].cancel() and breaker.acquire() is None
    assert probe.success()
    fail(breaker)
    assert not slow[5].failure()
    assert (breaker.state, breaker.failure_count) == ("CLOSED", 1)


def test_a_permit_is_answered_once(sim: Simulation) -> None:
    """The second answer of one call is refused: it neither counts a failure nor frees a probe's
    place.
    """
    breaker = CircuitBreaker(2, 10, probes=2, runtime=sim)
    permit = ask(breaker)
    again = [permit.failure(), permit.failure(), permit.success(), permit.cancel(), permit.begin()]
    assert again == [True, False, False, False, False]
    assert (breaker.state, breaker.failure_count, permit.current) == ("CLOSED", 1, False)
    fail(breaker)
    sim.run(until=10)
    probe = ask(breaker)
    assert [probe.success(), probe.success(), probe.cancel()] == [True, False, False]
    assert breaker.state == "HALF_OPEN"
    assert breaker.acquire() is not None and breaker.acquire() is None


def test_a_cancelled_probe_frees_its_place_and_says_so(sim: Simulation) -> None:
    """A probe that found nothing to do is no answer: the next one takes its place, and listeners
    hear of it.
    """
    breaker = CircuitBreaker(1, 10, runtime=sim)
    heard: list[str] = []
    breaker.listen(lambda: heard.append(breaker.state))
    fail(breaker)
    sim.run(until=10)
    probe = ask(breaker)
    assert breaker.acquire() is None
    assert probe.cancel()
    assert ask(breaker).success()
    assert heard == ["OPEN", "HALF_OPEN", "HALF_OPEN", "CLOSED"]


def test_a_lost_probe_does_not_hold_it_half_open_for_ever(sim: Simulation) -> None:
    """A probe that never answers has failed after probe_timeout, counted from when it began; late,
    it says nothing.
    """
    trace = Trace()
    breaker = CircuitBreaker(1, 10, probe_timeout=7, runtime=sim, trace=trace)
    fail(breaker)
    sim.run(until=10)
    reserved = breaker.acquire(begin=False)
    sim.run(until=100)
    assert (breaker.state, breaker.acquire()) == ("HALF_OPEN", None)
    assert reserved is not None and reserved.begin()
    sim.run(until=105)
    assert reserved.begin() and reserved.began == 105  # after all, only now
    sim.run(until=111)
    assert breaker.state == "HALF_OPEN"
    sim.run(until=112)
    assert breaker.state == "OPEN" and not reserved.success()
    assert transitions(trace)[-2:] == [
        (112, "probed", "failed: no answer within 7 s"),
        (112, "opened", "a probe failed"),
    ]


def test_timers_of_settled_probes_do_not_move_the_clock(sim: Simulation) -> None:
    """Once a probe is answered, or others have decided, its time limit is off."""
    breaker = CircuitBreaker(1, 10, probes=2, probe_timeout=60, runtime=sim)
    fail(breaker)
    sim.run()
    ask(breaker)
    fail(breaker)
    sim.run()
    assert (sim.now, breaker.state) == (20, "HALF_OPEN")


def test_a_slow_call_has_failed_if_asked(sim: Simulation) -> None:
    """Exactly slow_after seconds are in time, more are a failure; the reason says how slow."""
    trace = Trace()
    breaker = CircuitBreaker(2, slow_after=3, runtime=sim, trace=trace)
    for seconds in (3.0, 3.5, 4.0):
        permit = ask(breaker)
        sim.run(until=sim.now + seconds)
        assert permit.success()
    assert (breaker.state, breaker.failure_count, breaker.last_failure_time) == ("OPEN", 2, 10.5)
    sim.run()
    probe = ask(breaker)
    sim.run(until=sim.now + 5)
    probe.success()
    assert transitions(trace)[-2:] == [
        (45.5, "probed", "failed: slow: 5 s"),
        (45.5, "opened", "a probe failed"),
    ]


def test_the_cool_down_may_grow_with_each_opening(sim: Simulation) -> None:
    """A function of how often it has opened since it was last closed."""
    asked: list[int] = []

    def doubling(times: int) -> float:
        asked.append(times)
        return 5.0 * 2**times

    breaker = CircuitBreaker(1, doubling, runtime=sim)
    fail(breaker)
    for wait in (10, 20, 40):
        before = sim.now
        sim.run()
        assert sim.now - before == wait
        fail(breaker)
    sim.run()
    ask(breaker).success()
    fail(breaker)
    assert asked == [1, 2, 3, 4, 1]


def test_reset_closes_it_by_hand(sim: Simulation) -> None:
    """From open: the cool-down is off, listeners hear of it, and nothing is remembered."""
    breaker = CircuitBreaker(2, 10, runtime=sim)
    heard: list[str] = []
    breaker.listen(lambda: heard.append(breaker.state))
    fail(breaker, 2)
    breaker.reset()
    fail(breaker)
    sim.run()
    assert (sim.now, breaker.state, heard) == (0, "CLOSED", ["OPEN", "CLOSED"])


def test_a_cool_down_keeps_no_breaker_alive() -> None:
    """On threads, an open breaker that nobody holds is gone before its hour is over."""
    breaker = CircuitBreaker(1, 3600, runtime=ThreadRuntime())
    fail(breaker)
    gone = weakref.ref(breaker)
    del breaker
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize(("share", "row"), [(0.3, 5), (0.5, 4)])
def test_chance_alone_opens_it_as_often_as_theory_says(
    sim: Simulation, share: float, row: int
) -> None:
    """So many failures in a row come once in (1 - p^k) / (p^k (1 - p)) calls: 586 for five at 30
    %.
    """
    breaker, dice = CircuitBreaker(row, runtime=sim), Random(1)
    calls = openings = 0
    while openings < 200:
        calls += 1
        permit = ask(breaker)
        _ = permit.failure() if dice.random() < share else permit.success()
        if breaker.state == "OPEN":
            openings += 1
            breaker.reset()
    expected = (1 - share**row) / (share**row * (1 - share))
    # three standard errors of the mean
    assert abs(calls / openings - expected) < 3 * expected / 200**0.5
