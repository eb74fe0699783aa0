"""What an alarm costs in false pages, and how late it is, on a hundred hours."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from mqlearn import BurnRateAlert, ThresholdAlert
from mqlearn.units.monitoring.hours import DIE, DOWN
from mqlearn.units.monitoring.tradeoff import tradeoff, try_alarm


def dead(above: int) -> ThresholdAlert:
    """Dead letters in a minute."""
    return ThresholdAlert(lambda seen: seen.dead, above, window=60.0)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """The usual alarms."""
    return tradeoff()


def test_each_alarm_costs_what_the_unit_says(table: pd.DataFrame) -> None:
    """Seconds, and false pages in 168 such hours."""
    said = [
        f"{row.rule} {row.threshold}: {row.seconds:.0f}, {row.false:.0f}"
        for row in table.itertuples()
    ]
    assert said == [
        "depth (orders) 20: 23, 248",
        "depth (orders) 40: 39, 61",
        "depth (orders) 80: 71, 0",
        "depth (orders) 160: 140, 0",
        "oldest 20 s: 29, 416",
        "oldest 30 s: 42, 98",
        "oldest 45 s: 59, 12",
        "oldest 60 s: 79, 0",
        "oldest for 60 s 30 s: 102, 0",
        "oldest for 60 s 45 s: 119, 0",
        "oldest for 300 s 30 s: 342, 0",
    ]


def test_a_later_alarm_is_never_falser(table: pd.DataFrame) -> None:
    """Along each rule a higher threshold costs seconds and saves pages."""
    for _, rows in table.groupby("rule"):
        assert rows["seconds"].is_monotonic_increasing and rows["false"].is_monotonic_decreasing


def test_a_dead_letter_wakes_for_every_poison_order() -> None:
    """Two per hour are over 300 in 168 hours; five in a minute are an outage."""
    assert try_alarm(lambda: dead(0), DOWN).false == pytest.approx(388, abs=1)
    five = try_alarm(lambda: dead(4), DOWN)
    assert (five.false, five.found, five.failures) == (0, 20, 20)
    assert five.seconds == pytest.approx(14.7, abs=0.1)
    assert try_alarm(lambda: dead(4), DIE).found == 0


def test_a_burn_rate_finds_all_if_it_is_judged_at_the_deadline() -> None:
    """Judged when done it misses a fifth of the failures while they last, and is later."""
    judged = try_alarm(lambda: BurnRateAlert(lambda s: s.missed, lambda s: s.due))
    ended = try_alarm(lambda: BurnRateAlert(lambda s: s.late + s.dead, lambda s: s.done + s.dead))
    assert (judged.false, judged.found) == (0, 20) and judged.seconds == pytest.approx(126, abs=1)
    assert (ended.false, ended.found) == (0, 16) and ended.seconds == pytest.approx(177, abs=1)


def test_an_alarm_that_is_silent_and_one_that_is_always_on() -> None:
    """Neither is of any help: no seconds; one page per hour that never ends."""

    class Constant:
        def __init__(self, fires: bool) -> None:
            self.fires = fires

        def see(self, sample: object) -> bool:
            return self.fires

    silent = try_alarm(lambda: Constant(False), hours=5)
    assert silent.false == 0 and math.isnan(silent.seconds) and silent.found == 0
    assert try_alarm(lambda: Constant(True), hours=5).false == pytest.approx(5 / 3.6 * 168, rel=0.1)


def test_a_wrong_parameter_is_refused_by_name() -> None:
    """The failure, the hours, the alarms."""
    with pytest.raises(ValueError, match="failure must be one of"):
        try_alarm(lambda: dead(0), "fire")
    with pytest.raises(ValueError, match="hours must be at least 5, got 4"):
        try_alarm(lambda: dead(0), hours=4)
    with pytest.raises(TypeError, match="alarms must be Mapping, got 5"):
        tradeoff(5)  # type: ignore[arg-type]
