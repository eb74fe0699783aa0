"""Exercise 05.1: how long a breaker stays open, when each look at a broken service has its
price.
"""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import accumulate, pairwise, repeat
from typing import TYPE_CHECKING, Any

from mqlearn.study.exercise import SEEDS, Mistake, call_answer, grade, is_number
from mqlearn.study.verdict import Verdict

if TYPE_CHECKING:
    import pandas as pd

OUTAGES = 200  # a seed
SHORTEST, LONGEST = 5.0, 1800.0  # seconds
LENGTHS = (5, 20, 60, 300, 1801)  # seconds: the rows of what is replayed
PROBE = 3.0  # seconds that a probe is worth
AT_MOST = 1.15  # times the cost of the best cool-down that is always the same
SAME = range(20, 90, 5)  # seconds: those that are tried for it
MOST_PROBES = 20_000  # in one outage

Cooldown = Callable[[int], float]


def check_cooldown(cooldown: Cooldown) -> Verdict:
    """Whether `cooldown(times_opened)` is a good number of seconds for a breaker to stay open.

    `times_opened` says how often it has opened since it was last closed, from 1: it opens when the
    service fails, and once more after each probe that fails. A probe takes no time; the first one
    after the end of the outage closes it. An outage costs the seconds from its end to that probe,
    and 3 for each probe, the last one included.

    In each of 100 seeds there are 200 outages of 5 s to 30 min, short ones more often (the
    logarithm of their length is uniform). Their mean cost may be at most 1.15 times that of the
    best cool-down that is always the same.
    """
    return grade(mistakes, cooldown, lambda: _success(cooldown))


def _success(cooldown: Cooldown) -> str:
    times, _ = probes(cooldown)
    means = [sum(mean_cost(times, outages_of(seed))) for seed in SEEDS]
    ratios = [mean / best_same(seed) for seed, mean in zip(SEEDS, means, strict=True)]
    return (
        f"{len(SEEDS)} seeds, {len(SEEDS) * OUTAGES:,} outages: they cost "
        f"{sum(means) / len(means):.1f} s on "
        f"average, {sum(ratios) / len(ratios):.2f} times as much as with the best cool-down "
        "that is always the "
        f"same, and {max(ratios):.2f} times in the worst seed"
    )


def mistakes(cooldown: Callable[..., Any], seed: int) -> Iterator[Mistake]:
    """The faults in this seed's outages."""
    times, fault = probes(cooldown)
    if fault:
        yield fault
        return
    late, looks = mean_cost(times, outages_of(seed))
    allowed = AT_MOST * best_same(seed)
    if late + looks > allowed:
        yield Mistake(
            f"its outages cost {late + looks:.1f} s on average, {late:.1f} for being late "
            f"and {looks:.1f} for "
            f"{looks / PROBE:.1f} probes each, and {allowed:.1f} are allowed; asked for "
            "cooldown(1) "
            f"{call_answer(cooldown, 1)}",
            "look less often"
            if looks > late
            else "look more often: a probe is late by half a wait",
            lambda: by_length(times, seed),
        )


def probes(cooldown: Callable[..., Any]) -> tuple[list[float], Mistake | None]:
    """When the breaker looks, in seconds since it first opened, up to the longest outage; or why it
    does not.
    """
    times: list[float] = []
    time = 0.0
    while time < LONGEST:
        opened = len(times) + 1
        answer = call_answer(cooldown, opened)
        if answer.error is not None or not is_number(answer.value) or answer.value <= 0:
            return times, Mistake(
                f"cooldown({opened}): expected a number of seconds above 0, {answer}",
                "return the seconds to stay open; without any it would probe without end",
            )
        time += answer.value
        times.append(time)
        if len(times) > MOST_PROBES:
            return times, Mistake(
                f"after {MOST_PROBES:,} probes {time:.3g} s are over; asked for "
                f"cooldown({opened}) "
                f"{answer}",
                "each probe costs as much as 3 s of being late",
            )
    return times, None


def mean_cost(times: list[float], outages: list[float]) -> tuple[float, float]:
    """What these outages cost on average, in seconds: by how much the last probe is late, and all
    the probes.
    """
    late = looks = 0.0
    for end in outages:
        last = bisect_left(times, end)
        late, looks = late + times[last] - end, looks + PROBE * (last + 1)
    return late / len(outages), looks / len(outages)


def by_length(times: list[float], seed: int) -> pd.DataFrame:
    """What is replayed: where in this seed the costs come from, beside those of the best that is
    always the same.
    """
    import pandas as pd

    same = _always(
        min(
            map(float, SAME), key=lambda seconds: sum(mean_cost(_always(seconds), outages_of(seed)))
        )
    )
    rows = []
    for low, high in pairwise(LENGTHS):
        ends = [end for end in outages_of(seed) if low <= end < high]
        if ends:
            late, looks = mean_cost(times, ends)
            rows.append(
                [
                    f"{low:,.0f} to {high:,.0f} s",
                    len(ends),
                    round(late, 1),
                    round(looks / PROBE, 1),
                    round(late + looks, 1),
                    round(sum(mean_cost(same, ends)), 1),
                ]
            )
    return pd.DataFrame(
        rows,
        columns=[
            "outages of",
            "how many",
            "late, s",
            "probes",
            "cost, s",
            f"cost with {same[0]:g} s each time",
        ],
    ).set_index("outages of")


@lru_cache(maxsize=len(SEEDS))
def outages_of(seed: int) -> list[float]:
    """How long this seed's outages last, in seconds."""
    rng = random.Random(f"cool-down {seed}")
    return [SHORTEST * (LONGEST / SHORTEST) ** rng.random() for _ in range(OUTAGES)]


@lru_cache(maxsize=len(SEEDS))
def best_same(seed: int) -> float:
    """What the best cool-down that is always the same costs in this seed's outages, on average
    (s).
    """
    return min(sum(mean_cost(_always(float(seconds)), outages_of(seed))) for seconds in SAME)


@lru_cache(maxsize=len(SAME))
def _always(seconds: float) -> list[float]:
    return list(accumulate(repeat(seconds, int(LONGEST / seconds) + 1)))
