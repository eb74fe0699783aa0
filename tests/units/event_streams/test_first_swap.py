"""Exercise 08.3: the check of the search passes right answers and catches wrong ones."""

from itertools import pairwise

import pytest

from mqlearn.units.event_streams.first_swap import EXERCISE, check_first_swap, history


def first_swap(events):
    """The worked solution."""
    highest = {}
    for event in events:
        if event.seq < highest.get(event.key, 0):
            return event.key, event.seq
        highest[event.key] = event.seq
    return None


def across(events):
    """Compares neighbours, also of two keys."""
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
    """Mistakes a missing number for a swap."""
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
    assert caught(EXERCISE, fn) == seeds >= 20
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
