"""Upcasting: old events are converted to the newest version of their type when they are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from numbers import Integral
from typing import Any

from mqlearn.runtime import check
from mqlearn.streaming.event import StreamEvent
from mqlearn.streaming.result import check_answer

Step = Callable[[dict[str, Any]], dict[str, Any]]


def upcasting(steps: Mapping[tuple[str, int], Step]) -> Callable[[StreamEvent], StreamEvent]:
    """Return a function that converts an event to its newest version, one step after another.

    `steps[event_type, n]` converts the data of version n to that of version n + 1. The version is
    `data["schema_version"]`, or 1 without it, so a producer of version 2 or later must write it.
    The stored event stays as it is: a step gets a copy, and must return a dict. A version is the
    newest if no step starts from it.

    Source: Greg Young, Versioning in an Event Sourced System: if the old version cannot be
    converted to the new one, the new one is not a version but another event. Axon and Marten also
    convert on reading.
    """
    check.instance("steps", steps, Mapping)
    known: dict[tuple[str, int], Step] = {}
    for key, step in steps.items():
        if not (
            isinstance(key, tuple)
            and len(key) == 2
            and isinstance(key[0], str)
            and isinstance(key[1], Integral)
            and not isinstance(key[1], bool)
        ):
            raise TypeError(
                f"steps must be keyed by (event_type, version), got {check.short_repr(key)}"
            )
        check.function(f"steps[{check.short_repr(key)}]", step)
        known[key[0], int(key[1])] = step

    def upcast(event: StreamEvent) -> StreamEvent:
        check.instance("event", event, StreamEvent)
        if event.data is None:  # a tombstone has no version
            return event
        version = event.data.get("schema_version", 1)
        if (event.event_type, version) not in known:
            return event
        newest = event.private_copy()
        data = newest.data
        # version 1 to 2, 2 to 3, …: each step needs to know only its own two versions
        while (event.event_type, version) in known:
            data = known[event.event_type, version](data)
            check_answer(f"steps[{(event.event_type, version)!r}]", data, dict)
            version += 1
        newest.data = data | {"schema_version": version}
        return newest

    return upcast
