"""Forty minutes of a shop, with harmless disturbances and perhaps one failure, as samples."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from functools import lru_cache

from mqlearn.messaging.sample import Sample
from mqlearn.units.monitoring.quick_shop import Attempt, Order, QuickShop

MINUTES, EVERY = 40, 10.0  # EVERY: seconds from one sample to the next
SERVICE, AT_ONCE, CHANCE = 2.5, 0.05, 0.01  # seconds of an order, and of a call that does nothing
RUSH = 1.45  # Monday's: so many times as many orders
DIE, DOWN, PRODUCER, NOTHING = (
    "workers die",
    "the service is down",
    "the producer is down",
    "orders are acked without work",
)
KINDS = (DIE, DOWN, PRODUCER, NOTHING, "")  # "": nothing fails


@dataclass(frozen=True)
class Hour:
    """A time that was watched: its `samples`, and the failure from `onset` to `end` (s), or "".

    Harmless, and in every hour: Monday's rush and a `pause` for a deployment, each from and to (s),
    and two poison orders.
    """

    seed: int
    failure: str
    onset: float
    end: float
    rush: tuple[float, float]
    pause: tuple[float, float]
    samples: tuple[Sample, ...]


class HourShop(QuickShop):
    """The shop of one hour; what happens in it, and when, is drawn."""

    def __init__(self, seed: int, minutes: float = MINUTES) -> None:
        super().__init__(random.Random(f"hour {seed}"))
        dice, self.failure = self.dice, KINDS[seed % len(KINDS)]
        self.usual = dice.uniform(0.5, 2.5)  # orders per second
        self.full = max(3, math.ceil(self.usual * SERVICE / 0.6))  # workers
        # with so few workers left, 40 % of the orders are still served
        self.few = int(0.4 * self.usual * SERVICE)
        until, longer = 60.0 * minutes, minutes / MINUTES
        self.onset = dice.uniform(0.375, 0.625) * until if self.failure else math.inf
        self.end = self.onset + dice.uniform(300, 600) * longer
        begins = dice.uniform(100, 300) * longer
        self.rush = (begins, begins + dice.uniform(200, 400) * longer)
        begins = dice.uniform(0.3, 0.35) * until
        self.pause = (begins, begins + dice.uniform(15, 30))
        self.peak = self.usual * RUSH
        self.wakes = (self.pause[1], self.end)
        self.poison = (dice.uniform(60, 0.3 * until), dice.uniform(0.7, 0.95) * until)

    def fails(self, now: float, kind: str) -> bool:
        """Return True if this failure is on at `now` (s)."""
        return self.failure == kind and self.onset <= now < self.end

    def rate(self, now: float) -> float:
        if self.fails(now, PRODUCER):
            return 0.0
        return self.peak if self.rush[0] <= now < self.rush[1] else self.usual

    def workers(self, now: float) -> int:
        if self.pause[0] <= now < self.pause[1]:
            return 0
        return self.few if self.fails(now, DIE) else self.full

    def attempt(self, now: float, order: Order) -> Attempt:
        if self.fails(now, DOWN):
            return Attempt(AT_ONCE, fails=True)
        if self.fails(now, NOTHING):
            return Attempt(AT_ONCE, charges=False)
        seconds, chance = self.dice.expovariate(1 / SERVICE), self.dice.random() < CHANCE
        return Attempt(seconds, fails=order.poison or chance)


@lru_cache(maxsize=256)
def hour(seed: int, minutes: int = MINUTES) -> Hour:
    """Return the hour of this seed, `minutes` long, with a sample every 10 s. In a longer one rush
    and failure last longer, too.
    """
    shop = HourShop(seed, minutes)
    samples = shop.watch([EVERY * k for k in range(1, int(60 * minutes / EVERY) + 1)])
    return Hour(seed, shop.failure, shop.onset, shop.end, shop.rush, shop.pause, tuple(samples))
