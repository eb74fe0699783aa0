"""Percentiles of a day of flights: averaged they are wrong, from added histograms they are as exact
as the buckets.
"""

from __future__ import annotations

import csv
import math
from statistics import mean

import pytest

from mqlearn import histogram_percentile, merge_histograms
from mqlearn.messaging.percentile import percentile
from mqlearn.study.arrivals import DAYS, flight_file

GOOD, BAD = DAYS
NARROW = (0.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 240.0, 480.0)  # minutes
WIDE = (0.0, 15.0, 60.0, 240.0)


def delays(day: str, by: str = "carrier") -> dict[str, list[float]]:
    """The delays of departure (minutes) by one column of the recording."""
    found: dict[str, list[float]] = {}
    with flight_file(day).open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            if row["departure"]:
                late = (float(row["departure"]) - float(row["scheduled_departure"])) / 60
                found.setdefault(row[by], []).append(late)
    return found


def p95(values: list[float]) -> float:
    """The 95th percentile by nearest rank."""
    return percentile(sorted(values), 95)


def all_of(groups: dict[str, list[float]]) -> list[float]:
    """The values of all groups."""
    return [value for values in groups.values() for value in values]


@pytest.mark.parametrize(
    ("day", "figures"),
    [
        (GOOD, {"mean": 9.0, "median": -1, "p75": 7, "p90": 33, "p95": 67, "p99": 160, "max": 278}),
        (BAD, {"mean": 52.9, "median": 7, "p95": 257}),
    ],
)
def test_a_mean_says_little_of_a_day(day: str, figures: dict[str, float]) -> None:
    """Most flights are earlier than the mean."""
    values = sorted(all_of(delays(day)))
    found = {"mean": round(mean(values), 1), "median": percentile(values, 50), "max": values[-1]}
    found |= {f"p{share}": percentile(values, share) for share in (75, 90, 95, 99)}
    assert figures.items() <= found.items()


def test_the_latest_twentieth_has_half_of_all_minutes_of_delay() -> None:
    """Minutes early are left out; 77 % of the flights lie below the mean."""
    values = sorted(all_of(delays(GOOD)))
    below = sum(value < mean(values) for value in values) / len(values)
    assert round(below, 2) == 0.77
    latest = values[-math.ceil(len(values) / 20) :]
    assert round(sum(latest) / sum(value for value in values if value > 0), 2) == 0.53


@pytest.mark.parametrize(
    ("day", "by", "averaged", "weighted", "largest"),
    [
        (GOOD, "carrier", 39.4, 54.7, ("EV", 126)),
        (BAD, "carrier", 220.1, None, ("VX", 634)),
        (GOOD, "origin", 69.0, None, None),
    ],
)
def test_percentiles_cannot_be_averaged(
    day: str, by: str, averaged: float, weighted: float | None, largest: tuple[str, float] | None
) -> None:
    """The true one is 67, or 257; large and similar groups average well, by luck."""
    groups = delays(day, by)
    alone = {name: p95(values) for name, values in groups.items()}
    assert mean(alone.values()) == pytest.approx(averaged, abs=0.06)
    if weighted is not None:
        total = sum(map(len, groups.values()))
        parts = sum(alone[name] * len(values) for name, values in groups.items())
        assert parts / total == pytest.approx(weighted, abs=0.06)
    if largest is not None:
        assert max(alone.items(), key=lambda item: item[1]) == largest


@pytest.mark.parametrize(("bounds", "said"), [(NARROW, 75), (WIDE, 93)])
def test_added_histograms_are_as_exact_as_their_buckets(
    bounds: tuple[float, ...], said: float
) -> None:
    """By carrier; the true one is 67, in the bucket from 60 to 120, or to 240."""
    groups = delays(GOOD)
    histograms = [
        {bound: sum(value <= bound for value in values) for bound in (*bounds, math.inf)}
        for values in groups.values()
    ]
    found = histogram_percentile(merge_histograms(histograms), 0.95)
    assert found == pytest.approx(said, abs=0.5)
    assert p95(all_of(groups)) == 67
