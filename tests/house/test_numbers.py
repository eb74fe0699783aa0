"""Every public parameter takes numbers of numpy, and every error is short, whatever the value.

The walk is that of `test_bad_input.py`.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from tests.house import inputs
from tests.house.test_bad_input import Parameter, parameters
from tests.house.world import World

LONGEST = 2000  # characters of an error's text
# What no error may print in full; ten times as long as an error may be is long enough to see it.
HUGE: dict[str, Any] = {
    "text": "x" * 20_000,
    "list": [0] * 20_000,
    "dict": {"key": "x" * 20_000},
    "key": {"x" * 20_000: 5},
}


def outcome(parameter: Parameter, value: Any) -> str:
    """What is said to this value of a parameter, with right values for those that have no default.
    If it is taken: "", or what is kept of it that is no number of Python's own.
    """
    world = World()
    given = {
        name: inputs.right(f"{parameter.path.rpartition('.')[0]}.{name}", annotation, world)
        for name, annotation in parameter.needed.items()
    }
    try:
        with world.sim:
            made = parameter.call(world, given | {parameter.name: value})
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    kept = getattr(made, "__dict__", {})
    return ", ".join(f"{name} = {kept[name]!r}" for name in kept if is_numpys(kept[name]))


def is_numpys(value: Any) -> bool:
    """Whether a value that is kept is a number of numpy."""
    return isinstance(value, np.generic)


def numbers() -> list[Parameter]:
    """The parameters that are a number."""
    return [each for each in parameters() if re.fullmatch("(float|int)( . None)?", each.annotation)]


@pytest.mark.parametrize("parameter", numbers(), ids=lambda parameter: parameter.path)
def test_a_number_of_numpy_is_a_number(parameter: Parameter) -> None:
    """Whatever Python's own number brings about, the same number in a column of a table does."""
    about, value = parameter.about, inputs.right(parameter.path, parameter.annotation, World())
    if "low" in about and not about["low"] <= value <= about["high"]:
        value = about["high"]
    whole = [np.int64, np.int32] if value == int(value) else []
    floats = [np.float32, np.float64] if parameter.annotation.startswith("float") else []
    for kind in whole + floats:
        if float(kind(value)) == value:
            said = outcome(parameter, kind(value).item())
            assert (kind.__name__, outcome(parameter, kind(value))) == (kind.__name__, said)


@pytest.mark.parametrize("parameter", list(parameters()), ids=lambda parameter: parameter.path)
def test_an_error_about_a_huge_value_is_short(parameter: Parameter) -> None:
    """If a huge value is refused, the text stays below 2,000 characters."""
    lengths = {name: len(outcome(parameter, value)) for name, value in HUGE.items()}
    assert {name: length for name, length in lengths.items() if length >= LONGEST} == {}
