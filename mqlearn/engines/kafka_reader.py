"""A reader of a topic that belongs to no group: it looks events up by their offsets."""

from __future__ import annotations

from typing import Any

from confluent_kafka import Consumer, IsolationLevel, KafkaError, TopicPartition
from confluent_kafka.admin import OffsetSpec

from mqlearn.engines.kafka_client import ANSWER, GONE, KafkaAdmin, KafkaGone, translate, translated
from mqlearn.engines.kafka_records import decode
from mqlearn.runtime.base import Runtime
from mqlearn.streaming.event import StreamEvent
from mqlearn.streaming.partition_log import OffsetOutOfRange

CHUNK = 500  # events of one look-up
GONE_OFFSET = (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE)


class KafkaReader:
    """Looks up events of `topic`, for one thread at a time."""

    def __init__(
        self, settings: dict[str, Any], admin: KafkaAdmin, topic: str, runtime: Runtime
    ) -> None:
        mine = {
            "group.id": topic,  # the client insists on one; nothing is committed to it
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "error",
            "fetch.wait.max.ms": 20,
        }
        self.topic, self._admin, self._runtime = topic, admin, runtime
        self._lock = runtime.lock()
        self._client = Consumer({**settings, **mine})
        self._at: tuple[int, int] | None = None  # the partition and the offset that it reads next

    def bounds(self, partitions: int) -> list[tuple[int, int]]:
        """Return the first offset that is left and the end, for each partition."""
        ends = []
        for spec in (OffsetSpec.earliest(), OffsetSpec.latest()):
            asked = {TopicPartition(self.topic, p): spec for p in range(partitions)}
            with translated():
                # the end of the log, not that of the last transaction that has ended
                found = self._admin.client.list_offsets(
                    asked, isolation_level=IsolationLevel.READ_UNCOMMITTED, request_timeout=ANSWER
                )
                ends.append({tp.partition: f.result(ANSWER).offset for tp, f in found.items()})
        return [(ends[0][p], ends[1][p]) for p in range(partitions)]

    def look_up(self, partition: int, offset: int, end: int, n: int) -> list[StreamEvent]:
        """Return at most `n` events of a partition from `offset` on and before `end`; there may be
        none, since the markers of transactions have offsets too.
        """
        found: list[StreamEvent] = []
        deadline, ended = self._runtime.now + ANSWER, False
        with self._lock, translated():
            if self._at != (partition, offset):
                self._client.assign([TopicPartition(self.topic, partition, offset)])
            self._at = None  # not known, if this ends with an error or at the end of the log
            while len(found) < n and offset < end and not ended:
                for record in self._client.consume(min(n - len(found), CHUNK), 0.05):
                    error = record.error()
                    if error is None:
                        offset = record.offset() + 1
                        found.append(decode(record))
                    elif error.code() == KafkaError._PARTITION_EOF:
                        ended = True
                    elif error.code() in GONE_OFFSET:
                        raise OffsetOutOfRange(partition, offset, *self.bounds(partition + 1)[-1])
                    elif error.code() not in GONE:
                        raise translate(error)
                    deadline = self._runtime.now + ANSWER
                if self._runtime.now > deadline:
                    raise KafkaGone(f"no answer for {ANSWER:g} s")
            if not ended:
                self._at = (partition, offset)
        return [event for event in found if event.sequence_number < end]

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._client.close()
