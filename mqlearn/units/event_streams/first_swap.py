"""Exercise 08.3: the first event that is out of order within its key, among many keys."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from mqlearn.study.exercise import Answer, Exercise, Mistake, call_answer
from mqlearn.study.verdict import Verdict


@dataclass(frozen=True)
class KeyedEvent:
    """An event as a reader gets it: its `key`, its number `seq` within the key, and the producer's
    `timestamp` (s).
    """

    key: str
    seq: int
    timestamp: float


class Search(NamedTuple):
    """A seed's events as they were read, the right answer, and the student's."""

    events: list[KeyedEvent]
    right: tuple[str, int] | None
    answer: Answer


class FirstSwapExercise(Exercise[int, Search]):
    """One stream per seed, with one swap or none."""

    def play(self, answer: Callable[..., Any], case: int) -> Search:
        events, right = history(case)
        return Search(events, right, call_answer(answer, list(events)))

    def mistakes(self, world: Search) -> Iterator[Mistake]:
        events, right, answer = world
        if answer.error is None and answer.value == right and type(answer.value) is type(right):
            return
        if right is None:
            hint = "order holds within a key; numbers may be missing, and clocks are wrong"
        else:
            hint = (
                "remember the highest seq of each key: which event is the first that comes below "
                "it?"
            )
        yield Mistake(f"{len(events)} events, expected {right!r}, {answer}", hint)

    def summary(self, worlds: list[Search]) -> str:
        return (
            f"{len(worlds)} seeds, {sum(len(world.events) for world in worlds):,} events: "
            f"{sum(world.right is not None for world in worlds)} swaps found, and none where there "
            "is none"
        )


def check_first_swap(
    first_swap: Callable[[Sequence[KeyedEvent]], tuple[str, int] | None],
) -> Verdict:
    """Grade `first_swap(events)`, which returns the first event that comes after a later event of
    its key, as (key, seq).

    In 50 of 100 seeds each key is in order, and the right answer is None; in the other 50 two
    events of one key are swapped. The first numbers of a key may be missing, or some in the middle.
    The producers' clocks are wrong, so timestamps do not help.
    """
    return EXERCISE.grade(first_swap)


EXERCISE = FirstSwapExercise()


def history(seed: int) -> tuple[list[KeyedEvent], tuple[str, int] | None]:
    """Return this seed's events in the order of reading, and the right answer. In odd seeds two
    events of one key are swapped.
    """
    rng = random.Random(f"swap {seed}")
    keys = [f"order-{number}" for number in range(1, rng.randint(4, 9))]
    lines = {key: _line(key, rng) for key in keys}
    swapped = None
    if seed % 2:
        key = rng.choice(keys)
        at = rng.randrange(len(lines[key]) - 1)
        lines[key][at : at + 2] = reversed(lines[key][at : at + 2])
        # After the swap the earlier event stands second: it is the one that comes too late.
        swapped = key, lines[key][at + 1].seq
    # The keys take turns at random, and the events of a key stay in the order of its line.
    turns = [key for key in keys for _ in lines[key]]
    rng.shuffle(turns)
    left = {key: iter(line) for key, line in lines.items()}
    return [next(left[key]) for key in turns], swapped


def _line(key: str, rng: random.Random) -> list[KeyedEvent]:
    """Return the events of a key in order. Their numbers need not begin at 1, some are missing, and
    the timestamps are wrong by up to 4 s.
    """
    seq, line = rng.randint(0, 5), []
    for _ in range(rng.randint(3, 8)):
        seq += rng.choice((1, 1, 1, 2, 3))
        line.append(KeyedEvent(key, seq, round(seq * 2 + rng.uniform(-4, 4), 1)))
    return line
