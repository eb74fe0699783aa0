"""Exercise 06.3: the check of a delivery tells right from wrong, and replays what it saw."""

import pytest

from mqlearn.study.verdict import recall
from mqlearn.units.batching.deliver import EXERCISE, Batch, batch_of, check_deliver


def goes_through(items, call):
    """Return whether the call takes them all."""
    try:
        call(items)
        return True
    except ValueError:
        return False


def deliver(items, call, known=False):
    """The worked solution: halving; if the first half was good, the second is known to have a bad
    one.
    """
    if not known and goes_through(items, call):
        return items, []
    if len(items) == 1:
        return [], items
    middle = len(items) // 2
    good, bad = deliver(items[:middle], call)
    more, worse = deliver(items[middle:], call, known=not bad)
    return good + more, bad + worse


def halves(items, call):
    """Plain halving."""
    if goes_through(items, call):
        return items, []
    if len(items) == 1:
        return [], items
    middle = len(items) // 2
    good, bad = halves(items[:middle], call)
    more, worse = halves(items[middle:], call)
    return good + more, bad + worse


def one_by_one(items, call):
    """Sure, and slow."""
    good, bad = [], []
    for item in items:
        (good if goes_through([item], call) else bad).append(item)
    return good, bad


def all_then_one_by_one(items, call):
    """Fast as long as nothing happens."""
    return (items, []) if goes_through(items, call) else one_by_one(items, call)


def believes_half(items, call):
    """Takes a call that raises for one that has delivered the first half."""
    if goes_through(items, call):
        return items, []
    if len(items) == 1:
        return [], items
    good, bad = believes_half(items[len(items) // 2 :], call)
    return items[: len(items) // 2] + good, bad


def drops_halves(items, call):
    """All items of a call that raises are bad."""
    good, bad = [], []
    for part in (items[: len(items) // 2], items[len(items) // 2 :]):
        if goes_through(part, call):
            good += part
        else:
            bad += part
    return good, bad


def begins_again(items, call):
    """Finds the first bad one by halves, takes it out, and delivers the rest from the beginning."""
    rest, bad = list(items), []
    while rest and not goes_through(rest, call):
        low, high = 0, len(rest)
        while high - low > 1:
            middle = (low + high) // 2
            if goes_through(rest[low:middle], call):
                low = middle
            else:
                high = middle
        bad.append(rest.pop(low))
    return rest, bad


def tries_forever(items, call):
    """Perhaps it goes through this time."""
    while not goes_through(items, call):
        pass
    return items, []


def calls_nothing(items, call):
    """All is well."""
    return items, []


WRONG = {
    one_by_one: 59,
    all_then_one_by_one: 49,
    believes_half: 81,
    drops_halves: 95,
    begins_again: 76,
    tries_forever: 83,
    calls_nothing: 100,
}


def test_the_worked_solution_passes():
    """And the verdict says how many calls it took."""
    assert check_deliver(deliver).text == (
        "passed: 100 batches, 3,554 items, 473 of them bad: every good one was delivered once, in "
        "1,746 calls, and "
        "plain halving makes 2,092; with one bad item 7.2 calls on average"
    )


def test_plain_halving_passes():
    """It is the measure; where a part is odd, the dearer way to halve it."""
    assert (
        "in 2,070 calls, and plain halving makes 2,092; with one bad item 9.3 calls"
        in check_deliver(halves).text
    )


@pytest.mark.parametrize("fn", WRONG)
def test_wrong_answers_are_caught(fn, caught):
    """Each in at least twenty of a hundred seeds, and by the check as a whole."""
    assert caught(EXERCISE, fn) == WRONG[fn] >= 20
    assert not check_deliver(fn)


def test_what_was_wrong_is_said_and_replayed():
    """The batch, its bad items, what was done too often or never; the replay makes the same
    calls.
    """
    verdict = check_deliver(all_then_one_by_one)
    assert verdict.text == (
        "not yet: seed 1: 17 items, order-13 bad: 18 calls, and plain halving makes 9. Hint: all "
        "in one call first; "
        "what raises, in two halves"
    )
    run = recall(verdict.failing_seed)
    batch = batch_of(verdict.failing_seed)
    sizes = [record.detail for record in run.trace.records if record.event == "batched"]
    assert sizes == [len(batch.items)] + [1] * len(batch.items)
    assert run.totals["dead"] == len(batch.bad) and run.totals["done"] == len(batch.items) - len(
        batch.bad
    )
    assert (
        "is good and was never delivered. Hint: a call that raises has"
        in check_deliver(believes_half).text
    )
    assert "was delivered 2 times" in check_deliver(begins_again).text
    assert "calls it had not returned" in check_deliver(tries_forever).text


def test_an_item_of_nobody_is_told():
    """A call with anything else than a list of these items raises TypeError, and the verdict says
    so.
    """
    assert "it raised TypeError: call takes a list of items of the batch, got 'order-1'" in (
        check_deliver(lambda items, call: call(items[0])).text
    )
    assert "call takes a list of items of the batch, got ['order-0']" in (
        check_deliver(lambda items, call: call(["order-0"])).text
    )


@pytest.mark.parametrize(
    ("count", "bad", "calls"),
    [
        (16, "order-1", 9),
        (16, "order-11", 9),
        (128, "order-77", 15),
        (1, "order-1", 1),
        (1, "", 1),
        (128, "", 1),
    ],
)
def test_one_bad_of_n_costs_two_calls_a_halving_and_one(count, bad, calls):
    """2 log₂ n + 1."""
    batch = Batch(0, [f"order-{number}" for number in range(1, count + 1)], frozenset(bad.split()))
    assert batch.allowed == calls
    halves(batch.items, batch.call)
    assert len(batch.calls) == calls


def test_with_inference_it_is_less():
    """One bad of 16 at any place: 7 calls on average; of 128, 11.5."""

    def mean(count):
        made = 0
        for place in range(1, count + 1):
            batch = Batch(
                0,
                [f"order-{number}" for number in range(1, count + 1)],
                frozenset([f"order-{place}"]),
            )
            deliver(batch.items, batch.call)
            made += len(batch.calls)
        return made / count

    assert mean(16) == 7.0 and mean(128) == 11.5
