"""What an outage costs, its backlog included, and what a percentile of successful calls leaves
out.
"""

from __future__ import annotations

import math
import random
from statistics import mean

import pytest

from mqlearn.messaging.percentile import percentile
from mqlearn.units.monitoring.movers import HANG, HANGS, ONSET, FailingShop
from mqlearn.units.monitoring.quick_shop import Attempt, Order, QuickShop

RATE, WORKERS, SERVICE, GOAL = 2.0, 8, 2.5, 60.0  # per second; seconds
CALM = 900.0  # seconds before the workers die
BUDGET = 0.01 * RATE * 30 * 86_400  # orders of a month that may miss the goal


class Outage(QuickShop):
    """The shop of the lab, whose workers are all away for `lasts` seconds."""

    peak = RATE

    def __init__(self, lasts: float, seed: int) -> None:
        super().__init__(random.Random(f"outage {seed}"))
        self.back = CALM + lasts
        self.wakes = (self.back,)

    def rate(self, now: float) -> float:
        return RATE

    def workers(self, now: float) -> int:
        return 0 if CALM <= now < self.back else WORKERS

    def attempt(self, now: float, order: Order) -> Attempt:
        return Attempt(self.dice.expovariate(1 / SERVICE), fails=self.dice.random() < 0.01)


def cost(lasts: float, seed: int) -> int:
    """The orders that miss their goal until the backlog is cleared."""
    before, after = Outage(lasts, seed).watch([CALM, CALM + 6 * lasts + 600])
    assert after.waiting < 50
    return after.missed - before.missed


@pytest.mark.parametrize(("lasts", "theory", "share"), [(300.0, 1280, 2.5), (600.0, 2880, 5.6)])
def test_an_outage_costs_its_backlog_too(lasts: float, theory: int, share: float) -> None:
    """λμ ÷ (μ − λ) × (D − goal), far more than the orders that came meanwhile and were late."""
    fast = WORKERS / SERVICE
    assert round(RATE * fast / (fast - RATE) * (lasts - GOAL)) == theory
    assert round(100 * theory / BUDGET, 1) == share
    assert mean(cost(lasts, seed) for seed in range(6)) == pytest.approx(theory, rel=0.1)


def test_failed_calls_would_show_a_service_that_hangs() -> None:
    """After 30 s the p95 of all calls is the time it hangs; that of the successful ones is not."""
    shop = FailingShop(HANG, 0)
    shop.watch([ONSET + 30.0])
    recent = [call for call in shop.calls if call.end > ONSET - 30]
    done = [call for call in recent if not math.isnan(call.sojourn)]
    both = [percentile(sorted(call.seconds for call in calls), 95) for calls in (recent, done)]
    assert both[0] == pytest.approx(HANGS) and both[1] < 6
