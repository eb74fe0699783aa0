"""A desk with several clerks and one line of customers: days, waits, and the fewest clerks needed.

    day = Day("ten at once", (0.0,) * 10, service=2, limit=6)
    fifo_waits(day.arrivals, 3, day.service)     # how long each customer waits (s)
    day.fewest                                   # 3: with two clerks, 5 % wait longer than 6 s

Some days are recorded, some are drawn, and a few can be worked out by hand. For exercise 02.2.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from mqlearn.messaging.percentile import percentile
from mqlearn.runtime.simulation import Simulation
from mqlearn.study.arrivals import DAYS, flight_day, poisson
from mqlearn.study.exercise import SEEDS

SERVICE_S, LIMIT_S = 240.0, 300.0
HOUR = 3600.0


@dataclass(frozen=True)
class Day:
    """A day at a desk: the arrival times (s) of the customers, the `service` time of each (s), and
    the longest wait (s) that 95 % of them may have (`limit`).
    """

    name: str
    arrivals: tuple[float, ...]
    service: float = SERVICE_S
    limit: float = LIMIT_S

    @cached_property
    def fewest(self) -> int:
        """The smallest number of clerks that lets 95 % wait no longer than the limit."""
        clerks = 1
        while p95(fifo_waits(self.arrivals, clerks, self.service)) > self.limit:
            clerks += 1
        return clerks


def fifo_waits(arrivals: Sequence[float], clerks: int, service: float) -> list[float]:
    """Return the wait (s) of each customer in one line for all `clerks`; `arrivals` are their times
    (s), sorted.

    The first in line goes to the clerk who is free first. Each service takes `service` seconds.
    """
    # A heap is enough, since all services last the same: who is free first is all that counts.
    free = [0.0] * clerks  # when each clerk is free, a heap: the first to be free comes first
    waits = []
    for arrival in arrivals:
        start = max(arrival, free[0])
        heapq.heapreplace(free, start + service)
        waits.append(start - arrival)
    return waits


def p95(values: Sequence[float]) -> float:
    """Return the smallest of `values` that at least 95 % of them do not exceed."""
    return percentile(sorted(values), 95)


def poisson_day(seed: int) -> tuple[float, ...]:
    """Return the arrival times (s) of a Poisson day whose rate in each hour is the number of
    departures in that hour of 2 December's timetable.

    Poisson arrivals are drawn at a rate of one per tick. An hour with n departures is n ticks long,
    so that it gets n arrivals on average.
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


def recorded() -> Iterator[Day]:
    """Yield the recorded days, and small days that can be worked out by hand."""
    for day in DAYS:
        yield Day(f"{day} by the timetable", tuple(flight_day(day, "timetable")))
        yield Day(f"{day} as flown", tuple(flight_day(day, "actual")))
    yield Day("ten at once", (0.0,) * 10, service=2, limit=6)
    yield Day("four at once, nobody may wait", (0.0,) * 4, service=10, limit=0)
    yield Day("one every ten seconds", tuple(10.0 * i for i in range(50)), service=10, limit=0)


@lru_cache(maxsize=len(SEEDS))
def drawn(seed: int) -> Day:
    """Return a drawn day. The first twenty have the service time and the limit of the recorded
    days, the others draw both.
    """
    rng = random.Random(f"desk {seed}")
    if seed < 20:
        return Day(f"Poisson day {seed}", poisson_day(seed))
    service = float(rng.randrange(60, 601, 20))
    limit = float(round(service * rng.uniform(0.2, 2.5)))
    return Day(f"Poisson day {seed}", poisson_day(seed), service, limit)
