"""What mqlearn is measured against: a plain heap queue, a bare SimPy model, and Ciw."""

from __future__ import annotations

import heapq
import random
import threading
import time
from collections.abc import Iterator
from typing import Any

import ciw
import simpy

from mqlearn import Message


class HeapQueue:
    """A heap of (priority, time, message) and a dict in flight under one condition; no lease, no receipt."""

    def __init__(self, max_size: int) -> None:
        self.max_size = max_size
        self.heap: list[tuple[int, float, Message]] = []
        self.flying: dict[str, Message] = {}
        self.changed = threading.Condition(threading.RLock())

    def send(self, message: Message) -> bool:
        """Accept unless full."""
        with self.changed:
            if len(self.heap) >= self.max_size:
                return False
            heapq.heappush(self.heap, (message.priority.value, time.time(), message))
            self.changed.notify()
            return True

    def receive(self) -> Message:
        """Wait for the smallest."""
        with self.changed:
            while not self.heap:
                self.changed.wait()
            message = heapq.heappop(self.heap)[2]
            self.flying[message.id] = message
            return message

    def ack(self, message: Message) -> bool:
        """Forget it."""
        with self.changed:
            return self.flying.pop(message.id, None) is not None


def run_simpy(messages: int) -> None:
    """M/M/3 as a bare Store: one producer, three consumers, nothing recorded."""
    env, rng = simpy.Environment(), random.Random(1)
    store = simpy.Store(env)

    def produce() -> Iterator[Any]:
        for i in range(messages):
            yield env.timeout(rng.expovariate(1.0))
            yield store.put(i)

    def consume() -> Iterator[Any]:
        while True:
            yield store.get()
            yield env.timeout(rng.expovariate(0.4))

    env.process(produce())
    for _ in range(3):
        env.process(consume())
    env.run()


def run_ciw(messages: int) -> None:
    """M/M/3 in Ciw, with its records."""
    ciw.seed(1)
    network = ciw.create_network(arrival_distributions=[ciw.dists.Exponential(1.0)],
                                 service_distributions=[ciw.dists.Exponential(0.4)], number_of_servers=[3])
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_customers(messages, method="Finish")
    simulation.get_all_records()
