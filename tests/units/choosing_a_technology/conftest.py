"""A recording of measurements in the place of the project's own."""

from pathlib import Path

import pandas as pd
import pytest

from mqlearn.units.choosing_a_technology import measured
from tests.units.choosing_a_technology.recording import recording


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    """The small table, as if it were notebooks/data/engines.csv."""
    table = recording()
    table.to_csv(tmp_path / "engines.csv", index=False)
    monkeypatch.setattr(measured, "data_file", lambda name: tmp_path / name)
    return table


@pytest.fixture
def unrecorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package without a clone: it has no recording."""

    def missing(name: str) -> Path:
        raise FileNotFoundError(f"{name} is in none of the folders")

    monkeypatch.setattr(measured, "data_file", missing)
