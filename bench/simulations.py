"""The speed of simulated time: the same M/M/3, with its trace, against Ciw and a bare SimPy
model.
"""

from __future__ import annotations

from typing import Any

from bench.measure import interleaved, table
from bench.rivals import run_ciw, run_simpy
from mqlearn import InMemoryMessageQueue, Message, MessageProcessor, Simulation, Trace


def run_mqlearn(messages: int) -> Trace:
    """M/M/3 by the queue and the processor, with every record kept."""
    with Simulation(seed=1) as sim:
        trace = Trace()
        queue = InMemoryMessageQueue(10**6, runtime=sim, trace=trace)
        processor = MessageProcessor(queue)
        processor.register_processor("default", lambda _: sim.sleep(sim.random.expovariate(0.4)))

        def produce() -> None:
            for i in range(messages):
                sim.sleep(sim.random.expovariate(1.0))
                queue.send(Message(id=f"m-{i}"))

        processor.start_workers(3)
        sim.spawn(produce)
        sim.run()
    return trace


def against_simulators(messages: int = 5_000, repeats: int = 9) -> list[str]:
    """Messages per second as ratios: 1.00 is as fast."""
    taken = interleaved(
        {
            "mqlearn": lambda: lambda: run_mqlearn(messages),
            "Ciw": lambda: lambda: run_ciw(messages),
            "SimPy": lambda: lambda: run_simpy(messages),
        },
        repeats,
    )
    rows: list[tuple[Any, ...]] = [("against", "ratio", "messages a second")]
    rows += [
        (label, f"{taken[name] / taken['mqlearn']:.2f}x", f"{messages / taken[name]:,.0f}")
        for name, label in [
            ("mqlearn", "mqlearn, with its trace and leases"),
            ("Ciw", "Ciw, with its records"),
            ("SimPy", "SimPy, one Store, nothing recorded"),
        ]
    ]
    return [f"simulated M/M/3, {messages:,} messages", *table(*rows)]


def growth(sizes: tuple[int, ...] = (1_000, 10_000, 100_000), repeats: int = 3) -> list[str]:
    """Microseconds of real time that a simulated message takes, its trace included, in runs of ever
    greater length.
    """
    rows: list[tuple[Any, ...]] = [("messages", "µs a message")]
    for size in sizes:
        taken = interleaved({"run": lambda size=size: lambda: run_mqlearn(size)}, repeats)  # type: ignore[misc]
        rows.append((f"{size:,}", f"{taken['run'] / size * 1e6:.1f}"))
    return ["simulated M/M/3 with its trace, runs of ever greater length", *table(*rows)]
