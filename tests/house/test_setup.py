"""The files around the package agree with each other, and say what to do when something is
missing.
"""

import re
import stat
import subprocess
import sys
import tomllib
from itertools import chain
from typing import Any

import pytest

from scripts import check_python, open_lab
from tests.house.source import ROOT


def project() -> dict[str, Any]:
    """The table [project] of pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def environment() -> list[str]:
    """The entries of environment.yml, in order, without their dashes."""
    lines = (ROOT / "environment.yml").read_text(encoding="utf-8").splitlines()
    return [line.strip().removeprefix("- ") for line in lines if line.strip().startswith("- ")]


def test_environment_is_in_step() -> None:
    """The conda environment takes its packages from pyproject.toml, on a Python that is supported
    there.
    """
    entries = environment()
    python = next(entry for entry in entries if entry.startswith("python="))
    oldest = project()["requires-python"].removeprefix(">=")
    version, least = (
        [int(part) for part in text.split(".")] for text in (python.split("=")[1], oldest)
    )
    assert version >= least
    editable = next(entry for entry in entries if entry.startswith("-e "))
    extras = re.findall(r"\[(.*)\]", editable)[0].split(",")
    assert set(extras) <= set(project()["optional-dependencies"])
    # Whatever else stands there would be a second place to say what pyproject.toml says.
    assert set(entries) == {"conda-forge", python, "pip", "pip:", editable}


def test_each_dependency_earns_its_place() -> None:
    """Beside each dependency stands what it is for, and below the notebooks there is only one."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    extras = project()["optional-dependencies"].values()
    for requirement in chain(project()["dependencies"], *extras):
        assert re.search(rf'"{re.escape(requirement)}", +# \w', text), f"why {requirement}?"
    assert [re.split("[>=<]", each)[0] for each in project()["dependencies"]] == ["greenlet"]


def test_python_that_cannot_set_up_is_told_why() -> None:
    """An old Python, or one without ensurepip, is answered in one sentence; this one is not."""
    assert check_python.complaint() is None
    assert "needs Python 3.11 or newer" in check_python.complaint(version=(3, 10))
    assert "apt install python3-venv" in check_python.complaint(modules=("no_such_module",))


def test_jupyter_listens_on_loopback_with_a_token() -> None:
    """`make lab` binds to loopback, never passes its token where other users see it, and knows
    root.
    """
    words = open_lab.command(8888, browser=False, root=True)
    assert {"--ServerApp.ip=127.0.0.1", "--no-browser", "--allow-root"} <= set(words)
    assert not [word for word in words if "token" in word.lower() or "password" in word.lower()]
    plain = open_lab.command(8888, browser=True, root=False)
    assert not {"--no-browser", "--allow-root"} & set(plain)


def test_ci_runs_what_people_run() -> None:
    """CI's own file is executable, valid bash, requires the engines that it installs, ends in
    `make test`, and the workflow calls nothing else.
    """
    run = ROOT / ".ci" / "run"
    assert run.stat().st_mode & stat.S_IXUSR
    subprocess.run(["bash", "-n", str(run)], check=True)
    lines = run.read_text(encoding="utf-8").split("\n")
    assert [line for line in lines if line.strip()][-2:] == ["make engines", "make test"]
    assert "export MQLEARN_REQUIRE_ENGINES=1" in "\n".join(lines)
    workflow = (ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8")
    assert re.findall(r"- run: (.*)", workflow) == ["bash .ci/run"]
    versions = re.findall(r'"(3\.\d+)"', workflow)
    assert versions == ["3.11", "3.12", "3.13", "3.14"]


def test_make_lists_its_targets() -> None:
    """`make` alone says what there is, and each target that people call is there."""
    shown = subprocess.run(
        ["make", "-C", str(ROOT)], capture_output=True, text=True, check=True
    ).stdout
    for target in ("lab", "test", "engines", "contract", "notebooks", "bench", "clean"):
        assert re.search(rf"make {target} +\w", shown)


@pytest.mark.skipif(sys.platform == "win32", reason="git's paths are compared as POSIX paths")
def test_no_path_of_a_machine() -> None:
    """No file of the project names a folder of somebody's machine."""
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    machine = re.compile(r"(?<![\w/.])/(home|Users|root|work|tmp|opt)/\w")
    for file in listed:
        if file == "compose.yaml":  # its paths are those within the containers' images
            continue
        try:
            text = (ROOT / file).read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError):  # a picture, or a file just being moved
            continue
        found = machine.search(text)
        assert not found, f"{file} names {found.group() if found else ''}"
