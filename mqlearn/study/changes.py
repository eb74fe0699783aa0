"""What happens to the orders of a shop on one day, or to the flights of an airport: planned, before
anybody writes.
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
LAST = DAY - HOUR / 2  # what is to happen later is of another day
# The states of an order, then those of a flight, each in the order in which they are passed.
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
# hours after the one before
NEXT: Final = (("packed", 1.0, 3.0), ("shipped", 0.5, 2.0), ("delivered", 3.0, 9.0))


@dataclass(frozen=True)
class Change:
    """What is to happen to `key` at `time` (s since midnight), as the `number`th thing: then it is
    in `state`.
    """

    key: str
    number: int
    time: float
    state: str
    event_type: str
    data: dict[str, Any]

    @property
    def id(self) -> str:
        """What names it, such as "order-17/2"."""
        return f"{self.key}/{self.number}"


def a_day_of_orders(times: Iterable[float], draw: Callable[..., float]) -> list[Change]:
    """An order at each of `times` (s after 6:00), with all that happens to it until 23:30; one in
    ten is cancelled.

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
    """What happened to each flight of `day`, until 23:30; one that left early was never due. See
    `flight_events`.
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
    """An order or a flight after `event`; one that was published again under the same id changes
    nothing.
    """
    if event.event_id == state.get("last"):
        return state
    version = {
        "status": event.data["status"],
        "version": state.get("version", 0) + 1,
        "last": event.event_id,
    }
    return evolve_order(state, event) | version


def clock(time: float) -> str:
    """A time of day, in seconds since midnight, as people write it: 14:05."""
    hours, minutes = divmod(round(time / 60), 60)
    return f"{hours:02d}:{minutes:02d}"
