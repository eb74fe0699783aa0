"""The command lines of the project: each explains itself, and does nothing by mistake."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = {
    "bench": ["-m", "bench"],
    "chaos": ["-m", "tests.chaos"],
    "histories": ["-m", "tests.streaming"],
    "replication": ["-m", "tests.replication"],
    "engines": ["-m", "mqlearn.engines.servers.install"],
    **{path.stem: [str(path)] for path in sorted((ROOT / "scripts").glob("*.py"))},
}


def call(program: str, *arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run a program with these arguments in a folder, and return how it ended."""
    return subprocess.run(
        [sys.executable, *PROGRAMS[program], *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("program", PROGRAMS)
def test_help_explains_and_does_nothing(program: str, tmp_path: Path) -> None:
    """Not even a folder with the name of the option is made."""
    ended = call(program, "--help", folder=tmp_path)
    assert ended.returncode == 0 and ended.stdout.startswith("usage: "), ended.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("program", PROGRAMS)
def test_an_unknown_option_is_refused(program: str, tmp_path: Path) -> None:
    """Before anything is done."""
    ended = call(program, "--no-such-option", folder=tmp_path)
    assert ended.returncode == 2 and "--no-such-option" in ended.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("count", ["0", "-1", "abc", "1.5", "", "1e3", "nan"])
@pytest.mark.parametrize("program", ["chaos", "histories", "replication"])
def test_no_days_are_not_days_without_a_fault(program: str, count: str) -> None:
    """A number of 1 or more, or an error that names the option."""
    option = "--days" if program == "chaos" else "--count"
    ended = call(program, f"{option}={count}")
    assert ended.returncode == 2 and ended.stdout == ""
    assert f"{option}: must be a whole number, 1 or more, got {count!r}" in ended.stderr


@pytest.mark.parametrize("name", ["no_such.ipynb", "README.md"])
def test_only_notebooks_are_written_anew(name: str) -> None:
    """What is none is named, and nothing is run."""
    ended = call("write_notebooks", name)
    assert ended.returncode == 2 and f"got {ROOT / name}" in ended.stderr
