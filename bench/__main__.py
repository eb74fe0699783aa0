"""Prints ratios first (machine-independent), from medians of interleaved repeats, then rates of this machine."""

from __future__ import annotations

import gc
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

from bench.rivals import HeapQueue, run_ciw, run_simpy
from mqlearn import InMemoryMessageQueue, Message, MessageProcessor, Simulation, Trace

REPEATS = 5


def interleaved(calls: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Median seconds of each call, taken in turns so that all meet the same machine."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(REPEATS):
        for name, call in calls.items():
            gc.collect()
            start = perf_counter()
            call()
            taken[name].append(perf_counter() - start)
    return {name: median(seconds) for name, seconds in taken.items()}


def cycle(queue: Any, messages: int) -> None:
    """Send all, then receive and ack each."""
    for i in range(messages):
        queue.send(Message(id=f"m-{i}"))
    for _ in range(messages):
        queue.ack(queue.receive())


def run_mqlearn(messages: int) -> None:
    """M/M/3 with its trace recorded."""
    with Simulation(seed=1) as sim:
        queue = InMemoryMessageQueue(10**6, runtime=sim, trace=Trace())
        processor = MessageProcessor(queue)
        processor.register_processor("default", lambda _: sim.sleep(sim.random.expovariate(0.4)))

        def produce() -> None:
            for i in range(messages):
                sim.sleep(sim.random.expovariate(1.0))
                queue.send(Message(id=f"m-{i}"))

        processor.start_workers(3)
        sim.spawn(produce)
        sim.run()


def main() -> None:
    """Print every measurement."""
    n, size = 10_000, 10**7
    taken = interleaved({
        "heap": lambda: cycle(HeapQueue(size), n),
        "plain": lambda: cycle(InMemoryMessageQueue(size), n),
        "no lease": lambda: cycle(InMemoryMessageQueue(size, visibility_timeout=None), n),
        "traced": lambda: cycle(InMemoryMessageQueue(size, trace=Trace()), n),
    })
    print("queue, send + receive + ack, against a heap queue without leases (1.00x: as fast)")
    for name in ("plain", "no lease", "traced"):
        print(f"  {name:9} {taken['heap'] / taken[name]:.2f}x")
    n = 5_000
    runs = interleaved({"mqlearn": lambda: run_mqlearn(n), "Ciw": lambda: run_ciw(n), "SimPy": lambda: run_simpy(n)})
    print("simulated M/M/3 with its trace recorded")
    for name in ("Ciw", "SimPy"):
        print(f"  {runs[name] / runs['mqlearn']:.2f}x {name}")
    print("messages per second: " + ", ".join(f"{k} {n / s:,.0f}" for k, s in runs.items()))


if __name__ == "__main__":
    main()
