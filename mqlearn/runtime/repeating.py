"""A call that a clock makes again and again."""

from __future__ import annotations

from collections.abc import Callable

from mqlearn.runtime.base import Runtime, weak_callback


class Repeating:
    """Calls `fn()` after `first` seconds, and then every `seconds()` seconds until it is cancelled.

    No clock keeps it alive: once its owner is garbage collected, the calls end. A simulation does
    not go on for it.
    """

    def __init__(
        self,
        runtime: Runtime,
        fn: Callable[[], object],
        seconds: Callable[[], float],
        *,
        first: float,
    ) -> None:
        self._runtime, self._fn, self._seconds = runtime, fn, seconds
        self._cancelled = False
        self._ring_weakly = weak_callback(self._ring)
        self._set(first)

    def cancel(self) -> None:
        """Make no further call."""
        self._cancelled = True
        self._timer.cancel()

    def _set(self, seconds: float) -> None:
        due = self._runtime.now + seconds
        self._timer = self._runtime.call_at(due, self._ring_weakly, daemon=True)

    def _ring(self) -> None:
        # on threads it may be cancelled while it rings, before and after the call
        if self._cancelled:
            return
        try:
            self._fn()
        finally:  # one call that fails does not end the others
            if not self._cancelled:
                self._set(self._seconds())
