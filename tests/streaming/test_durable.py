"""A stream in a file: what was acknowledged is there when it is opened again, whoever was killed
meanwhile.
"""

import gc
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from mqlearn import DurableEventStream, OrderEventStore, OrderTable, StreamEvent, ThreadRuntime
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


def test_one_file_has_one_process_and_one_number_of_partitions(tmp_path: Path) -> None:
    """A second opener is refused while the first has it; another number of partitions always."""
    path = tmp_path / "orders.db"
    first = DurableEventStream(path)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        DurableEventStream(path)
    first.close()
    with pytest.raises(
        ValueError, match=r"partition_count must be 4, as .*orders\.db was written, got 8"
    ):
        DurableEventStream(path, partition_count=8)


@pytest.mark.parametrize("kind", [DurableEventStream, OrderTable])
def test_what_nobody_holds_lets_go_of_its_file(
    tmp_path: Path, kind: type[DurableEventStream | OrderTable]
) -> None:
    """Whoever forgets to close it leaves no lock behind, and no warning."""
    path = tmp_path / "orders.db"
    kind(path)
    gc.collect()
    again = kind(path)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        kind(path)
    again.close()


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
