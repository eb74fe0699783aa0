"""The events of a topic in their partitions, without consumer groups: append, look up, delete."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from confluent_kafka import TopicPartition

from mqlearn.engines.adapter import PATIENCE, PAUSE, PREFIX
from mqlearn.engines.errors import EngineError
from mqlearn.engines.features import supports
from mqlearn.engines.kafka_client import (
    ANSWER,
    FOREVER,
    LARGEST,
    KafkaAdmin,
    KafkaGone,
    client_settings,
    translated,
)
from mqlearn.engines.kafka_producer import KafkaProducer
from mqlearn.engines.kafka_reader import CHUNK, KafkaReader
from mqlearn.engines.kafka_records import encode
from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.closing import Closing
from mqlearn.runtime.handed_in import Listeners
from mqlearn.runtime.threads import ThreadRuntime, default_runtime
from mqlearn.runtime.trace import Listener, Trace, pack_record
from mqlearn.streaming.event import StreamEvent
from mqlearn.streaming.partition_log import OffsetOutOfRange
from mqlearn.streaming.partitioner import partition_for

STARTS = ("earliest", "latest", "error")
ISOLATION = ("read_committed", "read_uncommitted")
MANY = 10_000  # records of one batch

T = TypeVar("T")


class KafkaLog(Closing):
    """The part of a `KafkaStream` that its consumer groups build on: a topic with
    `partition_count` partitions. `KafkaStream` explains the options.
    """

    engine = "kafka"

    def __init__(
        self,
        url: str,
        name: str,
        partition_count: int,
        *,
        start: str,
        isolation: str,
        trace: Trace | None,
        runtime: ThreadRuntime | None,
    ) -> None:
        check.instance("url", url, str)
        check.instance("name", name, str)
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,60}", name):
            raise ValueError(
                f"name must be 1 to 60 letters, digits, - and _, got {check.short_repr(name)}"
            )
        self.partition_count = check.whole("partition_count", partition_count, low=1)
        check.one_of("start", start, STARTS)
        check.one_of("isolation", isolation, ISOLATION)
        check.instance("trace", trace, Trace, optional=True)
        check.instance("runtime", runtime, ThreadRuntime, optional=True)
        self.url, self.name, self.stream_name = url, name, name
        self.stored_as = PREFIX + name  # the topic
        self.start, self.isolation, self.trace = start, isolation, trace
        self.runtime: Runtime = default_runtime() if runtime is None else runtime
        self.closed = False
        self._lock = self.runtime.lock()
        self._listeners = Listeners()
        self._settings = client_settings(url)
        try:
            self._connect()
        except KafkaGone as error:
            raise EngineError(
                f"kafka does not answer: url must be that of a server that runs, got "
                f"{check.short_repr(url)}: {error}"
            ) from error
        if trace is not None:
            try:
                trace.watch(self, self.runtime.at_close)
            except BaseException:
                self.close()
                raise

    @property
    def features(self) -> dict[str, str]:
        """Each feature of an engine, and whether it is "native", "emulated" or "unsupported"."""
        return supports("kafka_log")

    # The connection.

    def _connect(self) -> None:
        self._admin = KafkaAdmin(self.url)
        self._admin.check_answers()
        topic = self.stored_as
        if not self._admin.create_topic(topic, self.partition_count, {"retention.ms": FOREVER}):
            known = self._admin.partitions(topic)
            if known != self.partition_count:
                raise EngineError(
                    f"partition_count must be {known}, as the stream {self.name} on kafka has it, "
                    f"got {self.partition_count}"
                )
        settings = {**self._settings, "isolation.level": self.isolation}
        self._reader = KafkaReader(settings, self._admin, topic, self.runtime)
        self._producer = KafkaProducer(self._settings, self.runtime, batch=MANY)

    def insist(self, call: Callable[..., T], *told: Any) -> T:
        """Return `call(*told)`, made again while the broker is gone, for up to 60 seconds."""
        deadline = self.runtime.now + PATIENCE
        while True:
            self._check_open()
            try:
                return call(*told)
            except KafkaGone as error:
                if self.runtime.now >= deadline:
                    raise EngineError(
                        f"kafka at {self.url} has not answered for {PATIENCE:g} s: {error}"
                    ) from error
            self.runtime.sleep(PAUSE)

    def _check_open(self) -> None:
        if self.closed:
            raise EngineError(f"the stream {self.name} on kafka is closed")

    def close(self) -> None:
        """Close every connection; the events stay."""
        if not self.closed:
            self.closed = True
            self._reader.close()
            self._producer.close()

    def delete(self) -> None:
        """Delete the topic with all its events, and close."""
        self.insist(self._admin.delete_topics, self.stored_as)
        self.close()

    # What producers call.

    def append(self, event: StreamEvent) -> bool:
        """Append an event to the partition of its key, and return True once the broker has
        confirmed it. Sets `partition`, `sequence_number` and, if it is None, `timestamp` of the
        caller's object.

        Raises TypeError for data that JSON cannot hold, ValueError for an event that is too large.
        """
        return self.append_many([event]) == 1

    def append_many(self, events: Sequence[StreamEvent]) -> int:
        """Append events, many to a round trip, and return how many once the broker has confirmed
        all. All are checked before the first is sent. Of one partition they keep their order.
        """
        records = [self._record(event) for event in events]
        confirmed = self.insist(self._producer.send, records)
        for event, record in zip(events, confirmed, strict=True):
            event.partition, event.sequence_number = record.partition(), record.offset()
            if event.timestamp is None:
                event.timestamp = record.timestamp()[1] / 1000
            self.emit("appended", self.name, record.offset(), event.event_id, record.partition())
        return len(events)

    def _record(self, event: StreamEvent) -> dict[str, Any]:
        record = encode(event, self.stored_as, self.partition_count)
        size = len(record["value"] or b"") + len(record["key"])
        size += sum(len(name) + len(value) for name, value in record["headers"])
        if size > LARGEST:
            raise ValueError(f"event must have at most {LARGEST:,} bytes on kafka, got {size:,}")
        return record

    # What readers call.

    def history(
        self, partition: int | None = None, *, key: str | None = None
    ) -> Iterator[StreamEvent]:
        """Yield all events that are left, partition by partition: of one `partition`, of one `key`,
        or of all. No group's offset changes.
        """
        check.instance("key", key, str, optional=True)
        chosen = self._chosen(partition)
        if key is not None:
            chosen = [p for p in chosen if p == partition_for(key, self.partition_count)]
        bounds = self._bounds()
        return (
            event
            for p in chosen
            for event in self._events(p, *bounds[p])
            if key is None or event.key == key
        )

    def _events(self, partition: int, offset: int, end: int) -> Iterator[StreamEvent]:
        """Yield the events of a partition from `offset` on and before `end`."""
        while found := self.insist(self._reader.look_up, partition, offset, end, CHUNK):
            yield from found
            offset = found[-1].sequence_number + 1

    def fetch(self, partition: int, offset: int, n: int = 1) -> list[StreamEvent]:
        """Return at most `n` events of `partition` from `offset` on; none at the end of the log. No
        group's offset changes.

        Raises OffsetOutOfRange for an `offset` before the log's start or after its end.
        """
        offset, n = check.whole("offset", offset), check.whole("n", n, low=1)
        (partition,) = self._chosen(check.whole("partition", partition))
        start, end = self._bounds()[partition]
        if not start <= offset <= end:
            raise OffsetOutOfRange(partition, offset, start, end)
        return self.insist(self._reader.look_up, partition, offset, end, n)

    def _bounds(self) -> list[tuple[int, int]]:
        return self.insist(self._reader.bounds, self.partition_count)

    def log_start(self, partition: int) -> int:
        """Return the oldest offset that is left."""
        (partition,) = self._chosen(check.whole("partition", partition))
        return self._bounds()[partition][0]

    def end(self, partition: int) -> int:
        """Return the offset that the next event will get."""
        (partition,) = self._chosen(check.whole("partition", partition))
        return self._bounds()[partition][1]

    # What operators call.

    def get_latest_offset(self, partition: int | None = None) -> dict[int, int]:
        """Return the offset that the next event will get, by partition."""
        bounds = self._bounds()
        return {p: bounds[p][1] for p in self._chosen(partition)}

    def delete_records(self, partition: int, offset: int) -> int:
        """Delete the events of a partition before `offset`, for all groups, and return the oldest
        offset that is left.

        Kafka does so by itself where a topic has a retention; it then looks every five minutes.
        """
        offset = check.whole("offset", offset)
        (partition,) = self._chosen(check.whole("partition", partition))
        start, end = self._bounds()[partition]
        if offset > end:
            raise OffsetOutOfRange(partition, offset, start, end)
        left = self.insist(self._delete_records, partition, offset)
        self.emit("deleted", self.name, left, "", partition)
        return left

    def _delete_records(self, partition: int, offset: int) -> int:
        asked = [TopicPartition(self.stored_as, partition, offset)]
        with translated():
            (future,) = self._admin.client.delete_records(asked).values()
            return int(future.result(ANSWER).low_watermark)

    def _chosen(self, partition: int | None) -> list[int]:
        partition = check.whole(
            "partition", partition, high=self.partition_count - 1, optional=True
        )
        return list(range(self.partition_count)) if partition is None else [partition]

    # What a trace needs.

    def listen(self, listener: Listener, *, existing: bool = False) -> None:
        """Call `listener(record)` for each record from now on, with `existing` first for each event
        that is there already.
        """
        check.function("listener", listener)
        check.instance("existing", existing, bool)
        fresh = Listeners()
        fresh.add(listener)
        for each in self.history() if existing else ():
            place = (each.sequence_number, each.event_id, each.partition)
            self._tell(fresh, each.appended_at or 0.0, "appended", self.name, *place)
        with self._lock:
            self._listeners.add(listener)

    def census(self) -> dict[str, int]:
        """Return no counts: events are never moved from one place to another."""
        return {}

    def emit(self, event: str, source: str, entry: int, message_id: str, detail: Any) -> None:
        """Send a record to all listeners; `source` is the stream, or "stream/group"."""
        if self._listeners:
            with self._lock:
                place = (entry, message_id, detail)
                self._tell(self._listeners, self.runtime.now, event, source, *place)

    def _tell(
        self, listeners: Listeners, time: float, event: str, source: str, *place: Any
    ) -> None:
        entry, message_id, detail = place
        _, worker = self.runtime.stamp()
        listeners.tell(
            pack_record((time, event, source, entry, message_id, "", 0, worker, 0, detail))
        )
