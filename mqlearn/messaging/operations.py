"""The calls of operators and monitors: inspect a queue, listen to it, redrive, purge."""

from __future__ import annotations

from collections.abc import Callable

from mqlearn.messaging.entries import Entry
from mqlearn.messaging.message import Message, MessageStatus
from mqlearn.messaging.restoring import restore_places
from mqlearn.messaging.transitions import NAMES, QueueTransitions
from mqlearn.runtime import check
from mqlearn.runtime.trace import Listener, Record


class QueueOperations(QueueTransitions):
    """The calls of a queue that neither producers nor consumers need."""

    def size(self) -> int:
        """Return how many messages wait or are delayed, the number that `max_size` limits."""
        if self._runtime.interrupted:
            restore_places(self)
        return self._ready.length + len(self._delayed)

    def get_in_flight_count(self) -> int:
        """Return how many messages are delivered and not settled."""
        if self._runtime.interrupted:
            restore_places(self)
        return len(self._in_flight)

    def get_dead_letter_messages(self) -> list[Message]:
        """Return copies of the dead letters, the oldest first.

        Their headers say `dead_letter_reason`, `dead_letter_timestamp` (s) and, after failures, the
        last `dead_letter_error`.
        """
        with self._lock:
            if self._runtime.interrupted:
                restore_places(self)
            return [entry.message.copy() for entry in self._dead.values()]

    def redrive(
        self, select: Callable[[Message], bool] | None = None, *, limit: int | None = None
    ) -> int:
        """Move dead letters back to the tail of their line, and return how many: those for which
        `select(message)` is true, at most `limit`.

        The count of retries and the TTL start again; the header `redrive_count` says how often a
        message was redriven. `max_size` does not apply.
        """
        with self._lock:
            moved = 0
            for entry in self._choose_dead(select, limit):
                if self._dead.pop(entry.number, None) is None:
                    continue  # a listener has moved it already
                self._revive(entry)
                self._ready.join(entry)
                self._available.notify()
                self._emit("redriven", entry)
                moved += 1
            return moved

    def discard_dead_letters(
        self, select: Callable[[Message], bool] | None = None, *, limit: int | None = None
    ) -> int:
        """Throw dead letters away, and return how many: those for which `select(message)` is true,
        at most `limit`.
        """
        with self._lock:
            discarded = 0
            for entry in self._choose_dead(select, limit):
                if self._dead.pop(entry.number, None) is None:
                    continue  # a listener has moved it already
                self._emit("discarded", entry)
                del self._entries[entry.number]
                discarded += 1
            return discarded

    def _choose_dead(
        self, select: Callable[[Message], bool] | None, limit: int | None
    ) -> list[Entry]:
        """Return the first `limit` dead letters that `select` chooses. It is asked about all of
        them before anything changes.
        """
        check.function("select", select, optional=True)
        limit = check.whole("limit", limit, low=0, optional=True)
        # a list, since `select` may use the queue, and what it has moved is no longer dead
        dead = list(self._dead.values())
        chosen = [entry for entry in dead if select is None or select(entry.message.copy())]
        return [entry for entry in chosen if entry.number in self._dead][:limit]

    def _revive(self, entry: Entry) -> None:
        """Reset a dead letter's retries, status, timestamp and dead-letter headers, and count the
        redrive.
        """
        message, now = entry.message, self._runtime.now
        message.retry_count, message.status = 0, MessageStatus.PENDING
        message.timestamp, message._clock, entry.end = now, self._clock, now + message.ttl
        for header in ("dead_letter_reason", "dead_letter_timestamp", "dead_letter_error"):
            message.headers.pop(header, None)
        # not always a number, or one of a million digits: a sender may have written anything there
        before = message.headers.get("redrive_count", "")
        redriven = int(before) if before.isdecimal() and len(before) < 10 else 0
        message.headers["redrive_count"] = str(redriven + 1)

    def purge(self) -> int:
        """Throw away every message that waits or is delayed, not those in flight; return how
        many.
        """
        with self._lock:
            # listed before the places are emptied, since each needs a record
            gone = [(e, "waiting") for e in self._ready]
            gone += [(e, "delayed") for _, _, e in self._delayed]
            self._ready.clear()
            self._delayed.clear()
            # the delays are gone, and their timer would wake the queue for nothing
            self._set_timer()
            self._wake_senders()
            for entry, place in gone:
                self._emit("purged", entry, 0, place)
                del self._entries[entry.number]
            return len(gone)

    def wake(self) -> None:
        """Make every receiver and sender that waits in this queue check again whether to go on
        waiting.
        """
        with self._lock:
            self._available.notify_all()
            self._wake_senders()

    def _wake_senders(self) -> None:
        for turn in self._senders:
            turn.notify()

    def listen(self, listener: Listener, *, existing: bool = False) -> None:
        """Call `listener(record)`, under the lock, for each record from now on; with `existing`,
        first for each entry that is there already. One that raises is logged and passed over.
        """
        check.function("listener", listener)
        check.instance("existing", existing, bool)
        with self._lock:
            # under the lock with the registration: nothing can happen between the two
            for entry, message_id, priority, place in self.entries() if existing else ():
                self._listeners.tell_one(
                    listener,
                    Record(
                        time=self._runtime.now,
                        event="existing",
                        source=self.name,
                        entry=entry,
                        message_id=message_id,
                        priority=priority,
                        detail=place,
                    ),
                )
            self._listeners.add(listener)
            # records are only made if a listener wants them
            self._observed = True

    def census(self) -> dict[str, int]:
        """Return how many entries are in each place, counted in the queue's own structures and not
        from its records: a `Trace` compares the two to find lost entries.
        """
        with self._lock:
            if self._runtime.interrupted:
                restore_places(self)
            return {
                "waiting": self._ready.count(),
                "delayed": len(self._delayed),
                "in flight": len(self._in_flight),
                "dead": len(self._dead),
            }

    def entries(self) -> list[tuple[int, str, str, str]]:
        """Return every entry in the queue: (number, message id, priority, place)."""
        with self._lock:
            if self._runtime.interrupted:
                restore_places(self)
            held = (
                [(e, "waiting") for e in self._ready]
                + [(e, "delayed") for _, _, e in self._delayed]
                + [(e, "in flight") for e in self._in_flight.values()]
                + [(e, "dead") for e in self._dead.values()]
            )
            return [(e.number, e.message.id, NAMES[e.lane], place) for e, place in held]
