"""Exercises 08.1 to 08.3: whether the checks can tell right from wrong, and replay what they
saw.
"""

from itertools import pairwise

import pytest

from mqlearn.study.verdict import recall
from mqlearn.units.event_streams.first_swap import check_first_swap, history
from mqlearn.units.event_streams.first_swap import mistakes as swap_violations
from mqlearn.units.event_streams.key import check_key, day_of
from mqlearn.units.event_streams.key import mistakes as key_violations
from mqlearn.units.event_streams.poll import check_poll
from mqlearn.units.event_streams.poll import mistakes as poll_violations


def aircraft(event):
    """The worked solution: the aircraft, or the flight where there is none."""
    return event.tail or f"{event.carrier} {event.flight}"


WRONG_KEYS = {
    "carrier": (lambda e: e.carrier, "42.61 %"),
    "airport": (lambda e: e.origin, "35.53 %"),
    "destination": (lambda e: e.destination, "37.92 %"),
    "each its own": (lambda e: f"{e.carrier}{e.flight}{e.kind}", "may see them in any order"),
    "no aircraft": (lambda e: e.tail, "it returned None"),
    "empty": (lambda e: e.tail or "", "it returned ''"),
    "nobody": (lambda e: None, "whichever way it takes"),
    "a number": (lambda e: e.flight, r"str(…)"),
    "a slip": (lambda e: e.tale, "has no attribute"),
    "too large by little": (lambda e: e.origin + e.destination, "30.01 %"),
    "torn where there is no aircraft": (lambda e: e.tail or f"{e.flight}{e.kind}", "2013-07-10"),
}


def test_the_worked_key_passes():
    """By aircraft, and by flight too."""
    assert check_key(aircraft).text.startswith("passed: two days, ")
    assert check_key(lambda e: f"{e.carrier} {e.flight}")


@pytest.mark.parametrize("name", WRONG_KEYS)
def test_wrong_keys_are_caught(name):
    """Each on one of the two days at least, with the reason."""
    key, said = WRONG_KEYS[name]
    verdict = check_key(key)
    assert not verdict
    assert any(part in verdict.text for part in said.split("|")), verdict.text


def test_the_aircraft_that_is_missing_is_missing_in_july():
    """32 flights of the bad day have no aircraft, and on the good day all have one."""
    assert not list(key_violations(lambda e: e.tail, "2013-12-02"))
    assert (
        len({(e.carrier, e.flight, e.origin) for e in day_of("2013-07-10") if e.tail is None}) == 32
    )


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
    """Takes the log's start for an offset that is gone."""
    if position < log.start:
        events = log.fetch(log.start, n)[1:]
        return events, log.start + 1 + len(events), log.start + 1 - position
    return poll(log, position, n)


def trusting(log, position, n):
    """Never thinks of retention."""
    events = log.fetch(position, n)
    return events, position + len(events), 0


WRONG_POLLS = [silent, to_the_end, one_off, trusting]


def test_the_worked_poll_passes():
    """And the verdict says what was tried."""
    verdict = check_poll(poll)
    assert verdict.ok and "every one counted, nothing read twice" in verdict.text


@pytest.mark.parametrize("fn", WRONG_POLLS, ids=lambda fn: fn.__name__)
def test_wrong_polls_are_caught_and_replayed(fn, caught):
    """Each in all of a hundred seeds; the failing run shows log and reader."""
    assert caught(poll_violations, fn) == 100
    verdict = check_poll(fn)
    assert not verdict and verdict.failing_seed is not None
    run = recall(verdict.failing_seed)
    assert run.seed == verdict.failing_seed and run.verdict.rstrip(".") in verdict.text
    assert {"appended", "deleted"} <= {record.event for record in run.trace.records}


def first_swap(events):
    """The worked solution."""
    highest = {}
    for event in events:
        if event.seq < highest.get(event.key, 0):
            return event.key, event.seq
        highest[event.key] = event.seq
    return None


def across(events):
    """Compares neighbours, whoever's they are."""
    return next(((b.key, b.seq) for a, b in pairwise(events) if b.seq < a.seq), None)


def by_time(events):
    """Believes the producers' clocks."""
    last = {}
    for event in events:
        if event.timestamp < last.get(event.key, float("-inf")):
            return event.key, event.seq
        last[event.key] = event.timestamp
    return None


def without_gaps(events):
    """Takes a missing number for a swap."""
    last = {}
    for event in events:
        if event.key in last and event.seq != last[event.key] + 1:
            return event.key, event.seq
        last[event.key] = event.seq
    return None


def never(events):
    """All is well."""


def test_the_worked_search_passes():
    """Fifty swaps, fifty histories without."""
    assert check_first_swap(first_swap).text.endswith(
        "50 swaps found, and none where there is none"
    )


@pytest.mark.parametrize(
    ("fn", "seeds"), [(across, 97), (by_time, 90), (without_gaps, 93), (never, 50)]
)
def test_wrong_searches_are_caught(fn, seeds, caught):
    """Each in at least twenty of a hundred seeds; the solutions quote the numbers."""
    assert caught(swap_violations, fn) == seeds >= 20
    assert not check_first_swap(fn)


def test_a_history_has_one_swap_or_none():
    """Of two neighbours of one key, in every other seed."""
    for seed in range(20):
        events, swapped = history(seed)
        lines = {}
        for event in events:
            lines.setdefault(event.key, []).append(event.seq)
        falls = [(key, b) for key, line in lines.items() for a, b in pairwise(line) if b < a]
        assert falls == ([] if swapped is None else [swapped])
