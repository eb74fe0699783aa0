"""An old event is read as if it had been written today; the stored one stays as it was."""

import copy
from typing import Any

from mqlearn import OrderEventStore, StreamEvent, upcasting

STEPS = {
    # cents before
    ("payment_added", 1): lambda data: data | {"amount": data["amount"] / 100, "currency": "USD"},
    ("payment_added", 2): lambda data: {
        **{k: v for k, v in data.items() if k != "method"},
        "payment_method": data["method"],
    },
}
OLD = {"amount": 1999, "method": "card", "voucher": {"code": "X"}}
NEW = {
    "amount": 19.99,
    "currency": "USD",
    "payment_method": "card",
    "voucher": {"code": "X"},
    "schema_version": 3,
}


def paid(data: dict[str, Any]) -> StreamEvent:
    """A payment, written in whichever shape."""
    return StreamEvent(
        "orders", event_type="payment_added", data=data, timestamp=1.0, partition_key="a"
    )


def test_an_old_event_goes_through_every_step_and_keeps_what_nobody_knows() -> None:
    """From version 1 and from version 2; the type, the id, the time and unknown fields are kept."""
    event = paid(copy.deepcopy(OLD))
    today = upcasting(STEPS)(event)
    assert today.data == NEW
    assert (today.event_id, today.event_type, today.timestamp) == (
        event.event_id,
        "payment_added",
        1.0,
    )
    second = paid({"amount": 19.99, "currency": "USD", "method": "card", "schema_version": 2})
    assert upcasting(STEPS)(second).data == {k: v for k, v in NEW.items() if k != "voucher"}


def test_what_is_stored_is_not_changed_and_what_is_new_is_not_touched() -> None:
    """Even by a step that changes what it is given; today's event comes back as the same object."""
    event = paid(copy.deepcopy(OLD))

    def careless(data: dict[str, Any]) -> dict[str, Any]:
        data["voucher"]["code"] = "gone"
        return data

    assert upcasting({("payment_added", 1): careless})(event).data["voucher"] == {"code": "gone"}
    assert event.data == OLD
    new, other = paid(dict(NEW)), StreamEvent("orders", event_type="order_created")
    assert upcasting(STEPS)(new) is new and upcasting(STEPS)(other) is other


def test_a_store_reads_old_orders_with_todays_fold() -> None:
    """The state has today's shape; the events on the stream keep theirs."""
    store = OrderEventStore(upcast=upcasting(STEPS), snapshot_every=1)
    store.record("a", "payment_added", dict(OLD))
    store.record("a", "payment_added", {k: v for k, v in NEW.items() if k != "voucher"})
    assert store.rebuild_order_state("a")["payments"] == [{"method": "card", "amount": 19.99}] * 2
    assert [event.data["schema_version"] for event in store.get_order_history("a")] == [3, 3]
    assert next(store.stream.history(key="a")).data == {"order_id": "a", **OLD}
