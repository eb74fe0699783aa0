"""Exercise 10.1: a view of the flights as a fold over their events, and a ranking from it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

from mqlearn.streaming.event import StreamEvent
from mqlearn.study.arrivals import DAYS
from mqlearn.study.exercise import (
    SEEDS,
    Answer,
    Exercise,
    Mistake,
    call_answer,
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


class Fold(NamedTuple):
    """One fold: the view at the end, and for each event the count of its route after it.

    `mistake` is the mistake that ended the fold, if there was one. `changed` is True if the view
    after half of the events was changed by a later one.
    """

    view: dict[Any, Any]
    counts: list[Any]
    mistake: Mistake | None
    changed: bool


class Rebuild(NamedTuple):
    """A seed's hours folded twice (only once if the first fold is wrong), and the answer of `top`,
    if there is a `top`.
    """

    seed: int
    folds: list[Fold]
    ranking: Answer | None


class EvolveExercise(Exercise[int, Rebuild]):
    """Three hours of flights folded, and once more from their beginning; then ranked by `top`, if
    there is one.
    """

    def __init__(self, top: Callable[..., Any] | None = None) -> None:
        self.top = top

    def play(self, answer: Callable[..., Any], case: int) -> Rebuild:
        world = Rebuild(case, [fold(answer, events_of(case))], None)
        if _mistake_of_fold(world, 0) is None:
            # An answer that counts in a variable of its own gives another view the second time.
            world.folds.append(fold(answer, events_of(case)))
        if self.top is None:
            return world
        return world._replace(ranking=call_answer(self.top, dict(departures(world.seed)), N))

    def mistakes(self, world: Rebuild) -> Iterator[Mistake]:
        for number in range(len(world.folds)):
            mistake = _mistake_of_fold(world, number)
            if mistake is not None:
                yield mistake
                return
        best, answer = ranking(departures(world.seed), N), world.ranking
        if answer is not None and (answer.error is not None or answer.value != best):
            yield Mistake(*_ranked(best, answer))

    def summary(self, worlds: list[Rebuild]) -> str:
        return (
            f"{len(worlds)} times three hours of two days, "
            f"{sum(len(events_of(world.seed)) for world in worlds):,} events, each "
            "folded twice: the same view both times, and the right one"
        )


def check_evolve(
    evolve: Callable[[View, StreamEvent], View],
    top: Callable[[View, int], list[tuple[str, int]]] | None = None,
) -> Verdict:
    """Grade `evolve(view, event)`, which counts the departed flights of each route, and
    `top(view, n)`, which ranks the routes.

    `view` is a dict from route, such as "JFK-LAX", to the number of flights that have departed on
    it, {} to begin with. `evolve` returns the view after one more event, of any type, and changes
    neither the given view nor the event: the old view may be kept as a snapshot. `top` returns the
    `n` routes with the most flights, as pairs of a route and a number, the largest number first,
    and routes with equal numbers by name. Without `top`, only `evolve` is graded.

    In each of 100 seeds three hours of a flight day are folded, and then once more from their
    beginning.
    """
    if top is not None and not callable(top):
        return no_function(top)
    return EvolveExercise(top).grade(evolve)


EXERCISE = EvolveExercise()  # without a ranking


def fold(evolve: Callable[..., Any], events: tuple[StreamEvent, ...]) -> Fold:
    """Fold the events, from an empty view on, up to the first answer that is not a view."""
    view: Any = {}
    half_way: tuple[Any, View] = (view, {})
    counts: list[Any] = []
    for number, event in enumerate(events):
        # A copy, also of its data: `event` must stay as it is, to see if the answer changed it.
        given = event.copy()
        given.data = dict(event.data)
        answer = call_answer(evolve, view, given)
        mistake = _mistake_of_event(number, event, given, answer)
        if mistake is not None:
            return Fold({}, counts, mistake, changed=False)
        view = answer.value
        counts.append(view.get(event.data["route"], 0))  # all that a replay needs of this view
        if number == len(events) // 2:
            half_way = view, dict(view)
    return Fold(dict(view), counts, None, changed=half_way[0] != half_way[1])


def _mistake_of_event(
    number: int, event: StreamEvent, given: StreamEvent, answer: Answer
) -> Mistake | None:
    if answer.error is not None or not isinstance(answer.value, dict):
        return Mistake(
            f"event {number + 1}, {event.event_type}: expected a dict, {answer}",
            "return the view, also when the event does not matter to it"
            if answer.error is None
            else "evolve(view, event) gets a dict, empty to begin with, and an event with "
            "event_type and data['route']",
        )
    if given.data != event.data:
        return Mistake(
            f"event {number + 1}, {event.event_type}: its data were changed to "
            f"{short_repr(given.data)}",
            "an event has happened: nobody changes it",
        )
    return None


def _mistake_of_fold(world: Rebuild, number: int) -> Mistake | None:
    folded, right = world.folds[number], departures(world.seed)
    if folded.mistake is not None:
        return folded.mistake
    if folded.changed:
        return Mistake(
            "a view that was handed out half-way was changed by later events",
            "return a new view: view | {...}",
        )
    if {route: count for route, count in folded.view.items() if count != 0} == right:
        return None
    again = number > 0
    said, hint, route = _differs(folded.view, right, again=again)
    return Mistake(said, hint, partial(event_by_event, world, number, route))


def _ranked(best: list[tuple[str, int]], answer: Answer) -> tuple[str, str]:
    """Return the mistake of a ranking at the first place that differs, and a hint."""
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


def _differs(view: dict[Any, Any], right: Counter[str], *, again: bool) -> tuple[str, str, Any]:
    """Return the mistake of a view, a hint, and the first route with a wrong count."""
    route = min((key for key in {*view, *right} if view.get(key, 0) != right[key]), key=str)
    count = view.get(route, 0)
    hint = (
        "where does a second fold get what the first one counted?"
        if again
        else 'each "flight_departed" counts one'
        if is_number(count) and count < right[route]
        else "a flight that is due, or cancelled, or that arrives, has not left once more"
    )
    return (
        f"the {'second' if again else 'first'} time, {short_repr(route)} is {short_repr(count)}, "
        f"and {right[route]} flights have left",
        hint,
        route,
    )


@lru_cache(maxsize=len(SEEDS))
def departures(seed: int) -> Counter[str]:
    """Return the right view: the flights that have left on each route."""
    left = [event for event in events_of(seed) if event.event_type == "flight_departed"]
    return Counter(event.data["route"] for event in left)


def ranking(view: View, n: int) -> list[tuple[str, int]]:
    """Return the `n` routes with the most flights, the most first; equals by name."""
    return sorted(view.items(), key=lambda route: (-route[1], route[0]))[:n]


def event_by_event(world: Rebuild, number: int, route: Any) -> pd.DataFrame:
    """Return the table that a replay shows: the events of a route, and the count after each."""
    import pandas as pd

    rows, left = [], 0
    for event, count in zip(events_of(world.seed), world.folds[number].counts, strict=True):
        if event.data["route"] == route:
            left += event.event_type == "flight_departed"
            rows.append([event.data["flight"], event.event_type, left, count])
    return pd.DataFrame(rows, columns=["flight", "event", "have left", "the view says"])


@lru_cache(maxsize=2)
def _day(day: str) -> tuple[StreamEvent, ...]:
    return tuple(flight_events(day))


@lru_cache(maxsize=len(SEEDS))
def events_of(seed: int) -> tuple[StreamEvent, ...]:
    """Return the events of this seed's three hours, which begin between 06:00 and 20:00 on one of
    the two days.
    """
    begin = 3600 * random.Random(f"board {seed}").uniform(6, 20)
    return tuple(
        event
        for event in _day(list(DAYS)[seed % 2])
        if begin <= (event.timestamp or 0.0) < begin + HOURS
    )
