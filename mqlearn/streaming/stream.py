"""The log this course is about: partitions that keep what was read, and groups that remember how
far they are.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from operator import attrgetter
from typing import Any

from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.threads import default_runtime
from mqlearn.runtime.trace import Listener, Record, Trace, pack_record
from mqlearn.streaming.event import StreamEvent
from mqlearn.streaming.group import ConsumerGroup
from mqlearn.streaming.log import OffsetOutOfRange, PartitionLog
from mqlearn.streaming.partitioner import partition_for, place


class EventStream:
    """An append-only log in `partition_count` partitions. Reading removes nothing: each group has
    offsets of its own.

    An event goes to the partition of its key; order holds within a partition and not across. What
    is older than `retention_seconds` (s), or is followed by `retention_events` others in its
    partition, is dropped when anybody next appends or looks, whoever has read it or not. A new
    group starts at the "earliest" or "latest" (`start`); one whose offset is no longer in the log
    goes on by `out_of_range`: at the "earliest", the "latest", or an "error". `changed` is notified
    with each append, `arrived[partition]` with each to that partition, so that a reader of one need
    not be woken for all; their lock is the stream's, and is held while no event is handed out.

    Source: Apache Kafka (topic, partition, offset, consumer group, `auto.offset.reset`). Kafka
    drops whole segments, looks every five minutes, and starts new groups at the latest.
    """

    def __init__(
        self,
        stream_name: str,
        partition_count: int = 4,
        *,
        retention_seconds: float | None = None,
        retention_events: int | None = None,
        start: str = "earliest",
        out_of_range: str = "earliest",
        runtime: Runtime | None = None,
        trace: Trace | None = None,
    ) -> None:
        check.instance("stream_name", stream_name, str)
        check.whole("partition_count", partition_count, low=1)
        check.number("retention_seconds", retention_seconds, above=0, optional=True)
        check.whole("retention_events", retention_events, low=1, optional=True)
        check.one_of("start", start, ("earliest", "latest"))
        check.one_of("out_of_range", out_of_range, ("earliest", "latest", "error"))
        check.instance("runtime", runtime, Runtime, optional=True)
        check.instance("trace", trace, Trace, optional=True)
        self.stream_name = self.name = stream_name
        self.partition_count = partition_count
        self.retention_seconds, self.retention_events = retention_seconds, retention_events
        self.start, self.out_of_range = start, out_of_range
        self.runtime = default_runtime() if runtime is None else runtime
        self.trace = trace
        self.partitions = [PartitionLog() for _ in range(partition_count)]
        self.groups: dict[str, ConsumerGroup] = {}
        self._forgets = retention_seconds is not None or retention_events is not None
        self._lock = lock = self.runtime.lock()
        self.changed = self.runtime.condition(lock)
        self.arrived = [self.runtime.condition(lock) for _ in range(partition_count)]
        self._listeners: list[Listener] = []
        if trace is not None:
            trace.watch(self, self.runtime.at_close)

    # What producers call.

    def append(self, event: StreamEvent) -> bool:
        """Keep a copy of `event` at the end of its partition. Always True: a log has no limit, it
        forgets.

        The caller's object is told where that was: its `partition` and `sequence_number` are set.
        """
        if not isinstance(event, StreamEvent):
            check.instance("event", event, StreamEvent)
        event.validate()
        partition = place(event.partition_key or event.stream_id, self.partition_count)
        stored = event.copy()
        with self._lock:
            stored.partition, stored.appended_at = partition, self.runtime.now
            if stored.timestamp is None:
                stored.timestamp = stored.appended_at
            self.partitions[partition].append(stored)
            event.partition, event.sequence_number = partition, stored.sequence_number
            if self._listeners:
                self.emit("appended", self.name, stored.sequence_number, stored.event_id, partition)
            if self._forgets:
                self._forget(partition)
            self.changed.notify_all()
            self.arrived[partition].notify_all()
            return True

    # What readers call.

    def read(
        self, consumer_group: str, from_offset: int = 0, partition: int | None = None
    ) -> Iterator[StreamEvent]:
        """The events that `consumer_group` has not read, partition by partition, up to the end as
        it is on arrival.

        It starts at what the group has committed, or at `from_offset` if that is later. An event is
        committed when the next one is asked for, or the loop ends by itself; breaking off reads the
        last one again. While the group has members, these own its offsets, and this reader commits
        nothing.

        Raises OffsetOutOfRange where retention has overtaken the group and `out_of_range` is
        "error".
        """
        check.instance("consumer_group", consumer_group, str)
        check.whole("from_offset", from_offset)
        return self._read(self.group(consumer_group), from_offset, self._chosen(partition))

    def _read(
        self, group: ConsumerGroup, from_offset: int, partitions: list[int]
    ) -> Iterator[StreamEvent]:
        for partition in partitions:
            end, position, done = self.end(partition), group.committed.get(partition), None
            while position != end or done is not None:
                event = self._next(group, partition, position, done, from_offset, end)
                if event is None:
                    break
                yield event
                position = done = event.sequence_number + 1

    def _next(
        self,
        group: ConsumerGroup,
        partition: int,
        position: int | None,
        done: int | None,
        from_offset: int,
        end: int,
    ) -> StreamEvent | None:
        """Commit what is `done`, if anything, and take the next event from `position` on."""
        with self._lock:
            if done is not None:
                group.keep(partition, done)
            if position == end:
                return None
            offset = self._resolve(partition, position)
            # kept, or a reader of the latest would miss what comes before it looks again
            if offset != position:
                if position is not None:
                    self.emit("reset", group.source, position, "", partition)
                group.keep(partition, offset)
            event = self.partitions[partition].first(
                offset if offset > from_offset else from_offset
            )
            if event is None or event.sequence_number >= end:
                return None
            if self._listeners:
                self.emit("read", group.source, event.sequence_number, event.event_id, partition)
            return event

    def history(
        self, partition: int | None = None, *, key: str | None = None
    ) -> Iterator[StreamEvent]:
        """All events that are left, of one `partition` or `key` or of all, partition by partition;
        touches no group.
        """
        check.instance("key", key, str, optional=True)
        chosen = self._chosen(partition)
        if key is not None:
            chosen = [p for p in chosen if p == partition_for(key, self.partition_count)]
        with self.changed:
            logs = [list(self._log(p)) for p in chosen]
        return (event for log in logs for event in log if key is None or event.key == key)

    def fetch(self, partition: int, offset: int, n: int = 1) -> list[StreamEvent]:
        """At most `n` events of `partition` from `offset` on; none at its end. Touches no group.

        Raises OffsetOutOfRange for an `offset` before the log's start or after its end.
        """
        check.whole("offset", offset)
        check.whole("n", n, low=1)
        with self.changed:
            log = self._log(partition)
            if not log.start <= offset <= log.end:
                raise OffsetOutOfRange(partition, offset, log.start, log.end)
            return log.fetch(offset, n)

    def resolve(self, partition: int, offset: int | None) -> int:
        """Where a group goes on that wants `offset` (None: it is new): there, or where the stream's
        policy says.

        Raises OffsetOutOfRange if the policy is "error".
        """
        check.whole("offset", offset, optional=True)
        check.whole("partition", partition, high=self.partition_count - 1)
        with self._lock:
            return self._resolve(partition, offset)

    def _resolve(self, partition: int, offset: int | None) -> int:
        if self._forgets:
            self._forget(partition)
        log = self.partitions[partition]
        if offset is not None and log.start <= offset <= log.end:
            return offset
        policy = self.start if offset is None else self.out_of_range
        if policy == "error":
            raise OffsetOutOfRange(partition, offset or 0, log.start, log.end)
        return log.start if policy == "earliest" else log.end

    def log_start(self, partition: int) -> int:
        """The oldest offset that retention has left."""
        with self.changed:
            return self._log(partition).start

    def end(self, partition: int) -> int:
        """The offset that the next event will get."""
        with self.changed:
            return self._log(partition).end

    # What groups do.

    def group(self, name: str, **options: Any) -> ConsumerGroup:
        """The group called `name`, made when first asked for, with the `options` of
        `ConsumerGroup`.
        """
        check.instance("name", name, str)
        with self.changed:
            if name not in self.groups:
                self.groups[name] = ConsumerGroup(self, name, **options)
            elif options:
                raise ValueError(
                    f"name must be new where options are given, got {name!r}, which exists"
                )
            return self.groups[name]

    def commit_offset(
        self,
        consumer_group: str,
        partition: int,
        offset: int,
        *,
        member: str | None = None,
        generation: int | None = None,
    ) -> bool:
        """Keep `offset` as the next that the group reads in `partition`.

        False for a `generation` that is over, for what is not the `member`'s, and without one while
        the group has any.
        """
        check.instance("consumer_group", consumer_group, str)
        check.whole("partition", partition, high=self.partition_count - 1)
        check.whole("offset", offset)
        return self.group(consumer_group).commit(
            partition, offset, member=member, generation=generation
        )

    def seek(self, consumer_group: str, partition: int, offset: int) -> bool:
        """Let the group go on at `offset`, back or forth; False while it has live members.

        Raises OffsetOutOfRange for an `offset` that is not in the log: a seek is deliberate, no
        policy mends it.
        """
        check.instance("consumer_group", consumer_group, str)
        self.fetch(partition, offset)
        return self.commit_offset(consumer_group, partition, offset)

    def lag(self, consumer_group: str) -> dict[int, int]:
        """How many offsets each partition's end is ahead of what the group has committed."""
        check.instance("consumer_group", consumer_group, str)
        with self.changed:
            committed = (
                self.groups[consumer_group].committed if consumer_group in self.groups else {}
            )
            return {
                p: log.end - (committed[p] if p in committed else self._resolve(p, None))
                for p, log in enumerate(self.partitions)
            }

    # What operators call.

    def get_latest_offset(self, partition: int | None = None) -> dict[int, int]:
        """The offset that the next event will get, by partition."""
        return {p: self.partitions[p].end for p in self._chosen(partition)}

    def get_stream_info(self) -> dict[str, Any]:
        """What the stream holds now, and what each group has committed."""
        with self.changed:
            sizes = [len(self._log(p)) for p in range(self.partition_count)]
            return {
                "stream_name": self.stream_name,
                "partition_count": self.partition_count,
                "total_events": sum(sizes),
                "partition_sizes": sizes,
                "consumer_groups": {
                    name: dict(group.committed) for name, group in self.groups.items()
                },
            }

    def compact(self) -> int:
        """Drop each event whose key has a newer one in its partition; returns how many."""
        with self.changed:
            gone = sum(log.compact() for log in self.partitions)
            self.emit("compacted", self.name, gone, "", None)
            return gone

    def listen(self, listener: Listener, *, existing: bool = False) -> None:
        """Call `listener(record)` under the lock for all that happens from now on (`existing`: and
        what is there).
        """
        check.function("listener", listener)
        check.instance("existing", existing, bool)
        with self.changed:
            for event in (
                heapq.merge(*self.partitions, key=attrgetter("appended_at")) if existing else ()
            ):
                listener(
                    Record(
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
            self._listeners.append(listener)

    def census(self) -> dict[str, int]:
        """Nothing: events in a log are in no place that they leave."""
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
        """Tell all listeners; `source` is the stream, or "stream/group" for what a group does.
        Under the lock.

        `worker` is the member that does it, where that is not the task that runs.
        """
        if self._listeners:
            now, task = self.runtime.stamp()
            for listener in self._listeners:
                listener(
                    pack_record(
                        (now, event, source, entry, message_id, "", 0, worker or task, 0, detail)
                    )
                )

    def _chosen(self, partition: int | None) -> list[int]:
        check.whole("partition", partition, high=self.partition_count - 1, optional=True)
        return list(range(self.partition_count)) if partition is None else [partition]

    def _log(self, partition: int) -> PartitionLog:
        """The partition, without what retention drops by now. Under the lock."""
        check.whole("partition", partition, high=self.partition_count - 1)
        if self._forgets:
            self._forget(partition)
        return self.partitions[partition]

    def _forget(self, partition: int) -> None:
        log = self.partitions[partition]
        before = (
            None if self.retention_seconds is None else self.runtime.now - self.retention_seconds
        )
        if log.cut(before, self.retention_events):
            self.emit("deleted", self.name, log.start, "", partition)
