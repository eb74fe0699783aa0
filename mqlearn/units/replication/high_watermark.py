"""Exercise 11.1: the offset below which every in-sync replica has the log."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from mqlearn.study.exercise import Answer, Exercise, Mistake, call_answer, short_repr
from mqlearn.study.verdict import Verdict
from mqlearn.study.words import format_count

STEPS = 30
TYPE = "return an offset: a whole number, such as min(...) gives"


class Step(NamedTuple):
    """The leader's knowledge at one instant, the watermark that follows, and the answer to it.

    `ends` has the end of each replica's log, `isr` the numbers of the replicas in sync, `least` is
    `min_insync_replicas`, `before` the watermark until now.
    """

    ends: dict[int, int]
    isr: set[int]
    least: int
    before: int
    expected: int
    answer: Answer


class HighWatermarkExercise(Exercise[int, list[Step]]):
    """Thirty steps of a log with three or five replicas that append, fetch, leave and come back."""

    def play(self, answer: Callable[..., Any], case: int) -> list[Step]:
        steps = []
        for ends, isr, least, before, expected in leader_steps(case):
            # copies, so that an answer that changes its arguments spoils nothing
            given = call_answer(answer, dict(ends), set(isr), least, before)
            steps.append(Step(ends, isr, least, before, expected, given))
        return steps

    def mistakes(self, world: list[Step]) -> Iterator[Mistake]:
        for number, step in enumerate(world, 1):
            answer = step.answer
            if answer.error is not None or isinstance(answer.value, bool):
                yield Mistake(f"{_call(step)}: {answer}", TYPE)
                return
            if answer.whole != step.expected or answer.value != step.expected:
                said = f"{_call(step)}: expected {step.expected}, {answer}"
                yield Mistake(said, _hint(step), partial(_table, world, number))
                return

    def summary(self, worlds: list[list[Step]]) -> str:
        steps = [step for world in worlds for step in world]
        stood = sum(len(step.isr) < step.least for step in steps)
        return (
            f"{len(worlds)} seeds, {len(steps):,} steps; in {stood:,} of them the watermark had to "
            "stand still"
        )


def check_high_watermark(high_watermark: Callable[..., Any]) -> Verdict:
    """Grade `high_watermark(ends, isr, least, before)`, which returns the offset below which every
    replica in sync has each entry, over a hundred seeds of 30 steps.

    `ends` is a dict with the end of each replica's log, the leader's included; `isr` the set of the
    replicas in sync, `least` how many of these the watermark needs to move, `before`
    the watermark until now.
    """
    return EXERCISE.grade(high_watermark)


EXERCISE = HighWatermarkExercise()


def leader_steps(seed: int) -> Iterator[tuple[dict[int, int], set[int], int, int, int]]:
    """Yield thirty times what a leader knows: ends, in-sync set, the least set, the watermark until
    now, and the one that follows. Replica 0 leads.
    """
    dice = random.Random(f"watermark {seed}")
    count = dice.choice((3, 3, 5))
    least = dice.choice((1, 2, 2, 3))
    ends, isr, before = dict.fromkeys(range(count), 0), set(range(count)), 0
    for _ in range(STEPS):
        kind, other = dice.random(), dice.randrange(1, count)
        if kind < 0.45:
            ends[0] += dice.randint(1, 4)
        elif kind < 0.85:
            ends[other] = min(ends[0], ends[other] + dice.randint(1, 6))
        elif kind < 0.95 and len(isr) > 1:
            isr = isr - {dice.choice(sorted(isr - {0}))}
        elif ends[other] >= before:
            isr = isr | {other}
        after = before if len(isr) < least else max(before, min(ends[n] for n in isr))
        yield dict(ends), set(isr), least, before, after
        before = after


def _call(step: Step) -> str:
    return (
        f"ends {step.ends}, in sync {sorted(step.isr)}, at least {step.least}, before {step.before}"
    )


def _hint(step: Step) -> str:
    """Return the hint for a step that was answered wrongly."""
    value = step.answer.whole
    if len(step.isr) < step.least:
        many = format_count(len(step.isr), "replica")
        return f"{many} in sync, and {step.least} are needed: may the watermark move?"
    if value < step.before:
        return "what a reader has seen stays committed: may the watermark go back?"
    if value > step.expected:
        return "which replica in sync does not have the entry below the answer?"
    return "a replica that is out of sync is not waited for"


def _table(world: list[Step], count: int) -> Any:
    """Return the steps up to the wrong answer as a table."""
    import pandas as pd

    return pd.DataFrame(
        [
            {
                "ends": str(step.ends),
                "in sync": str(sorted(step.isr)),
                "at least": step.least,
                "before": step.before,
                "expected": step.expected,
                "answer": short_repr(step.answer.value),
            }
            for step in world[:count]
        ]
    )
