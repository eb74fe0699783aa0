"""Alerts are judged on samples; no queue and no clock is needed."""

from __future__ import annotations

import math
from collections.abc import Iterable

import pytest

from mqlearn import BurnRateAlert, Sample, ThresholdAlert
from mqlearn.messaging.alerts import AlertRule, increase


def fires(alert: AlertRule, samples: Iterable[Sample]) -> list[float]:
    """The times of the samples at which an alert fires."""
    return [sample.now for sample in samples if alert.see(sample)]


def depths(*waiting: int) -> list[Sample]:
    """A sample every ten seconds with so many messages waiting."""
    return [Sample(10.0 * k, waiting=depth) for k, depth in enumerate(waiting, 1)]


def test_a_threshold_fires_above_and_not_at_its_number() -> None:
    """Twenty is not more than twenty."""
    alert = ThresholdAlert(lambda seen: seen.waiting, 20)
    assert fires(alert, depths(19, 20, 21, 20, 40)) == [30.0, 50.0]
    assert alert.value == 40


def test_a_hold_wants_every_sample_of_its_time() -> None:
    """Twenty seconds: true at three samples; one that is not starts the count again."""
    high = depths(9, 9, 0, 9, 9, 9, 9)
    assert fires(ThresholdAlert(lambda seen: seen.waiting, 5, hold=20.0), high) == [60.0, 70.0]
    assert fires(ThresholdAlert(lambda seen: seen.waiting, 5, hold=30.0), high) == [70.0]
    assert fires(ThresholdAlert(lambda seen: seen.waiting, 5, hold=31.0), high) == []


def test_a_window_compares_the_increase_of_a_counter() -> None:
    """Five dead letters within a minute, not five since the start."""
    dead = [0, 2, 4, 4, 4, 6, 6, 6, 6, 8]
    samples = [Sample(10.0 * k, dead=count) for k, count in enumerate(dead, 1)]
    assert fires(ThresholdAlert(lambda seen: seen.dead, 4, window=60.0), samples) == [60.0, 70.0]
    assert fires(ThresholdAlert(lambda seen: seen.dead, 3, window=20.0), samples) == [30.0]
    assert fires(ThresholdAlert(lambda seen: seen.dead, 4, window=20.0), samples) == []
    assert fires(ThresholdAlert(lambda seen: seen.dead, 7), samples) == [100.0]


def test_a_counter_that_was_restarted_is_no_negative_rate() -> None:
    """What it has counted since counts."""
    assert increase(5, 7) == 2 and increase(7, 3) == 3
    samples = [Sample(10.0 * k, dead=count) for k, count in enumerate((6, 7, 3, 4), 1)]
    alert = ThresholdAlert(lambda seen: seen.dead, 2, window=10.0)
    assert fires(alert, samples) == [10.0, 30.0]


def outage(*, from_: float, bad: float = 1.0, until: float = 1500.0) -> list[Sample]:
    """Two orders per second that are judged, and from then on a share of them bad."""
    times = [10.0 * k for k in range(1, int(until / 10) + 1)]
    return [Sample(t, due=int(2 * t), missed=int(2 * bad * max(0, t - from_))) for t in times]


def burn(**options: float) -> BurnRateAlert:
    """The rule of the notebook."""
    return BurnRateAlert(lambda seen: seen.missed, lambda seen: seen.due, **options)  # type: ignore[arg-type]


def test_a_burn_rate_pages_when_its_long_window_has_spent_its_share() -> None:
    """All bad: after 14.4 × 1 % × 300 s = 43.2 s, so at the fifth sample; half as bad, 86.4 s."""
    assert fires(burn(), outage(from_=900.0))[0] == 950.0
    assert fires(burn(), outage(from_=900.0, bad=0.5))[0] == 990.0
    assert fires(burn(factor=6.0), outage(from_=900.0))[0] == 920.0
    assert fires(burn(budget=0.001), outage(from_=900.0))[0] == 910.0
    assert fires(burn(), outage(from_=900.0, bad=0.14)) == []


def test_the_short_window_ends_the_alert() -> None:
    """The trouble lasts two minutes: after one more, the last minute is good again."""
    samples = [s._replace(missed=min(s.missed, 240)) for s in outage(from_=900.0)]
    both = fires(burn(), samples)
    assert (both[0], both[-1]) == (950.0, 1070.0)
    long = BurnRateAlert(lambda seen: seen.missed, lambda seen: seen.due, windows=(300.0,))
    assert fires(long, samples)[-1] == 1270.0


def test_where_nothing_is_counted_there_is_no_burn_rate() -> None:
    """Nothing was done, so nothing was late: the alert is silent, and its value says why."""
    alert = BurnRateAlert(lambda seen: seen.late, lambda seen: seen.done)
    assert fires(alert, [Sample(10.0 * k) for k in range(1, 50)]) == []
    assert math.isnan(alert.value)


def test_a_value_is_the_smallest_of_its_windows() -> None:
    """Both must be above the factor."""
    alert = burn()
    for sample in outage(from_=900.0, until=960.0):
        alert.see(sample)
    assert alert.value == pytest.approx(100 * 60 / 300)


def test_times_that_floats_cannot_hold_are_the_same_instant() -> None:
    """A look every tenth of a second: three tenths ago is the look three before, no other."""
    samples = [Sample(k * 0.1, sent=k) for k in range(1, 30)]
    alert = ThresholdAlert(lambda seen: seen.sent, 2, window=0.3)
    assert fires(alert, samples) == [s.now for s in samples if s.sent > 2]
    assert fires(ThresholdAlert(lambda seen: seen.sent, 3, window=0.3), samples) == []


def test_a_wrong_alert_is_refused_by_name() -> None:
    """Before anything changes; the walk of the house tries all kinds."""
    with pytest.raises(ValueError, match="hold must not be negative, got -1"):
        ThresholdAlert(len, 1, hold=-1)
    with pytest.raises(TypeError, match=r"windows must be a tuple of seconds, got \[300\]"):
        BurnRateAlert(len, len, windows=[300])  # type: ignore[arg-type]
