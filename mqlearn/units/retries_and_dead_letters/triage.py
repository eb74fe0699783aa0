"""Exercise 04.2: what to do with a dead letter, from its reason, its error, and those that died
about when it did.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from mqlearn.messaging.message import Message, MessageStatus
from mqlearn.study.exercise import SEEDS, Answer, Mistake, call_answer, grade
from mqlearn.study.verdict import Verdict

ANSWERS = ("redrive", "fix", "route", "drop")
NEAR = 60.0  # seconds: a neighbour died not longer before or after
RIGHT = 0.99  # share of a day's letters
DAY = 3600.0  # seconds
TEMPORARY = ("503 service unavailable", "connection refused", "no answer within 2 s")
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


def check_triage(triage: Triage) -> Verdict:
    """Whether `triage(letter, neighbours)` says what to do with a dead letter: "redrive", "fix",
    "route" or "drop".

    `letter` is a dead letter as `get_dead_letter_messages` returns it; its headers have
    `dead_letter_reason`, `dead_letter_timestamp` (s) and, if it was tried, `dead_letter_error`.
    `neighbours` are the others that died within 60 s before or after it. In each of 100 seeds at
    least 99 % of the letters must be sorted rightly; no letter that will fail again may be
    redriven, and none that an outage killed may be dropped.
    """
    letters = sum(len(letters_of(seed)) for seed in SEEDS)
    return grade(
        mistakes,
        triage,
        lambda: (
            f"{len(SEEDS)} mornings, {letters:,} letters: at least {RIGHT:.0%} sorted rightly in "
            "each, "
            "nothing redriven "
            f"that fails again, nothing dropped that an outage killed"
        ),
    )


def mistakes(triage: Triage, seed: int) -> Iterator[Mistake]:
    """The faults of this seed's morning."""
    letters = letters_of(seed)
    wrong: list[tuple[Message, str, Answer]] = []
    copies = [(died(letter), letter.copy()) for letter, _ in letters]
    for number, (letter, right) in enumerate(letters):
        time = copies[number][0]
        near = [
            other
            for n, (then, other) in enumerate(copies)
            if n != number and abs(then - time) <= NEAR
        ]
        answer = call_answer(triage, letter.copy(), near)
        if (
            answer.error is not None
            or not isinstance(answer.value, str)
            or answer.value not in ANSWERS
        ):
            yield Mistake(
                f"{_said(letter)}: expected one of {', '.join(ANSWERS)}, {answer}",
                "look at letter.headers, and at those of the neighbours",
            )
            return
        if answer.value != right:
            wrong.append((letter, right, answer))
    for letter, right, answer in wrong:
        if (answer.value, right) in (("redrive", "fix"), ("drop", "redrive")):
            yield Mistake(
                f"{_said(letter)}: you say {answer.value}, and it is one to {right}", HINTS[right]
            )
            return
    if len(wrong) > (1 - RIGHT) * len(letters):
        letter, right, answer = wrong[0]
        yield Mistake(
            f"{_said(letter)}: you say {answer.value}, and it is one to {right}; "
            f"{len(wrong)} of "
            f"{len(letters)} letters are sorted wrongly",
            HINTS[right],
        )


def died(letter: Message) -> float:
    """When it died, in seconds."""
    return float(letter.headers["dead_letter_timestamp"])


def _said(letter: Message) -> str:
    error = letter.headers.get("dead_letter_error")
    return (
        f"{letter.id}, dead at {died(letter):,.0f} s, {letter.headers['dead_letter_reason']!r}"
        + (f", {error!r}" if error else "")
    )


@lru_cache(maxsize=len(SEEDS))
def letters_of(seed: int) -> tuple[Letter, ...]:
    """This seed's dead letters, oldest first: an outage, a bad release, poison, refunds, quotes,
    stolen cards.
    """
    rng = random.Random(f"letters {seed}")
    down, lasts = rng.uniform(600, 1500), rng.uniform(30, 120)
    release = rng.uniform(2400, 3000)
    drawn: list[tuple[float, str, str, str]] = []

    def die(time: float, reason: str, error: str, right: str) -> None:
        drawn.append((time, reason, error, right))

    cause = rng.choice(TEMPORARY)
    for _ in range(rng.randint(60, 120)):
        die(rng.uniform(down, down + lasts), "retries exhausted", cause, "redrive")
    for _ in range(rng.randint(10, 30)):  # one error for all of them, and it is their own
        die(release + rng.uniform(0, 60), "retries exhausted", OWN[2], "fix")
    for time in (rng.uniform(down, down + lasts), rng.uniform(0, DAY), rng.uniform(0, DAY)):
        die(time, "retries exhausted", rng.choice(OWN), "fix")
    # poison that brings the service to its knees, far from the outage and from each other
    for number in range(3):
        die(
            number * 180 + rng.uniform(0, 60),
            "retries exhausted",
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
    tries = 4 if reason == "retries exhausted" else 0
    return Message(
        id=f"order-{number}", headers=headers, retry_count=tries, status=MessageStatus.DEAD_LETTER
    )


def shares(seed: int) -> Counter[str]:
    """How many of this seed's letters want which answer."""
    return Counter(right for _, right in letters_of(seed))
