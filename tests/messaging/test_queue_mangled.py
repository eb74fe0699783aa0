"""Deliveries that a handler wrote to, and receivers that are ended while they wait: no message is
lost.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from greenlet import GreenletExit

from mqlearn import InMemoryMessageQueue, Message, Simulation, Trace


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", None),
        ("id", np.array(["a", "b"])),
        ("id", "another"),
        ("receipt", []),
        ("receipt", "x"),
        ("receipt", None),
        ("receipt", np.array([1, 2])),
        ("receipt", 999),
        ("priority", None),
        ("status", None),
        ("headers", None),
        ("ttl", "x"),
    ],
    ids=str,
)
@pytest.mark.parametrize("call", ["ack", "nack", "release", "extend", "is_current"])
def test_a_delivery_that_was_written_to_loses_nothing(
    sim: Simulation, call: str, field: str, value: Any
) -> None:
    """It settles its message, or is refused by False or by an error that names the field; then the
    message is where it was.
    """
    queue = InMemoryMessageQueue(visibility_timeout=None, runtime=sim, trace=(trace := Trace()))
    queue.send(Message(id="order-1"))
    delivery = queue.receive()
    assert delivery is not None
    sound = delivery.copy()
    setattr(delivery, field, value)
    arguments = (5.0,) if call == "extend" else ()
    answer, said = False, field
    try:
        answer = getattr(queue, call)(delivery, *arguments)
    except TypeError as error:
        said = str(error)
    assert field in said
    if not answer:
        assert queue.ack(sound)
    trace.balance()


@pytest.mark.parametrize("error", [ValueError("cancelled"), GreenletExit()])
def test_a_receiver_that_fails_when_it_is_woken_passes_the_message_on(
    error: BaseException,
) -> None:
    """`cancelled()` raises at the wake-up that a message brought: the receiver behind gets it."""
    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim)
        stopped: list[bool] = []
        ended: list[BaseException] = []
        got: list[Message | None] = []

        def cancelled() -> bool:
            if stopped:
                raise error
            return False

        def first() -> None:
            try:
                queue.receive(cancelled=cancelled)
            except BaseException as caught:
                ended.append(caught)

        sim.spawn(first)
        sim.spawn(lambda: got.append(queue.receive()))
        sim.call_at(1, lambda: (stopped.append(True), queue.send(Message(id="order-1"))))
        sim.run()
        assert ended == [error]
        assert got[0] is not None and got[0].id == "order-1"
