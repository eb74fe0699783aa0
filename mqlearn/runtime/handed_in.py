"""Code that is handed in: handlers, listeners, policies, functions of every kind.

It may raise anything and return anything. The rules here are the same for all of it:

- It is asked first, its answer is checked, and only then something changes.
- A handler's failure is a failure of its message, with the reason that `reason_of` returns.
- A listener only hears: if it fails, `Listeners` logs that and tells the next one.
- A function that the machinery needs an answer from (a backoff, an assignment) is asked through
  `ask`: if it has no usable answer, the default of that parameter is used this once, and the error
  is reported to the runtime, which raises it from `run()` or `join()`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from greenlet import GreenletExit

from mqlearn.runtime.base import CURRENT, Runtime, WorkerCrash

LONGEST_REASON = 500  # characters of an exception's text

log = logging.getLogger("mqlearn")
T = TypeVar("T")


class StopRun(BaseException):
    """Raised in a task to end its whole run. No guard around handed-in code catches it."""


# These are not failures of the code that was called: the user interrupts, the simulation is closed,
# the worker crashes, or the run is to end.
PASSES: tuple[type[BaseException], ...] = (KeyboardInterrupt, GreenletExit, WorkerCrash, StopRun)


def reason_of(error: BaseException) -> str:
    """Return the text of an exception, or the name of its type if it has none that can be read."""
    try:
        text = readable(str(error))
    except PASSES:
        raise
    except BaseException:
        text = ""
    # the type's name, since the text of a KeyError is only the key, and SystemExit's is a number
    if not text.strip() or not isinstance(error, Exception) or isinstance(error, KeyError):
        text = f"{type(error).__name__}: {text}" if text.strip() else type(error).__name__
    return readable(text)


def readable(text: str) -> str:
    """Return a text that a handler gave as a reason: at most `LONGEST_REASON` characters and "…",
    with escapes in place of characters that cannot be written to a file.
    """
    if len(text) > LONGEST_REASON + 1:  # one more: a text that was shortened stays as it is
        text = text[:LONGEST_REASON] + "…"
    return writable(text)


def writable(text: str) -> str:
    """Return a text with escapes in place of the characters that cannot be written to a file."""
    # half of a surrogate pair is a character of a text, and has no bytes
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def ask(runtime: Runtime, question: Callable[[], T], instead: Callable[[], T]) -> T:
    """Return `question()`, which calls a function that was handed in and checks its answer. If it
    raises, report the error to the runtime and return `instead()`.
    """
    try:
        return question()
    except PASSES:
        raise
    except BaseException as error:
        runtime.report(error)
        return instead()


class Listeners:
    """The functions that hear of something, in the order of adding.

    One that raises an exception is passed over: the others are told all the same, and the caller
    never sees the exception. It is logged once for each listener, by the logger "mqlearn".
    """

    __slots__ = ("_failed", "listeners")

    def __init__(self, first: Callable[..., object] | None = None) -> None:
        self.listeners: list[Callable[..., object]] = [] if first is None else [first]
        self._failed: list[Callable[..., object]] = []

    def add(self, listener: Callable[..., object]) -> None:
        """Tell `listener` from now on."""
        # a new list: one that a listener adds is not told of what is being told
        self.listeners = [*self.listeners, listener]

    def tell(self, *heard: Any) -> None:
        """Call each listener with what is to be heard."""
        for listener in self.listeners:
            self.tell_one(listener, *heard)

    def tell_one(self, listener: Callable[..., object], *heard: Any) -> None:
        """Call only this listener."""
        try:
            listener(*heard)
        except BaseException as error:
            self.pass_over(listener, error)

    def pass_over(self, listener: Callable[..., object], error: BaseException) -> None:
        """Log that a listener has failed; raise the error again if it is an interrupt."""
        if isinstance(error, (KeyboardInterrupt, GreenletExit, StopRun)):
            raise error
        task = CURRENT.get()
        if task is not None and isinstance(error, WorkerCrash):
            task.crashed = False  # it crashed no worker: only itself
        # `is` and not `in`: comparing two listeners may be code that was handed in, too
        if not any(each is listener for each in self._failed):
            self._failed.append(listener)
            name = getattr(listener, "__qualname__", type(listener).__name__)
            log.error(
                "the listener %s failed and was passed over; it is told of what follows, and its "
                "later failures are not logged",
                name,
                exc_info=error,
            )

    def __len__(self) -> int:
        return len(self.listeners)

    def __iter__(self) -> Iterator[Callable[..., object]]:
        return iter(self.listeners)
