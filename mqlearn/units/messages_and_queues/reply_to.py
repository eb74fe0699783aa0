"""Exercise 01.2: the headers of a reply, which let a reader find all messages of a conversation
and put them in order.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from mqlearn.messaging.memory import InMemoryMessageQueue
from mqlearn.messaging.message import Message, MessagePriority
from mqlearn.runtime.simulation import Simulation
from mqlearn.study.exercise import Answer, Exercise, Mistake, call_answer, short_repr
from mqlearn.study.verdict import Verdict

REPLIES = 5  # in a conversation, after its first message; each answers the message before it
SCHEMA = "1"  # the version of the bodies that this course writes
# headers that other systems have set, which a reply must copy
STRANGE = ("traceparent", "tenant", "x-region", "locale", "baggage")


class Exchange(NamedTuple):
    """One reply: the message that was answered, as a copy from before the call (`before`) and as it
    is after it (`parent`), and the answer.

    `before_body` is a copy of the parent's body; `body` and `new_id` are the body and id that the
    reply must have.
    """

    before: Message
    before_body: dict[str, Any]
    parent: Message
    body: dict[str, Any]
    new_id: str
    answer: Answer

    def mistake(self) -> Mistake | None:
        """Return the mistake in the reply, or in its parent after the call, or None."""
        return _wrong_envelope(self) or _changed(self)


class ReplyToExercise(Exercise[int, list[Exchange]]):
    """A conversation of five replies, each to the message before it, up to the first wrong one."""

    def play(self, answer: Callable[..., Any], case: int) -> list[Exchange]:
        rng = random.Random(f"conversation {case}")
        exchanges: list[Exchange] = []
        with Simulation(case) as simulation:
            queue = InMemoryMessageQueue(runtime=simulation)
            message = _first(rng)
            for number in range(1, REPLIES + 1):
                parent = _through(queue, message)
                before, before_body = parent.copy(), dict(parent.body)
                body, new_id = {"step": number}, f"m-{rng.getrandbits(32):08x}"
                given = call_answer(answer, parent, dict(body), new_id)
                exchanges.append(Exchange(before, before_body, parent, body, new_id, given))
                if exchanges[-1].mistake() is not None:
                    break  # a wrong reply may be no message at all, so it cannot be sent on
                message = given.value
        return exchanges

    def mistakes(self, world: list[Exchange]) -> Iterator[Mistake]:
        mistake = world[-1].mistake()
        if mistake is not None:
            yield Mistake(f"reply {len(world)}: {mistake.said}", mistake.hint)

    def summary(self, worlds: list[list[Exchange]]) -> str:
        return (
            f"{len(worlds)} seeds, {len(worlds) * REPLIES} replies: every conversation has one "
            "correlation id, every reply "
            f"names its cause and schema version {SCHEMA}, and no header of others was lost"
        )


def check_reply_to(reply_to: Callable[[Message, dict[str, Any], str], Message]) -> Verdict:
    """Grade `reply_to(parent, body, new_id)`, which makes the message that answers `parent`.

    The reply is a new `Message` with the id `new_id` and the given `body`. Its headers are:
    `correlation_id`, the parent's, or the parent's id if it has none (because it began the
    conversation); `causation_id`, the parent's id; `schema_version`, "1", which is the version of
    *this* body and not of the parent's; and every other header of the parent, unchanged. The parent
    itself must not change.

    Tried on conversations of a first message and five replies, each sent through a queue before it
    is answered.
    """
    return EXERCISE.grade(reply_to)


EXERCISE = ReplyToExercise()


def _wrong_envelope(exchange: Exchange) -> Mistake | None:
    reply, parent = exchange.answer.value, exchange.before
    if not isinstance(reply, Message):
        return Mistake(
            f"expected a Message, {exchange.answer}",
            "return Message(id=new_id, body=body, headers={…})",
        )
    try:
        reply.validate()
    except (TypeError, ValueError) as error:
        return Mistake(
            f"the reply cannot be sent: {error}", "give a Message its fields when you make it"
        )
    if reply.id != exchange.new_id or reply.body != exchange.body:
        return Mistake(
            f"expected id {exchange.new_id!r} and body {exchange.body}, got "
            f"{short_repr(reply.id)} and {short_repr(reply.body)}",
            "the reply is a message of its own, with the id and the body that you are given",
        )
    headers = reply.headers
    conversation = parent.headers.get("correlation_id", parent.id)
    for name, due, hint in (
        (
            "correlation_id",
            conversation,
            "it stays the same through the whole conversation, "
            "and its first message "
            "may not have one yet",
        ),
        ("causation_id", parent.id, "it names the one message that this one answers"),
        ("schema_version", SCHEMA, "it says how this body is written, not how the parent's was"),
    ):
        if headers.get(name) != due:
            found = short_repr(headers[name]) if name in headers else "nothing"
            return Mistake(f"expected {name} {due!r}, got {found}", hint)
    for name, value in parent.headers.items():
        if (
            name not in ("correlation_id", "causation_id", "schema_version")
            and headers.get(name) != value
        ):
            found = short_repr(headers[name]) if name in headers else "nothing"
            return Mistake(
                f"expected the parent's header {name}, {value!r}, to be handed on, got {found}",
                "start from the parent's headers, also those that you do not know",
            )
    return None


def _changed(exchange: Exchange) -> Mistake | None:
    """Return the mistake of a call that changed the message it answers, or None."""
    parent, before = exchange.parent, exchange.before
    if (parent.headers, parent.id, parent.body) == (
        before.headers,
        before.id,
        exchange.before_body,
    ):
        return None
    return Mistake(
        f"{before.id}, the parent, was changed", "others still hold the parent: build new headers"
    )


def _through(queue: InMemoryMessageQueue, message: Message) -> Message:
    """Send a message, and return it as its receiver gets it."""
    queue.send(message)
    received = queue.receive(timeout=0)
    assert received is not None
    queue.ack(received)
    return received


def _first(rng: random.Random) -> Message:
    """Draw a first message, with some headers of other systems. Half of them belong to a
    conversation that began elsewhere, so they have a correlation id already.
    """
    headers = {name: f"{rng.getrandbits(24):06x}" for name in STRANGE if rng.random() < 0.5}
    if rng.random() < 0.5:
        headers["correlation_id"] = f"c-{rng.getrandbits(32):08x}"
    if rng.random() < 0.5:
        headers["schema_version"] = rng.choice(("1", "2", "7"))
    return Message(
        id=f"m-{rng.getrandbits(32):08x}",
        headers=headers,
        priority=rng.choice(list(MessagePriority)),
    )
