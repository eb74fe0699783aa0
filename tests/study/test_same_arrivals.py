"""Same arrivals, other policy: moving any field of any scenario leaves alone all that it does not
govern.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any

import pytest

from mqlearn import Simulation, Trace
from mqlearn.study.scenario import Scenario
from mqlearn.units import scenarios
from mqlearn.units.replication.scenario import ReplicatedOrders
from mqlearn.units.replication.shop import WINDOW, Shop
from tests.study.governs import GOVERNS, SHORTER


@dataclass(frozen=True)
class Arrivals:
    """The messages that arrived, those that were refused included, each by its id."""

    which: tuple[str, ...]
    time: dict[str, float]  # s
    priority: dict[str, str]
    service: dict[str, float]  # s, of those that were begun and done
    worker: dict[str, str]  # by whom
    alike: bool  # whether all workers are equally fast


@lru_cache
def arrivals(scenario: Scenario, seed: int) -> Arrivals:
    """What came, read off the trace of a run; for a replicated log, off its tills, since the log
    hears of an order only when its till is free.
    """
    if isinstance(scenario, ReplicatedOrders):
        with Simulation(seed=seed) as sim:
            shop = Shop(scenario, sim, Trace())
            sim.run(until=WINDOW)
        return Arrivals(tuple(shop.arrived), shop.arrived, {}, {}, {}, True)
    came: list[Any] = []
    began: dict[str, float] = {}
    service: dict[str, float] = {}
    worker: dict[str, str] = {}
    records = scenario.run(seed).trace.records
    told = any(record.event == "occurred" for record in records)  # to several, each in its own time
    for record in records:
        time, event, source, _, name, _, attempt, by, *_ = record
        key = f"{source}: {name}" if told else name
        if event in (("occurred",) if told else ("sent", "scheduled", "rejected", "appended")):
            came.append(record)
        elif event == "started" and attempt == 1:
            began[key] = time
        elif event == "finished" and attempt == 1:
            service[key], worker[key] = time - began[key], by
    return Arrivals(
        tuple(r.message_id for r in came),
        {r.message_id: r.time for r in came},
        {r.message_id: r.priority for r in came},
        service,
        worker,
        getattr(scenario, "slow_worker", 1) == 1,
    )


def changed(before: Arrivals, after: Arrivals) -> set[str]:
    """What differs between two runs' arrivals, message by message; services are compared to the
    nanosecond.

    Where one worker is slow, a message takes as long as its worker does, so those are left out that
    changed hands.
    """
    found = {"which"} if before.which != after.which else set()
    for aspect in ("time", "priority"):
        one, other = getattr(before, aspect), getattr(after, aspect)
        found |= (
            {aspect}
            if any(one[name] != other[name] for name in one.keys() & other.keys())
            else set()
        )
    both = before.service.keys() & after.service.keys()
    if not (before.alike and after.alike):
        both = {name for name in both if before.worker[name] == after.worker[name]}
    compared = both if before.service else before.time.keys() & after.time.keys()
    assert len(compared) >= (20 if before.alike and after.alike else 5), (
        "too few for anything to be said"
    )
    return found | (
        {"service"}
        if any(abs(before.service[n] - after.service[n]) > 1e-9 for n in both)
        else set()
    )


# Where messages arrive; engines are ranked without any.
WITH_ARRIVALS = [name for name in scenarios() if name != "EngineChoice"]
RECORDED = ("flights",)  # a day that begins long after the others have ended: nothing to compare


def moves(scenario: Scenario, name: str) -> Iterator[Scenario]:
    """The scenario with one field moved: to each of its choices, or to both ends of its range."""
    (field,) = [each for each in fields(scenario) if each.name == name]  # type: ignore[arg-type]
    about = field.metadata
    if getattr(scenario, name) in RECORDED:
        return
    values = [
        each
        for each in about.get("choices") or (about["low"], about["high"])
        if each not in RECORDED
    ]
    for value in values:
        kept = int(value) if isinstance(field.default, int) else value
        if kept != getattr(scenario, name):
            try:
                yield replace(scenario, **{name: kept})  # type: ignore[type-var]
            except ValueError:  # it does not go with the other fields
                continue


def every_field() -> list[Any]:
    """Every field of every scenario in which messages arrive, as the dataclasses declare them."""
    kinds = [scenarios()[name] for name in WITH_ARRIVALS]
    return [
        pytest.param(kind, field.name, id=f"{kind.__name__}.{field.name}")
        for kind in kinds
        for field in fields(kind)
    ]


@pytest.mark.parametrize("name", WITH_ARRIVALS)
def test_every_field_is_in_the_table(name: str) -> None:
    """A field that nobody has thought about fails here, and so does one that is gone."""
    assert set(GOVERNS.get(name, ())) == {field.name for field in fields(scenarios()[name])}


@pytest.mark.parametrize(("kind", "name"), every_field())
def test_a_moved_field_changes_what_it_governs_and_nothing_else(
    kind: type[Scenario], name: str
) -> None:
    """Moved both ways from the defaults, and one way from each preset; and what it governs does
    change.
    """
    governed, found, count = GOVERNS[kind.__name__][name], set[str](), 0
    for preset in ({}, *kind.PRESETS.values()):  # type: ignore[attr-defined]
        base = kind(**preset | SHORTER.get(kind.__name__, {}))
        for moved in list(moves(base, name))[-1 if preset else 0 :]:
            now = changed(arrivals(base, 3), arrivals(moved, 3))
            assert now <= governed, f"{base} moved to {getattr(moved, name)}"
            found |= now
            count += 1
    assert count > 0 and found == governed


@pytest.mark.parametrize("name", WITH_ARRIVALS)
def test_another_seed_is_another_day(name: str) -> None:
    """Re-rolling changes what arrives: the comparison above is not blind."""
    scenario = scenarios()[name]()
    assert "time" in changed(arrivals(scenario, 3), arrivals(scenario, 4))
