"""Values that a lab, `show` and `replay` cannot use are refused by name, and the panel stays as it
is.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import pytest

import mqlearn.lab
from mqlearn.lab import Lab, note, replay, show
from mqlearn.units.start_here.scenario import FailingWork

# For each public parameter, values that must be refused. A name that is not here fails the test of
# coverage below.
WRONG: dict[str, list[Any]] = {
    "Lab.scenario": [5, "FailingWork", None, FailingWork()],
    "Lab.seed": ["x", 1.5, None, True],
    "Lab.settings": [{"failure_rate": 2.0}, {"failure_rate": "x"}, {"no_such_field": 1}],
    "Lab.set.settings": [
        {"failure_rate": 2.0},
        {"failure_rate": -0.1},
        {"failure_rate": "x"},
        {"failure_rate": None},
        {"failure_rate": math.nan},
        {"no_such_field": 1},
    ],
    "Lab.predict.value": ["x", [1], math.nan, True, 1e300, -1e300],
    "Lab.room.answers": [5, ["x"], [math.nan], [1, None], [1e300], [-1e13]],
    "Lab.preset.name": ["no such day", 5, None, []],
    "Lab.keep.kept": ["no", 0],
    "Lab.step.time": ["x", [1], math.nan],
    "show.run": [5, "x", None],
    "show.charts": ["explode", 5],
    "show.ghost": [5, "x"],
    "show.at": ["x", math.nan],
    "show.prediction": ["x", math.nan, 1e300],
    "show.title": [5],
    "show.ghost_title": [5],
    "note.text": [5, b"x", None, ["x"]],
    "replay.which": ["x", [1]],
    "replay.charts": ["explode", 5],
    "replay.at": ["x", math.nan],
}

CALLS: dict[str, Callable[[Lab, Any], object]] = {
    "Lab.scenario": lambda lab, value: Lab(value),
    "Lab.seed": lambda lab, value: Lab(FailingWork, seed=value),
    "Lab.settings": lambda lab, value: Lab(FailingWork, **value),
    "Lab.set.settings": lambda lab, value: lab.set(**value),
    "show.run": lambda lab, value: show(value),
    "show.charts": lambda lab, value: show(lab.run, value),
    "show.ghost": lambda lab, value: show(lab.run, ghost=value),
    "show.at": lambda lab, value: show(lab.run, at=value),
    "show.prediction": lambda lab, value: show(lab.run, prediction=value),
    "show.title": lambda lab, value: show(lab.run, title=value),
    "show.ghost_title": lambda lab, value: show(lab.run, ghost_title=value),
    "note.text": lambda lab, value: note(value),
    "replay.which": lambda lab, value: replay(value),
    "replay.charts": lambda lab, value: replay(lab.run, value),
    "replay.at": lambda lab, value: replay(lab.run, at=value),
}


@pytest.fixture(scope="module")
def lab() -> Lab:
    """One lab: whatever is refused leaves it as it is."""
    return Lab(FailingWork, failure_rate=0.2)


@pytest.mark.parametrize(
    ("path", "value"), [(path, value) for path, values in WRONG.items() for value in values]
)
def test_a_wrong_value_is_refused_by_name(
    lab: Lab, path: str, value: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """By a TypeError or ValueError that names parameter and value; run, verdict and picture are the
    last good ones.
    """
    before = (lab.run, lab.scenario, lab.seed, lab.verdict, lab.sentence, lab.baseline, lab.png())
    name, method = path.rpartition(".")[2], path.split(".")[1]
    call = CALLS.get(path, lambda lab, value: getattr(lab, method)(value))
    with pytest.raises((TypeError, ValueError)) as caught:
        call(lab, value)
    named = next(iter(value)) if isinstance(value, dict) else name
    assert named in str(caught.value)
    if named != "no_such_field":  # there it is the name that is wrong
        parts = [
            value,
            *(
                value.values()
                if isinstance(value, dict)
                else value
                if isinstance(value, list)
                else ()
            ),
        ]
        assert any(repr(part) in str(caught.value) for part in parts)
    assert (
        lab.run,
        lab.scenario,
        lab.seed,
        lab.verdict,
        lab.sentence,
        lab.baseline,
        lab.png(),
    ) == before
    assert capsys.readouterr().out == ""


def test_no_public_parameter_is_forgotten() -> None:
    """Each parameter of each public name of the lab stands in the table, and nothing else
    does.
    """
    found = set()
    for name in mqlearn.lab.__all__:
        target = getattr(mqlearn.lab, name)
        functions = {name: target}
        if isinstance(target, type):
            functions |= {
                f"{name}.{key}": value
                for key, value in vars(target).items()
                if not key.startswith("_") and inspect.isfunction(value)
            }
        found |= {
            f"{path}.{each}"
            for path, function in functions.items()
            for each in inspect.signature(function).parameters
            if each != "self"
        }
    assert found == set(WRONG)
