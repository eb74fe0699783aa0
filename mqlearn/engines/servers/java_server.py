"""The common part of the servers that run on Java."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path

from mqlearn.engines.servers.java import archive, jars, java
from mqlearn.engines.servers.local_server import LocalServer
from mqlearn.runtime import check

# Half the processor time of a start: no compiler that optimises for hours, no collector's threads.
QUICK = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


class JavaServer(LocalServer):
    """A server with `heap` MB of memory for its objects."""

    def __init__(self, heap: int, least: int, folder: str | Path | None) -> None:
        self.heap = check.whole("heap", heap, low=least)
        self.new_archive: Path | None = None  # written at the end of the next run, if it is set
        super().__init__(folder)

    @classmethod
    def find(cls) -> str:
        jars(cls.name)
        return java()

    def _prepare(self) -> Sequence[str]:
        return [*self._java(), *self._main()]

    def _java(self) -> list[str]:
        """Return the beginning of a command line that runs a class of this engine."""
        program = self.find()
        flags = [f"-Xmx{self.heap}m", *self._flags(), *self._archive_flags()]
        return [program, *flags, "-cp", f"{jars(self.name)}{os.sep}*"]

    def _archive_flags(self) -> list[str]:
        if self.new_archive is not None:
            return [f"-XX:ArchiveClassesAtExit={self.new_archive}"]
        there = archive(self.name)
        return [f"-XX:SharedArchiveFile={there}"] if there.exists() else []

    def _flags(self) -> Sequence[str]:
        """Return further flags of Java."""
        return QUICK

    @abstractmethod
    def _main(self) -> Sequence[str]:
        """Write the settings, and return the class that is the server, with its arguments."""
