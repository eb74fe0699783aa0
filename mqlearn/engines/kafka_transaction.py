"""Transactions on Kafka: several appends, and the offsets that were read for them, become visible
together or never.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from confluent_kafka import KafkaException, Producer, TopicPartition

from mqlearn.engines.errors import EngineError
from mqlearn.engines.kafka_client import translate
from mqlearn.engines.kafka_producer import SETTINGS
from mqlearn.runtime import check
from mqlearn.streaming.event import StreamEvent

WITHIN = 30.0  # seconds for one step of a transaction


class KafkaTransaction:
    """One transaction: `append` and `commit` here take effect when its block ends."""

    def __init__(self, stream: Any, producer: Producer) -> None:
        self._stream, self._producer = stream, producer
        self._appended: list[tuple[StreamEvent, Any]] = []

    def append(self, event: StreamEvent) -> None:
        """Append an event. Its `partition` and `sequence_number` are known when the block ends."""
        record = self._stream._record(event)

        def note(error: Any, confirmed: Any) -> None:
            if error is None:
                self._appended.append((event, confirmed))

        while True:
            try:
                self._producer.produce(**record, on_delivery=note)
                return
            except BufferError:  # 100,000 are under way
                self._producer.poll(0.05)

    def flush(self) -> None:
        """Wait until the broker has what was appended so far; until the end of the block only
        readers of what is not committed see it.
        """
        self._producer.flush(WITHIN)

    def commit(self, consumer: Any) -> None:
        """Commit what a consumer has polled as a part of this transaction: its events count as read
        if, and only if, the appends are seen.
        """
        topic = consumer.stream.stored_as
        offsets = [TopicPartition(topic, p, at) for p, at in consumer.polled.items()]
        if offsets:
            self._producer.send_offsets_to_transaction(offsets, consumer.metadata(), WITHIN)

    def tell(self) -> None:
        """Set where each event is, once all are committed."""
        for event, record in self._appended:
            event.partition, event.sequence_number = record.partition(), record.offset()
            if event.timestamp is None:
                event.timestamp = record.timestamp()[1] / 1000
            self._stream.emit(
                "appended", self._stream.name, record.offset(), event.event_id, record.partition()
            )


class KafkaTransactions:
    """The producers of a stream's transactions, one for each name: to start one takes a second."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._producers: dict[str, Producer] = {}

    @contextmanager
    def begin(self, name: str) -> Iterator[KafkaTransaction]:
        """Begin a transaction; commit it at the end of the block, abort it if the block raises."""
        try:
            producer = self._producer(name)
            producer.begin_transaction()
            transaction = KafkaTransaction(self._stream, producer)
            try:
                yield transaction
            except BaseException:
                producer.abort_transaction(WITHIN)
                raise
            producer.commit_transaction(WITHIN)
        except KafkaException as error:
            failed = error.args[0]
            self._producers.pop(name, None)  # a producer that has failed is replaced
            if failed.fatal():
                raise EngineError(
                    f"kafka has fenced the producer {check.short_repr(name)}: another one of this "
                    f"name is at work: {failed.str()}"
                ) from error
            raise translate(failed) from error
        transaction.tell()

    def _producer(self, name: str) -> Producer:
        if name not in self._producers:
            settings = {
                **self._stream._settings,
                **SETTINGS,
                "transactional.id": f"{self._stream.stored_as}.{name}",
                "message.timeout.ms": int(WITHIN * 1000),
                "transaction.timeout.ms": int(WITHIN * 1000),
            }
            producer = Producer(settings)
            producer.init_transactions(WITHIN)
            self._producers[name] = producer
        return self._producers[name]

    def close(self) -> None:
        """Close the producers; an open transaction is aborted by the broker in time."""
        for producer in self._producers.values():
            producer.purge()
            producer.flush(1.0)
        self._producers.clear()
