"""The behaviours that resilience4j and pybreaker document for their breakers, and which of them are
not ours.

resilience4j 2.x: CircuitBreakerConfig, CircuitBreakerMetrics, CircuitBreakerStateMachine. pybreaker
1.4.1.
"""

from __future__ import annotations

import re

from mqlearn import CircuitBreaker, FailureRate, Simulation
from tests.messaging.permits import ask

# What is not so here, in whole or in part, and why.
OTHERWISE = {
    "resilience4j 3": "a slow call is a failure, with one rate for both: two rates would be two "
    "sliders for one thing",
    "resilience4j 5": "no third kind of exception: what says nothing of the service is cancelled, "
    "all else is failure",
    "resilience4j 8": "half-open comes by timer alone (its automatic transition): a paused pool "
    "makes no call",
    "resilience4j 14": "the limit runs from the probe's own beginning: an idle queue is no lost "
    "probe",
    "resilience4j 15": "an answer from an earlier generation is not counted: it would pass for a "
    "probe's",
    "resilience4j 16": "no DISABLED, METRICS_ONLY or FORCED_OPEN: leave the breaker out, or stop "
    "the pool; reset() is",
    "pybreaker 1": "the course's cool-down is 30 s, not 60",
    "pybreaker 3": "nothing raises: acquire answers None, and the handler's own words stay the "
    "reason",
    "pybreaker 4": "what is excluded is no success: it leaves the count as it was",
    "pybreaker 5": "the state reads half-open as soon as it is, by timer",
    "pybreaker 6": "no lock is held during the call: half-open is limited by permits instead",
}
RESILIENCE4J, PYBREAKER = range(1, 18), range(1, 8)


def calls(breaker: CircuitBreaker, outcomes: str) -> str:
    """Make calls that succeed (+) or fail (-) and tell the state after them."""
    for outcome in outcomes:
        permit = ask(breaker)
        assert permit.success() if outcome == "+" else permit.failure()
    return breaker.state


def rated(sim: Simulation, *, probes: int = 10, **rule: float) -> CircuitBreaker:
    """A breaker with a failure rate as resilience4j has it, in small: half of the last ten calls,
    at least ten.
    """
    return CircuitBreaker(
        rate=FailureRate(**{"share": 0.5, "calls": 10, "minimum": 10} | rule),  # type: ignore[arg-type]
        probes=probes,
        runtime=sim,
    )


def half_open(sim: Simulation, breaker: CircuitBreaker) -> CircuitBreaker:
    """The breaker, made to fail until it opened, after its cool-down."""
    while breaker.state == "CLOSED":
        calls(breaker, "-")
    sim.run()
    assert breaker.state == "HALF_OPEN"
    return breaker


def test_resilience4j_1_closed_passes_every_call_and_judges_nothing_below_the_minimum(
    sim: Simulation,
) -> None:
    """Nine failures of nine are no rate yet; a window smaller than the minimum is judged when it is
    full.
    """
    assert calls(rated(sim), "-" * 9) == "CLOSED"
    assert calls(rated(sim, minimum=100), "-" * 9) == "CLOSED"
    assert calls(rated(sim, minimum=100), "-" * 10) == "OPEN"


def test_resilience4j_2_opens_when_the_rate_reaches_the_share_as_an_outcome_is_recorded(
    sim: Simulation,
) -> None:
    """Five of ten open it, four do not; a success that completes the minimum may be what opens
    it.
    """
    assert calls(rated(sim), "++++++----") == "CLOSED"
    assert calls(rated(sim), "+++++-----") == "OPEN"
    assert calls(rated(sim), "-----+++++") == "OPEN"


def test_resilience4j_3_a_slow_success_counts_and_slow_means_longer_than_the_limit(
    sim: Simulation,
) -> None:
    """Ten calls of exactly a second are not slow; half of them a little longer open it."""
    for seconds, state in ((1.0, "CLOSED"), (1.5, "OPEN")):
        breaker = CircuitBreaker(
            rate=FailureRate(0.5, calls=10, minimum=10), slow_after=1.0, runtime=sim
        )
        for number in range(10):
            permit = ask(breaker)
            sim.run(until=sim.now + (seconds if number % 2 else 0.5))
            assert permit.success()
        assert breaker.state == state


def test_resilience4j_4_a_window_of_calls_or_of_seconds(sim: Simulation) -> None:
    """Failures leave a window of calls by later calls, one of seconds by time; its minimum is not
    capped.
    """
    assert calls(rated(sim, minimum=5), "+++++++----") == "CLOSED"
    assert calls(rated(sim), "----" + "+" * 10 + "----") == "CLOSED"
    timed = rated(sim, seconds=60.0, minimum=5, calls=1)
    assert calls(timed, "----") == "CLOSED"
    sim.run(until=60)
    assert calls(timed, "----") == "CLOSED"  # the first four are sixty seconds old, and gone
    sim.run(until=119)
    assert calls(timed, "+") == "OPEN"


def test_resilience4j_5_what_is_ignored_is_not_recorded_and_gives_its_permit_back(
    sim: Simulation,
) -> None:
    """A hundred cancelled calls are no calls; a cancelled probe's place is taken by the next."""
    breaker = rated(sim, probes=1)
    for _ in range(100):
        assert ask(breaker).cancel()
    assert calls(breaker, "-" * 9) == "CLOSED"
    half_open(sim, breaker)
    assert ask(breaker).cancel()
    assert calls(breaker, "+") == "CLOSED"


def test_resilience4j_6_open_refuses_and_counts_that_apart_from_failures(sim: Simulation) -> None:
    """Refusals are counted, and none of them is a failure."""
    breaker = CircuitBreaker(2, runtime=sim)
    calls(breaker, "--")
    assert [breaker.acquire() for _ in range(3)] == [None] * 3
    assert (breaker.refused, breaker.failure_count) == (3, 2)


def test_resilience4j_7_the_wait_may_depend_on_how_often_it_opened(sim: Simulation) -> None:
    """The attempt grows with each re-opening and begins anew once it was closed."""
    asked: list[int] = []
    breaker = CircuitBreaker(1, lambda times: asked.append(times) or 1.0, runtime=sim)  # type: ignore[func-returns-value]
    for outcome in "---+-":
        calls(breaker, outcome)
        sim.run()
    assert asked == [1, 2, 3, 1]


def test_resilience4j_8_half_open_without_any_call(sim: Simulation) -> None:
    """As with its automatic transition: at the end of the wait, by timer."""
    breaker = CircuitBreaker(1, 30, runtime=sim)
    calls(breaker, "-")
    sim.run(until=29.999)
    assert breaker.state == "OPEN"
    sim.run(until=30)
    assert breaker.state == "HALF_OPEN"


def test_resilience4j_9_and_10_so_many_probes_in_all_and_the_next_is_refused_at_once(
    sim: Simulation,
) -> None:
    """Ten permits; the eleventh caller neither waits nor counts as a failure, even when some have
    answered.
    """
    breaker = half_open(sim, rated(sim))
    refused, now = breaker.refused, sim.now
    probes = [ask(breaker) for _ in range(10)]
    assert breaker.acquire() is None
    probes[0].success()
    assert breaker.acquire() is None
    assert (breaker.refused - refused, sim.now, breaker.failure_count) == (2, now, 0)


def test_resilience4j_11_half_open_begins_an_empty_window_of_calls(sim: Simulation) -> None:
    """The failures that opened it do not count again, also when the closed window is one of
    seconds.
    """
    breaker = half_open(sim, rated(sim, seconds=3600.0))
    assert calls(breaker, "+++++++---") == "CLOSED"


def test_resilience4j_12_it_decides_at_the_last_probe_and_not_before(sim: Simulation) -> None:
    """Nine failures in a row leave it half-open; with a minimum of five the fifth decides."""
    breaker = half_open(sim, rated(sim))
    assert calls(breaker, "-" * 9) == "HALF_OPEN"
    assert calls(breaker, "-") == "OPEN"
    early = half_open(sim, rated(sim, minimum=5))
    assert calls(early, "----") == "HALF_OPEN"
    assert calls(early, "+") == "OPEN"


def test_resilience4j_13_four_bad_probes_of_ten_close_it_and_five_open_it(sim: Simulation) -> None:
    """The same share judges the probes; closed, it begins with an empty window."""
    breaker = half_open(sim, rated(sim))
    assert calls(breaker, "----++++++") == "CLOSED"
    assert calls(breaker, "-" * 9) == "CLOSED"
    assert calls(half_open(sim, rated(sim)), "-----+++++") == "OPEN"


def test_resilience4j_14_a_lost_probe_cannot_hold_it(sim: Simulation) -> None:
    """Half-open ends by time when a probe never answers."""
    breaker = CircuitBreaker(1, 10, probe_timeout=20, runtime=sim)
    calls(breaker, "-")
    sim.run()
    ask(breaker)
    sim.run(until=30)
    assert breaker.state == "OPEN"


def test_resilience4j_15_a_late_answer_is_not_counted(sim: Simulation) -> None:
    """Ours differs: it moves nothing when open, and is no probe when half-open."""
    breaker = rated(sim)
    late = [ask(breaker) for _ in range(30)]
    half_open(sim, breaker)
    assert not any(permit.success() for permit in late)
    assert breaker.state == "HALF_OPEN"


def test_resilience4j_16_reset_closes_it_empty(sim: Simulation) -> None:
    """Whatever was recorded is forgotten."""
    breaker = half_open(sim, rated(sim))
    breaker.reset()
    assert calls(breaker, "-" * 9) == "CLOSED"


def test_resilience4j_17_each_breaker_has_its_own_state(sim: Simulation) -> None:
    """One opens, the other knows nothing of it: who wants one limit shares one breaker."""
    one, other = CircuitBreaker(1, runtime=sim), CircuitBreaker(1, runtime=sim)
    assert (calls(one, "-"), other.state) == ("OPEN", "CLOSED")


def test_pybreaker_1_five_failures_and_one_success_by_default(sim: Simulation) -> None:
    """Five in a row open it, one good probe closes it."""
    breaker = CircuitBreaker(runtime=sim)
    assert calls(breaker, "----") == "CLOSED"
    assert calls(breaker, "-") == "OPEN"
    sim.run()
    assert (sim.now, calls(breaker, "+")) == (30, "CLOSED")


def test_pybreaker_2_one_success_zeroes_the_count(sim: Simulation) -> None:
    """Four failures, a success, four failures: closed, however close in time."""
    assert calls(CircuitBreaker(runtime=sim), "----+----") == "CLOSED"


def test_pybreaker_3_the_call_that_trips_tells_its_own_failure(sim: Simulation) -> None:
    """Ours differs: nothing is raised in place of the error."""
    assert ask(CircuitBreaker(1, runtime=sim)).failure("the service said 503") is True


def test_pybreaker_4_what_is_excluded_leaves_the_count_alone(sim: Simulation) -> None:
    """Ours differs: a cancelled call neither adds to the failures in a row nor ends the row."""
    breaker = CircuitBreaker(2, runtime=sim)
    calls(breaker, "-")
    ask(breaker).cancel()
    assert calls(breaker, "-") == "OPEN"


def test_pybreaker_5_the_state_tells_the_truth_without_a_call(sim: Simulation) -> None:
    """Ours differs: after the wait it reads half-open."""
    breaker = CircuitBreaker(1, runtime=sim)
    calls(breaker, "-")
    sim.run()
    assert breaker.state == "HALF_OPEN"


def test_pybreaker_6_calls_run_side_by_side(sim: Simulation) -> None:
    """Ours differs: four calls of a second take a second, closed and half-open, since no lock is
    held meanwhile.
    """
    breaker = CircuitBreaker(1, 10, probes=4, runtime=sim)

    def caller(answer: str) -> None:
        permit = ask(breaker)
        sim.sleep(1.0)
        assert permit.success() if answer == "+" else permit.failure() or True

    for answer, ended in (("-", 1.0), ("+", 12.0)):
        tasks = [sim.spawn(caller, answer) for _ in range(4)]
        for task in tasks:
            task.join()
        assert sim.now == ended
        sim.run()
    assert breaker.state == "CLOSED"


def test_pybreaker_7_a_success_threshold_asks_for_several_and_one_failure_reopens(
    sim: Simulation,
) -> None:
    """Three good probes in a row close it; a bad one among them opens it at once."""
    breaker = half_open(sim, CircuitBreaker(1, probes=3, runtime=sim))
    assert calls(breaker, "++") == "HALF_OPEN"
    assert calls(breaker, "+") == "CLOSED"
    assert calls(half_open(sim, breaker), "+-") == "OPEN"


def test_every_documented_behaviour_is_named_here() -> None:
    """Each number of both lists has its test, and a difference is told where the test says that
    ours differs.
    """
    tests = {
        name: value
        for name, value in globals().items()
        if re.match("test_(resilience4j|pybreaker)_", name)
    }
    tested = {
        f"{library} {number}"
        for name in tests
        for library, numbers in re.findall(
            r"test_(resilience4j|pybreaker)_((?:\d+_and_)?\d+)_", name
        )
        for number in numbers.split("_and_")
    }
    everything = {f"resilience4j {n}" for n in RESILIENCE4J} | {f"pybreaker {n}" for n in PYBREAKER}
    assert tested == everything
    assert set(OTHERWISE) <= everything and all(OTHERWISE.values())
    for name, test in tests.items():
        numbers = re.match(r"test_(\w+?)_(\d+)", name)
        assert numbers is not None
        if "Ours differs" in (test.__doc__ or ""):
            assert " ".join(numbers.groups()) in OTHERWISE
