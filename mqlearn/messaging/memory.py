"""The queue this course is about: priorities, leases, retries and dead letters, in memory."""

from __future__ import annotations

from collections.abc import Callable

from mqlearn.messaging.clock import Clock
from mqlearn.messaging.entries import LANE, Entry
from mqlearn.messaging.message import NUMBERS, Message, MessageStatus, Outcome
from mqlearn.messaging.operations import QueueOperations
from mqlearn.messaging.retry import RetryPolicy
from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.trace import Trace

# Looked up once, for speed: an Enum finds its members through its metaclass, and three such
# look-ups take as long as acquiring a lock.
PENDING, PROCESSING = MessageStatus.PENDING, MessageStatus.PROCESSING
COMPLETED, FAILED = MessageStatus.COMPLETED, MessageStatus.FAILED


class InMemoryMessageQueue(QueueOperations):
    """A queue that delivers at least once: a message leaves it by `ack` or to the dead letters, and
    no other way.

    The highest priority is served first, and within one priority the message that was sent first.
    At most `max_size` messages may wait; when the queue is full, `on_full` says "reject" (send
    returns False), "block" (send waits) or "drop_oldest". A delivery is leased for
    `visibility_timeout` seconds (None: until settled), and the message returns when the lease ends.
    A nacked message returns to its old place at once, or with a `retry` policy it joins the tail of
    its line after its backoff. A message goes to the dead letters when it has failed more than
    `max_retries` times, when it is rejected, or when it is older than its `ttl` at the moment when
    it would be delivered.

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
        self.max_size = check.whole("max_size", max_size, low=1)
        self.visibility_timeout = check.number(
            "visibility_timeout", visibility_timeout, above=0, optional=True
        )
        check.instance("retry", retry, RetryPolicy, optional=True)
        check.one_of("on_full", on_full, ("reject", "block", "drop_oldest"))
        check.instance("runtime", runtime, Runtime, optional=True)
        check.instance("trace", trace, Trace, optional=True)
        check.instance("name", name, str)
        self.on_full, self.trace = on_full, trace
        super().__init__(name, retry, runtime)
        if trace is not None:
            # last, since it asks for the census, which needs the places to be there
            trace.watch(self, self._runtime.at_close)

    # What producers call.

    def send(self, message: Message, *, delay: float = 0.0, timeout: float | None = None) -> bool:
        """Accept a message, to be delivered after `delay` seconds; False if there was no room.

        With `on_full="block"` it waits for room, at most `timeout` seconds (None: forever). Room
        goes to the sender that has waited longest. The message's `ttl` counts from the end of
        `delay`.
        """
        entry = self._make_entry(message)
        if delay.__class__ is not float or delay or timeout is not None:
            delay = check.number("delay", delay, low=0)
            timeout = check.number("timeout", timeout, low=0, optional=True)
        with self._lock:
            waiting = self._ready.length + len(self._delayed.heap)
            if (waiting >= self.max_size or self._senders) and not self._make_room(timeout):
                self._emit("rejected", entry)
                return False
            stored = entry.message
            stored.timestamp = now = self._runtime.now
            entry.end = now + delay + stored.ttl
            # its own number, since the same id may be sent twice and then makes two entries
            entry.number = number = next(self._numbers)
            self._entries[number] = entry
            if delay:
                stored._clock = Clock(self._runtime, delay)
                self._schedule(entry, now + delay)
                self._emit("scheduled", entry, 0, delay)
            else:
                self._ready.join(entry)
                # the usual case under load is that no worker waits; a notification then costs time
                # for nothing
                if self._receivers:
                    self._available.notify()
                if self._observed:
                    self._emit("sent", entry)
            return True

    def _make_entry(self, message: Message) -> Entry:
        """Return an entry for a checked copy of a message; it has no number until it is
        accepted.
        """
        if not isinstance(message, Message):
            check.instance("message", message, Message)
        message.validate()
        # a copy, so that what the sender does to its object later changes nothing here
        stored = message.copy()
        stored.status, stored.receipt, stored.attempt = PENDING, 0, 0
        stored._clock = self._clock
        return Entry(0, stored, LANE[stored.priority])

    def _make_room(self, timeout: float | None) -> bool:
        """Make room for one more message in the way that `on_full` says, or wait for it at most
        `timeout` seconds; False if there is none.
        """
        if self.on_full == "reject":
            return False
        if self.on_full == "drop_oldest":
            oldest, place = self._ready.pop_oldest(), "waiting"
            if oldest is None:
                # all that fill the queue are delayed: the one that is due first makes room
                oldest, place = self._delayed.pop(), "delayed"
            self._set_timer()
            self._emit("dropped", oldest, 0, place)
            del self._entries[oldest.number]
            return True
        return self._wait_for_room(timeout)

    def _wait_for_room(self, timeout: float | None) -> bool:
        """Wait until there is room and all senders that came before have theirs, at most `timeout`
        seconds; False if the time ran out.
        """
        if self._forks != self._runtime.forks:
            self._forget_former_process()
            if self.size() < self.max_size:
                return True
        deadline = None if timeout is None else self._runtime.now + timeout
        turn, entered = self._runtime.condition(self._lock), False
        self._senders.append(turn)
        try:
            # asked again after each wake-up: a message that came back may have taken the room
            while self._senders[0] is not turn or self.size() >= self.max_size:
                left = None if deadline is None else deadline - self._runtime.now
                if left is not None and left <= 0:
                    return False
                turn.wait(left)
            entered = True
            return True
        finally:
            # also if the time ran out or an interrupt ended the wait: the next one has its turn
            self._senders.remove(turn)
            self._offer_room(promised=entered)

    def _forget_former_process(self) -> None:
        """Forget the senders that wait in the parent of a fork: in the child their threads are
        gone, and their turn would never end.
        """
        self._forks = self._runtime.forks
        self._senders.clear()

    # What consumers call.

    def receive(
        self, timeout: float | None = None, *, cancelled: Callable[[], bool] | None = None
    ) -> Message | None:
        """Return the next message, leased to the caller; None after `timeout` seconds, or once
        `cancelled()` is true.

        `timeout=0` does not wait, `None` waits forever. `cancelled` is called at the start, and
        again on every wake-up.
        """
        if timeout is not None and not (type(timeout) in NUMBERS and 0 <= timeout < 1e300):
            timeout = check.number("timeout", timeout, low=0)
        if cancelled is not None:
            check.function("cancelled", cancelled)
        deadline: float | None = None
        with self._lock:
            try:
                while cancelled is None or not cancelled():
                    now = self._runtime.now
                    entry = self._pop_live(now)
                    if entry is not None:
                        return self._deliver(entry, now)
                    # asked again: `cancelled` may be true once the queue is empty, and the last
                    # message has just expired
                    if cancelled is not None and cancelled():
                        return None
                    if timeout is not None:
                        if deadline is None:
                            deadline = now + timeout
                        elif now >= deadline:
                            return None
                    self._receivers += 1
                    try:
                        self._available.wait(None if deadline is None else deadline - now)
                    finally:
                        self._receivers -= 1
            except BaseException:
                self._pass_on()
                raise
            self._pass_on()
            return None

    def _pass_on(self) -> None:
        """Wake another receiver in place of one that was woken and leaves without a message."""
        if self._ready.length:
            self._available.notify()

    def take(self, cancelled: Callable[[], bool]) -> Message | None:
        """Return the next message, or None once `cancelled()` is true."""
        if cancelled is None:
            check.function("cancelled", cancelled)
        return self.receive(cancelled=cancelled)

    def _pop_live(self, now: float) -> Entry | None:
        """Take out the first entry that has not expired; expired ones go to the dead letters."""
        # A loop and not recursion: thousands may have expired one behind the other. Only those at
        # the head are looked at, as in RabbitMQ; the others still count in `size`.
        while (entry := self._ready.pop()) is not None:
            if entry.end >= now:
                return entry
            self._offer_room()
            self._dead_letter(entry, "expired", "expired", detail=entry.end)
        return None

    def _deliver(self, entry: Entry, now: float) -> Message:
        """Put an entry in flight, with a lease that begins at `now` (s); return the copy for the
        worker.
        """
        # a copy: what the worker does to its message does not change the one that may be delivered
        # again
        try:
            delivery = entry.message.copy()
        except BaseException:  # of a class of one's own: then nothing has happened
            self._ready.requeue(entry)
            raise
        entry.attempt += 1
        # a new number for each delivery: the id alone cannot distinguish a late ack from a valid
        # one
        entry.receipt = receipt = next(self._receipts)
        self._in_flight[receipt] = entry
        if self.visibility_timeout is not None:
            self._start_lease(entry, now + self.visibility_timeout)
        delivery.status = PROCESSING
        delivery.receipt, delivery.attempt = receipt, entry.attempt
        # a message in flight does not count for `max_size`, so a sender may go on
        if self._senders:
            self._offer_room()
        if self._observed:
            self._emit("received", entry, receipt)
        return delivery

    def ack(self, delivery: Message | str) -> bool:
        """Settle a delivery whose work is done. False if the delivery is not current: it was
        settled before, or its lease was lost.
        """
        with self._lock:
            entry = self._end_delivery(delivery, "ack", COMPLETED)
            if entry is None:
                return False
            if self._observed:
                self._emit("acked", entry, entry.receipt)
            del self._entries[entry.number]
            return True

    def nack(
        self, delivery: Message | str, requeue: bool = True, *, reason: str | None = None
    ) -> bool:
        """Settle a delivery whose work failed, because of `reason`. The message is retried if its
        `max_retries` allows; with `requeue=False` it goes to the dead letters at once. False if the
        delivery is not current.
        """
        check.instance("requeue", requeue, bool)
        check.instance("reason", reason, str, optional=True)
        with self._lock:
            entry = self._find(delivery, "nack")
            if entry is None:
                return False
            receipt = entry.receipt
            # asked before anything changes
            backoff = self._backoff(entry) if requeue else None
            if self._in_flight.get(receipt) is not entry:
                return False  # the retry policy itself has settled it
            self._end_lease(entry, delivery, FAILED)
            if requeue:
                self._fail(entry, "nacked", reason, backoff)
            else:
                self._dead_letter(entry, "dead", reason or "rejected", detail=reason or "rejected")
            return True

    def release(self, delivery: Message | str, *, delay: float = 0.0) -> bool:
        """Give a delivery back without counting a failure: at once to its old place or, given a
        `delay` (s), after that to the tail of its line. Its `ttl` goes on meanwhile. False if the
        delivery is not current.
        """
        delay = check.number("delay", delay, low=0)
        with self._lock:
            entry = self._end_delivery(delivery, "release", PENDING)
            if entry is None:
                return False
            if delay:
                self._schedule(entry, self._runtime.now + delay)
                self._emit("postponed", entry, entry.receipt, delay)
            else:
                self._requeue(entry, "released", None)
            return True

    def settle(self, delivery: Message, outcome: Outcome) -> bool:
        """Ack, nack or release exactly this delivery, according to the outcome of its try."""
        if not (isinstance(delivery, Message) and isinstance(outcome, Outcome)):
            check.instance("delivery", delivery, Message)
            check.instance("outcome", outcome, Outcome)
        if outcome.kind == "completed":
            return self.ack(delivery)
        if outcome.kind == "released":
            return self.release(delivery, delay=outcome.delay)
        return self.nack(delivery, outcome.kind == "failed", reason=outcome.reason or None)

    def extend(self, delivery: Message | str, seconds: float) -> bool:
        """Renew the lease of this delivery, so that it ends `seconds` from now. False if it is not
        current. Without leases there is nothing to renew.
        """
        seconds = check.number("seconds", seconds, above=0)
        with self._lock:
            entry = self._find(delivery, "extend")
            if entry is None:
                return False
            if self.visibility_timeout is not None:
                self._start_lease(entry, self._runtime.now + seconds)
                self._emit("extended", entry, entry.receipt, entry.lease)
            return True
