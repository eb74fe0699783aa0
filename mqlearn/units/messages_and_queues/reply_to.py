"""Exercise 01.2: the envelope of an answer, from which a whole conversation can be put together
again.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

from mqlearn.messaging.memory import InMemoryMessageQueue
from mqlearn.messaging.message import Message, MessagePriority
from mqlearn.runtime.simulation import Simulation
from mqlearn.study.exercise import SEEDS, Answer, Mistake, call_answer, grade, short_repr
from mqlearn.study.verdict import Verdict

REPLIES = 5  # a conversation: a first message and so many replies, each to the one before
SCHEMA = "1"  # the version of the bodies that this course writes
# headers of others, which we only hand on
STRANGE = ("traceparent", "tenant", "x-region", "locale", "baggage")


def check_reply_to(reply_to: Callable[[Message, dict[str, Any], str], Message]) -> Verdict:
    """Whether `reply_to(parent, body, new_id)` makes the message that answers `parent`.

    The reply is a new `Message` with the id `new_id` and the given `body`. Its headers say:
    `correlation_id`, that of the parent, or the parent's id if it has none (it began the
    conversation); `causation_id`, the parent's id; `schema_version`, "1", the version in which
    *this* body is written, whatever the parent's. Every other header of the parent is handed on
    unchanged, and the parent stays as it is.

    Tried on conversations of a first message and five replies, each sent through a queue before it
    is answered.
    """
    return grade(
        mistakes,
        reply_to,
        lambda: (
            f"{len(SEEDS)} seeds, {len(SEEDS) * REPLIES} replies: every conversation has one "
            "correlation id, every reply "
            f"names its cause and schema version {SCHEMA}, and no header of others was lost"
        ),
    )


def mistakes(reply_to: Callable[..., Any], seed: int) -> Iterator[Mistake]:
    """The first fault in the conversation of this seed, if there is one."""
    rng = random.Random(f"conversation {seed}")
    with Simulation(seed) as simulation:
        queue = InMemoryMessageQueue(runtime=simulation)
        parent = _first(rng)
        for number in range(1, REPLIES + 1):
            parent = _through(queue, parent)
            before, body, new_id = parent.copy(), {"step": number}, f"m-{rng.getrandbits(32):08x}"
            kept = dict(parent.body)
            answer = call_answer(reply_to, parent, dict(body), new_id)
            fault = _wrong_envelope(answer, before, body, new_id) or _changed(parent, before, kept)
            if fault is not None:
                yield Mistake(f"reply {number}: {fault.said}", fault.hint)
                return
            parent = answer.value


def _wrong_envelope(
    answer: Answer, parent: Message, body: dict[str, Any], new_id: str
) -> Mistake | None:
    reply = answer.value
    if not isinstance(reply, Message):
        return Mistake(
            f"expected a Message, {answer}", "return Message(id=new_id, body=body, headers={…})"
        )
    try:
        reply.validate()
    except (TypeError, ValueError) as error:
        return Mistake(
            f"the reply cannot be sent: {error}", "give a Message its fields when you make it"
        )
    if reply.id != new_id or reply.body != body:
        return Mistake(
            f"expected id {new_id!r} and body {body}, got {short_repr(reply.id)} and "
            f"{short_repr(reply.body)}",
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


def _changed(parent: Message, before: Message, body: dict[str, Any]) -> Mistake | None:
    """Whether the call changed the message that it was to answer."""
    if parent.headers == before.headers and parent.id == before.id and parent.body == body:
        return None
    return Mistake(
        f"{before.id}, the parent, was changed", "others still hold the parent: build new headers"
    )


def _through(queue: InMemoryMessageQueue, message: Message) -> Message:
    """The message as its receiver gets it."""
    queue.send(message)
    received = queue.receive(timeout=0)
    assert received is not None
    queue.ack(received)
    return received


def _first(rng: random.Random) -> Message:
    """A first message: with headers of others, half the time in a conversation begun elsewhere."""
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
