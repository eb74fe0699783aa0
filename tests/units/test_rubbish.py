"""A check answers in words whatever it is given: stubs, wrong types, exceptions, spoilt inputs."""

import asyncio
import itertools
import re
import sys
from decimal import Decimal
from importlib import import_module

import numpy as np
import pandas as pd
import pytest

from mqlearn import WorkerCrash
from mqlearn.study.verdict import recall
from mqlearn.units import COURSE

PAGES = [import_module(f"mqlearn.units.{unit}") for unit in COURSE]
CHECKS = [getattr(page, name) for page in PAGES for name in page.__all__ if name[:6] == "check_"]
each_check = pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)


class Unprintable:
    """An object whose repr raises."""

    def __repr__(self):
        raise ValueError("no words")


def stub(*_):
    """Do nothing."""


def to_do(*_):
    """Not written yet."""
    raise NotImplementedError


def too_few():
    """Takes nothing, as only a window of 05.3 may."""


def deep(*args):
    """Never come back by itself."""
    return deep(*args)


def spoil(*args):
    """Empty whatever can be emptied while walking over it."""
    for arg in args:
        found = arg.__dict__ if hasattr(arg, "__dict__") else arg
        for key in found:
            del found[key if isinstance(found, dict) else 0]


RUBBISH = {
    "a stub": (stub, "it returned None"),
    "zero": (lambda *_: 0, "it returned 0"),
    "three dots": (lambda *_: ..., "it returned Ellipsis"),
    "true": (lambda *_: True, "it returned True"),
    "not a number": (lambda *_: float("nan"), "it returned nan"),
    "text": (lambda *_: "two", "it returned 'two'"),
    "a list": (lambda *_: [], r"it returned \[\]"),
    "half a number": (lambda *_: 2.5, r"it returned 2\.5"),
    "an object": (lambda *_: object(), "it returned an object of type object"),
    "an unprintable": (lambda *_: Unprintable(), "it returned an object of type Unprintable"),
    "a long text": (lambda *_: "x" * 999, "it returned 'x{59}…"),
    "a class": (lambda *_: stub, "it returned an object of type function"),
    "to do": (to_do, r"it raised NotImplementedError\. Hint"),
    "an error": (lambda *_: 1 / 0, "it raised ZeroDivisionError: division by zero"),
    "no parameters": (too_few, "it (raised TypeError: too_few|returned None)"),
    "no end": (deep, "it raised RecursionError"),
    "spoilt input": (spoil, "it (raised|returned)"),
}


@each_check
@pytest.mark.parametrize(("fn", "said"), RUBBISH.values(), ids=RUBBISH)
def test_rubbish_is_told_in_words(check, fn, said):
    """The verdict says what came out, gives a hint, and is the same sentence every time."""
    verdict = check(fn)
    assert not verdict and verdict.text.startswith("not yet: ")
    assert re.search(said, verdict.text), verdict.text
    assert (
        verdict.text.count(" Hint: ") == 1 and "\n" not in verdict.text and "0x" not in verdict.text
    )
    table = None if verdict.failing_seed is None else recall(verdict.failing_seed)
    assert table is None or (isinstance(table, pd.DataFrame) and table.to_html()), (
        "there is no run to be replayed"
    )
    assert check(fn) == verdict


class Mute(Exception):
    """An exception without a text."""

    def __str__(self):
        raise SystemExit(3)


class Hostile:
    """An object that ends the interpreter, whatever it is asked."""

    def __repr__(self):
        raise SystemExit(3)

    __bool__ = __len__ = __iter__ = __index__ = __float__ = __repr__

    def __hash__(self):
        raise SystemExit(3)

    def __eq__(self, other):
        raise SystemExit(3)

    __lt__ = __le__ = __gt__ = __ge__ = __eq__


class Incomparable(int):
    """A number that cannot be compared."""

    def __lt__(self, other):
        raise ValueError("no order")

    __le__ = __gt__ = __ge__ = __eq__ = __lt__
    __hash__ = int.__hash__


def raises(error):
    """An answer that raises this."""

    def answer(*_):
        raise error

    return answer


async def coroutine(*_):
    """Never runs."""


def generator(*_):
    """Never runs."""
    yield 1


ODD = {
    "sys.exit": lambda *_: sys.exit(0),
    "cancelled": raises(asyncio.CancelledError()),
    "a crash": raises(WorkerCrash()),
    "no text": raises(Mute()),
    "a long text": raises(ValueError("x" * 6_000_000)),
    "lines and half a pair": raises(ValueError("one\ntwo \ud83d")),
    "a coroutine": coroutine,
    "a generator": generator,
    "a class": object,
    "an exception class": SystemExit,
    "too many parameters": lambda a, b, c, d, e, f, g, h: 1,
    "an array": lambda *_: np.array([1.0, 2.0]),
    "an array of one": lambda *_: np.array([5]),
    "a frame": lambda *_: pd.DataFrame({"a": [1, 2, 3]}),
    "a series": lambda *_: pd.Series([1.0, 2.0, 3.0]),
    "missing": lambda *_: pd.NA,
    "three arrays": lambda *_: (np.array([1, 2]),) * 3,
    "NumPy's number": lambda *_: np.int64(-3),
    "NumPy's nan": lambda *_: np.float32("nan"),
    "NumPy's truth": lambda *_: np.bool_(True),
    "infinite": lambda *_: float("inf"),
    "beyond a float": lambda *_: 10**400,
    "a decimal": lambda *_: Decimal("sNaN"),
    "a very long text": lambda *_: "x" * 6_000_000,
    "hostile": lambda *_: Hostile(),
    "three hostile": lambda *_: (Hostile(),) * 3,
    "a list of hostile": lambda *_: [Hostile()] * 5,
    "a dict of hostile": lambda *_: {"a": Hostile()},
    "incomparable": lambda *_: Incomparable(3),
    "without end": lambda *_: itertools.count(),
}


@each_check
def test_odd_answers_are_not_right_yet(check):
    """Neither what an answer raises nor what its value does when it is looked at ends the kernel:
    each gets a short line in words.
    """
    for name, fn in ODD.items():
        verdict = check(fn)
        assert not verdict, name
        assert re.fullmatch(r"not yet: [^\n]{10,1990}", verdict.text), (name, verdict.text[:300])
        assert verdict.text.isprintable(), name


@each_check
def test_the_user_may_still_interrupt_a_check(check):
    """KeyboardInterrupt is no answer."""
    with pytest.raises(KeyboardInterrupt):
        check(raises(KeyboardInterrupt()))


@each_check
@pytest.mark.parametrize(
    "value", [None, 3, "min", object(), Unprintable()], ids=lambda value: type(value).__name__
)
def test_what_is_no_function_is_told_too(check, value):
    """A student hands over the call instead of the function."""
    verdict = check(value)
    assert not verdict and "is not a function. Hint: " in verdict.text


def test_the_checks_are_there_in_the_order_of_the_exercises():
    """What the notebooks import."""
    assert [check.__name__ for check in CHECKS[:9]] == [
        "check_sort_key",
        "check_reply_to",
        "check_choose",
        "check_little",
        "check_fewest_clerks",
        "check_prefetch",
        "check_work",
        "check_first_time",
        "check_handle",
    ]
