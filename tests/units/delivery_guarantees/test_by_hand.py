"""A few orders at a till: the queue, the card and the clock that a notebook's handler finds, and
what is on record.
"""

from __future__ import annotations

import pytest

from mqlearn import Message, WorkerCrash
from mqlearn.study.analysis.charges import charges_by_order
from mqlearn.units.delivery_guarantees.by_hand import Till, orders, run_checkout


def work(till: Till, order: Message) -> None:
    """Four seconds, then the charge, under the order's number; order-3 kills its first worker just
    after it.
    """
    till.sleep(4.0)
    till.card.charge(order.body["order"], 20.0)
    if order.id == "order-3" and order.attempt == 1:
        raise WorkerCrash


def times(run: object) -> dict[str, list[float]]:
    """When each order was charged (s)."""
    return {
        order: [charge.time for charge in charges]
        for order, charges in charges_by_order(run.trace.records).items()
    }  # type: ignore[attr-defined]


def test_charges_are_on_record_where_they_were_made() -> None:
    """Six orders, one every two seconds: order-3 at 8 s by one worker and, after its lease, at 18 s
    by the next.
    """
    run = run_checkout(work)
    assert times(run) == {
        "order-1": [4.0],
        "order-2": [6.0],
        "order-3": [8.0, 18.0],
        "order-4": [10.0],
        "order-5": [12.0],
        "order-6": [14.0],
    }
    first, second = charges_by_order(run.trace.records)["order-3"]
    assert (first.message_id, first.attempt, second.attempt) == ("order-3", 1, 2)
    assert run.until == 60.0 and run.totals == {"sent": 6, "done": 6, "dead": 0}


def test_a_card_that_takes_a_key_charges_once() -> None:
    """The second call with the same key is answered as the first was."""
    assert times(run_checkout(work, keyed=True))["order-3"] == [8.0]


def test_the_second_message_of_an_order_is_about_the_same_order() -> None:
    """Sent as often as told, under the ids that are given; without a lease it stays where it is."""
    first, second = orders("order-7", "order-7/2")
    assert (first.body, second.body, second.id) == (
        {"order": "order-7"},
        {"order": "order-7"},
        "order-7/2",
    )
    run = run_checkout(
        work, orders("order-3", "order-3/2"), every=1.0, workers=2, until=30.0, lease=None
    )
    assert times(run) == {"order-3": [4.0, 5.0]}
    assert run.trace.balance().in_flight == 1, "nobody takes it from the dead worker"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"work": None}, "work must be"),
        ({"every": -1.0}, "every must not be"),
        ({"until": 0.0}, "until must be positive"),
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, object], said: str) -> None:
    """By the name of the parameter, the rule and the value."""
    with pytest.raises((TypeError, ValueError), match=said):
        run_checkout(**{"work": work, **wrong})  # type: ignore[arg-type]
