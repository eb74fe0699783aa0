"""A queue on RabbitMQ, quorum or classic, by AMQP 0.9.1.

    mqlearn-NAME            what waits
    mqlearn-NAME.dead       the dead letters, a classic queue
    mqlearn-NAME.delay.MS   what is delayed by MS milliseconds: the TTL of this queue sends it on to
                            mqlearn-NAME; the broker deletes it when it is out of use

Every send waits for the broker's confirm. A quorum queue calls fsync before it confirms; a classic
queue of current RabbitMQ (4.x) does not, so that a power cut can take what it has confirmed. The
3.10.8 that was measured lost none on either. An ack has no confirm: one that is lost with the
connection shows when the message comes again. A classic queue writes acks to its disk only when it
has time, so after kill -9 of the server what was acked in the last second comes again.

A delivery belongs to the connection that received it. When that ends, as that of a process that is
killed does, the broker requeues at once. While it lasts the broker waits (half an hour by default),
so that the lease is kept by this adapter.

Source: rabbitmq.com/docs/confirms, /docs/quorum-queues, /docs/dlx, /docs/ttl. RabbitMQ's blog, "How
Are The Messages Stored?", 2025-01-17 (fsync).
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from typing import Any

from mqlearn.engines.adapter import Fetched, Held
from mqlearn.engines.envelope import Envelope, decode
from mqlearn.engines.rabbitmq_link import Letter
from mqlearn.engines.rabbitmq_queues import RabbitMQQueues
from mqlearn.engines.rabbitmq_terms import (
    DELIVERIES,
    FAILURES,
    REASON,
    properties,
)
from mqlearn.messaging.message import RETRIES_EXHAUSTED, Message
from mqlearn.runtime import check
from mqlearn.runtime.threads import ThreadRuntime, default_runtime
from mqlearn.runtime.trace import Trace

FIRST_PAUSE, LONGEST_PAUSE = 0.002, 0.02  # seconds between two looks for a message
TIMER_WAIT = 0.05  # seconds that a timer waits for the connection


@dataclass(frozen=True, slots=True)
class Tag:
    """A delivery as the broker knows it: the `life` of its connection and its `tag` there; and what
    a copy of it needs.

    `counted` is the broker's own count of its returns, `failures` and `deliveries` are all of them.
    """

    life: int
    tag: int
    payload: bytes
    properties: Any
    counted: int
    failures: int
    deliveries: int


class RabbitMQQueue(RabbitMQQueues):
    """A queue on a RabbitMQ server, `amqp://user:password@host:port/`, with a `visibility_timeout`
    in seconds.

    `kind` is "quorum" (replicated in a cluster, counts deliveries, no priorities) or "classic"
    (priorities, and no count: what fails or is given back, this adapter sends again with its count,
    behind the others; of several crashes in a row it counts one). Order is that of sending; what
    comes back to a quorum queue goes first. Only those delayed messages are counted whose delay
    this process has used.
    """

    engine = "rabbitmq"
    client = "pika"
    largest = 128 * 2**20  # by default; a server with a smaller max_message_size says so itself

    def __init__(
        self,
        url: str,
        name: str,
        *,
        visibility_timeout: float = 30.0,
        max_retries: int = 3,
        trace: Trace | None = None,
        runtime: ThreadRuntime | None = None,
        kind: str = "quorum",
    ) -> None:
        check.one_of("kind", kind, ("quorum", "classic"))
        self._quorum = kind == "quorum"
        self._turn = threading.Lock()  # one thread looks for messages, the others wait for it
        self._news = threading.Condition()
        super().__init__(
            url,
            name,
            visibility_timeout=visibility_timeout,
            max_retries=max_retries,
            trace=trace,
            runtime=runtime,
        )

    # Sending.

    def _publish(self, payload: bytes, message: Message, delay: float) -> str | None:
        return self._publish_many([(payload, message)], delay)[0]

    def _publish_many(
        self, packed: list[tuple[bytes, Message]], delay: float = 0.0
    ) -> list[str | None]:
        queue, letters, keys = self._queue_of(delay), [], []
        for payload, message in packed:
            # a new one for each try: so a second copy is told from a second delivery
            keys.append(f"{self._producer}.{next(self._sends)}")
            # after a delay the adapter looks at the age: the broker would use one TTL for both
            ttl = 0.0 if delay else message.ttl
            letters.append(
                Letter(queue, payload, properties(keys[-1], ttl, self._priority(message)))
            )
        taken = self._sending.send(letters)
        self._tell()
        return [key if took else None for key, took in zip(keys, taken, strict=True)]

    def _priority(self, message: Message) -> int | None:
        return None if self._quorum else message.priority.value

    def _tell(self) -> None:
        """Wake the thread that looks for messages."""
        with self._news:
            self._news.notify()

    # Receiving.

    def _fetch(self, timeout: float) -> Fetched | None:
        # A consumer that waits is no good here. What the broker pushes when it is cancelled goes
        # back, and that counts as a delivery. Left alone, it keeps a message from other workers.
        fetched, end = self._get(), self._runtime.now + timeout
        if fetched is None and timeout > 0 and self._turn.acquire(timeout=timeout):
            try:
                pause = FIRST_PAUSE
                while fetched is None and (left := end - self._runtime.now) > 0:
                    with self._news:
                        self._news.wait(min(pause, left))
                    pause = min(2 * pause, LONGEST_PAUSE)
                    # to get nothing from a quorum queue costs it a write, to ask does not
                    if self._receiving.ready(self.stored_as):
                        fetched = self._get()
            finally:
                self._turn.release()
        return fetched

    def _get(self) -> Fetched | None:
        delivered = self._receiving.get(self.stored_as)
        return None if delivered is None else self._fetched(*delivered)

    def _fetch_many(self, n: int) -> list[Fetched]:
        return [self._fetched(*each) for each in self._receiving.get_many(self.stored_as, n)]

    def _fetched(self, life: int, method: Any, known: Any, payload: bytes) -> Fetched:
        headers = known.headers or {}
        # A classic queue only says that there was a delivery before. What this adapter gives back
        # it sends again, so that was one whose connection has ended.
        counted = headers.get("x-delivery-count", 0) if self._quorum else method.redelivered
        failures = int(counted) + int(headers.get(FAILURES, 0))
        deliveries = 1 + int(counted) + int(headers.get(DELIVERIES, 0))
        handle = Tag(life, method.delivery_tag, payload, known, int(counted), failures, deliveries)
        return Fetched(payload, known.message_id or "", deliveries, handle, failures)

    # Settling.

    def _ack(self, handle: Tag) -> bool:
        return self._receiving.ack(handle.life, [handle.tag])

    def _ack_many(self, handles: list[Tag]) -> list[bool]:
        now = self._receiving.life
        current = [handle.tag for handle in handles if handle.life == now]
        done = bool(current) and self._receiving.ack(now, current)
        return [done and handle.life == now for handle in handles]

    def _return(self, handle: Tag, requeue: bool, wait: float = -1) -> bool:
        """Give a delivery back, or with `requeue` false to the dead letters. A quorum queue does
        the latter by itself once its limit is reached.
        """
        self._returned_at = self._runtime.now
        back = self._receiving.reject(handle.life, handle.tag, requeue, wait)
        self._tell()
        return back

    def _replace(self, handle: Tag, queue: str, headers: dict[str, Any], wait: float = -1) -> bool:
        """Send a copy of a delivery to `queue`, and ack the delivery once that is confirmed. After
        a crash in between there are two.
        """
        if not self._receiving.is_current(handle.life, wait):
            return False
        known = handle.properties
        try:
            envelope = decode(handle.payload)
        except ValueError:
            envelope = Envelope(Message(id="unreadable"), "", math.inf)
        left = 0.0
        if queue == self.stored_as:
            left = max(0.001, envelope.due + envelope.message.ttl - default_runtime().now)
        copy = properties(known.message_id, left, self._priority(envelope.message), headers)
        if not self._sending.send([Letter(queue, handle.payload, copy)], wait)[0]:
            raise ConnectionError("rabbitmq took no copy of a message")
        self._tell()
        return self._receiving.ack(handle.life, [handle.tag], wait)

    def _again(self, handle: Tag, failures: int, delay: float = 0.0, wait: float = -1) -> bool:
        """Send a delivery again, with its counts."""
        headers = {FAILURES: failures, DELIVERIES: handle.deliveries}
        return self._replace(handle, self._queue_of(delay, wait), headers, wait)

    def _retry(self, handle: Tag, wait: float = -1) -> bool:
        if self._quorum:
            return self._return(handle, requeue=True, wait=wait)
        return self._again(handle, handle.failures + 1, wait=wait)

    def _release(self, handle: Tag, delay: float) -> bool:
        if delay or not self._quorum:
            return self._again(handle, handle.failures, delay)
        return self._return(handle, requeue=True)

    def _exhaust(self, held: Held) -> bool:
        return self._bury(held, RETRIES_EXHAUSTED)

    def _bury(self, held: Held, reason: str, wait: float = -1) -> bool:
        handle: Tag = held.fetched.handle
        self._returned_at = self._runtime.now
        if reason == RETRIES_EXHAUSTED and self._quorum and handle.counted >= self.max_retries:
            return self._return(handle, requeue=True, wait=wait)  # the queue knows its limit
        if reason in (RETRIES_EXHAUSTED, "expired") or reason.startswith("unreadable"):
            # only this adapter knows why
            return self._replace(handle, self._dead, {REASON: reason}, wait)
        return self._return(handle, requeue=False, wait=wait)

    def _renew(self, handle: Tag, seconds: float) -> bool:
        # the lease is this adapter's own: all that is needed is that the connection still is
        return self._receiving.is_current(handle.life)

    def _gone_is_dead(self, held: Held) -> bool:
        # a quorum queue counts it as a return when the connection of a delivery has ended
        return self._quorum and held.fetched.handle.counted >= self.max_retries

    def _lease_ended(self, held: Held) -> bool:
        handle: Tag = held.fetched.handle
        if held.last:
            return self._bury(held, RETRIES_EXHAUSTED, TIMER_WAIT) or self._gone_is_dead(held)
        self._retry(handle, TIMER_WAIT)
        return False
