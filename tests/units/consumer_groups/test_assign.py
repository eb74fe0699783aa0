"""Exercise 09.3: the check of the assignment passes right answers, and catches and replays wrong
ones.
"""

import pytest

from mqlearn.streaming.assignment import range_assignment, sticky_assignment
from mqlearn.study.analysis.groups import GroupAnalysis
from mqlearn.study.verdict import recall
from mqlearn.units.consumer_groups.assign import EXERCISE, check_assign


def keeps_all(members, partitions, previous):
    """Sticky, and a newcomer gets only what no member has."""
    owners = {member: list(previous.get(member, ())) for member in sorted(members)}
    owned = {partition for has in owners.values() for partition in has}
    for partition in range(partitions):
        if partition not in owned:
            min(owners.values(), key=len).append(partition)
    return owners


def in_the_order_given(members, partitions, previous):
    """Assigned again from the start, in the order of the list."""
    return {
        member: list(range(number, partitions, len(members)))
        for number, member in enumerate(members)
    }


def takes_the_larger_share_by_name(members, partitions, previous):
    """Sticky, but the larger shares are not for the members that had most."""
    owners = {member: list(previous.get(member, ())) for member in sorted(members)}
    small, large = divmod(partitions, len(members))
    for rank, owned in enumerate(owners.values()):
        del owned[small + (rank < large) :]
    owned = {partition for has in owners.values() for partition in has}
    for partition in range(partitions):
        if partition not in owned:
            min(owners.values(), key=len).append(partition)
    return owners


CAUGHT = {
    range_assignment: 91,
    keeps_all: 100,
    in_the_order_given: 100,
    takes_the_larger_share_by_name: 56,
}
"""In how many of the hundred seeds."""


@pytest.mark.parametrize("wrong", CAUGHT)
def test_a_wrong_assignment_is_caught(wrong, caught) -> None:
    """Each in at least twenty of a hundred seeds, and by the check as a whole."""
    assert caught(EXERCISE, wrong) == CAUGHT[wrong] >= 20
    assert not check_assign(wrong)


def test_sticky_passes() -> None:
    """The package's own assignment moves nothing without need."""
    assert check_assign(sticky_assignment).text.startswith("passed: 100 seeds")


def test_a_replay_shows_what_the_verdict_says() -> None:
    """After the last change the owners are as the verdict says."""
    run = recall(check_assign(keeps_all).failing_seed)
    last = [
        owned
        for owned in GroupAnalysis(run.trace.records, run.until).owned
        if owned.end == run.until
    ]
    assert run.verdict == "seed 0: K joins, and the members have [4, 0]."
    assert [owned.member for owned in last] == ["G"] * 4


def test_no_run_is_kept_where_the_order_of_the_members_matters() -> None:
    """The sentence says it all."""
    verdict = check_assign(in_the_order_given)
    assert verdict.failing_seed is None and "with the same members in another order" in verdict.text


def test_doing_nothing_or_raising_is_told_so() -> None:
    """A stub is answered with one hint, an exception with its name."""
    assert "every member is a key" in check_assign(lambda *_: None).text
    assert "ZeroDivisionError" in check_assign(lambda *_: 1 / 0).text
