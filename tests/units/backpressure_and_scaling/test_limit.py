"""Exercise 12.1: the check of the limit tells right from wrong, and shows what others would do."""

import pytest

from mqlearn.study.verdict import recall
from mqlearn.units.backpressure_and_scaling.limit import EXERCISE, check_limit, house_of


def solution(workers, service_s, patience_s):
    """The worked solution: 60 % of the useful bound."""
    return max(1, int(0.6 * workers / service_s * (patience_s - service_s)))


WRONG = {
    "patience × capacity": lambda w, s, p: max(1, int(p * w / s)),
    "ten thousand": lambda w, s, p: 10_000,
    "ten": lambda w, s, p: 10,
    "a hundred": lambda w, s, p: 100,
    "the number of workers": lambda w, s, p: w,
    "patience ÷ service": lambda w, s, p: max(1, int(p / s)),
    "patience × workers": lambda w, s, p: max(1, int(p * w)),
    "the useful bound": lambda w, s, p: int(w / s * (p - s)),
}
CAUGHT = {
    "a hundred": 61,
    "patience ÷ service": 93,
    "patience × workers": 80,
    "the useful bound": 79,
}
"""In how many of the hundred seeds; all others in every one. The solutions quote these numbers."""


def test_the_worked_solution_passes():
    """And the verdict says how close it comes to the bounds."""
    assert check_limit(solution).text == (
        "passed: 100 seeds, 365,231 orders: at most 1.4% of the accepted were done too late, at "
        "least 0.955 times as many in time as with the best of three limits"
    )


@pytest.mark.parametrize("name", WRONG)
def test_wrong_answers_are_caught(name, caught):
    """In as many seeds as the solutions say."""
    assert check_limit(WRONG[name]).text.startswith("not yet")
    assert caught(EXERCISE, WRONG[name]) == CAUGHT.get(name, 100)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("patience × capacity", "of the accepted orders are done too late"),
        ("the number of workers", "orders are done in time, with another limit"),
    ],
)
def test_the_verdict_says_which_bound_was_missed(name, said):
    """Too long a line makes orders late, too short a one loses them at the door."""
    assert said in check_limit(WRONG[name]).text


@pytest.mark.parametrize("answer", [0, -3, 2.5, None, True, "ten"])
def test_an_answer_that_is_no_limit_is_refused(answer):
    """By what was expected and what came."""
    text = check_limit(lambda w, s, p: answer).text
    assert "expected a whole number of orders from 1, it returned" in text


def test_a_replay_shows_what_other_limits_do():
    """A row for each limit, one of them the answer's, in the order of the limits."""
    check_limit(WRONG["the useful bound"])
    table = recall()
    house = house_of(0)
    yours = int(house.workers / house.service * (house.patience - house.service))
    assert list(table.index) == sorted(table.index)
    assert table.index[(table[""] == "yours").to_numpy()].tolist() == [yours]
    assert (table[["in time", "too late", "refused"]].sum(axis=1) == len(house.arrivals)).all()
