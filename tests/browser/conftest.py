"""For each process that runs tests of this folder a browser and a JupyterLab; a line for each time
measured.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser import chromium, jupyter
from tests.browser.machine import Machine

SHOTS = Path(os.environ.get("MQLEARN_SHOTS") or Path(__file__).parent / "shots")
MEASURED = "measured"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium, started once."""
    executable = chromium.find()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable, args=list(chromium.ARGUMENTS)
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def server(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[jupyter.Jupyter]:
    """A JupyterLab on a copy of the notebooks; it is not even started where there is no browser."""
    with jupyter.running(tmp_path_factory.mktemp("jupyter")) as server:
        yield server


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page in a browser session of its own."""
    with browser.new_context(viewport={"width": 1440, "height": 900}) as context:
        yield context.new_page()


@pytest.fixture
def shots() -> Path:
    """The folder for screenshots, which version control ignores."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    return SHOTS


@pytest.fixture
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """What all processes of this run share: their temporary folders stand in one."""
    return Machine(tmp_path_factory.getbasetemp().parent / "machine.lock")


@pytest.fixture
def measured(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Takes a line that the end of the test run shows."""
    return lambda line: record_property(MEASURED, line)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was measured, for whoever wonders how close to the limit it was."""
    reports = [
        report for kind in ("passed", "failed") for report in terminalreporter.getreports(kind)
    ]
    lines = sorted(
        str(line)
        for report in reports
        if report.when == "call"
        for name, line in report.user_properties
        if name == MEASURED
    )
    if lines:
        terminalreporter.section("from a key press on a slider to the new picture")
        for line in lines:
            terminalreporter.line(line)
