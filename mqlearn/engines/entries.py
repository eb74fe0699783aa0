"""The entries of a queue on an engine, as far as this process knows them, and their records.

An engine reports only what it is asked. So each call of the adapter tells what it did, and from
that the same records are made as in `InMemoryMessageQueue`: the same trace, the same charts, the
same books. What the engine holds in the end is asked of the engine itself (`census`), and must
agree.
"""

from __future__ import annotations

from collections import deque
from itertools import count
from typing import Any

from mqlearn.messaging.message import Message
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.events import MOVES
from mqlearn.runtime.handed_in import Listeners
from mqlearn.runtime.trace import Listener, pack_record

# The record that brings an entry from a place to "waiting", when the engine delivers it although
# this process believed it elsewhere.
BACK = {
    "new": "sent",  # its send has not returned yet
    "delayed": "due",
    "in flight": "lease_lost",  # the engine's clock was ahead of ours
    "completed": "reappeared",
    "purged": "reappeared",  # where the engine cannot be asked what waits, a purge may miss some
    "dead": "redriven",
}


class EngineEntry:
    """One copy of a message in the engine: its `number` in the records, the `place` it is in as far
    as this process knows, and the `receipt` of its last delivery.

    `key` is the engine's name of the copy, None until it is known.
    """

    __slots__ = ("attempt", "key", "message_id", "number", "place", "priority", "receipt", "worker")

    def __init__(self, number: int, message_id: str, priority: str, worker: str) -> None:
        self.number, self.message_id, self.priority = number, message_id, priority
        self.worker = worker
        self.place = "new"
        self.key: str | None = None
        self.attempt = self.receipt = 0


class EngineEntries:
    """All entries that this process has seen. Its lock is the queue's: an entry changes and its
    record is made under it. Without listeners nothing is kept.
    """

    def __init__(self, name: str, runtime: Runtime) -> None:
        self.name, self.runtime = name, runtime
        self.lock = runtime.lock()
        self.listeners = Listeners()
        self._by_token: dict[str, list[EngineEntry]] = {}
        self._numbers = count(1)
        # entries that were in the engine before this process came: nothing is known of them
        self._strangers: deque[EngineEntry] = deque()
        self._dead_before: list[EngineEntry] = []

    def listen(self, listener: Listener, existing: dict[str, int]) -> None:
        """Tell `listener` of each record from now on; first, one "existing" for each message that
        the engine already holds, by place.
        """
        self.listeners.add(listener)
        known = self.places()
        for place, held in existing.items():
            for _ in range(held - known[place]):
                stranger = EngineEntry(next(self._numbers), "", "", "")
                stranger.place = place
                (self._dead_before if place == "dead" else self._strangers).append(stranger)
        for entry in self._all() if existing else ():
            if entry.place in known:
                # to this listener alone: others have heard of them
                record = self._make_record("existing", entry, detail=entry.place)
                self.listeners.tell_one(listener, record)

    def begin(self, token: str, message: Message) -> EngineEntry | None:
        """Note a send before it is made, since a worker may get the message before the send has
        returned.
        """
        if not self.listeners:
            return None
        worker = self.runtime.stamp()[1]
        entry = EngineEntry(next(self._numbers), message.id, message.priority.name, worker)
        self._by_token[token] = [entry]
        return entry

    def sent(self, entry: EngineEntry | None, key: str, delay: float) -> None:
        """Note that the engine has confirmed a send, with this `delay` (s)."""
        if entry is None:
            return
        entry.key = entry.key or key or None
        if entry.place == "new":
            event = "scheduled" if delay else "sent"
            self.move(entry, event, detail=delay or None, worker=entry.worker)

    def refused(self, token: str, entry: EngineEntry | None) -> None:
        """Note that a send was refused."""
        if entry is not None:
            self._by_token.pop(token, None)
            entry.number = 0
            self._record("rejected", entry)

    def unsure(self, token: str, entry: EngineEntry | None) -> None:
        """Forget a send that ended with an error: the engine may or may not have the message."""
        if entry is not None and entry.place == "new":
            self._by_token.pop(token, None)

    def delivered(
        self, token: str, key: str, message: Message, attempt: int, receipt: int
    ) -> EngineEntry | None:
        """Note that the engine has delivered a copy of a message."""
        if not self.listeners:
            return None
        entry = self.find(token, key, message)
        self.arrived(entry)
        entry.attempt, entry.receipt = attempt, receipt
        self.move(entry, "received")
        return entry

    def arrived(self, entry: EngineEntry) -> None:
        """Note that the engine has had an entry waiting, wherever this process believed it."""
        if entry.place != "waiting":
            self.move(entry, BACK[entry.place])

    def known(self, token: str, key: str) -> EngineEntry | None:
        """Return the entry of this copy of a message if this process has sent or received it."""
        for entry in self._by_token.get(token, ()):
            if entry.key is None or entry.key == key:
                return entry
        return None

    def find(self, token: str, key: str, message: Message) -> EngineEntry:
        """Return the entry of this copy of a message; a new one if it was never seen before."""
        if (entry := self.known(token, key)) is not None:
            entry.key = key
            return entry
        known = self._by_token.setdefault(token, [])
        repeated = bool(known)
        if self._strangers and not repeated:
            entry = self._strangers.popleft()
            entry.message_id, entry.priority = message.id, message.priority.name
        else:
            entry = EngineEntry(next(self._numbers), message.id, message.priority.name, "")
            if repeated:
                self.move(entry, "repeated")
            else:
                self.move(entry, "existing", detail="waiting")
        entry.key = key
        known.append(entry)
        return entry

    def move(
        self,
        entry: EngineEntry | None,
        event: str,
        *,
        receipt: int = 0,
        detail: Any = None,
        worker: str | None = None,
    ) -> bool:
        """Record `event` and put the entry where it leads. False, and nothing is recorded, if the
        entry is not where the event could find it: another delivery of it goes on meanwhile.
        """
        if entry is None:
            return True
        if receipt and entry.receipt != receipt:
            return False
        kind = MOVES[event]
        if entry.place not in kind.sources:
            return False
        self._record(event, entry, detail=detail, worker=worker)
        entry.place = kind.to or detail
        return True

    def stale(self, delivery: Message, call: str) -> None:
        """Record that a delivery was settled that is not current."""
        if not self.listeners:
            return
        entry = EngineEntry(0, delivery.id, delivery.priority.name, "")
        entry.attempt, entry.receipt = delivery.attempt, delivery.receipt
        self._record("stale", entry, detail=call)

    def extended(self, entry: EngineEntry | None, until: float) -> None:
        """Record that a lease was renewed until `until` (s)."""
        if entry is not None:
            self._record("extended", entry, detail=until)

    def purged(self) -> None:
        """Record that everything that waits or is delayed was thrown away."""
        for entry in self._all():
            if entry.place in ("waiting", "delayed"):
                self.move(entry, "purged", detail=entry.place)
        self._strangers = deque(e for e in self._strangers if e.place != "purged")

    def places(self) -> dict[str, int]:
        """Return how many entries are in each place, as far as this process knows."""
        held = {"waiting": 0, "delayed": 0, "in flight": 0, "dead": 0}
        for entry in self._all():
            if entry.place in held:
                held[entry.place] += 1
        return held

    def _all(self) -> list[EngineEntry]:
        seen = (entry for known in self._by_token.values() for entry in known)
        return [*self._dead_before, *self._strangers, *seen]

    def _record(
        self, event: str, entry: EngineEntry, *, detail: Any = None, worker: str | None = None
    ) -> None:
        self.listeners.tell(self._make_record(event, entry, detail=detail, worker=worker))

    def _make_record(
        self, event: str, entry: EngineEntry, *, detail: Any = None, worker: str | None = None
    ) -> Any:
        now, here = self.runtime.stamp()
        current = entry.place == "in flight" or event == "received"
        return pack_record(
            (
                now,
                event,
                self.name,
                entry.number,
                entry.message_id,
                entry.priority,
                entry.attempt,
                here if worker is None else worker,
                entry.receipt if current else 0,
                detail,
            )
        )
