"""Exercise 10.2: an event of any year, read as if it had been written today."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from mqlearn.streaming.event import StreamEvent
from mqlearn.study.exercise import SEEDS, Mistake, call_answer, grade, short_repr
from mqlearn.study.verdict import Verdict

if TYPE_CHECKING:
    import pandas as pd

EVENTS = 20  # of one order's history
METHODS = ("card", "voucher", "transfer")


def check_upcast(upcast: Callable[[StreamEvent], StreamEvent]) -> Verdict:
    """Whether `upcast(event)` brings a payment of any year to version 3, and changes nothing else.

    The data of a "payment_added" has been written in three ways. Version 1 has an "amount" in whole
    dollars and no "schema_version"; it may lack the amount, which was then not known. Version 2 has
    "schema_version" 2 and "cents" instead, None if not known. Version 3 has "schema_version" 3, and
    a "currency" beside the cents; all that was written before is in "USD". Whatever else is in the
    data is kept. Events of version 3, and of other types, come back as they are. The event that
    goes in is the stored one, and must not change.

    In each of 100 seeds the 20 events of one order are brought to version 3; their fold must be
    that of the same history written today.
    """

    def count(version: int) -> int:
        return sum(
            old.data.get("schema_version", 1) == version
            for seed in SEEDS
            for old, _ in history_of(seed)
            if old.event_type == "payment_added"
        )

    return grade(
        mistakes,
        upcast,
        lambda: (
            f"{len(SEEDS)} histories, {count(1):,} events of version 1 and {count(2):,} of version "
            "2: "
            "each is read as "
            f"if it had been written today, and what is stored is as it was"
        ),
    )


def mistakes(upcast: Callable[..., Any], seed: int) -> Iterator[Mistake]:
    """The first event of this seed's history that is not read as it should be."""
    for fault in _faults(upcast, seed):
        yield Mistake(fault.said, fault.hint, partial(event_by_event, upcast, seed))


def event_by_event(upcast: Callable[..., Any], seed: int) -> pd.DataFrame:
    """What is replayed: the data of each event as they are stored, should be read, and are read."""
    import pandas as pd

    rows = []
    for old, new in history_of(seed):
        given = old.copy()
        given.data = copy.deepcopy(old.data)
        answer = call_answer(upcast, given)
        data = answer.value.data if isinstance(answer.value, StreamEvent) else None
        rows.append(
            [
                old.event_type,
                str(old.data),
                "the same" if new.data == old.data else str(new.data),
                "right" if data == new.data else str(answer) if data is None else str(data),
            ]
        )
    return pd.DataFrame(rows, columns=["event", "stored", "should be read as", "is read as"])


def _faults(upcast: Callable[..., Any], seed: int) -> Iterator[Mistake]:
    read = []
    for old, new in history_of(seed):
        given = old.copy()
        given.data = copy.deepcopy(old.data)
        answer = call_answer(upcast, given)
        what = f"{old.event_type} {short_repr(old.data)}"
        if (given.data, given.event_type, given.event_id) != (
            old.data,
            old.event_type,
            old.event_id,
        ):
            changed = (
                _difference(old.data, given.data)
                if given.data != old.data
                else "its id or type is another"
            )
            yield Mistake(
                f"{what}: the stored event was changed, {changed}",
                "work on copies: event.copy() has the same data, so that needs a copy of its own",
            )
            return
        if (
            answer.error is not None
            or not isinstance(answer.value, StreamEvent)
            or not isinstance(answer.value.data, dict)
        ):
            yield Mistake(
                f"{what}: expected a StreamEvent with a dict of data, {answer}",
                "return an event, today's or the same"
                if answer.error is None
                else "what does an event of this type and version have? data.get(name) is None "
                "where it is missing",
            )
            return
        found = answer.value
        if found.data != new.data:
            yield Mistake(
                f"{what}: {_difference(new.data, found.data)}", _hint(old, new, found.data)
            )
            return
        if (found.event_id, found.event_type, found.timestamp, found.partition_key) != (
            old.event_id,
            old.event_type,
            old.timestamp,
            old.partition_key,
        ):
            yield Mistake(
                f"{what}: the data are right, and the envelope is another: "
                f"{found.event_type!r}, "
                f"{found.event_id!r}",
                "event.copy() keeps id, type, time and key",
            )
            return
        read.append(found)
    if paid(read) != paid([new for _, new in history_of(seed)]):
        yield Mistake(
            "each event is right and their fold is not", "is anything shared between the events?"
        )


def _difference(new: dict[str, Any], found: Any) -> str:
    """The first field in which what was found is not as it should be."""
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
    """The fold: cents paid, and payments of which the amount is not known."""
    cents = [event.data["cents"] for event in events if event.event_type == "payment_added"]
    return sum(each for each in cents if each is not None), cents.count(None)


def history_of(seed: int) -> list[tuple[StreamEvent, StreamEvent]]:
    """This seed's events as they were written in their year, each with the same as it would be
    written today.
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
    if rng.random() < 0.3:
        common["till"] = {"shop": rng.choice(("north", "south")), "clerks": [rng.randint(1, 9)]}
    dollars = None if rng.random() < 0.15 else rng.randint(1, 90)
    cents = None if dollars is None else 100 * dollars
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
