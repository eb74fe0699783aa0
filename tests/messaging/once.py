"""A shop whose card must be charged once an order, though it takes no key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mqlearn import (
    IdempotentHandler,
    InMemoryMessageQueue,
    Message,
    MessageProcessor,
    Simulation,
    Trace,
)
from mqlearn.study.card import EffectLedger, PlainCard


def order_of(message: Message) -> str:
    """The business key of these messages."""
    return message.body["order"]


class Shop:
    """A queue, a card without keys, and a handler that is to charge it once an order, after
    `seconds` of work.
    """

    def __init__(
        self,
        sim: Simulation,
        workers: int = 2,
        lease: float | None = 10.0,
        before: Callable[[Message], None] = lambda message: None,
        after: Callable[[Message], object] = lambda message: "charged",
        seconds: float = 4.0,
        **options: Any,
    ) -> None:
        self.sim, self.trace = sim, Trace()
        self.queue = InMemoryMessageQueue(runtime=sim, visibility_timeout=lease, trace=self.trace)
        self.ledger = EffectLedger(sim)
        self.card = PlainCard(self.ledger)
        self.before, self.after, self.seconds = before, after, seconds
        self.handler = IdempotentHandler(self.charge, self.queue, **{"key": order_of} | options)
        self.processor = MessageProcessor(self.queue)
        self.processor.register_processor("default", self.handler)
        self.workers = workers

    def charge(self, message: Message) -> object:
        self.sim.sleep(self.seconds)
        self.before(message)
        self.card.charge(order_of(message), 25.0)
        return self.after(message)

    def send(self, *ids: str, order: str = "order-1", **fields: Any) -> None:
        for message_id in ids:
            self.queue.send(Message(id=message_id, body={"order": order}, **fields))

    def run(self, until: float | None = None) -> list[tuple[float, str, str]]:
        """What happened to which message, when."""
        if not self.processor.running:
            self.processor.start_workers(self.workers)
        self.sim.run(until)
        shown = ("acked", "nacked", "postponed", "lease_lost", "dead")
        return [
            (record.time, record.event, record.message_id)
            for record in self.trace.records
            if record.event in shown
        ]
