"""How an entry moves between the places of a queue: it fails, its lease ends, its delay is over, it
is buried.

Every method here but `is_current` expects the caller to hold the queue's lock.
"""

from __future__ import annotations

from itertools import count
from typing import Any

from mqlearn.messaging.entries import LANE, PRIORITIES, DeadlineHeap, Entry, PriorityLines
from mqlearn.messaging.message import Message, MessageStatus
from mqlearn.messaging.queue import MessageQueue
from mqlearn.messaging.retry import RetryPolicy
from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime, Timer, weak_callback
from mqlearn.runtime.threads import default_runtime
from mqlearn.runtime.trace import Listener, pack_record

NAMES = tuple(priority.name for priority in PRIORITIES)


class QueueTransitions(MessageQueue):
    """The places, and the moves between them; `InMemoryMessageQueue` says when which is made."""

    def __init__(self, name: str, retry: RetryPolicy | None, runtime: Runtime | None) -> None:
        self.name, self.retry = name, retry
        self._runtime: Runtime = default_runtime() if runtime is None else runtime
        self._lock = self._runtime.lock()
        self._available = self._runtime.condition(self._lock)
        self._room = self._runtime.condition(self._lock)
        self._ready = PriorityLines()
        self._in_flight: dict[int, Entry] = {}
        self._delayed = DeadlineHeap(lambda *_: True)
        self._leases = DeadlineHeap(
            lambda entry, date, key: entry.receipt == key and entry.lease == date
        )
        self._dead: dict[int, Entry] = {}  # by number, oldest death first
        self._numbers, self._receipts = count(1), count(1)
        self._timer: Timer | None = None
        self._on_timer = weak_callback(self._end_what_is_due)
        self._listeners: list[Listener] = []
        self._observed = self._runtime.virtual
        self._hungry = 0  # how many wait for a message

    def _find(self, delivery: Message | str, call: str) -> Entry | None:
        """The entry in flight under this delivery's receipt; for a bare id the oldest lease on
        it.
        """
        if isinstance(delivery, Message):
            entry = self._in_flight.get(delivery.receipt)
            if entry is not None and entry.message.id == delivery.id:
                return entry
            delivery.validate()  # a handler may have scribbled on it
            self._emit("stale", Entry(0, delivery, LANE[delivery.priority]), delivery.receipt, call)
            return None
        check.instance("delivery", delivery, (Message, str))
        for entry in self._in_flight.values():
            if entry.message.id == delivery:
                return entry
        return None

    def is_current(self, delivery: Message) -> bool:
        """Whether this delivery is still in flight: neither settled nor its lease lost."""
        check.instance("delivery", delivery, Message)
        with self._lock:
            entry = self._in_flight.get(delivery.receipt)
            return entry is not None and entry.message.id == delivery.id

    def _end_delivery(
        self, delivery: Message | str, call: str, status: MessageStatus
    ) -> Entry | None:
        """Out of flight, if this delivery is current: its lease is over."""
        entry = self._find(delivery, call)
        if entry is not None:
            self._end_lease(entry)
            if isinstance(delivery, Message):
                delivery.status = status
        return entry

    def _end_lease(self, entry: Entry) -> None:
        in_flight = self._in_flight
        del in_flight[entry.receipt]
        entry.lease = 0.0
        # In real time a timer that finds nothing to do is free; in a simulation it would move the
        # clock.
        if not in_flight and self._runtime.virtual:
            self._arm()

    def _charge(self, entry: Entry, event: str, reason: str | None) -> None:
        """One more failure: dead if that is one too many, else tried again."""
        message = entry.message
        message.retry_count += 1
        if message.retry_count > message.max_retries:
            if reason:
                message.headers["dead_letter_error"] = reason
            self._dead_letter(entry, "dead", "retries exhausted", detail="retries exhausted")
        elif self.retry is None or event == "lease_lost":
            self._return(entry, event, reason)
        else:
            draw = self._runtime.draw("backoff", self.name, message.id, message.retry_count)
            delay = self.retry.delay(message.retry_count, draw)
            self._schedule(entry, self._runtime.now + delay)
            self._emit("delayed", entry, entry.receipt, delay)

    def _return(self, entry: Entry, event: str, detail: str | None) -> None:
        self._ready.requeue(entry)
        self._emit(event, entry, entry.receipt, detail)
        self._available.notify()

    def _schedule(self, entry: Entry, due: float) -> None:
        self._delayed.add(due, entry.number, entry)
        self._arm()

    def _dead_letter(self, entry: Entry, event: str, reason: str, *, detail: object) -> None:
        message = entry.message
        message.status = MessageStatus.DEAD_LETTER
        message.headers["dead_letter_reason"] = reason
        message.headers["dead_letter_timestamp"] = str(self._runtime.now)
        self._dead[entry.number] = entry
        self._emit(event, entry, entry.receipt, detail)

    def _emit(self, event: str, entry: Entry, receipt: int = 0, detail: Any = None) -> None:
        """The one place from which the queue reports what happens."""
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
        for listener in self._listeners:
            listener(record)

    # Leases and delays end at their own instant, by one timer at the earliest of them.

    def _lease(self, entry: Entry, end: float) -> None:
        entry.lease = end
        self._leases.add(end, entry.receipt, entry)
        if self._timer is None or end < self._timer.time:
            self._arm()

    def _arm(self) -> None:
        dates = [date for date in (self._leases.first(), self._delayed.first()) if date is not None]
        earliest = min(dates, default=None)
        if self._timer is not None:
            if earliest == self._timer.time:
                return
            self._timer.cancel()
            self._timer = None
        if earliest is not None:
            self._timer = self._runtime.call_at(earliest, self._on_timer)

    def _end_what_is_due(self) -> None:
        with self._lock:
            self._timer = None
            now = self._runtime.now
            while (date := self._leases.first()) is not None and date <= now:
                entry = self._leases.pop()
                self._end_lease(entry)
                self._charge(entry, "lease_lost", "lease lost")
            while (date := self._delayed.first()) is not None and date <= now:
                entry = self._delayed.pop()
                self._ready.join(entry)
                self._emit("due", entry)
                self._available.notify()
            self._arm()
