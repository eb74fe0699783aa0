"""The handler of unit 04: one call of the card service for each try."""

from __future__ import annotations

from mqlearn.messaging.message import Message
from mqlearn.messaging.workers import Handler
from mqlearn.runtime.base import Runtime
from mqlearn.study.faults import Failure, Faults
from mqlearn.units.retries_and_dead_letters.overload import Service


def card_call(runtime: Runtime, service: Service, faults: Faults) -> Handler:
    """Return a handler that calls `service`. It fails if no answer comes in time, or if `faults`
    draw a failure.

    During the outage of the faults a call is refused at once and does not reach the service.
    """
    outage = faults.outage
    unanswered: set[int] = set()  # receipts of the deliveries whose callers gave up
    lock = runtime.lock()

    def seconds(message: Message) -> float:
        if outage is not None and outage[0] <= runtime.now < outage[1]:
            return 0.0
        # `call` reads and moves the time at which the service is free: one worker at a time.
        with lock:
            waits, answered = service.call(runtime.now)
        if not answered:
            unanswered.add(message.receipt)
        return waits

    def charge(message: Message) -> None:
        if message.receipt in unanswered:
            raise Failure("timeout")

    return faults.handler(charge, runtime, seconds=seconds)
