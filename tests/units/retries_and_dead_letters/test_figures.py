"""The figures that notebook 04 and its notes for instructors state in prose and no cell prints."""

from __future__ import annotations

from typing import Any

import pytest

from mqlearn.units.retries_and_dead_letters.scenario import CardOutage

PRESETS = CardOutage.PRESETS


def totals(preset: str, **moved: Any) -> dict[str, float]:
    """What a preset comes to with some fields moved."""
    return CardOutage(**{**PRESETS[preset], **moved}).run(0).totals


@pytest.mark.parametrize(
    ("moved", "comes_back"),
    [
        ({"retries": 1}, False),
        ({"retries": 0}, True),
        ({"base": 30.0}, False),
        ({"jitter": "none"}, False),
        ({"workers": 25}, True),
        ({"workers": 35}, False),
        ({"workers": 40}, False),
        ({"timeout": 6.5}, True),
        ({"timeout": 5.0}, False),
        ({"timeout": 10.0}, True),
        ({"timeout": 10.0, "workers": 600}, False),
        ({"capacity": 45.0}, False),
        ({"capacity": 50.0}, True),
    ],
    ids=str,
)
def test_what_ends_the_collapse_and_what_does_not(moved: dict[str, Any], comes_back: bool) -> None:
    """In the last minute something is done again, or nothing is."""
    goodput = totals("the collapse", **moved)["goodput_per_s"]
    assert (goodput > 5) if comes_back else goodput == 0


def test_ten_seconds_of_patience_lose_nobody() -> None:
    """Since a hundred workers then make at most ten calls a second."""
    assert totals("the collapse", timeout=10.0)["dead"] == 0


@pytest.mark.parametrize(
    ("retries", "base", "dead"),
    [
        (2, 40.0, 0),
        (2, 39.5, 14),
        (3, 18.0, 0),
        (4, 8.0, 0),
        (4, 7.5, 68),
        (6, 2.0, 0),
        (6, 1.5, 255),
    ],
)
def test_the_fewest_retries_that_outlast_two_minutes(retries: int, base: float, dead: int) -> None:
    """Waits that double from `base` s, without jitter."""
    moved = {"policy": "exponential", "retries": retries, "base": base}
    assert totals("2 a.m. outage", **moved)["dead"] == dead


@pytest.mark.parametrize(("jitter", "retries", "dead"), [("full", 8, 33), ("equal", 7, 0)])
def test_with_jitter_the_horizon_must_be_longer(jitter: str, retries: int, dead: int) -> None:
    """2 s, doubled so often, in the lab's own two minutes."""
    moved = {"policy": "exponential", "retries": retries, "base": 2.0, "jitter": jitter}
    assert totals("2 a.m. outage", **moved)["dead"] == dead


@pytest.mark.parametrize(
    ("moved", "dead"),
    [
        ({"workers": 200}, 0),
        ({"workers": 300}, 0),
        ({"workers": 400}, 122),
        ({"jitter": "equal"}, 0),
        ({"jitter": "full"}, 82),
    ],
    ids=str,
)
def test_what_saves_the_herd(moved: dict[str, Any], dead: int) -> None:
    """A pool that the service can serve in time, or equal jitter."""
    assert totals("thundering herd", **moved)["dead"] == dead


@pytest.mark.parametrize(("rate", "ends_well"), [(10.0, True), (11.0, False)])
def test_the_fastest_redrive_that_ends_well(rate: float, ends_well: bool) -> None:
    """What there is to spare, and not one more."""
    assert (totals("redrive all at once", redrive_rate=rate)["dead"] == 0) == ends_well
