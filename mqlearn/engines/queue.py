"""A queue on a genuine engine: what producers, consumers and operators call, the same for all."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mqlearn.engines.adapter import Fetched, Held
from mqlearn.engines.deliveries import EngineDeliveries
from mqlearn.engines.entries import EngineEntry
from mqlearn.engines.envelope import Envelope, decode, encode, unreadable
from mqlearn.messaging.message import (
    RETRIES_EXHAUSTED,
    Message,
    MessagePriority,
    MessageStatus,
    Outcome,
)
from mqlearn.runtime import check
from mqlearn.runtime.threads import default_runtime
from mqlearn.runtime.trace import Listener


class EngineQueue(EngineDeliveries):
    """The base of every queue on a genuine engine.

    `url` says where the server is, `name` which queue there; what is stored begins with "mqlearn-".
    `visibility_timeout` (s) is the lease of a delivery. `max_retries` is the limit of all messages
    of this queue, in place of their own. With a `trace` everything that this process sees is
    recorded. Many threads may use one queue. A server that is gone is waited for, up to 60 seconds,
    and a send is made again if its confirm was lost: so a message may be there twice, and none that
    was accepted is missing.

    Raises EngineError if the server is down, refuses, or holds such a queue with other settings.
    """

    # What producers call.

    def send(self, message: Message, *, delay: float = 0.0) -> bool:
        """Send a message, to be delivered after `delay` seconds; True once the engine has confirmed
        it, False if it refused it.

        Raises Unsupported for a priority or a delay that the engine does not have, TypeError for a
        body that JSON cannot hold, ValueError for one that is too large.
        """
        token, payload = self._pack(message, delay)
        with self._gate.shared():
            with self._lock:
                entry = self._entries.begin(token, message)
            try:
                key = self._insist(self._publish, payload, message, delay)
            except BaseException:
                with self._lock:
                    self._entries.unsure(token, entry)
                raise
            with self._lock:
                self._sent(token, entry, key, delay)
        return key is not None

    def _sent(self, token: str, entry: EngineEntry | None, key: str | None, delay: float) -> None:
        if key is None:
            self._entries.refused(token, entry)
            return
        self._entries.sent(entry, key, delay)
        if delay:
            self._note_due(entry, delay)

    def _pack(self, message: Message, delay: float) -> tuple[str, bytes]:
        """Return the token and the bytes of a message, once everything about it is checked."""
        self._check_open()
        check.instance("message", message, Message)
        message.validate()
        delay = check.number("delay", delay, low=0)
        if delay:
            self._need("delay")
            self._check_delay(delay)
        if message.priority is not MessagePriority.NORMAL:
            self._need("priority")
        token = f"{self._producer}-{next(self._sends)}"
        payload = encode(Envelope(message, token, default_runtime().now + delay))
        if self.largest is not None and len(payload) > self.largest:
            raise ValueError(
                f"message must have at most {self.largest:,} bytes on {self.engine}, envelope "
                f"included, got {len(payload):,}"
            )
        return token, payload

    def send_many(self, messages: Sequence[Message]) -> int:
        """Send messages, many to a round trip where the engine can; return how many it accepted.

        All are checked before the first is sent. Raises what `send` raises.
        """
        packed = [(message, *self._pack(message, 0.0)) for message in messages]
        with self._gate.shared():
            with self._lock:
                begun = [(token, self._entries.begin(token, each)) for each, token, _ in packed]
            try:
                keys = self._insist(
                    self._publish_many, [(data, message) for message, _, data in packed]
                )
            except BaseException:
                with self._lock:
                    for token, entry in begun:
                        self._entries.unsure(token, entry)
                raise
            with self._lock:
                for (token, entry), key in zip(begun, keys, strict=True):
                    self._sent(token, entry, key, 0.0)
        return sum(key is not None for key in keys)

    # What consumers call.

    def receive(
        self, timeout: float | None = None, *, cancelled: Callable[[], bool] | None = None
    ) -> Message | None:
        """Return the next message, now in flight; None if there is none within `timeout` seconds
        (None: wait forever), or once `cancelled()` is true.
        """
        timeout = check.number("timeout", timeout, low=0, optional=True)
        check.function("cancelled", cancelled, optional=True)
        self._check_open()
        deadline = None if timeout is None else self.runtime.now + timeout
        while cancelled is None or not cancelled():
            left = self.look if deadline is None else max(0.0, deadline - self.runtime.now)
            with self._gate.shared():
                fetched = self._insist(self._fetch, min(left, self.look), cancelled=cancelled)
                delivery = None if fetched is None else self._accept(fetched)
            if delivery is not None:
                return delivery
            if fetched is None and left <= 0:
                break
        return None

    def receive_many(self, n: int, timeout: float | None = None) -> list[Message]:
        """Wait up to `timeout` seconds for a first message, then take those that are ready, at most
        `n` in all; many to a round trip where the engine can.
        """
        n = check.whole("n", n, low=1)
        first = self.receive(timeout)
        if first is None:
            return []
        try:
            with self._gate.shared():
                more = self._insist(self._fetch_many, n - 1) if n > 1 else []
                return [first, *(d for each in more if (d := self._accept(each)) is not None)]
        except BaseException:
            self.release(first)  # the caller will not see it; the others come back by their lease
            raise

    def take(self, cancelled: Callable[[], bool]) -> Message | None:
        """Return the next message, or None once `cancelled()` is true."""
        check.function("cancelled", cancelled)
        return self.receive(cancelled=cancelled)

    def _accept(self, fetched: Fetched) -> Message | None:
        """Return the delivery of what was fetched; None if it belongs to the dead letters."""
        try:
            envelope = decode(fetched.payload)
        except ValueError as error:
            self._put_aside(fetched, f"unreadable: {error}")
            return None
        message, runtime = envelope.message, self.runtime
        age = default_runtime().now - envelope.due
        failures = fetched.deliveries - 1 if fetched.failures is None else fetched.failures
        message.timestamp = runtime.now - age
        message.max_retries, message.retry_count = self.max_retries, failures
        message.status, message._clock = MessageStatus.PROCESSING, self._clock
        message.attempt, message.receipt = fetched.deliveries, next(self._receipts)
        held = Held(fetched, message, None, last=failures >= self.max_retries)
        if age > message.ttl:
            self._expire(held, envelope.token)
            return None
        with self._lock:
            held.entry = self._entries.delivered(
                envelope.token, fetched.key, message, message.attempt, message.receipt
            )
            if failures <= self.max_retries:
                self._held[message.receipt] = held
                self._start_lease(held, self.visibility_timeout)
                return message
        # no engine counts for this adapter: another process crashed on its last try
        if self._insist(self._bury, held, RETRIES_EXHAUSTED):
            self._move(held, "dead", RETRIES_EXHAUSTED)
        return None

    def _put_aside(self, fetched: Fetched, reason: str) -> None:
        message, token = unreadable(fetched.payload), f"unreadable-{fetched.key}"
        message.receipt = next(self._receipts)
        held = Held(fetched, message, None, last=True)
        with self._lock:
            held.entry = self._entries.delivered(
                token, fetched.key, message, fetched.deliveries, message.receipt
            )
        if self._insist(self._bury, held, reason):
            self._move(held, "dead", reason)

    def _expire(self, held: Held, token: str) -> None:
        with self._lock:
            entry = None
            if self._entries.listeners:
                entry = self._entries.find(token, held.fetched.key, held.message)
                self._entries.arrived(entry)
        if self._insist(self._bury, held, "expired"):
            with self._lock:
                end = (held.message.timestamp or 0.0) + held.message.ttl
                self._entries.move(entry, "expired", detail=end)

    # How a delivery ends.

    def ack(self, delivery: Message | str) -> bool:
        """Settle a delivery whose work is done; False if it is not current."""
        held = self._take_out(delivery, "ack", MessageStatus.COMPLETED)
        return held is not None and self._end(held, "ack", "acked", None, self._ack)

    def ack_many(self, deliveries: Sequence[Message]) -> int:
        """Ack deliveries, many to a round trip where the engine can; return how many were
        current.
        """
        taken = [self._take_out(each, "ack", MessageStatus.COMPLETED) for each in deliveries]
        held = [each for each in taken if each is not None]
        settled = self._insist(self._ack_many, [each.fetched.handle for each in held])
        for each, done in zip(held, settled, strict=True):
            self._ended(each, "ack", "acked", None, done)
        return sum(map(bool, settled))

    def nack(
        self, delivery: Message | str, requeue: bool = True, *, reason: str | None = None
    ) -> bool:
        """Settle a delivery whose work failed, because of `reason`: it is tried again if a retry is
        left, else, or with `requeue=False`, it goes to the dead letters. False if it is not
        current.
        """
        check.instance("requeue", requeue, bool)
        check.instance("reason", reason, str, optional=True)
        held = self._take_out(delivery, "nack", MessageStatus.FAILED)
        if held is None:
            return False
        if requeue and not held.last:
            return self._end(held, "nack", "nacked", reason, self._retry)
        why = RETRIES_EXHAUSTED if requeue else reason or "rejected"
        return self._end(held, "nack", "dead", why, lambda _: self._bury(held, why))

    def release(self, delivery: Message | str, *, delay: float = 0.0) -> bool:
        """Give a delivery back, to be delivered again after `delay` seconds. It counts as a failure
        only where the engine cannot do otherwise. False if it is not current.
        """
        delay = check.number("delay", delay, low=0)
        if delay:
            self._need("delay")
        held = self._take_out(delivery, "release", MessageStatus.PENDING)
        if held is None:
            return False
        if held.last and self.features["release_free"] == "unsupported":
            # there it counts as a delivery, and no further delivery is allowed
            return self._end(
                held, "release", "dead", RETRIES_EXHAUSTED, lambda _: self._exhaust(held)
            )
        event = "postponed" if delay else "released"
        return self._end(
            held, "release", event, delay or None, lambda handle: self._release(handle, delay)
        )

    def settle(self, delivery: Message, outcome: Outcome) -> bool:
        """Ack, nack or release exactly this delivery, according to the outcome of its try."""
        check.instance("delivery", delivery, Message)
        check.instance("outcome", outcome, Outcome)
        if outcome.kind == "completed":
            return self.ack(delivery)
        if outcome.kind == "released":
            return self.release(delivery, delay=outcome.delay)
        return self.nack(delivery, outcome.kind == "failed", reason=outcome.reason or None)

    def extend(self, delivery: Message | str, seconds: float) -> bool:
        """Renew the lease of a delivery, so that it ends `seconds` from now; False if it is not
        current.
        """
        seconds = check.number("seconds", seconds, above=0)
        self._need("extend")
        with self._lock:
            held = self._find(delivery, "extend")
        if held is None or not self._insist(self._renew, held.fetched.handle, seconds):
            return False
        with self._lock:
            if self._held.get(held.message.receipt) is not held:
                return False
            self._start_lease(held, seconds)
            self._entries.extended(held.entry, self.runtime.now + seconds)
        return True

    def is_current(self, delivery: Message) -> bool:
        """Return True as long as this delivery is in flight, as far as this process knows."""
        check.instance("delivery", delivery, Message)
        held = self._held.get(delivery.receipt)
        return held is not None and held.message.id == delivery.id

    # What operators call.

    def size(self) -> int:
        """Return how many messages wait or are delayed, as the engine counts them."""
        self._need("exact_size")
        counted = self._insist(self._count)
        return int(counted["waiting"] + counted["delayed"])

    def get_dead_letter_messages(self) -> list[Message]:
        """Return copies of the dead letters, the oldest first; the header `dead_letter_reason` says
        why, as far as the engine knows.
        """
        self._check_open()
        letters = []
        for payload, headers in self._insist(self._read_dead):
            try:
                message = decode(payload).message
            except ValueError:
                message = unreadable(payload)
            message.headers |= headers
            message.status = MessageStatus.DEAD_LETTER
            letters.append(message)
        return letters

    def purge(self) -> int:
        """Throw away every message that waits or is delayed; return how many."""
        with self._gate.alone():
            gone: int = self._insist(self._empty)
            with self._lock:
                self._entries.purged()
        return gone

    def listen(self, listener: Listener, *, existing: bool = False) -> None:
        """Call `listener(record)` for each record from now on; with `existing`, first for each
        message that the engine holds already.
        """
        check.function("listener", listener)
        check.instance("existing", existing, bool)
        with self._gate.alone():
            held = self._insist(self._count) if existing else {}
            with self._lock:
                self._entries.listen(listener, held)

    def close(self) -> None:
        with self._lock:
            for held in self._held.values():
                if held.timer is not None:
                    held.timer.cancel()
            for timer in self._dues:
                timer.cancel()
            self._held.clear()
            self._dues.clear()
        super().close()
