"""Exercise 03.3: its check tells right from wrong, and replays what it saw."""

import pytest

from mqlearn.lab.show import as_run
from mqlearn.study.analysis.charges import charges_by_order
from mqlearn.study.verdict import recall
from mqlearn.units.delivery_guarantees.handle import EXERCISE, HandleExercise, check_handle


def handle(order, card, store):
    """The worked solution: the card knows the order's number; the store only saves a call."""
    key = order.body["order"]
    receipt = store.get(key)
    if receipt is None:
        receipt = card.charge(key, order.body["amount"])
        store.put(key, receipt)
    return receipt


def without_a_store(order, card, store):
    """Also right: the card's own memory is enough."""
    return card.charge(order.body["order"], order.body["amount"])


def by_message_id(order, card, store):
    """The shop's second message is a stranger."""
    return card.charge(order.id, order.body["amount"])


def by_receipt(order, card, store):
    """Each delivery is a stranger."""
    return card.charge(str(order.receipt), order.body["amount"])


def marks_before(order, card, store):
    """Noted, then done; or noted and not done."""
    key = order.body["order"]
    if store.get(key):
        return True
    store.put(key, "done")
    return card.charge(key, order.body["amount"])


def without_a_key(order, card, store):
    """A new key for each try, and a store that is asked first."""
    key = order.body["order"]
    if store.get(key) is None:
        store.put(key, card.charge(f"{order.id}, attempt {order.attempt}", order.body["amount"]))
    return True


def claims_forever(order, card, store):
    """A worker claims the order, and the claim outlives it."""
    key = order.body["order"]
    if store.get(key):
        return False
    store.put(key, "at it")
    return card.charge(key, order.body["amount"])


WRONG_HANDLE = {
    by_message_id: 94,
    by_receipt: 100,
    marks_before: 64,
    without_a_key: 100,
    claims_forever: 100,
}


@pytest.mark.parametrize("fn", [handle, without_a_store])
def test_a_key_that_is_the_order_passes(fn):
    """The worked solution, and the one that trusts the card alone."""
    assert check_handle(fn).text.startswith("passed: 100 seeds, 2,307 messages, ")


@pytest.mark.parametrize("fn", WRONG_HANDLE)
def test_charges_that_are_not_one_are_caught(fn, caught):
    """Each wrong answer in at least twenty of a hundred seeds, and by the check as a whole."""
    assert caught(EXERCISE, fn) == WRONG_HANDLE[fn] >= 20
    assert not check_handle(fn)


def test_without_a_key_at_the_card_nothing_passes(caught):
    """The task is impossible there: the worked solution fails as well, in every seed."""
    assert not check_handle(handle, keyed=False)
    assert caught(HandleExercise(keyed=False), handle) == 100


def test_the_dead_do_nothing_more():
    """A handler that catches the crash of its worker can neither charge nor note anything after
    it.
    """

    def undead(order, card, store):
        try:
            return handle(order, card, store)
        except Exception:
            return card.charge(f"{order.body['order']} again", order.body["amount"])

    assert check_handle(undead).ok


def test_a_second_charge_is_named_and_replayed():
    """The seed, the order, both instants, and which message it was; the replay is that run."""
    verdict = check_handle(by_message_id)
    assert verdict.text == (
        "not yet: seed 0: order-4 was charged at 1.8 s and again at 3.0 s, for "
        "its second message. "
        "Hint: by which key does the card know that it is the same order?"
    )
    run = as_run(recall(verdict.failing_seed))
    times = [charge.time for charge in charges_by_order(run.trace.records)["order-4"]]
    assert times == pytest.approx([1.8, 3.0], abs=0.06)
    assert check_handle(marks_before).text.startswith(
        "not yet: seed 1: order-20 was acked at 28.3 s, and its card"
    )
    assert (
        "is not acked after 10 minutes. Hint: a message that comes again"
        in check_handle(claims_forever).text
    )


def test_a_wrong_amount_or_key_is_told():
    """A refusal of the card comes out of the call, and the verdict says so."""
    assert "it raised ValueError: order-1 costs 6, got 0. Hint: " in (
        check_handle(lambda order, card, store: card.charge(order.body["order"], 0)).text
    )
    assert "it raised TypeError: the key of a charge must be a str, got 7" in (
        check_handle(lambda order, card, store: card.charge(7, order.body["amount"])).text
    )
