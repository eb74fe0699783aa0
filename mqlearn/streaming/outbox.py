"""Writing the state and publishing the event: both or neither, by an outbox in the state's own
database.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.threads import default_runtime
from mqlearn.streaming.durable import FIELDS, connect, event_of, row
from mqlearn.streaming.event import StreamEvent


class OrderTable:
    """The shop's database: a row for each order, and in the same database an outbox of events to
    publish.

    What happens within `with table.transaction():` is there as a whole when the block ends, and not
    at all if an exception or the death of the process ends it. The transaction has the database to
    itself until then, so nothing slow belongs into it. A broker is another system: it takes no part
    in the transaction, whatever the order of the two writes. The outbox needs no part of it, and
    `relay` brings the events over afterwards.

    `path` is a file, or ":memory:". Source: Chris Richardson, Transactional outbox
    (microservices.io).
    """

    def __init__(self, path: str | Path = ":memory:", *, runtime: Runtime | None = None) -> None:
        check.instance("runtime", runtime, Runtime, optional=True)
        self._database = connect(path, self)
        self._lock = (default_runtime() if runtime is None else runtime).lock()
        self._within = False
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS orders (order_id TEXT PRIMARY KEY, state TEXT)"
        )
        self._database.execute(
            f"CREATE TABLE IF NOT EXISTS outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, {FIELDS})"
        )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is written in the block, or nothing; a block within another is part of it."""
        with self._lock:
            if self._within:
                yield
                return
            self._within = True
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            else:
                self._database.execute("COMMIT")
            finally:
                self._within = False

    def save(self, order_id: str, state: dict[str, Any]) -> None:
        """Write the row of an order. Raises TypeError for a `state` that JSON cannot hold."""
        check.instance("order_id", order_id, str)
        check.instance("state", state, dict)
        with self._lock:
            self._database.execute(
                "INSERT OR REPLACE INTO orders VALUES (?, ?)", (order_id, json.dumps(state))
            )

    def load(self, order_id: str) -> dict[str, Any] | None:
        """The row of an order; None if there is none."""
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
                f"INSERT INTO outbox ({FIELDS}) VALUES (?, ?, ?, ?, ?, ?)", row(event)
            )

    def pending(self) -> list[tuple[int, StreamEvent]]:
        """What is committed and still in the outbox, oldest first: each event with its id there."""
        with self._lock:
            rows = self._database.execute(f"SELECT id, {FIELDS} FROM outbox ORDER BY id").fetchall()
        return [(entry, event_of(columns)) for entry, *columns in rows]

    def remove(self, entry: int) -> bool:
        """Take an event out of the outbox; False if it was not there."""
        check.whole("entry", entry)
        with self._lock:
            return self._database.execute("DELETE FROM outbox WHERE id = ?", (entry,)).rowcount == 1

    def relay(self, publish: Callable[[StreamEvent], object]) -> int:
        """Publish what is in the outbox, oldest first, and remove each once it is published;
        returns how many.

        Who dies between the two publishes that event again next time, under the same `event_id`: at
        least once, so a reader must know a duplicate. Removing first would lose it. Reading what is
        there, and not what comes after the last id, misses nothing in databases that give out ids
        before transactions commit.
        """
        check.function("publish", publish)
        waiting = self.pending()
        for entry, event in waiting:
            publish(event)
            self.remove(entry)
        return len(waiting)

    def close(self) -> None:
        """Let go of the database, as happens anyway to a table that nobody holds any more."""
        self._database.close()
