"""The clock of a message: what its age is read from."""

from __future__ import annotations

import time
from typing import Any

from mqlearn.runtime.base import Runtime


class Clock:
    """The clock that a message reads its age from: that of its queue's `runtime`, or without one
    the wall clock. The age counts from `delay` seconds after the message was sent.

    Copies of a message share it. Its runtime is not pickled: in another process it is the wall
    clock.
    """

    def __init__(self, runtime: Runtime | None = None, delay: float = 0.0) -> None:
        self._runtime, self.delay = runtime, delay

    def now(self) -> float:
        """Return the time (s)."""
        return time.time() if self._runtime is None else self._runtime.now

    def __copy__(self) -> Clock:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Clock:
        return self

    def __reduce__(self) -> tuple[type[Clock], tuple[None, float]]:
        return Clock, (None, self.delay)


WALL_CLOCK = Clock()
