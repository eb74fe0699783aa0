"""Exercise 02.1: Little's law on a trace, exact also where a backlog is left."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import Any

from mqlearn.runtime.trace import MOVES, Trace
from mqlearn.study.exercise import SEEDS, Mistake, call_answer, grade, is_number
from mqlearn.study.run import Run
from mqlearn.study.verdict import Verdict
from mqlearn.units.work_queues.scenario import WorkQueue

EXACT = 1e-9  # relative
RATE = 0.2  # messages a second, for ten minutes
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
    """Whether `little(trace)` returns L, lam and W with L = lam · W, on stable and on overloaded
    runs.

    The window goes from 0 s to the time of the last record. In the system is what was accepted and
    is not yet done: it waits, is delayed or in flight. L is the number of messages in the system,
    averaged over the window; lam the messages accepted per second; W the mean time (s) in the
    system within the window, over all that were accepted.
    """
    return grade(mistakes, little, _tried)


def _tried() -> str:
    runs = [truth(seed) for seed in SEEDS]
    return (
        f"{len(runs)} seeds, {sum(run[3] for run in runs):,} messages, "
        f"{sum(run[4] > 0 for run in runs)} runs that "
        f"ended with somebody left: L = lam · W to {EXACT:g} in all of them"
    )


def mistakes(little: Callable[..., Any], seed: int) -> Iterator[Mistake]:
    """The faults with the trace of this seed."""
    *due, _, left = truth(seed)
    answer = call_answer(little, _copy(run_of(seed).trace))
    value = answer.value
    if not (isinstance(value, tuple | list) and len(value) == 3 and all(map(is_number, value))):
        yield Mistake(
            f"expected three numbers, {answer}",
            "return L, lam, W; Run.of(trace).jobs() is a good start",
        )
        return
    value = [float(each) for each in value]
    scene = f"with {left} left at the end" if left else "with nobody left at the end"
    for name, true, found in zip(NAMES, due, value, strict=True):
        if not math.isclose(true, found, rel_tol=EXACT, abs_tol=EXACT):
            product = (
                ""
                if math.isclose(value[0], value[1] * value[2], rel_tol=EXACT, abs_tol=EXACT)
                else (f"; your L is {value[0]:.6g}, your lam · W is {value[1] * value[2]:.6g}")
            )
            yield Mistake(
                f"{NAMES[name]}, is {true:.6g} {scene}, got {found:.6g}{product}",
                HINTS[name],
                partial(run_of, seed),
            )


@lru_cache(maxsize=len(SEEDS))
def truth(seed: int) -> tuple[float, float, float, int, int]:
    """L, lam and W (s) of this seed's run, how many messages it took, how many were left.

    L is made of the numbers in the system, W of each message's own times: neither comes from the
    other.
    """
    records = run_of(seed).trace.records
    end = records[-1][0]
    came: dict[int, float] = {}
    stays: list[float] = []
    area, last, inside = 0.0, 0.0, 0
    for time, event, _, entry, *_, detail in records:
        kind = MOVES.get(event)
        if kind is None:
            continue
        area, last = area + inside * (time - last), time
        if event == "sent":
            came[entry] = time
            inside += 1
        elif (kind.to or detail) not in INSIDE:
            stays.append(time - came.pop(entry))
            inside -= 1
    area += inside * (end - last)
    left = len(came)
    stays += [end - time for time in came.values()]
    return area / end, len(stays) / end, math.fsum(stays) / len(stays), len(stays), left


@lru_cache(maxsize=len(SEEDS))
def run_of(seed: int) -> Run:
    """The run of this seed: in half of them the workers keep up, in the other half the backlog
    grows.
    """
    rng = random.Random(f"little {seed}")
    stable = seed % 2 == 0
    workers = rng.randint(1, 2) if stable else 1
    load = rng.uniform(0.5, 0.9) if stable else rng.uniform(1.1, 1.6)
    return WorkQueue(
        rate=RATE, workers=workers, service=load * workers / RATE, spread=rng.choice((0.0, 1.0))
    ).run(seed)


def _copy(trace: Trace) -> Trace:
    """A trace with the same records, so that nobody can spoil the next one's."""
    twin = Trace()
    twin.records = list(trace.records)
    twin._census = trace._census
    return twin
