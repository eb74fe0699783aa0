"""Exercise 04.1: whether the check of the delays can tell right from wrong, and replays what it
saw.
"""

import pytest

from mqlearn.study.verdict import recall
from mqlearn.units.retries_and_dead_letters.delay import (
    Night,
    check_delay,
    mistakes,
    night_of,
    orders_of,
    replayed,
)


def solution(attempt, rng):
    """The worked solution: 300 s, half as long or half as long again, three times."""
    return 300 * rng.uniform(0.5, 1.5) if attempt <= 3 else None


def doubling(retries, part=lambda rng: 1.0):
    """2, 4, 8, … s, or a part of it."""
    return lambda attempt, rng: 2.0**attempt * part(rng) if attempt <= retries else None


WRONG = {
    "at once": lambda attempt, rng: 0.0 if attempt <= 3 else None,
    "2 to 64 s": doubling(6),
    "2 to 64 s, full jitter": doubling(6, lambda rng: rng.random()),
    "2 to 64 s, equal jitter": doubling(6, lambda rng: rng.uniform(0.5, 1.0)),
    "one more, equal jitter": doubling(7, lambda rng: rng.uniform(0.5, 1.0)),
    "120 s for all": lambda attempt, rng: 120.0 if attempt <= 3 else None,
    "ten minutes": lambda attempt, rng: 600 * rng.uniform(0.5, 1.5) if attempt <= 3 else None,
    "300 s, full jitter": lambda attempt, rng: 300 * rng.random() if attempt <= 3 else None,
    "never gives up": lambda attempt, rng: 300 * rng.uniform(0.5, 1.5),
}
CAUGHT = {"300 s, full jitter": 49}
"""In how many of the hundred seeds; all others in every one. The solutions quote these numbers."""


def test_the_worked_solution_passes():
    """And the verdict says what was tried, and how close it was."""
    assert check_delay(solution).text == (
        "passed: 100 outages, 112,476 orders: none died, the busiest ten seconds after a recovery "
        "saw 1.72 times the "
        "normal load, and 99 % were done within 443 s"
    )


@pytest.mark.parametrize("name", WRONG)
def test_wrong_answers_are_caught(name, caught):
    """Each in at least twenty of a hundred seeds, and by the check as a whole."""
    assert caught(mistakes, WRONG[name]) == CAUGHT.get(name, 100) >= 20
    assert not check_delay(WRONG[name])


def test_another_right_answer_passes():
    """A window of 300 s that begins after the longest outage; twice is enough."""
    assert check_delay(lambda attempt, rng: rng.uniform(130, 430) if attempt <= 2 else None)


def test_a_night_by_hand():
    """Three orders, an outage of 10 s: one is done at 12 s, one at 14, one is given up after its
    second try.
    """
    night = Night(0, 10.0, [0.0, 1.0, 2.0], [[0.0, 12.0], [1.0, 8.0, 14.0], [2.0, 3.0]], [2])
    assert night.peak() == (1.02, 10) and night.lateness() == 4.0


@pytest.mark.parametrize(
    "fn", [solution, WRONG["2 to 64 s, full jitter"]], ids=["solution", "full jitter"]
)
def test_the_replay_is_the_night_that_was_judged(fn):
    """On the package's queue the same orders are tried at the same times, and the same are dead."""
    night, fault = night_of(fn, 5)
    assert fault is None
    run = replayed(night)
    tried = {}
    for time, event, _, _, name, *_ in run.trace.records:
        if event == "started":
            tried.setdefault(name, []).append(time)
    assert len(tried) == len(night.come)
    for number, times in enumerate(night.tries, 1):
        assert tried[f"order-{number}"] == pytest.approx(times, abs=1e-6)
    assert run.totals["dead"] == len(night.gave_up)


def test_a_dead_order_is_named_and_replayed():
    """The order, the instant, how many; and the replay is that run."""
    verdict = check_delay(WRONG["2 to 64 s, full jitter"])
    assert verdict.failing_seed == 0
    assert "order-1 was given up at 92.5 s, after 7 tries; 579 orders are dead" in verdict.text
    run = recall(0)
    assert run.totals["dead"] == 579
    assert run.jobs().set_index("message_id").loc["order-1", "settled"] == pytest.approx(
        92.5, abs=0.05
    )


def test_the_outages_are_what_was_ordered():
    """30 to 120 s, ten orders a second and a flash sale of 100 to 600 within one of them."""
    nights = [orders_of(seed) for seed in range(100)]
    assert all(30 <= end <= 120 and 100 <= len(come) - int(end * 10) <= 600 for end, come in nights)
    assert all(come[0] >= 0 and come[-1] < end for end, come in nights)
