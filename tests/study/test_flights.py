"""The flight days as events: every figure that unit 10 states of them, by way of the event store
and a projection.
"""

from collections import Counter

import pytest

from mqlearn import EventStream, OrderEventStore, Projection, Simulation, StreamEvent
from mqlearn.study.arrivals import flight_day
from mqlearn.study.flights import TYPES, flight_events

GOOD, BAD = "2013-12-02", "2013-07-10"
SIX = 18 * 3600.0  # 18:00


def board(state: Counter[str], event: StreamEvent) -> Counter[str]:
    """How many flights have come how far."""
    return state + Counter([event.event_type.removeprefix("flight_")])


@pytest.mark.parametrize(
    ("day", "counts"),
    [
        (GOOD, {"due": 791, "departed": 766, "arrived": 559}),
        (BAD, {"due": 788, "departed": 631, "arrived": 499}),
    ],
)
def test_the_board_at_six(day: str, counts: dict[str, int]) -> None:
    """A projection that is stopped at 18:00; what has left and not arrived is 207 flights in
    December, 132 in July.
    """
    with Simulation() as sim:
        stream = EventStream("flights", runtime=sim)
        for event in flight_events(day):
            sim.run(until=max(sim.now, event.timestamp or 0.0))
            stream.append(event)
        view = Projection(stream, board, Counter())
        view.catch_up(until=SIX)
        assert {key: view.state[key] for key in counts} == counts
        assert view.state["departed"] - view.state["arrived"] == {GOOD: 207, BAD: 132}[day]
        view.catch_up()
        assert view.state == view.rebuilt().state and view.state["due"] == 1004


def test_a_flight_is_an_aggregate_like_an_order() -> None:
    """The same store with another fold: what UA-1452 was at any time of the day, and at which
    version.
    """

    def evolve(flight: dict[str, object], event: StreamEvent) -> dict[str, object]:
        return flight | {
            "route": event.data["route"],
            "state": event.event_type.removeprefix("flight_"),
        }

    store = OrderEventStore(evolve=evolve)
    for event in flight_events(GOOD):
        store.record(event.key, event.event_type, event.data, timestamp=event.timestamp)
    times = (18899, 18900, 31319, 31320)
    states = [store.rebuild_order_state("UA-1452", until=time).get("state") for time in times]
    assert states == [None, "departed", "departed", "arrived"]
    assert (
        store.version("UA-1452") == 3 and store.rebuild_order_state("UA-1452")["route"] == "EWR-IAH"
    )


@pytest.mark.parametrize(
    ("day", "event_type", "most"),
    [
        (
            GOOD,
            "flight_due",
            {"JFK-LAX": 33, "LGA-ATL": 30, "LGA-ORD": 27, "JFK-SFO": 24, "LGA-MIA": 20},
        ),
        (
            BAD,
            "flight_departed",
            {"JFK-LAX": 33, "LGA-ATL": 27, "JFK-SFO": 24, "LGA-ORD": 20, "EWR-SFO": 19},
        ),
    ],
)
def test_the_five_routes_flown_most(day: str, event_type: str, most: dict[str, int]) -> None:
    """No tie at the cut."""
    routes = Counter(
        event.data["route"] for event in flight_events(day) if event.event_type == event_type
    )
    assert dict(routes.most_common(5)) == most and routes.most_common(6)[5][1] < min(most.values())


@pytest.mark.parametrize("day", [GOOD, BAD])
def test_every_flight_has_one_history(day: str) -> None:
    """Due, then cancelled, or departed and then arrived or diverted; the times are the record's, in
    order.
    """
    events = flight_events(day)
    assert [event.timestamp for event in events] == sorted(
        event.timestamp or 0.0 for event in events
    )
    kinds: dict[str, set[str]] = {}
    for event in events:
        kinds.setdefault(event.key, set()).add(event.event_type)
    due, departed, arrived, cancelled, diverted = TYPES
    assert Counter(map(frozenset, kinds.values())) == {
        frozenset({due, cancelled}): {GOOD: 3, BAD: 121}[day],
        frozenset({due, departed, diverted}): {GOOD: 3, BAD: 37}[day],
        frozenset({due, departed, arrived}): {GOOD: 998, BAD: 846}[day],
    }
    assert flight_day(day, "actual") == [e.timestamp for e in events if e.event_type == departed]


def test_another_day_is_refused() -> None:
    """The error lists the two that there are."""
    with pytest.raises(
        ValueError, match="day must be one of '2013-12-02', '2013-07-10', got '2013-12-03'"
    ):
        flight_events("2013-12-03")
