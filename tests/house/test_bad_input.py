"""Every public parameter refuses what it cannot use: by a TypeError or ValueError naming it and the
value, in time.

The walk finds the parameters by itself, from the public names and their signatures. `inputs.py`
says what is wrong for which kind, `anything.py` which parameters take anything, and why.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import pytest

import mqlearn
from mqlearn.runtime.check import short_repr
from mqlearn.study import arrivals, card, theory
from mqlearn.study.faults import Faults
from mqlearn.study.run import Run
from mqlearn.study.scenario import Scenario
from mqlearn.units import scenarios
from tests.house import inputs
from tests.house.anything import ANYTHING
from tests.house.world import World, make


@dataclass(frozen=True)
class Parameter:
    """One parameter of one public callable; `path` is the dotted name that the tables of `inputs`
    know it by.
    """

    path: str
    name: str
    annotation: str
    call: Callable[[World, dict[str, Any]], object]
    needed: dict[str, str]  # annotations of the parameters that have no default
    about: dict[str, Any]  # what a scenario's field says of itself


def public() -> dict[str, Any]:
    """Every public class and function that the walk visits, by name."""
    found = {name: value for name in mqlearn.__all__ if callable(value := getattr(mqlearn, name))}
    found |= scenarios() | {
        "Faults": Faults,
        "Run": Run,
    }
    for module in (arrivals, card, theory):
        found |= {
            name: value
            for name, value in vars(module).items()
            if not name.startswith("_") and callable(value) and value.__module__ == module.__name__
        }
    return found


def callables(
    name: str, target: Any
) -> Iterator[tuple[str, Any, Callable[[World, dict[str, Any]], object]]]:
    """A function; or a class: its constructor and the public methods that the package gave it,
    inherited ones too.
    """
    if not isinstance(target, type):
        yield name, target, lambda world, given: target(**given)
        return
    if name not in ANYTHING:
        yield name, target, lambda world, given: target(**given)
    for method in sorted(dir(target)):
        function = getattr(target, method)
        if method.startswith("_") or not inspect.isroutine(function):
            continue
        from_here = (getattr(function, "__module__", None) or "").startswith("mqlearn")
        # the affair of whoever writes that queue
        abstract = getattr(function, "__isabstractmethod__", False)
        if from_here and not abstract:
            yield (
                f"{name}.{method}",
                function,
                (lambda world, given, method=method: getattr(make(name, world), method)(**given)),
            )


def parameters() -> Iterator[Parameter]:
    """Every parameter that must refuse something."""
    for name, target in public().items():
        for path, function, call in callables(name, target):
            if path in ANYTHING or (name in ANYTHING and not isinstance(target, type)):
                continue
            yield from parameters_of(path, function, call, target)


def parameters_of(
    path: str, function: Any, call: Callable[[World, dict[str, Any]], object], target: Any = None
) -> Iterator[Parameter]:
    """The parameters of one callable, but for those that take anything."""
    signature = [
        each for each in inspect.signature(function).parameters.values() if each.name != "self"
    ]
    needed = {
        each.name: written(each)
        for each in signature
        if each.default is each.empty and each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
    }
    abouts = {}
    if is_dataclass(target) and issubclass(target, Scenario) and path == target.__name__:
        abouts = {each.name: dict(each.metadata) for each in fields(target)}
    for each in signature:
        if f"{path}.{each.name}" not in ANYTHING:
            yield Parameter(
                f"{path}.{each.name}",
                each.name,
                written(each),
                call,
                needed,
                abouts.get(each.name, {}),
            )


def written(parameter: inspect.Parameter) -> str:
    """The annotation as it stands in the source."""
    annotation = parameter.annotation
    return (
        annotation
        if isinstance(annotation, str)
        else getattr(annotation, "__name__", str(annotation))
    )


def wrong_values(parameter: Parameter) -> list[Any]:
    """What this parameter must refuse."""
    (_, wrong), optional = inputs.kind_of(parameter.annotation)
    values = [*wrong, *inputs.ALSO_WRONG.get(parameter.path, []), *([] if optional else [None])]
    about = parameter.about
    if "choices" in about:
        values.append("explode")
    elif "high" in about:
        values += [about["high"] + 1, about["low"] - 1]
    right = inputs.RIGHT.get(
        parameter.path, inputs.RIGHT.get(f"*.{'.'.join(parameter.path.split('.')[1:])}")
    )
    return [value for value in values if right is None or repr(value) != repr(right[0])]


def complaint(parameter: Parameter, value: Any) -> str:
    """What is wrong with how this parameter takes this value; nothing if it refuses it as it
    should.
    """
    world = World()
    given = {
        name: inputs.right(f"{parameter.path.rpartition('.')[0]}.{name}", annotation, world)
        for name, annotation in parameter.needed.items()
    }
    before = world.seen()
    try:
        parameter.call(world, given | {parameter.name: value})
    except (TypeError, ValueError) as error:
        text = str(error)
        inner = (
            [*value, *value.values()]
            if isinstance(value, dict)
            else value
            if isinstance(value, tuple | list)
            else ()
        )
        parts = [short_repr(value), *map(short_repr, inner)]
        if parameter.name not in text or not any(part in text for part in parts):
            return f"{value!r}: the error does not name the parameter and the value: {text}"
    except Exception as error:
        return f"{value!r}: {type(error).__name__}: {error}"
    else:
        return f"{value!r} is accepted"
    finally:
        world.sim.close()
    return "" if world.seen() == before else f"{value!r} is refused too late: something has changed"


@pytest.mark.parametrize("parameter", list(parameters()), ids=lambda parameter: parameter.path)
def test_a_parameter_refuses_what_it_cannot_use(parameter: Parameter) -> None:
    """Each wrong type and value, by an error that names parameter and value, with queue and trace
    as before.
    """
    complaints = [
        said for value in wrong_values(parameter) if (said := complaint(parameter, value))
    ]
    assert complaints == [], f"{parameter.path}: " + "; ".join(complaints)


def test_the_walk_sees_a_careless_parameter() -> None:
    """An unchecked one, one checked too late, one whose error is dumb, and one of an unknown kind
    all fail it.
    """

    def careless(seconds: float) -> None:
        pass

    def dumb(seconds: float) -> None:
        raise ValueError("no")

    def said(function: Callable[..., Any]) -> str:
        (parameter,) = parameters_of("careless", function, lambda world, given: function(**given))
        return complaint(parameter, -1)

    def late(world: World, given: dict[str, Any]) -> None:
        world.queue.purge()
        raise ValueError(f"seconds must not be {given['seconds']}")

    assert said(careless) == "-1 is accepted"
    assert "does not name" in said(dumb)
    (parameter,) = parameters_of("late", careless, late)
    assert "too late" in complaint(parameter, -1)
    with pytest.raises(AssertionError, match="knows no wrong values"):
        inputs.kind_of("complex")


def test_the_tables_speak_of_what_there_is() -> None:
    """No entry of `inputs` outlives its parameter; each exception has its reason."""
    known = {"*.run.seed", *public()}
    for name, target in public().items():
        for path, function, _ in callables(name, target):
            known.add(path)
            known |= {f"{path}.{each}" for each in inspect.signature(function).parameters}
    stale = [
        path
        for table in (inputs.ALSO_WRONG, inputs.RIGHT, ANYTHING)
        for path in table
        if path not in known
    ]
    assert stale == []
    assert all(ANYTHING.values()) and all(reason for _, reason in inputs.RIGHT.values())


@pytest.mark.parametrize("enum", [mqlearn.MessagePriority, mqlearn.MessageStatus])
def test_an_enum_names_what_it_has_not(enum: Any) -> None:
    """Python's own refusal says the value and the enum."""
    with pytest.raises(ValueError, match=f"'explode' is not a valid {enum.__name__}"):
        enum("explode")
