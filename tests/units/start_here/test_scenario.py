"""Unit 00: what the first lab says of its thousand orders."""

import pytest

from mqlearn.units.start_here import FailingWork


@pytest.mark.parametrize(
    ("rate", "dead", "expected"),
    [(0.0, "0", "0"), (0.01, "0", "about 0"), (0.2, "3", "1.6"), (1.0, "1,000", "1,000")],
)
def test_the_verdict_counts_the_dead(rate: float, dead: str, expected: str) -> None:
    """As many as the totals say, beside what four failures in a row would make on average."""
    run = FailingWork(failure_rate=rate).run(seed=0)
    assert f"{run.totals['dead']:,}" == dead
    assert run.verdict == (
        f"{dead} of 1,000 orders died; {expected} are expected when {rate:.0%} of tries fail."
    )


def test_a_prediction_is_answered() -> None:
    """The verdict repeats what was said and what it is."""
    verdict = FailingWork(failure_rate=1.0, prediction=800).run(seed=0).verdict
    assert verdict.endswith(" You said 800, it is 1,000.")
