"""The changes of one day to a shop's orders or to an airport's flights, as a plan: the simulation
writes each of them when its time comes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from mqlearn.runtime import check
from mqlearn.streaming.event import StreamEvent
from mqlearn.streaming.event_store import Order, evolve_order
from mqlearn.study.flights import flight_events

DAY, HOUR = 86_400.0, 3600.0  # seconds
OPENS, OPEN = 6 * HOUR, 16 * HOUR  # when the shop opens, and for how long orders come
LAST = DAY - HOUR / 2  # changes that would happen later are left out
# The states of an order, then those of a flight, in the order of a usual day.
STATES: Final = (
    "pending",
    "paid",
    "packed",
    "shipped",
    "delivered",
    "due",
    "in the air",
    "arrived",
    "diverted",
    "cancelled",
)
FINAL: Final = ("delivered", "arrived", "diverted", "cancelled")
FLIGHT: Final = {
    "flight_due": "due",
    "flight_departed": "in the air",
    "flight_arrived": "arrived",
    "flight_cancelled": "cancelled",
    "flight_diverted": "diverted",
}
# Each state, with the fewest and the most hours that it comes after the state before.
NEXT: Final = (("packed", 1.0, 3.0), ("shipped", 0.5, 2.0), ("delivered", 3.0, 9.0))


@dataclass(frozen=True)
class Change:
    """A change that will happen to the order or flight `key` at `time` (s since midnight).

    It is change number `number` of that key, counted from 1. `state` is the state after it;
    `event_type` and `data` are those of the event that reports it.
    """

    key: str
    number: int
    time: float
    state: str
    event_type: str
    data: dict[str, Any]

    @property
    def id(self) -> str:
        """The id of the change: key and number, such as "order-17/2"."""
        return f"{self.key}/{self.number}"


def a_day_of_orders(times: Iterable[float], draw: Callable[..., float]) -> list[Change]:
    """Return the changes of the orders that come at `times` (s after 6:00), one order at each time.
    One order in ten is cancelled; changes after 23:30 are left out.

    `draw(purpose, *key)` gives numbers in [0, 1), as `runtime.draw` does.
    """
    check.function("draw", draw)
    return [
        change
        for number, time in enumerate(times, 1)
        for change in _order(f"order-{number}", OPENS + time, draw)
        if change.time <= LAST
    ]


def _order(key: str, time: float, draw: Callable[..., float]) -> Iterator[Change]:
    amount = round(10 + 90 * draw("amount", key), 2)
    yield Change(
        key,
        1,
        time,
        "pending",
        "order_created",
        {
            "order_id": key,
            "customer_id": f"customer of {key}",
            "amount": amount,
            "status": "pending",
        },
    )
    # the customer pays, or cancels, 10 to 60 minutes after the order
    time += 600 + 3000 * draw("pays", key)
    if draw("cancels", key) < 0.1:
        yield Change(
            key,
            2,
            time,
            "cancelled",
            "order_status_updated",
            {"order_id": key, "status": "cancelled"},
        )
        return
    yield Change(
        key,
        2,
        time,
        "paid",
        "payment_added",
        {"order_id": key, "payment_method": "card", "amount": amount, "status": "paid"},
    )
    for number, (state, least, most) in enumerate(NEXT, 3):
        time += HOUR * (least + (most - least) * draw(state, key))
        yield Change(
            key, number, time, state, "order_status_updated", {"order_id": key, "status": state}
        )


@lru_cache
def a_day_of_flights(day: str) -> tuple[Change, ...]:
    """Return the changes of each flight of `day`, up to 23:30 (see `flight_events`).

    A flight that left before its scheduled time has no change to "due": it would go back from "in
    the air".
    """
    by_flight: dict[str, list[StreamEvent]] = {}
    for event in flight_events(day):
        before = by_flight.setdefault(event.key, [])
        if not (before and event.event_type == "flight_due"):
            before.append(event)
    return tuple(
        Change(
            key,
            number,
            event.timestamp or 0.0,
            FLIGHT[event.event_type],
            event.event_type,
            event.data | {"status": FLIGHT[event.event_type]},
        )
        for key, events in by_flight.items()
        for number, event in enumerate(events, 1)
        if (event.timestamp or 0.0) <= LAST
    )


def evolve(state: Order, event: StreamEvent) -> Order:
    """Return the state of an order or a flight after `event`. An event with the same id as the last
    one changes nothing, because it was published twice.
    """
    if event.event_id == state.get("last"):
        return state
    if event.data is None:  # a tombstone: the order or the flight is gone
        return {}
    version = {
        "status": event.data["status"],
        "version": state.get("version", 0) + 1,
        "last": event.event_id,
    }
    return evolve_order(state, event) | version


def clock(time: float) -> str:
    """Return a time of day, in seconds since midnight, as a text: 14:05."""
    hours, minutes = divmod(round(time / 60), 60)
    return f"{hours:02d}:{minutes:02d}"
