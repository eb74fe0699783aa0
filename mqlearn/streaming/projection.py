"""A projection: a view of a stream for one question, which can be deleted and rebuilt."""

from __future__ import annotations

import copy
import heapq
from collections.abc import Callable
from typing import Any

from mqlearn.runtime import check
from mqlearn.streaming.event import StreamEvent
from mqlearn.streaming.stream import EventStream


class Projection:
    """Folds a stream into `state`, and stores its own `offsets` with it: the next to read in each
    partition.

    `evolve(state, event)` returns the next state. It must have no other effect, since a rebuild
    calls it again for each event: mails are sent by a consumer group (`stream.read("mailer")`),
    which a rebuild does not touch. Events are folded in the order of appending; events of two
    partitions that were appended at the same time, partition by partition. `folded` counts them.

    `saved` is what `save()` of a projection with the same `evolve` returned: this one goes on from
    there.
    """

    def __init__(
        self,
        stream: EventStream,
        evolve: Callable[[Any, StreamEvent], Any],
        initial: Any = None,
        *,
        saved: dict[str, Any] | None = None,
    ) -> None:
        check.instance("stream", stream, EventStream)
        check.function("evolve", evolve)
        check.instance("saved", saved, dict, optional=True)
        if saved is not None and set(saved) != {"state", "offsets"}:
            raise ValueError(f"saved must be what save() returned, got {saved!r}")
        self.stream, self.evolve, self.initial = stream, evolve, copy.deepcopy(initial)
        start = (
            {"state": {} if initial is None else initial, "offsets": {}} if saved is None else saved
        )
        self.state: Any = copy.deepcopy(start["state"])
        self.offsets: dict[int, int] = (
            dict.fromkeys(range(stream.partition_count), 0) | start["offsets"]
        )
        self.folded = 0

    def catch_up(self, until: float | None = None) -> int:
        """Fold the events that are new, up to those appended at the time `until` (s) if given;
        returns how many.

        Raises OffsetOutOfRange where retention has dropped events that it has not read.
        """
        check.number("until", until, optional=True)
        before = self.folded
        # the partitions are merged by time, since order between them is not kept in the stream
        for event in heapq.merge(*map(self._unread, self.offsets), key=_append_time):
            if until is not None and _append_time(event) > until:
                break
            self.state = self.evolve(self.state, event)
            self.offsets[event.partition] = event.sequence_number + 1
            self.folded += 1
        return self.folded - before

    def rebuilt(self, evolve: Callable[[Any, StreamEvent], Any] | None = None) -> Projection:
        """Return a new projection, folded from the first event on by this or another `evolve`. This
        one stays as it is, and can answer meanwhile.
        """
        check.function("evolve", evolve, optional=True)
        twin = Projection(self.stream, self.evolve if evolve is None else evolve, self.initial)
        twin.catch_up()
        return twin

    def save(self) -> dict[str, Any]:
        """Return state and offsets together, as one snapshot. A state with offsets of another time
        would count events twice, or miss some.
        """
        return {"state": copy.deepcopy(self.state), "offsets": dict(self.offsets)}

    def _unread(self, partition: int) -> list[StreamEvent]:
        end = self.stream.end(partition)
        return self.stream.fetch(
            partition, self.offsets[partition], max(end - self.offsets[partition], 1)
        )


def _append_time(event: StreamEvent) -> float:
    return event.appended_at or 0.0
