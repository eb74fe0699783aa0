"""The event log that every chart is drawn from, and the check that its records are complete.

A queue reports each thing that happens to an entry as one record; events.py defines each kind of
record and the places between which it moves the entry. What a queue counts in its own structures
(its *census*) must equal the sum of its records, so an entry that is lost without a record is
found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from mqlearn.runtime import books, check
from mqlearn.runtime.books import Balance
from mqlearn.runtime.events import EVENTS, MOVES

if TYPE_CHECKING:
    import pandas as pd


class Record(NamedTuple):
    """One thing that happened: its `time` (s), its kind (`event`, one of `EVENTS`) and what it
    happened to.

    `source` is the queue, stream or breaker that reports it; `entry` is the number of the entry in
    it and `receipt` the number of the delivery, 0 for none. What `detail` holds depends on the
    kind, see `EVENTS`.
    """

    time: float
    event: str
    source: str
    entry: int = 0
    message_id: str = ""
    priority: str = ""
    attempt: int = 0
    worker: str = ""
    receipt: int = 0
    detail: Any = None


# Makes a record out of a tuple of all its values. `Record(...)` does the same, but a named tuple's
# constructor is a function in Python, while this one is in C and takes half the time. It is used
# where thousands of records are made: in queues, streams and workers.
pack_record: Callable[[tuple[float, str, str, int, str, str, int, str, int, Any]], Record] = (
    partial(tuple.__new__, Record)
)

Listener = Callable[[Record], object]

COLUMNS = Record._fields


class Delivery(Protocol):
    """A delivered message, with the fields that go into a record."""

    id: str
    attempt: int
    receipt: int

    @property
    def priority(self) -> Any:
        """An enum member; its name goes into the record."""


class Watched(Protocol):
    """The part of a queue's interface that a trace uses."""

    name: str

    def listen(self, listener: Listener, *, existing: bool = False) -> None: ...

    def census(self) -> Mapping[str, int]: ...


TRIES = 1000  # to count a queue that has no lock while nothing happens


class Trace:
    """A list of records (`records`), in the order of the events, from one or more queues."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.record: Listener = self.records.append  # append one record
        self._census: dict[str, Callable[[], Mapping[str, int]]] = {}
        self._locks: dict[str, AbstractContextManager[Any]] = {}

    def watch(self, queue: Watched, at_close: Callable[[Callable[[], object]], None]) -> None:
        """Record everything that happens to `queue` from now on. A queue that was given a `trace=`
        calls this itself; `at_close` registers a function for the closing of its runtime.
        """
        if self.record is _ignore:
            return  # frozen: the books stay as they are, also if a queue is opened afterwards
        if queue.name in self._census:
            raise ValueError(
                f"name must be unique within one trace, got {check.short_repr(queue.name)} twice"
            )
        # registered once, with the first queue: one call freezes the whole trace
        if not self._census:
            at_close(self.freeze)
        # bound to the present list: after freeze() has replaced it, late records do no harm
        queue.listen(self.record, existing=True)
        # Last, so that nothing is left of a queue that refused. The lock that a queue holds while
        # it changes and records the change; what has none must not change while it is counted.
        lock = getattr(queue, "_lock", None)
        if lock is not None:
            self._locks[queue.name] = lock
        self._census[queue.name] = queue.census

    def watches(self, name: str) -> bool:
        """Return True if a queue of this name is or was watched, so that no other may have it."""
        check.instance("name", name, str)
        return name in self._census

    def note(
        self,
        time: float,
        event: str,
        source: str = "",
        *,
        delivery: Delivery | None = None,
        **fields: Any,
    ) -> None:
        """Record that `event` happened at `time` (s), to `delivery` or with these `fields` of a
        `Record`.

        Raises TypeError for a field that a record does not have, ValueError for an event that is
        not in `EVENTS`.
        """
        time = check.number("time", time)
        check.one_of("event", event, EVENTS)
        check.instance("source", source, str)
        if delivery is not None:
            for needed in ("id", "priority", "attempt", "receipt"):
                if not hasattr(delivery, needed):
                    raise TypeError(
                        f"delivery must have {needed}, got {check.short_repr(delivery)}"
                    )
            fields["message_id"], fields["priority"] = delivery.id, delivery.priority.name
            fields["attempt"], fields["receipt"] = delivery.attempt, delivery.receipt
        self.record(Record(time, event, source, **fields))

    def freeze(self) -> None:
        """Keep the records and the census as they are now; ignore what the queues do afterwards."""
        self.record = _ignore
        count, census = self._at_one_instant(list(self._census))
        # copies of the numbers in place of the queues, so that a kept trace does not keep the
        # queues
        self._census = {name: counted.copy for name, counted in census.items()}
        self._locks = {}
        self.records = self.records[:count]

    def frame(self) -> pd.DataFrame:
        """The records as a DataFrame with the columns of `COLUMNS`; `time` in seconds."""
        import pandas as pd

        return pd.DataFrame.from_records(self.records, columns=list(COLUMNS))

    def balance(self, source: str | None = None) -> Balance:
        """Return the balance of the queue called `source`, or of all together.

        All queues are read at one instant, also while their workers go on.

        Raises UnbalancedBooks if an entry moved from a place it was not in, or a queue's own count
        of a place differs from what the records add up to; ValueError for a `source` that was never
        watched.
        """
        check.instance("source", source, str, optional=True)
        if source is not None and source not in self._census:
            raise ValueError(
                f"source must be one of {sorted(self._census)}, got {check.short_repr(source)}"
            )
        count, census = self._at_one_instant(list(self._census) if source is None else [source])
        return books.balance(islice(self.records, count), census, MOVES)

    def _at_one_instant(self, names: list[str]) -> tuple[int, dict[str, Counter[str]]]:
        """Return how many records there are at one instant, and what these queues hold then. On
        threads they may go on meanwhile.
        """
        # Each is counted under its own lock, one after the other, since a thread that holds two
        # locks can wait forever for one that holds them the other way round. What was recorded
        # between the first and the last count is then added.
        census: dict[str, Counter[str]] = {}
        counted_at: dict[str, int] = {}
        for name in names:
            with self._locks.get(name, nullcontext()):
                for _ in range(TRIES):
                    counted_at[name] = len(self.records)
                    census[name] = Counter(self._census[name]())
                    # without a lock it may have changed while it was counted; an engine may have
                    # said something new when it was asked
                    since = self.records[counted_at[name] :]
                    if not any(name not in self._locks or r.source == name for r in since):
                        break
        count = max(counted_at.values(), default=len(self.records))
        books.bring_forward(census, counted_at, self.records[:count], MOVES)
        return count, census


def _ignore(record: Record) -> None:
    """Ignore a record: a frozen trace uses this in place of `append`."""
