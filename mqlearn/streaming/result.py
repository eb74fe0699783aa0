"""The meaning of what a function for events returns."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

from mqlearn.messaging.message import COMPLETED, Outcome, read_outcome
from mqlearn.runtime import check
from mqlearn.runtime.unbegun import UNCALLED, why_not_done, why_unbegun


def read_result(result: object) -> Outcome:
    """Return the outcome that the result of a function for events means: as `read_outcome` for an
    `Outcome`, an exception, and what shows that the work is not done, such as a coroutine; all else
    is success, also False.
    """
    if result is None or result is True:  # the usual case first
        return COMPLETED
    special = isinstance(result, Outcome | BaseException | Future) or (
        why_unbegun(result) or (not isinstance(result, UNCALLED) and why_not_done(result))
    )
    return read_outcome(result, "the function returned") if special else COMPLETED


def check_answer(name: str, answer: Any, kind: type | None = None) -> None:
    """Refuse a wrong answer of a fold or a conversion of events, with a TypeError that has its
    `name`: None, a coroutine or generator that has not begun to run, and all that is not of the
    `kind`.
    """
    unbegun = why_unbegun(answer)
    if unbegun is not None:
        raise TypeError(f"{name} returned {unbegun}")
    if answer is None or (kind is not None and not isinstance(answer, kind)):
        wanted = "what comes next" if kind is None else kind.__name__
        raise TypeError(f"{name} must return {wanted}, got {check.short_repr(answer)}")
