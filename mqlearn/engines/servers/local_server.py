"""The common part of every local server: start, kill, start again, stop."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from mqlearn.engines.servers.process import ServerProcess
from mqlearn.runtime import check


class LocalServer(ABC):
    """A genuine server on a free port of the loopback interface; `with` starts it, gives its URL,
    and ends it.

    It keeps its configuration, its log and its data in `folder`: a temporary one, removed at the
    end, or one that is given, which stays. `start` after `kill` or `stop` uses the same port and
    folder. Raises EngineError if what it needs is not installed, and if it does not start.
    """

    name: str  # the engine
    ready_within = 120.0  # seconds; a Kafka that starts in 4 s needs over 60 s on a busy machine

    def __init__(self, folder: str | Path | None = None) -> None:
        check.instance("folder", folder, (str, Path), optional=True)
        self._given = None if folder is None else Path(folder).absolute()
        self._folder: Path | None = None
        self._process: ServerProcess | None = None

    def __enter__(self) -> str:
        self.start()
        return self.url

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    @abstractmethod
    def url(self) -> str:
        """The address for clients of this engine."""

    @property
    def folder(self) -> Path:
        """The folder with configuration, log and data."""
        if self._folder is None:
            self._folder = self._given or Path(tempfile.mkdtemp(prefix=f"mqlearn-{self.name}-"))
            if self._given is None:
                self._remove = weakref.finalize(self, shutil.rmtree, self._folder, True)
        self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder

    @property
    def running(self) -> bool:
        """True while the server's process is alive."""
        return self._process is not None and self._process.running

    @property
    def pid(self) -> int | None:
        """The number of the process that was started; None if none is running."""
        return self._process.pid if self._process is not None and self.running else None

    def start(self) -> Self:
        """Start the server and return once it answers clients; nothing if it is running."""
        if self.running:
            return self
        command = self._prepare()
        self.kill()
        self._process = ServerProcess(
            command,
            environment=self._environment(),
            log=self.folder / "server.log",
            temporary=None if self._given else self.folder,
        )
        try:
            self._process.wait_until_ready(self._is_ready, self.name, self.ready_within)
        except BaseException:
            self.kill()
            raise
        return self

    def stop(self) -> None:
        """End the server in order: it may write what it still holds in memory."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def kill(self) -> None:
        """Kill every process of the server with signal 9, and wait until all of them are gone."""
        if self._process is not None:
            self._process.kill()
            self._process = None

    def close(self) -> None:
        """End the server, and remove its folder if that is a temporary one."""
        if self._given is not None:
            self.stop()
            return
        self.kill()  # its data goes with it: a slow, orderly end would save nothing
        if self._folder is not None:
            self._remove()
            self._folder = None

    @classmethod
    @abstractmethod
    def find(cls) -> str:
        """Return the path of the program; raises EngineError if it is not installed."""

    @abstractmethod
    def _prepare(self) -> Sequence[str]:
        """Write the configuration, and return the command that starts the server."""

    @abstractmethod
    def _is_ready(self) -> bool:
        """True if the server serves clients now, False while it refuses them."""

    def _environment(self) -> dict[str, str]:
        return dict(os.environ)
