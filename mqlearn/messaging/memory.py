"""The queue this course is about: priorities, leases, retries and dead letters, in memory."""

from __future__ import annotations

from collections.abc import Callable

from mqlearn.messaging.entries import LANE, Entry
from mqlearn.messaging.message import NUMBERS, Message, MessageStatus, Outcome
from mqlearn.messaging.retry import RetryPolicy
from mqlearn.messaging.transitions import NAMES, QueueTransitions
from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.trace import Listener, Record, Trace


class InMemoryMessageQueue(QueueTransitions):
    """Delivers at least once: a message leaves by `ack` or into the dead letters, and no other way.

    Highest priority first, first in first out within one. At most `max_size` messages may wait;
    when full, `on_full` says "reject" (send returns False), "block" (send waits) or "drop_oldest".
    A delivery is leased for `visibility_timeout` seconds (None: until settled) and returns when the
    lease ends. A nacked message returns to its old place at once, or with a `retry` policy joins
    the tail after its backoff. A message is dead when its charged failures exceed its
    `max_retries`, when it is rejected, or when it is older than its `ttl` at the moment it would be
    handed out.

    Sources: Amazon SQS (visibility timeout, receipt, redrive), RabbitMQ (nack, TTL at the head of
    the queue).
    """

    observable = True

    def __init__(
        self,
        max_size: int = 10000,
        *,
        visibility_timeout: float | None = 30.0,
        retry: RetryPolicy | None = None,
        on_full: str = "reject",
        runtime: Runtime | None = None,
        trace: Trace | None = None,
        name: str = "queue",
    ) -> None:
        check.whole("max_size", max_size, low=1)
        check.number("visibility_timeout", visibility_timeout, above=0, optional=True)
        check.instance("retry", retry, RetryPolicy, optional=True)
        check.one_of("on_full", on_full, ("reject", "block", "drop_oldest"))
        check.instance("runtime", runtime, Runtime, optional=True)
        check.instance("trace", trace, Trace, optional=True)
        check.instance("name", name, str)
        self.max_size, self.visibility_timeout, self.on_full = max_size, visibility_timeout, on_full
        self.trace = trace
        super().__init__(name, retry, runtime)
        if trace is not None:
            trace.watch(self, self._runtime.at_close)

    # What producers call.

    def send(self, message: Message, *, delay: float = 0.0, timeout: float | None = None) -> bool:
        """Take a message, to be delivered after `delay` seconds; False if there was no room.

        With `on_full="block"` it waits for room, at most `timeout` seconds (None: for ever).
        """
        if not isinstance(message, Message):
            check.instance("message", message, Message)
        message.validate()
        if delay != 0 or timeout is not None:
            check.number("delay", delay, low=0)
            check.number("timeout", timeout, low=0, optional=True)
        with self._lock:
            if self._ready.length + len(
                self._delayed.heap
            ) >= self.max_size and not self._make_room(timeout):
                self._emit("rejected", Entry(0, message, LANE[message.priority]))
                return False
            stored = message.copy()
            stored.timestamp = now = self._runtime.now
            stored.status, stored.receipt, stored.attempt = MessageStatus.PENDING, 0, 0
            entry = Entry(next(self._numbers), stored, LANE[stored.priority])
            if delay:
                self._schedule(entry, now + delay)
                self._emit("scheduled", entry, 0, delay)
            else:
                self._ready.join(entry)
                if self._observed:
                    self._emit("sent", entry)
                if self._hungry:
                    self._available.notify()
            return True

    def _make_room(self, timeout: float | None) -> bool:
        if self.on_full == "reject":
            return False
        if self.on_full == "drop_oldest":
            victim, place = self._ready.pop_oldest(), "waiting"
            if victim is None:
                victim, place = self._delayed.pop(), "delayed"
            self._emit("dropped", victim, 0, place)
            self._arm()
            return True
        deadline = None if timeout is None else self._runtime.now + timeout
        while self.size() >= self.max_size:
            left = None if deadline is None else deadline - self._runtime.now
            if left is not None and left <= 0:
                return False
            self._room.wait(left)
        return True

    # What consumers call.

    def receive(
        self, timeout: float | None = None, *, cancelled: Callable[[], bool] | None = None
    ) -> Message | None:
        """The next message, leased to the caller; None after `timeout` seconds, or once
        `cancelled()` is true.

        `timeout=0` only looks, `None` waits for ever. `cancelled` is asked first and on every
        wake-up.
        """
        if timeout is not None and not (type(timeout) in NUMBERS and 0 <= timeout < 1e300):
            check.number("timeout", timeout, low=0)
        if cancelled is not None and not callable(cancelled):
            check.function("cancelled", cancelled)
        deadline: float | None = None
        with self._lock:
            while True:
                if cancelled is not None and cancelled():
                    if self._ready.length:  # the wake-up may have been meant for a message
                        self._available.notify()
                    return None
                now = self._runtime.now
                entry = self._next(now)
                if entry is not None:
                    return self._deliver(entry, now)
                # what has just expired may have been the last
                if cancelled is not None and cancelled():
                    return None
                if timeout is not None:
                    if deadline is None:
                        deadline = now + timeout
                    elif now >= deadline:
                        return None
                self._hungry += 1
                try:
                    self._available.wait(None if deadline is None else deadline - now)
                finally:
                    self._hungry -= 1

    def take(self, cancelled: Callable[[], bool]) -> Message | None:
        """The next message, or None once `cancelled()` is true."""
        if cancelled is None:
            check.function("cancelled", cancelled)
        return self.receive(cancelled=cancelled)

    def _next(self, now: float) -> Entry | None:
        """Take out the first entry that has not expired; bury those that have."""
        while (entry := self._ready.pop()) is not None:
            message = entry.message
            due = message.timestamp + message.ttl  # type: ignore[operator]
            if due >= now:
                return entry
            self._dead_letter(entry, "expired", "expired", detail=due)
            self._room.notify()
        return None

    def _deliver(self, entry: Entry, now: float) -> Message:
        entry.attempt += 1
        entry.receipt = receipt = next(self._receipts)
        self._in_flight[receipt] = entry
        if self.visibility_timeout is not None:
            self._lease(entry, now + self.visibility_timeout)
        delivery = entry.message.copy()
        delivery.status, delivery.receipt, delivery.attempt = (
            MessageStatus.PROCESSING,
            receipt,
            entry.attempt,
        )
        if self._observed:
            self._emit("received", entry, receipt)
        if self.on_full == "block":
            self._room.notify()
        return delivery

    def ack(self, delivery: Message | str) -> bool:
        """The work is done. False if this delivery is not current: settled before, or its lease
        lost.
        """
        with self._lock:
            entry = self._end_delivery(delivery, "ack", MessageStatus.COMPLETED)
            if entry is None:
                return False
            if self._observed:
                self._emit("acked", entry, entry.receipt)
            return True

    def nack(
        self, delivery: Message | str, requeue: bool = True, *, reason: str | None = None
    ) -> bool:
        """The work failed, because of `reason`: charge a retry, or with `requeue=False` bury it at
        once.
        """
        check.instance("requeue", requeue, bool)
        check.instance("reason", reason, str, optional=True)
        with self._lock:
            entry = self._end_delivery(delivery, "nack", MessageStatus.FAILED)
            if entry is None:
                return False
            if requeue:
                self._charge(entry, "nacked", reason)
            else:
                self._dead_letter(entry, "dead", reason or "rejected", detail=reason or "rejected")
            return True

    def release(self, delivery: Message | str, *, delay: float = 0.0) -> bool:
        """Give it back unspent: to its old place, or after `delay` seconds to the tail."""
        check.number("delay", delay, low=0)
        with self._lock:
            entry = self._end_delivery(delivery, "release", MessageStatus.PENDING)
            if entry is None:
                return False
            if delay:
                self._schedule(entry, self._runtime.now + delay)
                self._emit("postponed", entry, entry.receipt, delay)
            else:
                self._return(entry, "released", None)
            return True

    def settle(self, delivery: Message, outcome: Outcome) -> bool:
        """Ack, nack or release exactly this delivery, as its try ended."""
        if not (isinstance(delivery, Message) and isinstance(outcome, Outcome)):
            check.instance("delivery", delivery, Message)
            check.instance("outcome", outcome, Outcome)
        if outcome.kind == "completed":
            return self.ack(delivery)
        if outcome.kind == "released":
            return self.release(delivery, delay=outcome.delay)
        return self.nack(delivery, outcome.kind == "failed", reason=outcome.reason or None)

    def extend(self, delivery: Message | str, seconds: float) -> bool:
        """Let the lease of this delivery end `seconds` from now. False if it is not current."""
        check.number("seconds", seconds, above=0)
        with self._lock:
            entry = self._find(delivery, "extend")
            if entry is None:
                return False
            if self.visibility_timeout is not None:
                self._lease(entry, self._runtime.now + seconds)
            self._emit("extended", entry, entry.receipt, entry.lease)
            return True

    # What operators call.

    def size(self) -> int:
        """Messages that wait or are delayed: what `max_size` limits."""
        return self._ready.length + len(self._delayed)

    def get_in_flight_count(self) -> int:
        """Messages that are delivered and not settled."""
        return len(self._in_flight)

    def get_dead_letter_messages(self) -> list[Message]:
        """Copies of the dead letters, oldest first.

        Headers say `dead_letter_reason`, `dead_letter_timestamp` (s) and, after failures, the last
        `dead_letter_error`.
        """
        with self._lock:
            return [entry.message.copy() for entry in self._dead.values()]

    def redrive(
        self, select: Callable[[Message], bool] | None = None, *, limit: int | None = None
    ) -> int:
        """Give dead letters a new life at the tail of the line: those that `select(message)` picks,
        at most `limit`.

        Retries and TTL start anew; the header `redrive_count` counts lives. `max_size` does not
        apply. Returns how many.
        """
        check.function("select", select, optional=True)
        check.whole("limit", limit, low=0, optional=True)
        with self._lock:
            chosen = [e for e in self._dead.values() if select is None or select(e.message.copy())][
                :limit
            ]
            for entry in chosen:
                del self._dead[entry.number]
                message = entry.message
                message.retry_count, message.status, message.timestamp = (
                    0,
                    MessageStatus.PENDING,
                    self._runtime.now,
                )
                for header in ("dead_letter_reason", "dead_letter_timestamp", "dead_letter_error"):
                    message.headers.pop(header, None)
                # a sender may have put anything there
                lives = message.headers.get("redrive_count", "")
                message.headers["redrive_count"] = str(int(lives) + 1) if lives.isdecimal() else "1"
                self._ready.join(entry)
                self._emit("redriven", entry)
                self._available.notify()
            return len(chosen)

    def purge(self) -> int:
        """Throw away everything that waits or is delayed; returns how many. What is in flight
        stays.
        """
        with self._lock:
            gone = [(e, "waiting") for e in self._ready] + [
                (e, "delayed") for _, _, e in self._delayed
            ]
            self._ready.clear()
            self._delayed.clear()
            for entry, place in gone:
                self._emit("purged", entry, 0, place)
            self._arm()
            self._room.notify_all()
            return len(gone)

    def wake(self) -> None:
        """Make everybody who waits in this queue look again."""
        with self._lock:
            self._available.notify_all()
            self._room.notify_all()

    def listen(self, listener: Listener, *, existing: bool = False) -> None:
        """Call `listener(record)` under the lock for all that happens from now on (`existing`: and
        what is there).
        """
        check.function("listener", listener)
        check.instance("existing", existing, bool)
        with self._lock:
            for entry, message_id, priority, place in self.entries() if existing else ():
                listener(
                    Record(
                        self._runtime.now,
                        "existing",
                        self.name,
                        entry,
                        message_id,
                        priority,
                        0,
                        "",
                        0,
                        place,
                    )
                )
            self._listeners.append(listener)
            self._observed = True

    def census(self) -> dict[str, int]:
        """How many entries are in each place, counted in the queue's own structures."""
        with self._lock:
            return {
                "waiting": self._ready.count(),
                "delayed": len(self._delayed),
                "in flight": len(self._in_flight),
                "dead": len(self._dead),
            }

    def entries(self) -> list[tuple[int, str, str, str]]:
        """Every entry the queue holds: (number, message id, priority, place)."""
        with self._lock:
            held = (
                [(e, "waiting") for e in self._ready]
                + [(e, "delayed") for _, _, e in self._delayed]
                + [(e, "in flight") for e in self._in_flight.values()]
                + [(e, "dead") for e in self._dead.values()]
            )
            return [(e.number, e.message.id, NAMES[e.lane], place) for e, place in held]
