"""A stream in a file: what was acknowledged is there when it is opened again, whoever was killed
meanwhile.
"""

import gc
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from mqlearn import (
    DurableEventStream,
    OrderEventStore,
    OrderTable,
    Simulation,
    StreamEvent,
    ThreadRuntime,
)
from mqlearn.streaming.database import Database, opened
from tests.house.source import ROOT

KILLED_AFTER = (1, 333, 1500)  # acknowledged appends


def acknowledged_before_the_kill(path: Path, after: int) -> int:
    """Start the writer on a file, kill it when it has acknowledged `after` events; how many it had
    in the end.
    """
    writer = subprocess.Popen(
        [sys.executable, "-m", "tests.streaming.writer", str(path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    guard = ThreadRuntime()
    # a writer that hangs ends the test, and fails it
    deadline = guard.call_at(guard.now + 60, writer.kill)
    assert writer.stdout is not None
    try:
        for line in writer.stdout:
            if int(line) + 1 == after:
                break
        writer.kill()
        rest = writer.stdout.read().splitlines()
    finally:
        deadline.cancel()
        writer.kill()
        writer.stdout.close()
        assert writer.wait(10) == -9
    return after + len(rest)


@pytest.mark.parametrize("after", KILLED_AFTER)
def test_a_process_killed_while_appending_leaves_a_whole_prefix_with_all_it_acknowledged(
    tmp_path: Path, after: int
) -> None:
    """`kill -9` amid 10,000 appends: what is there is 0 … k in order, whole, and k reaches the last
    acknowledged.

    This tests atomicity, and that a commit comes before its acknowledgement. A power failure adds
    what killing a process cannot test: the operating system's cache is lost too, so that only what
    was synced to the disk is left. That is what `synchronous=FULL` is for; this test would pass
    with it off.
    """
    path = tmp_path / "orders.db"
    acknowledged = acknowledged_before_the_kill(path, after)
    assert acknowledged < 10_000, "it was killed after its work"
    stream = DurableEventStream(path)
    events = sorted(stream.history(), key=lambda event: event.data["n"])
    assert [event.data["n"] for event in events] == list(range(len(events)))
    assert acknowledged <= len(events) <= acknowledged + 1
    for log in stream.partitions:
        assert [event.sequence_number for event in log] == list(range(len(log)))
        assert [event.data["n"] for event in log] == sorted(event.data["n"] for event in log)
    assert all(
        event.data["pad"] == "x" * 200 and event.partition_key == f"order-{event.data['n']}"
        for event in events
    )
    assert stream.append(StreamEvent("orders", partition_key="order-0"))
    stream.close()


def test_commits_are_synced(tmp_path: Path) -> None:
    """The write-ahead log is on, and synchronous is FULL (2)."""
    stream = DurableEventStream(tmp_path / "orders.db")
    asked = [
        stream._database.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous")
    ]
    assert asked == ["wal", 2]
    stream.close()


def test_what_is_read_back_is_what_was_appended(tmp_path: Path) -> None:
    """Field by field, also what the stream filled in; a store on it rebuilds the order and goes
    on.
    """
    path = tmp_path / "orders.db"
    stream = DurableEventStream(path)
    store = OrderEventStore(stream)
    for n in range(20):
        store.create_order(f"order-{n}", "Zoë", [{"product": "laptop", "price": 999.99}])
    store.add_payment("order-7", "card", 999.99)
    before = [[(event, event.appended_at) for event in log] for log in stream.partitions]
    stream.close()
    again = DurableEventStream(path)
    assert [[(event, event.appended_at) for event in log] for log in again.partitions] == before
    assert OrderEventStore(again).rebuild_order_state("order-7")["payments"] == [
        {"method": "card", "amount": 999.99}
    ]
    assert OrderEventStore(again).add_payment("order-7", "card", 1.0, expected_version=2) == 3
    again.close()


@pytest.mark.parametrize(
    "data", [{"a": {1, 2}}, {"a": (1, 2)}, {1: "a"}, {"a": float("nan")}, {"a": object()}]
)
def test_data_that_json_does_not_give_back_is_refused_before_anything_changes(
    tmp_path: Path, data: object
) -> None:
    """Neither the file nor the log in memory has it; the next append gets its offset."""
    path = tmp_path / "orders.db"
    stream = DurableEventStream(path, partition_count=1)
    with pytest.raises(TypeError, match="data must be what JSON can hold, got"):
        stream.append(StreamEvent("orders", data=data))  # type: ignore[arg-type]
    assert stream.get_latest_offset() == {0: 0}
    stream.append(StreamEvent("orders", data={"n": 0}))
    stream.close()
    again = DurableEventStream(path, partition_count=1)
    assert [event.data for event in again.history()] == [{"n": 0}]
    again.close()


def test_an_append_that_the_disk_refuses_is_not_in_the_log(tmp_path: Path) -> None:
    """The error reaches the caller, and memory does not run ahead of the file."""
    stream = DurableEventStream(tmp_path / "orders.db", partition_count=1)
    stream.append(StreamEvent("orders"))
    stream.close()
    with pytest.raises(sqlite3.Error):
        stream.append(StreamEvent("orders"))
    assert stream.get_latest_offset() == {0: 1} and len(list(stream.history())) == 1


@pytest.mark.parametrize("kind", [DurableEventStream, OrderTable])
def test_a_file_opened_again_in_one_process_belongs_to_the_newer_object(
    tmp_path: Path, kind: type[DurableEventStream | OrderTable]
) -> None:
    """A cell that is run again works; the older object refuses to write, and says why."""

    def write(to: DurableEventStream | OrderTable) -> None:
        event = StreamEvent("orders")
        _ = to.append(event) if isinstance(to, DurableEventStream) else to.enqueue(event)

    path = tmp_path / "orders.db"
    older = kind(path)
    write(older)
    newer = kind(str(path))
    with pytest.raises(sqlite3.ProgrammingError, match=r"orders\.db is closed: .*opened the file"):
        write(older)
    write(newer)
    newer.close()
    with kind(path) as again:
        count = again.get_latest_offset() if isinstance(again, DurableEventStream) else None
        assert len(again.pending()) == 2 if isinstance(again, OrderTable) else count
    with pytest.raises(sqlite3.ProgrammingError, match=r"close\(\) was called"):
        write(again)


def test_another_number_of_partitions_is_refused_and_takes_the_file_from_nobody(
    tmp_path: Path,
) -> None:
    """The stream that has the file open keeps it."""
    path = tmp_path / "orders.db"
    first = DurableEventStream(path)
    with pytest.raises(
        ValueError, match=r"partition_count must be 4, as .*orders\.db was written, got 8"
    ):
        DurableEventStream(path, partition_count=8)
    first.append(StreamEvent("orders"))
    first.close()
    with pytest.raises(ValueError, match="partition_count must be 4"):
        DurableEventStream(path, partition_count=8)


def test_a_file_that_another_process_has_open_is_refused_by_name(tmp_path: Path) -> None:
    """The error names the file and says who holds it."""
    path = tmp_path / "orders.db"
    code = (
        "import sys; from mqlearn.streaming.durable import DurableEventStream\n"
        "stream = DurableEventStream(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout is not None and other.stdout.readline() == "open\n"
    with pytest.raises(sqlite3.OperationalError, match=r"another process has .*orders\.db open"):
        DurableEventStream(path)
    other.communicate("")
    DurableEventStream(path).close()


@pytest.mark.parametrize("kind", [DurableEventStream, OrderTable])
def test_what_nobody_holds_lets_go_of_its_file(
    tmp_path: Path, kind: type[DurableEventStream | OrderTable]
) -> None:
    """A stream that was never closed leaves no lock behind, and no warning."""
    path = tmp_path / "orders.db"
    kind(path)
    gc.collect()
    assert opened(path) is None
    kind(path).close()


def test_nested_data_changed_after_the_append_is_as_the_file_has_it(tmp_path: Path) -> None:
    """Memory and file never say two different things."""
    stream = DurableEventStream(tmp_path / "orders.db")
    event = StreamEvent("orders", data={"total": {"eur": 1}})
    stream.append(event)
    event.data["total"]["eur"] = 99
    assert [each.data for each in stream.history()] == [{"total": {"eur": 1}}]
    stream.close()
    with DurableEventStream(tmp_path / "orders.db") as again:
        assert [each.data for each in again.history()] == [{"total": {"eur": 1}}]


def test_compaction_is_in_the_file_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After opening again the same events are left at the same offsets, and the next one follows;
    a compaction that fails half-way drops nothing.
    """
    path = tmp_path / "orders.db"
    stream = DurableEventStream(path, partition_count=1)
    for n in range(5):
        stream.append(StreamEvent("orders", partition_key=f"k{n % 2}", data={"n": n}))
    execute, calls = Database.execute, list[object]()

    def failing(database: Database, *statement: object) -> sqlite3.Cursor:
        calls.append(statement)
        if len(calls) == 3:
            raise ValueError("disk")
        return execute(database, *statement)

    monkeypatch.setattr(Database, "execute", failing)
    with pytest.raises(ValueError, match="disk"):
        stream.compact()
    monkeypatch.undo()
    assert len(list(stream.history())) == 5
    assert stream.compact() == 3
    kept = [(each.sequence_number, each.data["n"]) for each in stream.history()]
    stream.close()
    with DurableEventStream(path, partition_count=1) as again:
        assert [(each.sequence_number, each.data["n"]) for each in again.history()] == kept
        assert kept == [(3, 3), (4, 4)]
        event = StreamEvent("orders", partition_key="k1")
        again.append(event)
        assert event.sequence_number == 5


def test_a_tombstone_survives_the_file_and_deletes_its_key(tmp_path: Path) -> None:
    """It comes back as one, takes the earlier events with it, and goes itself when it is old."""
    path = tmp_path / "orders.db"
    with Simulation() as sim, DurableEventStream(path, partition_count=1, runtime=sim) as stream:
        stream.append(StreamEvent("orders", partition_key="a", data={"n": 1}))
        stream.append(StreamEvent.tombstone("orders", "a"))
        sim.run(until=10.0)
        assert stream.compact() == 1
        assert [each.data for each in stream.history()] == [None]
        assert stream.compact(tombstone_retention=10.0) == 1
        assert list(stream.history()) == [] and stream.end(0) == 2


def test_a_file_with_a_hole_is_refused(tmp_path: Path) -> None:
    """An event that somebody deleted is not passed over in silence."""
    path = tmp_path / "orders.db"
    stream = DurableEventStream(path, partition_count=1)
    for _ in range(3):
        stream.append(StreamEvent("orders"))
    stream.close()
    with sqlite3.connect(path) as database:
        database.execute("DELETE FROM events WHERE sequence_number = 1")
    database.close()
    with pytest.raises(ValueError, match="offset 1 of partition 0 is missing"):
        DurableEventStream(path, partition_count=1)
