"""Unit 01's scenario: who arrives with which priority, who waits, and what theory and verdict say
of it.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from statistics import fmean, stdev
from typing import Any

import pytest

from mqlearn import MessagePriority, Simulation
from mqlearn.messaging.percentile import percentile
from mqlearn.study.run import Run
from mqlearn.units.messages_and_queues.scenario import (
    URGENT_FIRST,
    PriorityAnalysis,
    PriorityMix,
)

COBHAM = {"CRITICAL": 0.833, "HIGH": 0.992, "NORMAL": 1.832, "LOW": 7.692, "all": 4.0}


def p95(values: list[float]) -> float:
    """The 95th percentile of values in any order."""
    return percentile(sorted(values), 95)


def means(run: Run) -> dict[str, float]:
    """The mean wait of each priority that occurs, in seconds, from the run's own table of jobs."""
    jobs = run.jobs().dropna(subset="wait")
    return {**jobs.groupby("priority")["wait"].mean().to_dict(), "all": jobs["wait"].mean()}


def test_theory_is_cobhams() -> None:
    """One server, λ 0.8, μ 1, shares 40, 40, 15 and 5 %: the mean waits, which average to
    first-come-first-served's.
    """
    theory = PriorityMix().run(0).theory
    assert theory["wait_by_priority"] == pytest.approx(COBHAM, abs=5e-4)
    assert theory["wait"] == pytest.approx(4.0) and theory["utilisation"] == pytest.approx(0.8)


@pytest.mark.parametrize(
    "settings", [{}, {"times": "constant"}, {"workers": 3, "rate": 2.4}], ids=str
)
def test_runs_scatter_around_theory(settings: dict[str, Any]) -> None:
    """The mean of 30 runs comes near each of Cobham's waits: within four standard errors, and an
    empty start.
    """
    runs = [PriorityMix(minutes=20, **settings).run(seed) for seed in range(30)]
    found = [means(run) for run in runs]
    for name, expected in runs[0].theory["wait_by_priority"].items():
        here = [each[name] for each in found]
        error = stdev(here) / math.sqrt(len(here))
        assert -4 * error - 0.05 * expected < fmean(here) - expected < 4 * error, name


def test_one_priority_is_first_come_first_served() -> None:
    """When everything is critical nothing is: all leave as they came, and the mean wait is FIFO's 4
    s by theory.
    """
    run = PriorityMix(critical=100, high=0, normal=0, low=0).run(0)
    order = [record.entry for record in run.trace.records if record.event == "received"]
    assert order == sorted(order)
    assert run.theory["wait_by_priority"] == pytest.approx({"CRITICAL": 4.0, "all": 4.0})
    assert (
        run.verdict
        == f"All are CRITICAL and wait {means(run)['all']:.3g} s on average; theory says 4 s."
    )


def test_with_equal_services_priorities_only_move_waiting() -> None:
    """Where every service takes as long, the sum of all waits is the same to the nanosecond,
    whoever goes first.
    """
    mixed, single = (
        PriorityMix(times="constant", **shares).run(5)
        for shares in ({}, {"critical": 0, "high": 0, "low": 0})
    )
    assert means(mixed)["all"] == pytest.approx(means(single)["all"], abs=1e-9)
    assert means(mixed)["LOW"] > 2 * means(mixed)["CRITICAL"]


@pytest.mark.parametrize(
    "settings",
    [
        {"rate": 1.0},
        {"rate": 1.3},
        {"ttl": 5.0},
        {"times": "constant", "workers": 2, "rate": 1.6},
    ],
    ids=str,
)
def test_theory_is_silent_where_it_does_not_hold(settings: dict[str, Any]) -> None:
    """No steady state, waits cut short, or only an approximation: no expected wait is drawn."""
    assert not {"wait", "wait_by_priority"} & set(PriorityMix(**settings).run(0).theory)


def test_the_shares_are_parts_of_their_sum() -> None:
    """4 : 3 : 2 : 1 makes 40, 30, 20 and 10 %, in a draw's order: urgent ones have the low
    draws.
    """
    mix = PriorityMix(critical=4, high=3, normal=2, low=1)
    drawn = Counter(mix.priority(i / 1000).name for i in range(1000))
    assert drawn == {"CRITICAL": 400, "HIGH": 300, "NORMAL": 200, "LOW": 100}
    assert mix.priority(0.0) is MessagePriority.CRITICAL
    assert replace(mix, critical=0).priority(0.0) is MessagePriority.HIGH
    sent = Counter(
        r.priority for r in PriorityMix(minutes=60).run(1).trace.records if r.event == "sent"
    )
    for name, part in PriorityMix().parts.items():
        assert sent[name] / sent.total() == pytest.approx(part / 100, abs=0.03)


def test_arrivals_end_with_the_minutes_and_the_rest_is_worked_off() -> None:
    """Nobody is left when a run ends, however long the line was when the shop closed."""
    run = PriorityMix(rate=1.3, minutes=5).run(2)
    sent = [record.time for record in run.trace.records if record.event == "sent"]
    books = run.trace.balance()
    assert sent[-1] <= 300 < run.until and len(sent) == pytest.approx(390, abs=80)
    assert books.completed == books.accepted == len(sent) and books.waiting == books.in_flight == 0


def test_a_slider_of_time_squeezes_the_same_arrivals() -> None:
    """Twice the rate: the same messages in half the time, each with the priority it had."""
    slow, fast = (
        [
            (r.time, r.message_id, r.priority)
            for r in PriorityMix(rate=rate).run(3).trace.records
            if r.event == "sent"
        ]
        for rate in (0.4, 0.8)
    )
    assert len(fast) > len(slow) > 150
    for (late, name, priority), (early, same, kept) in zip(slow, fast, strict=False):
        assert (name, priority) == (same, kept) and early == pytest.approx(late / 2, abs=1e-9)


def test_the_starved_wait_until_the_shop_closes() -> None:
    """Where the more urgent fill the worker, LOW is served after them: most of it once nobody else
    comes.
    """
    run = PriorityMix(**PriorityMix.PRESETS["starved"]).run(0)
    tally = PriorityAnalysis(run.trace.records, 600.0)
    assert tally.left["LOW"] / tally.sent["LOW"] > 0.7 and tally.left["CRITICAL"] <= 1
    assert run.verdict == (
        f"LOW waits {tally.mean('LOW'):.3g} s on average, CRITICAL {tally.mean('CRITICAL'):.3g} s: "
        "work for 1.3 "
        f"workers arrives, and there is 1; {tally.left['LOW']} of {tally.sent['LOW']} LOW still "
        "wait when the shop "
        "closes."
    )


def test_when_most_are_critical_they_wait_like_everybody() -> None:
    """A high priority is worth something only while few have it."""
    rare, usual = (
        PriorityMix(minutes=60).run(0),
        PriorityMix(minutes=60, **PriorityMix.PRESETS["everything is critical"]).run(0),
    )
    assert (
        means(usual)["CRITICAL"] > 2.5 * means(rare)["CRITICAL"]
        and means(usual)["LOW"] > means(rare)["LOW"]
    )


def test_stale_quotes_expire_and_nobody_waits_longer_than_the_ttl() -> None:
    """Expiry is with that reason, after the TTL, and found late; what is handed out is fresh."""
    scenario = PriorityMix(**PriorityMix.PRESETS["stale quotes"])
    run = scenario.run(0)
    jobs, records = run.jobs(), run.trace.records
    expired = [record for record in records if record.event == "expired"]
    assert len(expired) > 50 and run.totals["expired"] == len(expired)
    assert jobs["wait"].max() <= scenario.ttl and set(
        jobs.loc[jobs["outcome"] == "dead", "reason"]
    ) == {"expired"}
    late = fmean(record.time - record.detail for record in expired)
    low = sum(record.priority == "LOW" for record in expired)
    assert late > 0 and run.verdict.endswith(
        f"{len(expired)} of {len(jobs)} expired, {low} of them LOW; they were still counted as "
        "waiting for another "
        f"{late:.3g} s on average."
    )


def test_where_all_that_expired_have_one_priority_the_verdict_says_all() -> None:
    """Not "13 of 479 expired, 13 of them LOW"."""
    run = PriorityMix(ttl=10.0).run(0)
    assert {record.priority for record in run.trace.records if record.event == "expired"} == {"LOW"}
    assert f"{run.totals['expired']} of 479 expired, all of them LOW; " in run.verdict


@pytest.mark.parametrize(
    "settings", [{}, *PriorityMix.PRESETS.values(), {"workers": 3, "rate": 2.4}], ids=str
)
def test_totals_say_what_the_table_of_jobs_says(settings: dict[str, Any]) -> None:
    """Means and percentiles, computed in another way: 95 % wait no longer than p95, and it is one
    of the waits.
    """
    run = PriorityMix(**settings).run(1)
    jobs = run.jobs().dropna(subset="wait")
    assert run.totals["mean_wait_s"] == pytest.approx(jobs["wait"].mean())
    for name, rows in (
        ("p95_wait_s", jobs),
        ("critical_p95_s", jobs[jobs["priority"] == "CRITICAL"]),
        ("low_p95_s", jobs[jobs["priority"] == "LOW"]),
    ):
        bound = run.totals[name]
        assert (
            bound in set(rows["wait"])
            and (rows["wait"] <= bound).mean() >= 0.95 > (rows["wait"] < bound).mean()
        )


def test_a_prediction_is_of_the_mean_of_all() -> None:
    """The verdict says what was said and what it is."""
    run = PriorityMix(prediction=1.5).run(0)
    assert run.verdict.endswith(f"You said 1.5 s for all, it is {run.totals['mean_wait_s']:.3g} s.")
    assert run.trace.records == PriorityMix().run(0).trace.records


def test_nobody_came() -> None:
    """An empty run says so, and divides by nothing."""
    quiet = PriorityMix(rate=0.1, minutes=1)
    run = next(run for run in map(quiet.run, range(5000)) if not run.totals["sent"])
    assert run.verdict == "Nothing was handed out." and math.isnan(run.totals["mean_wait_s"])


def test_it_runs_in_a_simulation_that_it_is_given() -> None:
    """The same run, on a runtime that somebody else has opened."""
    with Simulation(4) as sim:
        run = PriorityMix().run(4, runtime=sim)
    assert run.trace.records == PriorityMix().run(4).trace.records


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        ({"rate": 0.0}, "rate must be"),
        ({"critical": -1}, "critical must be"),
        ({"minutes": 61}, "minutes must be"),
        ({"times": "uniform"}, "times must be one of"),
        ({"ttl": 0.5}, "ttl must be"),
        ({"workers": 2.5}, "workers must be"),
        (
            {"critical": 0, "high": 0, "normal": 0, "low": 0},
            r"critical \+ high \+ normal \+ low must be positive, got 0",
        ),
    ],
    ids=str,
)
def test_a_field_is_refused_outside_its_range(settings: dict[str, Any], rule: str) -> None:
    """The error names the field, its rule and the value."""
    with pytest.raises((ValueError, TypeError), match=rule) as refused:
        PriorityMix(**settings)
    assert str(next(iter(settings.values()))) in str(refused.value)


def test_a_percentile_by_hand() -> None:
    """Of twenty waits the nineteenth, of two the longer one, of none nothing."""
    assert p95([float(n) for n in range(20, 0, -1)]) == 19.0
    assert p95([1.0, 2.0]) == 2.0 and math.isnan(p95([]))
    assert tuple(MessagePriority[name].value for name in URGENT_FIRST) == (4, 3, 2, 1)


def test_headlines_fit_a_chart_and_leave_the_prediction_to_the_verdict() -> None:
    """Two lines of a picture hold some 115 letters; whatever the incident, nothing is cut off."""
    for settings in ({}, {"workers": 10}, *PriorityMix.PRESETS.values()):
        run = PriorityMix(prediction=2.0, **settings).run(seed=0)
        assert run.headline.startswith("LOW waits") and len(run.headline) <= 115
        assert "You said" in run.verdict and "You said" not in run.headline
