"""Exercise 08.2: the check of the poll passes right answers, and catches and replays wrong ones."""

import pytest

from mqlearn.study.verdict import recall
from mqlearn.units.event_streams.poll import EXERCISE, check_poll


def poll(log, position, n):
    """The worked solution."""
    missed = max(0, log.start - position)
    events = log.fetch(position + missed, n)
    return events, position + missed + len(events), missed


def silent(log, position, n):
    """Goes on at the earliest, and says nothing."""
    return (*poll(log, position, n)[:2], 0)


def to_the_end(log, position, n):
    """Goes on at the latest."""
    if position < log.start:
        return [], log.end, 0
    return poll(log, position, n)


def one_off(log, position, n):
    """Skips the log's first event, as if it were gone too."""
    if position < log.start:
        events = log.fetch(log.start, n)[1:]
        return events, log.start + 1 + len(events), log.start + 1 - position
    return poll(log, position, n)


def trusting(log, position, n):
    """Never thinks of retention."""
    events = log.fetch(position, n)
    return events, position + len(events), 0


WRONG = [silent, to_the_end, one_off, trusting]


def test_the_worked_poll_passes():
    """And the verdict says what was tried."""
    verdict = check_poll(poll)
    assert verdict.ok and "every one counted, nothing read twice" in verdict.text


@pytest.mark.parametrize("fn", WRONG, ids=lambda fn: fn.__name__)
def test_wrong_polls_are_caught_and_replayed(fn, caught):
    """Each in all of a hundred seeds; the failing run shows log and reader."""
    assert caught(EXERCISE, fn) == 100
    verdict = check_poll(fn)
    assert not verdict and verdict.failing_seed is not None
    run = recall(verdict.failing_seed)
    assert run.seed == verdict.failing_seed and run.verdict.rstrip(".") in verdict.text
    assert {"appended", "deleted"} <= {record.event for record in run.trace.records}
