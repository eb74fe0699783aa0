"""The figures that notebook 05 and its notes for instructors state in prose and no cell prints."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from mqlearn.study.analysis.breakers import BreakerAnalysis
from mqlearn.units.circuit_breaker.scenario import GuardedCalls
from tests.units.circuit_breaker.naive import from_notebook

PRESETS = GuardedCalls.PRESETS
NAMES = from_notebook()


def run(preset: str, **moved: Any) -> Any:
    """A preset with some fields moved."""
    return GuardedCalls(**{**PRESETS[preset], **moved}).run(0)


def waited(of: Any) -> int:
    """How many waited at most, as the headline says."""
    return int(of.headline.split("at most ")[1].split()[0].replace(",", ""))


@pytest.mark.parametrize(
    ("cooldown", "waits", "probes"),
    [
        (1.0, 469, 59),
        (5.0, 460, 16),
        (10.0, 507, 9),
        (30.0, 491, 3),
        (60.0, 643, 2),
    ],
)
def test_a_cool_down_costs_probes_or_time(cooldown: float, waits: int, probes: int) -> None:
    """In the lab's hard outage."""
    found = run("hard outage", cooldown=cooldown)
    assert (waited(found), found.totals["probes"]) == (waits, probes)


@pytest.mark.parametrize(("threshold", "share"), [(1, 80), (5, 38), (20, 38)])
def test_how_low_and_how_high_a_threshold_may_be(threshold: int, share: int) -> None:
    """One failure opens it all the time; twenty do no harm, since in an outage they come within
    seconds.
    """
    found = run("hard outage", threshold=threshold)
    assert f"was open {share}% of the time" in found.verdict and found.totals["dead"] == 0


def test_one_failure_is_no_outage() -> None:
    """With a threshold of 1 the breaker is the outage: more than 800 orders wait at the end."""
    assert run("hard outage", threshold=1).totals["left"] > 800


@pytest.mark.parametrize(
    ("retries", "backoff", "dead"),
    [
        (6, 1.0, 134),
        (6, 1.5, 3),
        (7, 1.0, 2),
        (5, 3.0, 5),
        (4, 6.0, 5),
        (3, 1.0, 414),
    ],
)
def test_a_long_horizon_saves_them_without_a_breaker(
    retries: int, backoff: float, dead: int
) -> None:
    """Whatever outlasts 90 s, up to the orders that chance fails at their last try."""
    assert (
        run("hard outage", breaker="none", retries=retries, backoff=backoff).totals["dead"] == dead
    )


def test_what_the_breaker_spares_the_service() -> None:
    """2,300 calls and more, compared with retries that save as many orders."""
    calm = run("hard outage").totals["tries"]
    for retries, backoff in ((7, 1.0), (6, 1.5)):
        more = (
            run("hard outage", breaker="none", retries=retries, backoff=backoff).totals["tries"]
            - calm
        )
        assert 2300 < more < 2700


@pytest.mark.parametrize("slow_time", [20.0, 60.0])
def test_nobody_dies_in_a_brown_out(slow_time: float) -> None:
    """All are answered in the end, with or without a breaker."""
    for breaker in ("none", "rate"):
        assert run("brown-out", breaker=breaker, slow_time=slow_time).totals["dead"] == 0


@pytest.mark.parametrize(
    ("cooldown", "opened", "waits"),
    [
        (1.0, 39, 197),
        (5.0, 12, 237),
        (10.0, 6, 218),
        (15.0, 6, 473),
        (30.0, 3, 435),
    ],
)
def test_a_flapping_service_is_met_at_the_right_or_the_wrong_moment(
    cooldown: float, opened: int, waits: int
) -> None:
    """Ten seconds down, ten up: whoever looks after 15 s closes when the good ten seconds are
    over.
    """
    found = run("flapping", cooldown=cooldown)
    assert (found.totals["opened"], waited(found)) == (opened, waits)


def test_a_brown_out_may_need_long_to_show_five_in_a_row() -> None:
    """Half of the calls fail: one time in a hundred it takes more than some 280 calls."""
    counts = sorted(NAMES["calls_until_open"](0.5, Random(seed)) for seed in range(2000))
    assert 240 < counts[1980] < 330


def test_a_breaker_costs_more_waiting_in_a_brown_out() -> None:
    """Slow calls as the notebook counts them, and who waits."""
    calm, plain = (run("brown-out", window=300.0, slow_after=after) for after in (5.0, 0.0))
    assert plain.totals["opened"] == 0 and waited(calm) > 1.4 * waited(plain)


def test_calls_a_second_in_the_outage_without_a_breaker() -> None:
    """Five orders a second, tried four times each."""
    found = GuardedCalls(breaker="none").run(0)
    tries = sum(
        record.event == "started" and 70 <= record.time < 120 for record in found.trace.records
    )
    assert tries / 50 == pytest.approx(20, abs=1.5)


def test_at_most_three_hundred_wait_for_a_minute() -> None:
    """The orders that came first after it had opened wait longest: about as long as it was not
    closed.
    """
    jobs = GuardedCalls().run(0).jobs()
    waits = jobs.wait.max()
    assert 58 < waits < 66 and 61 < jobs.sent[jobs.wait.idxmax()] < 68


def test_some_ten_more_wait_than_rate_times_time() -> None:
    """Orders that had failed just before it opened, and calls that were under way; 295 to 350 in
    all.
    """
    more, all_told = [], []
    for seed in range(12):
        found = GuardedCalls().run(seed)
        began, ended = BreakerAnalysis(found.trace.records, 0.0, found.until).shut[0]
        depth = found.depth()
        waits = depth[depth.index < ended][["waiting", "delayed"]].iloc[-1].sum()
        before = depth[depth.index <= began].iloc[-1]
        all_told.append(waits)
        more.append(before.waiting + before.delayed + before.in_flight)
    assert min(all_told) >= 295 and max(all_told) <= 350 and 8 < sum(more) / 12 < 14
