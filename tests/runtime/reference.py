"""A run in which nearly everything happens, and its trace as one number: `python -m
tests.runtime.reference`.

It is run in processes of their own, with other hash seeds and on every Python that the project
supports, and must say the same everywhere.
"""

from __future__ import annotations

from hashlib import blake2b

from mqlearn import (
    InMemoryMessageQueue,
    Message,
    MessagePriority,
    MessageProcessor,
    Reject,
    Release,
    RetryPolicy,
    Simulation,
    Trace,
    WorkerCrash,
)
from mqlearn.units.start_here.scenario import FailingWork

ORDERS = 400


def digest(trace: Trace) -> str:
    """The records, to the last bit of every float, as a short number."""
    text = "\n".join(repr(tuple(record)) for record in trace.records)
    return f"{len(trace.records)} {blake2b(text.encode(), digest_size=12).hexdigest()}"


def rough_day(seed: int = 0) -> Trace:
    """Leases, backoff with jitter, TTL, crashes, priorities, delays, a full queue, redrive and
    purge.
    """
    trace = Trace()
    with Simulation(seed) as sim:
        queue = InMemoryMessageQueue(
            25,
            visibility_timeout=4.0,
            retry=RetryPolicy(0.5, cap=8.0),
            on_full="block",
            runtime=sim,
            trace=trace,
            name="orders",
        )
        processor = MessageProcessor(queue, prefetch=2, restart_after=0.7)
        priorities = list(MessagePriority)

        def handle(message: Message) -> bool:
            chance = sim.draw("fate", message.id, message.attempt)
            sim.sleep(3 * sim.draw("service", message.id))
            if chance < 0.1:
                raise WorkerCrash
            if chance < 0.15:
                raise Reject("no such customer")
            if chance < 0.25:
                raise Release(2.0)
            if chance > 0.9:
                queue.extend(message, 5.0)
                sim.sleep(4.5)
            return chance > 0.45

        def shop() -> None:
            for number in range(ORDERS):
                sim.sleep(sim.draw("gap", number))
                kind = {"type": "gift"} if number % 50 == 7 else {}
                queue.send(
                    Message(
                        id=f"order-{number}",
                        priority=priorities[int(4 * sim.draw("priority", number))],
                        ttl=60 if number % 3 else 15,
                        headers=kind,
                    ),
                    delay=3.0 if number % 11 == 5 else 0.0,
                )

        processor.register_processor("default", handle)
        processor.start_workers(3)
        sim.spawn(shop, name="shop")
        sim.run(until=150)
        processor.stop_workers()
        queue.redrive(limit=20)
        processor.start_workers(4)
        sim.run(until=200)
        queue.purge()
        sim.run()
        trace.balance()
    return trace


if __name__ == "__main__":
    print(f"a rough day: {digest(rough_day())}")
    print(f"failing work: {digest(FailingWork().run(seed=0).trace)}")
