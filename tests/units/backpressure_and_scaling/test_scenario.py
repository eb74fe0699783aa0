"""Unit 12's lab: what it loses under each policy, against theory; arrivals, a queue by hand."""

from collections import deque
from dataclasses import replace
from statistics import fmean

import pytest

from mqlearn import Simulation
from mqlearn.lab.dashboard import Dashboard
from mqlearn.study.analysis.goodput import GoodputAnalysis, lost_in_outage, useful_bound
from mqlearn.study.analysis.workers import WorkerLevels
from mqlearn.study.queue_adapter import run_with_queue
from mqlearn.units.backpressure_and_scaling.scenario import Rush

OUTAGE = Rush(trouble="outage", starts=60.0, lasts=120.0, patience=30.0, window=900.0)


def preset(name, seed=0, **changes):
    """The run of a preset with other settings."""
    return Rush(**{**Rush.PRESETS[name], **changes}).run(seed)


class Line:
    """The notebook's queue."""

    def __init__(self):
        self.waiting = deque()

    def send(self, order):
        self.waiting.append(order)

    def receive(self):
        return self.waiting.popleft() if self.waiting else None

    def __len__(self):
        return len(self.waiting)


class Stack(Line):
    """The same with one word changed."""

    def receive(self):
        return self.waiting.pop() if self.waiting else None


class Full(Line):
    """A line of at most a hundred: more are refused."""

    def send(self, order):
        if len(self.waiting) >= 100:
            return False
        self.waiting.append(order)
        return True


@pytest.mark.parametrize(
    ("policy", "theory", "spread"),
    [("oldest first", 5430, 0.2), ("newest first", 1151, 0.08), ("shed by age", 905, 0.08)],
)
def test_what_an_outage_loses_is_what_theory_says(policy, theory, spread):
    """The mean of three seeds; nothing that is shed is done in vain."""
    runs = [replace(OUTAGE, policy=policy).run(seed) for seed in range(3)]
    assert runs[0].theory["lost"] == pytest.approx(theory, abs=0.5)
    assert fmean(run.totals["lost"] for run in runs) == pytest.approx(theory, rel=spread)
    if policy == "shed by age":
        assert all(run.totals["in_vain"] == 0 for run in runs)


@pytest.mark.parametrize(("built", "policy"), [(Line, "oldest first"), (Stack, "newest first")])
def test_a_line_of_ones_own_loses_what_the_packages_does(built, policy):
    """Order by order: both are the same queue."""
    short = replace(OUTAGE, window=400.0)
    ours, theirs = run_with_queue(short, built()), replace(short, policy=policy).run(0)
    assert ours.totals == theirs.totals
    assert "lost" not in ours.theory  # nothing is known of its order of service


def test_a_line_of_ones_own_may_refuse():
    """What `send` refuses with False is turned away, as by the package's limit."""
    ours = run_with_queue(Rush(), Full())
    assert ours.totals == Rush(limit=100).run(0).totals and ours.totals["turned_away"] > 400


def test_a_limit_keeps_the_oldest_and_dropping_keeps_the_youngest():
    """After an outage, with a limit of 300 below the bound: all that were kept are done in vain."""
    kept, young = (
        replace(OUTAGE, limit=300, policy=policy).run(0).totals
        for policy in ("oldest first", "drop oldest")
    )
    assert kept["in_vain"] == 300 and young["in_vain"] < 100
    assert kept["turned_away"] == young["turned_away"]


@pytest.mark.parametrize(("limit", "least", "most"), [(240, 0.35, 0.62), (234, 0, 0), (120, 0, 0)])
def test_the_edge_is_the_useful_bound(limit, least, most):
    """Six orders more than the bound, and half of the work is in vain."""
    run = preset("on the edge", limit=limit)
    done = run.totals["in_vain"] + run.totals["in_time"]
    assert least <= run.totals["in_vain"] / done <= most
    assert run.theory["useful"] == useful_bound(6, 0.5, 20.0) == 234


def test_a_scaler_by_flow_needs_fewer_workers_and_loses_less():
    """With a start-up of half a minute; without one both lose nothing."""
    depth, flow = (
        preset("the scaler that hunts", scaler=rule).totals for rule in ("depth", "flow")
    )
    assert flow["lost"] < depth["lost"] / 2 and flow["peak"] < 30 < depth["peak"]
    for rule in ("depth", "flow"):
        assert preset("the scaler that hunts", scaler=rule, start_up=0.0).totals["lost"] == 0


def test_a_larger_rush_brings_the_same_orders_closer_together():
    """Each order keeps its number: another size only moves them."""
    one, two = (Rush(trouble="rush", size=size).run(3).trace.records for size in (2.0, 4.0))
    sent = [{r.message_id: r.time for r in records if r.event == "sent"} for records in (one, two)]
    early = {name: time for name, time in sent[0].items() if time < 20.0}
    assert early and all(sent[1][name] == time for name, time in early.items())
    assert len(sent[1]) > len(sent[0])
    rate = sum(20.0 <= time < 80.0 for time in sent[1].values()) / 60.0
    assert rate == pytest.approx(40.0, rel=0.1)


@pytest.mark.parametrize(
    ("policy", "rate", "capacity", "lasts", "window", "expected"),
    [
        ("oldest first", 10.0, 12.0, 60.0, 280.0, 2430.0),
        ("oldest first", 10.0, 12.0, 60.0, 100.0, 1000.0),  # cut by the end of the orders
        ("oldest first", 10.0, 12.0, 10.0, 280.0, 0.0),  # shorter than the patience
        ("oldest first", 12.0, 12.0, 60.0, 280.0, None),
        ("newest first", 10.0, 12.0, 60.0, 280.0, 567.5),
        ("newest first", 1.0, 12.0, 10.0, 280.0, 0.0),
        ("shed by age", 10.0, 12.0, 60.0, 280.0, 405.0),
        ("shed by age", 10.0, 12.0, 60.0, 30.0, 105.0),
        ("drop oldest", 10.0, 12.0, 60.0, 280.0, None),
    ],
)
def test_the_formulas(policy, rate, capacity, lasts, window, expected):
    """In the lab's numbers: a wait of 19.5 s is useful."""
    lost = lost_in_outage(policy, rate, capacity, lasts=lasts, wait=19.5, window=window)
    assert lost == (None if expected is None else pytest.approx(expected))


def test_every_order_has_one_fate():
    """In time, in vain, turned away, or not done: they add up to the orders that came."""
    for name in Rush.PRESETS:
        run = preset(name)
        totals = run.totals
        found = GoodputAnalysis(run.trace.records, run.until, run.scenario.patience)
        assert totals["in_time"] + totals["lost"] == totals["orders"] and found.open == 0
        with Simulation(0) as sim:
            assert len(run.scenario.arrival_times(sim)) == totals["orders"]


def test_an_order_done_at_the_last_moment_is_in_time():
    """Before the end of the run some customers still wait."""
    run = Rush(trouble="none").run(0)
    half = GoodputAnalysis(
        [r for r in run.trace.records if r.time <= 100.0], 100.0, run.scenario.patience
    )
    assert half.open > 0 and half.unserved == 0 and half.lost == 0
    assert half.vain_share == 0.0 and half.done == len(half.in_time)


def test_the_workers_over_time_are_those_of_the_scaler():
    """Their peak and their seconds are in the totals."""
    run = preset("the scaler that hunts")
    levels = WorkerLevels(run.trace.records)
    assert levels.peak == run.totals["peak"] == 45
    assert levels.seconds(run.until) / 60 == pytest.approx(run.totals["worker_min"])
    assert WorkerLevels([]).peak == 0 and WorkerLevels([]).seconds(10.0) == 0


def test_a_prediction_is_compared_with_the_lost_orders():
    """In the verdict, and drawn on the chart of the lost orders."""
    run = Rush(prediction=1200).run(0)
    assert run.verdict.endswith("You said 1,200, it is 2,599.")
    board = Dashboard(Rush.CHARTS, 570, 408, predicted_chart=Rush.PREDICTS)
    assert board.predicted_chart == "lost_orders"


def test_fields_without_a_group_have_no_control_and_are_checked():
    """They are set in code only."""
    with pytest.raises(ValueError, match=r"window must be .*, got 10\.0"):
        Rush(window=10.0)
    with pytest.raises(ValueError, match="times must be one of"):
        Rush(times="sometimes")
