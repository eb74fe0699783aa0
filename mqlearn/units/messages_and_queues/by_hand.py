"""Runs of a few messages through a queue that a notebook builds.

    burst(NaiveQueue())                             twenty messages are sent, then taken one by one
    run_workers(charge, orders, NaiveQueue())       a few messages and workers, for a chart of who
                                                    held which message when

So a chart of such a run shows what the code in the notebook's cell does.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mqlearn.messaging.memory import InMemoryMessageQueue
from mqlearn.messaging.message import Message
from mqlearn.messaging.processor import MessageProcessor
from mqlearn.messaging.workers import Handler
from mqlearn.runtime.simulation import Simulation
from mqlearn.runtime.trace import Trace
from mqlearn.study.queue_adapter import QueueAdapter, run_of_trace
from mqlearn.study.run import Run


def burst(built: Any, messages: int = 20) -> Run:
    """Return the run of order-1, order-2, …, all sent at one instant, and then received and acked
    one after the other.
    """
    with Simulation() as sim:
        queue = QueueAdapter(built, sim)
        for number in range(1, messages + 1):
            queue.send(Message(id=f"order-{number}"))
        while (delivery := queue.receive(timeout=0)) is not None:
            queue.ack(delivery)
        return run_of_trace(queue.trace)


def run_workers(
    handler: Handler,
    messages: Iterable[Message],
    built: Any = None,
    *,
    workers: int = 2,
    until: float = 30.0,
    **settings: Any,
) -> Run:
    """Return the run of `messages`, all sent at once and handled by `workers`: each try is two
    seconds of work, and then `handler(message)`.

    The queue is `built`; without it, the package's own with these `settings`. The run is observed
    for `until` seconds.
    """
    with Simulation() as sim:
        trace = Trace()
        queue = (
            InMemoryMessageQueue(runtime=sim, trace=trace, name="orders", **settings)
            if built is None
            else QueueAdapter(built, sim, trace=trace)
        )

        def work(message: Message) -> object:
            sim.sleep(2.0)
            return handler(message)

        processor = MessageProcessor(queue)
        processor.register_processor("default", work)
        processor.start_workers(workers)
        for message in messages:
            queue.send(message)
        sim.run(until=until)
        return run_of_trace(trace, until)
