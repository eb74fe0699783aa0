"""State and event: two writes that tear, and one transaction with an outbox that does not."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mqlearn import EventStream, OrderTable, Simulation, StreamEvent, WorkerCrash

Write = Callable[[OrderTable, EventStream, str, Callable[[], None]], None]


def paid(order: str) -> StreamEvent:
    """The event that announces an order's payment."""
    return StreamEvent(
        "orders",
        event_id=f"paid-{order}",
        event_type="order_paid",
        data={"order_id": order},
        partition_key=order,
    )


def state_first(
    table: OrderTable, stream: EventStream, order: str, die: Callable[[], None]
) -> None:
    """Two writes, the state first."""
    table.save(order, {"status": "paid"})
    die()
    stream.append(paid(order))


def event_first(
    table: OrderTable, stream: EventStream, order: str, die: Callable[[], None]
) -> None:
    """Two writes, the event first."""
    stream.append(paid(order))
    die()
    table.save(order, {"status": "paid"})


def with_outbox(
    table: OrderTable, stream: EventStream, order: str, die: Callable[[], None]
) -> None:
    """One transaction, the event in the outbox."""
    with table.transaction():
        table.save(order, {"status": "paid"})
        die()
        table.enqueue(paid(order))


def torn(write: Write) -> tuple[int, int]:
    """A hundred orders, of which every tenth dies between the writes: states without event, events
    without state.
    """
    with Simulation() as sim:
        table, stream = OrderTable(runtime=sim), EventStream("orders", runtime=sim)

        def die_for(n: int) -> None:
            if n % 10 == 0:
                raise WorkerCrash

        for n in range(100):
            try:
                write(table, stream, f"order-{n}", lambda n=n: die_for(n))  # type: ignore[misc]
            except WorkerCrash:
                table.relay(stream.append)
        table.relay(stream.append)
        published = {event.data["order_id"] for event in stream.history()}
        written = {f"order-{n}" for n in range(100) if table.load(f"order-{n}")}
        table.close()
        return len(written - published), len(published - written)


def test_two_writes_tear_in_either_order_and_one_transaction_does_not() -> None:
    """Ten deaths between the writes: ten states unannounced, ten events of nothing, or neither."""
    assert torn(state_first) == (10, 0)
    assert torn(event_first) == (0, 10)
    assert torn(with_outbox) == (0, 0)


def test_a_relay_that_dies_after_publishing_publishes_that_one_again() -> None:
    """Under the same event id, and in order: at least once. The outbox is empty in the end."""
    table, seen = OrderTable(), []
    for n in range(5):
        table.enqueue(paid(f"order-{n}"))

    def publish_and_die(event: StreamEvent) -> None:
        seen.append(event.event_id)
        if len(seen) == 3:
            raise WorkerCrash

    with pytest.raises(WorkerCrash):
        table.relay(publish_and_die)
    assert table.relay(publish_and_die) == 3
    assert seen == [
        "paid-order-0",
        "paid-order-1",
        "paid-order-2",
        "paid-order-2",
        "paid-order-3",
        "paid-order-4",
    ]
    assert table.pending() == [] and table.relay(publish_and_die) == 0
    table.close()


def test_a_block_within_a_transaction_is_part_of_it() -> None:
    """What the inner one wrote is gone with the outer; what was there before is not."""
    table = OrderTable()
    table.save("a", {"status": "pending"})

    def fail_after_an_inner_block() -> None:
        with table.transaction():
            with table.transaction():
                table.save("a", {"status": "paid"})
                table.enqueue(paid("a"))
            raise KeyError

    with pytest.raises(KeyError):
        fail_after_an_inner_block()
    assert (
        table.load("a") == {"status": "pending"}
        and table.pending() == []
        and table.load("b") is None
    )
    table.close()


def test_a_relay_waits_for_the_end_of_a_transaction() -> None:
    """It sees nothing that may yet be rolled back, though the transaction takes its time."""
    with Simulation() as sim:
        table, seen = OrderTable(runtime=sim), []

        def slow() -> None:
            with table.transaction():
                table.enqueue(paid("a"))
                sim.sleep(5)
                raise WorkerCrash

        def relaying() -> None:
            sim.sleep(1)
            seen.append((table.relay(print), sim.now))

        writer = sim.spawn(slow)
        sim.spawn(relaying)
        with pytest.raises(WorkerCrash):
            sim.run()
        assert writer.crashed
        sim.run()
        assert seen == [(0, 5.0)]
        table.close()


def test_what_is_committed_outlives_the_one_who_wrote_it(tmp_path: Path) -> None:
    """State and outbox are both in the file; an entry that is removed is gone, and is not removed
    twice.
    """
    path = tmp_path / "shop.db"
    table = OrderTable(path)
    with table.transaction():
        table.save("a", {"status": "paid"})
        table.enqueue(paid("a"))
        table.enqueue(paid("b"))
    table.close()
    again = OrderTable(path)
    ((first, event), (_, other)) = again.pending()
    assert again.load("a") == {"status": "paid"} and event == paid("a") and other == paid("b")
    assert again.remove(first) and not again.remove(first)
    assert [event.data["order_id"] for _, event in again.pending()] == ["b"]
    again.close()
