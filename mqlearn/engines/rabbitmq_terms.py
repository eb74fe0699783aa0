"""The terms of AMQP and RabbitMQ for what this course calls otherwise: the arguments of queues, the
properties of messages, the reasons of dead letters, and the errors.
"""

from __future__ import annotations

import math
import re
from typing import Any

import pika
from pika.exceptions import ConnectionBlockedTimeout

from mqlearn.engines.errors import EngineError
from mqlearn.messaging.message import RETRIES_EXHAUSTED, MessagePriority
from mqlearn.runtime import check
from mqlearn.runtime.handed_in import reason_of

HEARTBEAT = 60  # seconds of silence until each side thinks that the other is dead
BLOCKED = 10.0  # seconds that a send waits for a broker that is short of memory or disk
UNUSED = 60_000  # milliseconds until the unused queue of a delay is deleted
LONGEST_MS = 2**32 - 1 - UNUSED  # milliseconds of a TTL or a delay
DURABLE = 2  # the delivery mode of a message that survives a restart

# Headers of a copy that this adapter sends: how often the message was delivered and has failed
# before, and why it is dead.
DELIVERIES, FAILURES, REASON = "mqlearn-deliveries", "mqlearn-failures", "mqlearn-reason"

# The arguments that differ between our two kinds of queues.
OF_THE_KIND = ("x-queue-type", "x-max-priority", "x-dead-letter-strategy", "x-overflow")
INEQUIVALENT = re.compile(
    r"inequivalent arg '([^']+)' for queue '([^']+)'.*: received (.+) but current is (.+)"
)


def parameters(url: str, name: str) -> Any:
    """Return the parameters of a connection. Raises ValueError for a URL that is none."""
    if not re.match(r"amqps?://[^/]", url):
        shown = check.short_repr(re.sub(r"//[^/@]*@", "//***@", url))
        raise ValueError(f"url must be like amqp://user:password@host:port/, got {shown}")
    try:
        found = pika.URLParameters(url)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"url must be like amqp://user:password@host:port/, got one with {reason_of(error)}"
        ) from None
    found.heartbeat = HEARTBEAT
    found.blocked_connection_timeout = BLOCKED
    found.socket_timeout = found.stack_timeout = 10.0
    found.connection_attempts = 1
    found.client_properties = {"connection_name": f"mqlearn {name}"}
    return found


def explain(error: BaseException, shown_url: str) -> Exception:
    """Return the error of ours that an error of the client means: a ConnectionError is worth
    another try.
    """
    text = str(error) or repr(error)
    if isinstance(error, ConnectionBlockedTimeout):
        return EngineError(
            f"rabbitmq has accepted no message for {BLOCKED:g} s: it is short of memory or disk "
            "(vm_memory_high_watermark, disk_free_limit)"
        )
    if found := re.search(r"message size (\d+) is larger than \D*(\d+)", text):
        size, most = (f"{int(number):,}" for number in found.groups())
        return ValueError(
            f"message must have at most {most} bytes on rabbitmq (max_message_size), envelope "
            f"included, got {size}"
        )
    if found := INEQUIVALENT.search(text):
        return _other_settings(*found.groups())
    if found := re.search(r"(ACCESS_REFUSED|NOT_ALLOWED|PRECONDITION_FAILED) - ([^'\"]*)", text):
        return EngineError(
            f"rabbitmq refuses: url must be that of a user who may do so, got "
            f"{check.short_repr(shown_url)}: {found[1]}, {found[2].strip()}"
            if found[1] != "PRECONDITION_FAILED"
            else f"rabbitmq refuses: {found[1]}, {found[2].strip()}"
        )
    return ConnectionError(reason_of(_cause(error)))


def _cause(error: BaseException) -> BaseException:
    """Return the innermost of pika's errors."""
    inner = getattr(error, "exception", None) or next(iter(error.args), None)
    return _cause(inner) if isinstance(inner, BaseException) else error


def _other_settings(argument: str, queue: str, ours: str, theirs: str) -> EngineError:
    ours, theirs = _value(ours), _value(theirs)
    if argument in OF_THE_KIND:
        return EngineError(
            f"kind must be the one that the queue {queue} on rabbitmq has: its {argument} is "
            f"{theirs}, got {ours}"
        )
    setting = "max_retries" if argument == "x-delivery-limit" else argument
    return EngineError(
        f"{setting} must be {theirs}, as the queue {queue} on rabbitmq has it, got {ours}"
    )


def _value(told: str) -> str:
    found = re.search(r"'([^']*)'", told)
    return found[1] if found else "none"


def quorum_arguments(leads_to: str) -> dict[str, Any]:
    """Return the arguments of a quorum queue whose dead letters go to the queue `leads_to`, where
    none may be lost on the way.
    """
    return {
        "x-queue-type": "quorum",
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": leads_to,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",  # the strategy asks for it
    }


def classic_arguments(leads_to: str) -> dict[str, Any]:
    """Return the arguments of a classic queue with our priorities, whose dead letters go to the
    queue `leads_to`.
    """
    return {
        "x-queue-type": "classic",
        "x-max-priority": max(priority.value for priority in MessagePriority),
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": leads_to,
    }


def delay_arguments(leads_to: str, milliseconds: int) -> dict[str, Any]:
    """Return the arguments of a queue that sends each message on to the queue `leads_to` after
    some milliseconds, and that the broker deletes when it is out of use.
    """
    return {
        **quorum_arguments(leads_to),
        "x-message-ttl": milliseconds,
        "x-expires": milliseconds + UNUSED,
    }


def properties(
    key: str, seconds: float, priority: int | None, headers: dict[str, Any] | None = None
) -> Any:
    """Return the AMQP properties of a message with this `key` that expires in `seconds`; never if
    that is 0, infinite or more than the broker can count.
    """
    expires = 0 < seconds * 1000 <= LONGEST_MS
    return pika.BasicProperties(
        message_id=key,
        delivery_mode=DURABLE,
        priority=priority,
        expiration=str(math.ceil(seconds * 1000)) if expires else None,
        headers=headers,
    )


def reason_of_death(headers: dict[str, Any] | None) -> str:
    """Return why a letter is dead: this adapter has said it, or the broker did."""
    told = headers or {}
    if REASON in told:
        return str(told[REASON])
    last = (told.get("x-death") or [{}])[0]
    reason = str(last.get("reason", "unknown"))
    return RETRIES_EXHAUSTED if reason == "delivery_limit" else reason
