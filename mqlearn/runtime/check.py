"""Checks of arguments. Every error names the parameter, the rule and the value; callers check
before they change anything.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any


def number(
    name: str,
    value: Any,
    *,
    above: float | None = None,
    low: float | None = None,
    high: float | None = None,
    optional: bool = False,
) -> None:
    """Refuse a value that is not a finite number within the bounds: more than `above`, at least
    `low`, at most `high`. None is allowed if `optional`.

    Raises TypeError for another type, ValueError for a value outside.
    """
    if value is None and optional:
        return
    # True and False are integers in Python, but as a number of seconds they are a mistake
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not _finite(value):
        raise ValueError(f"{name} must be finite, got {value!r}")
    if above is not None and value <= above:
        raise ValueError(
            f"{name} must be {'positive' if above == 0 else f'above {above:g}'}, got {value!r}"
        )
    if low is not None and value < low:
        raise ValueError(
            f"{name} must {'not be negative' if low == 0 else f'be at least {low:g}'}, got "
            f"{value!r}"
        )
    if high is not None and value > high:
        raise ValueError(f"{name} must be at most {high:g}, got {value!r}")


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer too large for a float
        return False


def whole(
    name: str, value: Any, *, low: int = 0, high: int | None = None, optional: bool = False
) -> None:
    """Refuse a value that is not a whole number from `low` to `high`, both included. None is
    allowed if `optional`.

    Raises TypeError for another type, ValueError for a value outside.
    """
    if type(value) is int and low <= value and (high is None or value <= high):
        return  # the usual case, first because it is called very often; the rest finds the error
    if value is None and optional:
        return
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    if value < low:
        raise ValueError(f"{name} must be at least {low}, got {value!r}")
    if high is not None and value > high:
        raise ValueError(f"{name} must be at most {high}, got {value!r}")


def one_of(name: str, value: Any, choices: Iterable[Any]) -> None:
    """Refuse a value that is not among the choices, with a ValueError that lists them."""
    # `choices` may be a generator, which can be read only once
    listed = list(choices)
    if value not in listed:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, listed))}, got {value!r}")


def instance(
    name: str, value: Any, kind: type | tuple[type, ...], *, optional: bool = False
) -> None:
    """Refuse a value of another type with a TypeError."""
    if value is None and optional:
        return
    if not isinstance(value, kind):
        kinds = kind if isinstance(kind, tuple) else (kind,)
        wanted = " or ".join(k.__name__ for k in kinds)
        raise TypeError(f"{name} must be {wanted}, got {value!r}")


def function(name: str, value: Any, *, optional: bool = False) -> None:
    """Refuse a value that cannot be called, with a TypeError."""
    if value is None and optional:
        return
    if not callable(value):
        raise TypeError(f"{name} must be callable, got {value!r}")
