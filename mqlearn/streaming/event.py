"""The event of a stream: a fact, with a key that says which thing it is about."""

from __future__ import annotations

import copy
import uuid
from dataclasses import dataclass, field
from typing import Any

from mqlearn.runtime import check

TOMBSTONE = "tombstone"  # the type of an event without data
SCALARS = (str, int, float, bool, type(None))


@dataclass(slots=True)
class StreamEvent:
    """A fact: something that happened. It is never changed once it is appended, so all readers get
    the same object.

    An event of the type "tombstone" has no data (None): what its key names is deleted. `data`
    is passed by reference; a real broker would serialise it. `timestamp` (s) is the time
    when it happened, given by the producer; by default the time of appending. Events with the same
    `partition_key` keep their order; without a key, `stream_id` is the key. The stream sets
    `sequence_number` (the offset in the partition), `partition`, and `appended_at` (s, on its own
    clock).

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

    @classmethod
    def tombstone(cls, stream_id: str, partition_key: str) -> StreamEvent:
        """Return an event that says that what `partition_key` names is deleted: its `data` is None.

        Compaction drops all earlier events of the key, and later the tombstone too. Source: Apache
        Kafka, where a tombstone is a record with a null value.
        """
        event = cls(stream_id, event_type=TOMBSTONE, partition_key=partition_key)
        event.data = None  # type: ignore[assignment] # all other events have data
        return event

    def validate(self) -> None:
        """Raise TypeError or ValueError if a field is not what it must be."""
        # Called at each append, so the usual case is one comparison. Only other events go through
        # the slower checks below, which name the field that is wrong.
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
        check.instance("data", self.data, dict, optional=self.event_type == TOMBSTONE)
        self.timestamp = check.number("timestamp", self.timestamp, optional=True)
        self.appended_at = check.number("appended_at", self.appended_at, optional=True)
        self.sequence_number = check.whole("sequence_number", self.sequence_number)
        self.partition = check.whole("partition", self.partition)

    @property
    def key(self) -> str:
        """The key that decides the partition: `partition_key`, or `stream_id` if that is empty."""
        return self.partition_key or self.stream_id

    def copy(self) -> StreamEvent:
        """Return the same event as another object; the two share the data."""
        twin = object.__new__(type(self))
        # without the checks of `__init__`, since this event has passed them
        twin.stream_id, twin.event_id = self.stream_id, self.event_id
        twin.event_type, twin.data = self.event_type, self.data
        twin.timestamp, twin.appended_at = self.timestamp, self.appended_at
        twin.sequence_number, twin.partition = self.sequence_number, self.partition
        twin.partition_key = self.partition_key
        return twin

    def private_copy(self) -> StreamEvent:
        """Return the same event as another object with data of its own, which its holder may
        change.
        """
        twin = self.copy()
        twin.data = copy_data(self.data)
        return twin


def copy_data(value: Any) -> Any:
    """Return a deep copy; much faster than `copy.deepcopy` for what JSON can hold."""
    if type(value) is dict:
        return {key: copy_data(part) for key, part in value.items()}
    if type(value) is list:
        return [copy_data(part) for part in value]
    return value if type(value) in SCALARS else copy.deepcopy(value)
