"""Which number moves first: nine failures, and the first sample at which each signal leaves the
range of calm runs.
"""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import lru_cache
from statistics import median, mode
from typing import TYPE_CHECKING

from mqlearn.messaging.percentile import percentile
from mqlearn.messaging.sample import Sample
from mqlearn.runtime import check
from mqlearn.units.monitoring.quick_shop import Attempt, Order, QuickShop

if TYPE_CHECKING:
    import pandas as pd

RATE, WORKERS, SERVICE, CHANCE = 5.0, 10, 1.5, 0.01  # per second; seconds of an order
ONSET, UNTIL, EVERY, WINDOW = 600.0, 1200.0, 10.0, 60.0  # seconds
LEASE = 60.0  # seconds until the order of a dead worker is tried again
AT_ONCE, HANGS = 0.05, 20.0  # seconds of a call
CALM, WARM = 20, 120.0  # calm runs, and the seconds of each that are left out
FEWEST = 20  # values that a percentile needs: that of a handful is a lottery
BEFORE, AFTER = 120.0, 300.0  # seconds around the failure that a table keeps of one run
(PRODUCER, RUSH, DIE, SLOW, DOWN, HANG, RELEASE, NOTHING, STUCK) = FAILURES = (
    "producer down",
    "rush × 2",
    "half the workers die",
    "service twice as slow",
    "service down, refuses at once",
    "service hangs 20 s, then fails",
    "bad release, 10 % of orders fail",
    "acks and does nothing",
    "one order stuck in a worker",
)
SIGNALS = (
    "in",
    "out",
    "depth",
    "oldest",
    "errors",
    "dead",
    "p95 handler",
    "p95 sojourn",
    "charged",
)
FROM_ZERO = ("depth", "oldest", "errors", "dead")


class FailingShop(QuickShop):
    """A shop where one of `FAILURES` begins at `ONSET`; "" is a calm one."""

    def __init__(self, failure: str, seed: int) -> None:
        super().__init__(random.Random(f"{failure} {seed}"))
        self.failure, self.held = failure, 0
        self.peak = RATE * (2 if failure == RUSH else 1)

    def rate(self, now: float) -> float:
        if now < ONSET:
            return RATE
        return 0.0 if self.failure == PRODUCER else self.peak

    def workers(self, now: float) -> int:
        # a dead worker counts as busy until its lease ends, and is gone then
        gone = self.failure == DIE and now >= ONSET + LEASE
        return WORKERS // 2 if gone else WORKERS

    def attempt(self, now: float, order: Order) -> Attempt:
        failure = self.failure if now >= ONSET else ""
        seconds, chance = self.dice.expovariate(1 / SERVICE), self.dice.random() < CHANCE
        if failure == DIE and self.held < WORKERS // 2:
            self.held += 1
            return Attempt(LEASE, fails=True)
        if failure == STUCK and not self.held:
            self.held += 1
            return Attempt(math.inf)
        if failure == NOTHING:
            return Attempt(AT_ONCE, charges=False)
        if failure == DOWN:
            return Attempt(AT_ONCE, fails=True)
        if failure == HANG:
            return Attempt(HANGS, fails=True)
        bad = failure == RELEASE and order.luck < 0.1
        return Attempt(seconds * (2 if failure == SLOW else 1), fails=bad or chance)


@lru_cache(maxsize=256)
def signals(failure: str, seed: int) -> tuple[tuple[float, ...], ...]:
    """Return a row for each look, every 10 s: the time (s) and the value of each of `SIGNALS`.

    Rates are per second, ages and percentiles in seconds, `errors` a share, `dead` a count; all but
    depth and oldest are over the last 60 s. NaN: there was nothing to compute it from, or fewer
    than 20 values for a percentile.
    """
    shop = FailingShop(failure, seed)
    samples = shop.watch([EVERY * k for k in range(1, int(UNTIL / EVERY) + 1)])
    done = [call for call in shop.calls if not math.isnan(call.sojourn)]
    ends = [call.end for call in done]
    rows = []
    for number, now in enumerate(samples):
        past = number - int(WINDOW / EVERY)
        before = samples[past] if past >= 0 else Sample(0.0)
        span = now.now - before.now
        ended = done[bisect_right(ends, before.now) : bisect_right(ends, now.now)]
        tries = now.received - before.received
        rows.append(
            (
                now.now,
                (now.sent - before.sent) / span,
                (now.done - before.done) / span,
                float(now.waiting),
                now.oldest,
                (now.failed - before.failed) / max(tries, 1),
                float(now.dead - before.dead),
                _p95([call.seconds for call in ended]),
                _p95([call.sojourn for call in ended]),
                (now.charged - before.charged) / span,
            )
        )
    return tuple(rows)


def _p95(values: list[float]) -> float:
    return percentile(sorted(values), 95) if len(values) >= FEWEST else math.nan


@lru_cache(maxsize=1)
def usual_range() -> dict[str, tuple[float, float]]:
    """Return the smallest and the largest value of each signal in twenty calm runs. An empty queue
    and a minute without a failed try are usual at any time.
    """
    rows = [row for seed in range(CALM) for row in signals("", seed) if row[0] > WARM]
    return {
        signal: (
            0.0 if signal in FROM_ZERO else min(row[column] for row in rows),
            max(row[column] for row in rows),
        )
        for column, signal in enumerate(SIGNALS, 1)
    }


def first_movers(failures: Iterable[str] = FAILURES, *, seeds: int = 10) -> pd.DataFrame:
    """Return a table with a row for each failure and signal.

    `seconds` is the time (s) from the failure to the first sample outside of the usual range, `low`
    to `high`: the median of the seeds where there was one, NaN if it was in fewer than half of
    them; `moved` says how ("up", "down", "gone": nothing left to compute it from, ""), and `of` in
    how many seeds. `values` are those of one run around the failure.
    """
    import pandas as pd

    failures = list(failures)
    for failure in failures:
        check.one_of("failures", failure, FAILURES)
    seeds = check.whole("seeds", seeds, low=1)
    usual = usual_range()
    rows = []
    for failure in failures:
        runs = [signals(failure, seed) for seed in range(seeds)]
        for column, signal in enumerate(SIGNALS, 1):
            low, high = usual[signal]
            found = [each for run in runs if (each := _first(run, column, low, high))]
            seen = 2 * len(found) >= seeds
            rows.append(
                {
                    "failure": failure,
                    "signal": signal,
                    "seconds": median(seconds for seconds, _ in found) if seen else math.nan,
                    "moved": mode(how for _, how in found) if seen else "",
                    "of": len(found),
                    "values": [
                        row[column] for row in runs[0] if ONSET - BEFORE <= row[0] <= ONSET + AFTER
                    ],
                    "low": low,
                    "high": high,
                }
            )
    return pd.DataFrame(rows)


def _first(
    run: Sequence[Sequence[float]], column: int, low: float, high: float
) -> tuple[float, str] | None:
    """Return when a signal first leaves its range, in seconds from the failure, and how."""
    for row in run:
        value = row[column]
        if row[0] > ONSET and not low <= value <= high:
            moved = "gone" if math.isnan(value) else "up" if value > high else "down"
            return row[0] - ONSET, moved
    return None
