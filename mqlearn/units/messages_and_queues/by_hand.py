"""A few messages before a queue that the notebook builds.

burst(NaiveQueue())                   twenty messages at one instant, and then one by one
desk(charge, orders, NaiveQueue())    a few messages and workers: who held which when?
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
    """order-1, order-2, … sent at one instant, and then taken out one after the other."""
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
    """`messages`, all sent at once, before `workers`: `handler(message)` is called after two
    seconds of work each.

    The queue is `built`, or without one the package's own with these `settings`. Observed for
    `until` seconds.
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
