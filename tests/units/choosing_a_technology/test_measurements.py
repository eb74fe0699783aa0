"""Unit 14: the recorded measurements are read as they were written."""

from pathlib import Path

import pandas as pd
import pytest

from mqlearn.units.choosing_a_technology import measurements
from mqlearn.units.choosing_a_technology.measurements import measured


def test_the_recording_is_read_with_its_numbers(recorded: pd.DataFrame) -> None:
    """Every round, with numbers as numbers."""
    table = measured()
    pd.testing.assert_frame_equal(table, recorded)
    assert table["per_second"].dtype == float


def test_a_recording_without_a_column_is_refused(recorded: pd.DataFrame) -> None:
    """The error names the column."""
    path = measurements.data_file("engines.csv")
    recorded.drop(columns="durability").to_csv(path, index=False)
    with pytest.raises(ValueError, match=r"engines\.csv must have .*, got no durability"):
        measured()


def test_without_a_recording_the_error_says_where_it_was_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package without a clone has none."""
    monkeypatch.setattr(measurements, "RECORDED", "no_such_engines.csv")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"no_such_engines\.csv is in none of"):
        measured()
