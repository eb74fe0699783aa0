"""Exercise 11.1: the check passes the definition and catches each wrong one."""

import pytest

from mqlearn.study.verdict import recall
from mqlearn.units.replication.high_watermark import EXERCISE, check_high_watermark


def right(ends, isr, least, before):
    """The least end in the in-sync set, if that is large enough; it never goes back."""
    return before if len(isr) < least else max(before, min(ends[n] for n in isr))


def the_leaders_end(ends, isr, least, before):
    """What the leader has."""
    return ends[0]


def the_least_of_all(ends, isr, least, before):
    """Waits for replicas that are out of sync too."""
    return before if len(isr) < least else max(before, min(ends.values()))


def a_majority(ends, isr, least, before):
    """Raft's rule: what a majority of all replicas has."""
    return max(before, sorted(ends.values(), reverse=True)[len(ends) // 2])


def forgets_the_least_set(ends, isr, least, before):
    """Moves also while too few are in sync."""
    return max(before, min(ends[n] for n in isr))


def may_go_back(ends, isr, least, before):
    """Forgets what it promised when too few are in sync."""
    return min(ends[n] for n in isr) if len(isr) >= least else 0


def counts_copies(ends, isr, least, before):
    """What `least` replicas have, whichever they are."""
    found = sorted(ends.values(), reverse=True)
    return max(before, found[least - 1]) if len(isr) >= least else before


CAUGHT = {
    the_leaders_end: 100,
    the_least_of_all: 60,
    a_majority: 100,
    forgets_the_least_set: 48,
    may_go_back: 38,
    counts_copies: 82,
}
"""In how many of the hundred seeds."""


@pytest.mark.parametrize("wrong", CAUGHT)
def test_a_wrong_watermark_is_caught(wrong, caught) -> None:
    """Each in at least twenty of a hundred seeds, and by the check as a whole."""
    assert caught(EXERCISE, wrong) == CAUGHT[wrong] >= 20
    assert not check_high_watermark(wrong)


def test_the_definition_passes() -> None:
    """In all seeds, and the summary says how often the watermark stood."""
    assert check_high_watermark(right).text.startswith("passed: 100 seeds, 3,000 steps; in ")


def test_a_replay_shows_the_steps_up_to_the_mistake() -> None:
    """The last row is the wrong answer."""
    table = recall(check_high_watermark(the_leaders_end).failing_seed)
    last = table.iloc[-1]
    assert str(last["expected"]) != last["answer"]
    assert (table["expected"].astype(str) == table["answer"]).sum() == len(table) - 1


def test_a_stub_or_an_error_is_answered_with_one_hint() -> None:
    """None is no offset, and an exception is named."""
    assert "return an offset" in check_high_watermark(lambda *_: 1 / 0).text
    assert check_high_watermark(lambda *_: None).text.startswith("not yet: seed 0: ends {0: ")
