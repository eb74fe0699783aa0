"""Unit 14: the recorded measurements are read as they were written."""

import pandas as pd

from mqlearn.units.choosing_a_technology.measured import measurements


def test_the_recording_is_read_with_its_numbers(recorded: pd.DataFrame) -> None:
    """Numbers as numbers, but versions and "none" as texts."""
    table = measurements()
    pd.testing.assert_frame_equal(table, recorded)
    assert table["per_second"].dtype == float
    assert set(table["version"]) == {"1.0"} and set(table["durability"]) == {"none"}
