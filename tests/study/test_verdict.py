"""The answer of a check, and the failing runs it keeps."""

import dataclasses

import pytest

from mqlearn.study import verdict
from mqlearn.study.verdict import Verdict, not_yet, passed, recall, remember


@pytest.fixture(autouse=True)
def clean():
    """Every test starts and ends with no remembered run."""
    verdict.forget()
    yield
    verdict.forget()


def test_a_verdict_shows_as_its_sentence():
    """In a notebook's output, and so under nbval, a verdict is one stable sentence."""
    verdict_shown = Verdict(True, "passed: 100 seeds")
    assert repr(verdict_shown) == str(verdict_shown) == "passed: 100 seeds"


def test_a_verdict_is_as_true_as_its_answer():
    """`assert check(fn)` fails for a wrong answer."""
    assert passed("100 seeds") and not not_yet("the stub returns None")


def test_a_verdict_cannot_be_changed():
    """A verdict is a value."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        passed("100 seeds").ok = False


def test_the_two_openings():
    """Right answers begin with "passed: ", wrong ones with "not yet: ", and a hint may follow."""
    assert passed("100 seeds") == Verdict(True, "passed: 100 seeds", None)
    assert not_yet("None is no number") == Verdict(False, "not yet: None is no number")
    assert not_yet("4 waits", hint="sort first", failing_seed=17) == Verdict(
        False, "not yet: 4 waits. Hint: sort first", 17
    )


def test_recall_makes_the_run_again():
    """A run is made when it is asked for, by its seed or as the last one remembered."""
    remember(17, lambda: "run 17")
    remember(3, lambda: "run 3")
    assert (recall(17), recall(3), recall()) == ("run 17", "run 3", "run 3")


def test_a_later_run_of_the_same_seed_replaces_the_earlier():
    """After a second attempt, the replay shows that attempt."""
    remember(17, lambda: "first")
    remember(3, lambda: "other")
    remember(17, lambda: "second")
    assert (recall(17), recall()) == ("second", "second")


def test_recall_names_the_seeds_there_are():
    """An unknown seed, or none at all, is refused in words."""
    with pytest.raises(LookupError, match="no check has failed yet"):
        recall()
    remember(17, lambda: "run")
    with pytest.raises(LookupError, match=r"failed on \(17\), got 18"):
        recall(18)


def test_only_so_many_runs_are_kept():
    """A student who tries all day does not fill the memory."""
    for seed in range(verdict.KEPT + 5):
        remember(seed, lambda: "run")
    with pytest.raises(LookupError):
        recall(4)
    assert recall(5) == "run"
