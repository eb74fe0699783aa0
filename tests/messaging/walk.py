"""A random walk through a queue's calls: broader than Hypothesis in the same time, and the same for
each seed.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from mqlearn import InMemoryMessageQueue, Message, MessagePriority, RetryPolicy
from tests.messaging.model import Model
from tests.messaging.pair import MakeQueue, Pair

DELAYS = (0.0, 0.0, 0.0, 1.0, 2.0, 5.0)  # s
RETRIES = (
    None,
    None,
    RetryPolicy(1.0, jitter="none"),
    RetryPolicy(2.0, cap=3.0),
    RetryPolicy(1.0, jitter="equal"),
)


def walk(
    seed: int,
    make: MakeQueue = InMemoryMessageQueue,
    steps: int = 80,
    *,
    model: type[Model] = Model,
) -> None:
    """So many random calls on a queue of random settings, each compared with the model."""
    dice = Random(seed)
    one = dice.choice
    pair = Pair(
        make,
        one((1, 3, 6, 20)),
        one((None, 3.0, 5.0)),
        one(RETRIES),
        one(("reject", "block", "drop_oldest")),
        model,
    )

    def message() -> Message:
        priority = one((MessagePriority.NORMAL, MessagePriority.NORMAL, *MessagePriority))
        return Message(
            id=one("abc"),
            priority=priority,
            max_retries=one((0, 1, 2)),
            ttl=one((3600, 3600, 2, 4)),
        )

    def settle() -> None:
        call = one(("ack", "nack", "nack", "reject", "release", "release", "extend"))
        arguments: Any = {"release": DELAYS, "extend": (1.0, 4.0)}.get(call, (None, "no such card"))
        pair.settle_held(dice.randrange(5), call, one(arguments))

    def late() -> None:
        pair.settle_past(dice.randrange(100), one(("ack", "nack", "reject", "release")))

    def bare() -> None:
        one((pair.settle_by_id, pair.settle_made_up))(
            one("abc"), one(("ack", "nack", "reject", "release"))
        )

    weighed: list[tuple[int, Callable[[], object]]] = [
        (12, lambda: pair.send(message(), one(DELAYS), one((0.0, 0.5)))),
        (3, lambda: pair.wait_for_room(message())),
        (12, lambda: pair.take(one((1, 1, 1, 2, 3)), one((0.0, 0.0, 0.5, 2.5)))),
        (14, settle),
        (3, late),
        (2, bare),
        (3, lambda: pair.advance(float(one((1, 2, 6))))),
        (2, lambda: pair.redrive(one(("", "a", "bc")), one((None, 0, 1)))),
        (1, lambda: pair.discard(one(("", "a", "bc")), one((None, 0, 1)))),
        (1, pair.purge),
        (1, pair.wake),
    ]
    chosen = dice.choices([call for _, call in weighed], [weight for weight, _ in weighed], k=steps)
    with pair.sim:
        for call in chosen:
            call()
        pair.close()
