"""The processes of one server: found, and killed to the last one.

A server is more than the process that was started. RabbitMQ's script starts the Erlang machine,
which starts a daemon of its own, epmd, that leaves the session and outlives both. So every process
that we start carries a mark in its environment, and whatever has the mark belongs to the server.
Redis overwrites its environment with its title; it is found by its session.

Run as a program, this file is the guard of a server: it waits until its standard input ends, which
happens when the process that started the server is gone, however it went, and kills the server.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil

MARK = "MQLEARN_SERVER"  # the variable whose value is the mark
LIMIT = 30.0  # seconds within which killed processes must be gone
STEP = 0.01  # seconds between two looks


def members(root: int, mark: str) -> list[psutil.Process]:
    """Return every living process of the server that was started as process `root` with `mark`.

    A zombie is not alive: it waits for its parent to notice, and in a container the parent may
    never look.
    """
    import psutil

    return [process for process in psutil.process_iter() if _belongs(process, root, mark)]


def _belongs(process: psutil.Process, root: int, mark: str) -> bool:
    import psutil

    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return os.getsid(process.pid) == root or process.environ().get(MARK) == mark
    except (psutil.Error, OSError):  # gone meanwhile, or another user's
        return False


def kill(root: int, mark: str) -> bool:
    """Kill the whole tree with signal 9 and wait for its end; False if something survives."""
    import psutil

    deadline = time.monotonic() + LIMIT
    while alive := members(root, mark):
        for process in alive:
            try:
                process.send_signal(signal.SIGKILL)
            except psutil.Error:
                pass
        if time.monotonic() > deadline:
            return False
        time.sleep(STEP)
    return True


def guard(root: int, mark: str, folder: str) -> None:
    """Wait for the end of the standard input; then kill the tree and remove the folder, if any."""
    sys.stdin.buffer.read()
    kill(root, mark)
    if folder:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    guard(int(sys.argv[1]), sys.argv[2], sys.argv[3])
