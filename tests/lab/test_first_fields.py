"""A lab whose scenario names the few controls that are shown at first."""

import dataclasses
from typing import Any, ClassVar

import ipywidgets.widgets.widget as registry
import pytest

from mqlearn.lab import Lab
from mqlearn.lab.fields import settable
from mqlearn.units.messages_and_queues.scenario import PriorityMix
from mqlearn.units.work_queues.scenario import WorkQueue


class Few(PriorityMix):
    """A scenario of nine fields that shows three of them at first."""

    FIRST: ClassVar[tuple[str, ...]] = ("rate", "workers", "ttl")


def with_first(scenario: type[Any], first: Any) -> type[Any]:
    """The same scenario with another FIRST."""
    return type("Other", (scenario,), {"FIRST": first, "__annotations__": {}})


def in_sight(lab: Lab) -> set[str]:
    """The fields whose controls are somewhere in the panel under nothing that is hidden."""
    shown, parts = set(), [lab.widget]
    while parts:
        part = parts.pop()
        if part.layout.display != "none":
            shown.add(part)
            parts += getattr(part, "children", ())
    return {name for name, row in lab._ui.rows.items() if row.box in shown}


def test_only_the_first_fields_are_in_sight_until_more_are_asked_for() -> None:
    """The toggle shows the others, in their groups, and hides them again."""
    lab = Lab(Few)
    assert lab._ui.first is not None
    toggle = lab._ui.first.toggle
    assert in_sight(lab) == set(Few.FIRST) and toggle.description == "more …"
    toggle.value = True
    assert in_sight(lab) == {f.name for f in settable(Few)} and toggle.description == "fewer"
    toggle.value = False
    assert in_sight(lab) == set(Few.FIRST)


def test_the_toggle_counts_hidden_fields_that_were_changed() -> None:
    """A preset sets hidden fields too: the panel says that there are some."""
    lab = Lab(Few)
    assert lab._ui.first is not None
    lab.set(rate=2.0)  # in sight
    assert lab._ui.first.toggle.description == "more …"
    name = next(f.name for f in settable(Few) if f.name not in Few.FIRST and f.metadata["high"] > 1)
    low, high = (lab._rows[name].metadata[end] for end in ("low", "high"))
    start = getattr(lab.scenario, name)
    lab.set(**{name: low if start != low else high})
    assert lab._ui.first.toggle.description == "more … (1 changed)"
    lab.reset()
    assert lab._ui.first.toggle.description == "more …"


def test_a_scenario_without_first_shows_all_its_fields() -> None:
    """And has no toggle."""
    lab = Lab(WorkQueue)
    assert lab._ui.first is None and in_sight(lab) == {f.name for f in settable(WorkQueue)}


@pytest.mark.parametrize(
    "first",
    [("rate", "no_such"), ("rate", "rate"), ["rate"], "rate", ("prediction",)],
    ids=["unknown", "twice", "list", "text", "prediction"],
)
def test_first_names_at_most_four_fields(first: Any) -> None:
    """Anything else is refused with the rule, and leaves no widget behind."""
    before = set(registry._instances)
    with pytest.raises(ValueError, match="FIRST of Other must be a tuple of at most 4 different"):
        Lab(with_first(PriorityMix, first))
    assert set(registry._instances) == before


def test_five_first_fields_are_too_many() -> None:
    """Four are read at a glance."""
    names = tuple(f.name for f in dataclasses.fields(WorkQueue) if f.name != "prediction")[:5]
    with pytest.raises(ValueError, match="at most 4"):
        Lab(with_first(WorkQueue, names))


def test_a_closed_lab_leaves_no_hidden_widget() -> None:
    """Nor its toggle."""
    before = set(registry._instances)
    lab = Lab(Few)
    lab.close()
    assert set(registry._instances) == before
