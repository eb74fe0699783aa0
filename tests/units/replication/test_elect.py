"""Exercise 11.3: the check passes both right rules, and catches each wrong one."""

import pytest

from mqlearn.units.replication.elect import EXERCISE, check_elect


def first_complete(replicas, complete):
    """Kafka's rule: the first that is alive and complete."""
    return next((r.number for r in replicas if r.alive and r.number in complete), None)


def newest_of_a_majority(replicas, complete):
    """Raft's rule: if a majority is alive, the newest epoch, then the longest log."""
    alive = [r for r in replicas if r.alive]
    if len(alive) <= len(replicas) / 2:
        return None
    return max(alive, key=lambda r: (r.epoch, r.end)).number


def first_alive(replicas, complete):
    """Whichever it is."""
    return next((r.number for r in replicas if r.alive), None)


def best(key):
    """The best of those that are alive, however few."""

    def elect(replicas, complete):
        alive = [r for r in replicas if r.alive]
        return max(alive, key=key).number if alive else None

    return elect


def waits_for_all(replicas, complete):
    """A complete one, but only if all are alive."""
    return first_complete(replicas, complete) if all(r.alive for r in replicas) else None


CAUGHT = {
    "first alive": (first_alive, 34),
    "longest log": (best(lambda r: r.end), 24),
    "newest epoch, then longest": (best(lambda r: (r.epoch, r.end)), 24),
    "highest watermark": (best(lambda r: r.high_watermark), 24),
    "waits for all": (waits_for_all, 96),
}
"""In how many of the hundred seeds."""


@pytest.mark.parametrize("name", CAUGHT)
def test_a_wrong_election_is_caught(name, caught) -> None:
    """Each in at least twenty of a hundred seeds, and by the check as a whole."""
    wrong, seeds = CAUGHT[name]
    assert caught(EXERCISE, wrong) == seeds >= 20
    assert not check_elect(wrong)


@pytest.mark.parametrize("right", [first_complete, newest_of_a_majority])
def test_both_right_rules_pass(right) -> None:
    """A list of the complete ones, or a majority: each is enough."""
    assert check_elect(right).text.startswith("passed: 100 seeds")
