"""Exercise 13.2: the check of diagnoses passes right answers, and catches and replays wrong
ones.
"""

from __future__ import annotations

import math

import pytest

from mqlearn.study.verdict import recall
from mqlearn.units.monitoring.diagnose import EXERCISE, STATES, check_diagnose, numbers


def right(calm, now):
    """The clearest state first."""
    if now["rate_in"] == 0:
        return "producer down"
    if now["error_share"] > 0.5:
        return "service down"
    if now["dead"] >= 3:
        return "poison"
    if now["paid"] < 0.5 * now["rate_out"]:
        return "nothing done"
    if now["rate_in"] > 1.5 * calm["rate_in"]:
        return "rush"
    if now["oldest_s"] > 35:
        slow = now["handler_p95_s"] > 2 * calm["handler_p95_s"]
        return "slow service" if slow else "workers gone"
    return "fine"


def by_depth(calm, now):
    """What waits is a rush, what dies an outage."""
    if now["waiting"] > 3 * calm["waiting"] + 20:
        return "rush"
    if now["waiting"] == now["rate_in"] == 0:
        return "producer down"
    return "service down" if now["dead"] else "fine"


def errors_first(calm, now):
    """More errors than in the calm."""
    more = now["error_share"] > calm["error_share"]
    return "service down" if more else right(calm, now)


def out_falls(calm, now):
    """Fewer done: workers gone."""
    less = now["rate_out"] < 0.8 * calm["rate_out"]
    return "workers gone" if less else right(calm, now)


def any_dead_letter(calm, now):
    """One is an outage."""
    return "service down" if now["dead"] else right(calm, now)


def without_paid(calm, now):
    """The queue's own numbers alone."""
    return right(calm, now | {"paid": now["rate_out"]})


def against_five_seconds(calm, now):
    """The handler's time against a fixed number."""
    said = right(calm, now)
    if said not in ("slow service", "workers gone"):
        return said
    return "slow service" if now["handler_p95_s"] > 5 else "workers gone"


CAUGHT = {
    by_depth: 99,
    out_falls: 95,
    errors_first: 87,
    without_paid: 53,
    any_dead_letter: 41,
    against_five_seconds: 24,
}
"""In how many of the hundred seeds."""


@pytest.mark.parametrize("wrong", CAUGHT)
def test_a_wrong_diagnosis_is_caught(wrong, caught) -> None:
    """Each in at least twenty of a hundred seeds, and by the check as a whole."""
    assert caught(EXERCISE, wrong) == CAUGHT[wrong] >= 20
    assert not check_diagnose(wrong)


def test_a_right_diagnosis_passes() -> None:
    """Four hundred shops."""
    assert check_diagnose(right).text == (
        "passed: 100 seeds, 400 shops, and the state of each was named"
    )


@pytest.mark.parametrize("state", STATES)
def test_a_state_is_what_its_name_says(state) -> None:
    """In each of twenty shops; in the calm all are fine."""
    for seed in range(20):
        calm, now = numbers(seed, state)
        assert right(calm, now) == state
        assert calm.keys() == now.keys() and right(calm, calm) == "fine"


def test_a_producer_that_is_down_leaves_no_time_of_a_call() -> None:
    """No call ended in the last minute: its 95th percentile is no number."""
    assert math.isnan(numbers(0, "producer down")[1]["handler_p95_s"])


def test_a_replay_is_the_table_of_numbers() -> None:
    """Each case of the seed up to the last, in the calm and now."""
    verdict = check_diagnose(by_depth)
    table = recall(verdict.failing_seed)
    assert len(table) == 8 and list(table.index.names) == ["state", "you said", "when"]
    wrong = [(state, said) for state, said, _ in table.index if state != said]
    assert f"it is {wrong[0][0]!r}, it returned {wrong[0][1]!r}" in verdict.text


def test_what_is_no_state_is_told_so() -> None:
    """With the names that there are."""
    said = check_diagnose(lambda calm, now: "overload").text
    assert "expected one of 'fine', 'producer down'" in said and "'overload'. Hint" in said
    assert "KeyError" in check_diagnose(lambda calm, now: now["depth"]).text
