"""The percentile by nearest rank."""

import math

import pandas as pd
import pytest

from mqlearn.messaging.percentile import percentile


def test_it_is_a_number_that_occurred():
    """Of five numbers, 40 % do not exceed the second, so the 40th percentile is the second."""
    ordered = [15.0, 20.0, 35.0, 40.0, 50.0]
    assert [percentile(ordered, p) for p in (0, 5, 30, 40, 50, 100)] == [15, 15, 20, 20, 35, 50]


@pytest.mark.parametrize("n", [1, 2, 3, 7, 20, 100, 1000])
def test_at_least_so_many_do_not_exceed_it_and_fewer_would_not_do(n):
    """For each whole percentage: the definition, counted out in whole numbers."""
    for percent in range(1, 101):
        found = percentile(range(1, n + 1), percent)
        assert 100 * found >= percent * n > 100 * (found - 1)


def test_a_share_that_no_float_holds_exactly_does_not_move_the_rank():
    """100 · 0.07 is 7.000000000000001: the rank among 100 numbers is 7 nevertheless."""
    for percent in range(1, 101):
        assert percentile(range(1, 101), 100 * (percent / 100)) == percent


def test_none_have_no_percentile():
    """NaN, which no chart draws and no comparison takes for a number."""
    assert math.isnan(percentile([], 95))


@pytest.mark.parametrize("percent", [-1, 100.5, math.nan])
def test_a_percentage_is_between_0_and_100(percent):
    """A share such as 95 % is given as 95."""
    with pytest.raises(ValueError, match="percent must"):
        percentile([1.0], percent)


def test_a_column_of_a_table_is_read_by_position() -> None:
    """After sorting, the labels of its index are in another order than its numbers."""
    column = pd.Series([3.0, 1.0, 2.0]).sort_values()
    assert [percentile(column, share) for share in (1, 50, 100)] == [1, 2, 3]
