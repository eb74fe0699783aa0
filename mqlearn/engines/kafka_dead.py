"""The dead letters of a share group: a topic of its own, which the broker fills (KIP-1191)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from confluent_kafka import Consumer, KafkaError, TopicPartition

from mqlearn.engines.kafka_client import ANSWER, FOREVER, KafkaAdmin, translate, translated
from mqlearn.messaging.message import RETRIES_EXHAUSTED
from mqlearn.runtime.base import Runtime

# The two texts of the broker, and what the course calls them.
REASONS = {
    "Offset delivery count exceeded the threshold.": RETRIES_EXHAUSTED,
    "Offset rejected by client.": "rejected",
}
ARRIVES = 5.0  # seconds that a dead letter may take from the settling of its delivery
TOPIC_CONFIG = {"errors.deadletterqueue.group.enable": "true", "retention.ms": FOREVER}


class KafkaDeadLetters:
    """The dead letters in `topic`, whose name must begin with "dlq."."""

    def __init__(
        self, settings: dict[str, Any], admin: KafkaAdmin, topic: str, runtime: Runtime
    ) -> None:
        self.topic = topic
        self._settings, self._runtime = settings, runtime
        self._lock = runtime.lock()
        self._expected: set[int] = set()  # offsets of messages whose dead letter may be on its way
        admin.create_topic(topic, 1, TOPIC_CONFIG)

    def expect(self, offset: int) -> None:
        """Note that the message at this offset has become a dead letter. The broker writes it a
        moment later, for which the next look waits.
        """
        with self._lock:
            self._expected.add(offset)

    def count(self) -> int:
        """Return how many dead letters there are."""
        return len(self.read())

    def read(self) -> list[tuple[bytes, dict[str, str]]]:
        """Return the value and the reason of each dead letter, the oldest first."""
        with self._lock:
            expected = set(self._expected)
        letters, deadline = [], self._runtime.now + ARRIVES
        # a fetch that waits for more would hold up the question where the topic ends
        mine = {"group.id": self.topic, "enable.auto.commit": False, "fetch.wait.max.ms": 20}
        consumer = Consumer({**self._settings, **mine})
        try:
            partition = TopicPartition(self.topic, 0)
            with translated():
                start, _ = consumer.get_watermark_offsets(partition, timeout=ANSWER)
                consumer.assign([TopicPartition(self.topic, 0, start)])
                for record in self._records(consumer, partition, start, expected, deadline):
                    headers = {key: value.decode() for key, value in record.headers() or ()}
                    said = headers.get("__dlq.errors.message", "")
                    reason = {"dead_letter_reason": REASONS.get(said, said)}
                    letters.append((record.value() or b"", reason))
                    expected.discard(int(headers.get("__dlq.errors.offset", -1)))
        finally:
            consumer.close()
        with self._lock:
            self._expected.intersection_update(expected)
            if self._runtime.now >= deadline:
                self._expected.clear()  # not to wait for them again
        return letters

    def _records(
        self,
        consumer: Consumer,
        partition: TopicPartition,
        position: int,
        expected: set[int],
        deadline: float,
    ) -> Iterator[Any]:
        """Read to the end of the topic, and on as long as `expected` ones are missing."""
        while True:
            _, end = consumer.get_watermark_offsets(partition, timeout=ANSWER)
            if position >= end and (not expected or self._runtime.now >= deadline):
                return
            for record in consumer.consume(500, 0.05):
                error = record.error()
                if error is None:
                    position = record.offset() + 1
                    yield record
                elif error.code() != KafkaError._PARTITION_EOF:
                    raise translate(error)
