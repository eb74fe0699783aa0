"""Numbers and names as text, so that verdicts, charts and hints write each kind in the same way."""

from __future__ import annotations

import math
from collections.abc import Sequence


def format_duration(seconds: float) -> str:
    """Return a duration in seconds as a text with three digits: 98.4 ms, 2.35 s, 130 s."""
    # 0.9995 and 99.95 are where rounding to three digits would reach the next unit or digit
    if seconds < 0.9995:
        return f"{round(1000 * seconds, 1):.3g} ms"
    return f"{seconds:.3g} s" if seconds < 99.95 else f"{seconds:,.0f} s"


def format_number(value: float) -> str:
    """Return a number as a text with three digits (below 0.1 with two), and as a whole number from
    100 on: 1,204, 26, 7.69, 0.012. Every verdict, table of totals and chart writes its numbers so.

    There are no exponents: below 0.0005, which no run can show, a positive number is "about 0".
    NaN is "–".
    """
    if math.isnan(value):
        return "–"
    if abs(value) >= 99.95 or value == int(value):
        return f"{value + 0.0:,.0f}"  # 0.0 makes 0 of -0
    if abs(value) < 0.0005:
        return "about 0"
    return f"{value:.3g}" if abs(value) >= 0.1 else f"{value:.2g}"


def format_seconds(seconds: float) -> str:
    """Return a duration or instant with its unit, always in seconds: 0.4 s, 12.3 s, 325 s."""
    return f"{format_number(seconds)} s"


def format_share(share: float) -> str:
    """Return a share of a whole in percent: 0% only if it is nothing, 100% only if it is all."""
    if 0 < share <= 0.005:  # a half is rounded to the even 0
        return "under 1%"
    return "over 99%" if 0.995 <= share < 1 else f"{share:.0%}"


def format_count(count: float, noun: str) -> str:
    """Return a number with its noun, in the plural unless it is one: "1 order", "1,204 orders"."""
    return f"{format_number(count)} {noun}{'' if format_number(count) == '1' else 's'}"


def join_names(names: Sequence[str]) -> str:
    """Return names as a list in a sentence: "mail", "mail and board", "mail, board and parcel"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
