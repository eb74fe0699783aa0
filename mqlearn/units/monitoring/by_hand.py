"""Runs with a sampler and an alarm from a notebook's cells in the place of the package's own.

run_with_sampler(WatchedShop(), sampler)      the shop, and what the notebook's sampler saw of it
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mqlearn.messaging.memory import InMemoryMessageQueue
from mqlearn.messaging.metrics import MessageQueueMetrics
from mqlearn.messaging.retry import RetryPolicy
from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.simulation import Simulation
from mqlearn.study.run import Run
from mqlearn.units.monitoring.scenario import WatchedShop

Sampler = Callable[[Runtime, MessageQueueMetrics, list[Any]], object]


def run_with_sampler(shop: WatchedShop, sampler: Sampler, seed: int = 0) -> tuple[Run, list[Any]]:
    """Return the run of `shop`, and the list that `sampler(runtime, metrics, seen)` has filled
    meanwhile. It is started with the shop and may never end; `metrics` are those of the queue.
    """
    check.instance("shop", shop, WatchedShop)
    check.function("sampler", sampler)
    seen: list[Any] = []
    with Simulation(check.whole("seed", seed)) as sim:
        queue = InMemoryMessageQueue(
            100_000, visibility_timeout=None, retry=RetryPolicy(1.0, jitter="none"), runtime=sim
        )
        metrics = MessageQueueMetrics(queue)
        sim.spawn(sampler, sim, metrics, seen, name="sampler", daemon=True)
        return shop.run(seed, runtime=sim, queue=queue), seen
