"""The quick shop does what the package's own queue and workers do, to the last digit."""

from __future__ import annotations

import math
import random

import pytest

from mqlearn import (
    InMemoryMessageQueue,
    Message,
    MessageProcessor,
    QueueSampler,
    RetryPolicy,
    Simulation,
)
from mqlearn.units.monitoring.quick_shop import Attempt, Order, QuickShop

LOOKS = [10.0 * k for k in range(1, 61)]


def attempt_of(luck: float) -> Attempt:
    """What comes of every try of an order: one in eight fails, one in five does not charge."""
    seconds = -math.log1p(-luck) * 2.5
    return Attempt(seconds, fails=luck * 8 % 1 < 0.125, charges=luck * 5 % 1 >= 0.2)


class Lucky(QuickShop):
    """A shop where the luck of an order decides all; from 205 to 305 s no worker is there."""

    peak, wakes = 1.5, (305.0,)

    def __init__(self, seed: int) -> None:
        super().__init__(random.Random(seed))
        self.orders: dict[float, Order] = {}

    def rate(self, now: float) -> float:
        return self.peak

    def workers(self, now: float) -> int:
        return 0 if 205.0 <= now < 305.0 else 6

    def attempt(self, now: float, order: Order) -> Attempt:
        self.orders[order.sent] = order
        return attempt_of(order.luck)


@pytest.mark.parametrize("seed", range(5))
def test_its_samples_are_those_of_the_package(seed: int) -> None:
    """Six hundred seconds, with retries, deaths, a stop and a backlog."""
    quick = Lucky(seed)
    # the orders that no worker has begun yet at the end are not known: the last minute is left out
    seen = [sample for sample in quick.watch(LOOKS) if sample.now <= 540.0]
    orders = [quick.orders[time] for time in sorted(quick.orders)]
    charged: list[str] = []
    with Simulation() as sim:
        queue = InMemoryMessageQueue(
            runtime=sim, visibility_timeout=None, retry=RetryPolicy(1.0, jitter="none")
        )
        processor = MessageProcessor(queue)

        def charge(message: Message) -> bool:
            call = attempt_of(orders[int(message.id)].luck)
            sim.sleep(call.seconds)
            if call.charges and not call.fails:
                charged.append(message.id)
            return not call.fails

        def send() -> None:
            for number, order in enumerate(orders):
                sim.sleep_until(order.sent)
                queue.send(Message(id=str(number)))

        def pause() -> None:
            sim.sleep_until(205.0)
            processor.stop_workers()
            sim.sleep_until(305.0)
            processor.start_workers(6)

        processor.register_processor("default", charge)
        processor.start_workers(6)
        sampler = QueueSampler(queue, charged=lambda: len(charged))
        sampler.start()
        sim.spawn(send)
        sim.spawn(pause)
        sim.run(until=540.0)
    assert sampler.samples == seen
    assert seen[-1].dead > 40 and seen[-1].late > 20 and seen[-1].charged < seen[-1].done


def test_a_rate_that_changes_leaves_orders_out() -> None:
    """Half as many in the second half; none at all for a producer that is down."""

    class Falling(Lucky):
        def rate(self, now: float) -> float:
            return self.peak if now < 3000 else self.peak / 2 if now < 6000 else 0.0

    half, whole, late, end = Falling(1).watch([3000.0, 6000.0, 6001.0, 7000.0])
    assert half.sent == pytest.approx(4500, rel=0.05)
    assert whole.sent - half.sent == pytest.approx(2250, rel=0.05)
    assert late.sent == whole.sent == end.sent and end.waiting == 0


def test_a_poison_order_is_the_next_after_its_time() -> None:
    """One per time, also if both have passed."""
    seen: list[float] = []

    class Poisoned(Lucky):
        poison = (50.0, 50.0, 100.0)

        def attempt(self, now: float, order: Order) -> Attempt:
            if order.poison and order.sent not in seen:
                seen.append(order.sent)
            return Attempt(1.0, fails=order.poison)

    assert Poisoned(2).watch([200.0])[0].dead == 3
    assert 50.0 <= seen[0] < seen[1] < 55.0 and 100.0 <= seen[2] < 105.0
