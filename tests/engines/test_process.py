"""A server's process tree, its guard, and what is left when we end: on servers of three lines."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from mqlearn.engines.errors import EngineError
from mqlearn.engines.servers import LocalServer
from mqlearn.engines.servers.process import free_port
from tests.engines.until import until

# A process that starts a daemon in a session of its own, as Erlang's epmd does, and a child.
FAMILY = """
import subprocess, sys, time
sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
daemon = subprocess.Popen(sleep, start_new_session=True)
child = subprocess.Popen(sleep)
print("members", daemon.pid, child.pid, flush=True)
time.sleep(600)
"""
# A program of ours that starts such a server, says its processes and its folder, and waits.
# What was started in the background ignores interrupts, and so do its children: not this one.
OWNER = """
import signal, time
from tests.engines.test_process import Family
signal.signal(signal.SIGINT, signal.default_int_handler)
server = Family()
server.start()
print(*server.members(), server.folder, flush=True)
time.sleep(600)
"""


class Family(LocalServer):
    """A server that is three processes."""

    name = "family"
    code = FAMILY

    @property
    def url(self) -> str:
        return "family://"

    @classmethod
    def find(cls) -> str:
        return sys.executable

    def _prepare(self) -> Sequence[str]:
        return [self.find(), "-c", self.code]

    def _is_ready(self) -> bool:
        return "members" in self._process.new_log()

    def members(self) -> list[int]:
        """The numbers of the three processes."""
        line = self._process.new_log().split("\n")[0]
        return [self.pid, *map(int, line.split()[1:])]


class Loud(Family):
    """A server that says why it ends, and ends."""

    code = "print('no disk left', flush=True); raise SystemExit(7)"


class Silent(Family):
    """A server that never gets ready."""

    code = "import time; time.sleep(600)"
    ready_within = 0.1


def alive(pids: Sequence[int]) -> list[int]:
    """Those of the processes that run."""
    found = []
    for pid in pids:
        try:
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                found.append(pid)
        except psutil.NoSuchProcess:
            pass
    return found


@pytest.mark.parametrize("verb", ["kill", "stop", "close"])
def test_the_whole_tree_ends(verb: str) -> None:
    """Also the daemon that has left the session of its parent; when the call returns, not later."""
    server = Family()
    server.start()
    members = server.members()
    assert len(members) == 3 and alive(members) == members
    getattr(server, verb)()
    assert alive(members) == [] and not server.running
    server.close()


def test_a_server_that_is_forgotten_ends() -> None:
    """And takes its temporary folder with it; a warning would fail this test."""
    server = Family()
    server.start()
    members, folder = server.members(), server.folder
    del server
    gc.collect()
    assert alive(members) == [] and not folder.exists()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_survives_our_own_end(ending: signal.Signals) -> None:
    """Interrupted, ended, or killed without a moment to clean up: the guard does it then."""
    root = Path(__file__).parents[2]
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    with owner:
        *members, folder = owner.stdout.readline().split()
        pids = list(map(int, members))
        assert alive(pids) == pids
        owner.send_signal(ending)
        try:
            owner.wait(60)
        finally:
            owner.kill()
    until(lambda: not alive(pids), "the end of the server")
    until(lambda: not Path(folder).exists(), "the end of its folder")


def test_a_server_that_ends_while_starting_is_quoted() -> None:
    """Its status and the end of its log are in the error, and it can be tried again."""
    server = Loud()
    for _ in range(2):
        with pytest.raises(EngineError, match=r"(?s)family ended with status 7.*no disk left"):
            server.start()
        assert not server.running
    server.close()


def test_a_server_that_never_gets_ready_is_killed() -> None:
    """After the limit, which the error names."""
    server = Silent()
    with pytest.raises(EngineError, match=r"family was not ready within 0.1 s; .* is empty"):
        server.start()
    assert not server.running
    server.close()


def test_a_given_folder_stays(tmp_path: Path) -> None:
    """With the log of the server; a folder that is missing is made."""
    with Family(tmp_path / "deep" / "data") as url:
        assert url == "family://"
    assert "members" in (tmp_path / "deep" / "data" / "server.log").read_text(encoding="utf-8")


def test_a_free_port_is_one_that_no_client_is_given() -> None:
    """Below the range from which Linux and macOS take the ports of outgoing connections."""
    assert all(15_000 <= free_port() < 32_000 for _ in range(100))
