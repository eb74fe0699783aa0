"""The expected number of charges of an order."""

from __future__ import annotations

import pytest

from mqlearn.study.analysis.charges import expected_charges


@pytest.mark.parametrize(
    ("before", "back", "tries", "again", "shares"),
    [
        (0.0, 0.0, 4, 0.0, [0, 1]),
        (0.5, 0.0, 2, 0.0, [0.25, 0.75]),
        (0.0, 0.5, 2, 0.0, [0, 0.5, 0.5]),
        (0.0, 0.0, 1, 0.25, [0, 0.75, 0.25]),
        (0.0, 1 / 3, 4, 0.0, [0, 2 / 3, 2 / 9, 2 / 27, 1 / 27]),
    ],
)
def test_the_arithmetic_of_charges(
    before: float, back: float, tries: int, again: float, shares: list[float]
) -> None:
    """Small cases that can be done by hand."""
    found = expected_charges(before, 1.0, back, tries, again)
    assert found[: len(shares)] == pytest.approx(shares) and sum(found) == pytest.approx(1)
