"""Handlers that do whatever a handler can do, and the reason that their message gets for it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from mqlearn import Message, Outcome, Reject, Release
from mqlearn.runtime.handed_in import LONGEST_REASON


class NoTruth:
    """A value whose every question raises."""

    def __bool__(self) -> bool:
        raise ArithmeticError("do not ask")

    def __repr__(self) -> str:
        raise ArithmeticError("no text")

    def __len__(self) -> int:
        raise ArithmeticError("no length")


class EndsIfAsked:
    """A value whose truth ends the interpreter."""

    def __bool__(self) -> bool:
        raise SystemExit(3)


class Unspeakable(Exception):
    """An exception without a text."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


class EndsIfRead(Exception):
    """An exception whose text ends the interpreter."""

    def __str__(self) -> str:
        raise SystemExit(3)


class Own(BaseException):
    """An exception that no `except Exception` catches."""


class NoTruthError(Exception):
    """An exception that is neither true nor false."""

    def __bool__(self) -> bool:
        raise ArithmeticError("do not ask")


class NoReason(Reject):
    """A rejection that forgets its base class."""

    def __init__(self, order: int) -> None:
        self.order = order


class NoDelay(Release):
    """A release that forgets its base class."""

    def __init__(self) -> None: ...


def raises(error: BaseException | Callable[[], BaseException]) -> Callable[[Message], Any]:
    """A handler that raises this."""

    def handler(message: Message) -> None:
        raise error() if callable(error) else error

    return handler


def returns(make: Callable[[], Any]) -> Callable[[Message], Any]:
    """A handler that returns what is made."""
    return lambda message: make()


def changed(error: Reject | Release, **fields: Any) -> BaseException:
    """An exception with other fields than it was made with."""
    for name, value in fields.items():
        setattr(error, name, value)
    return error


async def coroutine() -> None:
    """Never runs."""


def generator() -> Iterator[None]:
    """Never runs."""
    yield


async def asynchronous() -> Any:
    """Never runs."""
    yield


def recurses(message: Message) -> Any:
    """Goes on until the stack is full."""
    return recurses(message)


def words_of(value: Any) -> str:
    """What another library says if a value of it is asked for its truth; versions differ."""
    try:
        bool(value)
    except ValueError as error:
        return str(error)
    raise AssertionError(f"{value!r} has a truth value")


LONG = "x" * 6_000_000
SHORTENED = "x" * LONGEST_REASON + "…"
UNREAD = ", which is neither true nor false: "
UNRUN = ": nothing of it has run"

# For each handler that fails, the reason of the failure.
FAILURES: dict[str, tuple[Callable[[Message], Any], str]] = {
    "sys.exit": (lambda message: sys.exit(3), "SystemExit: 3"),
    "cancelled": (raises(asyncio.CancelledError), "CancelledError"),
    "generator exit": (raises(GeneratorExit), "GeneratorExit"),
    "an own BaseException": (raises(Own("gone")), "Own: gone"),
    "no text": (raises(Unspeakable()), "Unspeakable"),
    "a text that exits": (raises(EndsIfRead()), "EndsIfRead"),
    "a long text": (raises(ValueError(LONG)), SHORTENED),
    "half a pair": (raises(ValueError("\ud83d is half")), "\\ud83d is half"),
    "a key": (lambda message: message.body["price"], "KeyError: 'price'"),
    "memory": (raises(MemoryError), "MemoryError"),
    "a group": (
        raises(BaseExceptionGroup("two", [Own("a"), Own("b")])),
        "BaseExceptionGroup: two (2 sub-exceptions)",
    ),
    "a delay of no number": (
        raises(changed(Release(), delay="soon")),
        "delay must be a number, got 'soon'",
    ),
    "a delay below 0": (raises(changed(Release(), delay=-1)), "delay must not be negative, got -1"),
    "no delay": (raises(NoDelay()), "'NoDelay' object has no attribute 'delay'"),
    "False": (returns(lambda: False), "the handler returned False"),
    "NumPy's False": (returns(lambda: np.bool_(False)), "the handler returned np.False_"),
    "nothing": (returns(dict), "the handler returned {}"),
    "an array": (
        returns(lambda: np.array([1, 2])),
        "the handler returned array([1, 2])" + UNREAD + words_of(np.array([1, 2])),
    ),
    "a frame": (
        returns(lambda: pd.DataFrame({"a": [1]})),
        "the handler returned    a\n0  1" + UNREAD + words_of(pd.DataFrame({"a": [1]})),
    ),
    "no truth": (
        returns(NoTruth),
        "the handler returned an object of type NoTruth" + UNREAD + "do not ask",
    ),
    "a truth that exits": (
        returns(EndsIfAsked),
        "the handler returned an object of type EndsIfAsked" + UNREAD + "SystemExit: 3",
    ),
    "a coroutine": (returns(coroutine), "the handler returned a coroutine" + UNRUN),
    "a generator": (returns(generator), "the handler returned a generator" + UNRUN),
    "an async generator": (
        returns(asynchronous),
        "the handler returned an async generator" + UNRUN,
    ),
    "a map": (returns(lambda: map(print, [1])), "the handler returned a map" + UNRUN),
    "an exception": (returns(lambda: ValueError("no stock")), "no stock"),
    "an exception without truth": (returns(lambda: NoTruthError("no stock")), "no stock"),
    "an interrupt": (returns(KeyboardInterrupt), "KeyboardInterrupt"),
    "an exception class": (
        returns(lambda: ValueError),
        "the handler returned the class ValueError and did not raise it",
    ),
    "an outcome": (returns(lambda: Outcome("failed", "no answer")), "no answer"),
}

# For each handler that rejects its message, the reason.
REJECTIONS: dict[str, tuple[Callable[[Message], Any], str]] = {
    "raised": (raises(Reject("no such order")), "no such order"),
    "returned": (returns(lambda: Reject("no such order")), "no such order"),
    "an outcome": (returns(lambda: Outcome("rejected", "no such order")), "no such order"),
    "a reason of no text": (raises(changed(Reject("closed"), reason=5)), "closed"),
    "a long reason": (raises(Reject(LONG)), SHORTENED),
    "no reason": (raises(NoReason(5)), "5"),
}

RELEASES: dict[str, Callable[[Message], Any]] = {
    "raised": raises(Release(2)),
    "returned": returns(lambda: Release(2)),
    "an outcome": returns(lambda: Outcome("released", delay=2)),
    "NumPy's number": raises(changed(Release(), delay=np.float32(2))),
}


class Swapped(Message):
    """A message of which nothing can be read."""

    def __getattribute__(self, name: str) -> Any:
        raise AttributeError(name)


def swaps(message: Message) -> None:
    """Makes its message one of another class."""
    message.__class__ = Swapped


# What a handler may do to its message. It succeeds.
MANGLINGS: dict[str, Callable[[Message], Any]] = {
    **{
        f"{field} = {value!r}": lambda message, field=field, value=value: setattr(
            message, field, value
        )
        for field, value in (
            ("id", None),
            ("id", "another"),
            ("receipt", 0),
            ("receipt", []),
            ("priority", None),
            ("headers", None),
            ("retry_count", None),
            ("max_retries", "three"),
            ("timestamp", "today"),
            ("ttl", None),
            ("attempt", None),
            ("status", None),
            ("topic", None),
            ("body", None),
        )
    },
    "headers cleared": lambda message: message.headers.clear(),
    "all fields deleted": lambda message: vars(message).clear(),
    "another class": swaps,
}
