"""Genuine servers for the tests: one of each engine, shared by all tests of a process.

A test that needs an engine is skipped where that is not installed, and so is a module that needs
an engine's client. Both fail where MQLEARN_REQUIRE_ENGINES asks for engines: "1" for the usual
four, or names, such as "1,pulsar".
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from mqlearn.engines.servers import SERVERS, GivenServer, LocalServer, local, why_not
from tests.engines import contract
from tests.engines.clients import REQUIRED, ClientModule
from tests.engines.queues import KINDS
from tests.engines.site import Site
from tests.engines.streams import LOGS, LogSite

USUAL = ("redis", "rabbitmq", "kafka", "sqs")


def required() -> set[str]:
    """The engines whose absence is a failure."""
    named = set(os.environ.get(REQUIRED, "").split(",")) - {""}
    return {*(USUAL if "1" in named else ()), *(named & set(SERVERS))}


def need(engine: str) -> None:
    """Skip the test where the engine is not installed; fail it where the engine is required."""
    reason = why_not(engine)
    if reason and engine in required():
        pytest.fail(f"{REQUIRED} requires {engine}: {reason}", pytrace=False)
    if reason:
        pytest.skip(reason)


class Servers:
    """The servers of this test run, each started when a test first asks for it."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._started: dict[str, LocalServer | GivenServer] = {}

    def __getitem__(self, engine: str) -> LocalServer | GivenServer:
        """The running server of an engine; it is started again if a test has ended it."""
        need(engine)
        if engine not in self._started:
            server = local(engine)
            self._stack.enter_context(server)
            self._started[engine] = server
        server = self._started[engine]
        if isinstance(server, LocalServer):
            server.start()
        return server

    def url(self, engine: str) -> str:
        """The address of an engine's server."""
        return self[engine].url

    def close(self) -> None:
        """End all of them."""
        self._stack.close()


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """The shared servers; they end with the test run."""
    shared = Servers()
    yield shared
    shared.close()


@pytest.fixture(params=list(KINDS))
def site(request: pytest.FixtureRequest, servers: Servers, record_property: Any) -> Iterator[Site]:
    """A site for one test of the contract; each test runs once for each kind of queue."""
    noted: list[str] = []
    record_property("noted", noted)
    opened = Site(KINDS[request.param], servers, noted.append)
    yield opened
    opened.close()


@pytest.fixture(params=list(LOGS))
def log_site(
    request: pytest.FixtureRequest, servers: Servers, record_property: Any
) -> Iterator[LogSite]:
    """A site for one test of the contract of logs; each test runs once for each kind of log."""
    noted: list[str] = []
    record_property("noted", noted)
    opened = LogSite(request.param, servers, noted.append)
    yield opened
    opened.close()


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark of a rule."""
    config.addinivalue_line("markers", "rule(text): the rule of the contract that a test tests")


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> ClientModule:
    """Return a test module that is skipped where an engine's client is not installed."""
    return ClientModule.from_parent(parent, path=module_path)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of one engine on one process, so that its server is started once."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            contract.note_rule(item)
            item.add_marker(pytest.mark.xdist_group(_group(item)))


def _group(item: pytest.Item) -> str:
    """Return the engine whose server a test uses, or else the name of its file."""
    parameters = getattr(item, "callspec", None)
    if parameters is None:
        return item.path.stem
    kind = KINDS.get(str(parameters.params.get("site")))
    if kind is not None:
        return kind.server or kind.id
    if "log_site" in parameters.params:
        return LOGS[parameters.params["log_site"]] or "memory"
    return str(parameters.params.get("engine") or item.path.stem)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the contract's table."""
    contract.summary(terminalreporter, [*KINDS, *(kind for kind in LOGS if kind not in KINDS)])
