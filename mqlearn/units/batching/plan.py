"""Exercise 06.1: one batch size and one linger for the night and for the rush hour."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import accumulate
from typing import Any, ClassVar

from mqlearn.messaging.batch import BatchMessageProcessor
from mqlearn.messaging.memory import InMemoryMessageQueue
from mqlearn.messaging.message import Message
from mqlearn.runtime import check
from mqlearn.runtime.simulation import Simulation
from mqlearn.runtime.trace import Trace
from mqlearn.study.exercise import SEEDS, Answer, Mistake, call_answer, grade, is_number
from mqlearn.study.run import Run
from mqlearn.study.verdict import Verdict

NIGHT, RUSH = 2000, 6000  # messages at the low and at the high rate
CALLS = 0.75  # for each message at the low rate, at most
LARGEST = 10**6

Plan = Callable[[float, float, float, float, float], tuple[int, float]]


@dataclass(frozen=True)
class Hours:
    """What one worker has to do: two rates (1/s), the parts `a` and `b` of a call (s), the latency
    to keep (s).
    """

    low: float
    high: float
    a: float
    b: float
    p99: float

    def __str__(self) -> str:
        return (
            f"{self.low:.3g} and {self.high:.3g} messages a second, a = {1000 * self.a:.3g} "
            "ms, "
            f"b = {1000 * self.b:.3g} ms"
        )


@dataclass(frozen=True)
class Served:
    """When each message came and when its call ended (s), and how many calls there were."""

    came: list[float]
    done: list[float]
    calls: int

    @property
    def p99(self) -> float:
        """The latency that 99 % of the messages kept (s)."""
        waits = sorted(end - time for time, end in zip(self.came, self.done, strict=True))
        return waits[int(0.99 * len(waits))]


def check_plan(plan: Plan) -> Verdict:
    """Whether `plan(low, high, a, b, p99)` returns a size and a linger (s) that do at both rates.

    One worker takes a first message, then waits for more until it has `size` of them or `linger`
    seconds are over; its call for n messages takes `a + b * n` seconds. `low` and `high` are rates
    in messages a second (Poisson), `p99` the latency in seconds, from arrival to the end of the
    call, that 99 % of the messages must keep at both. A call costs money: at the low rate there may
    be at most 3 for 4 messages.

    The first seed has low 5, high 600, a 0.05, b 0.001 and p99 0.5; the other 99 have others.
    """
    return grade(mistakes, plan, lambda: _success(plan))


def _success(plan: Plan) -> str:
    night, rush, calls = [], [], []
    for seed in SEEDS:
        hours = hours_of(seed)
        low, high = (serve(come, plan(*_asked(hours)), hours) for come in arrivals_of(seed))
        night.append(low.p99 / hours.p99)
        rush.append(high.p99 / hours.p99)
        calls.append(low.calls / NIGHT)
    return (
        f"{len(SEEDS)} pairs of rates, {len(SEEDS) * (NIGHT + RUSH):,} messages: at night the "
        "p99 was at most "
        f"{max(night):.0%} of what is allowed, with {sum(calls) / len(calls):.2f} calls a "
        "message on average, and "
        f"in the rush hour at most {max(rush):.0%}"
    )


def mistakes(plan: Callable[..., Any], seed: int) -> Iterator[Mistake]:
    """The faults of the plan for this seed's rates."""
    hours = hours_of(seed)
    answer = call_answer(plan, *_asked(hours))
    if not _is_plan(answer):
        yield Mistake(
            f"{hours}: expected a size from 1 and a linger from 0 s, {answer}",
            "return size, linger_s",
        )
        return
    size, linger = answer.value
    night, rush = (serve(come, answer.value, hours) for come in arrivals_of(seed))
    scene = f"{hours}: with size {size} and a linger of {linger:.3g} s"
    if night.p99 > hours.p99:
        yield Mistake(
            f"{scene} the p99 at the low rate is {night.p99:.3f} s, and {hours.p99:.3f} s "
            "are allowed",
            "who comes just after a batch has gone waits for that call, for the linger and "
            "for his own call",
            partial(replayed, seed, (size, linger), NIGHT),
        )
    if rush.p99 > hours.p99:
        able = size / (hours.a + hours.b * size)
        yield Mistake(
            f"{scene} the p99 at the high rate is {rush.p99:.3f} s, and {hours.p99:.3f} s "
            "are allowed",
            f"calls of {size} are at most {able:.0f} messages a second"
            if able < 1.05 * hours.high
            else "a batch takes as long to fill and to be done as it is large",
            partial(replayed, seed, (size, linger), RUSH),
        )
    if night.calls > CALLS * NIGHT:
        yield Mistake(
            f"{scene} there are {night.calls:,} calls for {NIGHT:,} messages at the low "
            "rate, and "
            f"{CALLS * NIGHT:,.0f} are allowed",
            "at night nobody shares a call unless the first waits",
            partial(replayed, seed, (size, linger), NIGHT),
        )


def _asked(hours: Hours) -> tuple[float, float, float, float, float]:
    return hours.low, hours.high, hours.a, hours.b, hours.p99


def _is_plan(answer: Answer) -> bool:
    value = answer.value
    if answer.error is not None or not isinstance(value, tuple | list) or len(value) != 2:
        return False
    return 1 <= Answer(value[0]).whole <= LARGEST and is_number(value[1]) and value[1] >= 0


def serve(come: list[float], plan: tuple[int, float], hours: Hours) -> Served:
    """What becomes of messages that come at these times (s), with this size and linger (s)."""
    size, linger = plan
    done: list[float] = []
    free, calls = 0.0, 0
    while len(done) < len(come):
        first = len(done)
        taken = max(free, come[first])
        end = min(bisect_right(come, taken + linger, first), first + size)
        begins = max(taken, come[end - 1]) if end == first + size else taken + linger
        free = begins + hours.a + hours.b * (end - first)
        done += [free] * (end - first)
        calls += 1
    return Served(come, done, calls)


def hours_of(seed: int) -> Hours:
    """This seed's rates, calls and limit."""
    if seed == 0:
        return Hours(5.0, 600.0, 0.05, 0.001, 0.5)
    rng = random.Random(f"hours {seed}")
    a, b = rng.uniform(0.03, 0.07), rng.uniform(0.0006, 0.0012)
    return Hours(rng.uniform(4, 8), rng.uniform(0.4, 0.62) / b, a, b, a * rng.uniform(8, 12))


@lru_cache(maxsize=len(SEEDS))
def arrivals_of(seed: int) -> tuple[list[float], list[float]]:
    """When the messages come at the low and at the high rate (s)."""
    rng, hours = random.Random(f"arrivals {seed}"), hours_of(seed)
    low = list(accumulate(rng.expovariate(hours.low) for _ in range(NIGHT)))
    return low, list(accumulate(rng.expovariate(hours.high) for _ in range(RUSH)))


@dataclass(frozen=True)
class Replay:
    """What a replay shows."""

    REPLAYS: ClassVar[tuple[str, ...]] = ("depth",)


def replayed(seed: int, plan: tuple[int, float], messages: int) -> Run:
    """The night (2,000 `messages`) or the rush hour (6,000) of this seed on the package's own
    processor.
    """
    check.one_of("messages", messages, (NIGHT, RUSH))
    hours, come = hours_of(seed), arrivals_of(seed)[messages == RUSH]
    with Simulation(seed) as sim:
        trace = Trace()
        queue = InMemoryMessageQueue(
            10**6, visibility_timeout=None, runtime=sim, trace=trace, name="orders"
        )
        processor = BatchMessageProcessor(queue, plan[0], plan[1])

        def write(batch: list[Message]) -> list[bool]:
            sim.sleep(hours.a + hours.b * len(batch))
            return [True] * len(batch)

        def shop() -> None:
            for number, time in enumerate(come, 1):
                sim.sleep_until(time)
                queue.send(Message(id=f"order-{number}"))

        processor.start_batch_processing(write)
        sim.spawn(shop, name="shop")
        sim.run()
        run = Run.of(trace)
    return Run(Replay(), seed, trace, run.until, run.totals, run.verdict)
