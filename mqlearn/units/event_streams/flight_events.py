"""The events of two recorded days of flights, for exercise 08.1, which gives each of them a key."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache

from mqlearn.study.arrivals import DAYS, flight_file


@dataclass(frozen=True)
class FlightEvent:
    """One event of a flight, of the kind "scheduled", "departed", "arrived" or "cancelled", at
    `time` (s since midnight). `tail` is the aircraft, None if none was assigned.
    """

    kind: str
    time: float
    carrier: str
    flight: int
    tail: str | None
    origin: str
    destination: str


@lru_cache(maxsize=len(DAYS))
def day_of(day: str) -> tuple[FlightEvent, ...]:
    """Return the events of one of the two days in order of time. A cancellation has the scheduled
    time, since the recording has none for it.
    """
    events = []
    with flight_file(day).open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            columns = {
                "scheduled": "scheduled_departure",
                "departed": "departure",
                "arrived": "arrival",
            }
            if row["cancelled"] == "1":
                columns["cancelled"] = "scheduled_departure"
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
                for kind, column in columns.items()
                if row[column]
            ]
    return tuple(sorted(events, key=lambda event: event.time))
