"""Checks of arguments. Every error names the parameter, the rule and the value; callers check
before they change anything.

A number of another library, such as numpy's, is a number: `number` and `whole` return it as
Python's own, and callers go on with what they return.
"""

from __future__ import annotations

import functools
import inspect
import math
import re
from collections.abc import Iterable, Mapping
from numbers import Integral, Real
from types import FunctionType, MethodType
from typing import Any

from greenlet import GreenletExit

# flags of functions whose call runs nothing: it makes a generator or a coroutine
MAKES_AN_OBJECT = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
LONGEST = 200  # characters of a value in an error


def short_repr(value: Any, longest: int = LONGEST) -> str:
    """Return the text of a value for an error or a verdict: at most `longest` characters, and
    without the address of an object, since addresses differ from run to run.
    """
    try:
        text = repr(value)
    except (KeyboardInterrupt, GreenletExit):
        raise
    except BaseException:
        text = "at 0x"  # a value whose repr raises is shown by its type, as one with an address is
    if re.search(r"\bat 0x", text[: 10 * longest]):
        return f"an object of type {type(value).__name__}"
    return text if len(text) <= longest else text[:longest] + "…"


def number(
    name: str,
    value: Any,
    *,
    above: float | None = None,
    low: float | None = None,
    high: float | None = None,
    optional: bool = False,
) -> Any:
    """Return a finite number within the bounds (more than `above`, at least `low`, at most `high`)
    as Python's own int or float. None is allowed if `optional`.

    Raises TypeError for another type, ValueError for a value outside.
    """
    if type(value) is not float:  # the usual case: what follows would cost it five times as much
        if value is None and optional:
            return None
        # True and False are integers in Python, but as a number of seconds they are a mistake
        if isinstance(value, bool) or not isinstance(value, Real):
            raise TypeError(f"{name} must be a number, got {short_repr(value)}")
        value = _pythons_own(value)
    if not _finite(value):
        raise ValueError(f"{name} must be finite, got {short_repr(value)}")
    if above is not None and value <= above:
        raise ValueError(
            f"{name} must be {'positive' if above == 0 else f'above {above:g}'}, got "
            f"{short_repr(value)}"
        )
    if low is not None and value < low:
        raise ValueError(
            f"{name} must {'not be negative' if low == 0 else f'be at least {low:g}'}, got "
            f"{short_repr(value)}"
        )
    if high is not None and value > high:
        raise ValueError(f"{name} must be at most {high:g}, got {short_repr(value)}")
    return value


def _pythons_own(value: Any) -> float:
    if type(value) is float or type(value) is int:
        return value
    return int(value) if isinstance(value, Integral) else float(value)


def _finite(value: Any) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer too large for a float
        return False


def whole(
    name: str, value: Any, *, low: int = 0, high: int | None = None, optional: bool = False
) -> Any:
    """Return a whole number from `low` to `high`, both included, as Python's own int. None is
    allowed if `optional`.

    Raises TypeError for another type, ValueError for a value outside.
    """
    if type(value) is int and low <= value and (high is None or value <= high):
        return value  # the usual case first: it is called very often; the rest finds the error
    if value is None and optional:
        return None
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be a whole number, got {short_repr(value)}")
    value = int(value)
    if value < low:
        raise ValueError(f"{name} must be at least {low}, got {short_repr(value)}")
    if high is not None and value > high:
        raise ValueError(f"{name} must be at most {high}, got {short_repr(value)}")
    return value


def one_of(name: str, value: Any, choices: Iterable[Any]) -> None:
    """Refuse a value that is not among the choices, with a ValueError that lists them."""
    # the usual case first: a trace asks so for each of its records
    if type(value) is str and isinstance(choices, Mapping) and value in choices:
        return
    # `choices` may be a generator, which can be read only once
    listed = list(choices)
    if not any(_equals(value, choice) for choice in listed):
        choices = short_repr(listed, 10 * LONGEST)[1:-1]
        raise ValueError(f"{name} must be one of {choices}, got {short_repr(value)}")


def _equals(value: Any, choice: Any) -> bool:
    # by type first: an array compared with a text is an array, which is neither true nor false
    if isinstance(value, Integral) and isinstance(choice, Integral):
        return bool(value == choice)
    return isinstance(value, type(choice)) and bool(value == choice)


def instance(
    name: str, value: Any, kind: type | tuple[type, ...], *, optional: bool = False
) -> None:
    """Refuse a value of another type with a TypeError."""
    if value is None and optional:
        return
    if not isinstance(value, kind):
        kinds = kind if isinstance(kind, tuple) else (kind,)
        wanted = " or ".join(k.__name__ for k in kinds)
        raise TypeError(f"{name} must be {wanted}, got {short_repr(value)}")


def function(name: str, value: Any, *, optional: bool = False) -> None:
    """Refuse a value that cannot be called, or whose call would run nothing of it, with a TypeError
    that says what to do instead.
    """
    # the usual cases first, a function or a method: it is called with each `receive`
    plain = value.__func__ if type(value) is MethodType else value
    if type(plain) is FunctionType and not plain.__code__.co_flags & MAKES_AN_OBJECT:
        return
    if value is None and optional:
        return
    if not callable(value):
        raise TypeError(f"{name} must be callable, got {short_repr(value)}")
    useless = _useless_call(value)
    if useless:
        raise TypeError(f"{name} must be a plain function, got {short_repr(value)}: {useless}")


def _useless_call(value: Any) -> str:
    """Return why calling this does not do its work, and what to hand in instead; "" if it does."""
    while isinstance(value, functools.partial):
        value = value.func
    if isinstance(value, type):
        if issubclass(value, BaseException):
            return "an exception class; hand in a function that raises it"
        if any("__call__" in vars(base) for base in value.__mro__[:-1]):
            return f"a class; hand in an object of it, {value.__name__}(…)"
        return ""
    # an object with __call__ is what its __call__ is
    for code in (value, type(value).__call__):
        if inspect.iscoroutinefunction(code):
            return (
                "a call of a coroutine function (async def) only makes a coroutine; hand in a "
                "function that runs it, such as lambda message: asyncio.run(handle(message))"
            )
        if inspect.isgeneratorfunction(code) or inspect.isasyncgenfunction(code):
            return (
                "a call of a generator function (with yield) only makes a generator; hand in a "
                "function without yield"
            )
    return ""
