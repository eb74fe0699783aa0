"""A heartbeat: it renews the lease of a message while a worker works on it."""

from __future__ import annotations

from mqlearn.messaging.message import Message
from mqlearn.messaging.queue import MessageQueue
from mqlearn.messaging.workers import Handler


def with_heartbeat(
    work: Handler, queue: MessageQueue, *, every: float, lease: float, limit: float
) -> Handler:
    """Return a handler that does the same `work`, and renews the lease of its message meanwhile.

    A beat comes `every` seconds, and after each beat the lease lasts `lease` seconds. The heartbeat
    ends when the work ends, when the lease is lost, or `limit` seconds after it began. Without a
    limit, the message of a worker that hangs would never come back.
    """
    runtime = queue.runtime
    at_work: set[int] = set()  # receipts of the deliveries that a worker works on

    def beat(message: Message) -> None:
        stop = runtime.now + limit
        while True:
            runtime.sleep(every)
            late = runtime.now > stop
            if message.receipt not in at_work or late or not queue.extend(message, lease):
                return

    def handle(message: Message) -> object:
        at_work.add(message.receipt)
        runtime.spawn(beat, message, name="heartbeat", daemon=True)
        try:
            return work(message)
        finally:  # also if the worker dies: a heartbeat without its worker would keep the message
            at_work.discard(message.receipt)

    return handle
