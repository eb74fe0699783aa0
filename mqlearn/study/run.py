"""A finished run: its trace, and the tables, totals and verdict that charts and notebooks show.

The tables are read off the moves in the trace: the records that move an entry (a message in a
queue) from one place to another. `depth` counts entries by place, `jobs` has a row for each entry,
`deliveries` one for each delivery, and `tries` one for each call of a handler.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mqlearn.runtime import check
from mqlearn.runtime.events import MOVES, Kind
from mqlearn.runtime.trace import Record, Trace

if TYPE_CHECKING:
    import pandas as pd

# The places of an entry and their columns in `depth`. A purged or dropped entry is in none of them.
COLUMN = {"waiting": 0, "in flight": 1, "delayed": 2, "completed": 3, "dead": 4}
NAMES = ["waiting", "in_flight", "delayed", "done", "dead"]
SENT = ("sent", "scheduled", "existing", "repeated")  # the events that make an entry
# the events that end a delivery
HELD = ("acked", "nacked", "delayed", "lease_lost", "released", "postponed", "dead")
# The events whose place is in the record's detail, because it is not the same each time.
DETAILED = [event for event, kind in MOVES.items() if kind.to is None or len(kind.sources) > 1]


def _step(kind: Kind, place: object) -> list[int]:
    """Return the change of each place's count by one move of this kind: 1, 0 or -1 per place.

    `place` is the detail of the record: where the entry came from, or where it goes, if that is not
    the same for all moves of this kind.
    """
    sources = place if len(kind.sources) > 1 else kind.sources[0]
    to = place if kind.to is None else kind.to
    return [(name == to) - (name == sources) for name in COLUMN]


@dataclass(frozen=True)
class Item:
    """A message at one instant: its id, the number of its deliveries so far, and the time (s) since
    which it has been in its place.
    """

    message_id: str
    tries: int
    since: float


@dataclass(frozen=True)
class Instant:
    """All messages by place at one instant; `workers` has the messages in flight by worker."""

    waiting: list[Item]
    delayed: list[Item]
    done: list[Item]
    dead: list[Item]
    workers: dict[str, list[Item]]


@dataclass(frozen=True)
class Context:
    """Facts about a run that its trace does not record, for the charts.

    `outages` are spans of time, each from and to in seconds, while the called service was in
    trouble; `trouble` is the kind of trouble ("down", "slow") and `troubled` what is in it.
    `guarded` is True if a circuit breaker watched the calls: the trace cannot say so, since a
    breaker that never opens records nothing. `patience` is how long a customer waits for an order
    to be done (s), None: as long as it takes. Orders come during the first `window` seconds,
    None: during the whole run. `tables` are what charts of tables draw, by the name
    of the chart.
    """

    outages: tuple[tuple[float, float], ...] = ()
    trouble: str = "down"
    troubled: str = "service"
    guarded: bool = False
    patience: float | None = None
    window: float | None = None
    # not compared: to ask whether two tables are equal gives a table
    tables: Mapping[str, Any] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class Run:
    """A run, observed until `until` seconds.

    `totals` are its counts by name, and `verdict` is the sentence about it. `headline` is the
    verdict in a few words, for the title of a chart; "" if the verdict itself is short enough.
    `theory` has the values that arithmetic expects, by name. `charts` are the names of the charts
    that `show` and `replay` draw. If it is empty, `show` draws those of the scenario, and `replay`
    draws the journeys and the depth.
    """

    scenario: Any
    seed: int
    trace: Trace
    until: float
    totals: dict[str, float]
    verdict: str
    theory: dict[str, Any] = field(default_factory=dict)
    headline: str = ""
    context: Context = Context()
    charts: tuple[str, ...] = ()

    @classmethod
    def of(cls, trace: Trace, until: float | None = None) -> Run:
        """Return the run of a trace without a scenario, observed until `until` seconds (None: its
        last record). Raises UnbalancedBooks if messages are missing.
        """
        check.instance("trace", trace, Trace)
        until = check.number("until", until, optional=True)
        books = trace.balance()
        end = (
            max((record.time for record in trace.records), default=0.0) if until is None else until
        )
        totals: dict[str, float] = {
            "sent": books.accepted,
            "done": books.completed,
            "dead": books.dead,
        }
        parts = [f"{books.completed} done", f"{books.dead} dead", f"{books.waiting} waiting"]
        rest = ((books.delayed, "delayed"), (books.in_flight, "in flight"))
        verdict = (
            f"{books.accepted} sent: "
            f"{', '.join(parts + [f'{count} {place}' for count, place in rest if count])}."
        )
        return cls(None, 0, trace, end, totals, verdict)

    @cached_property
    def _moves(self) -> list[tuple[float, tuple[str, int], str, str, Record]]:
        """The moves of all entries, in order of time: (time (s), (source, entry), the place after
        the move, event, record).
        """
        return [
            (
                record.time,
                (record.source, record.entry),
                MOVES[record.event].to or record.detail,
                record.event,
                record,
            )
            for record in self.trace.records
            if record.event in MOVES
        ]

    def depth(self) -> pd.DataFrame:
        """Return a table with the number of entries in each place after each move: the columns are
        `NAMES`, the index is the time (s). A row holds until the time of the next one.
        """
        import numpy as np
        import pandas as pd

        moves = [record for record in self.trace.records if record.event in MOVES]
        # Each kind of move changes the places in the same way, so its step is made once; summing up
        # one step per move is then a single call of NumPy, fast enough while a slider moves.
        known: dict[tuple[str, object], int] = {}
        kinds = [
            known.setdefault((r.event, r.detail if r.event in DETAILED else None), len(known))
            for r in moves
        ]
        steps = np.array(
            [_step(MOVES[event], place) for event, place in known], dtype=np.int64
        ).reshape(-1, len(NAMES))
        times = pd.Index([record.time for record in moves], name="time", dtype=float)
        return pd.DataFrame(steps[kinds].cumsum(axis=0), index=times, columns=NAMES)

    def jobs(self) -> pd.DataFrame:
        """Return a table with one row for each entry.

        The columns are entry, message_id, priority, sent, first_received, settled (s), outcome
        (completed, dead, purged or dropped; "" while it is not settled), reason (of a dead letter),
        tries (the number of deliveries), wait (from sent to first_received, s) and sojourn (from
        sent to settled, s). A time is NaN if that has not happened.
        """
        import pandas as pd

        rows: dict[tuple[str, int], list[Any]] = {}
        nan = float("nan")
        for time, entry, place, event, record in self._moves:
            if event in SENT:
                rows[entry] = [
                    record.entry,
                    record.message_id,
                    record.priority,
                    time,
                    nan,
                    nan,
                    "",
                    "",
                    0,
                ]
                continue
            row = rows[entry]
            if event == "received":
                row[8] += 1
                if row[4] != row[4]:  # only NaN differs from itself: it was never received before
                    row[4] = time
            elif place in ("completed", "dead", "purged", "dropped"):
                row[5], row[6] = time, place
                row[7] = (
                    ("expired" if event == "expired" else record.detail or "")
                    if place == "dead"
                    else ""
                )
            # A redriven entry is not settled any more: it goes through the queue again.
            elif event == "redriven":
                row[5], row[6], row[7] = nan, "", ""
        columns = [
            "entry",
            "message_id",
            "priority",
            "sent",
            "first_received",
            "settled",
            "outcome",
            "reason",
            "tries",
        ]
        table = pd.DataFrame(list(rows.values()), columns=columns)
        table["wait"] = table["first_received"] - table["sent"]
        table["sojourn"] = table["settled"] - table["sent"]
        return table

    def tries(self) -> pd.DataFrame:
        """Return a table with one row for each call of a handler: worker, message_id, entry,
        attempt, start and end (s), outcome. The end of an unfinished call is the end of the run.
        """
        import pandas as pd

        # A worker's records know the receipt of its delivery, but not the entry in the queue.
        entries = {
            (r.source, r.receipt): r.entry for r in self.trace.records if r.event == "received"
        }
        open_: dict[tuple[str, int], list[Any]] = {}
        rows = []
        for (
            time,
            event,
            source,
            _,
            message_id,
            _,
            attempt,
            worker,
            receipt,
            detail,
        ) in self.trace.records:
            if event == "started":
                row = [
                    worker,
                    message_id,
                    entries.get((source, receipt), 0),
                    attempt,
                    time,
                    self.until,
                    "",
                ]
                open_[source, receipt] = row
                rows.append(row)
            elif event == "finished":
                row = open_.pop((source, receipt))
                row[5], row[6] = time, detail
        return pd.DataFrame(
            rows, columns=["worker", "message_id", "entry", "attempt", "start", "end", "outcome"]
        )

    def deliveries(self) -> pd.DataFrame:
        """Return a table with one row for each delivery: message_id, entry, worker, received and
        until (s), end (the event that ended it; "" if it lasts until the end of the run).
        """
        import pandas as pd

        rows: dict[tuple[str, int], list[Any]] = {}
        for time, _, _, event, record in self._moves:
            if event == "received":
                rows[record.source, record.receipt] = [
                    record.message_id,
                    record.entry,
                    record.worker,
                    time,
                    self.until,
                    "",
                ]
            elif event in HELD:
                rows[record.source, record.receipt][4:] = [time, event]
        return pd.DataFrame(
            list(rows.values()),
            columns=["message_id", "entry", "worker", "received", "until", "end"],
        )

    def at(self, time: float) -> Instant:
        """Return the place of each message at `time` (s), after all that happened at that
        instant.
        """
        time = check.number("time", time)
        state: dict[tuple[str, int], tuple[str, Item, str]] = {}
        tries: dict[tuple[str, int], int] = {}
        workers: dict[str, list[Item]] = {
            r.worker: [] for r in self.trace.records if r.event == "received"
        }
        for when, entry, place, event, record in self._moves:
            if when > time:
                break
            tries[entry] = tries.get(entry, 0) + (event == "received")
            # Taken out first, so that the dict, and each list, is in the order of the last moves.
            state.pop(entry, None)
            state[entry] = (place, Item(record.message_id, tries[entry], when), record.worker)
        for place, item, worker in state.values():
            if place == "in flight":
                workers[worker].append(item)
        listed = {
            name: [item for place, item, _ in state.values() if place == name] for name in COLUMN
        }
        return Instant(
            listed["waiting"], listed["delayed"], listed["completed"], listed["dead"], workers
        )
