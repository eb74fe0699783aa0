"""Time to detect against false pages: alarms tried on a hundred hours of a shop."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from statistics import median
from typing import TYPE_CHECKING, NamedTuple, Protocol

from mqlearn.messaging.alerts import ThresholdAlert
from mqlearn.messaging.sample import Sample
from mqlearn.runtime import check
from mqlearn.units.monitoring.hours import DIE, KINDS, Hour, hour

if TYPE_CHECKING:
    import pandas as pd

HOURS, MINUTES = 100, 60  # a fifth of them with each failure, and a fifth with none
WEEK = 168.0  # hours, each with its own rush, pause and poison orders
SETTLES = 600.0  # seconds: no page that comes so soon after a failure is called false


class Alarm(Protocol):
    """Anything that is asked every 10 s whether it fires."""

    def see(self, sample: Sample) -> bool: ...


class Tried(NamedTuple):
    """The result of an alarm: false pages in 168 such hours, the median time (s) from the failure
    to its first firing sample (NaN if it never fired), and in how many of how many failures it did.
    """

    false: float
    seconds: float
    found: int
    failures: int


def try_alarm(make: Callable[[], Alarm], failure: str = DIE, *, hours: int = HOURS) -> Tried:
    """Return the result of an alarm that `make()` makes, a new one for each of so many hours.

    Every hour has a rush of 1.45 times as many orders, a pause of 15 to 30 s for a deployment, two
    poison orders, and one failed try in a hundred; four of five have a failure. A page is false if
    nothing has failed, neither then nor in the ten minutes before.
    """
    check.function("make", make)
    check.one_of("failure", failure, [kind for kind in KINDS if kind])
    hours = check.whole("hours", hours, low=len(KINDS), high=1000)
    false, quiet, took, failures = 0, 0.0, list[float](), 0
    for seed in range(hours):
        seen = hour(seed, MINUTES)
        fired = _firing(make(), seen)
        false += sum(
            not seen.onset <= now <= seen.end + SETTLES
            for now, before in zip(fired, [-math.inf, *fired], strict=False)
            if now - before > 15  # else it is the same page, which goes on
        )
        until = seen.samples[-1].now
        quiet += until
        if seen.failure:
            quiet -= min(seen.end + SETTLES, until) - seen.onset
        if seen.failure == failure:
            failures += 1
            first = next((now for now in fired if seen.onset <= now < seen.end), None)
            took += [] if first is None else [first - seen.onset]
    return Tried(
        false / (quiet / 3600) * WEEK, median(took) if took else math.nan, len(took), failures
    )


def tradeoff(
    alarms: Mapping[str, Mapping[str, Callable[[], Alarm]]] | None = None,
    failure: str = DIE,
    *,
    hours: int = HOURS,
) -> pd.DataFrame:
    """Return a table with a row for each alarm: its `rule` and `threshold`, the `false` pages in
    168 such hours, and the `seconds` from the failure to its page (median; NaN if it found none).

    `alarms` has a function that makes the alarm for each rule and each threshold, both as they are
    to be written; None: those of `usual_alarms`.
    """
    import pandas as pd

    alarms = usual_alarms() if alarms is None else alarms
    check.instance("alarms", alarms, Mapping)
    rows = []
    for rule, thresholds in alarms.items():
        check.instance("alarms", thresholds, Mapping)
        for threshold, make in thresholds.items():
            tried = try_alarm(make, failure, hours=hours)
            rows.append((rule, threshold, tried.false, tried.seconds))
    return pd.DataFrame(rows, columns=["rule", "threshold", "false", "seconds"])


def usual_alarms() -> dict[str, dict[str, Callable[[], Alarm]]]:
    """Return alarms on the depth, and on the age of the oldest order, at once and held."""

    def depth(above: float) -> Callable[[], Alarm]:
        return lambda: ThresholdAlert(lambda seen: seen.waiting, above)

    def oldest(above: float, hold: float = 0.0) -> Callable[[], Alarm]:
        return lambda: ThresholdAlert(lambda seen: seen.oldest, above, hold=hold)

    return {
        "depth (orders)": {str(above): depth(above) for above in (20, 40, 80, 160)},
        "oldest": {f"{above} s": oldest(above) for above in (20, 30, 45, 60)},
        "oldest for 60 s": {f"{above} s": oldest(above, 60.0) for above in (30, 45)},
        "oldest for 300 s": {"30 s": oldest(30, 300.0)},
    }


def _firing(alarm: Alarm, seen: Hour) -> list[float]:
    """Return the times (s) of the samples at which the alarm fires."""
    return [sample.now for sample in seen.samples if alarm.see(sample)]
