"""Simulated waits against theory, by the real simulation, queue and processor.

A mean over n messages scatters around the long-run mean that theory gives. How far is measured here
by batch means, and asserted, so that "within 5 %" says something. Message by message there is no
scatter: each wait has to be that of a simulator of a dozen lines, which knows neither queue nor
processor; and that one is fast enough for a million messages.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from heapq import heappop, heappush, heapreplace
from itertools import accumulate
from statistics import fmean, stdev

import pytest

from mqlearn import InMemoryMessageQueue, Message, MessagePriority, MessageProcessor, Simulation
from mqlearn.study import theory

URGENT_FIRST = tuple(sorted(MessagePriority, key=lambda p: -p.value))
BATCHES = 40


@dataclass(frozen=True)
class Load:
    """What comes: when each message arrives (s), how long it takes (s), its place in the order of
    priorities.
    """

    arrivals: list[float]
    services: list[float]
    lanes: list[int]

    @classmethod
    def drawn(
        cls,
        messages: int,
        rate: float,
        *,
        constant: bool = False,
        shares: tuple[float, ...] = (1.0,),
    ) -> Load:
        """Poisson arrivals, `rate` a second; services of 1 s, exponential unless constant;
        priorities by shares.
        """
        dice = random.Random(0)
        arrivals = list(accumulate(dice.expovariate(rate) for _ in range(messages)))
        services = [1.0 if constant else dice.expovariate(1.0) for _ in range(messages)]
        return cls(arrivals, services, dice.choices(range(len(shares)), shares, k=messages))


def simulated(load: Load, servers: int) -> list[float]:
    """Each message's wait (s) from sending to the start of its handler, by what this package is
    made of.
    """
    waits = [math.nan] * len(load.arrivals)
    with Simulation() as sim:
        queue = InMemoryMessageQueue(10**6, visibility_timeout=None, runtime=sim)
        processor = MessageProcessor(queue)

        def serve(message: Message) -> None:
            number = message.body["number"]
            waits[number] = sim.now - load.arrivals[number]
            sim.sleep(load.services[number])

        def produce() -> None:
            for number, time in enumerate(load.arrivals):
                sim.sleep_until(time)
                queue.send(
                    Message(
                        id=f"m-{number}",
                        body={"number": number},
                        ttl=10**9,
                        priority=URGENT_FIRST[load.lanes[number]],
                    )
                )

        processor.register_processor("default", serve)
        processor.start_workers(servers)
        sim.spawn(produce)
        sim.run()
        assert processor.metrics["processed"] == len(waits)
    return waits


def by_hand(load: Load, servers: int) -> list[float]:
    """The same waits (s): whoever is free first takes the most urgent of those who have arrived,
    the first of them.
    """
    waits = [math.nan] * len(load.arrivals)
    free, line, came = [0.0] * servers, list[tuple[int, int]](), 0
    for _ in waits:
        now = free[0] if line else max(free[0], load.arrivals[came])
        while came < len(waits) and load.arrivals[came] <= now:
            heappush(line, (load.lanes[came], came))
            came += 1
        number = heappop(line)[1]
        waits[number] = now - load.arrivals[number]
        heapreplace(free, now + load.services[number])
    return waits


def check_each(waits: list[float], load: Load, servers: int) -> None:
    """To the microsecond."""
    assert max(abs(a - b) for a, b in zip(waits, by_hand(load, servers), strict=True)) < 1e-6


def check_mean(waits: list[float], expected: float, *, error: float) -> None:
    """Within 5 % of theory, by a mean whose standard error is at most this share of it."""
    size = len(waits) // BATCHES
    batches = [fmean(waits[i * size : (i + 1) * size]) for i in range(BATCHES)]
    off, found = fmean(waits) / expected - 1, stdev(batches) / math.sqrt(BATCHES) / expected
    print(f"{len(waits):,} messages: off {off:+.2%}, standard error {found:.2%}")
    assert abs(off) <= 0.05
    assert found <= error


@pytest.mark.parametrize(
    ("servers", "load", "constant", "messages"),
    [
        (1, 0.4, False, 60_000),
        (3, 0.6, False, 60_000),
        (10, 0.7, False, 60_000),
        (1, 0.5, True, 40_000),
    ],
    ids=["M/M/1", "M/M/3", "M/M/10", "M/D/1"],
)
def test_mean_wait_is_that_of_theory(
    servers: int, load: float, constant: bool, messages: int
) -> None:
    """Each single wait is the right one, and a million of those have a mean within 5 % of theory,
    with a standard error below 2 %.
    """
    expected = (
        theory.mg1_wait(load, 1.0, service_cv=0.0)
        if constant
        else theory.mmc_wait(load * servers, 1.0, servers)
    )
    drawn = Load.drawn(messages, load * servers, constant=constant)
    check_each(simulated(drawn, servers), drawn, servers)
    check_mean(
        by_hand(Load.drawn(10**6, load * servers, constant=constant), servers), expected, error=0.02
    )


def test_priority_waits_are_cobhams() -> None:
    """One worker, most urgent first: the wait of each of four priorities is within 5 %."""
    shares = (0.2, 0.25, 0.3, 0.25)
    drawn = Load.drawn(100_000, 0.5, shares=shares)
    waits = simulated(drawn, 1)
    check_each(waits, drawn, 1)
    for lane, expected in enumerate(theory.priority_waits([0.5 * share for share in shares], 1.0)):
        check_mean(
            [wait for wait, its in zip(waits, drawn.lanes, strict=True) if its == lane],
            expected,
            error=0.03,
        )


def test_several_workers_serve_by_priority() -> None:
    """Three workers on one line, four priorities: each single wait is the right one."""
    drawn = Load.drawn(20_000, 2.5, shares=(0.2, 0.25, 0.3, 0.25))
    check_each(simulated(drawn, 3), drawn, 3)
