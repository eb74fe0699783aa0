"""The events of a stream in their partitions, without consumer groups: append, look up, retention,
records for listeners.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from operator import attrgetter
from typing import Any

from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.handed_in import Listeners
from mqlearn.runtime.threads import default_runtime
from mqlearn.runtime.trace import Listener, Trace, pack_record
from mqlearn.streaming.event import StreamEvent
from mqlearn.streaming.partition_log import OffsetOutOfRange, PartitionLog
from mqlearn.streaming.partitioner import cached_partition, partition_for

# the offset that a new group starts at, and the policies for an offset that retention has dropped
STARTS = ("earliest", "latest")
OUT_OF_RANGE = (*STARTS, "error")


class EventLog:
    """The part of an `EventStream` that its consumer groups build on: `partition_count` partitions
    under one lock.

    `changed` is notified with each append, `arrived[partition]` with each append to that partition,
    so that a reader of one partition is not woken for the others. Both use the stream's lock, which
    is not held while an event is handed out. `observed` is true once there is a listener. Times are
    in seconds on the clock of `runtime`; `EventStream` explains the options.
    """

    def __init__(
        self,
        stream_name: str,
        partition_count: int,
        *,
        retention_seconds: float | None,
        retention_events: int | None,
        start: str,
        out_of_range: str,
        runtime: Runtime | None,
        trace: Trace | None,
    ) -> None:
        check.instance("stream_name", stream_name, str)
        partition_count = check.whole("partition_count", partition_count, low=1)
        retention_seconds = check.number(
            "retention_seconds", retention_seconds, above=0, optional=True
        )
        retention_events = check.whole("retention_events", retention_events, low=1, optional=True)
        check.one_of("start", start, STARTS)
        check.one_of("out_of_range", out_of_range, OUT_OF_RANGE)
        check.instance("runtime", runtime, Runtime, optional=True)
        check.instance("trace", trace, Trace, optional=True)
        self.stream_name = self.name = stream_name
        self.partition_count = partition_count
        self.retention_seconds, self.retention_events = retention_seconds, retention_events
        self.start, self.out_of_range = start, out_of_range
        self.runtime = default_runtime() if runtime is None else runtime
        self.trace = trace
        self.partitions = [PartitionLog() for _ in range(partition_count)]
        # in a simulation also without a listener: each record shows that something happens
        self.observed = self.runtime.virtual
        self._has_retention = retention_seconds is not None or retention_events is not None
        self._lock = lock = self.runtime.lock()
        self.changed = self.runtime.condition(lock)
        self.arrived = [self.runtime.condition(lock) for _ in range(partition_count)]
        self._listeners = Listeners()
        self._kept_for = ""  # the reason why no event may be compacted away
        if trace is not None:
            trace.watch(self, self.runtime.at_close)

    # What producers call.

    def append(self, event: StreamEvent) -> bool:
        """Append a copy of `event` to the partition of its key. Always True: a log is never full.

        Sets `partition` and `sequence_number` of the caller's object, so the caller knows where the
        copy is.
        """
        if not isinstance(event, StreamEvent):
            check.instance("event", event, StreamEvent)
        event.validate()
        partition = cached_partition(event.partition_key or event.stream_id, self.partition_count)
        # a copy: otherwise the caller could later change the event that all readers see
        stored = event.copy()
        with self._lock:
            stored.partition, stored.appended_at = partition, self.runtime.now
            if stored.timestamp is None:
                stored.timestamp = stored.appended_at
            self.partitions[partition].append(stored)
            event.partition, event.sequence_number = partition, stored.sequence_number
            # All, not one: a log is not used up, so each reader gets the new event. Before any
            # listener is told: one that is interrupted must not leave the readers asleep.
            self.changed.notify_all()
            self.arrived[partition].notify_all()
            if self.observed:
                self.emit("appended", self.name, stored.sequence_number, stored.event_id, partition)
            if self._has_retention:
                self._apply_retention(partition)
            return True

    # What readers call.

    def history(
        self, partition: int | None = None, *, key: str | None = None
    ) -> Iterator[StreamEvent]:
        """Return all events that retention has left, partition by partition: of one `partition`, of
        one `key`, or of all. No group's offset changes.
        """
        check.instance("key", key, str, optional=True)
        chosen = self._chosen(partition)
        if key is not None:
            chosen = [p for p in chosen if p == partition_for(key, self.partition_count)]
        with self.changed:
            logs = [list(self._log(p)) for p in chosen]
        # from copied lists: the lock is not held while the caller works through the events
        return (event for log in logs for event in log if key is None or event.key == key)

    def fetch(self, partition: int, offset: int, n: int = 1) -> list[StreamEvent]:
        """Return at most `n` events of `partition` from `offset` on; none at the end of the log. No
        group's offset changes.

        Raises OffsetOutOfRange for an `offset` before the log's start or after its end.
        """
        offset = check.whole("offset", offset)
        n = check.whole("n", n, low=1)
        with self.changed:
            log = self._log(partition)
            if not log.start <= offset <= log.end:
                raise OffsetOutOfRange(partition, offset, log.start, log.end)
            return log.fetch(offset, n)

    def resolve(self, partition: int, offset: int | None) -> int:
        """Return where a group that wants `offset` (None: a new group) reads on: there if the log
        still has it, else where the stream's policy says.

        Raises OffsetOutOfRange if the policy is "error".
        """
        offset = check.whole("offset", offset, optional=True)
        partition = check.whole("partition", partition, high=self.partition_count - 1)
        with self._lock:
            return self._resolve(partition, offset)

    def _resolve(self, partition: int, offset: int | None) -> int:
        """`resolve` for a caller that holds the lock and has checked its arguments."""
        if self._has_retention:
            self._apply_retention(partition)
        log = self.partitions[partition]
        # the end is allowed: it is the offset of the next event, where a reader that has caught up
        # waits
        if offset is not None and log.start <= offset <= log.end:
            return offset
        # None: the group is new here, which is not the same as an offset that is gone
        policy = self.start if offset is None else self.out_of_range
        if policy == "error":
            raise OffsetOutOfRange(partition, offset or 0, log.start, log.end)
        return log.start if policy == "earliest" else log.end

    def check_commit(self, partition: int, offset: int) -> int:
        """Return an `offset` to be committed in `partition` as Python's own int.

        Raises OffsetOutOfRange after the log's end: the group would have a negative lag, and would
        miss the events that come. An offset that retention has dropped may be committed, since the
        group has handled what was before it.
        """
        offset = check.whole("offset", offset)
        log = self.partitions[check.whole("partition", partition, high=self.partition_count - 1)]
        if offset > log.end:
            raise OffsetOutOfRange(partition, offset, log.start, log.end)
        return offset

    def log_start(self, partition: int) -> int:
        """Return the oldest offset that retention has left."""
        with self.changed:
            return self._log(partition).start

    def end(self, partition: int) -> int:
        """Return the offset that the next event will get."""
        with self.changed:
            return self._log(partition).end

    # What operators call.

    def get_latest_offset(self, partition: int | None = None) -> dict[int, int]:
        """Return the offset that the next event will get, by partition."""
        return {p: self.partitions[p].end for p in self._chosen(partition)}

    def compact(self, *, tombstone_retention: float = 86400.0) -> int:
        """Drop each event whose key has a newer one in its partition; return how many.

        A tombstone (`data` is None) says that its key is deleted: it takes the place of all earlier
        events of the key, and is itself dropped once it is older than `tombstone_retention` seconds
        (24 h, as Kafka's `delete.retention.ms`), so that each reader has had the time to see it.

        Raises RuntimeError, and drops nothing, if an event store is built on this stream.
        """
        tombstone_retention = check.number("tombstone_retention", tombstone_retention, low=0)
        with self.changed:
            if self._kept_for:
                raise RuntimeError(
                    f"{self.name} must keep every event: {self._kept_for} computes states from them"
                )
            old = self.runtime.now - tombstone_retention
            gone = [log.superseded(old) for log in self.partitions]
            self._drop(gone)
            count = sum(map(len, gone))
            self.emit("compacted", self.name, count, "", None)
            return count

    def _drop(self, gone: list[set[int]]) -> None:
        """Drop these offsets of each partition."""
        for log, offsets in zip(self.partitions, gone, strict=True):
            log.drop(offsets)

    def keep_every_event(self, owner: str) -> None:
        """Refuse compaction from now on, since `owner` needs every event."""
        check.instance("owner", owner, str)
        self._kept_for = owner

    # What a trace needs.

    def listen(self, listener: Listener, *, existing: bool = False) -> None:
        """Call `listener(record)` under the lock for each record from now on, with `existing` first
        for each event that is there already.

        A listener that fails with one of those is not added, and this raises its exception. One
        that fails later is logged and passed over.
        """
        check.function("listener", listener)
        check.instance("existing", existing, bool)
        with self.changed:
            for event in (
                # in the order of appending, as the listener would have heard them; each partition
                # is in order already
                heapq.merge(*self.partitions, key=attrgetter("appended_at")) if existing else ()
            ):
                listener(
                    pack_record(
                        (
                            event.appended_at or 0.0,
                            "appended",
                            self.name,
                            event.sequence_number,
                            event.event_id,
                            "",
                            0,
                            "",
                            0,
                            event.partition,
                        )
                    )
                )
            self._listeners.add(listener)
            self.observed = True

    def census(self) -> dict[str, int]:
        """Return no counts: a trace checks places that messages move between, and events are never
        moved.
        """
        return {}

    def emit(
        self,
        event: str,
        source: str,
        entry: int,
        message_id: str,
        detail: Any,
        *,
        worker: str | None = None,
    ) -> None:
        """Send a record to all listeners; the caller holds the lock. `source` is the stream, or
        "stream/group" for what a group does.

        `worker` is the member that acts, where that is not the running task.
        """
        if self.observed:
            now, task = self.runtime.stamp()
            self._listeners.tell(
                pack_record(
                    (now, event, source, entry, message_id, "", 0, worker or task, 0, detail)
                )
            )

    def _chosen(self, partition: int | None) -> list[int]:
        partition = check.whole(
            "partition", partition, high=self.partition_count - 1, optional=True
        )
        return list(range(self.partition_count)) if partition is None else [partition]

    def _log(self, partition: int) -> PartitionLog:
        """Return the partition, after dropping what retention no longer keeps. The caller holds the
        lock.
        """
        partition = check.whole("partition", partition, high=self.partition_count - 1)
        if self._has_retention:
            self._apply_retention(partition)
        return self.partitions[partition]

    def _apply_retention(self, partition: int) -> None:
        log = self.partitions[partition]
        before = (
            None if self.retention_seconds is None else self.runtime.now - self.retention_seconds
        )
        if log.cut(before, self.retention_events):
            self.emit("deleted", self.name, log.start, "", partition)
