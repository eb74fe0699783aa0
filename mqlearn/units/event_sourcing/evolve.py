"""Exercise 10.1: a view of the flights as a fold over their events, and a question to it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from mqlearn.streaming.event import StreamEvent
from mqlearn.study.arrivals import DAYS
from mqlearn.study.exercise import (
    SEEDS,
    Answer,
    Mistake,
    call_answer,
    grade,
    is_number,
    no_function,
    short_repr,
)
from mqlearn.study.flights import flight_events
from mqlearn.study.verdict import Verdict

if TYPE_CHECKING:
    import pandas as pd

N = 5  # routes asked for
HOURS = 3 * 3600.0  # of a day that are folded with one seed, in seconds

View = dict[str, int]


def ranking(view: View, n: int) -> list[tuple[str, int]]:
    """The `n` routes with the most flights, the most first; equals by name."""
    return sorted(view.items(), key=lambda route: (-route[1], route[0]))[:n]


def check_evolve(
    evolve: Callable[[View, StreamEvent], View],
    top: Callable[[View, int], list[tuple[str, int]]] | None = None,
) -> Verdict:
    """Whether `evolve(view, event)` counts the flights of each route that have left, and `top(view,
    n)` ranks them.

    `view` is a dict from route, such as "JFK-LAX", to the number of flights that have departed on
    it, {} to begin with. `evolve` returns the view after one more event, of whatever type, and
    changes neither the view it is given nor the event: the old view may be somebody's snapshot.
    `top` returns the `n` routes with the most, as pairs of a route and a number, the most first and
    equals by name; if none is handed over, only `evolve` is looked at.

    In each of 100 seeds three hours of a flight day are folded, and then once more from their
    beginning.
    """
    if top is not None and not callable(top):
        return no_function(top)
    return grade(
        lambda fn, seed: mistakes(fn, seed, top),
        evolve,
        lambda: (
            f"{len(SEEDS)} times three hours of two days, "
            f"{sum(len(events_of(seed)) for seed in SEEDS):,} events, each "
            f"folded twice: the same view both times, and the right one"
        ),
    )


def mistakes(
    evolve: Callable[..., Any], seed: int, top: Callable[..., Any] | None = None
) -> Iterator[Mistake]:
    """The first thing that is wrong in this seed's fold."""
    events = events_of(seed)
    right = Counter(
        event.data["route"] for event in events if event.event_type == "flight_departed"
    )
    for time in ("the first time", "the second time"):
        view: Any = {}
        middle: tuple[Any, View] = (view, {})
        for number, event in enumerate(events):
            given = event.copy()
            given.data = dict(event.data)
            answer = call_answer(evolve, view, given)
            if answer.error is not None or not isinstance(answer.value, dict):
                yield Mistake(
                    f"event {number + 1}, {event.event_type}: expected a dict, {answer}",
                    "return the view, also when the event does not matter to it"
                    if answer.error is None
                    else "evolve(view, event) gets a dict, empty to begin with, and an event "
                    "with event_type and "
                    "data['route']",
                )
                return
            if given.data != event.data:
                yield Mistake(
                    f"event {number + 1}, {event.event_type}: its data were changed to "
                    f"{short_repr(given.data)}",
                    "an event has happened: nobody changes it",
                )
                return
            view = answer.value
            if number == len(events) // 2:
                middle = view, dict(view)
        if middle[0] != middle[1]:
            yield Mistake(
                "a view that was handed out half-way was changed by later events",
                "return a new view: view | {...}",
            )
            return
        if {route: count for route, count in view.items() if count != 0} != right:
            said, hint, route = _differs(view, right, time)
            yield Mistake(
                said,
                hint,
                partial(event_by_event, evolve, seed, route, again=time == "the second time"),
            )
            return
    if top is not None:
        answer = call_answer(top, dict(right), N)
        if answer.error is not None or answer.value != ranking(right, N):
            yield Mistake(*_ranked(ranking(right, N), answer))


def _ranked(best: list[tuple[str, int]], answer: Answer) -> tuple[str, str]:
    """What is wrong with a ranking, and a hint: at the first place that differs, if there is
    one.
    """
    if not isinstance(answer.value, list) or len(answer.value) != len(best):
        return (
            f"top(view, {N}): expected {len(best)} pairs such as {best[0]!r}, {answer}",
            "a list of n pairs",
        )
    place, want, got = next(
        (n, a, b) for n, (a, b) in enumerate(zip(best, answer.value, strict=True), 1) if a != b
    )
    tie = isinstance(got, tuple) and got[1:] == want[1:]
    return (
        f"top(view, {N}): in place {place} expected {want!r}, got {short_repr(got)}",
        "equals by name: sort by (-number, route)"
        if tie
        else "pairs of route and number, the most first",
    )


def _differs(view: dict[Any, Any], right: Counter[str], time: str) -> tuple[str, str, Any]:
    """What is wrong, a hint, and the route of which it is."""
    route = min((key for key in {*view, *right} if view.get(key, 0) != right[key]), key=str)
    count = view.get(route, 0)
    hint = (
        "where does a second fold get what the first one counted?"
        if time == "the second time"
        else 'each "flight_departed" counts one'
        if is_number(count) and count < right[route]
        else "a flight that is due, or cancelled, or that arrives, has not left once more"
    )
    return (
        f"{time}, {short_repr(route)} is {short_repr(count)}, and {right[route]} flights have left",
        hint,
        route,
    )


def event_by_event(
    evolve: Callable[..., Any], seed: int, route: Any, *, again: bool = False
) -> pd.DataFrame:
    """What is replayed: each event of a route, and what the view says after it; with `again`, of a
    second fold.
    """
    import pandas as pd

    events, rows, left = events_of(seed), [], 0
    for recorded in [False, True] if again else [True]:
        view: Any = {}
        for event in events:
            given = event.copy()
            given.data = dict(event.data)
            view = evolve(view, given)
            if recorded and event.data["route"] == route:
                left += event.event_type == "flight_departed"
                rows.append([event.data["flight"], event.event_type, left, view.get(route, 0)])
    return pd.DataFrame(rows, columns=["flight", "event", "have left", "the view says"])


@lru_cache(maxsize=2)
def _day(day: str) -> tuple[StreamEvent, ...]:
    return tuple(flight_events(day))


def events_of(seed: int) -> tuple[StreamEvent, ...]:
    """What happened in this seed's three hours of one of the two days, which begin between 06:00
    and 20:00.
    """
    begin = 3600 * random.Random(f"board {seed}").uniform(6, 20)
    return tuple(
        event
        for event in _day(list(DAYS)[seed % 2])
        if begin <= (event.timestamp or 0.0) < begin + HOURS
    )
