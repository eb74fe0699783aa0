"""Exercise 10.2: the check of the upcaster passes right answers, catches and replays wrong ones."""

import copy

import pytest

from mqlearn import upcasting
from mqlearn.study.verdict import recall
from mqlearn.units.event_sourcing.upcast import EXERCISE, check_upcast, history_of, paid


def to_two(data):
    """Cents instead of dollars."""
    rest = {key: value for key, value in data.items() if key != "amount"}
    return {**rest, "cents": None if "amount" not in data else 100 * data["amount"]}


right = upcasting(
    {("payment_added", 1): to_two, ("payment_added", 2): lambda data: data | {"currency": "USD"}}
)


def by_hand(event):
    """The worked solution, without the package's help."""
    version = event.data.get("schema_version", 1)
    if event.event_type != "payment_added" or version == 3:
        return event
    data = copy.deepcopy(event.data)
    if version == 1:
        amount = data.pop("amount", None)
        data["cents"] = None if amount is None else 100 * amount
    today = event.copy()
    today.data = data | {"currency": "USD", "schema_version": 3}
    return today


def in_place(event):
    """The stored event is edited."""
    event.data = by_hand(event).data
    return event


def nothing_paid(event):
    """A default hides that an amount is not known."""
    today = by_hand(event).copy()
    if today.event_type == "payment_added":
        today.data = today.data | {"cents": today.data["cents"] or 0}
    return today


def known_fields_only(event):
    """A field that it does not know is dropped."""
    today = by_hand(event).copy()
    if today.event_type == "payment_added":
        known = ("schema_version", "order_id", "method", "cents", "currency")
        today.data = {key: today.data[key] for key in known}
    return today


def one_step(event):
    """An event of version 1 is left at version 2."""
    return upcasting({("payment_added", 1): to_two})(event)


def every_event(event):
    """Other types are converted too."""
    today = event.copy()
    today.event_type = "payment_added"
    today = by_hand(today).copy()
    today.event_type = event.event_type
    return today


def dollars_for_all(event):
    """Version 3 is converted again: every currency becomes dollars."""
    today = by_hand(event).copy()
    if today.event_type == "payment_added":
        today.data = today.data | {"currency": "USD"}
    return today


WRONG = (in_place, nothing_paid, known_fields_only, one_step, every_event, dollars_for_all)


@pytest.mark.parametrize("fn", [right, by_hand])
def test_the_worked_solution_passes(fn):
    """By steps, or all in one."""
    text = check_upcast(fn).text
    assert (
        text.startswith("passed: 100 histories, 5")
        and "each is read as if it had been written today" in text
    )


@pytest.mark.parametrize("fn", WRONG)
def test_wrong_answers_are_caught(fn, caught):
    """Each in at least twenty of a hundred seeds, and by the check as a whole."""
    assert caught(EXERCISE, fn) >= 20
    assert not check_upcast(fn)


def test_the_hint_fits_the_mistake():
    """One for each."""
    hints = {
        in_place: "work on copies",
        nothing_paid: "what was not known is not 0",
        known_fields_only: "somebody else's",
        one_step: "an old event takes both",
        every_event: "none of this function's business",
        dollars_for_all: "must not be converted again",
    }
    for fn, hint in hints.items():
        assert hint in check_upcast(fn).text, check_upcast(fn).text


def test_what_was_changed_or_raised_is_told():
    """The field of the stored event; and an error has a hint of its own."""
    assert "the stored event was changed, 'amount' is missing" in check_upcast(in_place).text
    assert "data.get(name) is None" in check_upcast(lambda event: event.data["amount"]).text


def test_a_new_envelope_is_told():
    """The data are right, and the id is lost."""

    def renamed(event):
        today = by_hand(event).copy()
        today.event_id = "new"
        return today

    assert "the envelope is another" in check_upcast(renamed).text


def test_the_histories_have_every_version_and_fold_as_today():
    """The hundred together; what is not known is counted, not added."""
    every = [pair for seed in range(100) for pair in history_of(seed)]
    assert {old.data.get("schema_version", 1) for old, _ in every} == {1, 2, 3}
    assert all(
        paid([right(old) for old, _ in history_of(s)]) == paid([new for _, new in history_of(s)])
        for s in range(100)
    )
    assert paid([new for _, new in every])[1] > 100


def test_a_history_is_replayed_event_by_event():
    """A row for each of its twenty events: what is not "right" in the last column is what the
    verdict speaks of.
    """
    table = recall(check_upcast(nothing_paid).failing_seed)
    wrong = table[table["is read as"] != "right"]
    assert len(table) == 20 and len(wrong) > 0
    should = wrong["should be read as"].where(
        wrong["should be read as"] != "the same", wrong["stored"]
    )
    assert all("'cents': None" in row for row in should)
    assert all("'cents': 0" in row for row in wrong["is read as"])
    assert "it raised KeyError" in set(
        recall(check_upcast(lambda event: {}["x"]).failing_seed)["is read as"].str[:18]
    )
