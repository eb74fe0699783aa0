"""A finished run: its trace, and the tables, totals and verdict that charts and notebooks show."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mqlearn.runtime import check
from mqlearn.runtime.trace import MOVES, Kind, Record, Trace

if TYPE_CHECKING:
    import pandas as pd

COLUMN = {"waiting": 0, "in flight": 1, "delayed": 2, "completed": 3, "dead": 4}
NAMES = ["waiting", "in_flight", "delayed", "done", "dead"]
SENT = ("sent", "scheduled", "existing")
HELD = ("acked", "nacked", "delayed", "lease_lost", "released", "postponed", "dead")
# detail: the place
DETAILED = [event for event, kind in MOVES.items() if kind.to is None or len(kind.sources) > 1]


def _step(kind: Kind, place: object) -> list[int]:
    """Return what one move of this kind adds to each place; `place` is where a record's detail says
    it came from or goes.
    """
    sources = place if len(kind.sources) > 1 else kind.sources[0]
    to = place if kind.to is None else kind.to
    return [(name == to) - (name == sources) for name in COLUMN]


@dataclass(frozen=True)
class Item:
    """A message at one instant: its id, how often a handler was called for it, since when it is
    where it is (s).
    """

    message_id: str
    tries: int
    since: float


@dataclass(frozen=True)
class Instant:
    """The places of all messages at one instant; `workers` are the items that each worker held."""

    waiting: list[Item]
    delayed: list[Item]
    done: list[Item]
    dead: list[Item]
    workers: dict[str, list[Item]]


@dataclass(frozen=True)
class Context:
    """The surroundings of the queue in a run, which left no record there: the charts draw them.

    `outages` are spans of time, each from and to in seconds, while the called service was in
    trouble; `trouble` says how it was then ("down", "slow"). `guarded` is true where a circuit
    breaker watched the calls: a breaker that never opens records nothing.
    """

    outages: tuple[tuple[float, float], ...] = ()
    trouble: str = "down"
    guarded: bool = False


@dataclass(frozen=True)
class Run:
    """A run, observed until `until` seconds, whose books have been balanced.

    `headline` says in few words what the verdict says, for the title of a chart; "" where the
    verdict is short. `theory` holds what arithmetic expects, by name. `charts` names the charts
    that `show` and `replay` draw of it; empty: `show` draws those of its scenario, `replay` its
    journeys and depth.
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
        """A run made of a bare trace, observed until `until` seconds (None: its last record)."""
        check.instance("trace", trace, Trace)
        check.number("until", until, optional=True)
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
        """Each move of an entry: time, entry, place, event, record."""
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
        """Return how many entries were in each place: index time (s), right-continuous steps,
        columns `NAMES`.
        """
        import numpy as np
        import pandas as pd

        moves = [record for record in self.trace.records if record.event in MOVES]
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
        """Return one row for each entry; times in seconds, NaN where it has not happened, `outcome`
        "" while unsettled.
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
                if row[4] != row[4]:
                    row[4] = time
            elif place in ("completed", "dead", "purged", "dropped"):
                row[5], row[6] = time, place
                row[7] = (
                    ("expired" if event == "expired" else record.detail or "")
                    if place == "dead"
                    else ""
                )
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
        """Return one row for each call of a handler: worker, message_id, entry, attempt, start and
        end (s), outcome.
        """
        import pandas as pd

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
        """Return one row for each delivery: message_id, entry, worker, received and until (s), end
        (how it ended).
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
        """Return where each message was at `time` (s), after all that happened at that instant."""
        check.number("time", time)
        state: dict[tuple[str, int], tuple[str, Item, str]] = {}
        tries: dict[tuple[str, int], int] = {}
        workers: dict[str, list[Item]] = {
            r.worker: [] for r in self.trace.records if r.event == "received"
        }
        for when, entry, place, event, record in self._moves:
            if when > time:
                break
            tries[entry] = tries.get(entry, 0) + (event == "received")
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
