"""What all tests of the checks count with."""

import pytest

from mqlearn.study import verdict
from mqlearn.study.exercise import SEEDS


@pytest.fixture(autouse=True)
def _clean():
    """No remembered run is left behind."""
    yield
    verdict.forget()


@pytest.fixture
def caught():
    """In how many of the hundred seeds an answer is found wrong."""

    def count(exercise, fn):
        worlds = (exercise.play(fn, seed) for seed in SEEDS)
        return sum(any(True for _ in exercise.mistakes(world)) for world in worlds)

    return count
