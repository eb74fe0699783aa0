"""Code that is handed in and misbehaves at random: listeners, policies, keys and handlers that
raise anything, or answer what no caller can use.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from mqlearn import (
    Message,
    MessagePriority,
    Outcome,
    Reject,
    Release,
    RetryPolicy,
    Simulation,
)

NONSENSE = (None, math.nan, math.inf, -1.0, "soon", [1.0])


class Mischief(Exception):
    """Raised on purpose by code that was handed in."""


class Wordless(Exception):
    """An exception whose text cannot be read."""

    def __str__(self) -> str:
        raise Mischief("no text")


class Unreadable:
    """A result that is neither true nor false, as a DataFrame is."""

    def __bool__(self) -> bool:
        raise Mischief("neither true nor false")


class Promise:
    """What an asynchronous handler returns: awaiting it would do the work. No coroutine, since
    Python warns of each that nothing awaits.
    """

    def __await__(self) -> Iterator[None]:
        yield


def generator() -> Iterator[None]:
    """Run nothing."""
    yield


def raises(kind: type[BaseException], *args: object) -> Callable[[Message], object]:
    """Return a handler that raises this."""

    def handle(message: Message) -> object:
        raise kind(*args)

    return handle


def spoils(message: Message) -> object:
    """Do the work, and overwrite every field of the delivery by what no field may be."""
    message.id = message.headers = message.priority = message.body = None  # type: ignore[assignment]
    message.receipt = message.attempt = message.retry_count = -7
    message.max_retries = message.ttl = "many"  # type: ignore[assignment]
    return None


def forges(message: Message) -> object:
    """Do the work, and make of the delivery another one that might be true."""
    message.id, message.headers, message.priority = "forged", {}, MessagePriority.LOW
    message.receipt, message.attempt, message.max_retries = message.receipt + 1, 1, 0
    return None


# What a handler does instead of its work, by how that must be read.
TRICKS: tuple[tuple[str, Callable[[Message], object]], ...] = (
    ("failed", raises(SystemExit, 3)),
    ("failed", raises(asyncio.CancelledError)),
    ("failed", raises(GeneratorExit)),
    ("failed", raises(Wordless)),
    ("failed", lambda message: Unreadable()),
    ("failed", lambda message: Outcome("failed", "the handler returned it")),
    ("failed", lambda message: ValueError("returned")),
    ("failed", lambda message: Promise()),
    ("failed", lambda message: generator()),
    ("rejected", lambda message: Outcome("rejected", "it says so")),
    ("rejected", lambda message: Reject("returned")),
    ("released", lambda message: Outcome("released", delay=1.0)),
    ("released", lambda message: Release(2.0)),
    ("completed", spoils),
    ("completed", forges),
)


class Trouble:
    """A `share` of all calls of handed-in code goes wrong; `count` says how many have, by kind."""

    def __init__(self, share: float, sim: Simulation) -> None:
        self.share, self.sim = share, sim
        self.calls, self.count = Counter[str](), Counter[str]()

    def strikes(self, what: str) -> bool:
        """Return True if this call of `what` is to go wrong."""
        self.calls[what] += 1
        struck = self.sim.draw("mischief", what, self.calls[what]) < self.share
        self.count[what] += struck
        return struck

    def which(self, what: str, choices: int) -> int:
        """Return the number of one of so many choices, drawn for this call."""
        return int(self.sim.draw("which", what, self.calls[what]) * choices)

    def listener(self, what: str) -> Callable[..., None]:
        """Return a listener that raises now and then."""

        def hear(*_: object) -> None:
            if self.strikes(what):
                raise Mischief(f"{what} does not want to hear")

        return hear

    def answer(self, what: str, right: Any) -> Any:
        """Return the right answer, or raise, or return nonsense."""
        if not self.strikes(what):
            return right
        choice = self.which(what, 2 * len(NONSENSE))
        if choice < len(NONSENSE):
            return NONSENSE[choice]
        raise Mischief(f"{what} has no answer")

    def raises(self, what: str, right: Any) -> Any:
        """Return the right answer, or raise."""
        if self.strikes(what):
            raise Mischief(f"{what} has no answer")
        return right

    def trick(self, message: Message) -> tuple[str, Callable[[Message], object]] | None:
        """Return how a handler misbehaves at this call, and how that is to be read; or None."""
        if not self.strikes("handler"):
            return None
        return TRICKS[self.which("handler", len(TRICKS))]

    def advance(self, until: float) -> None:
        """Let time pass; what was reported of handed-in code is raised when the run is over."""
        try:
            self.sim.run(until=until)
        except (Mischief, TypeError, ValueError) as error:
            about = isinstance(error, Mischief) or any(
                each in str(error) for each in ("delay", "cooldown")
            )
            if not (self.share and about) or self.sim.now != until:
                raise


class ShakyPolicy(RetryPolicy):
    """A retry policy that has no usable answer now and then."""

    def __init__(self, policy: RetryPolicy, trouble: Trouble) -> None:
        super().__init__(policy.base, policy.factor, policy.cap, policy.jitter)
        object.__setattr__(self, "trouble", trouble)

    def delay(self, retry_count: int, draw: float = 0.5) -> float:
        right = super().delay(retry_count, draw)
        return self.trouble.answer("delay", right)  # type: ignore[attr-defined,no-any-return]


def not_on_purpose(record: logging.LogRecord) -> bool:
    """Return False for a log record of a listener that failed on purpose."""
    return not (record.exc_info and isinstance(record.exc_info[1], Mischief))


logging.getLogger("mqlearn").addFilter(not_on_purpose)
