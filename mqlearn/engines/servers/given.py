"""A server that is not ours: its address comes from an environment variable."""

from __future__ import annotations

import socket
from pathlib import Path
from types import TracebackType
from typing import NoReturn
from urllib.parse import urlsplit

from mqlearn.engines.errors import EngineError

WAIT = 10.0  # seconds for a connection
PORTS = {"http": 80, "https": 443}


class GivenServer:
    """The server at the address that `variable` holds: used, never started, killed or stopped."""

    def __init__(self, name: str, url: str, variable: str) -> None:
        self.name = name
        self.url = url
        self.variable = variable
        self.running = True
        self.pid = None

    def __enter__(self) -> str:
        """Return the address, once something listens there; raises EngineError if nothing does."""
        parts = urlsplit(self.url if "://" in self.url else f"//{self.url}")
        try:
            address = (parts.hostname or "", parts.port or PORTS.get(parts.scheme, 0))
            socket.create_connection(address, timeout=WAIT).close()
        except (OSError, ValueError) as error:
            said = f"{self.variable} is {self.url!r}, but nothing answers there: {error}"
            raise EngineError(said) from error
        return self.url

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave the server as it is."""

    def close(self) -> None:
        """Leave the server as it is."""

    @property
    def folder(self) -> Path:
        """Nothing that we could know: raises EngineError."""
        self._refuse("tell the folder of")

    def start(self) -> NoReturn:
        """Raise EngineError: the server is not ours."""
        self._refuse("start")

    def stop(self) -> NoReturn:
        """Raise EngineError: the server is not ours."""
        self._refuse("stop")

    def kill(self) -> NoReturn:
        """Raise EngineError: the server is not ours."""
        self._refuse("kill")

    def _refuse(self, verb: str) -> NoReturn:
        raise EngineError(
            f"cannot {verb} the {self.name} server at {self.url!r}: {self.variable} is set, so it "
            "is not ours; unset it and we start one"
        )
