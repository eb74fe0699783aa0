"""Runs of a handler from a notebook's cell, with a few orders, a few workers, a card service, and a
record of every charge.

    def work(till, order):
        till.sleep(4.0)
        till.card.charge(order.id, 20.0)

    run_checkout(work)                          six orders, three workers, a lease of ten seconds
    run_checkout(work, built=NaiveQueue())      the same with a queue that a notebook builds

A charge is recorded in the trace as an effect, so the chart "leases" shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from mqlearn.messaging.memory import InMemoryMessageQueue
from mqlearn.messaging.message import Message
from mqlearn.messaging.processor import MessageProcessor
from mqlearn.messaging.queue import MessageQueue
from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.simulation import Simulation
from mqlearn.runtime.trace import Trace
from mqlearn.study.card import EffectLedger, KeyedCard, PlainCard
from mqlearn.study.queue_adapter import QueueAdapter, run_of_trace
from mqlearn.study.run import Run


@dataclass(frozen=True)
class Till:
    """All that a worker needs: the queue that it takes orders from, the card service, and the
    clock.
    """

    runtime: Runtime
    queue: MessageQueue
    card: PlainCard

    def sleep(self, seconds: float) -> None:
        """Work for this many `seconds`."""
        self.runtime.sleep(seconds)


Work = Callable[[Till, Message], object]


def orders(*names: str) -> list[Message]:
    """Return a message for each name. A name that ends in "/2" is a second message for the same
    order.
    """
    return [Message(id=name, body={"order": name.removesuffix("/2")}) for name in names]


def run_checkout(
    work: Work,
    messages: Iterable[Message] | None = None,
    *,
    built: object = None,
    keyed: bool = False,
    workers: int = 3,
    every: float = 2.0,
    until: float = 60.0,
    lease: float | None = 10.0,
) -> Run:
    """Return the run of `messages`, sent at intervals of `every` seconds, and handled by
    `workers` with `work(till, message)`. The default is six orders.

    The queue is `built`; without it, the package's own with this `lease` (s; None: no lease). With
    `keyed`, the card service takes a key and remembers it; without, each call is a charge. The run
    is observed for `until` seconds.
    """
    check.function("work", work)
    check.number("every", every, low=0)
    check.number("until", until, above=0)
    sent = orders(*(f"order-{n}" for n in range(1, 7))) if messages is None else list(messages)
    with Simulation() as sim:
        trace = Trace()
        queue = (
            InMemoryMessageQueue(visibility_timeout=lease, runtime=sim, trace=trace, name="orders")
            if built is None
            else QueueAdapter(built, sim, trace=trace)
        )
        ledger = EffectLedger(sim, trace=trace)
        till = Till(sim, queue, KeyedCard(ledger) if keyed else PlainCard(ledger))
        processor = MessageProcessor(queue)
        processor.register_processor("default", lambda message: work(till, message))
        processor.start_workers(workers)

        def shop() -> None:
            for message in sent:
                queue.send(message)
                sim.sleep(every)

        sim.spawn(shop, name="shop")
        sim.run(until=until)
        return run_of_trace(trace, until)
