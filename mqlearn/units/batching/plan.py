"""Exercise 06.1: one batch size and one linger for the night and for the rush hour."""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from itertools import accumulate
from typing import Any, NamedTuple

from mqlearn.messaging.percentile import percentile
from mqlearn.study.exercise import SEEDS, Answer, Exercise, Mistake, call_answer, is_number
from mqlearn.study.run import Run
from mqlearn.study.tries import Delivery, Life, Try, run_of_tries
from mqlearn.study.verdict import Verdict

NIGHT, RUSH = 2000, 6000  # messages at the low and at the high rate
CALLS = 0.75  # calls per message at the low rate, at most
LARGEST = 10**6  # the largest batch size that an answer may give

Plan = Callable[[float, float, float, float, float], tuple[int, float]]


@dataclass(frozen=True)
class Hours:
    """The load of one worker: two rates (1/s), the parts `a` and `b` of a call (s), and the latency
    to keep (s).
    """

    low: float
    high: float
    a: float
    b: float
    p99: float

    def __str__(self) -> str:
        return (
            f"{self.low:.3g} and {self.high:.3g} messages a second, a = {1000 * self.a:.3g} ms, "
            f"b = {1000 * self.b:.3g} ms"
        )


class Call(NamedTuple):
    """One call: the times (s) at which its first message was taken and at which the call began and
    ended, and its number of messages.
    """

    taken: float
    began: float
    ended: float
    size: int


@dataclass(frozen=True)
class Served:
    """The arrival times of all messages (s), and the calls. Each call takes the next `size`
    messages in the order of arrival.
    """

    arrivals: list[float]
    calls: list[Call]

    @cached_property
    def done(self) -> list[float]:
        """The time (s) at which the call of each message ended, in the order of arrival."""
        return [call.ended for call in self.calls for _ in range(call.size)]

    @property
    def p99(self) -> float:
        """The latency that 99 % of the messages kept (s)."""
        waits = sorted(end - time for time, end in zip(self.arrivals, self.done, strict=True))
        return percentile(waits, 99)


def check_plan(plan: Plan) -> Verdict:
    """Grade `plan(low, high, a, b, p99)`, which returns a batch size and a linger (s) that meet the
    limits at both rates.

    One worker takes a first message, then waits for more until it has `size` of them or `linger`
    seconds are over; its call for n messages takes `a + b * n` seconds. `low` and `high` are rates
    in messages per second (Poisson), `p99` the latency in seconds, from arrival to the end of the
    call, that 99 % of the messages must keep at both rates. A call costs money: at the low rate
    there may be at most 3 calls per 4 messages.

    The first seed has low 5, high 600, a 0.05, b 0.001 and p99 0.5; the other 99 have others.
    """
    return EXERCISE.grade(plan)


class Trial(NamedTuple):
    """A plan tried at both rates of a seed, at night and in the rush hour; both are None if the
    answer is no plan.
    """

    seed: int
    hours: Hours
    answer: Answer
    night: Served | None = None
    rush: Served | None = None


class PlanExercise(Exercise[int, Trial]):
    """The latencies at a low and at a high rate, and the calls at the low one."""

    def play(self, answer: Callable[..., Any], case: int) -> Trial:
        hours = hours_of(case)
        plan = call_answer(answer, hours.low, hours.high, hours.a, hours.b, hours.p99)
        if not _is_plan(plan):
            return Trial(case, hours, plan)
        night, rush = (serve(arrivals, plan.value, hours) for arrivals in arrivals_of(case))
        return Trial(case, hours, plan, night, rush)

    def mistakes(self, world: Trial) -> Iterator[Mistake]:
        seed, hours, answer, night, rush = world
        if night is None or rush is None:
            yield Mistake(
                f"{hours}: expected a size from 1 and a linger from 0 s, {answer}",
                "return size, linger_s",
            )
            return
        size, linger = answer.value
        scene = f"{hours}: with size {size} and a linger of {linger:.3g} s"
        allowed = f"and {hours.p99:.3f} s are allowed"
        if night.p99 > hours.p99:
            yield Mistake(
                f"{scene} the p99 at the low rate is {_rounded_up(night.p99)} s, {allowed}",
                "who comes just after a batch has gone waits for that call, for the linger and "
                "for his own call",
                partial(run_of_calls, night, hours, seed),
            )
        if rush.p99 > hours.p99:
            # Messages per second in full batches. A little above the rate it keeps up on average,
            # but the waiting before it is still long: 5 % tell the two mistakes apart.
            able = size / (hours.a + hours.b * size)
            yield Mistake(
                f"{scene} the p99 at the high rate is {_rounded_up(rush.p99)} s, {allowed}",
                f"calls of {size} are at most {able:.0f} messages a second"
                if able < 1.05 * hours.high
                else "a batch takes as long to fill and to be done as it is large",
                partial(run_of_calls, rush, hours, seed),
            )
        if len(night.calls) > CALLS * NIGHT:
            yield Mistake(
                f"{scene} there are {len(night.calls):,} calls for {NIGHT:,} messages at the low "
                f"rate, and {CALLS * NIGHT:,.0f} are allowed",
                "at night nobody shares a call unless the first waits",
                partial(run_of_calls, night, hours, seed),
            )

    def summary(self, worlds: list[Trial]) -> str:
        night = [(world.night, world.hours) for world in worlds if world.night is not None]
        rush = [(world.rush, world.hours) for world in worlds if world.rush is not None]
        calls = [len(served.calls) / NIGHT for served, _ in night]
        return (
            f"{len(worlds)} pairs of rates, {len(worlds) * (NIGHT + RUSH):,} messages: at night "
            f"the p99 was at most {_worst(night):.0%} of what is allowed, with "
            f"{sum(calls) / len(calls):.2f} calls a message on average, and in the rush hour at "
            f"most {_worst(rush):.0%}"
        )


EXERCISE = PlanExercise()


def _worst(served: list[tuple[Served, Hours]]) -> float:
    """Return the largest p99, as a share of what its hours allow."""
    return max(each.p99 / hours.p99 for each, hours in served)


def _rounded_up(seconds: float) -> str:
    """Return a time with its milliseconds rounded up: what is above a limit is shown above it."""
    return f"{math.ceil(1000 * seconds) / 1000:.3f}"


def _is_plan(answer: Answer) -> bool:
    value = answer.value
    if answer.error is not None or not isinstance(value, tuple | list) or len(value) != 2:
        return False
    return 1 <= Answer(value[0]).whole <= LARGEST and is_number(value[1]) and value[1] >= 0


def serve(arrivals: list[float], plan: tuple[int, float], hours: Hours) -> Served:
    """Serve messages that arrive at these times (s) with a plan, which is a size and a linger (s),
    and return the calls.
    """
    size, linger = plan
    calls: list[Call] = []
    free, first = 0.0, 0
    while first < len(arrivals):
        taken = max(free, arrivals[first])
        end = min(bisect_right(arrivals, taken + linger, first), first + size)
        full = end == first + size
        # A full batch is called with as soon as its last message comes, any other at the end of the
        # linger.
        began = max(taken, arrivals[end - 1]) if full else taken + linger
        free = began + hours.a + hours.b * (end - first)
        calls.append(Call(taken, began, free, end - first))
        first = end
    return Served(arrivals, calls)


def run_of_calls(served: Served, hours: Hours, seed: int) -> Run:
    """Return the run with these calls, which is what a replay shows."""
    lives: list[Life] = []
    for call in served.calls:
        for place in range(call.size):
            sent = served.arrivals[len(lives)]
            called = Try(call.began, call.ended, batch=0 if place else call.size)
            delivery = Delivery(max(call.taken, sent), call.ended)
            lives.append(Life(f"order-{len(lives) + 1}", sent, (called,), delivery=delivery))
    return run_of_tries(hours, lives, seed=seed, charts=("depth",))


def hours_of(seed: int) -> Hours:
    """Return this seed's rates, calls and limit."""
    # The first seed has the numbers that the notebook works out, so that a student can follow them.
    if seed == 0:
        return Hours(5.0, 600.0, 0.05, 0.001, 0.5)
    rng = random.Random(f"hours {seed}")
    a, b = rng.uniform(0.03, 0.07), rng.uniform(0.0006, 0.0012)
    # 1 / b messages per second are the most that any batch size can reach, so the high rate is a
    # share of it; the limit is several calls long, so that a plan exists for every seed.
    return Hours(rng.uniform(4, 8), rng.uniform(0.4, 0.62) / b, a, b, a * rng.uniform(8, 12))


@lru_cache(maxsize=len(SEEDS))
def arrivals_of(seed: int) -> tuple[list[float], list[float]]:
    """Return the arrivals at the low and at the high rate (s)."""
    rng, hours = random.Random(f"arrivals {seed}"), hours_of(seed)
    low = list(accumulate(rng.expovariate(hours.low) for _ in range(NIGHT)))
    return low, list(accumulate(rng.expovariate(hours.high) for _ in range(RUSH)))
