"""Orders from their events: the same answer every time, and nobody decides on what is no longer
so.
"""

import json

import pytest

from mqlearn import (
    EventStream,
    OrderEventStore,
    Simulation,
    StreamEvent,
    ThreadRuntime,
    WrongExpectedVersion,
)
from mqlearn.streaming.event_store import Order, evolve_order

ITEMS = [{"product": "laptop", "price": 999.99}, {"product": "mouse", "price": 29.99}]
FINAL = {
    "order_id": "order123",
    "customer_id": "customer456",
    "items": ITEMS,
    "status": "shipped",
    "payments": [{"method": "credit_card", "amount": 1029.98}],
}


def shipped() -> OrderEventStore:
    """The store of the course text's example."""
    store = OrderEventStore()
    store.create_order(
        "order123",
        "customer456",
        [
            {"product": "laptop", "price": 999.99},
            {"product": "mouse", "price": 29.99},
        ],
    )
    store.update_order_status("order123", "confirmed")
    store.add_payment("order123", "credit_card", 1029.98)
    store.update_order_status("order123", "shipped")
    return store


def test_the_course_texts_example_rebuilds_the_shipped_order() -> None:
    """The same calls in the same order, and a state that JSON can print."""
    store = shipped()
    assert store.stream.stream_name == "orders" and store.stream.partition_count == 4
    assert [event.event_type for event in store.get_order_history("order123")] == [
        "order_created",
        "order_status_updated",
        "payment_added",
        "order_status_updated",
    ]
    assert json.loads(json.dumps(store.rebuild_order_state("order123"), indent=2)) == FINAL


def test_a_rebuild_gives_the_same_answer_every_time() -> None:
    """Asked ten times, after a question about another order, and beside readers of groups with
    offsets of their own.
    """
    store = shipped()
    for n in range(10):
        assert store.rebuild_order_state(f"order{n}") == {}
        assert len(list(store.stream.read(f"reader{n}"))) == 4
        assert store.rebuild_order_state("order123") == FINAL
    assert len(store.get_order_history("order123")) == 4


def test_a_question_touches_no_group() -> None:
    """The books of the groups are as before."""
    store = shipped()
    assert len(list(store.stream.read("order_reader"))) == 4
    before = store.stream.get_stream_info()
    store.rebuild_order_state("order123")
    store.get_order_history("order124")
    assert store.stream.get_stream_info() == before


def test_what_is_done_to_an_answer_changes_no_event() -> None:
    """Neither the caller's items nor a state that was handed out lead back into the history."""
    store, items = OrderEventStore(), [{"product": "laptop"}]
    store.create_order("a", "c", items)
    items[0]["product"] = "brick"
    store.rebuild_order_state("a")["items"].append({"product": "mouse"})
    store.rebuild_order_state("a")["items"][0]["product"] = "brick"
    assert store.rebuild_order_state("a")["items"] == [{"product": "laptop"}]


def test_the_fold_refuses_nothing_and_changes_nothing() -> None:
    """An unknown event leaves the order as it was; the order that goes in is not the one that comes
    out.
    """
    order: Order = {"status": "pending"}
    assert evolve_order(order, StreamEvent("orders", event_type="gift_wrapped")) == order
    assert evolve_order(
        order, StreamEvent("orders", event_type="order_status_updated", data={"status": "x"})
    ) == {"status": "x"}
    assert order == {"status": "pending"}
    created = StreamEvent(
        "orders", event_type="order_created", data={"items": [{"product": "laptop"}]}
    )
    evolve_order({}, created)["items"][0]["product"] = "brick"
    assert created.data == {"items": [{"product": "laptop"}]}


def test_of_two_clerks_who_saw_the_same_order_the_second_is_refused() -> None:
    """The refusal says both versions; nothing is appended; after reading again it succeeds."""
    store = shipped()
    seen = store.version("order123")
    assert seen == 4
    assert store.update_order_status("order123", "delivered", expected_version=seen) == 5
    with pytest.raises(
        WrongExpectedVersion, match="expected_version of order123 must be 5, got 4"
    ) as refused:
        store.add_payment("order123", "voucher", -10.0, expected_version=seen)
    assert (refused.value.order_id, refused.value.expected, refused.value.actual) == (
        "order123",
        4,
        5,
    )
    assert store.version("order123") == 5 and "voucher" not in repr(
        store.rebuild_order_state("order123")
    )
    assert store.add_payment("order123", "voucher", -10.0, expected_version=5) == 6


def test_an_order_is_created_once_if_that_is_expected() -> None:
    """Version 0 is the order that is not there; without a version nothing is checked."""
    store = OrderEventStore()
    assert store.create_order("a", "c", [], expected_version=0) == 1
    with pytest.raises(WrongExpectedVersion):
        store.create_order("a", "d", [], expected_version=0)
    assert store.create_order("a", "d", []) == 2


def test_each_order_counts_its_own_events() -> None:
    """Orders that share a partition do not share versions."""
    store = OrderEventStore(EventStream("orders", 1))
    store.create_order("a", "c", [])
    store.create_order("b", "c", [])
    store.update_order_status("b", "confirmed")
    assert (store.version("a"), store.version("b"), store.version("c")) == (1, 2, 0)


def test_eight_threads_that_expect_a_version_append_one_event_for_each() -> None:
    """Each reads, decides, and tries again when refused: 8 x 25 events, the amounts 1 to 200 in
    order.
    """
    runtime = ThreadRuntime()
    store = OrderEventStore(runtime=runtime)

    def pay_next() -> None:
        for _ in range(25):
            while True:
                version = store.version("a")
                try:
                    store.add_payment("a", "card", version + 1, expected_version=version)
                except WrongExpectedVersion:
                    continue
                break

    tasks = [runtime.spawn(pay_next) for _ in range(8)]
    for task in tasks:
        task.join(30)
    paid = store.rebuild_order_state("a")["payments"]
    assert [payment["amount"] for payment in paid] == list(range(1, 201))


def test_the_state_at_any_time_is_that_of_the_events_up_to_it() -> None:
    """Before the first event there is nothing; an event counts from its own instant on."""
    with Simulation() as sim:
        store = OrderEventStore(runtime=sim)
        for time, status in ((10, "pending"), (20, "confirmed"), (30, "shipped")):
            sim.run(until=time)
            store.record("a", "order_status_updated", {"status": status})
        states = {
            time: store.rebuild_order_state("a", until=time).get("status")
            for time in (9, 10, 19, 20, 30, 99)
        }
        assert states == {
            9: None,
            10: "pending",
            19: "pending",
            20: "confirmed",
            30: "shipped",
            99: "shipped",
        }
        assert len(store.get_order_history("a", until=20)) == 2


@pytest.mark.parametrize("length", [0, 1, 9, 10, 11, 99, 100])
def test_a_snapshot_saves_folding_and_changes_no_answer(length: int) -> None:
    """With one every 10, a question folds what is left over by 10; at every past version the answer
    is the same.
    """
    with Simulation() as sim:
        stream = EventStream("orders", runtime=sim)
        quick, plain = OrderEventStore(stream, snapshot_every=10), OrderEventStore(stream)
        for n in range(length):
            sim.run(until=n)
            quick.add_payment("a", "card", n)
        for store, cost in ((quick, length % 10), (plain, length)):
            before = store.folded
            store.rebuild_order_state("a")
            assert store.folded - before == cost
        for n in range(length):
            assert quick.rebuild_order_state("a", until=n) == plain.rebuild_order_state(
                "a", until=n
            )


def test_an_event_that_is_recorded_late_is_missing_before_its_time_is_asked() -> None:
    """No snapshot that contains it answers for those who ask what had happened without it."""
    with Simulation() as sim:
        store = OrderEventStore(snapshot_every=2, runtime=sim)
        for amount, happened in ((1, 1), (2, 9), (3, 3), (4, 4)):
            store.record(
                "a",
                "payment_added",
                {"payment_method": "card", "amount": amount},
                timestamp=happened,
            )
        paid = [
            payment["amount"] for payment in store.rebuild_order_state("a", until=5)["payments"]
        ]
        assert paid == [1, 3, 4]


def test_a_store_finds_what_was_on_its_stream_and_what_others_append() -> None:
    """Two stores on one stream agree, and refuse each other's stale versions."""
    stream = EventStream("orders")
    first = OrderEventStore(stream)
    first.create_order("a", "c", [])
    second = OrderEventStore(stream)
    assert second.version("a") == 1
    first.update_order_status("a", "confirmed")
    with pytest.raises(WrongExpectedVersion):
        second.update_order_status("a", "cancelled", expected_version=1)


def test_a_stream_that_forgets_is_refused() -> None:
    """With retention, what is left is not what happened; an order must have a name."""
    with pytest.raises(ValueError, match="stream must keep every event"):
        OrderEventStore(EventStream("orders", retention_events=5))
    with pytest.raises(ValueError, match="order_id must not be empty, got ''"):
        OrderEventStore().create_order("", "c", [])
