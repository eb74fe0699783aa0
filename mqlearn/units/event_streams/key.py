"""Exercise 08.1: a key that spreads a day of flights over four partitions and keeps together the
events that belong together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from copy import copy
from typing import Any, NamedTuple

from mqlearn.streaming.partitioner import partition_for
from mqlearn.study.arrivals import DAYS
from mqlearn.study.exercise import Answer, Exercise, Mistake, call_answer
from mqlearn.study.verdict import Verdict
from mqlearn.units.event_streams.flight_events import FlightEvent, day_of

PARTITIONS = 4
LARGEST = 0.30  # share of the events
LONGEST_KEY = 1000  # characters


class KeyedDay(NamedTuple):
    """The keys of a day's events, up to the first event whose key is no text, and the answer for
    the last event.
    """

    day: str
    keys: list[str]
    last: Answer

    @property
    def events(self) -> tuple[FlightEvent, ...]:
        """The events of the whole day."""
        return day_of(self.day)

    @property
    def partitions(self) -> list[int]:
        """The partition of each event that has a key."""
        return [partition_for(key, PARTITIONS) for key in self.keys]


class KeyExercise(Exercise[str, KeyedDay]):
    """The keys of two days of flights."""

    def cases(self) -> Iterable[str]:
        return DAYS

    def play(self, answer: Callable[..., Any], case: str) -> KeyedDay:
        keys: list[str] = []
        given = Answer()
        for event in day_of(case):
            # A copy: if the answer changes its event, the events that are compared stay the same.
            given = call_answer(answer, copy(event))
            # Hashing a text takes as long as it is, and each of 24,000 events has one.
            if type(given.value) is not str or not 0 < len(given.value) <= LONGEST_KEY:
                break
            keys.append(given.value)
        return KeyedDay(case, keys, given)

    def mistakes(self, world: KeyedDay) -> Iterator[Mistake]:
        for mistake in _mistakes_of_day(world):
            yield Mistake(f"{world.day}: {mistake.said}", mistake.hint)

    def summary(self, worlds: list[KeyedDay]) -> str:
        largest = max(max(Counter(day.partitions).values()) / len(day.events) for day in worlds)
        return (
            f"two days, {sum(len(day.events) for day in worlds):,} events: the largest of "
            f"{PARTITIONS} partitions has {100 * largest:.0f} %, and what belongs together is in "
            "one"
        )


def check_key(key: Callable[[FlightEvent], str]) -> Verdict:
    """Grade `key(event)`, which returns a text as the key of an event. The keys must spread both
    days over four partitions, and keep events together that belong together.

    No partition may have more than 30 % of a day's events. Every event must have a key. All events
    of one aircraft, or all events of one flight (carrier and number), must be in one partition.
    """
    return EXERCISE.grade(key)


EXERCISE = KeyExercise()


def _mistakes_of_day(world: KeyedDay) -> Iterator[Mistake]:
    events, keys, last = world.events, world.keys, world.last
    if len(keys) < len(events):
        event = events[len(keys)]
        yield Mistake(f"{_named(event)} needs a key that is a text, {last}", _no_text(event, last))
        return
    if len(set(keys)) == 1:
        yield Mistake(
            f"all {len(events):,} events have one key and one partition: {last} each time",
            "which field has many values, none of them big?",
        )
        return
    partitions = world.partitions
    # It is enough if either the aircraft or the flights are kept together.
    torn = _torn_apart(events, partitions, lambda e: e.tail or (e.carrier, e.flight))
    if torn := torn and _torn_apart(events, partitions, lambda e: (e.carrier, e.flight)):
        one, p, other, q = torn
        yield Mistake(
            f"{_named(one)} is in partition {p}, {_named(other)} in {q}: a reader may see "
            "them in any order",
            "the key must be the same for all events of a flight, or of an aircraft",
        )
    # The largest partition limits the speed of all readers together.
    partition, count = Counter(partitions).most_common(1)[0]
    if count > LARGEST * len(events):
        yield Mistake(
            f"partition {partition} has {100 * count / len(events):.2f} % of "
            f"{len(events):,} events, so that "
            f"{PARTITIONS} readers are {len(events) / count:.2f} times as fast as one",
            "few keys collide, and big ones weigh: which field has many values, none of them big?",
        )


Torn = tuple[FlightEvent, int, FlightEvent, int]


def _torn_apart(
    events: tuple[FlightEvent, ...], partitions: list[int], of: Callable[[FlightEvent], Any]
) -> Torn | None:
    """Return two events with the same `of(event)` in different partitions, each with its
    partition; None if there are none.
    """
    first: dict[Any, tuple[FlightEvent, int]] = {}
    for event, partition in zip(events, partitions, strict=True):
        one, place = first.setdefault(of(event), (event, partition))
        if place != partition:
            return one, place, event, partition
    return None


def _no_text(event: FlightEvent, answer: Answer) -> str:
    if answer.error is not None:
        return (
            "an event has kind, time, carrier, flight, tail, origin and destination; key takes one "
            "event"
        )
    if isinstance(answer.value, str) and answer.value:
        return f"a key has at most {LONGEST_KEY:,} characters"
    if answer.value is not None and not isinstance(answer.value, str):
        return "str(…) makes a text of it"
    if event.tail is None:
        return "some flights have no aircraft yet, which is None; what else tells them apart?"
    return "does your function return something, whichever way it takes?"


def _named(event: FlightEvent) -> str:
    return f"{event.carrier} {event.flight} {event.kind}"
