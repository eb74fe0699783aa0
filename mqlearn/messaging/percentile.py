"""The percentile as this package counts it, everywhere: by nearest rank."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mqlearn.runtime import check


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Return the smallest of the `ordered` numbers that at least `percent` % of them do not exceed.

    The rank is ⌈percent · n / 100⌉ of n numbers, counted from 1: the answer is a number that
    occurred, never one between two of them. NaN if there are none. The numbers must be sorted,
    smallest first; the answer has their unit.

    Source: the nearest-rank method, definition 1 of Hyndman and Fan, "Sample Quantiles in
    Statistical Packages", 1996.
    """
    check.number("percent", percent, low=0, high=100)
    if not len(ordered):
        return math.nan
    # 0.07 · 100 is a little more than 7 for a computer: without the subtraction the rank would be 8
    rank = math.ceil(percent * len(ordered) / 100 - 1e-9)
    return ordered[max(rank, 1) - 1]
