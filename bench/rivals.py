"""Rivals that mqlearn is measured against: a plain heap queue, a bare SimPy model, and Ciw."""

from __future__ import annotations

import heapq
import itertools
import random
import threading
import time
from collections.abc import Iterator
from typing import Any

import ciw
import simpy

from mqlearn import Message, MessageStatus


class HeapQueue:
    """A heap of (priority, time, message) and a dict in flight under one condition; no lease,
    receipt, copy or check.

    The rest it does as ours: it refuses when full, waits for a message, puts away what has expired,
    sets the status.
    """

    def __init__(self, max_size: int) -> None:
        self.max_size = max_size
        self.heap: list[tuple[int, float, Message]] = []
        self.flying: dict[Any, Message] = {}
        self.dead: list[Message] = []
        self.changed = threading.Condition(threading.RLock())

    def send(self, message: Message) -> bool:
        """Accept unless full."""
        with self.changed:
            if len(self.heap) >= self.max_size:
                return False
            message.timestamp = now = time.time()
            heapq.heappush(self.heap, (message.priority.value, now, message))
            self.changed.notify()
            return True

    def receive(self, timeout: float | None = None) -> Message | None:
        """Wait for the smallest that has not expired, at most `timeout` seconds."""
        with self.changed:
            deadline = None if timeout is None else time.time() + timeout
            while True:
                while not self.heap:
                    if not self.changed.wait(None if deadline is None else deadline - time.time()):
                        return None
                _, stamp, message = heapq.heappop(self.heap)
                if time.time() - stamp <= message.ttl:
                    message.status = MessageStatus.PROCESSING
                    self.fly(message)
                    return message
                message.status = MessageStatus.DEAD_LETTER
                self.dead.append(message)

    def fly(self, message: Message) -> None:
        """Remember it by its id."""
        self.flying[message.id] = message

    def ack(self, message: Message) -> bool:
        """Forget it."""
        with self.changed:
            if self.flying.pop(message.id, None) is None:
                return False
            message.status = MessageStatus.COMPLETED
            return True


class ReceiptQueue(HeapQueue):
    """The same, but a delivery is known by its receipt."""

    def __init__(self, max_size: int) -> None:
        super().__init__(max_size)
        self.receipts = itertools.count(1)

    def fly(self, message: Message) -> None:
        """Remember it by a receipt of its own."""
        message.receipt = next(self.receipts)
        self.flying[message.receipt] = message

    def ack(self, message: Message) -> bool:
        """Forget it, if this delivery of it is current."""
        with self.changed:
            held = self.flying.get(message.receipt)
            if held is None or held.id != message.id:
                return False
            del self.flying[message.receipt]
            message.status = MessageStatus.COMPLETED
            return True


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
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(1.0)],
        service_distributions=[ciw.dists.Exponential(0.4)],
        number_of_servers=[3],
    )
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_customers(messages, method="Finish")
    simulation.get_all_records()
