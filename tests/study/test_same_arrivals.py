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

# What each field governs of the messages that arrive: "which" come at all, the "time" at which each
# comes, its "priority", how long its first "service" takes. A new field has to be entered here
# before its lab may move it.
GOVERNS: dict[str, dict[str, set[str]]] = {
    "FailingWork": {
        "failure_rate": set(),
        "prediction": set(),
    },
    "PriorityMix": {
        "rate": {"which", "time"},
        "minutes": {"which"},
        "critical": {"priority"},
        "high": {"priority"},
        "normal": {"priority"},
        "low": {"priority"},
        "service": {"service"},
        "times": {"service"},
        "workers": set(),
        "ttl": set(),
        "prediction": set(),
    },
    "WorkQueue": {
        "arrivals": {"which", "time"},
        "rate": {"which", "time"},
        "service": {"service"},
        "spread": {"service"},
        "slow_worker": {"service"},
        "workers": set(),
        "prefetch": set(),
        "queue_limit": set(),
        "prediction": set(),
    },
    "CardCharges": {
        "lost_confirms": {"which"},
        "shortest": {"service"},
        "longest": {"service"},
        "crash_rate": set(),
        "crash_point": set(),
        "lost_acks": set(),
        "stuck": set(),
        "ack": set(),
        "lease": set(),
        "heartbeat": set(),
        "beat_limit": set(),
        "dedup_window": set(),
        "prediction": set(),
    },
    # whatever makes more tries, or fewer, makes an overloaded service slower or quicker
    "CardOutage": {
        "arrivals": {"which", "time", "service"},
        "window": {"which"},
        "outage": {"service"},
        "outage_from": {"service", "time"},
        "outage_to": {"service"},
        "failure_rate": {"service"},
        "poison": {"service"},
        "workers": {"service"},
        "timeout": {"service"},
        "capacity": {"service"},
        "policy": {"service"},
        "base": {"service"},
        "cap": {"service"},
        "jitter": {"service"},
        "retries": {"service"},
        "budget": {"service"},
        "refused": set(),
        "redrive_at": {"service"},
        "redrive_rate": set(),
        "prediction": set(),
    },
    # a call takes as long as the service is well or ill when it begins, and all else moves that
    "GuardedCalls": {
        "rate": {"which", "time", "service"},
        "window": {"which"},
        "workers": {"service"},
        "call_time": {"service"},
        "trouble": {"service"},
        "outage_from": {"service"},
        "outage_to": {"service"},
        "flap": {"service"},
        "failure_rate": {"service"},
        "slow_share": {"service"},
        "slow_time": {"service"},
        "breaker": {"service"},
        "threshold": {"service"},
        "share": {"service"},
        "last_calls": {"service"},
        "cooldown": {"service"},
        "probes": {"service"},
        "slow_after": {"service"},
        "retries": {"service"},
        "backoff": {"service"},
        "prediction": set(),
    },
    # an order's first call lasts as long as its whole batch needs, and the last batches differ
    "BatchedWriter": {
        "arrivals": {"which", "time", "service"},
        "rate": {"time", "service"},
        "items": {"which"},
        "workers": {"service"},
        "per_call": {"service"},
        "per_item": {"service"},
        "size": {"service"},
        "linger": {"service"},
        "bad": {"service"},
        "on_failure": {"service"},
        "prediction": set(),
    },
    "FanOut": {
        "arrivals": {"which", "time"},
        "rate": {"which", "time"},
        "window": {"which"},
        "mail_time": {"service"},
        "parcel_time": {"service"},
        "audit_time": {"service"},
        "spread": {"service"},
        "mail_fails": set(),
        "parcel_fails": set(),
        "audit_fails": set(),
        "queue_limit": set(),
        "when_full": set(),
        "retry": set(),
        "retries": set(),
        "prediction": set(),
    },
    "ReadingTheLog": {  # every reader is equally fast, wherever an event falls
        "arrivals": {"which", "time"},
        "rate": {"which", "time"},
        "window": {"which"},
        "keys": set(),
        "skew": set(),
        "big": set(),
        "partitions": set(),
        "read_time": {"service"},
        "away_from": set(),
        "away_to": set(),
        "retention": set(),
        "out_of_range": set(),
        "prediction": set(),
    },
    "SharedPartitions": {  # every member is equally fast, whoever owns what
        "arrivals": {"which", "time"},
        "rate": {"which", "time"},
        "backlog": {"which", "time"},
        "window": {"which"},
        "partitions": set(),
        "members": set(),
        "mail_time": {"service"},
        "what": set(),
        "at": set(),
        "stall": set(),
        "joins_at": set(),
        "commit": set(),
        "batch": set(),
        "assignment": set(),
        "session_timeout": set(),
        "poll_interval": set(),
        "prediction": set(),
    },
    "OrderHistory": {  # an order's first try takes as long as publishing does, or no time at all
        "arrivals": {"which", "time"},
        "orders": {"which", "time"},
        "hour": set(),
        "crash_rate": {"service"},
        "write": {"service"},
        "snapshot_every": set(),
        "prediction": set(),
    },
    # whatever becomes of the log, the same orders come to the tills
    "ReplicatedOrders": {
        "acks": set(),
        "min_insync_replicas": set(),
        "what": set(),
        "unclean": set(),
        "lasts": set(),
        "slow_fetch": set(),
        "fetch_every": set(),
        "replicas": set(),
        "session_timeout": set(),
        "flush_every": set(),
        "idempotent": set(),
        "in_flight": set(),
        "tills": set(),
        "prediction": set(),
    },
    "Rush": {  # the trouble may be a rush: more orders come while it lasts
        "rate": {"which", "time"},
        "trouble": {"which", "time"},
        "size": {"which", "time"},
        "lasts": {"which", "time"},
        "starts": {"which", "time"},
        "window": {"which"},
        "service": {"service"},
        "times": {"service"},
        "patience": set(),
        "workers": set(),
        "scaler": set(),
        "start_up": set(),
        "limit": set(),
        "policy": set(),
        "prediction": set(),
    },
    # a call lasts as long as it does before or in the failure, and all else moves when it begins
    "WatchedShop": {
        "failure": {"which", "service"},
        "alarm": set(),
        "threshold": set(),
        "hold": set(),
        "rate": {"which", "time", "service"},
        "monday": {"which", "time", "service"},
        "workers": set(),
        "severity": {"service"},
        "lasts": {"service"},
        "every": set(),
        "prediction": set(),
    },
}

# Where so much is tried that the beginning of each day is enough, its trouble included: a leak
# shows in any message.
SHORTER: dict[str, dict[str, Any]] = {
    "SharedPartitions": {"window": 60.0, "rate": 4.0, "backlog": 40, "batch": 20},
    "CardOutage": {"window": 75.0},
    "WatchedShop": {"rate": 0.8},
    "Rush": {"rate": 3.0},
    "OrderHistory": {"orders": 60},
    "FanOut": {"window": 30.0},
    "ReadingTheLog": {"window": 60.0},
}


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
