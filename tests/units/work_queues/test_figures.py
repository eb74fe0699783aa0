"""The figures that notebook 02 states in prose and no cell of it prints."""

from __future__ import annotations

import math
from collections import Counter
from statistics import fmean

import pytest

from mqlearn import Simulation
from mqlearn.study import theory
from mqlearn.study.arrivals import flight_day, poisson
from mqlearn.units.work_queues.desk import fifo_waits, p95, poisson_day
from mqlearn.units.work_queues.scenario import WorkQueue

DAY = 19 * 3600  # seconds from 05:00 to midnight


def fewest(arrivals: tuple[float, ...] | list[float]) -> int:
    """Return the fewest clerks, at 240 s each, that let 95 % wait at most five minutes."""
    return next(n for n in range(1, 20) if p95(fifo_waits(arrivals, n, 240.0)) <= 300)


def test_clerks_on_poisson_days() -> None:
    """Five clerks are enough at an even rate; with the timetable's hours it is six on 13 of 20
    days, else 5 or 7.
    """
    even = []
    for seed in range(20):
        with Simulation(seed) as sim:
            even.append(fewest(poisson(1004 / DAY, DAY, sim.draw)))
    assert even == [5] * 20
    assert Counter(fewest(poisson_day(seed)) for seed in range(20)) == {6: 13, 7: 4, 5: 3}


def test_erlang_wants_six_clerks_for_the_mean_rate() -> None:
    """1,004 flights spread evenly over 19 hours are 3.5 clerks' worth of work, and five clerks miss
    five minutes.
    """
    rate, mu = 1004 / DAY, 1 / 240
    assert theory.offered_load(rate, mu) == pytest.approx(3.5, abs=0.05)
    assert theory.wait_exceeds(300, rate, mu, 5) > 0.05 > theory.wait_exceeds(300, rate, mu, 6)


@pytest.mark.parametrize(("day", "ratio"), [("2013-12-02", 1.07), ("2013-07-10", 1.06)])
def test_within_an_hour_departures_are_closer_still_to_poisson(day: str, ratio: float) -> None:
    """Variance over mean a minute, around each hour's own mean, 05:00 to 23:00."""
    counts = Counter(int(time // 60) for time in flight_day(day, "actual"))
    hours = [
        [counts[minute] for minute in range(60 * hour, 60 * hour + 60)] for hour in range(5, 23)
    ]
    spread = sum(sum((n - fmean(hour)) ** 2 for n in hour) / 59 for hour in hours)
    assert spread / sum(map(fmean, hours)) == pytest.approx(ratio, abs=0.005)


def test_the_busiest_minute() -> None:
    """22 departures by December's timetable, 6 in fact."""
    found = [
        max(Counter(flight_day("2013-12-02", which)).values()) for which in ("timetable", "actual")
    ]
    assert found == [22, 6]


def test_a_hundred_workers_at_95_percent_wait_a_tenth_of_a_service() -> None:
    """One waits nineteen; and a spread of 2 at 80 % is as bad as a load of 91 %, 14 % more
    orders.
    """
    assert theory.mmc_wait(95, 1, 100) == pytest.approx(0.10, abs=0.005)
    assert theory.mmc_wait(0.95, 1, 1) == pytest.approx(19)
    as_bad = 10 / 11
    assert theory.mmc_wait(as_bad, 1, 1) == pytest.approx(theory.mg1_wait(0.8, 1, service_cv=2))
    assert as_bad / 0.8 == pytest.approx(1.14, abs=0.005)
    assert theory.erlang_c(2.5, 3) == pytest.approx(0.70, abs=0.005)
    assert [round((1 - math.sqrt(load)) ** -2, -1) for load in (0.8, 0.95, 0.99)] == [
        90,
        1560,
        39800,
    ]


@pytest.mark.parametrize("workers", [4, 8, 12])
def test_hiring_does_not_help_against_hoarding(workers: int) -> None:
    """With four workers or with twelve, 95 % wait up to 92 s, 184 minutes of that day."""
    run = WorkQueue(
        arrivals="Dec timetable", service=2.0, spread=0.0, prefetch=50, workers=workers
    ).run(0)
    assert run.totals["p95_wait_s"] == 92
