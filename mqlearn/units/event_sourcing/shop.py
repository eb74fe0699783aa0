"""A shop that writes each change to its database and publishes it as an event, in one of three
ways.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from mqlearn.runtime.base import Runtime, WorkerCrash
from mqlearn.runtime.trace import Trace
from mqlearn.streaming.event import StreamEvent
from mqlearn.streaming.outbox import OrderTable
from mqlearn.streaming.projection import Projection
from mqlearn.streaming.stream import EventStream
from mqlearn.study.changes import HOUR, STATES, Change, evolve

PUBLISHING = 0.05  # seconds from asking the broker to its answer
LOOKS_AGAIN = 60.0  # seconds until a customer who got no answer looks at the shop's page
RESTARTS = 1.0  # seconds until a relay that died is back

Write = Callable[["Shop", StreamEvent, Callable[[], None]], object]


def state_first(shop: Shop, event: StreamEvent, die: Callable[[], None]) -> None:
    """Write the row, then publish the event. A crash between them leaves a change without event."""
    shop.save(event)
    die()
    shop.publish(event)


def event_first(shop: Shop, event: StreamEvent, die: Callable[[], None]) -> None:
    """Publish the event, then write the row. A crash between them leaves an event without row."""
    shop.publish(event)
    die()
    shop.save(event)


def with_outbox(shop: Shop, event: StreamEvent, die: Callable[[], None]) -> None:
    """Write row and event in one transaction, the event to the outbox; a relay publishes it."""
    with shop.table.transaction():
        shop.save(event)
        die()
        shop.enqueue(event)


WRITERS: Final[dict[str, Write]] = {
    "state first": state_first,
    "event first": event_first,
    "outbox": with_outbox,
}


class Shop:
    """The database, the stream, and the processes that write to them. A process dies with
    probability `crash` at each point where it may die.
    """

    def __init__(self, runtime: Runtime, trace: Trace, write: Write, crash: float) -> None:
        self.runtime, self.trace, self.write, self.crash = runtime, trace, write, crash
        self.start = runtime.now
        self.table = OrderTable(runtime=runtime)
        self.stream = EventStream("orders", runtime=runtime, trace=trace)
        self._enqueued, self._entries = runtime.condition(), 0
        self._calls = 0

    # These three are what a way to write may call.

    def save(self, event: StreamEvent) -> None:
        """Update the row of the event's order in the database."""
        self.table.save(event.key, evolve(self.table.load(event.key) or {}, event))

    def publish(self, event: StreamEvent) -> None:
        """Append the event to the stream, which takes 0.05 s."""
        self.runtime.sleep(PUBLISHING)
        self.stream.append(event)

    def enqueue(self, event: StreamEvent) -> None:
        """Put the event into the outbox. The relay sees it when the transaction has committed."""
        self.table.enqueue(event)
        with self._enqueued:
            self._entries += 1
            self._enqueued.notify_all()

    # The tasks that change something.

    def customer(self, changes: Sequence[Change]) -> None:
        """Ask for one change after another. If the page does not show the change after a call, the
        customer asks again a minute later.
        """
        # By timers, so that each change is recorded on time also while the customer still waits.
        for change in changes:
            self.runtime.call_at(
                self.start + change.time, partial(self._note, "occurred", change.id, change.state)
            )
        for change in changes:
            self.runtime.sleep_until(self.start + change.time)
            attempt = 1
            while not self._asked(change, attempt):
                self.runtime.sleep(LOOKS_AGAIN)
                attempt += 1

    def _asked(self, change: Change, attempt: int) -> bool:
        """Ask the shop for the change, and return True if its page shows the change afterwards."""
        name = change.id if attempt == 1 else f"{change.id}, asked again {attempt - 1}"
        # The time is that of the change, not of the asking: a late event tells when it was true.
        event = StreamEvent(
            "orders",
            name,
            change.event_type,
            dict(change.data),
            self.start + change.time,
            partition_key=change.key,
        )
        self._calls += 1
        call, ended = self._calls, "completed"
        self._note("started", change.id, None, attempt, call)
        try:
            self.write(self, event, partial(self._die, "write", name))
        except WorkerCrash:
            ended = "crashed"
        self._note("finished", change.id, ended, attempt, call)
        # The customer looks at the database, as the page does: an event without a row is not shown.
        saved = bool((self.table.load(change.key) or {}).get("version", 0) >= change.number)
        if saved:
            self._note("effect", change.id, change.id)
        return saved

    def _die(self, purpose: str, *key: object) -> None:
        if self.runtime.draw(purpose, *key) < self.crash:
            raise WorkerCrash

    def relay(self) -> None:
        """Publish what is in the outbox, forever. A relay that dies after publishing an event has
        not removed it from the outbox, so it will publish it again.
        """
        tries = Counter[str]()

        def publish(event: StreamEvent) -> None:
            tries[event.event_id] += 1
            self.publish(event)
            self._die("relay", event.event_id, tries[event.event_id])

        seen = 0
        while True:
            with self._enqueued:
                while seen == self._entries:
                    self._enqueued.wait()
                seen = self._entries
            try:
                self.table.relay(publish)
            except WorkerCrash:
                seen = -1  # no count is -1: entries are left, so it must not wait for a new one
                self.runtime.sleep(RESTARTS)

    # The task that only asks.

    def board(self, snapshot_every: int) -> None:
        """Count the orders in each state every hour, with a projection that begins at the last
        snapshot. If it had to fold `snapshot_every` events or more, it saves a snapshot (0: never).
        """
        saved: dict[str, Any] | None = None
        for hour in range(1, 25):
            self.runtime.sleep_until(self.start + hour * HOUR)
            states = Projection(self.stream, _onto_the_board, {}, saved=saved)
            states.catch_up()
            self.trace.note(
                self.runtime.now,
                "answered",
                "board",
                entry=states.folded,
                detail=summed(states.state),
            )
            if snapshot_every and states.folded >= snapshot_every:
                saved = states.save()

    def close(self) -> Day:
        """Close the database, and return the day that is over."""
        self.table.close()
        return Day(self.trace, tuple(self.stream.history()), self.start, self.runtime.now)

    def _note(self, what: str, name: str, detail: object, attempt: int = 0, call: int = 0) -> None:
        self.trace.note(
            self.runtime.now,
            what,
            "shop",
            message_id=name,
            attempt=attempt,
            receipt=call,
            detail=detail,
        )


@dataclass(frozen=True)
class Day:
    """A day that is over, from `start` to `until` (s): its trace, and its events. The events of one
    order are in order of time.
    """

    trace: Trace
    events: tuple[StreamEvent, ...]
    start: float
    until: float

    def true_at(self, time: float) -> dict[str, str]:
        """Return the state of each order at `time` (s since midnight), by all events of the day:
        also by those that were published later.
        """
        states: dict[str, str] = {}
        for event in self.events:
            if (event.timestamp or 0.0) <= self.start + time:
                states = _onto_the_board(states, event)
        return states


def _onto_the_board(states: dict[str, str], event: StreamEvent) -> dict[str, str]:
    """Return the states after `event`. The dict belongs to the projection, so it is changed in
    place: a copy for each event would make the fold slow.
    """
    if event.data is None:  # a tombstone
        states.pop(event.key, None)
    else:
        states[event.key] = event.data["status"]
    return states


def summed(states: Mapping[str, str]) -> str:
    """Return the number of orders in each state as a text: "3 pending, 14 paid"; "" for none."""
    counts = Counter(states.values())
    return ", ".join(f"{counts[state]:,} {state}" for state in STATES if counts[state])
