"""Exercise 07.3: the check of the view passes right answers and catches wrong ones."""

from itertools import pairwise

import pytest

from mqlearn.units.publish_subscribe.apply import (
    EXERCISE,
    Change,
    check_apply,
    history_of,
    in_order,
    orders_of,
    shown,
)


def apply(view, event):
    """The worked solution: what is newer than what is known of that key; a deletion is known like
    anything else.
    """
    known, _ = view.get(event.key, (0, None))
    return view if event.seq <= known else {**view, event.key: (event.seq, event.value)}


def in_place(view, event):
    """The same without copying."""
    if event.seq > view.get(event.key, (0, None))[0]:
        view[event.key] = (event.seq, event.value)
    return view


def last_to_arrive(view, event):
    """The change that arrives last wins."""
    return {**view, event.key: (event.seq, event.value)}


def forgets_the_deleted(view, event):
    """Deleted is deleted, and its number with it."""
    if event.seq <= view.get(event.key, (0, None))[0]:
        return view
    view = {**view, event.key: (event.seq, event.value)}
    if event.value is None:
        del view[event.key]
    return view


def one_count_for_all(view, event):
    """A change counts if it is newer than any other key's too."""
    newest = max((seq for seq, _ in view.values()), default=0)
    return view if event.seq <= newest else last_to_arrive(view, event)


def only_the_next(view, event):
    """A change that comes too early is dropped for good."""
    known, _ = view.get(event.key, (0, None))
    return last_to_arrive(view, event) if event.seq == known + 1 else view


def deletions_always_count(view, event):
    """A deletion is believed whenever it comes."""
    return last_to_arrive(view, event) if event.value is None else apply(view, event)


def never_comes_back(view, event):
    """A deleted key stays deleted, also if it has a newer value."""
    if event.key in view and view[event.key][1] is None:
        return view
    return deletions_always_count(view, event)


WRONG = {
    last_to_arrive: 100,
    forgets_the_deleted: 60,
    one_count_for_all: 100,
    only_the_next: 100,
    deletions_always_count: 31,
    never_comes_back: 29,
}


@pytest.mark.parametrize("fn", [apply, in_place])
def test_the_worked_solution_passes(fn):
    """Copied or changed in place."""
    assert check_apply(fn).text == (
        "passed: 100 histories in 18,000 orders, 109 deletions: the view was always the same, and "
        "what was deleted "
        "stayed deleted"
    )


@pytest.mark.parametrize("fn", WRONG)
def test_wrong_answers_are_caught(fn, caught):
    """Each in at least twenty of a hundred seeds, and by the check as a whole."""
    assert caught(EXERCISE, fn) == WRONG[fn] >= 20
    assert not check_apply(fn)


def test_the_order_that_breaks_it_is_named():
    """The changes as they came, the key, and what the history in order says."""
    text = check_apply(forgets_the_deleted).text
    assert text == (
        "not yet: seed 0: B6-725/1 C10, DL-417/1 A2, DL-417/2 deleted, UA-1545/2 deleted, "
        "UA-1545/1 B4: UA-1545 is B4, "
        "and in order it is deleted; the view is {'B6-725': (1, 'C10'), 'UA-1545': (1, 'B4')}. "
        "Hint: who forgets that "
        "something was deleted believes the next old news of it"
    )
    assert "each key has its own count" in check_apply(one_count_for_all).text


def test_what_is_no_view_is_told():
    """A value where a pair should be, or nothing at all."""
    assert "expected a dict from key to (seq, value), it returned {'" in (
        check_apply(lambda view, event: {event.key: event.value}).text
    )
    assert (
        "expected a dict from key to (seq, value), it returned None"
        in check_apply(lambda view, event: None).text
    )


def test_the_histories_are_what_was_ordered():
    """Five changes, counted for each key from 1, no key deleted that is not there; 180 orders of
    them.
    """
    for seed in range(100):
        history, orders = history_of(seed), orders_of(seed)
        assert len(history) == 5 and orders[0] == tuple(history) and len(orders) == 180
        assert all(set(order) == set(history) for order in orders)
        for key in {change.key for change in history}:
            those = [change for change in history if change.key == key]
            assert [change.seq for change in those] == list(range(1, len(those) + 1))
            assert all(a.value is not None or b.value is not None for a, b in pairwise(those))


def test_a_view_by_hand():
    """A deleted key is not shown, and neither is one that never was."""
    assert shown({"a": (1, "A1"), "b": (2, None)}) == {"a": "A1"}
    assert str(Change("DL-417", 2, None)) == "DL-417/2 deleted"
    assert shown(in_order(0)) == {"B6-725": "C10"}
