"""Exercise 04.1: how long to wait before each retry, so that an outage kills no order and its end
does not overload the service.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any

from mqlearn.messaging.message import COMPLETED, Outcome
from mqlearn.messaging.percentile import percentile
from mqlearn.study.exercise import Answer, Exercise, Mistake, call_answer, is_number
from mqlearn.study.run import Run
from mqlearn.study.tries import Life, Try, run_of_tries
from mqlearn.study.verdict import Verdict

RATE = 10  # orders per second
MOST_TRIES = 20  # of an order that fails at every try
SLICE = 10  # seconds over which the load is measured
PEAK = 2.0  # times the normal load, at most, once the service is back
LATE = 480.0  # seconds after the recovery within which 99 % are done
SHARE = 99  # % of the orders that must be done within `LATE`

Delay = Callable[[int, random.Random], Any]


@dataclass
class Night:
    """An outage from 0 to `end` seconds, and the tries of the orders that arrived during it.

    `mistake` is the mistake of an answer that was no delay, or that never gave up.
    """

    seed: int
    end: float
    arrivals: list[float]  # (s)
    tries: list[list[float]] = field(default_factory=list)  # of each order, when (s)
    given_up: list[int] = field(default_factory=list)  # the numbers of the dead orders, from 0
    mistake: Mistake | None = None

    def peak(self) -> tuple[float, int]:
        """Return the largest number of tries in ten seconds after the recovery, new orders
        included, as a multiple of the normal number, and the start of those ten seconds (s).
        """
        slots = Counter(
            int((time - self.end) // SLICE)
            for times in self.tries
            for time in times
            if time >= self.end
        )
        # -slot, so that of several equal numbers the earliest ten seconds are found
        tries, slot = max(((tries, -slot) for slot, tries in slots.items()), default=(0, 0))
        return 1 + tries / (RATE * SLICE), int(self.end - SLICE * slot)

    def lateness(self) -> float:
        """Return the seconds after the recovery until 99 % of the orders are done."""
        last = sorted(times[-1] - self.end for times in self.tries)
        return percentile(last, SHARE)


class DelayExercise(Exercise[int, Night]):
    """An outage that should kill no order, and whose end should not overload the service."""

    def play(self, answer: Callable[..., Any], case: int) -> Night:
        night = Night(case, *orders_of(case))
        night.mistake = _endless(answer, case) or _try_orders(answer, night)
        return night

    def mistakes(self, world: Night) -> Iterator[Mistake]:
        if world.mistake is not None:
            yield world.mistake
            return
        scene = f"{world.end:.0f} s without a service, {len(world.arrivals):,} orders"
        make_run = partial(replay, world)
        if world.given_up:
            first = world.given_up[0]
            times = world.tries[first]
            yield Mistake(
                f"{scene}: order-{first + 1} was given up at {times[-1]:.1f} s, after "
                f"{len(times)} tries; {len(world.given_up):,} orders are dead",
                "all waits together must outlast the outage, also if the dice fall badly",
                make_run,
            )
        peak, when = world.peak()
        if peak > PEAK:
            yield Mistake(
                f"{scene}: from {when} s on, ten seconds see {peak:.1f} times the normal number of "
                f"tries, and {PEAK:g} are allowed",
                "those who failed together must not come back together",
                make_run,
            )
        if world.lateness() > LATE:
            yield Mistake(
                f"{scene}: 99 % of them are done only {world.lateness():.0f} s after the recovery, "
                f"and {LATE:g} are allowed",
                "how long does an order wait after a recovery that it does not see?",
                make_run,
            )

    def summary(self, worlds: list[Night]) -> str:
        orders = sum(len(night.arrivals) for night in worlds)
        return (
            f"{len(worlds)} outages, {orders:,} orders: none died, the busiest ten seconds after a "
            f"recovery saw {max(night.peak()[0] for night in worlds):.2f} times the normal load, "
            f"and 99 % were done within {max(night.lateness() for night in worlds):.0f} s"
        )


def check_delay(delay: Delay) -> Verdict:
    """Grade `delay(attempt, rng)`, the seconds to wait after failure number `attempt` (from 1).

    If it returns None, the order is given up and dead. `rng` is a `random.Random`. Ten orders
    arrive per second. A service is down for 30 to 120 s, and in one second of the outage a flash
    sale brings 100 to 600 more orders. In each of 100 seeds no order may die. After the recovery no
    ten seconds may have more than twice the normal number of tries, and 480 s after it 99 % of the
    orders of the outage must be done. An order that fails at every try must be given up after at
    most 20 tries.
    """
    return EXERCISE.grade(delay)


EXERCISE = DelayExercise()


def _endless(delay: Delay, seed: int) -> Mistake | None:
    """Return the mistake if an order that always fails is never given up, or if an answer is not a
    number of seconds; else None.
    """
    rng = random.Random(f"poison {seed}")
    for attempt in range(1, MOST_TRIES + 1):
        answer = call_answer(delay, attempt, rng)
        if answer.error is None and answer.value is None and attempt > 1:
            return None
        if mistake := _no_delay(answer, attempt):
            return mistake
    return Mistake(
        f"after failure {MOST_TRIES} of a poison order {answer}, and the order is still not given "
        "up",
        "return None when enough has been tried",
    )


def _no_delay(answer: Answer, attempt: int) -> Mistake | None:
    if answer.error is None and is_number(answer.value) and answer.value >= 0:
        return None
    return Mistake(
        f"after failure {attempt} expected a number of seconds from 0, {answer}",
        "delay(attempt, rng) returns seconds, or None from some later failure on to give up",
    )


def _try_orders(delay: Delay, night: Night) -> Mistake | None:
    """Try each order until the service is back or the order is given up. Return the mistake of an
    answer that was no delay, or None.
    """
    # One generator for all orders: with one each, the same seed would give the same jitter.
    rng = random.Random(f"jitter {night.seed}")
    for number, time in enumerate(night.arrivals):
        times = [time]
        night.tries.append(times)
        while times[-1] < night.end:
            answer = call_answer(delay, len(times), rng)
            if answer.error is None and answer.value is None:
                night.given_up.append(number)
                break
            if mistake := _no_delay(answer, len(times)):
                return mistake
            times.append(times[-1] + answer.value)
            # With delays of 0 s the outage would never end.
            if len(times) > 2 * MOST_TRIES:
                return Mistake(
                    f"order-{number + 1} was tried {len(times)} times by {times[-1]:.1f} s",
                    "return None when enough has been tried",
                )
    return None


def orders_of(seed: int) -> tuple[float, list[float]]:
    """Draw the length (s) of this seed's outage, and the arrival times of its orders, in seconds
    since it began.
    """
    rng = random.Random(f"outage {seed}")
    end = rng.uniform(30, 120)
    sale, size = rng.uniform(0, end - 1), rng.randint(100, 600)
    return end, sorted(
        [number / RATE for number in range(int(end * RATE))]
        + [sale + number / size for number in range(size)]
    )


def replay(night: Night) -> Run:
    """Return the run of this night: each order with its tries, which take no time."""
    dead = set(night.given_up)
    lives = []
    for number, times in enumerate(night.tries):
        tries = [
            Try(time, time, Outcome("released", delay=again - time))
            for time, again in pairwise(times)
        ]
        last = Outcome("rejected", "given up") if number in dead else COMPLETED
        tries.append(Try(times[-1], times[-1], last))
        lives.append(Life(f"order-{number + 1}", times[0], tries))
    return run_of_tries(None, lives, seed=night.seed, charts=("load", "dead"))
