"""The overhead of an autoscaler: the same run with it and without it."""

from __future__ import annotations

from collections.abc import Callable

from bench.measure import Prepared, interleaved, table
from mqlearn import (
    Autoscaler,
    InMemoryMessageQueue,
    Message,
    MessageProcessor,
    MessageQueueMetrics,
    Simulation,
    Trace,
)

WORKERS, RATE, SERVICE = 12, 10.0, 1.0  # workers, messages per second, seconds
Attach = Callable[[MessageProcessor], object]


def shop(count: int, attach: Attach) -> Prepared:
    """Twelve workers on a queue with a trace, and `count` messages at regular times; `attach`
    adds what is measured.
    """

    def prepare() -> Callable[[], None]:
        sim = Simulation()
        queue = InMemoryMessageQueue(runtime=sim, trace=Trace())
        processor = MessageProcessor(queue)
        processor.register_processor("default", lambda _: sim.sleep(SERVICE))
        processor.start_workers(WORKERS)
        kept = attach(processor)
        for number in range(count):
            sim.call_at(number / RATE, lambda n=number: queue.send(Message(id=f"m-{n}")))

        def call() -> None:
            with sim:
                sim.run()
            assert kept is not sim  # what was attached lives as long as the run

        return call

    return prepare


def scaler(every: float) -> Attach:
    """An autoscaler that always wants the workers that are there, so that the run stays the
    same.
    """

    def attach(processor: MessageProcessor) -> Autoscaler:
        made = Autoscaler(processor, lambda _: WORKERS, every=every)
        made.start()
        return made

    return attach


def overhead(count: int = 5_000, repeats: int = 9) -> list[str]:
    """The time of a run with an autoscaler, as a ratio to the same run without it: 1.00 costs
    nothing.
    """
    taken = interleaved(
        {
            "none": shop(count, lambda _: None),
            "metrics": shop(count, lambda processor: MessageQueueMetrics(processor.queue)),
            "15 s": shop(count, scaler(15.0)),
            "1 s": shop(count, scaler(1.0)),
        },
        repeats,
    )
    rows = [
        ("with metrics of the queue, which it needs", "metrics"),
        ("with an autoscaler that looks every 15 s", "15 s"),
        ("with one that looks every second", "1 s"),
    ]
    return [
        f"autoscaler: a run of {count:,} messages with it, against the same run without (1.00x: "
        "as fast)",
        *table(*((label, f"{taken[name] / taken['none']:.2f}x") for label, name in rows)),
    ]
