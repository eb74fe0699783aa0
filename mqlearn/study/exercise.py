"""What a student's function answered, whatever it was: a value, rubbish or an exception.

Every check is built of *faults*, each of which says what is wrong and gives one hint. A check's
`mistakes(fn, seed)` yields the faults of one seed, and the first of them is what the student is
told.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from mqlearn.study.verdict import Verdict, not_yet, passed, remember

SEEDS = range(100)
LONGEST = 60  # characters of a value that are short_repr


@dataclass(frozen=True)
class Mistake:
    """One thing that is wrong: what was seen, a hint, and how to make what `replay` shows, if there
    is more to see.

    That is the run in which it was seen, or a table of the case.
    """

    said: str
    hint: str
    make_run: Callable[[], Any] | None = None

    def verdict(self, seed: int) -> Verdict:
        """The verdict on it; its run is kept for `replay(seed)`."""
        remember(seed, self.make_run)
        return not_yet(
            f"seed {seed}: {self.said}",
            hint=self.hint,
            failing_seed=seed if self.make_run else None,
        )


@dataclass(frozen=True)
class Answer:
    """What a function returned, or what it raised."""

    value: Any = None
    error: Exception | None = None

    @property
    def whole(self) -> int:
        """The value, if it is a whole number and no truth value; else 0."""
        try:
            return 0 if isinstance(self.value, bool) else operator.index(self.value)
        except TypeError:
            return 0

    def __str__(self) -> str:
        if self.error is None:
            return f"it returned {short_repr(self.value)}"
        said = str(self.error)
        return f"it raised {type(self.error).__name__}" + (f": {said[:LONGEST]}" if said else "")


def call_answer(fn: Callable[..., Any], *args: Any) -> Answer:
    """Call a student's function; what it raises is part of its answer."""
    try:
        return Answer(fn(*args))
    except Exception as error:  # told in words, not raised
        return Answer(error=error)


def short_repr(value: Any) -> str:
    """A value as it is shown to a student: not long, and without an address, which differs from run
    to run.
    """
    try:
        text = repr(value)
    except Exception:
        text = "at 0x"
    if re.search(r"\bat 0x", text):
        return f"an object of type {type(value).__name__}"
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def is_number(value: Any) -> bool:
    """Whether it is a finite number and no truth value."""
    try:
        return not isinstance(value, bool) and math.isfinite(value)
    except (TypeError, ValueError, OverflowError):
        return False


class RunawayAnswer(BaseException):
    """Raised out of an answer that would go on for ever; no `except Exception` keeps it in."""


Mistakes = Callable[[Callable[..., Any], int], Iterator[Mistake]]


def grade(mistakes: Mistakes, fn: Callable[..., Any], success: Callable[[], str]) -> Verdict:
    """The verdict on the first fault of the first seed that has one; if none has, `success()` says
    what was tried.
    """
    if not callable(fn):
        return no_function(fn)
    for seed in SEEDS:
        for fault in mistakes(fn, seed):
            return fault.verdict(seed)
    return passed(success())


def no_function(fn: Any) -> Verdict:
    """The verdict on something that cannot be called."""
    return not_yet(
        f"{short_repr(fn)} is not a function",
        hint="hand over the function itself, without calling it",
    )
