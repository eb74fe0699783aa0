"""A message: an envelope around a body, and the outcomes of a try to handle it."""

from __future__ import annotations

import math
import uuid
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from enum import Enum
from numbers import Real
from typing import Any

from mqlearn.messaging.clock import WALL_CLOCK
from mqlearn.runtime import check
from mqlearn.runtime.handed_in import PASSES, readable, reason_of
from mqlearn.runtime.unbegun import why_not_done

NUMBERS = (int, float)


class MessagePriority(Enum):
    """The urgency of a message: a queue serves the highest value first."""

    LOW = 1
    NORMAL = 2
    HIGH = 3
    CRITICAL = 4

    __hash__ = object.__hash__  # there is one of each; Enum's own hashes the name, in Python


class MessageStatus(Enum):
    """The status of one `Message` object.

    PENDING before delivery; PROCESSING on a delivered copy; COMPLETED or FAILED on that copy once
    it was acked or nacked (the queue may deliver another copy); DEAD_LETTER on the copies that
    `get_dead_letter_messages` returns.
    """

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    DEAD_LETTER = "dead_letter"


# the reason of a dead letter whose last try has failed
RETRIES_EXHAUSTED = "retries exhausted"

EXPECTED_TYPES = (str, str, dict, dict, MessagePriority, MessageStatus, *4 * (int,), type(None))


@dataclass
class Message:
    """An envelope. A queue keeps its own copy of it and hands out a fresh one with each delivery.

    `body` is passed by reference; a real broker would serialise it. `headers["type"]` chooses the
    handler. `timestamp` is set by the queue at `send`, in seconds on its clock. `ttl` is in
    seconds, from `send` or from the end of the delay given there: a message older than that is not
    handed out. Waits before retries count. `retry_count` counts failures and may reach
    `max_retries`; the failure after that makes it a dead letter. `receipt` and `attempt` are set on
    delivered copies: the number of this delivery in its queue, and its number among the deliveries
    of this message, from 1.

    Raises TypeError or ValueError, when it is made and again when it is sent, for a field of the
    wrong kind.
    """

    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    topic: str = ""
    body: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    priority: MessagePriority = MessagePriority.NORMAL
    timestamp: float | None = None
    retry_count: int = 0
    max_retries: int = 3
    ttl: float = 3600
    status: MessageStatus = MessageStatus.PENDING
    receipt: int = field(default=0, compare=False)
    attempt: int = field(default=0, compare=False)

    # set by the queue at `send`, and no field: it is neither shown nor compared
    _clock = WALL_CLOCK

    def __post_init__(self) -> None:
        self.validate()

    def validate(self) -> None:
        """Raise TypeError or ValueError for a wrong field; make each number Python's own."""
        # This runs at each send. Nearly always all types are the expected ones, and one comparison
        # of tuples finds that. Only other messages are checked field by field, below.
        types = (
            self.id.__class__,
            self.topic.__class__,
            self.body.__class__,
            self.headers.__class__,
            self.priority.__class__,
            self.status.__class__,
            self.retry_count.__class__,
            self.max_retries.__class__,
            self.receipt.__class__,
            self.attempt.__class__,
            self.timestamp.__class__,
        )
        if (
            types == EXPECTED_TYPES
            and self.retry_count >= 0 <= self.max_retries
            and self.receipt >= 0 <= self.attempt
            and self.ttl.__class__ in NUMBERS
            # a bound instead of `isfinite`: infinity and NaN are found without a call
            and 0 < self.ttl < 1e300
        ):
            if not self.headers:
                return
            for name, value in self.headers.items():
                if not name.__class__ is value.__class__ is str:
                    break
            else:
                return
        check.instance("id", self.id, str)
        check.instance("topic", self.topic, str)
        check.instance("body", self.body, dict)
        check.instance("headers", self.headers, dict)
        for key, value in self.headers.items():
            check.instance("headers", key, str)
            check.instance(f"headers[{check.short_repr(key)}]", value, str)
        check.instance("priority", self.priority, MessagePriority)
        check.instance("status", self.status, MessageStatus)
        for count in ("retry_count", "max_retries", "receipt", "attempt"):
            setattr(self, count, check.whole(count, getattr(self, count)))
        # infinity is no finite number, and yet a right value here: such a message never expires
        forever = isinstance(self.ttl, Real) and self.ttl == math.inf
        self.ttl = math.inf if forever else check.number("ttl", self.ttl, above=0)
        self.timestamp = check.number("timestamp", self.timestamp, optional=True)

    def is_expired(self, now: float | None = None) -> bool:
        """Return True if it is older than its `ttl` at `now` (s; without it, the time of the queue
        that delivered it, or else the wall clock). False if never sent.
        """
        now = check.number("now", now, optional=True)
        if self.timestamp is None:
            return False
        # added in the same order as in a queue, so that both answer alike to the last digit
        end = self.timestamp + self._clock.delay + self.ttl
        return end < (self._clock.now() if now is None else now)

    def can_retry(self) -> bool:
        """Return True if it may be tried again should it fail now."""
        return self.retry_count < self.max_retries

    @property
    def correlation_id(self) -> str:
        """The id of its conversation: the header, or its own id if it began one."""
        return self.headers.get("correlation_id", self.id)

    @property
    def causation_id(self) -> str | None:
        """The id of the message that caused this one; None if none did."""
        return self.headers.get("causation_id")

    @property
    def schema_version(self) -> str:
        """The version of the body's schema; "" if the header is missing."""
        return self.headers.get("schema_version", "")

    def reply(
        self,
        body: dict[str, Any],
        *,
        new_id: str | None = None,
        headers: dict[str, str] | None = None,
        schema_version: str = "1",
    ) -> Message:
        """Return a message that answers this one: with the same correlation id, and this message's
        id as its causation id.

        `schema_version` is that of the new `body`. It gets all headers of this message, also
        unknown ones, except those that a queue wrote (dead letter, redrive). `headers` are added,
        such as a `type`.
        """
        check.instance("new_id", new_id, str, optional=True)
        check.instance("headers", headers, dict, optional=True)
        check.instance("schema_version", schema_version, str)
        handed = {
            name: value
            for name, value in self.headers.items()
            if name != "redrive_count" and not name.startswith("dead_letter_")
        }
        envelope = {
            "correlation_id": self.correlation_id,
            "causation_id": self.id,
            "schema_version": schema_version,
        }
        answer = Message(body=body, headers=handed | envelope | (headers or {}))
        if new_id is not None:
            answer.id = new_id
        return answer

    def __lt__(self, other: object) -> bool:
        """Return True if it is served before `other`: its priority is higher, or the same and its
        timestamp is earlier.
        """
        if not isinstance(other, Message):
            return NotImplemented
        return (-self.priority.value, self.timestamp or 0.0) < (
            -other.priority.value,
            other.timestamp or 0.0,
        )

    def copy(self) -> Message:
        """Return the same message as another object; the two share the body, not the headers."""
        # Field by field: `dataclasses.replace` would check them all again, at three times the cost.
        twin = object.__new__(self.__class__)
        twin.id = self.id
        twin.topic = self.topic
        twin.body = self.body
        twin.headers = self.headers.copy()
        twin.priority = self.priority
        twin.timestamp = self.timestamp
        twin.retry_count = self.retry_count
        twin.max_retries = self.max_retries
        twin.ttl = self.ttl
        twin.status = self.status
        twin.receipt = self.receipt
        twin.attempt = self.attempt
        twin._clock = self._clock
        return twin


class Reject(Exception):
    """Raised by a handler for a message that can never succeed: it goes to the dead letters at
    once, with `reason`.
    """

    def __init__(self, reason: str) -> None:
        check.instance("reason", reason, str)
        super().__init__(reason)
        self.reason = reason


class Release(Exception):
    """Raised by a handler that cannot work on the message now: it is given back and is due again in
    `delay` seconds. This does not count as a failure.
    """

    def __init__(self, delay: float = 0.0) -> None:
        self.delay = check.number("delay", delay, low=0)
        super().__init__(self.delay)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a try: `kind` is "completed", "failed", "rejected" or "released".

    `reason` says why it failed or was rejected; of a long one, the first 500 characters are kept.
    `delay` (s) is the time until a released message is due again.
    """

    kind: str = "completed"
    reason: str = ""
    delay: float = 0.0

    def __post_init__(self) -> None:
        check.one_of("kind", self.kind, ("completed", "failed", "rejected", "released"))
        check.instance("reason", self.reason, str)
        object.__setattr__(self, "reason", readable(self.reason))
        object.__setattr__(self, "delay", check.number("delay", self.delay, low=0))

    def __str__(self) -> str:
        return f"{self.kind}: {self.reason}" if self.reason else self.kind


COMPLETED = Outcome()


def read_outcome(result: Any, said: str = "the handler returned") -> Outcome:
    """Return the outcome that a handler's result means: None and any true value are success, an
    `Outcome` is what it says.

    A false result is a failure. So is one that shows that the work was not done: an exception that
    was returned and not raised (`Reject` and `Release` mean what they say), a coroutine, a
    generator or another iterator that has not run yet, and a value that is neither true nor false,
    such as a DataFrame. `said` begins the reason.
    """
    if result is None or result is True:
        return COMPLETED
    try:
        return _read(result, said)
    except PASSES:
        raise
    except BaseException as error:  # of the result: it is code that was handed in, too
        return outcome_of(error)


def _read(result: Any, said: str) -> Outcome:
    if isinstance(result, Outcome):
        # made again, which checks it
        return Outcome(result.kind, result.reason, result.delay)
    if isinstance(result, BaseException):
        return outcome_of(result)
    if isinstance(result, Future) and result.done():
        error = CancelledError() if result.cancelled() else result.exception()
        return _read(result.result(), said) if error is None else outcome_of(error)
    unfinished = why_not_done(result)
    if unfinished is not None:
        return Outcome("failed", f"{said} {unfinished}")
    if result is None:
        return COMPLETED
    why = why_no_truth(result)
    if why is not None:
        value = check.short_repr(result)
        return Outcome("failed", f"{said} {value}, which is neither true nor false: {why}")
    return COMPLETED if result else Outcome("failed", f"{said} {check.short_repr(result)}")


def why_no_truth(result: Any) -> str | None:
    """Return why a value is neither true nor false, as a DataFrame is; None for all others."""
    try:
        bool(result)
    except PASSES:
        raise
    except BaseException as error:
        return reason_of(error)
    return None


def outcome_of(error: BaseException) -> Outcome:
    """Return the outcome of a handler that raised `error`, or returned it."""
    try:
        if isinstance(error, Reject):
            reason = getattr(error, "reason", None)
            return Outcome("rejected", reason if isinstance(reason, str) else reason_of(error))
        if isinstance(error, Release):
            return Outcome("released", delay=error.delay)
    except PASSES:
        raise
    except BaseException as wrong:  # a subclass of the handler's own, whose `delay` is no number
        return Outcome("failed", reason_of(wrong))
    return Outcome("failed", reason_of(error))
