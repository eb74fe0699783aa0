"""Exercise 13.1: a percentile of all values, from the histograms of several workers."""

from __future__ import annotations

import math
import random
from bisect import bisect_left
from collections.abc import Callable, Iterator
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

from mqlearn.messaging.counters import BUCKETS
from mqlearn.messaging.histogram import histogram_percentile
from mqlearn.messaging.percentile import percentile
from mqlearn.study.exercise import Answer, Exercise, Mistake, call_answer, is_number
from mqlearn.study.verdict import Verdict
from mqlearn.study.words import format_seconds

if TYPE_CHECKING:
    import pandas as pd

BOUNDS = (*BUCKETS, math.inf)  # seconds
Histograms = list[dict[float, int]]


class Measured(NamedTuple):
    """The histograms of a seed's workers, the `share` that is asked for, the true percentile of all
    values (s), and the answer.
    """

    seed: int
    histograms: Histograms
    share: float
    true: float
    answer: Answer

    @property
    def bucket(self) -> tuple[float, float]:
        """The bounds (s) of the bucket that the true percentile is in."""
        place = bisect_left(BOUNDS, self.true)
        return (BOUNDS[place - 1] if place else 0.0, BOUNDS[place])

    @property
    def is_right(self) -> bool:
        """Return True if the answer lies in the bucket; above the last finite bound, that will
        do.
        """
        low, high = self.bucket
        value = self.answer.value
        if high == math.inf:
            return value == math.inf or (is_number(value) and value >= low - 1e-9)
        return is_number(value) and bool(low - 1e-9 <= value <= high + 1e-9)


class PercentileExercise(Exercise[int, Measured]):
    """Two to eight workers, some of them idle, each with times of its own scale."""

    def play(self, answer: Callable[..., Any], case: int) -> Measured:
        values, share = _values(case)
        histograms = [_histogram(each) for each in values]
        true = percentile(sorted(value for each in values for value in each), 100 * share)
        given = [dict(each) for each in histograms]
        return Measured(case, histograms, share, true, call_answer(answer, given, share))

    def mistakes(self, world: Measured) -> Iterator[Mistake]:
        if world.is_right:
            return
        if world.answer.error is not None or not _is_seconds(world.answer.value):
            yield Mistake(
                f"expected a number of seconds, {world.answer}",
                "histograms is a list of dicts {upper bound: number of values up to it}",
            )
            return
        low, high = world.bucket
        between = (
            f"between {format_seconds(low)} and {format_seconds(high)}"
            if high < math.inf
            else f"above {format_seconds(low)}"
        )
        said = (
            f"{100 * world.share:g} % of all values are at most {format_seconds(world.true)}, so "
            f"the answer is {between}; {world.answer}"
        )
        yield Mistake(said, _hint(world), partial(_table, world))

    def summary(self, worlds: list[Measured]) -> str:
        counted = sum(each[math.inf] for world in worlds for each in world.histograms)
        workers = sum(len(world.histograms) for world in worlds)
        return (
            f"{len(worlds)} seeds, {workers} workers, {counted:,} values: each percentile is in "
            "the bucket of the true one"
        )


def check_percentile(percentile: Callable[[Histograms, float], float]) -> Verdict:
    """Grade `percentile(histograms, share)`, which returns the time (s) that a `share` (0.5 to
    0.99) of all values of all workers does not exceed.

    Each histogram is a worker's: {upper bound (s): number of its values up to it}, with the
    package's 14 bounds and infinity. The counts are cumulative. The answer must lie in the bucket
    of the true percentile; above 10 s, at least 10 will do. A worker may have no values.
    """
    return EXERCISE.grade(percentile)


EXERCISE = PercentileExercise()


def _values(seed: int) -> tuple[list[list[float]], float]:
    """Return the values (s) of each worker, at least one in all, and the share."""
    dice = random.Random(f"histograms {seed}")
    workers = [
        (dice.choice((0, 3, 20, 200, 1500)), dice.choice((0.02, 0.05, 0.2, 1.0, 3.0)))
        for _ in range(dice.randint(2, 8))
    ]
    if not any(count for count, _ in workers):
        workers.append((20, 1.0))
    values = [[dice.expovariate(1 / scale) for _ in range(n)] for n, scale in workers]
    return values, dice.choice((0.5, 0.9, 0.95, 0.99))


def _histogram(values: list[float]) -> dict[float, int]:
    ordered = sorted(values)
    return {bound: sum(value <= bound for value in ordered) for bound in BOUNDS}


def _is_seconds(value: Any) -> bool:
    return is_number(value) or (isinstance(value, float) and value == math.inf)


def _hint(world: Measured) -> str:
    """Return the hint that fits the answer best."""
    value = float(world.answer.value)
    full = [each for each in world.histograms if each[math.inf]]
    alone = [histogram_percentile(each, world.share) for each in full]
    if math.isclose(value, sum(alone) / len(alone), rel_tol=1e-6):
        return "a mean of percentiles is no percentile: what of a histogram can be added?"
    if any(math.isclose(value, each) for each in _of_the_first(world)):
        return "this is the percentile of the first worker; all workers count"
    small = value <= min(BUCKETS) or value < world.bucket[0] / 2
    if small or value == _added_again(world):
        return "the counts are cumulative: the count at 0.25 includes the count at 0.1"
    return "add the counts of all workers bound by bound, then look for the share of the sum"


def _of_the_first(world: Measured) -> list[float]:
    """Return the percentile (s) of the first worker alone, interpolated and as the bound of its
    bucket.
    """
    first = world.histograms[0]
    if not first[math.inf]:
        return []
    need = world.share * first[math.inf]
    bound = next(bound for bound, count in first.items() if count >= need)
    return [histogram_percentile(first, world.share), bound]


def _added_again(world: Measured) -> float:
    """Return the bound (s) that an answer finds which adds up the counts of smaller bounds once
    more.
    """
    counts = [sum(each[bound] for each in world.histograms) for bound in BOUNDS]
    need = world.share * sum(counts)
    return next(
        bound for bound, up_to in zip(BOUNDS, accumulate(counts), strict=True) if up_to >= need
    )


def _table(world: Measured) -> pd.DataFrame:
    """Return the table that a replay shows: the counts by bound, each worker's and the sum."""
    import pandas as pd

    table = pd.DataFrame(world.histograms).T
    table.columns = pd.Index([f"worker {number}" for number in range(len(table.columns))])
    table.index = pd.Index(
        ["+Inf" if bound == math.inf else f"{bound:g}" for bound in BOUNDS], name="up to, s"
    )
    table["sum"] = table.sum(axis=1)
    table["share of all"] = (table["sum"] / table["sum"].iloc[-1]).round(3)
    table["the true one"] = ["here" if bound == world.bucket[1] else "" for bound in BOUNDS]
    return table
