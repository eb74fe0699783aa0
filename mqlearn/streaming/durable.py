"""What survives: a stream that is written to a file of SQLite's before it is acknowledged."""

from __future__ import annotations

import json
import sqlite3
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.trace import Trace
from mqlearn.streaming.event import StreamEvent
from mqlearn.streaming.partition_log import PartitionLog
from mqlearn.streaming.stream import EventStream

FIELDS = "event_id, stream_id, event_type, data, timestamp, partition_key"


def connect(path: str | Path, holder: object) -> sqlite3.Connection:
    """A database in the file at `path` (":memory:": in none), where a commit returns when it is on
    the disk.

    It is closed at the latest when nobody holds the `holder` any more.

    With `synchronous=FULL` a commit in the write-ahead log is synced before it returns: it outlives
    the process, and a power failure as well if the disk does what it is told. With NORMAL, a power
    failure may undo the last ones. One process at a time has the file. Source: sqlite.org, PRAGMA
    synchronous.
    """
    check.instance("path", path, (str, Path))
    database = sqlite3.connect(path, isolation_level=None, timeout=0, check_same_thread=False)
    weakref.finalize(holder, database.close)
    try:
        for pragma in ("locking_mode=EXCLUSIVE", "journal_mode=WAL", "synchronous=FULL"):
            database.execute(f"PRAGMA {pragma}")
    except sqlite3.Error:
        database.close()
        raise
    return database


def row(event: StreamEvent) -> tuple[Any, ...]:
    """An event as the columns of FIELDS. Raises TypeError for `data` that JSON does not give back
    as it was.
    """
    try:
        text = json.dumps(event.data)
        same = json.loads(text) == event.data
    except (TypeError, ValueError):
        same = False
    if not same:
        raise TypeError(f"data must be what JSON can hold, got {event.data!r}")
    return (
        event.event_id,
        event.stream_id,
        event.event_type,
        text,
        event.timestamp,
        event.partition_key,
    )


def event_of(columns: Sequence[Any]) -> StreamEvent:
    """The event that `row` made these columns of."""
    event_id, stream_id, event_type, data, timestamp, partition_key = columns
    return StreamEvent(
        stream_id, event_id, event_type, json.loads(data), timestamp, partition_key=partition_key
    )


class DurableLog(PartitionLog):
    """A partition of which each event is on the disk before it is in the log."""

    def __init__(self, database: sqlite3.Connection, partition: int) -> None:
        super().__init__()
        self.database, self.partition = database, partition
        rows = database.execute(
            f"SELECT sequence_number, appended_at, {FIELDS} FROM events WHERE "
            "partition = ? "
            "ORDER BY sequence_number",
            (partition,),
        )
        for sequence_number, appended_at, *columns in rows.fetchall():
            event = event_of(columns)
            event.partition, event.appended_at = partition, appended_at
            super().append(event)
            if event.sequence_number != sequence_number:
                raise ValueError(
                    f"path must hold every event, but offset {event.sequence_number} "
                    "of partition "
                    f"{partition} is missing"
                )

    def append(self, event: StreamEvent) -> None:
        """Write `event` to the file, and only then keep it."""
        self.database.execute(
            "INSERT INTO events (partition, sequence_number, appended_at, "
            f"{FIELDS}) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (self.partition, self.end, event.appended_at, *row(event)),
        )
        super().append(event)


class DurableEventStream(EventStream):
    """An `EventStream` whose events are in the file at `path` before `append` returns, and back
    when it is opened.

    It is for what must not be lost, such as an `OrderEventStore`: it has no retention. What its
    groups have committed is not kept. A failing disk raises `sqlite3.Error`, `data` that JSON
    cannot hold a TypeError; nothing is appended.

    Raises ValueError if the file was written with another `partition_count`: keys would be
    elsewhere.
    """

    def __init__(
        self,
        path: str | Path,
        stream_name: str = "orders",
        partition_count: int = 4,
        *,
        runtime: Runtime | None = None,
        trace: Trace | None = None,
    ) -> None:
        super().__init__(stream_name, partition_count, runtime=runtime, trace=trace)
        self._database = connect(path, self)
        try:
            self._open(path)
        except ValueError:
            self._database.close()
            raise

    def _open(self, path: str | Path) -> None:
        ((known,),) = self._database.execute("PRAGMA user_version").fetchall()
        if known not in (0, self.partition_count):
            raise ValueError(
                f"partition_count must be {known}, as {path} was written, got "
                f"{self.partition_count}"
            )
        self._database.execute(f"PRAGMA user_version = {self.partition_count}")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS events (partition INTEGER, "
            "sequence_number INTEGER, "
            f"appended_at REAL, {FIELDS}, PRIMARY KEY (partition, "
            "sequence_number))"
        )
        self.partitions = [DurableLog(self._database, p) for p in range(self.partition_count)]

    def close(self) -> None:
        """Let go of the file, as happens anyway to a stream that nobody holds any more."""
        self._database.close()
