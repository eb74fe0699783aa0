"""The arithmetic of retries and outages, and the load counted from a trace."""

from __future__ import annotations

import random

import pytest

from mqlearn import RetryPolicy
from mqlearn.runtime.trace import Record
from mqlearn.study.analysis.loads import LoadAnalysis, dead_in_outage, tries_per_order


def test_three_layers_of_four_tries_are_64_calls() -> None:
    """Each layer multiplies; and with no failures there is one try."""
    assert tries_per_order(1.0, 3) ** 3 == 64
    assert tries_per_order(0.5, 3) == 1.875 and tries_per_order(0.0, 8) == 1.0


@pytest.mark.parametrize(
    ("policy", "retries", "dead"),
    [
        (None, 3, 1200),
        (RetryPolicy(1.0, jitter="none"), 3, 1130),
        (RetryPolicy(2.0, cap=64.0, jitter="none"), 6, 0),
        (RetryPolicy(2.0, cap=64.0), 6, 570),
        (RetryPolicy(2.0, cap=64.0, jitter="equal"), 6, 255),
    ],
)
def test_the_dead_of_an_outage(policy: RetryPolicy | None, retries: int, dead: float) -> None:
    """Two minutes at ten a second; without jitter the sum is done by hand, with it by dice."""
    expected = dead_in_outage(10.0, 120.0, retries, policy)
    assert expected == pytest.approx(dead, abs=1)
    dice = random.Random(0)
    sample = [
        max(0.0, 120 - sum(policy.delay(n, dice.random()) for n in range(1, retries + 1)))
        if policy
        else 120.0
        for _ in range(20000)
    ]
    assert expected == pytest.approx(10 * sum(sample) / len(sample), rel=0.02, abs=1e-9)


def test_a_load_by_hand() -> None:
    """Tries and completions are counted by the second in which they are."""

    def record(time: float, event: str) -> Record:
        return Record(time, event, "q", 1, "a", "NORMAL", 1, "w", 1)

    tries = [record(time, "started") for time in (0.5, 1.0, 1.9)]
    load = LoadAnalysis([*tries, record(1.9, "acked")], 0.0, 4.0)
    assert load.peak() == 2 and load.peak(2.0) == 0
    assert load.tries(0, 4) == 0.75 and load.goodput(1, 2) == 1.0
