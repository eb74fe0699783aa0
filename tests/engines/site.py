"""The site of one test of the contract: it makes queues of one kind, and closes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import count
from secrets import token_hex
from typing import Any

import pytest

from mqlearn import Message
from mqlearn.engines.servers import LocalServer
from tests.engines.queues import Kind

DEADLINE = 30.0  # seconds after which what was to happen has not happened
QUIET = 0.6  # seconds without a message after which none is coming

_numbers = count(1)


class Site:
    """Makes queues of one kind on the shared server of its engine."""

    def __init__(self, kind: Kind, servers: Any, note: Callable[[str], None]) -> None:
        self.kind, self._servers, self._note = kind, servers, note
        self.url = servers.url(kind.server) if kind.server else ""
        self.retries = 3
        self._opened: dict[str, Any] = {}
        self._all: list[Any] = []

    def has(self, feature: str) -> bool:
        """True if this kind declares the feature."""
        return self.kind.has(feature)

    def lacks(self, feature: str) -> bool:
        """True if this kind declares that it does not have the feature; the table of the contract
        then says so, and the test shows that it is so.
        """
        if not self.has(feature):
            self.says_no()
        return not self.has(feature)

    def says_no(self) -> None:
        """Let the table of the contract say "unsupported"."""
        self._note("unsupported")

    @property
    def server(self) -> LocalServer:
        """The server, which a test may kill and start again."""
        server = self._servers[self.kind.server]
        if not isinstance(server, LocalServer):
            pytest.skip(f"only a server of our own may be killed, not that at {self.url}")
        return server

    def name(self) -> str:
        """Return a name that no other queue has."""
        return f"t{next(_numbers)}-{token_hex(4)}"

    def open(self, name: str = "", *, lease: float = 30.0, retries: int = 3, **more: Any) -> Any:
        """Return a queue of its own name, or one more object for the queue called `name`; its lease
        lasts `lease` seconds, and it has at most `retries`.
        """
        self.retries = retries = min(retries, self.kind.most_retries)
        if self.kind.id == "memory" and name in self._opened:
            return self._opened[name]  # it is where the object is, and nowhere else
        name = name or self.name()
        queue = self.kind.make(
            self.url, name, visibility_timeout=lease, max_retries=retries, **more
        )
        self._opened[name] = queue
        self._all.append(queue)
        return queue

    def message(self, message_id: str = "m", /, **fields: Any) -> Message:
        """Return a message with the number of retries of the queue that was opened last."""
        return Message(id=message_id, max_retries=self.retries, **fields)

    def name_of(self, queue: Any) -> str:
        """Return the name that `open` makes another object for the same queue by."""
        return next(name for name, each in self._opened.items() if each is queue)

    def twin(self, queue: Any, **settings: Any) -> Any:
        """Return a second object for the same queue."""
        twin = self.open(self.name_of(queue), **settings)
        self._opened[self.name_of(twin)] = queue
        return twin

    def close(self) -> None:
        """Close every queue."""
        for queue in self._all:
            if hasattr(queue, "close"):
                queue.close()


def finish(*tasks: Any, seconds: float = 150.0) -> None:
    """Wait for tasks, which must end within `seconds`, and raise what one of them died of."""
    for task in tasks:
        task.join(seconds)
        assert not task.is_alive(), f"not within {seconds:g} s: {task.name} ends"


def get(queue: Any, seconds: float = DEADLINE) -> Message:
    """Return the next message, which must come within `seconds`."""
    message: Message | None = queue.receive(timeout=seconds)
    assert message is not None, f"no message within {seconds:g} s"
    return message


def get_ids(queue: Any, n: int) -> list[str]:
    """Receive and ack `n` messages one after the other, and return their ids."""
    ids = []
    for _ in range(n):
        message = get(queue)
        assert queue.ack(message), f"{message.id} was not current"
        ids.append(message.id)
    return ids


def drain(queue: Any, quiet: float = QUIET) -> list[str]:
    """Receive and ack until nothing has come for `quiet` seconds; return the ids."""
    ids = []
    while (message := queue.receive(timeout=quiet)) is not None:
        assert queue.ack(message), f"{message.id} was not current"
        ids.append(message.id)
    return ids


def is_empty(queue: Any, quiet: float = QUIET) -> bool:
    """True if nothing comes for `quiet` seconds."""
    return queue.receive(timeout=quiet) is None


def send_all(queue: Any, messages: Iterable[Message]) -> int:
    """Send messages, many to a round trip where the queue can; return how many it accepted."""
    messages = list(messages)
    if hasattr(queue, "send_many"):
        return int(queue.send_many(messages))
    return sum(queue.send(message) for message in messages)


def ack_all(queue: Any, deliveries: list[Message]) -> int:
    """Ack deliveries, many to a round trip where the queue can; return how many were current."""
    if hasattr(queue, "ack_many"):
        return int(queue.ack_many(deliveries))
    return sum(queue.ack(delivery) for delivery in deliveries)


def reasons(queue: Any) -> dict[str, str]:
    """Return the reason of each dead letter by its id."""
    letters = queue.get_dead_letter_messages()
    return {letter.id: letter.headers.get("dead_letter_reason", "") for letter in letters}
