"""The queues of a broker: made with names of their own, and emptied when their topic is deleted."""

from __future__ import annotations

from itertools import count
from typing import Any

from mqlearn.messaging.memory import InMemoryMessageQueue
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.trace import Trace


class QueueMaker:
    """Makes the queues of one broker. Each has a name that no other queue of the broker or in its
    trace has or had: a number is added to a name that is used.
    """

    def __init__(self, runtime: Runtime, trace: Trace | None) -> None:
        self._runtime, self._trace = runtime, trace
        self._names: set[str] = set()  # of all queues made so far
        self._counts: dict[str, int] = {}  # the last number tried with each name
        # by topic, the numbers of deliveries that its next work queue continues
        self._receipts: dict[str, count[int]] = {}

    def make(self, name: str, *size: int, **options: Any) -> InMemoryMessageQueue:
        """Make a queue with this name, or with a number behind it, and these `options`."""
        number = self._counts.get(name, 0) + 1
        # a loop, since a queue may have been given the very name that would be the next
        while self._is_used(unused := name if number == 1 else f"{name}-{number}"):
            number += 1
        queue = InMemoryMessageQueue(
            *size, runtime=self._runtime, trace=self._trace, name=unused, **options
        )
        # after the queue was made: if its options are refused, the name is not used up
        self._counts[name] = number
        self._names.add(unused)
        return queue

    def make_work_queue(self, topic: str, *size: int, **options: Any) -> InMemoryMessageQueue:
        """Make the work queue of a topic; its numbers of deliveries continue those of the queue
        that the topic had before.
        """
        queue = self.make(topic, *size, **options)
        queue._receipts = self._receipts.pop(topic, queue._receipts)
        return queue

    def discard(self, topic: str, queue: InMemoryMessageQueue) -> int:
        """Throw away all messages of a work queue, also those in flight; return how many."""
        # or a late ack of a delivery would settle one of the next queue with the same number
        self._receipts[topic] = queue._receipts
        with queue._lock:
            # under the lock, so that no worker of this queue takes what is released
            for _, message_id, _, place in queue.entries():
                if place == "in flight":
                    queue.release(message_id)
            discarded = queue.purge()
        queue.wake()
        return discarded

    def _is_used(self, name: str) -> bool:
        return name in self._names or (self._trace is not None and self._trace.watches(name))
