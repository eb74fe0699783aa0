"""Exercises, and what a student's function answered: a value, rubbish or an exception.

An exercise tries an answer in a hundred seeded worlds. A `Mistake` says what is wrong with one of
them and gives one hint; the first one found is what the student is told.

    class Doubling(Exercise[int, Answer]):
        def play(self, answer, case):
            return call_answer(answer, case)

        def mistakes(self, world): ...

        def summary(self, worlds): ...

    def check_double(double):
        return Doubling().grade(double)
"""

from __future__ import annotations

import math
import operator
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from mqlearn.study.verdict import Verdict, not_yet, passed, remember

SEEDS = range(100)
Case = TypeVar("Case")
World = TypeVar("World")
LONGEST = 60  # characters of a value that are shown


@dataclass(frozen=True)
class Mistake:
    """One thing that is wrong: what was seen (`said`), a hint, and how to make what `replay` shows.

    That is a run, or a table of questions and answers; None where there is no more to see.
    """

    said: str
    hint: str
    make_run: Callable[[], Any] | None = None

    def verdict(self, seed: int | None = None) -> Verdict:
        """Return the verdict that tells of it; with a seed, its run is kept for `replay(seed)`."""
        if seed is None:
            return not_yet(self.said, hint=self.hint)
        remember(seed, self.make_run)
        return not_yet(
            f"seed {seed}: {self.said}",
            hint=self.hint,
            failing_seed=seed if self.make_run else None,
        )


@dataclass(frozen=True)
class Answer:
    """The answer of a student's function: the value it returned, or the error it raised."""

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
    """Return a value as a student is shown it: short, and without an address of an object, since
    addresses differ from run to run.
    """
    try:
        text = repr(value)
    except Exception:
        text = "at 0x"
    if re.search(r"\bat 0x", text):
        return f"an object of type {type(value).__name__}"
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def is_number(value: Any) -> bool:
    """Tell a finite number from anything else, truth values included."""
    try:
        return not isinstance(value, bool) and math.isfinite(value)
    except (TypeError, ValueError, OverflowError):
        return False


class RunawayAnswer(BaseException):
    """Ends an answer that would go on forever: no `except Exception` in it can catch this."""


class Exercise(ABC, Generic[Case, World]):
    """One exercise: what an answer is tried on, what is wrong with what came of it, and what a
    right answer is told.

    The answer is a student's function. `play` is the only place that calls it, once for each thing
    that it is asked; mistakes, numbers and replays are read off the worlds that came of it.
    """

    def cases(self) -> Iterable[Case]:
        """Return what the answer is tried on, one world for each: by default a hundred seeds."""
        return cast("Iterable[Case]", SEEDS)

    @abstractmethod
    def play(self, answer: Callable[..., Any], case: Case) -> World:
        """Return what becomes of the world of this case with this answer."""

    @abstractmethod
    def mistakes(self, world: World) -> Iterator[Mistake]:
        """Yield what is wrong with this world, first what a student is to be told."""

    @abstractmethod
    def summary(self, worlds: list[World]) -> str:
        """Return what a right answer is told of all its worlds."""

    def grade(self, answer: Any) -> Verdict:
        """Return the verdict on the first mistake of the first case with one, or else the summary.

        The texts of a seed begin with its number, and its run is kept for `replay`.
        """
        if not callable(answer):
            return no_function(answer)
        worlds = []
        for case in self.cases():
            world = self.play(answer, case)
            for mistake in self.mistakes(world):
                return mistake.verdict(case if isinstance(case, int) else None)
            worlds.append(world)
        return passed(self.summary(worlds))


def no_function(fn: Any) -> Verdict:
    """Return the verdict on something that cannot be called."""
    return not_yet(
        f"{short_repr(fn)} is not a function",
        hint="hand over the function itself, without calling it",
    )
