"""Exercise 02.1: Little's law measured on a trace, exact also if a backlog is left at the end."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import Any, NamedTuple

from mqlearn.runtime.events import MOVES
from mqlearn.runtime.trace import Trace
from mqlearn.study.exercise import SEEDS, Answer, Exercise, Mistake, call_answer, is_number
from mqlearn.study.run import Run
from mqlearn.study.verdict import Verdict
from mqlearn.units.work_queues.scenario import WorkQueue

EXACT = 1e-9  # relative
RATE = 0.2  # messages per second, for ten minutes
INSIDE = ("waiting", "delayed", "in flight")
NAMES = {
    "L": "L, the mean number of messages in the system",
    "lam": "lam, the arrivals per second",
    "W": "W, the mean time in the system in seconds",
}
HINTS = {
    "L": "weight each number by the seconds for which it lasted",
    "lam": "count everything that was accepted, done or not, and divide by the whole window",
    "W": "whoever is still there has been there too: until the end of the window",
}


def check_little(little: Callable[[Trace], tuple[float, float, float]]) -> Verdict:
    """Grade `little(trace)`, which returns L, lam and W with L = lam · W, on stable and on
    overloaded runs.

    The window is from 0 s to the time of the last record. A message is in the system from when it
    is accepted until it is done: it waits, is delayed or in flight. L is the mean number of
    messages in the system over the window; lam is the number of messages accepted per second; W is
    the mean time (s) in the system within the window, over all accepted messages.
    """
    return EXERCISE.grade(little)


class Truth(NamedTuple):
    """L, lam (1/s) and W (s) of a trace, and the numbers of messages that were sent and that were
    left at the end.
    """

    load: float
    rate: float
    stay: float
    sent: int
    left: int


class Measurement(NamedTuple):
    """The numbers that an answer measured on a seed's run, and the true numbers."""

    seed: int
    answer: Answer
    truth: Truth


class LittleExercise(Exercise[int, Measurement]):
    """Little's law on one run per seed."""

    def play(self, answer: Callable[..., Any], case: int) -> Measurement:
        measured = call_answer(answer, _copy(run_of(case).trace))
        return Measurement(case, measured, truth(case))

    def mistakes(self, world: Measurement) -> Iterator[Mistake]:
        value, left = world.answer.value, world.truth.left
        if not (isinstance(value, tuple | list) and len(value) == 3 and all(map(is_number, value))):
            yield Mistake(
                f"expected three numbers, {world.answer}",
                "return L, lam, W; Run.of(trace).jobs() is a good start",
            )
            return
        load, rate, stay = numbers = [float(each) for each in value]
        scene = f"with {left} left at the end" if left else "with nobody left at the end"
        product = (
            ""
            if _equal(load, rate * stay)
            else f"; your L is {load:.6g}, your lam · W is {rate * stay:.6g}"
        )
        for name, true, found in zip(NAMES, world.truth[:3], numbers, strict=True):
            if not _equal(true, found):
                yield Mistake(
                    f"{NAMES[name]}, is {true:.6g} {scene}, got {found:.6g}{product}",
                    HINTS[name],
                    partial(run_of, world.seed),
                )

    def summary(self, worlds: list[Measurement]) -> str:
        truths = [world.truth for world in worlds]
        return (
            f"{len(truths)} seeds, {sum(true.sent for true in truths):,} messages, "
            f"{sum(true.left > 0 for true in truths)} runs that "
            f"ended with somebody left: L = lam · W to {EXACT:g} in all of them"
        )


EXERCISE = LittleExercise()


def _equal(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=EXACT, abs_tol=EXACT)


@lru_cache(maxsize=len(SEEDS))
def truth(seed: int) -> Truth:
    """Return the true numbers of this seed's run.

    L comes from the number of messages in the system over time, W from the times of each message.
    Neither is computed from the other, so L = lam · W is a result and not an assumption.
    """
    records = run_of(seed).trace.records
    end = records[-1].time
    sent: dict[int, float] = {}  # when each entry in the system was sent
    stays: list[float] = []
    area, last, inside = 0.0, 0.0, 0
    for record in records:
        kind = MOVES.get(record.event)
        if kind is None:
            continue
        area, last = area + inside * (record.time - last), record.time
        if record.event == "sent":
            sent[record.entry] = record.time
            inside += 1
        elif (kind.to or record.detail) not in INSIDE:
            stays.append(record.time - sent.pop(record.entry))
            inside -= 1
    area += inside * (end - last)
    left = len(sent)
    # a message that is left has been in the system until the end of the window
    stays += [end - time for time in sent.values()]
    return Truth(area / end, len(stays) / end, math.fsum(stays) / len(stays), len(stays), left)


@lru_cache(maxsize=len(SEEDS))
def run_of(seed: int) -> Run:
    """Return the run of this seed. With an even seed the workers keep up; with an odd seed the
    backlog grows.
    """
    rng = random.Random(f"little {seed}")
    stable = seed % 2 == 0
    workers = rng.randint(1, 2) if stable else 1
    load = rng.uniform(0.5, 0.9) if stable else rng.uniform(1.1, 1.6)
    return WorkQueue(
        rate=RATE, workers=workers, service=load * workers / RATE, spread=rng.choice((0.0, 1.0))
    ).run(seed)


def _copy(trace: Trace) -> Trace:
    """Return a trace with the same records, so that an answer that changes its trace does not
    change the run, which is kept for the next check.
    """
    twin = Trace()
    twin.records = list(trace.records)
    twin._census = trace._census  # so that the answer can use `balance` and `Run.of` on the copy
    return twin
