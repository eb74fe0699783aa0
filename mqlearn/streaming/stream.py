"""The log that this course is about: partitions that keep events after they were read, and consumer
groups that remember how far they have read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.trace import Trace
from mqlearn.streaming.event import StreamEvent
from mqlearn.streaming.event_log import EventLog
from mqlearn.streaming.group import ConsumerGroup


class EventStream(EventLog):
    """An append-only log in `partition_count` partitions. Reading removes nothing: each consumer
    group has its own offsets.

    An event goes to the partition of its key; the order is kept within a partition, but not between
    partitions. An event that is older than `retention_seconds` (s), or is followed by
    `retention_events` others in its partition, is dropped at the next append to this partition or
    look-up in it, whether or not it was read. A new group starts at the "earliest" or "latest"
    (`start`); one whose offset is no longer in the log continues as `out_of_range` says: at the
    "earliest", at the "latest", or with an "error". `changed` is notified with each append,
    `arrived[partition]` with each append to that partition; their lock is the stream's, and is not
    held while an event is handed out.

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
        self.groups: dict[str, ConsumerGroup] = {}
        super().__init__(
            stream_name,
            partition_count,
            retention_seconds=retention_seconds,
            retention_events=retention_events,
            start=start,
            out_of_range=out_of_range,
            runtime=runtime,
            trace=trace,
        )

    # What readers call.

    def read(
        self, consumer_group: str, from_offset: int = 0, partition: int | None = None
    ) -> Iterator[StreamEvent]:
        """Yield the events that `consumer_group` has not read, partition by partition, each up to
        its end at the time when the loop reached that partition.

        It starts at the group's committed offset, or at `from_offset` if that is later. An event is
        committed when the next one is asked for, or when the loop ends by itself; so after a
        `break` the last event is read again. While the group has members, only these may commit, so
        this reader commits nothing.

        Raises OffsetOutOfRange if retention has dropped the event at the group's offset and
        `out_of_range` is "error".
        """
        check.instance("consumer_group", consumer_group, str)
        from_offset = check.whole("from_offset", from_offset)
        return self._read(self.group(consumer_group), from_offset, self._chosen(partition))

    def _read(
        self, group: ConsumerGroup, from_offset: int, partitions: list[int]
    ) -> Iterator[StreamEvent]:
        for partition in partitions:
            end, position, finished = self.end(partition), group.committed.get(partition), None
            while position != end or finished is not None:
                event = self._next(group, partition, position, finished, from_offset, end)
                if event is None:
                    break
                yield event
                # reached only when the loop asks for another event, so this one has been handled
                position = finished = event.sequence_number + 1

    def _next(
        self,
        group: ConsumerGroup,
        partition: int,
        position: int | None,
        finished: int | None,
        from_offset: int,
        end: int,
    ) -> StreamEvent | None:
        """Commit `finished`, if there is one, and return the next event from `position` on."""
        # commit and look-up under one lock: with two, a reader would spend most of its time on
        # locks
        with self._lock:
            if finished is not None:
                group.commit_under_lock(partition, finished)
            if position == end:
                return None
            offset = self._resolve(partition, position)
            # committed at once: a group that starts at the latest would otherwise start again at a
            # later end, and miss the events appended in between
            if offset != position:
                if position is not None:
                    self.emit("reset", group.source, position, "", partition)
                group.commit_under_lock(partition, offset)
            event = self.partitions[partition].first(
                offset if offset > from_offset else from_offset
            )
            if event is None or event.sequence_number >= end:
                return None
            if self.observed:
                self.emit("read", group.source, event.sequence_number, event.event_id, partition)
            return event

    # What groups do.

    def group(self, name: str, **options: Any) -> ConsumerGroup:
        """Return the group called `name`, which is made at the first call, with the `options` of
        `ConsumerGroup`.
        """
        check.instance("name", name, str)
        with self.changed:
            if name not in self.groups:
                self.groups[name] = ConsumerGroup(self, name, **options)
            elif options:
                raise ValueError(
                    "name must be new where options are given, got "
                    f"{check.short_repr(name)}, which exists"
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
        """Store `offset` as the next that the group reads in `partition`.

        False for an old `generation`, for a partition that `member` does not own, and without a
        `member` while the group has members. Raises OffsetOutOfRange for an `offset` after the
        log's end.
        """
        check.instance("consumer_group", consumer_group, str)
        # before the group is made, if there is none yet
        partition = check.whole("partition", partition, high=self.partition_count - 1)
        check.instance("member", member, str, optional=True)
        generation = check.whole("generation", generation, optional=True)
        offset = self.check_commit(partition, offset)
        return self.group(consumer_group).commit(
            partition, offset, member=member, generation=generation
        )

    def seek(self, consumer_group: str, partition: int, offset: int) -> bool:
        """Let the group continue at `offset`, earlier or later; False while it has live members.

        Raises OffsetOutOfRange for an `offset` that is not in the log. The policy `out_of_range`
        does not apply here, since a caller that seeks has named the offset.
        """
        check.instance("consumer_group", consumer_group, str)
        # read only to raise OffsetOutOfRange before anything is committed
        self.fetch(partition, offset)
        return self.commit_offset(consumer_group, partition, offset)

    def lag(self, consumer_group: str) -> dict[int, int]:
        """Return the lag by partition: the number of offsets between the group's committed one and
        the end; 0 if it has read the last event that compaction has left.
        """
        check.instance("consumer_group", consumer_group, str)
        with self.changed:
            committed = (
                self.groups[consumer_group].committed if consumer_group in self.groups else {}
            )
            return {
                p: log.lag(committed[p] if p in committed else self._resolve(p, None))
                for p, log in enumerate(self.partitions)
            }

    # What operators call.

    def get_stream_info(self) -> dict[str, Any]:
        """Return the number of events in the stream and the committed offsets of each group."""
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
