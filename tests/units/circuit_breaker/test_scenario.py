"""Unit 05's scenario: who dies in an outage and who waits, what naive breakers do to orders, and
what theory says.
"""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import mean, stdev
from typing import Any

import pytest

from mqlearn import Simulation
from mqlearn.study.analysis.breakers import BreakerAnalysis
from mqlearn.study.run import Run
from mqlearn.units.circuit_breaker.by_hand import run_with_breaker
from mqlearn.units.circuit_breaker.scenario import GuardedCalls
from tests.units.circuit_breaker.naive import from_notebook

NAMES = from_notebook()
DAY = GuardedCalls()
BARE = replace(DAY, breaker="none")


def story(run: Run) -> BreakerAnalysis:
    """What its breaker did."""
    return BreakerAnalysis(run.trace.records, 0.0, run.until)


def untried(run: Run) -> int:
    """How many dead letters there are of orders for which the service was never called."""
    tried = {record.message_id for record in run.trace.records if record.event == "started"}
    return sum(
        record.event == "dead" and record.message_id not in tried for record in run.trace.records
    )


def test_without_a_breaker_the_outage_kills() -> None:
    """All whose three retries, 7 s, end before it does: 5 a second for 53 s, and the scatter of
    arrivals.
    """
    dead = [replace(BARE, failure_rate=0.0).run(seed).totals["dead"] for seed in range(3)]
    assert all(abs(each - 265) < 4 * math.sqrt(265) for each in dead)
    assert abs(mean(dead) - 265) < 4 * math.sqrt(265 / 3)


@pytest.mark.parametrize("seed", range(3))
def test_behind_the_breaker_they_wait(seed: int) -> None:
    """Nobody dies, one probe fails and one succeeds, and hardly any call is made in the outage."""
    run = DAY.run(seed)
    assert run.totals["dead"] == 0 and [probe.good for probe in story(run).probes] == [False, True]
    assert (
        sum(record.event == "started" and 65 < record.time < 120 for record in run.trace.records)
        == 1
    )
    assert (
        sum(r.event == "started" and 65 < r.time < 120 for r in BARE.run(seed).trace.records) > 800
    )


def test_an_open_breaker_that_nacks_kills_what_was_never_tried() -> None:
    """Take, then ask: orders end as dead letters without a call of theirs ever being made; ask,
    then take: none.
    """
    naive = run_with_breaker(DAY, NAMES["NaiveBreaker"](), NAMES["take_then_ask"])
    assert (
        naive.totals["dead"] > BARE.run(0).totals["dead"]
        and untried(naive) > 0.9 * naive.totals["dead"]
    )
    kind = run_with_breaker(DAY, NAMES["InARow"](), NAMES["ask_then_take"])
    assert kind.totals["dead"] == untried(kind) == untried(DAY.run(0)) == 0


@pytest.mark.parametrize(("failing", "share"), [(0.01, 0.37), (0.05, 0.76)])
def test_a_breaker_that_counts_for_ever_is_open_for_most_of_a_good_day(
    failing: float, share: float
) -> None:
    """37 % and 76 % of the time at ten calls a second; one that counts in a row never is."""
    hours = [NAMES["drive"](NAMES["NaiveBreaker"](), failing, seed=seed) for seed in range(8)]
    error = stdev(hours) / math.sqrt(len(hours))
    assert abs(mean(hours) - share) < 0.005 + 2.5 * error, "37 stands for 37.7"
    assert NAMES["drive"](NAMES["InARow"](), failing) == 0


def test_it_opens_again_when_nothing_is_wrong() -> None:
    """In the scenario too: after the outage the naive one opens at 156 s and at 230 s, the other
    one not.
    """
    naive = story(run_with_breaker(DAY, NAMES["NaiveBreaker"](), NAMES["take_then_ask"]))
    assert [
        round(span.start) for span in naive.spans if span.state == "OPEN" and span.start > 125
    ] == [156, 230]
    assert all(span.start < 125 for span in story(DAY.run(0)).spans if span.state == "OPEN")


@pytest.mark.parametrize("failing", [0.3, 0.5, 0.8])
def test_five_in_a_row_come_as_often_as_the_formula_says(failing: float) -> None:
    """586 calls at 30 %, 62 at 50 %; the mean of 200 within three of its standard errors."""
    from random import Random

    counts = [NAMES["calls_until_open"](failing, Random(seed)) for seed in range(200)]
    expected = {0.3: 586.46, 0.5: 62.0, 0.8: 10.26}[failing]
    assert abs(mean(counts) - expected) < 3 * stdev(counts) / math.sqrt(200)


def test_half_open_lets_the_herd_in_or_one() -> None:
    """Twenty workers, twice twenty probes; the package's admits one each time, or as many as it is
    told.
    """
    herd = story(run_with_breaker(DAY, NAMES["InARow"](), NAMES["ask_then_take"])).probes
    assert [sum(probe.good for probe in herd), len(herd)] == [20, 40]
    for probes in (1, 3):
        run = replace(DAY, probes=probes).run(0)
        assert story(run).probes[-1].good and len(story(run).probes) <= 2 * probes
        first = next(span for span in story(run).spans if span.state == "HALF_OPEN")
        assert (
            sum(
                r.event == "started" and first.start <= r.time <= first.end
                for r in run.trace.records
            )
            == probes
        )


def test_an_old_answer_closes_the_naive_one_only() -> None:
    """The call of order-50 began at 16.5 s and is answered at 61.5 s, half-open: closed, or
    nothing.
    """
    night = GuardedCalls(rate=3.0, window=120.0, workers=10, outage_from=20.0, outage_to=100.0)
    fooled = run_with_breaker(night, NAMES["InARow"](), NAMES["ask_then_take"], call=NAMES["stuck"])
    calm = run_with_breaker(night, call=NAMES["stuck"])
    for run in (fooled, calm):
        order = run.tries()[lambda tries: tries.message_id == "order-50"].iloc[0]
        assert round(order.start, 1) == 16.5 and round(order.end, 1) == 61.5
        at = next(span for span in story(run).spans if span.start < order.end <= span.end)
        assert at.state == "HALF_OPEN" and 52 < at.start < 54
    ends = [next(span for span in story(run).spans if span.start > 60) for run in (fooled, calm)]
    assert (ends[0].state, round(ends[0].start, 1)) == ("CLOSED", 61.5)
    assert (ends[1].state, round(ends[1].start, 1)) == ("OPEN", 72.4)


@pytest.mark.parametrize("down", [30.0, 60.0, 90.0])
def test_what_waits_at_the_close_is_rate_times_time(down: float) -> None:
    """λ · T with the scatter of Poisson arrivals; worked off after B / (c − λ), whose scatter is
    larger.
    """
    for seed in range(2):
        scenario = GuardedCalls(window=300.0, outage_to=60.0 + down)
        run = scenario.run(seed)
        ((began, ended),) = story(run).shut
        depth = run.depth()
        waits = int(depth[depth.index < ended][["waiting", "delayed"]].iloc[-1].sum())
        came = 5.0 * (ended - began)
        assert (
            abs(waits - came) < 3 * math.sqrt(came) + 7
            and f"{waits} orders waited: " in run.verdict
        )
        assert abs(run.theory["depth"] - came) <= 15, "and what waited when it opened"
        drained = depth.loc[ended:].query("waiting == 0").index[0] - ended
        assert abs(drained - scenario.drain(waits)) < 0.35 * scenario.drain(waits)


def test_a_poison_order_opens_it_unless_it_is_rejected() -> None:
    """Five failures of one order are five failures; a rejection says nothing of the service."""
    opened, calm = NAMES["serve"](ValueError), NAMES["serve"](NAMES["Reject"])
    assert story(opened).count("OPEN") == 2 and opened.until > 60
    assert story(calm).count("OPEN") == 0 and calm.until == 10


@pytest.mark.parametrize("breaker", ["none", "in a row", "rate"])
@pytest.mark.parametrize("trouble", ["down", "slow"])
def test_the_verdict_says_what_the_chart_shows(trouble: str, breaker: str) -> None:
    """How often it opened, for how long, and what waited: all of it is in the records."""
    run = GuardedCalls(trouble=trouble, breaker=breaker, slow_after=5.0, prediction=12.0).run(1)
    told, totals = run.verdict, run.totals
    assert told.startswith(f"{totals['dead']:,} of {totals['sent']:,} orders died.")
    assert "You said 12, it is " in told and run.headline.startswith(told[: told.index(" died")])
    if breaker == "none":
        assert "No breaker opened." in told and "waited: " not in told
    else:
        times = {1: "once", 2: "twice"}.get(int(totals["opened"]), f"{totals['opened']} times")
        assert f"opened {times} and was open {round(totals['open_%']):.0f}% of the time" in told
        assert "When it closed, at " in told


def test_what_died_meanwhile_is_not_expected_to_wait() -> None:
    """The naive breaker's dead are named in the sentence, and theory draws no line."""
    run = run_with_breaker(
        replace(DAY, backoff=0.0), NAMES["NaiveBreaker"](), NAMES["take_then_ask"]
    )
    assert "have died" in run.verdict and "depth" not in run.theory


def test_one_that_is_not_closed_at_the_end_says_so() -> None:
    """The last stretch reaches the end of the window."""
    run = replace(DAY, window=100.0).run(0)
    assert "It is not closed at the end, and " in run.verdict and run.theory["depth"] > 150


@pytest.mark.parametrize(
    ("settings", "spans"),
    [
        ({}, ((60.0, 120.0),)),
        ({"outage_to": 60.0}, ()),
        ({"outage_to": 300.0}, ((60.0, 240.0),)),
        ({"flap": 25.0}, ((60.0, 85.0), (110.0, 120.0))),
        ({"outage_from": 290.0, "outage_to": 300.0}, ()),
    ],
    ids=str,
)
def test_when_the_service_is_in_trouble(settings: dict[str, Any], spans: tuple[Any, ...]) -> None:
    """Once, never, or on and off; never after the end of the run."""
    assert replace(DAY, **settings).broken == spans


def test_it_runs_on_a_runtime_that_it_is_given() -> None:
    """The same run, in a simulation that somebody else has opened."""
    with Simulation(4) as sim:
        run = DAY.run(4, runtime=sim)
    assert run.trace.records == DAY.run(4).trace.records


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("breaker", "fuse", "breaker must be one of"),
        ("probes", 0, "probes must be"),
        ("share", 1.5, "share must be"),
        ("cooldown", 0.5, "cooldown must be"),
        ("trouble", "rain", "trouble must be"),
        ("threshold", 2.5, "threshold must"),
    ],
)
def test_a_field_is_refused_outside_its_range(field: str, value: Any, rule: str) -> None:
    """The error names the field, its rule and the value."""
    with pytest.raises((ValueError, TypeError), match=rule) as refused:
        replace(DAY, **{field: value})
    assert str(value) in str(refused.value)
