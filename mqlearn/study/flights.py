"""A flight day as events: a thousand flights, each with a short history, in the order of time."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from mqlearn.runtime import check
from mqlearn.streaming.event import StreamEvent
from mqlearn.study.arrivals import DAYS, flight_file

TYPES = ("flight_due", "flight_departed", "flight_arrived", "flight_cancelled", "flight_diverted")


def flight_events(day: str) -> list[StreamEvent]:
    """Return all events of `day`, one of `DAYS`, in the order of time; the key is the flight, such
    as "UA-1452".

    `timestamp` is in seconds since local midnight. A flight is due at its scheduled departure, and
    many flights leave some minutes earlier. Departure and arrival are at the gates. The recording
    has no time for a cancellation or a diversion: here a flight is cancelled when it is due, and
    diverted when it should have arrived, or when it left, if that was later. The data have
    "flight", "route" (such as "EWR-IAH") and "tail" (the aircraft; "" if unknown). Source: see
    notebooks/data/README.md.

    Raises ValueError for another day, FileNotFoundError where there is no notebooks/data/.
    """
    check.one_of("day", day, DAYS)
    with flight_file(day).open(encoding="utf-8", newline="") as lines:
        events = [event for row in csv.DictReader(lines) for event in _history(row)]
    # At one instant the events of a flight keep the order of TYPES: it is due before it departs.
    return sorted(events, key=lambda event: (event.timestamp or 0.0, TYPES.index(event.event_type)))


def _history(row: dict[str, str]) -> Iterator[StreamEvent]:
    flight = f"{row['carrier']}-{row['flight']}"
    data = {"flight": flight, "route": f"{row['origin']}-{row['destination']}", "tail": row["tail"]}

    def happened(event_type: str, time: float) -> StreamEvent:
        return StreamEvent(
            "flights", f"{flight}/{event_type}", event_type, dict(data), time, partition_key=flight
        )

    due = float(row["scheduled_departure"])
    yield happened("flight_due", due)
    if row["cancelled"] == "1":
        yield happened("flight_cancelled", due)
        return
    left = float(row["departure"])
    yield happened("flight_departed", left)
    if row["diverted"] == "1":
        yield happened("flight_diverted", max(left, float(row["scheduled_arrival"])))
    else:
        yield happened("flight_arrived", float(row["arrival"]))
