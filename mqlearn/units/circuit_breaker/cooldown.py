"""Exercise 05.1: how long a breaker stays open, if each probe of a broken service has a cost."""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import accumulate, pairwise, repeat
from typing import TYPE_CHECKING, Any, NamedTuple

from mqlearn.study.exercise import SEEDS, Answer, Exercise, Mistake, call_answer, is_number
from mqlearn.study.verdict import Verdict

if TYPE_CHECKING:
    import pandas as pd

OUTAGES = 200  # a seed
SHORTEST, LONGEST = 5.0, 1800.0  # seconds
LENGTHS = (5, 20, 60, 300, 1801)  # seconds: the rows of the replayed table
PROBE = 3.0  # the cost of a probe, in seconds of being late
AT_MOST = 1.15  # times the cost of the best constant cool-down
SAME = range(20, 90, 5)  # seconds: the constant cool-downs among which the best one is found
MOST_PROBES = 20_000  # in one outage: an answer with more would never reach its end

Cooldown = Callable[[int], float]


@dataclass(frozen=True)
class Season:
    """A seed's outages and an answer's probes, with the mean cost (s) of being late and of probing
    (`looks`).
    """

    seed: int
    probes: Probes
    late: float
    looks: float


class CooldownExercise(Exercise[int, Season]):
    """The cost of each seed's outages, against that of the best constant cool-down."""

    def play(self, answer: Callable[..., Any], case: int) -> Season:
        looks = probes(answer)
        costs = (0.0, 0.0) if looks.mistake else mean_cost(looks.times, outages_of(case))
        return Season(case, looks, *costs)

    def mistakes(self, world: Season) -> Iterator[Mistake]:
        if world.probes.mistake is not None:
            yield world.probes.mistake
            return
        cost, allowed = world.late + world.looks, AT_MOST * best_same(world.seed)
        if cost > allowed:
            yield Mistake(
                f"its outages cost {cost:.1f} s on average, {world.late:.1f} for being late and "
                f"{world.looks:.1f} for {world.looks / PROBE:.1f} probes each, and {allowed:.1f} "
                "are "
                f"allowed; asked for cooldown(1) {world.probes.first}",
                "look less often"
                if world.looks > world.late
                else "look more often: a probe is late by half a wait",
                partial(by_length, world.probes.times, world.seed),
            )

    def summary(self, worlds: list[Season]) -> str:
        means = [world.late + world.looks for world in worlds]
        ratios = [mean / best_same(world.seed) for world, mean in zip(worlds, means, strict=True)]
        return (
            f"{len(worlds)} seeds, {len(worlds) * OUTAGES:,} outages: they cost "
            f"{sum(means) / len(means):.1f} s on average, {sum(ratios) / len(ratios):.2f} times as "
            "much "
            f"as with the best cool-down that is always the same, and {max(ratios):.2f} times in "
            "the "
            "worst seed"
        )


def check_cooldown(cooldown: Cooldown) -> Verdict:
    """Grade `cooldown(times_opened)`, the seconds for which a breaker stays open.

    `times_opened` is the number of times that the breaker has opened since it was last closed,
    counted from 1: it opens when the service fails, and again after each probe that fails. A probe
    takes no time; the first probe after the end of the outage closes the breaker. The cost of an
    outage is the seconds from its end to that probe, plus 3 s for each probe, the last one
    included.

    In each of 100 seeds there are 200 outages of 5 s to 30 min, short ones more often (the
    logarithm of their length is uniform). Their mean cost may be at most 1.15 times that of the
    best constant cool-down.
    """
    return EXERCISE.grade(cooldown)


EXERCISE = CooldownExercise()


class Probes(NamedTuple):
    """The times of the breaker's probes (s since it first opened), the first answer, and the
    mistake if an answer was no cool-down.
    """

    times: list[float]
    first: Answer
    mistake: Mistake | None


def probes(cooldown: Callable[..., Any]) -> Probes:
    """Ask for one cool-down after the other, until their sum is longer than the longest outage.

    All outages of a seed have the same probes, since a breaker does not know when an outage ends.
    """
    times: list[float] = []
    time, first = 0.0, Answer()
    while time < LONGEST:
        opened = len(times) + 1
        answer = call_answer(cooldown, opened)
        first = answer if opened == 1 else first
        if answer.error is not None or not is_number(answer.value) or answer.value <= 0:
            mistake = Mistake(
                f"cooldown({opened}): expected a number of seconds above 0, {answer}",
                "return the seconds to stay open; without any it would probe without end",
            )
            return Probes(times, first, mistake)
        time += answer.value
        times.append(time)
        if len(times) > MOST_PROBES:
            mistake = Mistake(
                f"after {MOST_PROBES:,} probes {time:.3g} s are over; asked for "
                f"cooldown({opened}) {answer}",
                "each probe costs as much as 3 s of being late",
            )
            return Probes(times, first, mistake)
    return Probes(times, first, None)


def mean_cost(times: list[float], outages: list[float]) -> tuple[float, float]:
    """Return the mean cost of these outages in seconds, in two parts: the lateness of the last
    probe, and all the probes. `times` are the times of the probes, `outages` the lengths (s).
    """
    late = looks = 0.0
    for end in outages:
        # The first probe at or after the end of the outage closes the breaker.
        last = bisect_left(times, end)
        late, looks = late + times[last] - end, looks + PROBE * (last + 1)
    return late / len(outages), looks / len(outages)


def by_length(times: list[float], seed: int) -> pd.DataFrame:
    """Return the table that a replay shows: this seed's costs by the length of the outage, beside
    those of the best constant cool-down.
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
    """Return the lengths of this seed's outages, in seconds."""
    rng = random.Random(f"cool-down {seed}")
    return [SHORTEST * (LONGEST / SHORTEST) ** rng.random() for _ in range(OUTAGES)]


@lru_cache(maxsize=len(SEEDS))
def best_same(seed: int) -> float:
    """Return the mean cost (s) of this seed's outages with the best constant cool-down."""
    return min(sum(mean_cost(_always(float(seconds)), outages_of(seed))) for seconds in SAME)


@lru_cache(maxsize=len(SAME))
def _always(seconds: float) -> list[float]:
    """Return the times (s) of the probes of a constant cool-down, past the longest outage."""
    return list(accumulate(repeat(seconds, int(LONGEST / seconds) + 1)))
