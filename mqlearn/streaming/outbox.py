"""The transactional outbox: a state and its event are written in one transaction of one database,
so both are stored or neither is.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mqlearn.messaging.message import read_outcome
from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.closing import Closing
from mqlearn.runtime.threads import default_runtime
from mqlearn.streaming.database import connect, to_json
from mqlearn.streaming.durable import COLUMNS, from_row, to_row
from mqlearn.streaming.event import StreamEvent

log = logging.getLogger("mqlearn")


class OrderTable(Closing):
    """The shop's database: a row for each order, and in the same database an outbox of events to
    publish.

    All writes within `with table.transaction():` are committed together when the block ends; none
    is, if an exception or a crash ends the block. Until then the transaction locks the database, so
    the block should contain nothing slow. A broker is another system: a write to it cannot be part
    of the transaction, whether it comes first or last. So the event is written to the outbox
    instead, and `relay` publishes it afterwards.

    `path` is a file, or ":memory:". Source: Chris Richardson, Transactional outbox
    (microservices.io).
    """

    def __init__(self, path: str | Path = ":memory:", *, runtime: Runtime | None = None) -> None:
        check.instance("runtime", runtime, Runtime, optional=True)
        self._database = connect(path, self)
        self._lock = (default_runtime() if runtime is None else runtime).lock()
        self._in_transaction = False
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS orders (order_id TEXT PRIMARY KEY, state TEXT)"
        )
        self._database.execute(
            f"CREATE TABLE IF NOT EXISTS outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, {COLUMNS})"
        )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all writes of the `with` block, or none. A block inside another one belongs to the
        outer transaction.
        """
        with self._lock:
            # the lock is re-entrant: only the task that has the transaction can come here
            if self._in_transaction:
                yield
                return
            with self._database.transaction():
                # set only now: if the transaction cannot begin, the next block is no inner one
                self._in_transaction = True
                try:
                    yield
                finally:
                    self._in_transaction = False

    def save(self, order_id: str, state: dict[str, Any]) -> None:
        """Write the row of an order. Raises TypeError for a `state` that JSON cannot hold."""
        check.instance("order_id", order_id, str)
        check.instance("state", state, dict)
        row = order_id, to_json("state", state)
        with self._lock:
            self._database.execute("INSERT OR REPLACE INTO orders VALUES (?, ?)", row)

    def load(self, order_id: str) -> dict[str, Any] | None:
        """Return the row of an order; None if there is none."""
        check.instance("order_id", order_id, str)
        with self._lock:
            found = self._database.execute(
                "SELECT state FROM orders WHERE order_id = ?", (order_id,)
            ).fetchone()
        return None if found is None else json.loads(found[0])

    def enqueue(self, event: StreamEvent) -> None:
        """Put an event into the outbox. Raises TypeError for data that JSON cannot hold."""
        check.instance("event", event, StreamEvent)
        with self._lock:
            self._database.execute(
                f"INSERT INTO outbox ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", to_row(event)
            )

    def pending(self) -> list[tuple[int, StreamEvent]]:
        """Return the events in the outbox, oldest first, each with its id there."""
        with self._lock:
            rows = self._database.execute(
                f"SELECT id, {COLUMNS} FROM outbox ORDER BY id"
            ).fetchall()
        return [(entry, from_row(columns)) for entry, *columns in rows]

    def remove(self, entry: int) -> bool:
        """Take an event out of the outbox; False if it was not there."""
        entry = check.whole("entry", entry)
        with self._lock:
            return self._database.execute("DELETE FROM outbox WHERE id = ?", (entry,)).rowcount == 1

    def relay(self, publish: Callable[[StreamEvent], object]) -> int:
        """Publish the events in the outbox, oldest first, and remove each once it is published;
        return how many. It stops at the first that `publish` refuses (its result is false, as
        `broker.publish` returns, or shows a failure as a handler's does): that one and all later
        ones stay, in their order.

        A relay that crashes between publishing and removing publishes that event again next time,
        with the same `event_id`. This is at-least-once delivery, so a reader must recognise
        duplicates. Removing first would lose the event in such a crash. The relay reads the whole
        outbox, and not only what comes after the last id it has seen: in some databases a
        transaction with a lower id may commit later, and its event would be missed.
        """
        check.function("publish", publish)
        published = 0
        for entry, event in self.pending():
            answer = publish(event)
            outcome = read_outcome(answer, "publish returned")
            if outcome.kind != "completed":
                if answer is not False:  # more than a plain refusal: say why nothing moves
                    log.warning("%s stays in the outbox: %s", event.event_id, outcome)
                break
            # after `publish`, one by one: a failure leaves this event and all later ones in the
            # outbox
            self.remove(entry)
            published += 1
        return published

    def close(self) -> None:
        """Close the database; garbage collection of the table does it too."""
        self._database.shut("close() was called")
