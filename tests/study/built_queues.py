"""Two queues as a notebook builds them: one that forgets what it hands out, one that does not."""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count
from typing import Any

from mqlearn import Message


class Forgetful:
    """Most urgent first, as sent; what it hands out it forgets."""

    def __init__(self) -> None:
        self.heap: list[Any] = []
        self.sent = count()

    def send(self, message: Message) -> None:
        heappush(self.heap, (-message.priority.value, next(self.sent), message))

    def receive(self) -> Message | None:
        return heappop(self.heap)[2] if self.heap else None

    def __len__(self) -> int:
        return len(self.heap)


class Careful(Forgetful):
    """Remembers what it handed out until it is told how it ended."""

    def __init__(self) -> None:
        super().__init__()
        self.in_flight: dict[str, Any] = {}
        self.dead: list[Message] = []

    def receive(self) -> Message | None:
        if not self.heap:
            return None
        item = heappop(self.heap)
        self.in_flight[item[2].id] = item
        return item[2]  # type: ignore[no-any-return]

    def ack(self, message: Message) -> None:
        del self.in_flight[message.id]

    def nack(self, message: Message) -> None:
        item = self.in_flight.pop(message.id)
        message.retry_count += 1
        if message.retry_count > message.max_retries:
            self.dead.append(message)
        else:
            heappush(self.heap, item)
