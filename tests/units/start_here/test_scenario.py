"""Unit 00: what the first lab says of its thousand orders."""

import pytest

from mqlearn.units.start_here import FailingWork


@pytest.mark.parametrize(("rate", "dead"), [(0.0, 0), (0.2, 3), (1.0, 1000)])
def test_the_verdict_counts_the_dead(rate: float, dead: int) -> None:
    """As many as the totals say, beside what four failures in a row would make on average."""
    run = FailingWork(failure_rate=rate).run(seed=0)
    assert run.totals["dead"] == dead
    assert run.verdict == (
        f"{dead} of 1,000 orders died; "
        f"{1000 * rate**4:.1f} are expected when {rate:.0%} of tries fail."
    )


def test_a_prediction_is_answered() -> None:
    """The verdict repeats what was said and what it is."""
    verdict = FailingWork(failure_rate=1.0, prediction=800).run(seed=0).verdict
    assert verdict.endswith(" You said 800, it is 1000.")
