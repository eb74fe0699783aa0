"""Exercise 04.1: how long to wait before each retry, so that an outage kills nobody and its end no
service.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

from mqlearn.messaging.memory import InMemoryMessageQueue
from mqlearn.messaging.message import Message, Reject, Release
from mqlearn.messaging.percentile import percentile
from mqlearn.messaging.processor import MessageProcessor
from mqlearn.runtime.simulation import Simulation
from mqlearn.runtime.trace import Trace
from mqlearn.study.exercise import SEEDS, Mistake, call_answer, grade, is_number
from mqlearn.study.run import Run
from mqlearn.study.verdict import Verdict

RATE = 10  # orders a second
MOST_TRIES = 20  # of an order that fails at every try
SLICE = 10  # seconds over which the load is measured
PEAK = 2.0  # times the normal load, at most, once the service is back
LATE = 480.0  # seconds after the recovery within which 99 % are done
SHARE = 99

Delay = Callable[[int, random.Random], Any]


@dataclass
class Night:
    """An outage from 0 to `end` seconds, and what became of the orders that came in it."""

    REPLAYS: ClassVar[tuple[str, ...]] = ("load", "dead")
    seed: int
    end: float
    come: list[float]
    tries: list[list[float]] = field(default_factory=list)  # of each order, when (s)
    gave_up: list[int] = field(default_factory=list)  # the numbers of the orders that are dead

    def peak(self) -> tuple[float, int]:
        """The most tries in ten seconds after the recovery, new orders' included, over the normal
        number; and when.
        """
        late = Counter(
            int((time - self.end) // SLICE)
            for times in self.tries
            for time in times
            if time >= self.end
        )
        count, slot = max(((count, -slot) for slot, count in late.items()), default=(0, 0))
        return 1 + count / (RATE * SLICE), int(self.end - SLICE * slot)

    def lateness(self) -> float:
        """Seconds after the recovery within which 99 % of the orders are done."""
        last = sorted(times[-1] - self.end for times in self.tries)
        return percentile(last, SHARE)


def check_delay(delay: Delay) -> Verdict:
    """Whether `delay(attempt, rng)` is a good number of seconds to wait after failure number
    `attempt` (from 1).

    None gives the order up: it is dead. `rng` is a `random.Random`. Ten orders arrive a second. A
    service is down for 30 to 120 s, and in one second of it a flash sale brings 100 to 600 orders
    more. In each of 100 seeds no order may die; after the recovery no ten seconds may see more than
    twice the normal number of tries; and 480 s after the recovery 99 % of the orders of the outage
    must be done. An order that fails at every try must be given up after 20 tries at most.
    """
    orders = sum(len(orders_of(seed)[1]) for seed in SEEDS)
    return grade(
        mistakes,
        delay,
        lambda: (
            f"{len(SEEDS)} outages, {orders:,} orders: none died, the busiest ten seconds after a "
            "recovery saw "
            f"{max(night_of(delay, seed)[0].peak()[0] for seed in SEEDS):.2f} times the normal "
            "load, "
            "and 99 % were done "
            f"within {max(night_of(delay, seed)[0].lateness() for seed in SEEDS):.0f} s"
        ),
    )


def mistakes(delay: Delay, seed: int) -> Iterator[Mistake]:
    """The faults of this seed's night."""
    if fault := _endless(delay, seed):
        yield fault
        return
    night, fault = night_of(delay, seed)
    if fault:
        yield fault
        return
    scene = f"{night.end:.0f} s without a service, {len(night.come):,} orders"
    make_run = partial(replayed, night)
    if night.gave_up:
        first = night.gave_up[0]
        times = night.tries[first]
        yield Mistake(
            f"{scene}: order-{first + 1} was given up at {times[-1]:.1f} s, after "
            f"{len(times)} tries; "
            f"{len(night.gave_up):,} orders are dead",
            "all waits together must outlast the outage, also if the dice fall badly",
            make_run,
        )
    peak, when = night.peak()
    if peak > PEAK:
        yield Mistake(
            f"{scene}: from {when} s on, ten seconds see {peak:.1f} times the normal "
            "number of tries, and "
            f"{PEAK:g} are allowed",
            "those who failed together must not come back together",
            make_run,
        )
    if night.lateness() > LATE:
        yield Mistake(
            f"{scene}: 99 % of them are done only {night.lateness():.0f} s after the "
            f"recovery, and {LATE:g} "
            f"are allowed",
            "how long does an order wait after a recovery that it does not see?",
            make_run,
        )


def _endless(delay: Delay, seed: int) -> Mistake | None:
    """What is wrong if an order that always fails is never given up, or an answer is no number of
    seconds.
    """
    rng = random.Random(f"poison {seed}")
    for attempt in range(1, MOST_TRIES + 1):
        answer = call_answer(delay, attempt, rng)
        if answer.error is None and answer.value is None and attempt > 1:
            return None
        if fault := _no_delay(answer, attempt):
            return fault
    return Mistake(
        f"after failure {MOST_TRIES} of a poison order {answer}, and the order is still "
        "not given up",
        "return None when enough has been tried",
    )


def _no_delay(answer: Any, attempt: int) -> Mistake | None:
    if answer.error is None and is_number(answer.value) and answer.value >= 0:
        return None
    return Mistake(
        f"after failure {attempt} expected a number of seconds from 0, {answer}",
        "delay(attempt, rng) returns seconds, or None from some later failure on to give up",
    )


def night_of(delay: Delay, seed: int) -> tuple[Night, Mistake | None]:
    """All tries of this seed's night, and where an answer was none."""
    end, come = orders_of(seed)
    night, rng = Night(seed, end, come), random.Random(f"jitter {seed}")
    for number, time in enumerate(come):
        times = [time]
        night.tries.append(times)
        while times[-1] < end:
            answer = call_answer(delay, len(times), rng)
            if answer.error is None and answer.value is None:
                night.gave_up.append(number)
                break
            if fault := _no_delay(answer, len(times)):
                return night, fault
            times.append(times[-1] + answer.value)
            if len(times) > 2 * MOST_TRIES:
                return night, Mistake(
                    f"order-{number + 1} was tried {len(times)} times by {times[-1]:.1f} s",
                    "return None when enough has been tried",
                )
    return night, None


def orders_of(seed: int) -> tuple[float, list[float]]:
    """How long this seed's outage lasts, and when its orders come, in seconds since it began."""
    rng = random.Random(f"outage {seed}")
    end = rng.uniform(30, 120)
    sale, size = rng.uniform(0, end - 1), rng.randint(100, 600)
    return end, sorted(
        [number / RATE for number in range(int(end * RATE))]
        + [sale + number / size for number in range(size)]
    )


def replayed(night: Night) -> Run:
    """That night on the package's queue: the same orders are tried at the same times."""
    with Simulation(night.seed) as sim:
        trace = Trace()
        queue = InMemoryMessageQueue(
            visibility_timeout=None, runtime=sim, trace=trace, name="orders"
        )

        def charge(order: Message) -> None:
            number, tried = int(order.id.removeprefix("order-")) - 1, order.attempt
            times = night.tries[number]
            if tried < len(times):
                raise Release(max(0.0, times[tried] - sim.now))
            if number in dead:
                raise Reject("given up")

        def shop() -> None:
            for number, time in enumerate(night.come, 1):
                sim.sleep_until(time)
                queue.send(Message(id=f"order-{number}"))

        dead = set(night.gave_up)
        processor = MessageProcessor(queue)
        processor.register_processor("default", charge)
        processor.start_workers(1)
        sim.spawn(shop, name="shop")
        sim.run()
        run = Run.of(trace)
    return Run(night, night.seed, trace, run.until, run.totals, run.verdict)
