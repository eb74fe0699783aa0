"""The envelope on the wire: a message as JSON, in UTF-8.

An engine stores bytes. Whatever it has no place for (the priority, the time to live, when the
message was sent) travels inside, so that the message comes out as it went in.
"""

from __future__ import annotations

import json
import math
from typing import Any, NamedTuple

from mqlearn.messaging.message import Message, MessagePriority
from mqlearn.runtime import check


class Envelope(NamedTuple):
    """The content of an envelope: the `message`, the `token` of its send, and `due`, when its age
    begins to count (s since the epoch).

    All copies of one send have the same token. So a send that was repeated, because its confirm was
    lost, is recognised.
    """

    message: Message
    token: str
    due: float


def encode(envelope: Envelope) -> bytes:
    """Return the envelope as JSON. Raises TypeError for a body that JSON cannot hold."""
    message = envelope.message
    fields = {
        "id": message.id,
        "topic": message.topic,
        "headers": message.headers,
        "priority": message.priority.name,
        "ttl": None if message.ttl == math.inf else message.ttl,  # JSON has no infinity
        "token": envelope.token,
        "due": envelope.due,
        "body": message.body,
    }
    try:
        # with escapes, so that half of a surrogate pair survives too; NaN is no JSON
        text = json.dumps(fields, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(
            f"body must be what JSON can hold, got {check.short_repr(message.body)}: {error}"
        ) from error
    back = json.loads(text)["body"]
    if back != message.body:  # a tuple comes back as a list, a whole number as a key as a text
        raise TypeError(
            "body must come back from JSON as it is, got "
            f"{check.short_repr(message.body)}, which comes back as {check.short_repr(back)}"
        )
    return text.encode("ascii")


def decode(payload: bytes) -> Envelope:
    """Return the envelope that these bytes hold. Raises ValueError for anything else, such as what
    another program has sent.
    """
    try:
        fields: dict[str, Any] = json.loads(payload)
        message = Message(
            id=fields["id"],
            topic=fields["topic"],
            body=fields["body"],
            headers=fields["headers"],
            priority=MessagePriority[fields["priority"]],
            ttl=math.inf if fields["ttl"] is None else fields["ttl"],
        )
        return Envelope(message, fields["token"], float(fields["due"]))
    except (ValueError, TypeError, KeyError) as error:
        shown = check.short_repr(bytes(payload[:100]))
        raise ValueError(f"payload must be an envelope of this course, got {shown}") from error


def unreadable(payload: bytes) -> Message:
    """Return a message that shows bytes which are no envelope: what another program has sent."""
    return Message(id="unreadable", body={"payload": payload.decode("utf-8", "backslashreplace")})
