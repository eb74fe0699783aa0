"""Unit 04's scenario: who dies in an outage, what the recovery brings, the collapse, and the way
back from it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from mqlearn import Simulation
from mqlearn.study.analysis.loads import LoadAnalysis
from mqlearn.study.run import Run
from mqlearn.units.retries_and_dead_letters.scenario import CardOutage

# 120 s without a card service
TWO_MINUTES = CardOutage(arrivals="regular", window=210.0, outage_to=140.0)
LONG = {"base": 2.0, "retries": 6}  # 2 + 4 + … + 64 s: six retries outlast it
HERD = CardOutage(**CardOutage.PRESETS["thundering herd"])
COLLAPSE = CardOutage(arrivals="regular", **CardOutage.PRESETS["the collapse"])
REDRIVE = CardOutage(arrivals="regular", **CardOutage.PRESETS["redrive all at once"])


def load(run: Run) -> LoadAnalysis:
    """The run's tries and completions by the second."""
    return LoadAnalysis(run.trace.records, 0.0, run.until)


def reasons(run: Run) -> Counter[str]:
    """Dead letters by reason, those redriven later included."""
    return Counter(record.detail for record in run.trace.records if record.event == "dead")


@pytest.mark.parametrize(
    ("settings", "dead"),
    [
        ({"policy": "at once"}, 1200),
        ({}, 1130),
        ({"policy": "fixed", "base": 2.0}, 1140),
        (LONG, 0),
    ],
    ids=["at once", "1+2+4", "2+2+2", "2+…+64"],
)
def test_who_dies_in_two_minutes_without_jitter(settings: dict[str, Any], dead: int) -> None:
    """All whose last retry comes before the end: exactly what theory says."""
    run = replace(TWO_MINUTES, **settings).run(0)
    assert run.totals["dead"] == dead == run.theory["dead"]
    assert run.verdict.startswith(f"{dead:,} of 2,100 orders died, theory {dead:,}.")
    assert set(reasons(run)) <= {"retries exhausted"}


@pytest.mark.parametrize(("jitter", "dead"), [("full", 568), ("equal", 252)])
def test_jitter_shortens_the_horizon(jitter: str, dead: int) -> None:
    """570 and 255 on average; 568 and 252, found elsewhere, are within the spread of a few runs."""
    runs = [replace(TWO_MINUTES, jitter=jitter, **LONG).run(seed) for seed in range(3)]
    found = [run.totals["dead"] for run in runs]
    assert all(abs(each - dead) < 0.1 * dead + 20 for each in found)
    assert abs(sum(found) / 3 - runs[0].theory["dead"]) < 8
    assert runs[0].theory["dead"] == pytest.approx(dead, abs=4)


@pytest.mark.parametrize(
    ("jitter", "peaks"), [("none", (600, 600)), ("full", (22, 34)), ("equal", (40, 54))]
)
def test_a_herd_comes_back_in_one_second_or_spread_out(jitter: str, peaks: tuple[int, int]) -> None:
    """600 orders failed within a second: 600 a second at recovery, some 27 with full and 46 with
    equal jitter.
    """
    found = [replace(HERD, jitter=jitter).run(seed).totals["peak_per_s"] for seed in range(3)]
    assert peaks[0] <= min(found) and max(found) <= peaks[1]


def test_the_herd_kills_by_itself() -> None:
    """Most of it times out at a service that is up again, and a fifth is dead in the end; with
    equal jitter none.
    """
    run = HERD.run(0)
    timeouts = sum(record.detail == "failed: timeout" for record in run.trace.records)
    assert run.totals["dead"] == 122 and timeouts > 350
    assert replace(HERD, jitter="equal").run(0).totals["dead"] == 0


def test_chance_spreads_arrivals_as_jitter_would() -> None:
    """Orders that came one by one fail one by one: jitter lowers no peak of theirs."""
    peaks = {
        jitter: replace(TWO_MINUTES, arrivals="poisson", jitter=jitter).run(0).totals["peak_per_s"]
        for jitter in ("none", "full")
    }
    assert peaks["full"] > 0.8 * peaks["none"]


@pytest.mark.parametrize("jitter", ["none", "full", "equal"])
def test_a_collapse_outlives_its_cause(jitter: str) -> None:
    """The service is well from 50 s on, and nothing is ever done again: some 39 tries a second are
    the load.
    """
    run = replace(COLLAPSE, jitter=jitter).run(0)
    assert load(run).goodput(0, 20) == pytest.approx(10, abs=0.1)
    assert load(run).goodput(60, 180) == 0 == run.totals["goodput_per_s"]
    assert load(run).tries(120, 180) == pytest.approx(39.5, abs=1.0)
    assert (
        "The cause ended at 50 s, and " in run.verdict and "the retries are the load" in run.verdict
    )


def test_without_retries_there_is_no_collapse() -> None:
    """The same slow-down is over when the service has worked off what piled up."""
    run = replace(COLLAPSE, retries=0).run(0)
    assert load(run).goodput(120, 180) == pytest.approx(10, abs=0.1)


@pytest.mark.parametrize("refused", ["dies", "waits"])
def test_a_budget_brings_it_back(refused: str) -> None:
    """One retry for ten first tries: at least 9.8 a second are done again from 70 s after the cause
    on.
    """
    run = replace(COLLAPSE, budget=0.1, refused=refused).run(0)
    assert load(run).goodput(50, 60) < 1
    assert load(run).goodput(120, 180) >= 9.8
    assert load(run).tries(120, 180) <= 11.1
    first = next(s for s in range(50, 170) if load(run).goodput(s, s + 10) >= 9)
    assert first <= 110, "a minute"


def test_what_the_budget_refuses_is_dead_or_waits() -> None:
    """Dead at once, with the reason; or given back, which kills nobody and leaves a line that
    drains at the budget.
    """
    dies, waits = (
        replace(COLLAPSE, budget=0.1, refused=refused).run(0) for refused in ("dies", "waits")
    )
    assert reasons(dies)["retry budget spent"] > 500 and dies.totals["left"] <= 1
    assert waits.totals["dead"] == 0 and 300 < waits.totals["left"] < 600
    assert any(record.event == "postponed" for record in waits.trace.records)
    assert {record.detail for record in dies.trace.records if record.event == "finished"} <= {
        "completed",
        "failed: timeout",
    }


@pytest.mark.parametrize(("workers", "comes_back"), [(20, True), (40, False), (100, False)])
def test_a_pool_caps_the_load_by_itself(workers: int, comes_back: bool) -> None:
    """W workers that wait 2 s make W/2 tries a second: 20 of them leave a service of 20 a second
    room.
    """
    run = replace(COLLAPSE, workers=workers).run(0)
    assert (run.totals["goodput_per_s"] > 9) == comes_back
    assert load(run).peak(50) <= max(workers / 2, 20) + 2


@pytest.mark.parametrize(("rate", "ends_well"), [(0, False), (4, True), (8, True), (15, False)])
def test_a_redrive_needs_room(rate: float, ends_well: bool) -> None:
    """230 dead, 10 a second to spare: at 4 or 8 a second all are done, at 15 or at once nothing
    ever is again.
    """
    run = replace(REDRIVE, redrive_rate=float(rate)).run(0)
    assert sum(record.event == "redriven" for record in run.trace.records) == 230
    assert run.totals["dead"] == 0 if ends_well else run.totals["goodput_per_s"] == 0


def test_a_poison_order_is_tried_in_vain_and_dies_alone() -> None:
    """One order is dead after nine tries at one instant, with what it died of; nobody else is
    hurt.
    """
    run = CardOutage(arrivals="regular", **CardOutage.PRESETS["one poison order"]).run(0)
    assert run.totals["dead"] == 1 and run.totals["tries"] == 1200 + 8
    (dead,) = run.jobs()[lambda jobs: jobs.outcome == "dead"].itertuples()
    assert dead.reason == "retries exhausted" and dead.tries == 9 and dead.sojourn < 0.2


@pytest.mark.parametrize(
    "settings",
    [
        {"outage": "hangs"},
        {"arrivals": "all at once"},
        {"failure_rate": 0.1},
        {"poison": 0.01},
        {"budget": 0.1},
        {"redrive_at": 60.0},
        {"outage_to": 130.0},
        {"capacity": 15.0, "base": 4.0},
    ],
    ids=str,
)
def test_theory_is_silent_where_it_does_not_hold(settings: dict[str, Any]) -> None:
    """Only refused calls are counted by the formula."""
    assert "dead" not in replace(CardOutage(), **settings).run(0).theory


def test_without_an_outage_nothing_happens() -> None:
    """Its end before its beginning is no outage, and no order dies."""
    run = CardOutage(arrivals="regular", outage_from=50.0, outage_to=20.0, prediction=7.0).run(0)
    assert run.verdict == (
        "0 of 1,200 orders died, theory 0. At most 10 tries a second, 10 done "
        "at the end. "
        "You said 7, it is 0."
    )


def test_it_runs_on_a_runtime_that_it_is_given() -> None:
    """The same run, in a simulation that somebody else has opened."""
    with Simulation(4) as sim:
        run = CardOutage().run(4, runtime=sim)
    assert run.trace.records == CardOutage().run(4).trace.records


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("policy", "hope", "policy must be one of"),
        ("retries", 9, "retries must be"),
        ("budget", 0.6, "budget must be"),
        ("capacity", 5.0, "capacity must be"),
        ("outage", "rain", "outage must be one of"),
    ],
)
def test_a_field_is_refused_outside_its_range(field: str, value: Any, rule: str) -> None:
    """The error names the field, its rule and the value."""
    with pytest.raises(ValueError, match=rule) as refused:
        replace(CardOutage(), **{field: value})
    assert str(value) in str(refused.value)
