"""More that goes wrong with files, transactions and folds: each change is whole or not made."""

from __future__ import annotations

import json
import os
import pickle
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mqlearn import (
    DurableEventStream,
    EventStream,
    EventStreamProcessor,
    OrderEventStore,
    OrderTable,
    Projection,
    Simulation,
    StreamEvent,
    WrongExpectedVersion,
    upcasting,
)
from mqlearn.streaming.database import Database


def rows(path: Path) -> list[dict[str, Any]]:
    """Return the data of the events in a file, as opened again."""
    with DurableEventStream(path, partition_count=1) as stream:
        return [event.data for event in stream.history()]


def test_numbers_of_numpy_are_numbers_in_a_file(tmp_path: Path) -> None:
    """Values from a DataFrame's columns are kept as Python's own, in memory as in the file."""
    path = tmp_path / "orders.db"
    data = {"n": np.int64(3), "price": np.float32(0.5), "paid": np.bool_(True)}
    with DurableEventStream(path, partition_count=1) as stream:
        event = StreamEvent("orders", data=data, timestamp=np.float32(2.5))
        stream.append(event)
        (kept,) = stream.history()
        assert [type(value) for value in kept.data.values()] == [int, float, bool]
        assert type(kept.timestamp) is float
    assert rows(path) == [{"n": 3, "price": 0.5, "paid": True}]
    with OrderTable(tmp_path / "shop.db") as table:
        table.save("a", {"n": np.int64(3)})
        assert table.load("a") == {"n": 3}


def deep() -> list[Any]:
    """A list in a list, and so on, deeper than JSON can be written."""
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    return value


@pytest.mark.parametrize("value", [(1, 2), {1: "a"}, float("nan"), {1, 2}, np.zeros(2), deep()])
def test_a_row_that_json_does_not_give_back_is_refused(value: Any) -> None:
    """The table would return something else than was saved; the row stays as it was."""
    with OrderTable() as table:
        table.save("a", {"value": 1})
        with pytest.raises(TypeError, match="state must be what JSON can hold, got"):
            table.save("a", {"value": value})
        assert table.load("a") == {"value": 1}


def refusing(word: str) -> Any:
    """Return an `execute` of a database whose disk refuses the statements that begin like this."""
    execute = Database.execute

    def refuse(database: Database, statement: str, *values: Any) -> sqlite3.Cursor:
        if statement.startswith(word):
            raise sqlite3.OperationalError("disk is full")
        return execute(database, statement, *values)

    return refuse


@pytest.mark.parametrize("word", ["BEGIN", "COMMIT"])
def test_a_transaction_that_the_disk_refuses_leaves_nothing_half_done(
    word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the row nor the event is there, and the next transaction is a whole one again."""

    def pay(table: OrderTable) -> None:
        with table.transaction():
            table.save("a", {"status": "paid"})
            table.enqueue(StreamEvent("orders"))

    def pay_and_fail(table: OrderTable) -> None:
        with table.transaction():
            table.save("a", {"status": "lost"})
            raise KeyError

    with OrderTable() as table:
        monkeypatch.setattr(Database, "execute", refusing(word))
        with pytest.raises(sqlite3.OperationalError, match="disk is full"):
            pay(table)
        monkeypatch.undo()
        assert table.load("a") is None and table.pending() == []
        pay(table)
        with pytest.raises(KeyError):
            pay_and_fail(table)
        assert table.load("a") == {"status": "paid"} and len(table.pending()) == 1


def test_a_compaction_whose_commit_the_disk_refuses_drops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory and file keep the five events, and the next append and compaction work."""
    path = tmp_path / "orders.db"
    with DurableEventStream(path, partition_count=1) as stream:
        for n in range(5):
            stream.append(StreamEvent("orders", partition_key="k", data={"n": n}))
        monkeypatch.setattr(Database, "execute", refusing("COMMIT"))
        with pytest.raises(sqlite3.OperationalError):
            stream.compact()
        monkeypatch.undo()
        assert len(list(stream.history())) == 5
        stream.append(StreamEvent("orders", partition_key="k", data={"n": 5}))
        assert stream.compact() == 5
    assert rows(path) == [{"n": 5}]


def test_a_table_closed_within_its_transaction_says_so_and_wrote_nothing(tmp_path: Path) -> None:
    """The cell that opens the file is run again while a block is open: the block is undone."""
    path = tmp_path / "shop.db"

    def reopened_within(table: OrderTable) -> None:
        with table.transaction():
            table.save("a", {"status": "paid"})
            OrderTable(path).close()

    with pytest.raises(sqlite3.ProgrammingError, match=r"shop\.db is closed: .*the newer object"):
        reopened_within(OrderTable(path))
    with OrderTable(path) as again:
        assert again.load("a") is None


def test_a_file_is_not_taken_from_an_object_of_another_class(tmp_path: Path) -> None:
    """A table and a stream on one file are a mistake: the error names both, and the first goes
    on.
    """
    path = tmp_path / "orders.db"
    with DurableEventStream(path, partition_count=1) as stream:
        with pytest.raises(sqlite3.OperationalError, match=r"db is open as DurableEventStream"):
            OrderTable(path)
        stream.append(StreamEvent("orders"))
    OrderTable(path).close()


@pytest.mark.parametrize("kind", [DurableEventStream, OrderTable])
def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path, kind: Any) -> None:
    """A folder that does not exist, and a file that is no database."""
    text = tmp_path / "notes.txt"
    text.write_text("no database at all, but a text of more than one hundred characters" * 9)
    for path in (tmp_path / "nowhere" / "orders.db", text):
        with pytest.raises(sqlite3.DatabaseError, match=rf"path must be .*{path.name}"):
            kind(path)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_fork_leaves_its_parents_file_alone(tmp_path: Path) -> None:
    """The child's append and close change nothing, and its error says why; the parent goes on."""
    path = tmp_path / "orders.db"
    stream = DurableEventStream(path, partition_count=1)
    stream.append(StreamEvent("orders", data={"n": 0}))
    parent, process = Database.process, os.getpid()
    assert parent == 0 and stream._database.process == process
    # as the child sees it: another process number; a real fork of a threaded process only warns
    stream._database.process = process + 1
    with pytest.raises(sqlite3.ProgrammingError, match="before this process was forked"):
        stream.append(StreamEvent("orders"))
    stream._database.close()
    with pytest.raises(sqlite3.OperationalError, match="another process has"):
        DurableEventStream(path, partition_count=1)
    stream._database.process = process
    stream.append(StreamEvent("orders", data={"n": 1}))
    stream.close()
    assert rows(path) == [{"n": 0}, {"n": 1}]


def interrupt(text: str) -> Any:
    """Is interrupted."""
    raise KeyboardInterrupt


def test_an_append_that_was_interrupted_after_the_disk_leaves_its_offset_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its producer was told nothing; the next event gets the offset, in memory as in the file."""
    path = tmp_path / "orders.db"
    with DurableEventStream(path, partition_count=1) as stream:
        monkeypatch.setattr(
            "mqlearn.streaming.durable.to_json", lambda name, data: json.dumps(data)
        )
        monkeypatch.setattr("mqlearn.streaming.durable.json.loads", interrupt)
        with pytest.raises(KeyboardInterrupt):
            stream.append(StreamEvent("orders", data={"n": 0}))
        monkeypatch.undo()
        event = StreamEvent("orders", data={"n": 1})
        assert stream.append(event) and event.sequence_number == 0
    assert rows(path) == [{"n": 1}]


def test_a_fold_that_shares_data_with_its_order_does_not_change_the_past() -> None:
    """The order takes over the list of the first event, and a later event extends it: asked three
    times, with and without snapshots, the answer is the same.
    """

    def evolve(order: dict[str, Any], event: StreamEvent) -> dict[str, Any]:
        if event.event_type == "order_created":
            return order | event.data
        order["items"].append(event.data["item"])
        return order

    for every in (None, 1, 2):
        store = OrderEventStore(evolve=evolve, snapshot_every=every)
        store.create_order("a", "c", [{"sku": 1}])
        store.record("a", "item_added", {"item": {"sku": 2}})
        store.record("a", "item_added", {"item": {"sku": 3}})
        for _ in range(3):
            items = store.rebuild_order_state("a")["items"]
            assert items == [{"sku": 1}, {"sku": 2}, {"sku": 3}]
            items[0]["sku"] = 99
        assert next(store.stream.history(key="a")).data["items"] == [{"sku": 1}]


def test_a_snapshot_knows_the_place_of_its_events() -> None:
    """A fold that uses an event's place and times gives the same answer with and without
    snapshots.
    """

    def evolve(order: dict[str, Any], event: StreamEvent) -> dict[str, Any]:
        place = (event.partition, event.sequence_number, event.appended_at, event.timestamp)
        return {"places": [*order.get("places", []), place]}

    with Simulation() as sim:
        stream = EventStream("orders", runtime=sim)
        quick = OrderEventStore(stream, evolve=evolve, snapshot_every=2)
        for number in range(5):
            sim.run(until=number)
            quick.record(f"order-{number % 2}", "changed", {}, timestamp=[None, 9.0][number % 2])
        plain = OrderEventStore(stream, evolve=evolve)
        for name in ("order-0", "order-1"):
            assert quick.rebuild_order_state(name) == plain.rebuild_order_state(name)


async def coroutine_function() -> None:
    """Does nothing when it is called."""


@pytest.mark.parametrize(
    "answer",
    [lambda: None, coroutine_function, lambda: (each for each in "ab")],
    ids=["none", "coroutine", "generator"],
)
def test_a_fold_or_a_conversion_that_returns_nonsense_is_named(answer: Any) -> None:
    """The question raises a TypeError, nothing is stored, and a projection stays where it is."""
    stream = EventStream("orders", 1)
    OrderEventStore(stream).create_order("a", "c", [])
    with pytest.raises(TypeError, match="evolve"):
        OrderEventStore(stream, evolve=lambda order, event: answer()).rebuild_order_state("a")
    with pytest.raises(TypeError, match="upcast"):
        OrderEventStore(stream, upcast=lambda event: answer()).get_order_history("a")
    steps: Any = {("order_created", np.int64(1)): lambda data: answer()}
    upcast = upcasting(steps)
    with pytest.raises(TypeError, match=r"steps\[\('order_created', 1\)\]"):
        OrderEventStore(stream, upcast=upcast).rebuild_order_state("a")
    view = Projection(stream, lambda state, event: answer(), 7)
    with pytest.raises(TypeError, match="evolve"):
        view.catch_up()
    assert (view.state, view.offsets, view.folded) == (7, {0: 0}, 0)
    assert next(stream.history()).data["customer_id"] == "c"


class Refusing(EventStream):
    """A stream that refuses every event."""

    def append(self, event: StreamEvent) -> bool:
        return False


def test_a_store_needs_a_stream_that_takes_and_has_every_event() -> None:
    """An event that the stream refuses is not counted; a compacted stream is refused."""
    store = OrderEventStore(Refusing("orders"), snapshot_every=1)
    with pytest.raises(RuntimeError, match="'orders' refused an event of 'a'"):
        store.create_order("a", "c", [])
    assert store.version("a") == 0 and store.rebuild_order_state("a") == {}
    stream = EventStream("prices", 1)
    for _ in range(2):
        stream.append(StreamEvent("prices", partition_key="a"))
    stream.compact()
    with pytest.raises(ValueError, match="stream must have every event, got 'prices'"):
        OrderEventStore(stream)


def test_a_refused_version_is_the_same_after_pickling() -> None:
    """Another process can tell its caller what was expected."""
    error = WrongExpectedVersion("a", 1, 2)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), vars(again)) == (str(error), vars(error))


def test_the_deletion_of_the_last_key_leaves_no_reader_behind() -> None:
    """The tombstone at the end of the log is compacted away before a group has read it: nothing is
    left to read, so the lag is 0 and the run of its workers ends.
    """
    with Simulation() as sim:
        stream = EventStream("prices", 1, runtime=sim)
        stream.append(StreamEvent("prices", partition_key="a"))
        processor = EventStreamProcessor(stream, "view")
        processor.add_processor(print)
        stream.append(StreamEvent.tombstone("prices", "a"))
        assert stream.lag("view") == {0: 2}
        assert stream.compact(tombstone_retention=0) == 2
        assert stream.lag("view") == {0: 0} and list(stream.read("other")) == []
        processor.start(1)
        sim.run()
        assert sim.now < 10 and processor.counts["processed"] == 0
        stream.append(StreamEvent("prices", partition_key="b"))
        sim.run()
        assert processor.counts["processed"] == 1 and stream.lag("view") == {0: 0}
        processor.stop()
