"""The delays of a recorded day of flights, by carrier."""

from __future__ import annotations

from mqlearn.study.flights import flight_events


def departure_delays(day: str) -> dict[str, list[float]]:
    """Return the delay of departure (minutes) of each flight of `day` that left, by carrier such as
    "UA", in the order of departure. A flight that left early has a negative delay.

    Raises ValueError for a day that is not recorded.
    """
    due: dict[str, float] = {}
    delays: dict[str, list[float]] = {}
    for event in flight_events(day):
        flight, time = event.data["flight"], event.timestamp or 0.0
        if event.event_type == "flight_due":
            due[flight] = time
    for event in flight_events(day):
        flight, time = event.data["flight"], event.timestamp or 0.0
        if event.event_type == "flight_departed":
            delays.setdefault(flight.partition("-")[0], []).append((time - due[flight]) / 60)
    return delays
