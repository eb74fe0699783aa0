"""Queues with one fault each: the books or the model must catch every one, or they would not catch
the next bug.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mqlearn import (
    InMemoryMessageQueue,
    Message,
    MessagePriority,
    MessageStatus,
    Simulation,
    Trace,
    UnbalancedBooks,
)
from mqlearn.runtime.handed_in import Listeners
from tests.messaging.walk import walk


class Drops(InMemoryMessageQueue):
    """Loses every seventh message that it has accepted, without a word."""

    def send(self, message: Message, **options: Any) -> bool:
        sent = super().send(message, **options)
        if sent and len(self.entries()) % 7 == 0:
            self._ready.pop()
        return sent


class DeliversTwice(InMemoryMessageQueue):
    """Hands the same delivery to two workers."""

    before: Message | None = None

    def receive(self, *args: Any, **options: Any) -> Message | None:
        again, self.before = self.before, None
        if again is None:
            self.before = again = super().receive(*args, **options)
        return again


class NeverEndsALease(InMemoryMessageQueue):
    """Leaves the message of a dead worker in flight for ever."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options | {"visibility_timeout": None})


class ExtendsNothing(InMemoryMessageQueue):
    """Says that the lease was extended, and lets it end."""

    def extend(self, delivery: Message | str, seconds: float) -> bool:
        return any(place == "in flight" for *_, place in self.entries())


class AcksWithoutReceipt(InMemoryMessageQueue):
    """Takes the ack of a worker whose lease was lost for that of the worker who holds the message
    now.
    """

    def ack(self, delivery: Message | str) -> bool:
        return super().ack(delivery if isinstance(delivery, str) else delivery.id)


class DiesARetryTooSoon(InMemoryMessageQueue):
    """Three retries are three tries."""

    def send(self, message: Message, **options: Any) -> bool:
        return super().send(
            replace(message, max_retries=max(message.max_retries - 1, 0)), **options
        )


class ChargesARelease(InMemoryMessageQueue):
    """Counts a message that was given back as one that failed."""

    def release(self, delivery: Message | str, *, delay: float = 0) -> bool:
        return super().nack(delivery)


class RequeuesAtTheBack(InMemoryMessageQueue):
    """A nack is a new message at the end of the line."""

    def nack(
        self, delivery: Message | str, requeue: bool = True, *, reason: str | None = None
    ) -> bool:
        if requeue and isinstance(delivery, Message) and super().ack(delivery):
            return self.send(replace(delivery, status=MessageStatus.PENDING))
        return super().nack(delivery, requeue, reason=reason)


class ForgetsPriority(InMemoryMessageQueue):
    """First in, first out, whatever is urgent."""

    def send(self, message: Message, **options: Any) -> bool:
        return super().send(replace(message, priority=MessagePriority.NORMAL), **options)


class NothingExpires(InMemoryMessageQueue):
    """Hands out what is long out of date."""

    def send(self, message: Message, **options: Any) -> bool:
        return super().send(replace(message, ttl=1e9), **options)


class BuriesWithoutTheReason(InMemoryMessageQueue):
    """Every dead letter is said to have used up its retries."""

    def get_dead_letter_messages(self) -> list[Message]:
        return [
            replace(letter, headers=letter.headers | {"dead_letter_reason": "retries exhausted"})
            for letter in super().get_dead_letter_messages()
        ]


class RefusesAndSaysItTook(InMemoryMessageQueue):
    """The caller of a full queue never hears that its message is gone."""

    def send(self, message: Message, **options: Any) -> bool:
        return super().send(message, **options) or True


class CountsAPurgeOneShort(InMemoryMessageQueue):
    """Counts what it threw away, one short."""

    def purge(self) -> int:
        return max(super().purge() - 1, 0)


class RedrivesTooMany(InMemoryMessageQueue):
    """Takes no notice of the limit."""

    def redrive(
        self, select: Callable[[Message], bool] | None = None, *, limit: int | None = None
    ) -> int:
        return super().redrive(select)


class SharesHeaders(InMemoryMessageQueue):
    """A delivery scribbles on the queue's own copy."""

    kept: dict[str, dict[str, str]]

    def receive(self, *args: Any, **options: Any) -> Message | None:
        delivery = super().receive(*args, **options)
        if delivery is not None:
            self.kept = getattr(self, "kept", {})
            delivery.headers = self.kept.setdefault(delivery.id, delivery.headers)
        return delivery


def mutants() -> list[type[InMemoryMessageQueue]]:
    """Every faulty queue of this file."""
    return [each for each in InMemoryMessageQueue.__subclasses__() if each.__module__ == __name__]


def walk_sixty_times(mutant: type[InMemoryMessageQueue]) -> None:
    """The first sixty walks that the queue itself passes."""
    for seed in range(60):
        walk(seed, mutant)


@pytest.mark.parametrize("mutant", mutants(), ids=lambda mutant: mutant.__name__)
def test_a_faulty_queue_is_caught(mutant: type[InMemoryMessageQueue]) -> None:
    """Within sixty random walks, by the model or by the books."""
    with pytest.raises((AssertionError, UnbalancedBooks)):
        walk_sixty_times(mutant)


def lose_in_flight(queue: InMemoryMessageQueue) -> None:
    """What a worker holds."""
    queue.receive(0)
    queue._in_flight.clear()


def lose_a_delayed_one(queue: InMemoryMessageQueue) -> None:
    """What waits for its time."""
    queue.send(Message(), delay=10)
    queue._delayed.clear()


def lose_a_dead_letter(queue: InMemoryMessageQueue) -> None:
    """What is dead."""
    delivery = queue.receive(0)
    assert delivery is not None
    queue.nack(delivery, requeue=False)
    queue._dead.clear()


def unlisted(queue: InMemoryMessageQueue) -> None:
    """A message that nobody was told of."""
    queue._listeners = Listeners()
    queue.send(Message())


@pytest.mark.parametrize(
    "harm",
    [
        lambda queue: queue._ready.pop(),
        lose_in_flight,
        lose_a_delayed_one,
        lose_a_dead_letter,
        unlisted,
    ],
    ids=["waiting", "in flight", "delayed", "dead", "unlisted"],
)
def test_the_books_alone_catch_a_loss_in_each_place(
    harm: Callable[[InMemoryMessageQueue], object],
) -> None:
    """One entry that disappears from any place, or appears from nowhere, is found; without harm
    they close.
    """
    with Simulation() as sim:
        trace = Trace()
        queue = InMemoryMessageQueue(runtime=sim, trace=trace)
        queue.send(Message())
        assert trace.balance().waiting == 1
        harm(queue)
        with pytest.raises(UnbalancedBooks):
            trace.balance()


def test_the_books_catch_two_deliveries_of_one_entry() -> None:
    """A record of a move from a place in which the entry was not."""
    with Simulation() as sim:
        trace = Trace()
        queue = InMemoryMessageQueue(runtime=sim, trace=trace)
        queue.send(Message(id="order-1"))
        queue.receive(0)
        trace.records.append(trace.records[-1])
        with pytest.raises(UnbalancedBooks, match=r"order-1 .* was in flight when it was received"):
            trace.balance()
