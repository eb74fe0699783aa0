"""Percentiles of histograms: counts in buckets can be added, percentiles cannot."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from mqlearn.runtime import check

Histogram = Mapping[float, float]


def merge_histograms(histograms: Iterable[Histogram]) -> dict[float, float]:
    """Return the histogram of all values together: the counts of each bucket, added.

    A histogram is {upper bound: number of values up to it}, its last bound infinity, as in
    Prometheus: the counts are cumulative. All must have the same bounds. Without any, {}.
    """
    total: dict[float, float] = {}
    check.instance("histograms", histograms, Iterable)
    for histogram in histograms:
        _check("histograms", histogram)
        if total and sorted(histogram) != sorted(total):
            raise ValueError(
                f"histograms must have the same bounds, got {check.short_repr(histogram)} after "
                f"bounds {check.short_repr(sorted(total))}"
            )
        for bound, count in histogram.items():
            total[bound] = total.get(bound, 0) + count
    return dict(sorted(total.items()))


def histogram_percentile(histogram: Histogram, share: float) -> float:
    """Return the value that a `share` (0 to 1) of a histogram's values do not exceed, in the unit
    of its bounds; NaN if it is empty.

    The percentile lies in the first bucket with a cumulative count of at least share · n, of n
    values in all. Where in it is not known: as if its values were spread evenly over the bucket,
    the answer is interpolated between its bounds, so it is as exact as the bucket is narrow. The
    first bucket begins at 0. Above the last finite bound, the answer is that bound.

    Source: `histogram_quantile` of Prometheus.
    """
    _check("histogram", histogram)
    share = check.number("share", share, low=0, high=1)
    rows = sorted(histogram.items())
    need = share * rows[-1][1]
    low, below = 0.0, 0.0
    for bound, count in rows:
        if count >= need and count > below:
            if math.isinf(bound):
                return low
            return min(low, bound) + (bound - min(low, bound)) * (need - below) / (count - below)
        low, below = bound, count
    return math.nan


def _check(name: str, histogram: Histogram) -> None:
    check.instance(name, histogram, Mapping)
    for bound, count in histogram.items():
        if bound != math.inf:
            check.number(name, bound)
        check.number(name, count, low=0)
    if math.inf not in histogram:
        raise ValueError(f"{name} must have the bound infinity, got {check.short_repr(histogram)}")
    counts = [count for _, count in sorted(histogram.items())]
    if counts != sorted(counts):
        raise ValueError(f"{name} must have cumulative counts, got {check.short_repr(histogram)}")
