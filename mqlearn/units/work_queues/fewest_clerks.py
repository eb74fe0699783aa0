"""Exercise 02.2: how many clerks does a desk need, from the times at which its customers came?"""

from __future__ import annotations

import heapq
import math
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from mqlearn.runtime.simulation import Simulation
from mqlearn.study.arrivals import DAYS, flight_day, poisson
from mqlearn.study.exercise import SEEDS, Mistake, call_answer, grade, no_function
from mqlearn.study.verdict import Verdict, not_yet

SERVICE_S, LIMIT_S = 240.0, 300.0
HOUR = 3600.0


@dataclass(frozen=True)
class Case:
    """A day at a desk: when customers come, how long each is served, and how long 95 % of them may
    wait (s).
    """

    name: str
    arrivals: tuple[float, ...]
    service: float = SERVICE_S
    limit: float = LIMIT_S

    @cached_property
    def fewest(self) -> int:
        """The answer by trying: one clerk, two, three, … until 95 % wait no longer than the
        limit.
        """
        clerks = 1
        while p95(fifo_waits(self.arrivals, clerks, self.service)) > self.limit:
            clerks += 1
        return clerks


def fifo_waits(arrivals: Sequence[float], clerks: int, service: float) -> list[float]:
    """How many seconds each of `arrivals` (seconds, sorted) waits in the one line before all
    `clerks`.

    The first in line goes to the clerk who is free first; each service takes `service` seconds.
    """
    free = [0.0] * clerks
    waits = []
    for arrival in arrivals:
        start = max(arrival, free[0])
        heapq.heapreplace(free, start + service)
        waits.append(start - arrival)
    return waits


def p95(values: Sequence[float]) -> float:
    """The smallest of `values` that at least 95 % of them do not exceed."""
    return sorted(values)[math.ceil(0.95 * len(values)) - 1]


def poisson_day(seed: int) -> tuple[float, ...]:
    """A day with the hours of 2 December's timetable but departures at random within them, in
    seconds.

    Arrivals at one a second are laid on a clock that runs through each hour as fast as the
    timetable is full.
    """
    planned = Counter(int(time // HOUR) for time in flight_day(DAYS[0], "timetable"))
    with Simulation(seed) as simulation:
        ticks = poisson(1, sum(planned.values()), simulation.draw)
    times = []
    done, hours = 0, iter(sorted(planned))
    hour = next(hours)
    for tick in ticks:
        while tick > done + planned[hour]:
            done += planned[hour]
            hour = next(hours)
        times.append((hour + (tick - done) / planned[hour]) * HOUR)
    return tuple(times)


def recorded() -> Iterator[Case]:
    """The recorded days, and small ones to reason about."""
    for day in DAYS:
        yield Case(f"{day} by the timetable", tuple(flight_day(day, "timetable")))
        yield Case(f"{day} as flown", tuple(flight_day(day, "actual")))
    yield Case("ten at once", (0.0,) * 10, service=2, limit=6)
    yield Case("four at once, nobody may wait", (0.0,) * 4, service=10, limit=0)
    yield Case("one every ten seconds", tuple(10.0 * i for i in range(50)), service=10, limit=0)


@lru_cache(maxsize=len(SEEDS))
def drawn(seed: int) -> Case:
    """A drawn day: the first twenty with the service and the limit of the recorded ones, the others
    with their own.
    """
    rng = random.Random(f"desk {seed}")
    if seed < 20:
        return Case(f"Poisson day {seed}", poisson_day(seed))
    service = float(rng.randrange(60, 601, 20))
    return Case(
        f"Poisson day {seed}",
        poisson_day(seed),
        service,
        float(round(service * rng.uniform(0.2, 2.5))),
    )


def check_fewest_clerks(fewest_clerks: Callable[[list[float], float, float], int]) -> Verdict:
    """Whether `fewest_clerks(arrivals_s, service_s, limit_s)` finds the fewest clerks on every day
    tried.

    All clerks serve one line, first come, first served, each customer in `service_s` seconds. A
    customer waits from arrival until a clerk begins; at least 95 % may wait no longer than
    `limit_s` seconds.
    """
    if not callable(fewest_clerks):
        return no_function(fewest_clerks)
    for case in recorded():
        for fault in faults(fewest_clerks, case):
            return not_yet(fault.said, hint=fault.hint)
    found = {case.name: case.fewest for case in recorded()}
    return grade(
        mistakes,
        fewest_clerks,
        lambda: (
            f"{len(found)} days and {len(SEEDS)} seeds: "
            + ", ".join(
                f"{_count(found[f'{day} {how}'])} for {day} {how}"
                for day in DAYS
                for how in ("by the timetable", "as flown")
            )
        ),
    )


def mistakes(fewest_clerks: Callable[..., Any], seed: int) -> Iterator[Mistake]:
    """The fault with this seed's drawn day, if there is one."""
    return faults(fewest_clerks, drawn(seed))


def faults(fewest_clerks: Callable[..., Any], case: Case) -> Iterator[Mistake]:
    """What is wrong with the answer for this day, if anything is."""
    answer = call_answer(fewest_clerks, list(case.arrivals), case.service, case.limit)
    clerks = answer.whole
    scene = f"{case.name}, {case.service:g} s each"
    if clerks < 1:
        yield Mistake(
            f"{scene}: expected a whole number of clerks from 1, {answer}",
            "try 1, 2, 3, … and return the first that is enough",
        )
        return
    fewest = case.fewest
    wait = p95(fifo_waits(case.arrivals, min(clerks, fewest), case.service))
    if clerks < fewest:
        yield Mistake(
            f"{scene}: with {_count(clerks)} 95 % wait up to {_seconds(wait)}, and "
            f"{case.limit:g} s are "
            f"allowed",
            "the mean rate of a day hides its rush: replay the arrivals one by one",
        )
    elif clerks > fewest:
        yield Mistake(
            f"{scene}: fewer than {clerks} are enough, with {_count(fewest)} 95 % wait up "
            f"to {_seconds(wait)}, "
            f"and {case.limit:g} s are allowed",
            "all clerks serve one line, a wait ends when service begins, and 5 % may wait longer",
        )


def _seconds(wait: float) -> str:
    return f"{wait:,.0f} s" if wait >= 1000 else f"{wait:.4g} s"


def _count(clerks: int) -> str:
    return "1 clerk" if clerks == 1 else f"{clerks} clerks"
