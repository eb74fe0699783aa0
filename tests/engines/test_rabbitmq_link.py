"""What a link says to RabbitMQ, seen from a channel that only notes it."""

from __future__ import annotations

from typing import Any

from mqlearn.engines.rabbitmq_link import Receiver


class Noted:
    """A channel and its connection, which note each call."""

    is_open = is_closed = True

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any, Any]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *told, **more: self.calls.append((name, told, more))


def test_what_is_given_back_counts_as_a_failure() -> None:
    """It is rejected, once: RabbitMQ 4.3 counts no nack, so a message would come back for ever."""
    link, noted = Receiver(None, "amqp://there/"), Noted()
    link.channel = link._connection = noted
    link.life, link._tags = 1, {7: None}
    assert link.reject(1, 7, requeue=True)
    assert link.reject(1, 7, requeue=True)
    assert [call for call in noted.calls if call[0].startswith("basic_")] == [
        ("basic_reject", (7,), {"requeue": True})
    ]
