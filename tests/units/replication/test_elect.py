"""Exercise 11.3: the check passes both right rules, and catches each wrong one."""

import pytest

from mqlearn.study.verdict import recall
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
    "first alive": (first_alive, 33),
    "longest log": (best(lambda r: r.end), 22),
    "newest epoch, then longest": (best(lambda r: (r.epoch, r.end)), 22),
    "highest watermark": (best(lambda r: r.high_watermark), 22),
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


def test_the_verdict_names_the_order_and_the_election() -> None:
    """When it was acknowledged, which replica was elected, and what it lacked."""
    verdict = check_elect(first_alive)
    assert verdict.text == (
        "not yet: seed 0: till-2-62 was acknowledged at 61.2 s and is lost: replica-2, elected at "
        "72.9 s, had 127 entries, another 134. Hint: [0, 1] are complete, and 1 of 3 are alive: "
        "wait"
    )
    run = recall(verdict.failing_seed)
    assert "till-2-62" in run.context.tables["promises"].lost
    elected = [record for record in run.trace.records if record.event == "elected"]
    assert ("replica-2", 127) in [(record.worker, record.entry) for record in elected]


def test_one_that_waits_without_need_is_told_for_how_long() -> None:
    """Although a complete replica and a majority were alive."""
    assert "s no replica led, although a complete one" in check_elect(waits_for_all).text


def test_a_replica_that_is_not_alive_cannot_lead() -> None:
    """Nor can one that does not exist, or none at all while all are alive."""
    assert "are alive, it returned 0" in check_elect(lambda *_: 0).text
    assert "[0, 1, 2] are alive, it returned 7" in check_elect(lambda *_: 7).text
    assert "[0, 1, 2] are alive, it returned None" in check_elect(lambda *_: None).text
