"""Unit 06's scenario: what a batch carries, how long it takes, whom one bad order takes with it."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from mqlearn import Simulation
from mqlearn.study.analysis.batches import (
    BatchAnalysis,
    filling,
    least_size,
    throughput,
)
from mqlearn.study.run import Run
from mqlearn.units.batching.scenario import BatchedWriter

PRESETS = BatchedWriter.PRESETS
DAY = BatchedWriter(items=2000, linger=10.0)  # 100 a second: every batch is full
ONE_BAD = BatchedWriter(**PRESETS["one bad record"])


def tally(run: Run) -> BatchAnalysis:
    """What the run's records say of its batches."""
    return BatchAnalysis(run.trace.records)


def mean_ms(scenario: BatchedWriter, seeds: int = 4) -> tuple[float, float]:
    """The mean latency over some seeds, and three times its standard error (ms)."""
    means = [1000 * scenario.run(seed).totals["mean_s"] for seed in range(seeds)]
    mean = sum(means) / seeds
    spread = (sum((each - mean) ** 2 for each in means) / (seeds - 1)) ** 0.5
    return mean, 3 * spread / seeds**0.5


@pytest.mark.parametrize(("size", "a_second"), [(1, 19.6), (8, 137.9), (100, 666.7)])
def test_a_batch_shares_the_cost_of_a_call(size: int, a_second: float) -> None:
    """What is written while the worker is never idle is n / (a + bn) a second: 19.6 singly, 667 by
    the hundred.
    """
    busy = BatchedWriter(rate=600.0, size=size, items=2000, per_item=0.001)
    assert throughput(size, 0.05, 0.001) == pytest.approx(a_second, abs=0.05)
    assert busy.capacity == busy.run(0).theory["capacity"] == throughput(size, 0.05, 0.001)
    calls = tally(busy.run(0)).calls
    assert all(count <= size for _, count, _ in calls)
    if size < 75:  # it cannot keep up, so every call follows the one before
        gaps = [b[0] - a[0] for a, b in pairwise(calls[2:])]
        assert size / (sum(gaps) / len(gaps)) == pytest.approx(a_second, abs=0.05)


@pytest.mark.parametrize(("size", "ms"), [(8, 98), (20, 165), (100, 642)])
def test_the_mean_latency_at_a_hundred_a_second(size: int, ms: float) -> None:
    """98, 165 and 642 ms, within what some runs of 2,000 orders show of it."""
    found, spread = mean_ms(replace(DAY, size=size))
    assert found == pytest.approx(ms, abs=max(spread, 4.0)) and spread < 0.05 * ms


def test_eight_is_best_and_five_cannot_keep_up() -> None:
    """Below six the backlog grows; six waits for its worker; twelve wait for each other."""
    eight = mean_ms(replace(DAY, size=8), 2)[0]
    assert all(mean_ms(replace(DAY, size=size), 2)[0] > eight + 8 for size in (6, 12, 20))
    assert least_size(100, 0.05, 0.001) == 6 and least_size(600, 0.05, 0.001) == 76
    assert least_size(1000, 0.05, 0.001) is None and least_size(1000, 0.05, 0.001, 2) == 51
    five = replace(DAY, size=5).run(0)
    assert five.totals["left"] > 100 and five.verdict.startswith("Backlog grows by 9.09 a second")
    assert "batches of 6 could keep up" in five.verdict
    assert five.headline == "Batches of 5 cannot keep up: 195 orders left"


def test_a_latency_is_filling_waiting_and_the_call() -> None:
    """The three parts add up to it, and the first and last are what theory says, exactly where
    arrivals are regular.
    """
    run = replace(DAY, arrivals="regular", size=20).run(0)
    parts = tally(run).parts
    assert parts == pytest.approx((filling(20, 100), 0.0, 0.07), abs=1e-9)
    assert sum(parts) == pytest.approx(run.totals["mean_s"], abs=1e-9)
    assert "filling 95 ms, waiting 0 ms, the call 70 ms" in run.verdict
    random = tally(replace(DAY, size=8).run(0))
    assert sum(random.parts) == pytest.approx(random.mean, abs=1e-9) and random.parts[1] > 0.001


def test_the_linger_bounds_the_night_and_the_size_the_rush_hour() -> None:
    """At 5 a second no batch of 100 fills: it goes when its first order was taken 5 s ago; at 600
    every one does.
    """
    night, rush = (BatchedWriter(**PRESETS[name]).run(0) for name in ("night traffic", "rush hour"))
    sizes = [size for _, size, _ in tally(night).calls]
    assert max(sizes) < 100 and 5.0 < night.totals["p99_s"] < 5.2
    assert {size for _, size, _ in tally(rush).calls} == {50}
    assert rush.verdict.startswith("Backlog grows by 100 a second: 600 orders a second come")


@pytest.mark.parametrize(
    ("on_failure", "redelivered", "dead", "calls"),
    [
        ("all", 27, 10, 104),
        ("failures", 0, 1, 102),
        ("bisect", 0, 1, 107),
    ],
)
def test_whom_one_bad_order_takes_with_it(
    on_failure: str, redelivered: int, dead: int, calls: int
) -> None:
    """One answer for ten: nine good ones come back three times and die. By halves it is six calls
    more, of 101.
    """
    run = replace(ONE_BAD, on_failure=on_failure).run(0)
    found = tally(run)
    assert (run.totals["redelivered"], run.totals["dead"], run.totals["calls"]) == (
        redelivered,
        dead,
        calls,
    )
    assert found.dead_good == dead - 1 and found.redelivered == redelivered
    said = {
        "all": "1 bad order died; good ones came back 27 times, and 9 of them died too.",
        "failures": "1 bad order died alone; no good one came back.",
        "bisect": "1 bad order died alone, found by 6 more calls; no good one came back.",
    }[on_failure]
    assert said in run.verdict


def test_the_same_orders_are_bad_whatever_is_done_about_it() -> None:
    """Each way buries the same bad orders, and only one of them good ones too."""
    dead = {}
    for on_failure in ("all", "failures", "bisect"):
        jobs = replace(ONE_BAD, bad=0.02, on_failure=on_failure, size=8).run(1).jobs()
        dead[on_failure] = set(jobs.message_id[jobs.outcome == "dead"])
    assert dead["failures"] <= dead["all"] and len(dead["all"]) > 4 * len(dead["failures"]) > 40
    # at the very end
    assert dead["failures"] ^ dead["bisect"] <= set(list(dead["failures"] ^ dead["bisect"])[:3])


def test_parts_of_a_batch_are_calls_too() -> None:
    """Under bisection each half is a smaller call, marked as one; a batch without a bad order costs
    one call.
    """
    found = tally(
        BatchedWriter(rate=50.0, items=800, size=16, bad=0.01, on_failure="bisect").run(0)
    )
    whole = [size for _, size, part in found.calls if not part]
    parts = [size for _, size, part in found.calls if part]
    assert set(whole) == {16} and set(parts) == {8, 4, 2, 1}
    assert len(parts) == 8 * sum(count > 0 for count in found.failing) == 64


def test_more_workers_fill_more_batches_more_slowly() -> None:
    """Two workers with batches of 50 take longer than one; with batches of 4 one cannot keep up and
    two can.
    """
    latency = {
        (workers, size): replace(DAY, workers=workers, size=size).run(0).totals["mean_s"]
        for workers in (1, 2)
        for size in (4, 50)
    }
    assert latency[2, 50] > 1.4 * latency[1, 50] and latency[2, 4] < 0.1 * latency[1, 4]


@pytest.mark.parametrize(
    "settings",
    [
        {"rate": 1.0, "items": 100, "size": 500, "linger": 10.0},
        {"rate": 600.0, "items": 100, "size": 500},
        {"rate": 600.0, "size": 1, "per_call": 0.5, "per_item": 0.02},
        {"linger": 0.0, "per_call": 0.005, "per_item": 0.0},
        {"workers": 8, "size": 500},
        {"bad": 0.05, "on_failure": "all"},
        {"bad": 0.05, "on_failure": "bisect", "size": 500},
    ],
    ids=str,
)
def test_it_says_something_true_at_the_ends_of_its_range(settings: dict[str, Any]) -> None:
    """No sentence names a latency of what was not written, and every sentence ends."""
    run = BatchedWriter(**settings, prediction=0.5).run(0)
    assert run.verdict.endswith(".") and run.headline and "nan" not in run.verdict + run.headline
    assert ("Latency" in run.verdict) == (run.totals["done"] > 0)
    assert ("Backlog" in run.verdict) == (run.scenario.rate > run.scenario.capacity)
    assert "You said 500 ms" in run.verdict


def test_it_runs_on_a_runtime_that_it_is_given() -> None:
    """The same run, in a simulation that somebody else has opened."""
    with Simulation(4) as sim:
        run = BatchedWriter().run(4, runtime=sim)
    assert run.trace.records == BatchedWriter().run(4).trace.records


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("size", 0, "size must be"),
        ("size", 501, "size must be"),
        ("linger", -0.1, "linger must not be negative"),
        ("per_call", 0.0, "per_call must be"),
        ("bad", 0.2, "bad must be"),
        ("on_failure", "hope", "on_failure must be one"),
        ("items", 50, "items must be"),
        ("rate", 601.0, "rate must be"),
    ],
)
def test_a_field_is_refused_outside_its_range(field: str, value: Any, rule: str) -> None:
    """The error names the field, its rule and the value."""
    with pytest.raises(ValueError, match=rule) as refused:
        replace(BatchedWriter(), **{field: value})
    assert str(value) in str(refused.value)
