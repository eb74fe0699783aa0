"""One start of a server: its process tree, its log, and the guard that outlives us."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from mqlearn.engines.errors import EngineError
from mqlearn.engines.servers import process_tree

STEP = 0.05  # seconds between two questions whether the server is ready
STOPS_WITHIN = 30.0  # seconds for a polite end, before it is killed
TAIL = 2_000  # characters of the log that an error quotes
# Below the range of ports that systems give to outgoing connections: a client that keeps
# calling a dead server there can be given the very port it calls, and then talks to itself.
PORTS = range(15_000, 32_000)


def free_port() -> int:
    """Return a port of the loopback interface that nothing listens on."""
    for _ in range(1_000):
        port = PORTS[secrets.randbelow(len(PORTS))]
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise EngineError(f"no free port found between {PORTS.start} and {PORTS.stop}")


class ServerProcess:
    """A started server with every process that belongs to it.

    It leads a session of its own, so that Ctrl-C in a notebook does not reach it. It ends when
    this object is collected, when Python exits, and, by its guard, when Python is killed;
    `temporary` is a folder that the guard removes then.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        log: Path,
        temporary: Path | None = None,
    ) -> None:
        self.log = log
        self._log_start = log.stat().st_size if log.exists() else 0
        mark = secrets.token_hex(8)
        with log.open("ab") as output:
            self._popen = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**environment, process_tree.MARK: mark},
                cwd=log.parent,
                start_new_session=True,
            )
        self._guard = _start_guard(self._popen.pid, mark, temporary)
        self.mark = mark
        self._end = weakref.finalize(self, _end, self._popen, self._guard, mark, os.getpid())

    @property
    def pid(self) -> int:
        """The number of the process that was started."""
        return self._popen.pid

    @property
    def running(self) -> bool:
        """True while the process that was started is alive."""
        return self._popen.poll() is None

    def wait_until_ready(self, is_ready: Callable[[], bool], what: str, within: float) -> None:
        """Return once `is_ready()` is True; if that takes longer than `within` seconds, or the
        server ends, kill it and raise EngineError with the end of its log.
        """
        deadline = time.monotonic() + within
        while self.running:
            if is_ready():
                return
            if time.monotonic() > deadline:
                self.kill()
                raise EngineError(f"{what} was not ready within {within:g} s{self._tail()}")
            time.sleep(STEP)
        status = self._popen.returncode
        self.kill()
        raise EngineError(f"{what} ended with status {status} while starting{self._tail()}")

    def stop(self) -> None:
        """End the server politely, with SIGTERM, and kill what is left of it."""
        self._popen.terminate()
        try:
            self._popen.wait(STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            pass
        self.kill()

    def kill(self) -> None:
        """Kill the whole tree with signal 9 and wait until nothing of it is left."""
        if self._end() is False:
            raise EngineError(f"process {self.pid} or a child of it survives kill -9")

    def new_log(self) -> str:
        """Return what the server has logged since this start."""
        with self.log.open("rb") as file:
            file.seek(self._log_start)
            return file.read().decode(errors="replace")

    def _tail(self) -> str:
        tail = self.new_log().strip()[-TAIL:]
        return f"; the end of {self.log}:\n{tail}" if tail else f"; {self.log} is empty"


def _start_guard(root: int, mark: str, temporary: Path | None) -> subprocess.Popen[bytes]:
    # By its path, so that it imports nothing of the package: it is there at once, and it is small.
    # -P keeps the neighbours of that file, such as redis.py, off its path.
    return subprocess.Popen(
        [sys.executable, "-P", process_tree.__file__, str(root), mark, str(temporary or "")],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _end(
    popen: subprocess.Popen[bytes], guard: subprocess.Popen[bytes], mark: str, owner: int
) -> bool:
    """Kill a server and its guard; True if nothing of them is left."""
    if os.getpid() != owner:  # a forked child exits, but the server is its parent's
        return True
    guard.kill()
    guard.communicate()
    popen.kill()
    popen.wait()
    return process_tree.kill(popen.pid, mark)
