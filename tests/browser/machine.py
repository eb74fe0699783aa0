"""The machine, which the tests of this folder share, until one of them times something and must
have it to itself.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Machine:
    """Processes that use the machine side by side, by a lock on the file at `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Work while others may work, and nobody times anything."""
        yield from self._holding(fcntl.LOCK_SH)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Time something while all others stand still."""
        yield from self._holding(fcntl.LOCK_EX)

    def _holding(self, kind: int) -> Iterator[None]:
        with self.path.open("a") as file:  # closing it lets go, and so does dying
            fcntl.flock(file, kind)
            yield
