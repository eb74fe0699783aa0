"""A view of a stream for one question, which can be thrown away and made again."""

from __future__ import annotations

import copy
import heapq
from collections.abc import Callable
from typing import Any

from mqlearn.runtime import check
from mqlearn.streaming.event import StreamEvent
from mqlearn.streaming.stream import EventStream


class Projection:
    """Folds a stream into `state`, and keeps its own `offsets` beside it: the next to read in each
    partition.

    `evolve(state, event)` returns the next state, and has no effect on the world: it is called
    again for each event at each rebuild. Mails are sent by a group of their own
    (`stream.read("mailer")`), which a rebuild does not touch. Events are folded in the order in
    which the stream took them; those it took at the same time in two partitions, partition by
    partition. `folded` counts them.

    `saved` is what `save()` returned, of a projection with the same `evolve`: it goes on from
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
        """Fold what is new, up to what was appended at the time `until` (s) if given; returns how
        many events.

        Raises OffsetOutOfRange where retention has dropped what it has not read.
        """
        check.number("until", until, optional=True)
        before = self.folded
        for event in heapq.merge(*map(self._new, self.offsets), key=_appended):
            if until is not None and _appended(event) > until:
                break
            self.state = self.evolve(self.state, event)
            self.offsets[event.partition] = event.sequence_number + 1
            self.folded += 1
        return self.folded - before

    def rebuilt(self, evolve: Callable[[Any, StreamEvent], Any] | None = None) -> Projection:
        """A new projection from the first event on, by this or another `evolve`; this one answers
        meanwhile.
        """
        check.function("evolve", evolve, optional=True)
        twin = Projection(self.stream, self.evolve if evolve is None else evolve, self.initial)
        twin.catch_up()
        return twin

    def save(self) -> dict[str, Any]:
        """State and offsets together, as one snapshot: either without the other counts events twice
        or not at all.
        """
        return {"state": copy.deepcopy(self.state), "offsets": dict(self.offsets)}

    def _new(self, partition: int) -> list[StreamEvent]:
        end = self.stream.end(partition)
        return self.stream.fetch(
            partition, self.offsets[partition], max(end - self.offsets[partition], 1)
        )


def _appended(event: StreamEvent) -> float:
    return event.appended_at or 0.0
