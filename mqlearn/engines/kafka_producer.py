"""A producer of Kafka that waits until the broker has confirmed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from confluent_kafka import KafkaError, Producer

from mqlearn.engines import adapter
from mqlearn.engines.kafka_client import KafkaGone, translate
from mqlearn.runtime.base import Runtime

# A confirm waits for all replicas that are in sync. How many there must be is the topic's
# min.insync.replicas: 1 by default, 2 of 3 in production. The broker drops what the producer itself
# sends twice. The partition of a key is that of the Java client, and of `mqlearn.partition_for`.
SETTINGS = {
    "acks": "all",
    "enable.idempotence": True,
    "partitioner": "murmur2_random",
    "message.max.bytes": 1_048_588,
    "message.timeout.ms": int(
        adapter.PATIENCE * 1000
    ),  # it sends again itself while the broker is gone
}


class KafkaProducer:
    """A producer that puts up to `batch` records into one batch, and for that waits up to `linger`
    seconds (s) for others. Many threads may use it.
    """

    def __init__(
        self, settings: dict[str, Any], runtime: Runtime, *, batch: int, linger: float = 0.0
    ) -> None:
        mine = {"batch.num.messages": batch, "linger.ms": linger * 1000}
        self._settings = {**settings, **SETTINGS, **mine}
        self._lock, self._runtime = runtime.lock(), runtime
        self._client = Producer(self._settings)

    def send(self, records: Sequence[dict[str, Any]]) -> list[Any]:
        """Send records, and return them as confirmed: each has its partition and its offset.

        Raises KafkaGone if the broker does not confirm within 60 seconds, EngineError if it
        refuses.
        """
        deadline = self._runtime.now + adapter.PATIENCE
        with self._lock:
            client = self._client
        confirmed: list[Any] = [None] * len(records)
        failed: list[KafkaError] = []
        left = [len(records)]

        def note(number: int, error: KafkaError | None, record: Any) -> None:
            with self._lock:  # any thread that polls may be told
                confirmed[number] = record
                left[0] -= 1
                if error is not None:
                    failed.append(error)

        for number, record in enumerate(records):
            while True:
                try:
                    client.produce(**record, on_delivery=partial(note, number))
                    break
                except BufferError:  # 100,000 are under way
                    client.poll(0.05)
        while left[0]:
            if self._runtime.now > deadline:
                raise KafkaGone("no confirm has come")
            client.poll(0.05)
        if failed:
            self._replace(client, failed[0])
            raise translate(failed[0])
        return confirmed

    def _replace(self, client: Producer, error: KafkaError) -> None:
        """Make another producer after a fatal error, which ends a producer for good."""
        with self._lock:
            if (error.fatal() or error.code() == KafkaError._FATAL) and self._client is client:
                self._client = Producer(self._settings)

    def close(self) -> None:
        """Give up what is not confirmed; a `send` that waits for it fails."""
        self._client.purge()
        self._client.flush(1.0)
