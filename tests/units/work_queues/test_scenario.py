"""Unit 02's scenario: what its sliders govern, what theory says of it, and what its verdict
says.
"""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import fmean, stdev
from typing import Any

import pytest

from mqlearn import Simulation, Trace
from mqlearn.runtime.trace import Record
from mqlearn.study import theory
from mqlearn.study.arrivals import flight_day
from mqlearn.study.run import Run
from mqlearn.units.work_queues.scenario import RECORDINGS, WorkAnalysis, WorkQueue

LONG = 3000  # draws from which a distribution's mean and spread are estimated


def arrivals(run: Run) -> list[tuple[float, str]]:
    """Time (s) and id of each accepted job, in order."""
    return [
        (record.time, record.message_id) for record in run.trace.records if record.event == "sent"
    ]


def work(run: Run) -> dict[str, float]:
    """Seconds that each finished job took, by id."""
    began: dict[str, float] = {}
    took: dict[str, float] = {}
    for time, event, _, _, message_id, *_ in run.trace.records:
        if event == "started":
            began[message_id] = time
        elif event == "finished":
            took[message_id] = time - began[message_id]
    return took


@pytest.mark.parametrize(
    "moved",
    [
        {"workers": 5},
        {"service": 1.0},
        {"spread": 0.0},
        {"slow_worker": 6.0},
        {"prefetch": 50},
        {"prediction": 9.0},
    ],
    ids=lambda moved: next(iter(moved)),
)
def test_a_slider_leaves_the_arrivals_alone(moved: dict[str, Any]) -> None:
    """The same jobs arrive at the same instants, whoever serves them and however."""
    assert arrivals(WorkQueue(**moved).run(3)) == arrivals(WorkQueue().run(3))


@pytest.mark.parametrize(
    "moved",
    [{"workers": 5}, {"prefetch": 50}, {"queue_limit": 10}, {"rate": 0.5}],
    ids=lambda moved: next(iter(moved)),
)
def test_a_job_takes_as_long_whoever_does_it(moved: dict[str, Any]) -> None:
    """A job's own service time depends on its number and the seed, not on rate, crew or policy."""
    before, now = work(WorkQueue().run(3)), work(WorkQueue(**moved).run(3))
    both = set(before) & set(now)
    assert len(both) > 200
    assert all(now[job] == pytest.approx(before[job], abs=1e-9) for job in both)


def test_twice_the_rate_is_the_same_arrivals_in_half_the_time() -> None:
    """The rate slider squeezes time and nothing else."""
    slow, fast = arrivals(WorkQueue(rate=1.0).run(3)), arrivals(WorkQueue(rate=2.0).run(3))
    assert len(fast) > len(slow) > 500
    for (late, name), (early, same) in zip(slow, fast, strict=False):
        assert name == same and early == pytest.approx(late / 2, abs=1e-9)


@pytest.mark.parametrize("spread", [0.0, 0.5, 1.0, 2.0])
def test_the_service_time_has_its_mean_and_spread(spread: float) -> None:
    """Mean and coefficient of variation are the sliders' within three standard errors, and exact
    where constant.
    """
    took = list(work(WorkQueue(rate=6.0, service=0.5, workers=12, spread=spread).run(1)).values())
    assert len(took) > LONG
    assert fmean(took) == pytest.approx(0.5, rel=3 * spread / math.sqrt(LONG) + 1e-9)
    assert stdev(took) / fmean(took) == pytest.approx(spread, rel=0.15, abs=1e-6)


def test_spread_one_is_exponential() -> None:
    """Of exponential times, e⁻¹ exceed the mean and e⁻³ three times the mean."""
    took = list(work(WorkQueue(rate=6.0, service=0.5, workers=12).run(1)).values())
    for times in (1, 3):
        assert sum(t > times * 0.5 for t in took) / len(took) == pytest.approx(
            math.exp(-times), abs=0.02
        )


def test_a_longer_job_is_longer_at_every_spread() -> None:
    """The spread slider stretches the same jobs: their order by length stays."""
    at = [work(WorkQueue(workers=12, spread=spread).run(3)) for spread in (0.5, 1.0, 2.0)]
    both = set(at[0]) & set(at[1]) & set(at[2])
    orders = [sorted(both, key=took.__getitem__) for took in at]
    assert len(both) > 500 and orders[0] == orders[1] == orders[2]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"workers": 1, "rate": 0.8, "service": 1.0}, theory.mmc_wait(0.8, 1.0, 1)),
        (
            {"workers": 1, "rate": 0.8, "service": 1.0, "spread": 0.0},
            theory.mg1_wait(0.8, 1.0, service_cv=0.0),
        ),
        (
            {"workers": 1, "rate": 0.8, "service": 1.0, "spread": 2.0},
            theory.mg1_wait(0.8, 1.0, service_cv=2.0),
        ),
        ({}, theory.mmc_wait(1.0, 0.4, 3)),
    ],
    ids=["M/M/1", "M/D/1", "M/G/1", "M/M/3"],
)
def test_theory_is_that_of_its_model(settings: dict[str, Any], expected: float) -> None:
    """The dotted line is the exact formula, and the mean of 40 short runs comes near it."""
    runs = [WorkQueue(**settings).run(seed) for seed in range(40)]
    found = [run.totals["mean_wait_s"] for run in runs]
    error = stdev(found) / math.sqrt(len(found))
    assert runs[0].theory["wait"] == pytest.approx(expected)
    # A run starts empty and leaves out the waits of those not begun yet: a little low on average.
    assert -4 * error - 0.1 * expected < fmean(found) - expected < 4 * error


@pytest.mark.parametrize(
    "settings",
    [
        {"rate": 1.2},
        {"rate": 2.0},
        {"slow_worker": 2.0},
        {"prefetch": 2},
        {"arrivals": "regular"},
        {"arrivals": "Dec timetable"},
        {"spread": 0.5},
        {"rate": 1.1, "queue_limit": 10},
    ],
    ids=str,
)
def test_theory_is_silent_where_it_does_not_hold(settings: dict[str, Any]) -> None:
    """No steady state, another model or only an approximation: no expected wait is drawn."""
    assert not {"wait", "wait_exceeds"} & set(WorkQueue(**settings).run(0).theory)


def test_the_wait_distribution_of_theory_is_for_exponential_services() -> None:
    """P(W > 0) is Erlang's C; for other spreads only the mean is known exactly."""
    assert WorkQueue().run(0).theory["wait_exceeds"](0.0) == pytest.approx(theory.erlang_c(2.5, 3))
    assert "wait_exceeds" not in WorkQueue(workers=1, service=0.5, spread=0.0).run(0).theory


def test_the_verdict_does_the_sum() -> None:
    """Arrivals less capacity is what the backlog grows by; ten minutes of it are left, give or
    take.
    """
    run = WorkQueue(**WorkQueue.PRESETS["Monday morning"], prediction=100).run(0)
    left = int(run.totals["left"])
    assert abs(left - 600) < 150
    assert run.verdict == (
        "Backlog grows by 1 message a second: 6 arrive, 3 workers finish 5; "
        f"{left} are left. "
        f"You said 100, it is {left}."
    )


@pytest.mark.parametrize(
    ("settings", "begins"),
    [
        (
            {"workers": 1, "service": 0.5},
            "1 worker keeps up: 1 a second arrive, 2 can be finished; mean wait ",
        ),
        ({"rate": 1.2, "arrivals": "regular"}, "3 workers have nothing to spare: 1.2 "),
        (
            {"slow_worker": 2.0, "rate": 2.0},
            "Backlog grows by 1 message a second: 2 arrive, 3 workers, one 2 times as slow, ",
        ),
        (
            {"arrivals": "Dec timetable", "service": 2.0, "spread": 0.0, "workers": 8},
            "8 workers: 95 % wait at most 2 s (4 minutes of the recorded day).",
        ),
    ],
    ids=["one", "level", "slow", "recorded"],
)
def test_the_verdict_says_who_keeps_up(settings: dict[str, Any], begins: str) -> None:
    """One sentence with the numbers that decide."""
    assert WorkQueue(**settings).run(0).verdict.startswith(begins)


def test_a_full_queue_refuses_and_says_so() -> None:
    """What is refused is counted; nothing else is lost: offered = done + left + refused."""
    run = WorkQueue(rate=6.0, service=0.6, queue_limit=100).run(0)
    totals = run.totals
    assert totals["refused"] > 400 and totals["left"] <= 100 + 3
    assert totals["sent"] == totals["done"] + totals["left"]
    assert f"The queue was full: {totals['refused']} of 3,606 jobs were refused." in run.verdict


def test_a_hoarder_keeps_others_idle() -> None:
    """With prefetch 50 workers idle beside a backlog, with 1 never; nobody holds more than it
    may.
    """
    hoarder = WorkQueue(**WorkQueue.PRESETS["hoarder"]).run(0)
    fair = WorkQueue(**WorkQueue.PRESETS["a day at the desk"]).run(0)
    assert hoarder.totals["idle_beside_work_%"] > 30
    assert hoarder.verdict.startswith(
        "Idle beside work 42% of the time, up to 50 jobs in one pair "
        "of hands, "
        "where they wait as well. 8 "
    )
    assert WorkAnalysis(fair.trace.records, 0.0, fair.until, 8).idle_beside_work == pytest.approx(
        0, abs=1e-12
    )
    assert hoarder.totals["p95_wait_s"] > 20 * fair.totals["p95_wait_s"]


def test_the_slow_worker_is_slow_and_alone() -> None:
    """worker-0 takes six times as long for the same job, its colleagues as long as ever."""
    usual = WorkQueue(service=2.0, workers=1, rate=0.1)
    slow = replace(usual, slow_worker=6.0)
    before, now = work(usual.run(0)), work(slow.run(0))
    assert now and all(now[job] == pytest.approx(6 * before[job]) for job in now)
    trio = WorkQueue(service=2.0).run(0), WorkQueue(service=2.0, slow_worker=6.0).run(0)
    who = {
        (row.message_id, row.worker)
        for row in trio[1].tries().itertuples()
        if row.worker != "worker-0"
    }
    before, now = work(trio[0]), work(trio[1])
    assert all(
        now[job] == pytest.approx(before[job]) for job, _ in who if job in now and job in before
    )
    assert max(now[job] / before[job] for job in set(now) & set(before)) == pytest.approx(6.0)


@pytest.mark.parametrize("name", sorted(RECORDINGS))
def test_a_recorded_day_is_the_files_day(name: str) -> None:
    """Every departure comes, from 04:00 on, 120 times as fast; all are served before the run ends
    at 04:00.
    """
    run = WorkQueue(arrivals=name, service=2.0, spread=0.0, workers=8).run(0)
    times = [4 * 3600 + 120 * time for time, _ in arrivals(run)]
    assert times == pytest.approx(flight_day(*RECORDINGS[name]))
    assert run.until == 720 and run.totals["done"] == len(times)


@pytest.mark.parametrize(
    ("name", "workers", "minutes"),
    [
        ("Dec timetable", 8, 4),
        ("Dec timetable", 7, 6),
        ("Dec actual", 6, 4),
        ("Dec actual", 5, 11),
        ("Jul timetable", 8, 4),
        ("Jul actual", 6, 3),
    ],
)
def test_the_lab_counts_clerks_as_the_desk_does(name: str, workers: int, minutes: float) -> None:
    """Eight clerks for the timetable and six for what flew keep five minutes; one less does not in
    December.
    """
    run = WorkQueue(arrivals=name, service=2.0, spread=0.0, workers=workers).run(0)
    assert run.totals["p95_wait_s"] * 120 / 60 == pytest.approx(minutes)


def test_it_runs_on_a_runtime_and_a_trace_that_it_is_given() -> None:
    """The same run, in a simulation that somebody else has opened."""
    with Simulation(4) as sim:
        run = WorkQueue().run(4, runtime=sim)
    assert run.trace.records == WorkQueue().run(4).trace.records


def test_the_books_of_the_tally_by_hand() -> None:
    """Two workers, two jobs in one pair of hands: one second idle beside work, waits of 0 and 2
    s.
    """

    def record(time: float, event: str, job: str, worker: str = "") -> Any:
        return Record(time, event, "jobs", 0, job, "NORMAL", 1, worker)

    trace = Trace()
    for line in [
        (0.0, "sent", "a"),
        (0.0, "sent", "b"),
        (0.0, "received", "a", "w"),
        (0.0, "started", "a", "w"),
        (1.0, "received", "b", "w"),
        (2.0, "finished", "a", "w"),
        (2.0, "acked", "a", "w"),
        (2.0, "started", "b", "w"),
        (4.0, "finished", "b", "w"),
        (4.0, "acked", "b", "w"),
    ]:
        trace.record(record(*line))
    tally = WorkAnalysis(trace.records, 0.0, 5.0, 2)
    assert (tally.mean, tally.p95, tally.most_held) == (1.0, 2.0, 2)
    assert tally.idle_beside_work == pytest.approx(2.0 / 10.0)


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("arrivals", "storm", "arrivals must be one of"),
        ("workers", 0, "workers must be"),
        ("spread", 3.5, "spread must be"),
        ("prefetch", 51, "prefetch must be"),
        ("queue_limit", 9, "queue_limit must be"),
    ],
)
def test_a_field_is_refused_outside_its_range(field: str, value: Any, rule: str) -> None:
    """The error names the field, its rule and the value."""
    with pytest.raises(ValueError, match=rule) as refused:
        replace(WorkQueue(), **{field: value})
    assert str(value) in str(refused.value)


def test_headlines_fit_a_chart_and_leave_the_prediction_to_the_verdict() -> None:
    """Two lines of a picture hold some 115 letters; whatever the incident, nothing is cut off."""
    for settings in ({}, {"rate": 10.0}, {"prefetch": 50}, *WorkQueue.PRESETS.values()):
        run = WorkQueue(prediction=2, **settings).run(seed=0)
        assert 0 < len(run.headline) <= 115
        assert "You said" in run.verdict and "You said" not in run.headline
