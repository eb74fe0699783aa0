"""One line of customers and several workers, worked out order by order: fast enough for thousands
of orders in a hundred cases.

    served(arrivals, services, workers=6, limit=360)    when each order is done, None: refused
    goodput_by_limit(Rush(...), limits)                 a table for a chart of goodput against limit
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Any

from mqlearn.runtime.simulation import Simulation
from mqlearn.study.analysis.goodput import useful_bound

if TYPE_CHECKING:
    import pandas as pd


def served(
    arrivals: Sequence[float], services: Iterable[float], *, workers: int, limit: int
) -> list[float | None]:
    """Return the time (s) at which each order is done, or None if it is refused.

    The line serves the oldest first; an order that finds `limit` others waiting is refused.
    `arrivals` are times (s) in order, `services` the seconds that each order takes.
    """
    free = [0.0] * workers  # a heap: when each worker is free, the first to be free comes first
    begins: deque[float] = deque()  # of the orders that still wait
    ends: list[float | None] = []
    for now, service in zip(arrivals, services, strict=True):
        while begins and begins[0] <= now:
            begins.popleft()
        if len(begins) >= limit:
            ends.append(None)
            continue
        begin = max(now, free[0])
        heapq.heapreplace(free, begin + service)
        # The line is in order of beginning, since the oldest is served first.
        begins.append(begin)
        ends.append(begin + service)
    return ends


def goodput_by_limit(
    scenario: Any, limits: Iterable[int], *, seeds: Iterable[int] = range(5)
) -> pd.DataFrame:
    """Return a table with a row for each limit: the orders per second done in time while orders
    come, the mean of several seeds and their lowest and highest value; and in each row the useful
    bound of the scenario, `useful`.
    """
    import pandas as pd

    useful = useful_bound(scenario.workers, scenario.service, scenario.patience)
    offered = []
    for seed in seeds:
        with Simulation(seed) as sim:
            times = scenario.arrival_times(sim)
            services = [scenario._takes(sim, f"order-{n}") for n in range(1, len(times) + 1)]
        offered.append((times, services))
    rows = []
    for limit in limits:
        found = []
        for times, services in offered:
            ends = served(times, services, workers=scenario.workers, limit=limit)
            in_time = sum(
                end is not None and end - time <= scenario.patience and end <= scenario.window
                for time, end in zip(times, ends, strict=True)
            )
            found.append(in_time / scenario.window)
        rows.append((limit, fmean(found), min(found), max(found), useful))
    return pd.DataFrame(rows, columns=["limit", "goodput", "lowest", "highest", "useful"])
