"""The grading of exercises: an `Exercise` calls a student's function, the answer, and returns a
`Verdict`.

An exercise tries an answer on a hundred cases, usually seeds. What one case comes to (a run, or a
list of calls and replies) is its *world*. A `Mistake` says what is wrong with a world and gives one
hint; the first mistake found becomes the verdict. An answer may return a wrong value or raise.

    class Doubling(Exercise[int, Answer]):
        def play(self, answer, case):
            return call_answer(answer, case)

        def mistakes(self, world): ...

        def summary(self, worlds): ...

    def check_double(double):
        return Doubling().grade(double)
"""

from __future__ import annotations

import inspect
import math
import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from typing import Any, Generic, TypeVar, cast

from mqlearn.runtime import check
from mqlearn.runtime.base import WorkerCrash
from mqlearn.runtime.handed_in import PASSES, StopRun, reason_of
from mqlearn.study.verdict import Verdict, not_yet, passed, remember

SEEDS = range(100)
Case = TypeVar("Case")
World = TypeVar("World")
LONGEST = 60  # characters of a value that are shown
# What is not caught: the user interrupts, or an answer that would go on forever is ended. A
# `WorkerCrash` is an error of the answer, or a part of the exercise.
ENDS_THE_CHECK = tuple(each for each in PASSES if each is not WorkerCrash)
UNREADABLE = "return plain values: numbers, texts, and lists, tuples or dicts of them"


@dataclass(frozen=True)
class Mistake:
    """One mistake of an answer: what was seen (`said`), a hint, and a function that makes what
    `replay` shows.

    `make_run` returns a run, or a table of calls and replies. It is None if a replay would show no
    more than the sentence does.
    """

    said: str
    hint: str
    make_run: Callable[[], Any] | None = None

    def verdict(self, seed: int | None = None) -> Verdict:
        """Return the verdict for this mistake; with a seed, its run is kept for `replay(seed)`."""
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
    error: BaseException | None = None

    @property
    def whole(self) -> int:
        """The value if it is an integer, also NumPy's, and not a bool; else 0."""
        try:
            return 0 if isinstance(self.value, bool) else int(operator.index(self.value))
        except ENDS_THE_CHECK:
            raise
        except BaseException:
            return 0

    def __str__(self) -> str:
        if self.error is None:
            return f"it returned {short_repr(self.value)}"
        return said_of(self.error)


def said_of(error: BaseException) -> str:
    """Return the text of a verdict about an error that an answer raised."""
    said, kind = reason_of(error), type(error).__name__
    text = said.removeprefix(kind).removeprefix(": ")
    return f"it raised {kind}" + (f": {text[:LONGEST]}" if text else "")


def call_answer(fn: Callable[..., Any], *args: Any) -> Answer:
    """Call a student's function, and return what it returned or raised as its answer."""
    try:
        value = fn(*args)
        if inspect.iscoroutine(value):
            value.close()  # or Python would warn that it was never awaited
        return Answer(value)
    except ENDS_THE_CHECK:
        raise
    except BaseException as error:  # also sys.exit(): a notebook's cell must not stop here
        return Answer(error=error)


def short_repr(value: Any) -> str:
    """Return the text of a value for a verdict: short, and without the address of an object."""
    return check.short_repr(value, LONGEST)


def is_number(value: Any) -> bool:
    """Return True for a finite number, also NumPy's or a Decimal; False for anything else, also for
    a bool or an array of one number.
    """
    if isinstance(value, bool) or not isinstance(value, Real | Decimal):
        return False
    try:
        return math.isfinite(value)
    except (ValueError, OverflowError):
        return False


class RunawayAnswer(StopRun):
    """The exception that ends an answer which would go on forever.

    It is not an `Exception`, so an `except Exception` in the answer cannot catch it.
    """


class Exercise(ABC, Generic[Case, World]):
    """One exercise: the cases that an answer is tried on, the mistakes it can make in them, and the
    summary for a right answer.

    The answer is a student's function. Only `play` calls it, once for each question. Mistakes,
    summary and replays are read off the worlds that `play` returned, so they never call it again.
    """

    def cases(self) -> Iterable[Case]:
        """Return the cases that the answer is tried on, by default a hundred seeds."""
        return cast("Iterable[Case]", SEEDS)

    @abstractmethod
    def play(self, answer: Callable[..., Any], case: Case) -> World:
        """Try the answer on this case, and return the world that results."""

    @abstractmethod
    def mistakes(self, world: World) -> Iterator[Mistake]:
        """Yield the mistakes in this world, the most helpful one first: only that one is shown."""

    @abstractmethod
    def summary(self, worlds: list[World]) -> str:
        """Return the sentence about all worlds that the verdict on a right answer shows."""

    def grade(self, answer: Any) -> Verdict:
        """Return the verdict: the first mistake of the first case that has one, or else the
        summary.

        If the case is a seed, the verdict begins with its number, and its run is kept for `replay`.
        """
        if not callable(answer):
            return no_function(answer)
        worlds = []
        for case in self.cases():
            world, mistake = self.try_case(answer, case)
            # The first mistake ends the grading, so the worlds after it are never made.
            if mistake is not None:
                return mistake.verdict(case if isinstance(case, int) else None)
            worlds.append(cast("World", world))
        return passed(self.summary(worlds))

    def try_case(
        self, answer: Callable[..., Any], case: Case
    ) -> tuple[World | None, Mistake | None]:
        """Try the answer on this case; return the world, and its first mistake if it has one.

        An answer may raise anything wherever it is called, and return a value that raises when it
        is compared or counted. What reaches this place is a mistake, too; there is no world then.
        """
        doing = ""
        try:
            world = self.play(answer, case)
            doing = "of what it returned, "
            return world, next(iter(self.mistakes(world)), None)
        except ENDS_THE_CHECK:
            raise
        except BaseException as error:
            return None, Mistake(f"{doing}{said_of(error)}", UNREADABLE)


def no_function(fn: Any) -> Verdict:
    """Return the verdict on something that cannot be called."""
    return not_yet(
        f"{short_repr(fn)} is not a function",
        hint="hand over the function itself, without calling it",
    )
