"""A small independent model of a queue: one list of items, looked through from end to end each
time.

It is written from what the queue promises, shares no structure with the real one, and does
everything the slow, plain way. `pair.py` drives both with the same calls and compares them after
each.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from mqlearn import Message, RetryPolicy

LogLine = tuple[float, str, int]  # time (s), event, entry


@dataclass(eq=False)
class Item:
    """One accepted message. `born` is when its time to live begins, `rank` its place among its
    equals, `turn` which delivery holds it.
    """

    number: int
    message: Message
    sent: float
    born: float
    rank: int = 0
    place: str = "new"
    due: float = math.inf
    lease: float = math.inf
    turn: int = 0
    attempt: int = 0
    retries: int = 0
    reason: str = ""
    error: str | None = None


class Model:
    """What the queue should be. `wait` is the backoff (s) that the queue drew, `admissions` who got
    in meanwhile.
    """

    def __init__(
        self,
        max_size: int,
        visibility_timeout: float | None,
        retry: RetryPolicy | None,
        on_full: str,
    ) -> None:
        self.max_size, self.retry, self.on_full = max_size, retry, on_full
        self.lease = math.inf if visibility_timeout is None else visibility_timeout
        self.now = 0.0
        self.items: list[Item] = []
        self.dead: list[Item] = []  # in the order of dying
        self.blocked: dict[str, Message] = {}  # who waits for room, and with what
        self.admissions: deque[str] = deque()
        self.wait = 0.0
        self.counts = dict.fromkeys(
            ("accepted", "completed", "purged", "dropped", "discarded", "redriven", "rejected"), 0
        )
        self.log: list[LogLine] = []
        self._ranks = self._turns = 0

    def at(self, place: str) -> list[Item]:
        """The items in a place; those who wait in the order of service, those with a date by their
        date.
        """
        found = [item for item in self.items if item.place == place]
        if place == "waiting":
            return sorted(found, key=lambda item: (-item.message.priority.value, item.rank))
        if place == "in flight":
            return sorted(found, key=lambda item: (item.lease, item.turn))
        return sorted(found, key=lambda item: (item.due, item.number))

    def size(self) -> int:
        return len(self.at("waiting")) + len(self.at("delayed"))

    def note(self, event: str, number: int = 0) -> None:
        self.log.append((self.now, event, number))

    # Time.

    def advance(self, until: float) -> None:
        """Let every lease end and every delay run out at its own instant, up to `until` (s)."""
        while (instant := self.next_event()) <= until:
            self.now = instant
            for item in self.at("in flight"):
                if item.lease == instant:
                    self.charge(item, "lease_lost", "lease lost")
            for item in self.at("delayed"):
                if item.due == instant:
                    self.join(item, "due")
        self.now = until

    def next_event(self) -> float:
        return min((min(item.lease, item.due) for item in self.items), default=math.inf)

    # QueueTransitions.

    def put(self, item: Item, place: str, event: str) -> None:
        item.due = item.lease = math.inf
        item.place = place
        self.note(event, item.number)

    def join(self, item: Item, event: str) -> None:
        """To the tail of its priority."""
        self._ranks += 1
        item.rank = self._ranks
        self.put(item, "waiting", event)

    def put_off(self, item: Item, delay: float, event: str) -> None:
        self.put(item, "delayed", event)
        item.due = self.now + delay

    def bury(self, item: Item, event: str, reason: str) -> None:
        self.put(item, "dead", event)
        item.reason = reason
        self.dead.append(item)

    def charge(self, item: Item, event: str, error: str | None) -> None:
        """Another failure: one too many, or tried again; a lost lease at once, a nack after the
        policy's backoff.
        """
        item.retries += 1
        if item.retries > item.message.max_retries:
            item.error = error
            self.bury(item, "dead", "retries exhausted")
        elif self.retry is None or event == "lease_lost":
            self.put(item, "waiting", event)
        else:
            assert self.least_wait(item.retries) <= self.wait <= self.longest_wait(item.retries)
            self.put_off(item, self.wait, "delayed")

    def longest_wait(self, failures: int) -> float:
        assert self.retry is not None
        return min(self.retry.cap, self.retry.base * self.retry.factor ** (failures - 1))

    def least_wait(self, failures: int) -> float:
        assert self.retry is not None
        return {"none": 1.0, "equal": 0.5, "full": 0.0}[self.retry.jitter] * self.longest_wait(
            failures
        )

    # What producers do.

    def send(self, message: Message, delay: float, timeout: float) -> bool:
        if self.size() >= self.max_size:
            if self.on_full == "block":
                self.advance(self.now + timeout)
            if self.on_full != "drop_oldest":
                self.counts["rejected"] += 1
                self.note("rejected")
                return False
            self.drop_one()
        self.accept(message, delay)
        return True

    def accept(self, message: Message, delay: float = 0) -> None:
        item = Item(len(self.items) + 1, message, self.now, self.now + delay)
        self.items.append(item)
        self.counts["accepted"] += 1
        if delay:
            self.put_off(item, delay, "scheduled")
        else:
            self.join(item, "sent")

    def drop_one(self) -> None:
        """The oldest of the lowest priority that waits; if none does, whoever is due first."""
        waiting = sorted(
            self.at("waiting"), key=lambda item: (item.message.priority.value, item.rank)
        )
        victim = (waiting or self.at("delayed"))[0]
        self.counts["dropped"] += 1
        self.put(victim, "dropped", "dropped")

    def admit(self) -> bool:
        """Whoever waits for room gets in as far as there is room, the one that came first first."""
        before = len(self.blocked)
        while self.blocked and self.size() < self.max_size:
            assert self.admissions, f"{list(self.blocked)} wait although there is room"
            first = next(iter(self.blocked))
            admitted = self.admissions.popleft()
            assert admitted == first, f"{admitted} got in before {first}, which waits longer"
            self.accept(self.blocked.pop(first))
        return len(self.blocked) < before

    # What consumers do.

    def receive(self, timeout: float) -> Item | None:
        deadline = self.now + timeout
        while True:
            item = self.next_fresh()
            if item is not None:
                self._turns += 1
                item.attempt += 1
                self.put(item, "in flight", "received")
                item.turn, item.lease = self._turns, self.now + self.lease
                return item
            if self.admit():
                continue
            if self.next_event() > deadline:
                self.advance(deadline)
                return None
            self.advance(self.next_event())

    def next_fresh(self) -> Item | None:
        for item in self.at("waiting"):
            if self.now <= item.born + item.message.ttl:
                return item
            self.bury(item, "expired", "expired")
        return None

    def holder(self, which: tuple[int, int] | str) -> Item | None:
        """The item that delivery number `turn` of entry `number` holds; of a bare id, the one held
        longest.
        """
        flying = [
            item
            for item in self.at("in flight")
            if which in (item.message.id, (item.number, item.turn))
        ]
        found = min(flying, key=lambda item: item.turn, default=None)
        if found is None and not isinstance(which, str):
            self.note("stale")
        return found

    def settle(self, item: Item, call: str, argument: float | str | None) -> None:
        """What one call does to an item in flight; `argument` is its reason, delay or seconds."""
        if call == "ack":
            self.counts["completed"] += 1
            self.put(item, "completed", "acked")
        elif call == "nack":
            self.charge(item, "nacked", argument if isinstance(argument, str) else None)
        elif call == "reject":
            self.bury(item, "dead", str(argument or "rejected"))
        elif call == "extend":
            assert isinstance(argument, float)
            if self.lease < math.inf:
                item.lease = self.now + argument
                self.note("extended", item.number)
        elif argument:
            assert isinstance(argument, float)
            self.put_off(item, argument, "postponed")
        else:
            self.put(item, "waiting", "released")

    # What operators do.

    def redrive(self, ids: str, limit: int | None) -> int:
        chosen = [item for item in self.dead if not ids or item.message.id in ids][:limit]
        for item in chosen:
            self.dead.remove(item)
            item.retries, item.reason, item.error = 0, "", None
            item.sent = item.born = self.now
            self.counts["redriven"] += 1
            self.join(item, "redriven")
        return len(chosen)

    def discard(self, ids: str, limit: int | None) -> int:
        chosen = [item for item in self.dead if not ids or item.message.id in ids][:limit]
        for item in chosen:
            self.dead.remove(item)
            self.counts["discarded"] += 1
            self.put(item, "discarded", "discarded")
        return len(chosen)

    def purge(self) -> int:
        gone = self.at("waiting") + self.at("delayed")
        for item in gone:
            self.counts["purged"] += 1
            self.put(item, "purged", "purged")
        return len(gone)
