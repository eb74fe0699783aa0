"""The verdict of an exercise's check, and the failing runs that it keeps for `replay`.

A check calls the student's function and returns a `Verdict`. It never raises for a wrong answer:
an unfinished stub gets the verdict "not yet: …" with one hint. A check that tries many seeds also
keeps the run that shows the mistake, or a table of the calls and their answers, as a function
that makes it again:

    remember(17, lambda: scenario.run(seed=17))
    return not_yet("seed 17: order-3 was charged twice, at 12.4 s", hint="what if an ack is lost?",
                   failing_seed=17)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mqlearn.runtime import check
from mqlearn.runtime.handed_in import writable

KEPT = 200
"""The number of failing runs that are kept, so that a long session does not fill the memory."""

_failing: dict[int, Callable[[], Any]] = {}


@dataclass(frozen=True, repr=False)
class Verdict:
    """The verdict on an answer: `ok`, the sentence that says why, and the first seed where the
    answer failed, if there is one to replay.

    A notebook shows the sentence. A verdict is true if `ok` is, so `assert check_…(fn)` works.
    """

    ok: bool
    text: str
    failing_seed: int | None = None

    def __repr__(self) -> str:
        return self.text

    def __bool__(self) -> bool:
        return self.ok


def passed(said: str) -> Verdict:
    """Return the verdict on a right answer: "passed: " and what was tried."""
    return Verdict(True, f"passed: {said}")


def not_yet(said: str, *, hint: str = "", failing_seed: int | None = None) -> Verdict:
    """Return the verdict on a wrong answer: "not yet: ", what was seen, and one hint."""
    text = f"not yet: {said}" if not hint else f"not yet: {said}. Hint: {hint}"
    # one line that can be written to a file, whatever the answer's own texts are
    text = writable(" ".join(text.splitlines()))
    return Verdict(False, text, failing_seed)


def remember(seed: int, make_run: Callable[[], Any] | None) -> None:
    """Keep a run that shows a mistake, as a function that makes it again; it replaces an
    older run of the same seed.

    None means that there is no run to see, only the verdict: then a run that is kept for this seed
    is dropped, because it belongs to an older answer.
    """
    # Taken out also if it is put back: the dict is in the order of remembering, the newest last.
    _failing.pop(seed, None)
    if make_run is None:
        return
    _failing[seed] = make_run
    while len(_failing) > KEPT:
        del _failing[next(iter(_failing))]


def recall(seed: int | None = None) -> Any:
    """Make the kept run of `seed` again and return it; without a seed, that of the seed kept last.

    Raises LookupError, with the seeds that are kept, if no run is kept for this one.
    """
    if not _failing:
        raise LookupError(
            "no check has failed yet with a run to replay; where it keeps none, its "
            "verdict says it all"
        )
    wanted = next(reversed(_failing)) if seed is None else seed
    if wanted not in _failing:
        raise LookupError(
            f"seed must be one that a check has failed on "
            f"({', '.join(map(str, sorted(_failing)))}), got {check.short_repr(seed)}"
        )
    return _failing[wanted]()


def forget() -> None:
    """Drop every kept run."""
    _failing.clear()
