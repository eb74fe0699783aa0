"""Exercise 10.1: the check of the view passes right answers, and catches and replays wrong ones."""

import pandas as pd
import pytest

from mqlearn.study.arrivals import DAYS, flight_file
from mqlearn.study.verdict import recall
from mqlearn.units.event_sourcing.evolve import EXERCISE, check_evolve, events_of, ranking


def evolve(view, event):
    """The worked solution: what has left is counted, in a new view."""
    if event.event_type != "flight_departed":
        return view
    route = event.data["route"]
    return view | {route: view.get(route, 0) + 1}


def top(view, n):
    """The most first, equals by name."""
    return sorted(view.items(), key=lambda item: (-item[1], item[0]))[:n]


def in_place(view, event):
    """The view that was handed in is changed."""
    view.update(evolve(view, event))
    return view


def everything(view, event):
    """Each event counts."""
    route = event.data["route"]
    return view | {route: view.get(route, 0) + 1}


def those_due(view, event):
    """The timetable is counted: cancelled ones too."""
    return everything(view, event) if event.event_type == "flight_due" else view


def in_the_air(view, event):
    """A flight that arrives is taken off again."""
    change = {"flight_departed": 1, "flight_arrived": -1}.get(event.event_type, 0)
    return view | {event.data["route"]: view.get(event.data["route"], 0) + change}


class Remembers:
    """It counts in a memory of its own: a rebuild starts with what the fold before had."""

    def __init__(self):
        self.counts = {}

    def __call__(self, view, event):
        self.counts = evolve(self.counts, event)
        return self.counts


WRONG = (in_place, everything, those_due, in_the_air)


@pytest.mark.parametrize("asked", [None, top])
def test_the_worked_solution_passes(asked):
    """With and without a ranking."""
    text = check_evolve(evolve, asked).text
    assert text.startswith("passed: 100 times three hours of two days, ") and text.endswith(
        "and the right one"
    ), text


@pytest.mark.parametrize("fn", WRONG)
def test_wrong_answers_are_caught(fn, caught):
    """Each in at least twenty of a hundred seeds, and by the check as a whole."""
    assert caught(EXERCISE, fn) >= 20
    assert not check_evolve(fn)


def test_a_memory_beside_the_view_is_found_by_the_second_fold():
    """In every seed, in words."""
    worlds = [EXERCISE.play(Remembers(), seed) for seed in range(0, 100, 5)]
    assert all(any(EXERCISE.mistakes(world)) for world in worlds)
    text = check_evolve(Remembers()).text
    assert "the second time" in text and "where does a second fold get" in text


def test_a_wrong_ranking_is_told():
    """The least first, the names alone, ties by chance; and what is no function."""
    assert "in place 1 expected ('" in check_evolve(evolve, lambda view, n: top(view, n)[::-1]).text
    assert (
        "got 'JFK-SFO'"
        in check_evolve(evolve, lambda view, n: [route for route, _ in top(view, n)]).text
    )
    assert (
        "sort by (-number"
        in check_evolve(
            evolve, lambda view, n: sorted(view.items(), key=lambda item: -item[1])[:n]
        ).text
    )
    assert "expected 5 pairs" in check_evolve(evolve, top=lambda view, n: top(view, 99)).text
    assert "is not a function" in check_evolve(evolve, 5).text


def test_the_hint_fits_the_mistake():
    """Too many and too few, an error and nothing; a route with none that left is no mistake."""
    hints = {
        everything: "has not left once more",
        lambda view, event: view: 'each "flight_departed" counts one',
        lambda view, event: {event.data["rout"]: 1}: "evolve(view, event) gets",
        lambda view, event: None: "return the view",
    }
    for fn, hint in hints.items():
        assert hint in check_evolve(fn).text, check_evolve(fn).text
    assert check_evolve(
        lambda view, event: (
            evolve(view, event)
            | (
                {}
                if event.data["route"] in view or event.event_type == "flight_departed"
                else {event.data["route"]: 0}
            )
        )
    )


@pytest.mark.parametrize("seed", range(40))
def test_the_right_answer_is_that_of_pandas(seed):
    """Twenty times on each day, from the file itself."""
    events = events_of(seed)
    view: dict[str, int] = {}
    for event in events:
        view = evolve(view, event)
    frame = pd.read_csv(flight_file(list(DAYS)[seed % 2]))
    gone = frame[frame["departure"].between(events[0].timestamp, events[-1].timestamp)]
    assert view == (gone["origin"] + "-" + gone["destination"]).value_counts().to_dict()
    assert ranking(view, 5) == top(view, 5)


def test_a_wrong_view_is_replayed_event_by_event():
    """A table of the route that is wrong: where the two counts part is the event that should not
    count.
    """
    verdict = check_evolve(everything)
    table = recall(verdict.failing_seed)
    assert list(table.columns) == ["flight", "event", "have left", "the view says"]
    parted = table[table["have left"] != table["the view says"]].iloc[0]
    assert (
        parted["event"] != "flight_departed" and parted["the view says"] == parted["have left"] + 1
    )
    again = recall(check_evolve(Remembers()).failing_seed)
    # The second fold as it was graded: it goes on from what the first one had counted.
    first = again["have left"].max()
    assert (again["the view says"] == first + again["have left"]).all() and first > 0
