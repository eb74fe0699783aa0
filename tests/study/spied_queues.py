"""Queues of a live simulation that are looked at while it runs, beside what its run says later."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from mqlearn import InMemoryMessageQueue, Message
from mqlearn.messaging import queue_maker
from mqlearn.study import scenario as scenario_module
from mqlearn.study.run import Run
from mqlearn.units.backpressure_and_scaling import Rush
from mqlearn.units.backpressure_and_scaling import scenario as rush_module
from mqlearn.units.publish_subscribe import FanOut

INSTANTS = 50


class Spied(InMemoryMessageQueue):
    """The real queue; beside it, who took each delivery, noted as it is handed over."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.taker: dict[int, str] = {}
        spied.append(self)

    def take(self, cancelled: Callable[[], bool]) -> Message | None:
        message = super().take(cancelled)
        if message is not None:
            self._taken(message)
        return message

    def receive_many(self, n: int, timeout: float | None = None) -> list[Message]:
        batch = super().receive_many(n, timeout)
        for message in batch:
            self._taken(message)
        return batch

    def _taken(self, message: Message) -> None:
        task = self.runtime.current_task()
        assert task is not None
        self.taker[message.receipt] = task.name

    def holdings(self) -> dict[str, list[str]]:
        """The ids that each worker holds: those that the queue still counts as in flight with the
        receipt it gave.
        """
        held: dict[str, list[str]] = {}
        for receipt, entry in self._in_flight.items():
            held.setdefault(self.taker[receipt], []).append(entry.message.id)
        return {worker: sorted(ids) for worker, ids in held.items()}


spied: list[Spied] = []


def instants(until: float, dates: list[float], dice: random.Random) -> list[float]:
    """Half of them any time before the end (s), half of them the very instant at which something
    happens.
    """
    dates = sorted({date for date in dates if date < until})
    some = dice.sample(dates, min(INSTANTS // 2, len(dates)))
    return sorted(some + [dice.uniform(0.0, until) for _ in range(INSTANTS - len(some))])


def look(queue: Spied) -> dict[str, Any]:
    """How many the queue counts in each place, and whom its workers hold, at this instant of a live
    simulation.
    """
    return {**queue.census(), "workers": queue.holdings()}


def look_at_all(queues: list[Spied]) -> dict[str, Any]:
    """The same, over all queues."""
    seen = [look(queue) for queue in queues]
    workers = {worker: ids for each in seen for worker, ids in each["workers"].items()}
    return {
        place: sum(each[place] for each in seen)
        for place in ("waiting", "delayed", "in flight", "dead")
    } | {"workers": workers}


def where_queues_are_made(scenario: Any) -> Any:
    """The module that makes the scenario's queues: a broker's, its own, or that of all."""
    if isinstance(scenario, Rush):
        return rush_module
    return queue_maker if isinstance(scenario, FanOut) else scenario_module


def read(run: Run, time: float) -> dict[str, Any]:
    """The same, as the finished run tells it of that time (s)."""
    instant = run.at(time)
    workers = {
        worker: sorted(item.message_id for item in items)
        for worker, items in instant.workers.items()
        if items
    }
    return {
        "waiting": len(instant.waiting),
        "delayed": len(instant.delayed),
        "dead": len(instant.dead),
        "in flight": sum(map(len, workers.values())),
        "workers": workers,
    }
