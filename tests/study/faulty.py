"""A shop whose orders go through every fault: what the tests of the faults share."""

from __future__ import annotations

from collections import Counter
from typing import Any

from mqlearn import InMemoryMessageQueue, Message, MessageProcessor, Simulation, Trace
from mqlearn.study.faults import Faults
from mqlearn.study.run import Run

ORDERS = 400
LEASE = 30.0


def work(
    faults: Faults,
    *,
    workers: int = 2,
    lease: float | None = LEASE,
    prefetch: int = 1,
    redrive: bool = False,
    spacing: float = 1.0,
) -> tuple[Run, Counter[str]]:
    """Orders sent over the link, each a second's work; the run, and how often each had its
    effect.
    """
    effects: Counter[str] = Counter()
    with Simulation() as sim:
        queue = InMemoryMessageQueue(visibility_timeout=lease, runtime=sim, trace=Trace())
        link = faults.link(queue)
        processor = MessageProcessor(link, prefetch=prefetch)
        processor.register_processor(
            "default", faults.handler(lambda m: effects.update([m.id]), sim, seconds=1.0)
        )

        def shop() -> None:
            for number in range(1, ORDERS + 1):
                link.send(Message(id=f"order-{number}"))
                sim.sleep(spacing)

        sim.spawn(shop, name="shop")
        processor.start_workers(workers)
        sim.run()
        if redrive:
            link.redrive()
            sim.run()
        assert queue.trace is not None
        return Run.of(queue.trace), effects


def events(run: Run, *names: str) -> list[Any]:
    """Every record of these kinds, without its receipt."""
    return [
        record._replace(receipt=0, detail=None)
        for record in run.trace.records
        if record.event in names
    ]


def outcomes(run: Run) -> dict[tuple[str, int], str]:
    """How each try ended, by message and attempt."""
    return {(r.message_id, r.attempt): r.detail for r in run.trace.records if r.event == "finished"}


def near(count: int, of: int, rate: float) -> bool:
    """Whether `count` is within four standard deviations of a binomial's mean."""
    return abs(count - of * rate) <= 4 * (of * rate * (1 - rate)) ** 0.5


def outcomes_at_first(run: Run) -> dict[str, str]:
    """How the first try of each message's first entry ended."""
    found: dict[str, str] = {}
    for record in run.trace.records:
        if record.event == "finished" and record.attempt == 1:
            found.setdefault(record.message_id, record.detail)
    return found
