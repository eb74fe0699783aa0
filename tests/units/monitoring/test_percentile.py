"""Exercise 13.1: the check of percentiles passes right answers, and catches and replays wrong
ones.
"""

from __future__ import annotations

from math import inf

import pytest

from mqlearn import histogram_percentile, merge_histograms
from mqlearn.study.verdict import recall
from mqlearn.units.monitoring.percentile import EXERCISE, check_percentile


def interpolated(histograms, share):
    """Prometheus's answer."""
    return histogram_percentile(merge_histograms(histograms), share)


def the_bound(histograms, share):
    """The upper bound of the bucket, infinity included."""
    total = {bound: sum(each[bound] for each in histograms) for bound in histograms[0]}
    return next(bound for bound, count in total.items() if count >= share * total[inf])


def mean(histograms, share):
    """Of the workers' percentiles."""
    alone = [histogram_percentile(each, share) for each in histograms if each[inf]]
    return sum(alone) / len(alone)


def largest(histograms, share):
    """The slowest worker's."""
    return max(histogram_percentile(each, share) for each in histograms if each[inf])


def weighted(histograms, share):
    """By the numbers of values."""
    total = sum(each[inf] for each in histograms)
    parts = (histogram_percentile(each, share) * each[inf] for each in histograms if each[inf])
    return sum(parts) / total


def as_plain_counts(histograms, share):
    """The counts are added up again."""
    total = {bound: sum(each[bound] for each in histograms) for bound in histograms[0]}
    need, below = share * sum(total.values()), 0
    for bound, count in total.items():
        below += count
        if below >= need:
            return bound
    return None


def the_first(histograms, share):
    """The first worker's alone."""
    return histogram_percentile(histograms[0], share)


def the_first_bound(histograms, share):
    """The bound of its bucket, as in the notebook's stub."""
    return the_bound(histograms[:1], share)


CAUGHT = {mean: 67, largest: 52, weighted: 43, as_plain_counts: 89}
"""In how many of the hundred seeds."""


@pytest.mark.parametrize("wrong", CAUGHT)
def test_a_wrong_percentile_is_caught(wrong, caught) -> None:
    """Each in at least twenty of a hundred seeds, and by the check as a whole."""
    assert caught(EXERCISE, wrong) == CAUGHT[wrong] >= 20
    assert not check_percentile(wrong)


@pytest.mark.parametrize("right", [interpolated, the_bound])
def test_a_right_percentile_passes(right) -> None:
    """Interpolated, or the bound itself."""
    assert check_percentile(right).text == (
        "passed: 100 seeds, 500 workers, 191,102 values: each percentile is in the bucket of the "
        "true one"
    )


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (mean, "what of a histogram can be added"),
        (largest, "bound by bound"),
        (the_first, "the percentile of the first worker"),
        (the_first_bound, "the percentile of the first worker"),
        (as_plain_counts, "the counts are cumulative"),
    ],
)
def test_the_hint_is_about_the_mistake(wrong, hint) -> None:
    """A mean is told to be one."""
    assert hint in check_percentile(wrong).text


def test_a_replay_is_the_table_of_counts() -> None:
    """A row for each bound; the sum, and the bucket with the true percentile."""
    verdict = check_percentile(mean)
    table = recall(verdict.failing_seed)
    workers = table[[column for column in table if column.startswith("worker")]]
    assert (workers.sum(axis=1) == table["sum"]).all() and table["share of all"].iloc[-1] == 1.0
    (place,) = table.index[table["the true one"] == "here"]
    assert f" and {place} s" in verdict.text and table.index[-1] == "+Inf"


def test_an_answer_that_is_no_number_is_told_so() -> None:
    """One worker without values is enough to divide by zero."""
    assert "expected a number of seconds, it returned None" in check_percentile(print).text
    assert "ZeroDivisionError" in check_percentile(lambda *_: 1 / 0).text
    verdict = check_percentile(lambda *_: float("nan"))
    assert "it returned nan" in verdict.text and verdict.failing_seed is None
