"""The transitions of an entry between the places of a queue: it fails, its lease ends, its delay is
over, it goes to the dead letters.

Every method here except `is_current` and `_end_what_is_due` must be called with the queue's lock
held.
"""

from __future__ import annotations

from collections import deque
from itertools import count
from typing import Any

from mqlearn.messaging.clock import Clock
from mqlearn.messaging.entries import (
    LANE,
    PRIORITIES,
    DeadlineHeap,
    Entry,
    LeaseHeap,
    PriorityLines,
)
from mqlearn.messaging.message import RETRIES_EXHAUSTED, Message, MessageStatus
from mqlearn.messaging.queue import MessageQueue
from mqlearn.messaging.retry import RetryPolicy
from mqlearn.runtime import check
from mqlearn.runtime.base import Condition, Runtime, Timer, weak_callback
from mqlearn.runtime.handed_in import Listeners, ask
from mqlearn.runtime.threads import default_runtime
from mqlearn.runtime.trace import pack_record

NAMES = tuple(priority.name for priority in PRIORITIES)
PENDING = MessageStatus.PENDING


class QueueTransitions(MessageQueue):
    """The places of a queue, and the transitions between them. The calls of a queue are composed of
    these.
    """

    max_size: int
    _order: type[PriorityLines] = PriorityLines  # of service

    def __init__(self, name: str, retry: RetryPolicy | None, runtime: Runtime | None) -> None:
        self.name, self.retry = name, retry
        self._runtime: Runtime = default_runtime() if runtime is None else runtime
        self._lock = self._runtime.lock()
        self._clock = Clock(self._runtime)
        self._available = self._runtime.condition(self._lock)  # receivers wait for a message
        # The senders that wait for room, the one that came first at the left. Each has a condition
        # of its own, so that room can be offered to that one.
        self._senders: deque[Condition] = deque()
        self._forks = self._runtime.forks
        # every entry from before its first record until after its last, by number: after an
        # interrupt it may be in no place, see `restore_places`
        self._entries: dict[int, Entry] = {}
        self._ready = self._order()
        self._in_flight: dict[int, Entry] = {}
        self._delayed = DeadlineHeap()
        self._leases = LeaseHeap(self._in_flight)
        self._dead: dict[int, Entry] = {}  # by number, oldest death first
        self._numbers, self._receipts = count(1), count(1)
        self._timer: Timer | None = None
        # weak, so that a timer that is set does not keep a forgotten queue alive
        self._on_timer = weak_callback(self._end_what_is_due)
        self._listeners = Listeners()
        self._virtual = self._runtime.virtual
        # In a simulation records are made even without a listener: each one shows the simulation
        # that something happens, and a run where nothing does is stopped as endless.
        self._observed = self._virtual
        self._receivers = 0  # how many wait for a message

    def _find(self, delivery: Message | str, call: str) -> Entry | None:
        """Return the entry in flight with this delivery's receipt; for an id, return the oldest
        delivery of that message.
        """
        if isinstance(delivery, Message):
            try:
                entry = self._in_flight.get(delivery.receipt)
                # the id too: the number may be that of a delivery of another queue
                if entry is not None and entry.message.id == delivery.id:
                    return entry
            except Exception:
                pass  # what cannot be compared is no receipt and no id
            delivery.validate()  # a handler may have written to it
            self._emit("stale", Entry(0, delivery, LANE[delivery.priority]), delivery.receipt, call)
            return None
        check.instance("delivery", delivery, (Message, str))
        # a search through all: an id is not unique, and only a caller without the delivery comes
        # here
        for entry in self._in_flight.values():
            if entry.message.id == delivery:
                return entry
        return None

    def is_current(self, delivery: Message) -> bool:
        """Return True as long as this delivery is in flight: neither settled nor its lease lost."""
        check.instance("delivery", delivery, Message)
        delivery.validate()
        with self._lock:
            entry = self._in_flight.get(delivery.receipt)
            return entry is not None and entry.message.id == delivery.id

    def _end_delivery(
        self, delivery: Message | str, call: str, status: MessageStatus
    ) -> Entry | None:
        """Take an entry out of flight and return it, if this delivery of it is current."""
        entry = self._find(delivery, call)
        if entry is not None:
            self._end_lease(entry, delivery, status)
        return entry

    def _end_lease(
        self, entry: Entry, delivery: Message | str = "", status: MessageStatus = PENDING
    ) -> None:
        """Take an entry out of flight; show the `status` on its delivery."""
        # first, since it is the only step that can fail: the message may be of a class of one's own
        if isinstance(delivery, Message):
            delivery.status = status
        in_flight = self._in_flight
        del in_flight[entry.receipt]
        entry.lease = 0.0
        if not in_flight:
            self._leases.heap.clear()  # every date in it is invalid
            # Usually the timer is left as it is, and finds nothing to do when it fires. But in a
            # simulation the timer of the last lease would move the clock after all work is done.
            if self._virtual:
                self._set_timer()

    def _backoff(self, entry: Entry) -> float | None:
        """Ask the retry policy for the wait (s) after one more failure of this entry; None if there
        is none to ask, or no retry left.
        """
        retry, message = self.retry, entry.message
        failures = message.retry_count + 1
        if retry is None or failures > message.max_retries:
            return None
        # drawn by message and failure, so that the jitter is the same in two runs with other
        # workers
        draw = self._runtime.draw("backoff", self.name, message.id, failures)
        name = f"{type(retry).__name__}.delay()"
        return ask(
            self._runtime,
            lambda: float(check.number(name, retry.delay(failures, draw), low=0)),
            lambda: RetryPolicy().delay(failures, draw),
        )

    def _fail(
        self, entry: Entry, event: str, reason: str | None, backoff: float | None = None
    ) -> None:
        """Count one more failure: beyond `max_retries` the entry goes to the dead letters, else it
        is retried, after `backoff` seconds if that is given.
        """
        message = entry.message
        message.retry_count += 1
        if message.retry_count > message.max_retries:
            if reason:
                message.headers["dead_letter_error"] = reason
            self._dead_letter(entry, "dead", RETRIES_EXHAUSTED, detail=RETRIES_EXHAUSTED)
        elif backoff is None:
            self._requeue(entry, event, reason)
        else:
            self._schedule(entry, self._runtime.now + backoff)
            self._emit("delayed", entry, entry.receipt, backoff)

    def _requeue(self, entry: Entry, event: str, detail: str | None) -> None:
        """Return an entry to its old place in its line."""
        self._ready.requeue(entry)
        self._available.notify()
        self._emit(event, entry, entry.receipt, detail)

    def _schedule(self, entry: Entry, due: float) -> None:
        """Put an entry among the delayed ones until `due` (s)."""
        self._delayed.add(due, entry)
        self._set_timer()

    def _dead_letter(self, entry: Entry, event: str, reason: str, *, detail: object) -> None:
        message = entry.message
        message.status = MessageStatus.DEAD_LETTER
        message.headers["dead_letter_reason"] = reason
        message.headers["dead_letter_timestamp"] = str(self._runtime.now)
        self._dead[entry.number] = entry
        self._emit(event, entry, entry.receipt, detail)

    def _emit(self, event: str, entry: Entry, receipt: int = 0, detail: Any = None) -> None:
        """Report to all listeners what happened. Every record of the queue is made here."""
        if not self._observed:
            return
        now, worker = self._runtime.stamp()
        record = pack_record(
            (
                now,
                event,
                self.name,
                entry.number,
                entry.message.id,
                NAMES[entry.lane],
                entry.attempt,
                worker,
                receipt,
                detail,
            )
        )
        # as `Listeners.tell`, without its two calls: this runs three times per message
        for listener in self._listeners.listeners:
            try:
                listener(record)
            except BaseException as error:
                self._listeners.pass_over(listener, error)

    def _offer_room(self, promised: int = 0) -> None:
        """Wake the senders that have waited longest, one for each place that is free and not
        `promised`. Every other one of them was woken when the place before was offered.
        """
        senders = self._senders
        if senders:
            room = self.max_size - self._ready.length - len(self._delayed) - promised
            if room > 0:
                senders[min(room, len(senders)) - 1].notify()
                # again, since on threads it may have looked before its turn and waits once more
                senders[0].notify()

    # Leases and delays end at their own time, by one timer for the earliest of them.

    def _start_lease(self, entry: Entry, end: float) -> None:
        """Let the lease of an entry's delivery end at `end` (s), in place of any earlier end."""
        entry.lease = end
        self._leases.add(end, entry.receipt)
        # a later end cannot change the earliest one: with a fixed lease, most deliveries set no
        # timer
        if self._timer is None or end < self._timer.time:
            self._set_timer()

    def _set_timer(self) -> None:
        """Set the one timer to the earliest end of a lease or delay; stop it if there is none."""
        lease, delay = self._leases.first(), self._delayed.first()
        earliest = lease if delay is None or (lease is not None and lease < delay) else delay
        if self._timer is not None:
            if earliest == self._timer.time:
                return
            self._timer.cancel()
            self._timer = None
        if earliest is not None:
            self._timer = self._runtime.call_at(earliest, self._on_timer)

    def _end_what_is_due(self) -> None:
        """End the leases and delays whose time has come."""
        with self._lock:
            self._timer = None
            now = self._runtime.now
            try:
                while (date := self._leases.first()) is not None and date <= now:
                    entry = self._leases.pop()
                    self._end_lease(entry)
                    # without a backoff: the message has waited for the whole lease already
                    self._fail(entry, "lease_lost", "lease lost")
                while (date := self._delayed.first()) is not None and date <= now:
                    entry = self._delayed.pop()
                    self._ready.join(entry)
                    self._available.notify()
                    self._emit("due", entry)
            finally:  # also after an interrupt: the others still have their time
                self._set_timer()
