"""The data of a run in the form that charts read: its tables as arrays, each computed once and kept
with the run.
"""

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mqlearn.lab import style
from mqlearn.runtime.events import MOVES
from mqlearn.study.run import SENT, Context

Floats = NDArray[np.float64]
PLACES = ("in_flight", "waiting", "delayed")  # what is not settled yet, in stacking order


class ChartData:
    """The arrays behind a `Run`, each computed when a chart first asks for it.

    Times are in seconds. A step function is a pair (times, values): each value is valid from its
    time until the next.
    """

    def __init__(self, run: Any) -> None:
        self.run = run
        self.start = 0.0
        self.until = float(run.until)

    @classmethod
    def of(cls, run: Any) -> "ChartData":
        """Return the data of a run; data that is given is returned as it is."""
        return run if isinstance(run, ChartData) else cls(run)

    @property
    def scenario(self) -> Any:
        """The scenario that was run, or None for a bare trace."""
        return self.run.scenario

    @property
    def records(self) -> Any:
        """The records of the run's trace, in the order of time."""
        return self.run.trace.records

    @cached_property
    def depth(self) -> tuple[Floats, Floats]:
        """Times (s, n of them) and counts (3 × n): rows for in flight, waiting and delayed.

        Only levels that lasted: several records of one instant pass through levels that no observer
        could see.
        """
        frame = self.run.depth()
        frame = frame[~frame.index.duplicated(keep="last")]
        times = frame.index.to_numpy(dtype=float)
        levels = np.array([frame[place].to_numpy(dtype=float) for place in PLACES])
        return times, levels.reshape(len(PLACES), len(times))

    @cached_property
    def jobs(self) -> Any:
        """The run's table with one row per message: see `Run.jobs`."""
        return self.run.jobs()

    @cached_property
    def tries(self) -> Any:
        """The run's table with one row per call of a handler: see `Run.tries`."""
        return self.run.tries()

    @cached_property
    def deliveries(self) -> Any:
        """The run's table with one row per delivery: see `Run.deliveries`."""
        return self.run.deliveries()

    @cached_property
    def dead(self) -> tuple[Floats, list[str]]:
        """Times (s) at which messages became dead letters, and the reason of each."""
        died = [
            (r.time, "expired" if r.event == "expired" else str(r.detail))
            for r in self.run.trace.records
            if r.event in ("dead", "expired")
        ]
        return np.array([t for t, _ in died], dtype=float), [reason for _, reason in died]

    @cached_property
    def dead_level(self) -> tuple[Floats, Floats]:
        """Times (s) and the number of dead letters from each time on: a redriven letter is none."""
        steps, _ = self._dead_letters
        table = np.array(steps, dtype=float).reshape(-1, 2)
        return table[:, 0], table[:, 1]

    @property
    def dead_at_end(self) -> list[str]:
        """The reason of each letter that is dead at the end of the run."""
        return self._dead_letters[1]

    @cached_property
    def _dead_letters(self) -> tuple[list[tuple[float, int]], list[str]]:
        """The number of dead letters after each change (time, number), and the last reasons."""
        dead: dict[tuple[str, int], str] = {}
        steps: list[tuple[float, int]] = []
        for record in self.run.trace.records:
            if record.event in MOVES:
                entry = record.source, record.entry
                if (MOVES[record.event].to or record.detail) == "dead":
                    dead[entry] = "expired" if record.event == "expired" else str(record.detail)
                elif dead.pop(entry, None) is None:
                    continue
                steps.append((record.time, len(dead)))
        return steps, list(dead.values())

    @cached_property
    def breaker(self) -> Any:
        """The breaker's states and probes: a `BreakerAnalysis`."""
        # Imported here, as all analyses: a lab imports only those that its charts ask for.
        from mqlearn.study.analysis.breakers import BreakerAnalysis

        return BreakerAnalysis(self.run.trace.records, self.start, self.until)

    @cached_property
    def charges(self) -> dict[str, Any]:
        """The recorded charges to cards, by order."""
        from mqlearn.study.analysis.charges import charges_by_order

        return charges_by_order(self.run.trace.records)

    @cached_property
    def charge_example(self) -> str:
        """The id of the order that the run's verdict takes as its example; "" if there is none."""
        from mqlearn.study.analysis.charges import ChargeAnalysis

        return ChargeAnalysis(self.run.trace.records).example_order

    @cached_property
    def group(self) -> Any:
        """Owners of the partitions, effects made twice, events lost: a `GroupAnalysis`."""
        from mqlearn.study.analysis.groups import GroupAnalysis

        return GroupAnalysis(self.run.trace.records, self.until)

    @cached_property
    def batches(self) -> Any:
        """The calls with batches, and when each item was done: a `BatchAnalysis`."""
        from mqlearn.study.analysis.batches import BatchAnalysis

        return BatchAnalysis(self.run.trace.records)

    @cached_property
    def fan_out(self) -> Any:
        """The messages that each subscriber should get: a `FanOutAnalysis`."""
        from mqlearn.study.analysis.fan_outs import FanOutAnalysis

        return FanOutAnalysis(self.run.trace.records)

    @cached_property
    def log(self) -> Any:
        """The partitions of a log, and where its reader is: a `LogAnalysis`."""
        from mqlearn.study.analysis.logs import LogAnalysis

        return LogAnalysis(self.run.trace.records)

    @cached_property
    def replicas(self) -> Any:
        """The replicas of a log, their roles and their ends: a `ReplicaAnalysis`."""
        from mqlearn.study.analysis.replicas import ReplicaAnalysis

        return ReplicaAnalysis(self.run.trace.records, self.until)

    @cached_property
    def promises(self) -> Any:
        """The answers to producers, against what the log has: a `PromiseAnalysis`."""
        from mqlearn.study.analysis.replicas import promises_in

        return self.table("promises") or promises_in(self.run.trace.records)

    @cached_property
    def history(self) -> Any:
        """The changes of each order, in events and in the database: a `HistoryAnalysis`."""
        from mqlearn.study.analysis.histories import HistoryAnalysis

        return HistoryAnalysis(self.run.trace.records)

    @cached_property
    def signals(self) -> Any:
        """The numbers of a watched queue over time: a `SignalAnalysis`."""
        from mqlearn.study.analysis.signals import SignalAnalysis, Watch

        return SignalAnalysis(self.table("signals") or Watch(()))

    @cached_property
    def goodput(self) -> Any:
        """The orders in time, in vain and turned away: a `GoodputAnalysis`."""
        from mqlearn.study.analysis.goodput import GoodputAnalysis

        return GoodputAnalysis(self.run.trace.records, self.until, self.context.patience)

    @cached_property
    def workers(self) -> Any:
        """The workers of a pool that is scaled: a `WorkerLevels`."""
        from mqlearn.study.analysis.workers import WorkerLevels

        return WorkerLevels(self.run.trace.records)

    @cached_property
    def _waits(self) -> list[tuple[str, float]]:
        """The priority and wait (s) of each message that work was begun on, or, in a trace without
        handlers, that was delivered.
        """
        sent: dict[tuple[str, int], tuple[str, float]] = {}
        entries: dict[tuple[str, int], tuple[str, int]] = {}  # by (source, receipt)
        begun: dict[tuple[str, int], float] = {}
        for time, event, source, entry, _, priority, _, _, receipt, _ in self.records:
            if event in SENT:
                sent[source, entry] = priority, time
            elif event == "received":
                entries[source, receipt] = source, entry
            elif event == "started" and (source, receipt) in entries:
                begun.setdefault(entries[source, receipt], time)
        if begun:
            return [(*sent[e][:1], time - sent[e][1]) for e, time in begun.items() if e in sent]
        jobs = self.jobs.dropna(subset="wait")
        return list(zip(jobs["priority"], jobs["wait"], strict=True))

    @cached_property
    def waits(self) -> Floats:
        """Seconds from sending until work begins, of all messages that work was begun on.

        A worker may have taken a message long before: with a prefetch it waits there as well.
        """
        return np.array([wait for _, wait in self._waits], dtype=float)

    @cached_property
    def waits_by_priority(self) -> dict[str, Floats]:
        """`waits` by priority: only priorities that occur, the lowest first."""
        sent = set(self.jobs["priority"])
        return {
            p: np.array([wait for priority, wait in self._waits if priority == p], dtype=float)
            for p in style.PRIORITIES
            if p in sent
        }

    @cached_property
    def sent_by_priority(self) -> dict[str, int]:
        """The number of messages that were sent, by priority."""
        return {str(p): int(n) for p, n in self.jobs["priority"].value_counts().items()}

    @cached_property
    def waiting_by_priority(self) -> dict[str, tuple[Floats, Floats]]:
        """The number of messages that wait, a step function for each priority, the lowest first."""
        from mqlearn.runtime.events import EVENTS

        goes_to = {kind: event.to for kind, event in EVENTS.items()}
        waits: set[tuple[str, int]] = set()
        steps: dict[str, list[tuple[float, int]]] = {p: [] for p in style.PRIORITIES}
        for time, event, source, entry, _, priority, _, _, _, detail in self.run.trace.records:
            # An entry that was there when the trace began says in its detail where it was.
            place = detail if event == "existing" else goes_to.get(event)
            if (
                place is not None
                and priority in steps
                # only a change counts: some records move an entry between two other places
                and (place == "waiting") != ((source, entry) in waits)
            ):
                steps[priority].append((time, 1 if place == "waiting" else -1))
                # the symmetric difference: an entry that was in the set leaves it, another one
                # enters it
                waits ^= {(source, entry)}
        found = {p: np.array(s, dtype=float).reshape(-1, 2) for p, s in steps.items()}
        return {p: (s[:, 0], np.cumsum(s[:, 1])) for p, s in found.items() if len(s)}

    @cached_property
    def busy(self) -> dict[str, float]:
        """The share of the run that each worker spent in handlers, in the order of their names."""
        tries = self.tries
        start = tries["start"].to_numpy(dtype=float)
        # A try without an end was still running when the run ended.
        end = np.nan_to_num(tries["end"].to_numpy(dtype=float), nan=self.until)
        time = np.clip(end, self.start, self.until) - np.clip(start, self.start, self.until)
        shares: dict[str, float] = {}
        workers = tries["worker"].to_numpy()
        for worker in sorted(set(workers), key=_by_number):
            shares[str(worker)] = float(time[workers == worker].sum()) / max(
                self.until - self.start, 1e-12
            )
        return shares

    def table(self, name: str) -> Any:
        """Return the table that the chart of this name draws, or None if the run has none."""
        return self.context.tables.get(name)

    def theory(self, name: str) -> Any:
        """Return what theory expects of `name`, or None."""
        return self.run.theory.get(name)

    @property
    def context(self) -> Context:
        """The surroundings of the queue: outages, and whether a breaker watched the calls."""
        context: Context = self.run.context
        return context


def _by_number(name: object) -> tuple[str, int]:
    # worker-2 before worker-10
    text = str(name)
    digits = text[len(text.rstrip("0123456789")) :]
    return text[: len(text) - len(digits)], int(digits or -1)
