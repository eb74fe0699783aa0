"""The percentile, computed by nearest rank everywhere in this package."""

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
    percent = check.number("percent", percent, low=0, high=100)
    if not len(ordered):
        return math.nan
    # In floats 100 · 0.07 is 7.000000000000001, and `ceil` would make the rank 8: so a tiny amount
    # is subtracted first.
    rank = math.ceil(percent * len(ordered) / 100 - 1e-9)
    # by position: in a column of a table, a number in brackets is a label of its index
    return getattr(ordered, "iloc", ordered)[max(rank, 1) - 1]
