"""Exercise 10.2: upcasting, which reads an event of an old version as if it were written today."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from mqlearn.streaming.event import StreamEvent
from mqlearn.study.exercise import Answer, Exercise, Mistake, call_answer, short_repr
from mqlearn.study.verdict import Verdict

if TYPE_CHECKING:
    import pandas as pd

EVENTS = 20  # in one order's history
METHODS = ("card", "voucher", "transfer")


class Reading(NamedTuple):
    """One event as it is stored, the same event as it would be written today, and the answer.
    `read_as` is "right", or the text of what the answer returned instead.
    """

    stored: StreamEvent
    today: StreamEvent
    answer: Answer
    read_as: str
    mistake: Mistake | None


class UpcastExercise(Exercise[int, list[Reading]]):
    """The events of one order in several versions: each of them, and the fold of all, must be as if
    they had been written today.
    """

    def play(self, answer: Callable[..., Any], case: int) -> list[Reading]:
        # Each event is graded at once: a later call may change what an earlier call returned.
        return [_read(answer, stored, today) for stored, today in history_of(case)]

    def mistakes(self, world: list[Reading]) -> Iterator[Mistake]:
        mistake = next((each.mistake for each in world if each.mistake is not None), None)
        if mistake is None and not _folds_as_today(world):
            mistake = Mistake(
                "each event is right and their fold is not",
                "is anything shared between the events?",
            )
        if mistake is not None:
            yield Mistake(mistake.said, mistake.hint, partial(event_by_event, world))

    def summary(self, worlds: list[list[Reading]]) -> str:
        payments = [
            each.stored
            for world in worlds
            for each in world
            if each.stored.event_type == "payment_added"
        ]
        versions = [event.data.get("schema_version", 1) for event in payments]
        return (
            f"{len(worlds)} histories, {versions.count(1):,} events of version 1 and "
            f"{versions.count(2):,} of version 2: each is read as if it had been written today, "
            "and what is stored is as it was"
        )


def check_upcast(upcast: Callable[[StreamEvent], StreamEvent]) -> Verdict:
    """Grade `upcast(event)`, which brings a payment of any year to version 3 and changes nothing
    else.

    The data of a "payment_added" has been written in three ways. Version 1 has an "amount" in whole
    dollars and no "schema_version"; it may lack the amount, which was then not known. Version 2 has
    "schema_version" 2 and "cents" instead, None if not known. Version 3 has "schema_version" 3, and
    a "currency" beside the cents; all that was written before is in "USD". Whatever else is in the
    data is kept. Events of version 3, and of other types, come back as they are. The event that
    goes in is the stored one, and must not change.

    In each of 100 seeds the 20 events of one order are brought to version 3; their fold must be
    that of the same history written today.
    """
    return EXERCISE.grade(upcast)


EXERCISE = UpcastExercise()


def event_by_event(readings: list[Reading]) -> pd.DataFrame:
    """Return the table that a replay shows: the data of each event as they are stored, as they
    should be read, and as the answer read them.
    """
    import pandas as pd

    rows = [
        [
            each.stored.event_type,
            str(each.stored.data),
            "the same" if each.today.data == each.stored.data else str(each.today.data),
            each.read_as,
        ]
        for each in readings
    ]
    return pd.DataFrame(rows, columns=["event", "stored", "should be read as", "is read as"])


def _read(upcast: Callable[..., Any], stored: StreamEvent, today: StreamEvent) -> Reading:
    given = stored.copy()
    given.data = copy.deepcopy(stored.data)
    answer = call_answer(upcast, given)
    data = answer.value.data if isinstance(answer.value, StreamEvent) else None
    read_as = "right" if data == today.data else str(answer) if data is None else str(data)
    return Reading(stored, today, answer, read_as, _judge(stored, today, given, answer))


def _judge(
    stored: StreamEvent, today: StreamEvent, given: StreamEvent, answer: Answer
) -> Mistake | None:
    """Return the mistake of one answer, or None; `given` is the copy of the stored event that the
    answer got.
    """
    what = f"{stored.event_type} {short_repr(stored.data)}"
    if (given.data, given.event_type, given.event_id) != (
        stored.data,
        stored.event_type,
        stored.event_id,
    ):
        changed = (
            _difference(stored.data, given.data)
            if given.data != stored.data
            else "its id or type is another"
        )
        return Mistake(
            f"{what}: the stored event was changed, {changed}",
            "work on copies: event.copy() has the same data, so that needs a copy of its own",
        )
    read = answer.value
    if (
        answer.error is not None
        or not isinstance(read, StreamEvent)
        or not isinstance(read.data, dict)
    ):
        return Mistake(
            f"{what}: expected a StreamEvent with a dict of data, {answer}",
            "return an event, today's or the same"
            if answer.error is None
            else "what does an event of this type and version have? data.get(name) is None "
            "where it is missing",
        )
    if read.data != today.data:
        return Mistake(
            f"{what}: {_difference(today.data, read.data)}", _hint(stored, today, read.data)
        )
    if _envelope(read) != _envelope(stored):
        return Mistake(
            f"{what}: the data are right, and the envelope is another: {read.event_type!r}, "
            f"{read.event_id!r}",
            "event.copy() keeps id, type, time and key",
        )
    return None


def _envelope(event: StreamEvent) -> tuple[Any, ...]:
    return event.event_id, event.event_type, event.timestamp, event.partition_key


def _folds_as_today(readings: list[Reading]) -> bool:
    return paid([each.answer.value for each in readings]) == paid([each.today for each in readings])


def _difference(new: dict[str, Any], found: Any) -> str:
    """Return a text about the first field that differs."""
    if not isinstance(found, dict):
        return f"its data are {short_repr(found)}"
    for field in [*new, *found]:
        if field not in found:
            return f"{field!r} is missing"
        if field not in new:
            return f"{field!r} should not be there"
        if found[field] != new[field]:
            return (
                f"{field!r} should be {short_repr(new[field])}, and is {short_repr(found[field])}"
            )
    return "the data are not equal"


def _hint(old: StreamEvent, new: StreamEvent, found: Any) -> str:
    if old.event_type != "payment_added":
        return "an event of another type is none of this function's business"
    if not set(old.data) - {"amount"} <= set(found):
        return "fields that nobody here knows are somebody else's"
    if old.data.get("schema_version") == 3:
        return "what is at version 3 already must not be converted again"
    if new.data["cents"] is None and found.get("cents", 0) is not None:
        return "what was not known is not 0: a fold would count it as nothing paid"
    return "one step from 1 to 2, one from 2 to 3; an old event takes both"


def paid(events: list[StreamEvent]) -> tuple[int, int]:
    """Return the fold: the cents paid, and the number of payments whose amount is not known."""
    cents = [event.data["cents"] for event in events if event.event_type == "payment_added"]
    return sum(each for each in cents if each is not None), cents.count(None)


def history_of(seed: int) -> list[tuple[StreamEvent, StreamEvent]]:
    """Return this seed's events as they were written in their year, each with the same event as it
    would be written today.
    """
    rng = random.Random(f"payments {seed}")
    return [_event(rng, f"{seed}/{number}", number) for number in range(EVENTS)]


def _event(rng: random.Random, name: str, number: int) -> tuple[StreamEvent, StreamEvent]:
    kind = (
        "payment_added"
        if rng.random() < 0.8
        else rng.choice(("order_created", "order_status_updated"))
    )
    common: dict[str, Any] = {"order_id": "order-7", "method": rng.choice(METHODS)}
    # A field that no version mentions, with a dict and a list in it: both must be kept and copied.
    if rng.random() < 0.3:
        common["till"] = {"shop": rng.choice(("north", "south")), "clerks": [rng.randint(1, 9)]}
    dollars = None if rng.random() < 0.15 else rng.randint(1, 90)
    cents = None if dollars is None else 100 * dollars
    # Version 1 and 2 know no other currency than dollars.
    version = rng.randint(1, 3)
    currency = "USD" if version < 3 else rng.choice(("USD", "EUR"))
    now = common | {"schema_version": 3, "cents": cents, "currency": currency}
    if kind != "payment_added":
        old = now = common | {"amount": dollars}
    elif version == 1:
        old = common | ({} if dollars is None else {"amount": dollars})
    else:
        old = common | {"schema_version": 2, "cents": cents} if version == 2 else now
    written = StreamEvent(
        "orders", f"event-{name}", kind, old, float(number), partition_key="order-7"
    )
    today = written.copy()
    today.data = copy.deepcopy(now)
    return written, today
