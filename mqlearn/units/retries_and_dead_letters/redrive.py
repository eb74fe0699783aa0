"""A redrive: an operator gives the dead letters a new life."""

from __future__ import annotations

from mqlearn.messaging.memory import InMemoryMessageQueue


def redrive_at(queue: InMemoryMessageQueue, time: float, rate: float) -> None:
    """Redrive what is dead in `time` seconds, the oldest first, `rate` letters per second; 0: all
    at once.

    Letters that die during the redrive are left: some of them are the same orders again.
    """
    runtime = queue.runtime
    runtime.sleep(time)
    left = len(queue.get_dead_letter_messages())
    if not rate:
        queue.redrive(limit=left)
        return
    while left > 0:
        left -= queue.redrive(limit=min(left, int(rate)))
        runtime.sleep(1.0)
