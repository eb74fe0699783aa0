"""A check answers in words whatever it is given: stubs, wrong types, exceptions, spoilt inputs."""

import re
from importlib import import_module

import pandas as pd
import pytest

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
