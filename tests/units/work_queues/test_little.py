"""Exercise 02.1: the check of Little's law tells right from wrong."""

import math
from decimal import Decimal

import numpy as np
import pytest

from mqlearn.study.run import Run
from mqlearn.study.verdict import recall
from mqlearn.units.work_queues.little import EXERCISE, check_little, run_of, truth


def parts(trace):
    """The end of the window, the table of jobs, and each number in the system with the seconds it
    lasted.
    """
    run = Run.of(trace)
    depth = run.depth()
    lasted = np.diff(np.append(depth.index, run.until))
    inside = (depth["waiting"] + depth["delayed"] + depth["in_flight"]).to_numpy()
    return run.until, run.jobs(), inside, lasted


def solution(trace):
    """The worked solution: stays are clipped to the window."""
    end, jobs, inside, lasted = parts(trace)
    stays = jobs["settled"].fillna(end) - jobs["sent"]
    return (inside * lasted).sum() / end, len(jobs) / end, stays.mean()


def completed_only(trace):
    """Messages that are still there have no time in the system yet, so they are left out."""
    end, jobs, inside, lasted = parts(trace)
    return (inside * lasted).sum() / end, len(jobs) / end, jobs["sojourn"].mean()


def by_the_law(trace):
    """L by the law that was to be shown."""
    _, lam, stay = completed_only(trace)
    return lam * stay, lam, stay


def throughput(trace):
    """Messages that left, instead of those that came."""
    end, jobs, inside, lasted = parts(trace)
    return (inside * lasted).sum() / end, jobs["settled"].count() / end, jobs["sojourn"].mean()


def records_alike(trace):
    """A number counts once, however long it lasted."""
    _, lam, stay = solution(trace)
    return parts(trace)[2].mean(), lam, stay


def line_only(trace):
    """Messages that are being served are forgotten."""
    end, jobs, _, _ = parts(trace)
    load, lam, _ = solution(trace)
    return load, lam, (jobs["first_received"].fillna(end) - jobs["sent"]).mean()


def until_the_last_arrival(trace):
    """The window ends with the last arrival."""
    load, lam, stay = solution(trace)
    end, jobs, _, _ = parts(trace)
    return load, lam * end / jobs["sent"].max(), stay


WRONG = {
    fn.__name__: fn
    for fn in (
        completed_only,
        by_the_law,
        throughput,
        records_alike,
        line_only,
        until_the_last_arrival,
    )
}
CAUGHT = {"completed_only": 86, "by_the_law": 86, "throughput": 86, "until_the_last_arrival": 52}
"""In how many of the hundred seeds; all others in every one. The solutions quote these numbers."""


def test_the_worked_solution_passes():
    """And the verdict says how many runs ended with a backlog."""
    assert check_little(solution).text == (
        "passed: 100 seeds, 11,989 messages, 86 runs that ended with somebody left: L = lam · W to "
        "1e-09 in all of "
        "them"
    )


@pytest.mark.parametrize("name", WRONG)
def test_wrong_answers_are_caught(name, caught):
    """Each in at least twenty of a hundred seeds, and by the check as a whole."""
    fn = WRONG[name]
    assert caught(EXERCISE, fn) == CAUGHT.get(name, 100) >= 20
    assert not check_little(fn)


def test_the_truth_obeys_the_law():
    """L from the numbers in the system, W from the stays: their agreement is a result, in every
    run.
    """
    for seed in range(100):
        load, lam, stay, sent, left = truth(seed)
        assert math.isclose(load, lam * stay, rel_tol=1e-9)
        assert sent == run_of(seed).totals["sent"] > 80
        assert left == run_of(seed).totals["left"]


def test_other_numbers_will_do():
    """A list of Decimals is three numbers as well."""
    assert check_little(lambda trace: [Decimal(float(value)) for value in solution(trace)])
    assert "got 1;" in check_little(lambda trace: [Decimal(1), 2.0, Decimal(3)]).text


def test_half_of_the_runs_are_overloaded():
    """The others keep up, and some of them end with no message left."""
    assert all(truth(seed).left >= 3 for seed in range(1, 100, 2))
    assert (
        sum(truth(seed).left for seed in range(1, 100, 2))
        > 10 * sum(truth(seed).left for seed in range(0, 100, 2))
        > 0
    )
    assert any(truth(seed).left == 0 for seed in range(0, 100, 2))


def test_what_is_said():
    """The number, its true value, who was left; and the run can be looked at."""
    verdict = check_little(completed_only)
    assert verdict.failing_seed == 1
    assert "W, the mean time in the system in seconds, is " in verdict.text
    assert "with 32 left at the end" in verdict.text
    assert "your lam · W is " in verdict.text
    assert recall(1).trace.records == run_of(1).trace.records


def test_a_mean_over_what_is_done_errs_either_way():
    """In an overloaded run the last to come are left out, and they have not waited long yet."""
    errors = [completed_only(run_of(seed).trace)[2] - truth(seed).stay for seed in range(100)]
    assert sum(error > 1e-9 for error in errors) == 63
    assert sum(error < -1e-9 for error in errors) == 23


def test_a_spoilt_trace_spoils_no_other():
    """A function may empty the records it was given."""

    def careless(trace):
        answer = solution(trace)
        trace.records.clear()
        return answer

    assert check_little(careless)
    assert check_little(solution)
