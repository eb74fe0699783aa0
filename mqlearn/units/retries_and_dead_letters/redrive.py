"""A redrive: an operator sends the dead letters back to the queue, to be tried again."""

from __future__ import annotations

from mqlearn.messaging.memory import InMemoryMessageQueue


def redrive_at(queue: InMemoryMessageQueue, time: float, rate: float) -> None:
    """Redrive the letters that are dead in `time` seconds, the oldest first, `rate` letters per
    second (0: all at once).

    As many letters are redriven as are dead when it begins. Without this limit, letters that die
    again would be redriven again and again.
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
