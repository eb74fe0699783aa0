"""A stream that survives a crash: each event is in an SQLite file before it is acknowledged."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mqlearn.runtime.base import Runtime
from mqlearn.runtime.closing import Closing
from mqlearn.runtime.trace import Trace
from mqlearn.streaming.database import Database, connect, opened, to_json
from mqlearn.streaming.event import StreamEvent
from mqlearn.streaming.partition_log import PartitionLog
from mqlearn.streaming.stream import EventStream

COLUMNS = "event_id, stream_id, event_type, data, timestamp, partition_key"


def to_row(event: StreamEvent) -> tuple[Any, ...]:
    """Return an event as a row of COLUMNS. Raises TypeError for `data` that would be different
    after writing and reading it as JSON.
    """
    return (
        event.event_id,
        event.stream_id,
        event.event_type,
        to_json("data", event.data),
        event.timestamp,
        event.partition_key,
    )


def from_row(columns: Sequence[Any]) -> StreamEvent:
    """Return the event that `to_row` turned into these columns."""
    event_id, stream_id, event_type, data, timestamp, partition_key = columns
    return StreamEvent(
        stream_id, event_id, event_type, json.loads(data), timestamp, partition_key=partition_key
    )


class DurableLog(PartitionLog):
    """A partition that writes each event to the disk before it adds the event to the log."""

    def __init__(self, database: Database, partition: int) -> None:
        super().__init__()
        self.database, self.partition = database, partition
        rows = database.execute(
            f"SELECT sequence_number, appended_at, {COLUMNS} FROM events WHERE "
            "partition = ? "
            "ORDER BY sequence_number",
            (partition,),
        )
        for sequence_number, appended_at, *columns in rows.fetchall():
            # compaction has emptied the row, and left its offset
            if columns[0] is None:
                self.end += 1
                continue
            event = from_row(columns)
            event.partition, event.appended_at = partition, appended_at
            super().append(event)
            # `append` has counted the offset again: a gap would shift all that follow, and
            # committed offsets with them
            if event.sequence_number != sequence_number:
                raise ValueError(
                    f"path must hold every event, but offset {event.sequence_number} "
                    "of partition "
                    f"{partition} is missing"
                )

    def append(self, event: StreamEvent) -> None:
        """Write `event` to the file, and only then append it in memory."""
        row = to_row(event)
        # First the disk: if it fails here, the event is in neither place, and the producer is told.
        # REPLACE is for an append that was interrupted between the disk and the memory: its
        # producer was told nothing, and the offset is free.
        self.database.execute(
            "INSERT OR REPLACE INTO events (partition, sequence_number, appended_at, "
            f"{COLUMNS}) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (self.partition, self.end, event.appended_at, *row),
        )
        # what the file holds, and not the caller's object: it may change that later
        event.data = json.loads(row[3])
        super().append(event)


class DurableEventStream(EventStream, Closing):
    """An `EventStream` whose events are in the file at `path` before `append` returns; opening the
    file again loads them. A file that is opened again in the same process is closed for the older
    stream, whose `append` is then refused.

    It is for events that must not be lost, such as those of an `OrderEventStore`, so it has no
    retention. The committed offsets of its groups are not stored. Appending raises `sqlite3.Error`
    if the disk fails and TypeError for `data` that JSON cannot hold, and then appends nothing.

    Raises ValueError if the file was written with another `partition_count`: a key's old and new
    events would be in different partitions.
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
        former = opened(path)
        if former is not None:
            self._check_partitions(former)  # before the older stream loses its file
        self._database = connect(path, self)
        try:
            self._open()
        # the open connection locks the file: a second attempt with the right count would fail
        except BaseException:
            self._database.close()
            raise

    def _check_partitions(self, database: Database) -> None:
        # SQLite keeps one number for its user in each file; a new file has 0
        ((written,),) = database.execute("PRAGMA user_version").fetchall()
        if written not in (0, self.partition_count):
            raise ValueError(
                f"partition_count must be {written}, as {database.path} was written, got "
                f"{self.partition_count}"
            )

    def _open(self) -> None:
        self._check_partitions(self._database)
        self._database.execute(f"PRAGMA user_version = {self.partition_count}")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS events (partition INTEGER, "
            "sequence_number INTEGER, "
            f"appended_at REAL, {COLUMNS}, PRIMARY KEY (partition, "
            "sequence_number))"
        )
        self.partitions = [DurableLog(self._database, p) for p in range(self.partition_count)]

    def _drop(self, gone: list[set[int]]) -> None:
        # in the file first, and there all or nothing
        with self._database.transaction():
            for partition, offsets in enumerate(gone):
                for offset in sorted(offsets):
                    # the row stays, empty: a missing one would look like a lost event on opening
                    self._database.execute(
                        "UPDATE events SET event_id = NULL, stream_id = NULL, event_type = NULL, "
                        "data = NULL, timestamp = NULL, partition_key = NULL "
                        "WHERE partition = ? AND sequence_number = ?",
                        (partition, offset),
                    )
        super()._drop(gone)

    def close(self) -> None:
        """Close the file; garbage collection of the stream does it too."""
        self._database.shut("close() was called")
