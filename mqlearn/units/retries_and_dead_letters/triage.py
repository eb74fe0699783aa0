"""Exercise 04.2: the triage of a dead letter by its reason, its error, and the letters that died at
about the same time.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from mqlearn.messaging.message import RETRIES_EXHAUSTED, Message, MessageStatus
from mqlearn.study.exercise import SEEDS, Answer, Exercise, Mistake, call_answer
from mqlearn.study.verdict import Verdict

ANSWERS = ("redrive", "fix", "route", "drop")
NEAR = 60.0  # seconds before or after a letter's death; letters that died within are its neighbours
RIGHT = 0.99  # share of a day's letters
DAY = 3600.0  # seconds
# Pairs of an answer and the right answer that are not allowed even once, since they do harm.
FORBIDDEN = (("redrive", "fix"), ("drop", "redrive"))
TEMPORARY = ("503 service unavailable", "connection refused", "no answer within 2 s")
# Errors of the order itself, which come again at each try.
OWN = ("KeyError: 'card'", "ValueError: amount is -3", "KeyError: 'amount'")
HINTS = {
    "redrive": "it failed only because the service did: many died of the same about then",
    "fix": "it will fail again: either its error is about the order itself, or it died of that "
    "error alone",
    "route": "nobody has tried it: its type has no handler",
    "drop": "nobody needs it any more, or a rule has refused it",
}

Letter = tuple[Message, str]  # a dead letter, and what to do with it
Triage = Callable[[Message, list[Message]], Any]


class Sorting(NamedTuple):
    """A seed's letters, and the answer for each, up to the first one that is no answer."""

    letters: tuple[Letter, ...]
    answers: list[Answer]


class TriageExercise(Exercise[int, Sorting]):
    """The dead letters of a morning, each with the right answer."""

    def play(self, answer: Callable[..., Any], case: int) -> Sorting:
        letters = letters_of(case)
        # The neighbours are shared by all calls, since copying them each time would be slow; the
        # letter itself is a new copy.
        copies = [(died(letter), letter.copy()) for letter, _ in letters]
        sorting = Sorting(letters, [])
        for number, (letter, _) in enumerate(letters):
            time = copies[number][0]
            near = [
                other
                for n, (then, other) in enumerate(copies)
                if n != number and abs(then - time) <= NEAR
            ]
            given = call_answer(answer, letter.copy(), near)
            sorting.answers.append(given)
            if not _is_answer(given):
                break
        return sorting

    def mistakes(self, world: Sorting) -> Iterator[Mistake]:
        last = world.answers[-1]
        if not _is_answer(last):
            letter, _ = world.letters[len(world.answers) - 1]
            yield Mistake(
                f"{_said(letter)}: expected one of {', '.join(ANSWERS)}, {last}",
                "look at letter.headers, and at those of the neighbours",
            )
            return
        wrong = [
            (letter, right, given)
            for (letter, right), given in zip(world.letters, world.answers, strict=True)
            if given.value != right
        ]
        for letter, right, given in wrong:
            if (given.value, right) in FORBIDDEN:
                yield Mistake(_wrong(letter, right, given), HINTS[right])
                return
        if len(wrong) > (1 - RIGHT) * len(world.letters):
            letter, right, given = wrong[0]
            yield Mistake(
                f"{_wrong(letter, right, given)}; {len(wrong)} of {len(world.letters)} letters are "
                "sorted wrongly",
                HINTS[right],
            )

    def summary(self, worlds: list[Sorting]) -> str:
        letters = sum(len(world.letters) for world in worlds)
        return (
            f"{len(worlds)} mornings, {letters:,} letters: at least {RIGHT:.0%} sorted rightly in "
            "each, nothing redriven that fails again, nothing dropped that an outage killed"
        )


def check_triage(triage: Triage) -> Verdict:
    """Grade `triage(letter, neighbours)`, which returns what to do with a dead letter: "redrive",
    "fix", "route" or "drop".

    `letter` is a dead letter as `get_dead_letter_messages` returns it; its headers have
    `dead_letter_reason`, `dead_letter_timestamp` (s) and, if it was tried, `dead_letter_error`.
    `neighbours` are the others that died within 60 s before or after it. In each of 100 seeds at
    least 99 % of the letters must be sorted rightly; no letter that will fail again may be
    redriven, and none that an outage killed may be dropped.
    """
    return EXERCISE.grade(triage)


EXERCISE = TriageExercise()


def _is_answer(given: Answer) -> bool:
    return given.error is None and isinstance(given.value, str) and given.value in ANSWERS


def died(letter: Message) -> float:
    """Return the time at which a letter died, in seconds."""
    return float(letter.headers["dead_letter_timestamp"])


def _wrong(letter: Message, right: str, given: Answer) -> str:
    return f"{_said(letter)}: you say {given.value}, and it is one to {right}"


def _said(letter: Message) -> str:
    error = letter.headers.get("dead_letter_error")
    return (
        f"{letter.id}, dead at {died(letter):,.0f} s, {letter.headers['dead_letter_reason']!r}"
        + (f", {error!r}" if error else "")
    )


@lru_cache(maxsize=len(SEEDS))
def letters_of(seed: int) -> tuple[Letter, ...]:
    """Return this seed's dead letters, oldest first, each with the right answer: those of an
    outage, a bad release, poison orders, refunds, expired quotes and stolen cards.
    """
    rng = random.Random(f"letters {seed}")
    down, lasts = rng.uniform(600, 1500), rng.uniform(30, 120)
    release = rng.uniform(2400, 3000)
    drawn: list[tuple[float, str, str, str]] = []

    def die(time: float, reason: str, error: str, right: str) -> None:
        drawn.append((time, reason, error, right))

    cause = rng.choice(TEMPORARY)
    for _ in range(rng.randint(60, 120)):
        die(rng.uniform(down, down + lasts), RETRIES_EXHAUSTED, cause, "redrive")
    # A bad release: many letters with one error, as in an outage, but the error is the orders' own.
    for _ in range(rng.randint(10, 30)):
        die(release + rng.uniform(0, 60), RETRIES_EXHAUSTED, OWN[2], "fix")
    for time in (rng.uniform(down, down + lasts), rng.uniform(0, DAY), rng.uniform(0, DAY)):
        die(time, RETRIES_EXHAUSTED, rng.choice(OWN), "fix")
    # Poison orders that stop the service: the error looks temporary, but no neighbour has it, since
    # they are far from the outage and from each other.
    for number in range(3):
        die(
            number * 180 + rng.uniform(0, 60),
            RETRIES_EXHAUSTED,
            rng.choice((cause, *TEMPORARY)),
            "fix",
        )
    for _ in range(rng.randint(1, 5)):
        die(rng.uniform(0, DAY), "unroutable: no handler for type 'refund'", "", "route")
        die(rng.uniform(0, DAY), "expired", rng.choice(("", cause)), "drop")
        die(rng.uniform(0, DAY), "card stolen", "", "drop")
    return tuple(
        (_letter(number, time, reason, error), right)
        for number, (time, reason, error, right) in enumerate(sorted(drawn), 1)
    )


def _letter(number: int, time: float, reason: str, error: str) -> Message:
    headers = {"dead_letter_reason": reason, "dead_letter_timestamp": str(round(time, 3))}
    if error:
        headers["dead_letter_error"] = error
    tries = 4 if reason == RETRIES_EXHAUSTED else 0
    return Message(
        id=f"order-{number}", headers=headers, retry_count=tries, status=MessageStatus.DEAD_LETTER
    )


def shares(seed: int) -> Counter[str]:
    """Return the number of this seed's letters for each right answer."""
    return Counter(right for _, right in letters_of(seed))
