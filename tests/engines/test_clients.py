"""A test module whose client is not installed is skipped; it fails where engines are required."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.engines.clients import REQUIRED, ClientModule


def collect(request: pytest.FixtureRequest, folder: Path, text: str) -> list[str]:
    """Return the names of the tests in a module with this text."""
    path = folder / "test_of_a_client.py"
    path.write_text(text, encoding="utf-8")
    module = request.session.gethookproxy(Path(__file__)).pytest_pycollect_makemodule(
        module_path=path, parent=request.session
    )
    assert isinstance(module, ClientModule)
    return [found.name for found in module.collect()]


@pytest.fixture(autouse=True)
def no_pika(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make `import pika` fail as it does where RabbitMQ's client is not installed."""
    monkeypatch.setitem(sys.modules, "pika", None)
    monkeypatch.delenv(REQUIRED, raising=False)


def test_a_missing_client_skips_the_module(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """The reason names the client and the command that installs it."""
    with pytest.raises(pytest.skip.Exception, match="pika is not installed: `make engines`"):
        collect(request, tmp_path, "import pika")


def test_a_required_client_fails_the_module(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where engines are required, as in CI, the same module is an error."""
    monkeypatch.setenv(REQUIRED, "1")
    with pytest.raises(pytest.Collector.CollectError, match="import of pika"):
        collect(request, tmp_path, "import pika")


@pytest.mark.parametrize("text", ["import pikka", "import mqlearn.rabbit", "1 +", "1 / 0"])
def test_any_other_fault_fails_the_module(
    text: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Only a missing client is a reason to skip."""
    with pytest.raises((pytest.Collector.CollectError, ZeroDivisionError)):
        collect(request, tmp_path, text)


def test_a_module_that_can_be_imported_is_collected(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Nothing changes for it."""
    assert collect(request, tmp_path, "def test_this(): ...") == ["test_this"]
