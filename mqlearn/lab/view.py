"""A run as the charts read it: its tables as arrays, each made once and kept while the run is
shown.
"""

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mqlearn.lab import style
from mqlearn.study.run import Context

Floats = NDArray[np.float64]
PLACES = ("in_flight", "waiting", "delayed")  # what is not settled yet, in stacking order


class View:
    """The arrays behind a `Run`. Times are seconds; a step function is (times, values),
    right-continuous.
    """

    def __init__(self, run: Any) -> None:
        self.run = run
        self.start = 0.0
        self.until = float(run.until)

    @cached_property
    def depth(self) -> tuple[Floats, Floats]:
        """Times, and one row each for in flight, waiting and delayed."""
        frame = self.run.depth()
        times = frame.index.to_numpy(dtype=float)
        levels = np.array([frame[place].to_numpy(dtype=float) for place in PLACES])
        return times, levels.reshape(len(PLACES), len(times))

    @cached_property
    def jobs(self) -> Any:
        return self.run.jobs()

    @cached_property
    def tries(self) -> Any:
        return self.run.tries()

    @cached_property
    def deliveries(self) -> Any:
        return self.run.deliveries()

    @cached_property
    def dead(self) -> tuple[Floats, list[str]]:
        """When messages died, and of what."""
        died = [
            (r.time, "expired" if r.event == "expired" else str(r.detail))
            for r in self.run.trace.records
            if r.event in ("dead", "expired")
        ]
        return np.array([t for t, _ in died], dtype=float), [reason for _, reason in died]

    @cached_property
    def breaker(self) -> Any:
        """What the breaker did: a `BreakerAnalysis`."""
        from mqlearn.study.analysis.breakers import BreakerAnalysis

        return BreakerAnalysis(self.run.trace.records, self.start, self.until)

    @cached_property
    def charges(self) -> dict[str, Any]:
        """The effects on record, by their business key."""
        from mqlearn.study.analysis.charges import charges_by_order

        return charges_by_order(self.run.trace.records)

    @cached_property
    def group(self) -> Any:
        """Who owned which partition, what was done twice or lost: a `GroupAnalysis`."""
        from mqlearn.study.analysis.groups import GroupAnalysis

        return GroupAnalysis(self.run.trace.records, self.until)

    @cached_property
    def batches(self) -> Any:
        """What the records say of its batches: a `BatchAnalysis`."""
        from mqlearn.study.analysis.batches import BatchAnalysis

        return BatchAnalysis(self.run.trace.records)

    @cached_property
    def fan_out(self) -> Any:
        """What the records say of each subscriber: a `FanOutAnalysis`."""
        from mqlearn.study.analysis.fan_outs import FanOutAnalysis

        return FanOutAnalysis(self.run.trace.records)

    @cached_property
    def log(self) -> Any:
        """What the records say of a log and its reader: a `LogAnalysis`."""
        from mqlearn.study.analysis.logs import LogAnalysis

        return LogAnalysis(self.run.trace.records)

    @cached_property
    def history(self) -> Any:
        """What the records say of each order: a `HistoryAnalysis`."""
        from mqlearn.study.analysis.histories import HistoryAnalysis

        return HistoryAnalysis(self.run.trace.records)

    @cached_property
    def waits(self) -> Floats:
        """Seconds from sending to the first delivery, of all messages that were delivered."""
        waits = self.jobs["wait"].to_numpy(dtype=float)
        return np.asarray(waits[~np.isnan(waits)])

    @cached_property
    def waits_by_priority(self) -> dict[str, Floats]:
        """The same, by priority: only priorities that occur, lowest first."""
        wait = self.jobs["wait"].to_numpy(dtype=float)
        priority = self.jobs["priority"].to_numpy()
        known = ~np.isnan(wait)
        found = {p: wait[known & (priority == p)] for p in style.PRIORITIES}
        return {p: w for p, w in found.items() if len(w)}

    @cached_property
    def waiting_by_priority(self) -> dict[str, tuple[Floats, Floats]]:
        """Messages waiting, a step function for each priority that occurs, lowest first."""
        from mqlearn.runtime.trace import EVENTS

        goes_to = {kind: event.to for kind, event in EVENTS.items()}
        waits: set[tuple[str, int]] = set()
        steps: dict[str, list[tuple[float, int]]] = {p: [] for p in style.PRIORITIES}
        for time, event, source, entry, _, priority, _, _, _, detail in self.run.trace.records:
            place = detail if event == "existing" else goes_to.get(event)
            if (
                place is not None
                and priority in steps
                and (place == "waiting") != ((source, entry) in waits)
            ):
                steps[priority].append((time, 1 if place == "waiting" else -1))
                waits ^= {(source, entry)}
        found = {p: np.array(s, dtype=float).reshape(-1, 2) for p, s in steps.items()}
        return {p: (s[:, 0], np.cumsum(s[:, 1])) for p, s in found.items() if len(s)}

    @cached_property
    def busy(self) -> dict[str, float]:
        """Share of the run that each worker spent handling messages, in the order of the workers'
        names.
        """
        tries = self.tries
        start = tries["start"].to_numpy(dtype=float)
        end = np.nan_to_num(tries["end"].to_numpy(dtype=float), nan=self.until)
        time = np.clip(end, self.start, self.until) - np.clip(start, self.start, self.until)
        shares: dict[str, float] = {}
        workers = tries["worker"].to_numpy()
        for worker in sorted(set(workers), key=_natural):
            shares[str(worker)] = float(time[workers == worker].sum()) / max(
                self.until - self.start, 1e-12
            )
        return shares

    def theory(self, name: str) -> Any:
        """Return what theory expects of `name`, or None."""
        return self.run.theory.get(name)

    @property
    def context(self) -> Context:
        """What surrounded the queue: outages, and whether a breaker watched the calls."""
        context: Context = self.run.context
        return context


def view(run: Any) -> View:
    """The `View` of a run, or the view itself if it is one."""
    return run if isinstance(run, View) else View(run)


def thin(
    times: Floats, levels: Floats, start: float, end: float, columns: int
) -> tuple[Floats, Floats]:
    """A step function at one instant in each of `columns` slices of time: there where its total is
    highest.

    A peak shorter than a pixel is therefore still seen. Returns the edges of the slices and the
    levels (rows × columns); each slice's level is at least what held when it began.
    """
    edges = np.linspace(start, end, columns + 1)
    if not len(times):
        return edges, np.zeros((len(levels), columns))
    total = levels.sum(axis=0)
    first = np.searchsorted(times, edges[:-1], side="right") - 1  # what holds when the slice begins
    last = np.searchsorted(times, edges[1:], side="left") - 1  # the last change inside it
    pick = first.copy()
    for i in np.flatnonzero(last > first):
        earliest = max(first[i], 0)
        pick[i] = earliest + np.argmax(total[earliest : last[i] + 1])
    values = np.where(pick >= 0, levels[:, np.maximum(pick, 0)], 0.0)
    return edges, values


def outline(edges: Floats, values: Floats) -> tuple[Floats, Floats]:
    """The corners of a staircase: x twice each edge but the outer ones, y twice each value."""
    return np.repeat(edges, 2)[1:-1], np.repeat(values, 2)


def _natural(name: object) -> tuple[str, int]:
    text = str(name)
    digits = text[len(text.rstrip("0123456789")) :]
    return text[: len(text) - len(digits)], int(digits or -1)
