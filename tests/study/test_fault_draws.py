"""Faults are drawn so that what is not governed by a changed parameter stays as it was."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from mqlearn import InMemoryMessageQueue, Message, Simulation, Trace
from mqlearn.study.faults import Faults
from tests.study.faulty import LEASE, events, near, outcomes, outcomes_at_first, work

FAULTY = {
    "failure_rate": 0.2,
    "poison": 0.05,
    "crash_before": 0.05,
    "crash_after": 0.05,
    "lost_ack": 0.05,
    "duplicates": 0.1,
    "outage": (50.0, 60.0),
    "slow_worker": 0.5,
    "slow_factor": 2.0,
}


@pytest.mark.parametrize("field", [f.name for f in fields(Faults)])
def test_one_changed_parameter_changes_what_it_governs_and_nothing_else(field: str) -> None:
    """With every fault at work, moving one leaves who is sent, and whom every other fault strikes
    first, alone.
    """
    other: Any = {"outage": None, "slow_worker": 0.0, "slow_factor": 3.0}.get(field, 0.0)
    before, after = (
        work(Faults(**FAULTY), workers=8)[0],
        work(Faults(**FAULTY | {field: other}), workers=8)[0],
    )
    first = [dict(outcomes_at_first(run)) for run in (before, after)]
    governs = {
        "failure_rate": {"failed: chance"},
        "poison": {"failed: poison"},
        "outage": {"failed: outage"},
        "crash_before": {"crashed"},
        "crash_after": {"crashed"},
    }.get(field, set())
    moved = {message for message in first[0] if first[0][message] != first[1][message]}
    # these move tries into the outage
    late = field in ("slow_worker", "slow_factor", "lost_ack", "duplicates")
    assert all(
        first[0][m] in governs or (late and "failed: outage" in (first[0][m], first[1][m]))
        for m in moved
    )
    assert moved or not governs
    if field != "duplicates":
        assert events(before, "sent") == events(after, "sent")
    if field not in ("lost_ack", "outage", "slow_worker", "slow_factor"):
        lost = [
            {r.message_id for r in events(run, "lost_ack") if r.attempt == 1}
            for run in (before, after)
        ]
        assert {m for m in lost[0] ^ lost[1] if m not in moved} == set()


@pytest.mark.parametrize(
    ("field", "rate"), [("failure_rate", 0.1), ("poison", 0.1), ("crash_before", 0.1)]
)
def test_a_higher_rate_only_adds(field: str, rate: float) -> None:
    """Whomever a rate strikes, twice the rate strikes as well."""
    low, high = (
        outcomes_at_first(work(Faults(**{field: r}), workers=4)[0]) for r in (rate, 2 * rate)
    )
    struck = [{m for m, how in found.items() if how != "completed"} for found in (low, high)]
    assert struck[0] < struck[1]


@pytest.mark.parametrize("settings", [{"workers": 5}, {"prefetch": 10}, {"lease": None}], ids=str)
def test_a_policy_leaves_the_draws_alone(settings: dict[str, Any]) -> None:
    """More workers, a larger prefetch or no lease: the same tries of the same messages fail."""
    faults = Faults(failure_rate=0.3, poison=0.05)
    before, after = (outcomes(work(faults, **moved)[0]) for moved in ({}, settings))
    assert before == after and len(set(before.values())) == 3


def test_a_crash_is_drawn_alike_under_another_lease() -> None:
    """How long a lease is decides when the message is tried again, not how that ends."""
    before, after = (
        outcomes(work(Faults(crash_after=0.2), workers=8, lease=lease)[0])
        for lease in (LEASE, 60.0)
    )
    assert before == after and "crashed" in before.values()


def test_a_release_is_no_new_draw_and_a_redrive_is() -> None:
    """What is given back unspent meets the same fate later; a dead letter's new life is another
    roll of the dice.
    """
    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim, trace=Trace())
        for number in range(100):
            queue.send(Message(id=f"order-{number}", max_retries=0))
        handler = Faults(failure_rate=0.5).handler(lambda _: None, sim)

        def fails() -> dict[str, bool]:
            found = {}
            for message in queue.receive_many(100, timeout=0):
                try:
                    handler(message)
                    found[message.id] = False
                except Exception:
                    found[message.id] = True
                queue.release(message)
            return found

        first = fails()
        assert fails() == first and near(sum(first.values()), 100, 0.5)
        for message in queue.receive_many(100, timeout=0):
            queue.nack(message)
        assert queue.redrive() == 100
        second = fails()
        both = sum(first[message] and second[message] for message in first)
        assert near(sum(second.values()), 100, 0.5) and near(both, 100, 0.25)
