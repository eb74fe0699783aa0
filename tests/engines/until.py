"""Waiting for other processes: with a deadline, never with a pause of a fixed length."""

from __future__ import annotations

import time
from collections.abc import Callable

WITHIN = 60.0  # seconds


def until(happened: Callable[[], object], what: str) -> None:
    """Return once `happened()` is true; after a minute, fail and say what did not happen."""
    deadline = time.monotonic() + WITHIN
    while not happened():
        assert time.monotonic() < deadline, f"not within {WITHIN:g} s: {what}"
        time.sleep(0.02)
