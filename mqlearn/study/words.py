"""Numbers and names as text, so that verdicts, charts and hints write each kind in the same way."""

from __future__ import annotations

from collections.abc import Sequence


def format_duration(seconds: float) -> str:
    """Return a duration in seconds as a text with three digits: 98.4 ms, 2.35 s, 130 s."""
    # 0.9995 and 99.95 are where rounding to three digits would reach the next unit or digit
    if seconds < 0.9995:
        return f"{round(1000 * seconds, 1):.3g} ms"
    return f"{seconds:.3g} s" if seconds < 99.95 else f"{seconds:,.0f} s"


def format_rate(rate: float) -> str:
    """Return a rate (per second) as a text with three digits, and as a whole number from 100 on:
    2.35, 1,250.
    """
    return f"{rate:,.0f}" if rate >= 99.95 else f"{rate:.3g}"


def format_wait(seconds: float) -> str:
    """Return a wait in seconds with three digits and without its unit; below 0.5 ms it is "0".

    Theory gives waits of a millionth of a second, which no run can show.
    """
    return f"{seconds:.3g}" if seconds >= 0.0005 else "0"


def format_count(count: int, noun: str) -> str:
    """Return a number with its noun, in the plural unless it is one: "1 order", "1,204 orders"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def join_names(names: Sequence[str]) -> str:
    """Return names as a list in a sentence: "mail", "mail and board", "mail, board and parcel"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
