"""Exercise 08.3: whether the order of each key was kept, in a stream of many keys."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mqlearn.study.exercise import SEEDS, Mistake, call_answer, grade
from mqlearn.study.verdict import Verdict


@dataclass(frozen=True)
class Told:
    """An event as a reader met it: its `key`, its number `seq` among those of its key, the
    producer's `timestamp`.
    """

    key: str
    seq: int
    timestamp: float


def check_first_swap(first_swap: Callable[[Sequence[Told]], tuple[str, int] | None]) -> Verdict:
    """Whether `first_swap(events)` finds the first event that comes after a later one of its key,
    as (key, seq).

    In 50 of 100 seeds the order of each key was kept, and the answer is None; in 50 two events of
    one key are swapped. The first numbers of a key may be gone, or some in the middle; producers'
    clocks are not to be trusted.
    """
    return grade(mistakes, first_swap, _success)


def _success() -> str:
    histories = [history(seed) for seed in SEEDS]
    swapped = sum(answer is not None for _, answer in histories)
    return (
        f"{len(histories)} seeds, {sum(len(events) for events, _ in histories):,} events: "
        f"{swapped} swaps found, "
        f"and none where there is none"
    )


def mistakes(first_swap: Callable[..., Any], seed: int) -> Iterator[Mistake]:
    """What is wrong with the answer to this seed's history."""
    events, right = history(seed)
    answer = call_answer(first_swap, list(events))
    if answer.error is None and answer.value == right and type(answer.value) is type(right):
        return
    if right is None:
        hint = "order holds within a key; numbers may be missing, and clocks are wrong"
    else:
        hint = "remember the highest seq of each key: which event is the first that comes below it?"
    yield Mistake(f"{len(events)} events, expected {right!r}, {answer}", hint)


def history(seed: int) -> tuple[list[Told], tuple[str, int] | None]:
    """This seed's events as they were read, and the right answer; two of one key are swapped in
    every other seed.
    """
    rng = random.Random(f"swap {seed}")
    keys = [f"order-{number}" for number in range(1, rng.randint(4, 9))]
    lines = {key: _line(key, rng) for key in keys}
    swapped = None
    if seed % 2:
        key = rng.choice(keys)
        at = rng.randrange(len(lines[key]) - 1)
        lines[key][at : at + 2] = reversed(lines[key][at : at + 2])
        swapped = key, lines[key][at + 1].seq
    turns = [key for key in keys for _ in lines[key]]
    rng.shuffle(turns)
    left = {key: iter(line) for key, line in lines.items()}
    return [next(left[key]) for key in turns], swapped


def _line(key: str, rng: random.Random) -> list[Told]:
    """A key's events in their order: not from 1 on, not without gaps, by a clock that goes
    astray.
    """
    seq, line = rng.randint(0, 5), []
    for _ in range(rng.randint(3, 8)):
        seq += rng.choice((1, 1, 1, 2, 3))
        line.append(Told(key, seq, round(seq * 2 + rng.uniform(-4, 4), 1)))
    return line
