"""Exercise 12.1: the limit of a queue, from its workers, their service time and the customers'
patience.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import cached_property, lru_cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

from mqlearn.study.exercise import SEEDS, Answer, Exercise, Mistake, call_answer
from mqlearn.study.verdict import Verdict
from mqlearn.study.words import format_number
from mqlearn.units.backpressure_and_scaling.line import served

if TYPE_CHECKING:
    import pandas as pd

ENOUGH = 0.93  # of the orders in time that the best of `SHARES` reaches
SHARES = (0.5, 0.7, 0.9)  # of patience × capacity
MOST_LATE = 0.02  # of the orders that were accepted


def check_limit(limit: Callable[[int, float, float], int]) -> Verdict:
    """Grade `limit(workers, service_s, patience_s)`, the number of orders that may wait.

    2 to 20 workers take `service_s` seconds per order (0.1 to 5 s, constant or at random); an order
    must be done within `patience_s` seconds, 8 to 60 services. In each of 100 seeds calm and bursts
    of twice the capacity alternate, and then 1.3 times the capacity arrives for five patiences.
    At most 2 % of the accepted orders may be done too late; in time must be at least 0.93 times as
    many as with the best of three limits.
    """
    return EXERCISE.grade(limit)


class Counter(NamedTuple):
    """The orders of a case with one limit: in time, too late, refused."""

    in_time: int
    late: int
    refused: int

    @property
    def late_share(self) -> float:
        """The share of the accepted orders that were done too late."""
        return self.late / max(1, self.in_time + self.late)


class House:
    """A seed's workers, customers and orders."""

    def __init__(self, seed: int) -> None:
        rng = random.Random(f"limit {seed}")
        self.workers = rng.randint(2, 20)
        # uniform in the exponent: a tenth of a second is drawn as often as five
        self.service = 10 ** rng.uniform(-1, 0.7)
        at_random = rng.choice([False, True])
        self.capacity = self.workers / self.service
        self.patience = self.service * rng.uniform(8, 60)
        plan = []
        for _ in range(2):
            plan += [(1.0, 0.5), (rng.uniform(0.3, 0.7), 2.0)]
        plan.append((5.0, 1.3))
        self.arrivals: list[float] = []
        begin = 0.0
        for patiences, load in plan:
            time, end = begin, begin + patiences * self.patience
            while (time := time + rng.expovariate(load * self.capacity)) < end:
                self.arrivals.append(time)
            begin = end
        self.services = [
            self.service * (rng.expovariate(1) if at_random else 1.0) for _ in self.arrivals
        ]

    def count(self, limit: int) -> Counter:
        """Return what becomes of the orders with this limit."""
        ends = served(self.arrivals, self.services, workers=self.workers, limit=limit)
        took = [
            end - time for time, end in zip(self.arrivals, ends, strict=True) if end is not None
        ]
        late = sum(each > self.patience for each in took)
        return Counter(len(took) - late, late, len(ends) - len(took))

    @cached_property
    def best(self) -> int:
        """The most orders in time that one of three limits reaches."""
        return max(
            self.count(max(1, round(s * self.capacity * self.patience))).in_time for s in SHARES
        )

    def table(self, limit: int) -> pd.DataFrame:
        """Return what becomes of the orders with several limits, the given one among them."""
        import pandas as pd

        full = self.capacity * self.patience
        tried = {max(1, round(share * full)) for share in (0.1, *SHARES, 1.0, 1.2)} | {limit}
        rows = [
            (each, *self.count(each), "yours" if each == limit else "") for each in sorted(tried)
        ]
        columns = ["limit", "in time", "too late", "refused", ""]
        return pd.DataFrame(rows, columns=columns).set_index("limit")

    def __str__(self) -> str:
        return (
            f"{self.workers} workers, {self.service:.3g} s each, a patience of "
            f"{self.patience:.3g} s"
        )


@lru_cache(maxsize=len(SEEDS))
def house_of(seed: int) -> House:
    """Return this seed's house."""
    return House(seed)


class Limited(NamedTuple):
    """A house, the answer for it, and what became of its orders with this limit; None if the
    answer is no limit.
    """

    house: House
    answer: Answer
    counted: Counter | None


class LimitExercise(Exercise[int, Limited]):
    """Orders in time and too late, with the limit of each seed."""

    def play(self, answer: Callable[..., Any], case: int) -> Limited:
        house = house_of(case)
        given = call_answer(answer, house.workers, house.service, house.patience)
        counted = house.count(given.whole) if given.whole >= 1 else None
        return Limited(house, given, counted)

    def mistakes(self, world: Limited) -> Iterator[Mistake]:
        house, limit = world.house, world.answer.whole
        if world.counted is None:
            yield Mistake(
                f"{house}: expected a whole number of orders from 1, {world.answer}",
                "how many orders can all workers together do within the patience?",
            )
            return
        counted, show = world.counted, partial(house.table, limit)
        said = f"{house}: with a limit of {limit:,}"
        if counted.late_share > MOST_LATE:
            yield Mistake(
                f"{said} {counted.late_share:.0%} of the accepted orders are done too late",
                "how long does the last order in a full queue wait, and how long with bad luck?",
                show,
            )
        if counted.in_time < ENOUGH * house.best:
            yield Mistake(
                f"{said} {format_number(counted.in_time)} orders are done in time, with another "
                f"limit {format_number(house.best)}",
                "too short a line leaves workers idle after a burst, too long a one makes all late",
                show,
            )

    def summary(self, worlds: list[Limited]) -> str:
        orders = sum(len(world.house.arrivals) for world in worlds)
        counted = [world.counted for world in worlds if world.counted is not None]
        late = max(each.late_share for each in counted)
        least = min(c.in_time / w.house.best for c, w in zip(counted, worlds, strict=True))
        return (
            f"{len(worlds)} seeds, {orders:,} orders: at most {late:.1%} of the accepted were done "
            f"too late, at least {least:.3f} times as many in time as with the best of three limits"
        )


EXERCISE = LimitExercise()
