"""A gate that many pass together, and one passes alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mqlearn.runtime.base import Runtime


class Gate:
    """Lets any number of tasks be inside together; one that must be alone waits until all of them
    have left, and keeps new ones out meanwhile. Those that it kept out come next.

    Between what an engine did and the record of it lies a moment. Whatever concerns all messages at
    once, such as a purge, must not fall into that moment of one of them.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._changed = runtime.condition()
        self._inside = self._kept_out = 0
        self._taken = False

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Be inside, with others."""
        with self._changed:
            self._kept_out += 1
            try:
                while self._taken:
                    self._changed.wait()
                self._inside += 1
            finally:
                self._kept_out -= 1
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Be inside, without others."""
        with self._changed:
            while self._taken or self._kept_out:
                self._changed.wait()
            self._taken = True
        try:
            with self._changed:
                while self._inside:
                    self._changed.wait()
            yield
        finally:
            with self._changed:
                self._taken = False
                self._changed.notify_all()
