"""The simulated database of exercise 09.2: a process may crash, or stand still, around each
transaction.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mqlearn.streaming.event import StreamEvent
from mqlearn.units.consumer_groups.crashes import CALM, CrashTest

STALL = 9.0  # s: longer than the session timeout, so the group gives its partitions to the other


class Database:
    """A store with transactions, one at a time: all that a transaction has done is kept when it
    ends, or nothing of it.
    """

    def __init__(self, test: CrashTest) -> None:
        self._test = test
        self._kept: dict[Any, Any] = {}

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Begin a transaction; it is kept if the block ends without an exception."""
        test = self._test
        test.transactions += 1
        test.maybe_crash()
        if test.sim.now < CALM and test.sim.draw("stall", test.transactions) < 0.06:
            # While this process stands still, the other one takes over its partitions and charges
            # the same events: the transaction that follows is that of a zombie.
            test.note("stalled", 0, "", STALL)
            test.consumer().stall(STALL)
        begun = Transaction(dict(self._kept))
        yield begun
        # Reached only if the block raised nothing: a crash inside it keeps and charges nothing.
        self._kept = begun.values
        for event in begun.charged:
            test.effect(event)
        test.maybe_crash()


class Transaction:
    """One transaction: the charges made in it, and the values stored by key when it ends."""

    def __init__(self, values: dict[Any, Any]) -> None:
        self.values = values
        self.charged: list[StreamEvent] = []

    def charge(self, event: StreamEvent) -> None:
        """Charge the card for this event when the transaction ends."""
        self.charged.append(event)

    def get(self, key: Any, default: Any = None) -> Any:
        """Return what is stored under `key`."""
        return self.values.get(key, default)

    def put(self, key: Any, value: Any) -> None:
        """Store `value` under `key`."""
        self.values[key] = value
