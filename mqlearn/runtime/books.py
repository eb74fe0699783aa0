"""The books of queues: the number of entries in each place, added up from records and compared with
what the queues count. Of replicated logs the number of entries in each replica.

`moves` has the kinds of record that move an entry: the places that one may take an entry from
(`sources`), and the place it moves the entry `to` (None: the record's `detail` names it).
events.py defines them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mqlearn.runtime.events import HELD, REPLICA

PLACES = ("waiting", "delayed", "in flight", "dead")


class UnbalancedBooks(RuntimeError):
    """Raised when a queue holds more or fewer entries than its records say."""


@dataclass(frozen=True, slots=True)
class Balance:
    """The balance of one queue, or of several: every field is a number of entries.

    accepted = completed + dead + purged + dropped + discarded + waiting + delayed + in_flight;
    redriven, rejected and deduplicated are counted separately.
    """

    accepted: int
    completed: int
    dead: int
    purged: int
    dropped: int
    discarded: int
    waiting: int
    delayed: int
    in_flight: int
    redriven: int
    rejected: int
    deduplicated: int


def balance(
    records: Iterable[Any], census: Mapping[str, Mapping[str, int]], moves: Mapping[str, Any]
) -> Balance:
    """Return the balance of the queues in `census`, which has the number of entries in each place
    by the name of the queue.

    The census of a replicated log has the number of entries in each replica instead, which is no
    part of the balance, but compared as well.

    Raises UnbalancedBooks if an entry moved from a place it was not in, or the sum of the records
    differs from the census.
    """
    replicas = {name: _replicas(counted) for name, counted in census.items()}
    held: Counter[tuple[str, str]] = Counter()
    entries: dict[str, dict[int, str]] = {name: {} for name in census}
    events: Counter[str] = Counter()
    for record in records:
        where = entries.get(record.source)
        if where is None:
            continue
        event = record.event
        events[event] += 1
        if event in HELD and record.worker in replicas[record.source]:
            held[record.source, record.worker] += _change(record)
        kind = moves.get(event)
        if kind is None:
            continue
        # an entry without an earlier record must begin with a kind whose source is "new"
        was = where.get(record.entry, "new")
        if was not in kind.sources:
            raise UnbalancedBooks(
                f"{record.message_id} ({record.source}, entry {record.entry}) was {was} when it "
                f"was {event} at {record.time:g} s"
            )
        where[record.entry] = kind.to or record.detail
    places: Counter[str] = Counter()
    for name, counted in census.items():
        folded = Counter(entries[name].values())
        for place in PLACES:
            if folded[place] != counted.get(place, 0):
                raise UnbalancedBooks(
                    f"{name} holds {counted.get(place, 0)} entries {place}, its records say "
                    f"{folded[place]}"
                )
        for replica in replicas[name]:
            if held[name, replica] != counted[replica]:
                raise UnbalancedBooks(
                    f"{replica} of {name} holds {counted[replica]} entries, its records say "
                    f"{held[name, replica]}"
                )
        places.update(folded)
    return Balance(
        accepted=sum(events[event] for event in ("sent", "scheduled", "existing", "repeated")),
        completed=places["completed"],
        dead=places["dead"],
        purged=places["purged"],
        dropped=places["dropped"],
        discarded=places["discarded"],
        waiting=places["waiting"],
        delayed=places["delayed"],
        in_flight=places["in flight"],
        redriven=events["redriven"],
        rejected=events["rejected"],
        deduplicated=events["deduplicated"],
    )


def bring_forward(
    census: Mapping[str, Counter[str]],
    counted_at: Mapping[str, int],
    records: list[Any],
    moves: Mapping[str, Any],
) -> None:
    """Add to the census of each queue the moves in `records` after the number of records at which
    it was counted.
    """
    first = min(counted_at.values(), default=0)
    for number, record in enumerate(records[first:], first):
        if (
            record.event in HELD
            and number >= counted_at.get(record.source, len(records))
            and record.worker in _replicas(census[record.source])
        ):
            census[record.source][record.worker] += _change(record)
        kind = moves.get(record.event)
        if kind is None or number < counted_at.get(record.source, len(records)):
            continue
        places = census[record.source]
        # a kind with several sources names in `detail` the one it was
        places[kind.sources[0] if len(kind.sources) == 1 else record.detail] -= 1
        places[kind.to or record.detail] += 1


def _replicas(counted: Mapping[str, int]) -> set[str]:
    """Return the names of the replicas in a census; a queue has none."""
    return {name for name in counted if name.startswith(REPLICA)}


def _change(record: Any) -> int:
    """Return how many entries more its replica holds after this record."""
    many: int = 1 if record.event == "appended" else record.detail
    return HELD[record.event] * many
