"""A consumer group: whose offsets are whose."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mqlearn.streaming.stream import EventStream


class ConsumerGroup:
    """Remembers for each partition the next offset to read (`committed`)."""

    def __init__(self, stream: EventStream, name: str) -> None:
        self.stream, self.name = stream, name
        self.committed: dict[int, int] = {}

    def commit(self, partition: int, offset: int, *, member: str | None = None, generation: int | None = None) -> bool:
        """Keep `offset` as the next to read in `partition`; False if that was not the caller's to say."""
        with self.stream.changed:
            self.committed[partition] = offset
            self.stream.emit("committed", f"{self.stream.name}/{self.name}", offset, "", partition)
            return True
