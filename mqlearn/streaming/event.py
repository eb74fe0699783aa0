"""What is appended to a stream: a fact, with a key that says whose it is."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from mqlearn.runtime import check


@dataclass(slots=True)
class StreamEvent:
    """Something that happened. It is never changed afterwards, so all readers are handed the same
    object.

    `data` is passed by reference; a real broker would serialise it. `timestamp` (s) is when it
    happened, as the producer says; without it, when the stream took it. `partition_key` says which
    events must keep their order among each other; without it, `stream_id` does. The stream fills in
    `sequence_number`, the offset in its partition, `partition`, and `appended_at`, when it took the
    event (s, on its own clock).

    Raises TypeError or ValueError for a field of the wrong kind.
    """

    stream_id: str
    event_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    event_type: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    timestamp: float | None = None
    sequence_number: int = 0
    partition_key: str = ""
    partition: int = field(default=0, compare=False)
    appended_at: float | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        self.validate()

    def validate(self) -> None:
        """Raise TypeError or ValueError if a field is not what it must be."""
        # Asked at each append: what is right nearly always is seen at a glance, and only the rest
        # is looked at.
        if (
            type(self.stream_id)
            is type(self.event_id)
            is type(self.event_type)
            is type(self.partition_key)
            is str
            and type(self.data) is dict
            and self.timestamp is self.appended_at is None
            and type(self.sequence_number) is type(self.partition) is int
            and self.sequence_number >= 0 <= self.partition
        ):
            return
        for name in ("stream_id", "event_id", "event_type", "partition_key"):
            check.instance(name, getattr(self, name), str)
        check.instance("data", self.data, dict)
        check.number("timestamp", self.timestamp, optional=True)
        check.number("appended_at", self.appended_at, optional=True)
        check.whole("sequence_number", self.sequence_number)
        check.whole("partition", self.partition)

    @property
    def key(self) -> str:
        """What decides its partition: `partition_key`, or `stream_id` where there is none."""
        return self.partition_key or self.stream_id

    def copy(self) -> StreamEvent:
        """The same event as another object."""
        twin = object.__new__(type(self))
        twin.stream_id, twin.event_id, twin.event_type = (
            self.stream_id,
            self.event_id,
            self.event_type,
        )
        twin.data, twin.timestamp, twin.sequence_number = (
            self.data,
            self.timestamp,
            self.sequence_number,
        )
        twin.partition_key, twin.partition, twin.appended_at = (
            self.partition_key,
            self.partition,
            self.appended_at,
        )
        return twin
