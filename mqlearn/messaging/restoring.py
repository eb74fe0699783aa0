"""The places of a queue after its simulation was interrupted: each entry is where its last record
says.

A KeyboardInterrupt can come between any two steps of a change: the entry has left one place and
not reached the next, or has reached it and is not recorded. A change that was recorded is then
completed, any other is undone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mqlearn.messaging.entries import Entry
from mqlearn.messaging.message import MessageStatus
from mqlearn.runtime.events import MOVES
from mqlearn.runtime.trace import Record

if TYPE_CHECKING:
    from mqlearn.messaging.transitions import QueueTransitions


def restore_places(queue: QueueTransitions) -> None:
    """Put every entry that the queue knows by number into the place of its last record.

    It may be called any number of times. A queue without a trace keeps its places as they are.
    """
    records = _records(queue)
    if records is None:
        queue._ready.length = queue._ready.count()
        return
    last: dict[int, Record] = {}
    for record in records:
        if record.source == queue.name and record.event in MOVES:
            last.pop(record.entry, None)  # so that the latest stands last
            last[record.entry] = record
    for place in (queue._ready, queue._delayed, queue._in_flight, queue._dead):
        place.clear()
    waiting: list[Entry] = []
    for number, record in last.items():
        entry = queue._entries.get(number)
        if entry is not None:
            _put(queue, entry, record, waiting)
    # one that was just about to join a line for the first time has no position yet: it is the last
    waiting.sort(key=lambda entry: (entry.position or float("inf"), entry.number))
    for position, entry in enumerate(waiting, 1):
        entry.position = position
        queue._ready.requeue(entry)


def _records(queue: QueueTransitions) -> Sequence[Record] | None:
    """The list in a trace that gets the records of this queue, or None if no trace watches it."""
    if queue.trace is not None:
        return queue.trace.records
    # `Trace.watch` was called from outside: a trace listens by the `append` of its list. A list of
    # the user may do so too, but has not heard of the entries that were there before.
    owners = [getattr(listener, "__self__", None) for listener in queue._listeners]
    return max((owner for owner in owners if type(owner) is list), key=len, default=None)


def _put(queue: QueueTransitions, entry: Entry, record: Record, waiting: list[Entry]) -> None:
    place = MOVES[record.event].to or record.detail
    message = entry.message
    if place == "waiting":
        waiting.append(entry)
    elif place == "delayed":
        delay = record.detail if isinstance(record.detail, int | float) else 0.0
        queue._delayed.add(record.time + delay, entry)
    elif place == "in flight":
        entry.receipt = record.receipt or entry.receipt
        queue._in_flight[entry.receipt] = entry
    elif place == "dead":
        message.status = MessageStatus.DEAD_LETTER
        reason = "expired" if record.event == "expired" else str(record.detail)
        message.headers.setdefault("dead_letter_reason", reason)
        message.headers.setdefault("dead_letter_timestamp", str(record.time))
        queue._dead[entry.number] = entry
