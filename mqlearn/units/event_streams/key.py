"""Exercise 08.1: the key that spreads a day of flights over four partitions and keeps what belongs
together.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass
from typing import Any

from mqlearn.streaming.partitioner import partition_for
from mqlearn.study.arrivals import DAYS, flight_file
from mqlearn.study.exercise import Answer, Mistake, call_answer, no_function
from mqlearn.study.verdict import Verdict, not_yet, passed

PARTITIONS = 4
LARGEST = 0.30  # share of the events


@dataclass(frozen=True)
class FlightEvent:
    """A flight "scheduled", "departed", "arrived" or "cancelled"; `tail` is its aircraft, None if
    none was assigned.
    """

    kind: str
    time: float
    carrier: str
    flight: int
    tail: str | None
    origin: str
    destination: str


def day_of(day: str) -> list[FlightEvent]:
    """The events of one of the two days, in the order of their time; a cancellation has that of the
    timetable.
    """
    events = []
    with flight_file(day).open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            told = [
                ("scheduled", "scheduled_departure"),
                ("departed", "departure"),
                ("arrived", "arrival"),
            ]
            told += [("cancelled", "scheduled_departure")] if row["cancelled"] == "1" else []
            events += [
                FlightEvent(
                    kind,
                    float(row[column]),
                    row["carrier"],
                    int(row["flight"]),
                    row["tail"] or None,
                    row["origin"],
                    row["destination"],
                )
                for kind, column in told
                if row[column]
            ]
    return sorted(events, key=lambda event: event.time)


def check_key(key: Callable[[FlightEvent], str]) -> Verdict:
    """Whether `key(event)` spreads both days over four partitions and keeps together what belongs
    together.

    No partition may have more than 30 % of a day's events, every event must have a key, which is a
    text, and all events of one aircraft, or all of one flight (carrier and number), must be in one
    partition.
    """
    if not callable(key):
        return no_function(key)
    for day in DAYS:
        for fault in mistakes(key, day):
            return not_yet(f"{day}: {fault.said}", hint=fault.hint)
    largest = max(max(Counter(places(key, day)).values()) / len(day_of(day)) for day in DAYS)
    return passed(
        f"two days, {sum(len(day_of(day)) for day in DAYS):,} events: the largest of "
        f"{PARTITIONS} partitions "
        f"has {100 * largest:.0f} %, and what belongs together is in one"
    )


def places(key: Callable[[FlightEvent], str], day: str) -> list[int]:
    """The partition of each event of the day."""
    return [partition_for(key(event), PARTITIONS) for event in day_of(day)]


def mistakes(key: Callable[..., Any], day: str) -> Iterator[Mistake]:
    """What is wrong with the keys of this day."""
    events = day_of(day)
    homes: list[int] = []
    keys = set()
    for event in events:
        answer = call_answer(key, copy(event))  # nobody can spoil what is compared below
        if answer.error is not None or type(answer.value) is not str or not answer.value:
            yield Mistake(
                f"{_named(event)} needs a key that is a text, {answer}", _no_text(event, answer)
            )
            return
        homes.append(partition_for(answer.value, PARTITIONS))
        keys.add(answer.value)
    if len(keys) == 1:
        yield Mistake(
            f"all {len(events):,} events have one key and one partition: {answer} each time",
            "which field has many values, none of them big?",
        )
        return
    of_aircraft = _apart(events, homes, lambda e: e.tail or (e.carrier, e.flight))
    if apart := of_aircraft and _apart(events, homes, lambda e: (e.carrier, e.flight)):
        one, p, other, q = apart
        yield Mistake(
            f"{_named(one)} is in partition {p}, {_named(other)} in {q}: a reader may see "
            "them in any order",
            "the key must be the same for all events of a flight, or of an aircraft",
        )
    partition, count = Counter(homes).most_common(1)[0]
    if count > LARGEST * len(events):
        yield Mistake(
            f"partition {partition} has {100 * count / len(events):.2f} % of "
            f"{len(events):,} events, so that "
            f"{PARTITIONS} readers are {len(events) / count:.2f} times as fast as one",
            "few keys collide, and big ones weigh: which field has many values, none of them big?",
        )


Apart = tuple[FlightEvent, int, FlightEvent, int]


def _apart(
    events: list[FlightEvent], homes: list[int], of: Callable[[FlightEvent], Any]
) -> Apart | None:
    """Two events that belong together and are in two partitions."""
    first: dict[Any, tuple[FlightEvent, int]] = {}
    for event, home in zip(events, homes, strict=True):
        one, place = first.setdefault(of(event), (event, home))
        if place != home:
            return one, place, event, home
    return None


def _no_text(event: FlightEvent, answer: Answer) -> str:
    if answer.error is not None:
        return (
            "an event has kind, time, carrier, flight, tail, origin and destination; key takes one "
            "event"
        )
    if answer.value is not None and answer.value != "":
        return "str(…) makes a text of it"
    if event.tail is None:
        return "some flights have no aircraft yet, which is None; what else tells them apart?"
    return "does your function return something, whichever way it takes?"


def _named(event: FlightEvent) -> str:
    return f"{event.carrier} {event.flight} {event.kind}"
