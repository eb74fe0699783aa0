"""A projection: a state computed from a stream to answer one question; it can be deleted and
computed again.
"""

from __future__ import annotations

import copy
import heapq
from collections.abc import Callable
from typing import Any

from mqlearn.runtime import check
from mqlearn.streaming.event import StreamEvent
from mqlearn.streaming.result import check_answer
from mqlearn.streaming.stream import EventStream


class Projection:
    """Folds the events of a stream into `state`, and keeps its own `offsets` with it: the next to
    read in each partition.

    `evolve(state, event)` returns the next state. It must have no other effect, since a rebuild
    calls it again for each event: sending mail, for example, belongs into a consumer group
    (`stream.read("mailer")`), whose offsets a rebuild does not change. Events are folded in the
    order of appending; if events of two partitions have the same time, those of the lower partition
    come first. `folded` counts the events.

    `saved` is the result of `save()` of a projection with the same `evolve`; the new one continues
    from there. It may have been stored as JSON meanwhile. Raises ValueError or TypeError for
    offsets that do not belong to `stream`.
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
            raise ValueError(f"saved must be what save() returned, got {check.short_repr(saved)}")
        self.stream, self.evolve, self.initial = stream, evolve, copy.deepcopy(initial)
        start = (
            {"state": {} if initial is None else initial, "offsets": {}} if saved is None else saved
        )
        self.state: Any = copy.deepcopy(start["state"])
        self.offsets: dict[int, int] = dict.fromkeys(
            range(stream.partition_count), 0
        ) | _read_offsets(stream, start["offsets"])
        self.folded = 0

    def catch_up(self, until: float | None = None) -> int:
        """Fold the new events, with `until` only those appended up to that time (s); return how
        many.

        Raises OffsetOutOfRange if retention has dropped events that were not folded yet, and what
        `evolve` raises, or TypeError if that returned None or a coroutine: the projection stays
        before that event. So an `evolve` that changes the state it is given must do that last.
        """
        until = check.number("until", until, optional=True)
        before = self.folded
        # merged by time, since a stream keeps the order within a partition only
        for event in heapq.merge(*map(self._unread, self.offsets), key=_append_time):
            if until is not None and _append_time(event) > until:
                break
            state = self.evolve(self.state, event)
            check_answer("evolve", state)
            self.state = state
            # with each event, not at the end: if `evolve` raises, state and offsets still belong
            # together
            self.offsets[event.partition] = event.sequence_number + 1
            self.folded += 1
        return self.folded - before

    def rebuilt(self, evolve: Callable[[Any, StreamEvent], Any] | None = None) -> Projection:
        """Return a new projection, folded from the first event on with this or another `evolve`.
        The old one does not change, so it can answer questions meanwhile.
        """
        check.function("evolve", evolve, optional=True)
        twin = Projection(self.stream, self.evolve if evolve is None else evolve, self.initial)
        twin.catch_up()
        return twin

    def save(self) -> dict[str, Any]:
        """Return state and offsets together, as one snapshot. They must be of the same moment: a
        state with older offsets would fold events twice, with newer ones it would miss some.
        """
        return {"state": copy.deepcopy(self.state), "offsets": dict(self.offsets)}

    def _unread(self, partition: int) -> list[StreamEvent]:
        end = self.stream.end(partition)
        return self.stream.fetch(
            partition, self.offsets[partition], max(end - self.offsets[partition], 1)
        )


def _read_offsets(stream: EventStream, saved: Any) -> dict[int, int]:
    """Return saved offsets as whole numbers by partition: in JSON each key has become a text."""
    check.instance("saved['offsets']", saved, dict)
    offsets: dict[int, int] = {}
    for key, offset in saved.items():
        partition = check.whole(
            "each partition in saved",
            int(key) if isinstance(key, str) and key.isdecimal() else key,
            high=stream.partition_count - 1,
        )
        end = stream.end(partition)
        if partition in offsets:
            raise ValueError(f"saved must have each partition once, got {check.short_repr(saved)}")
        offsets[partition] = check.whole("each offset in saved", offset, high=end)
    return offsets


def _append_time(event: StreamEvent) -> float:
    return event.appended_at or 0.0
