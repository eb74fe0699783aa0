"""`make measure`: what it writes, at a tiny size, and what its crashes prove."""

from __future__ import annotations

import csv
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from mqlearn.units.choosing_a_technology.measured import kills, measurements
from tests.engines.conftest import need

ABOUT = {"date": "2026-01-01", "machine": "a test"}


@pytest.fixture(autouse=True)
def _redis_is_here() -> None:
    need("redis")


def test_a_measurement_has_a_row_for_each_mode_operation_and_round(tmp_path: Path) -> None:
    """The columns are those of the recorded file; a ratio is one speed over the other."""
    from bench.engines.__main__ import medians, write
    from bench.engines.candidates import REDIS
    from bench.engines.throughput import ROUNDS, measure

    ticks: list[int] = []
    rows = list(measure(replace(REDIS, counts=(30, 30, 5, 5)), ABOUT, lambda: ticks.append(1)))
    assert len(rows) == 4 * ROUNDS
    assert len(ticks) == ROUNDS + 1, "one round only warms up"
    assert list(rows[0]) == list(measurements().columns)
    for row in rows:
        assert float(row["messages"]) / float(row["seconds"]) == pytest.approx(
            float(row["per_second"]), rel=0.05
        )
        quotient = float(row["in_memory_per_second"]) / float(row["per_second"])
        assert float(row["ratio"]) == pytest.approx(quotient, rel=0.002)
    write(tmp_path / "rows.csv", rows)
    with (tmp_path / "rows.csv").open(encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == len(rows)
    assert len(medians(rows)) == 3


@pytest.mark.parametrize("setting", ["no", "off"])
def test_a_killed_server_keeps_what_it_has_given_to_the_kernel(setting: str) -> None:
    """With a file, even one that is never synced, nothing is lost; without one, everything."""
    from bench.engines.candidates import KILLS
    from bench.engines.crashes import killed

    candidate = next(each for each in KILLS if each.options.get("appendfsync") == setting)
    row = killed(candidate, ABOUT)
    assert list(row) == list(kills().columns)
    assert row["confirmed"] > 0
    assert row["found"] + row["lost"] == row["confirmed"]
    assert row["lost"] == (row["confirmed"] if setting == "off" else 0)


@pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("mkfs.ext4"), reason="a power cut needs root and ext4"
)
def test_a_power_cut_takes_what_only_the_kernel_had() -> None:
    """Never synced, all is lost; synced with every command, nothing that was confirmed."""
    from bench.engines.candidates import POWER_CUTS
    from bench.engines.crashes import power_cut

    by_setting = {each.options.get("appendfsync"): each for each in POWER_CUTS}
    try:
        rows = {name: power_cut(by_setting[name], ABOUT) for name in ("always", "no")}
    except RuntimeError as error:
        pytest.skip(f"no disk of its own can be mounted here: {error}")
    assert rows["always"]["confirmed"] > 0
    assert rows["always"]["lost"] == 0
    assert rows["no"]["lost"] == rows["no"]["confirmed"] > 0
