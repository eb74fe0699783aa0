"""Events as records of Kafka, and back.

The key is the event's key in UTF-8, the value its data as JSON (none for a tombstone), and the rest
travels in headers. Partition and offset are the record's own.
"""

from __future__ import annotations

import json
from typing import Any

from mqlearn.runtime import check
from mqlearn.streaming.event import StreamEvent
from mqlearn.streaming.partitioner import cached_partition

TEXTS = ("stream_id", "event_id", "event_type", "partition_key")


def encode(event: StreamEvent, topic: str, partitions: int) -> dict[str, Any]:
    """Return an event as the arguments of a producer. Raises TypeError for data that JSON cannot
    hold.
    """
    check.instance("event", event, StreamEvent)
    event.validate()
    headers = {name: _bytes(getattr(event, name)) for name in TEXTS}
    if event.timestamp is not None:
        headers["timestamp"] = repr(float(event.timestamp)).encode()
    record: dict[str, Any] = {
        "topic": topic,
        "key": _bytes(event.key),
        "headers": list(headers.items()),
    }
    if not event.key:
        # Kafka spreads records without a key over all partitions; ours has one, which is empty
        record["partition"] = cached_partition("", partitions)
    return {**record, "value": None if event.data is None else _json(event.data)}


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _json(data: dict[str, Any]) -> bytes:
    try:
        text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(
            f"data must be what JSON can hold, got {check.short_repr(data)}: {error}"
        ) from error
    back = json.loads(text)
    if back != data:
        raise TypeError(
            f"data must come back from JSON as it is, got {check.short_repr(data)}, which comes "
            f"back as {check.short_repr(back)}"
        )
    return text.encode("ascii")


def decode(record: Any) -> StreamEvent:
    """Return the event that a record holds. Raises ValueError for what another program wrote."""
    headers = dict(record.headers() or ())
    try:
        texts = {name: headers[name].decode("utf-8", "surrogatepass") for name in TEXTS}
        event = StreamEvent(**texts)
        event.data = json.loads(record.value() or "null")
        event.appended_at = record.timestamp()[1] / 1000  # Kafka keeps milliseconds
        known = headers.get("timestamp")
        event.timestamp = event.appended_at if known is None else float(known)
        event.partition, event.sequence_number = record.partition(), record.offset()
        event.validate()
    except (KeyError, ValueError, TypeError) as error:
        raise ValueError(
            f"record must be an event of this course, got offset {record.offset()} of partition "
            f"{record.partition()}: {error!r}"
        ) from error
    return event
