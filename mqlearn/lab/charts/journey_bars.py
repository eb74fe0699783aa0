"""The bars and marks of messages' journeys, computed from deliveries and tries."""

from typing import Any

import numpy as np

from mqlearn.lab.chart_data import ChartData, Floats


class JourneyBars:
    """The bars and marks of all rows, grouped by their look: each look is one artist of the
    chart.

    If the queue `forgets` what it hands out, a message is gone when its worker stops without an
    ack.
    """

    def __init__(
        self,
        end: float,
        tries: dict[tuple[int, str], list[tuple[float, float]]],
        *,
        forgets: bool = False,
    ) -> None:
        self.end, self.tries, self.forgets = end, tries, forgets
        self.waiting: list[Floats] = []
        self.delayed: list[Floats] = []
        self.held: list[Floats] = []
        self.orphaned: list[Floats] = []
        self.gone: list[Floats] = []
        self.lost: list[Any] = []
        self.done: list[tuple[float, float]] = []
        self.died: list[tuple[float, float]] = []
        self.letters: list[tuple[float, float, float, str]] = []
        self.lane: dict[tuple[int, int], float] = {}  # by entry and attempt: the height of its bar

    def add(self, row: int, job: Any, holds: list[Any]) -> None:
        """Add one message's journey: its deliveries (`holds`), in two lanes if two workers work on
        it at the same time.

        That happens if a worker that lost its lease continues while the next one holds the message.
        """
        others = holds[:-1]  # no delivery follows the last one, so it cannot overlap with another
        lanes = 2 if any(self._works_until(hold) > float(hold.until) for hold in others) else 1
        # A row is 1 high; a bar in the middle of it 0.72, in one of two lanes 0.46.
        half = (0.36, 0.23)[lanes - 1]
        since, next_place = float(job.sent), "waiting"
        for i, hold in enumerate(holds):
            y = row + (0.0 if lanes == 1 else (-0.24, 0.24)[i % 2])
            self.lane[int(job.entry), i + 1] = y
            begins = float(hold.received)
            # NaN, the only number that is not equal to itself, means: held until the end of the
            # run.
            until = min(float(hold.until), self.end) if hold.until == hold.until else self.end
            place = self.delayed if next_place == "delayed" else self.waiting
            place.append(_rect(since, begins, y, 0.12))
            kept = until
            # In a queue that forgets what it hands out, only the worker had the message.
            if self.forgets and not hold.end:
                kept = min(self._try_end(hold, until), until)
                self.gone.append(_rect(kept, until, y, half))
            self.held.append(_rect(begins, kept, y, half))
            self.letters.append((begins, until, y, _short(str(hold.worker))))
            if hold.end == "lease_lost":
                self.lost.append([(until, y - half), (until, y + half)])
            self._without_lease(hold, until, y, half)
            since = until
            next_place = "delayed" if hold.end in ("delayed", "postponed") else "waiting"
            if hold.end == "acked":
                self.done.append((until, y))
        if job.outcome == "dead":
            self.died.append((min(float(job.settled), self.end), row))
        # Not settled and held by no worker: it waits, or is delayed, until the end of the run.
        if job.outcome not in ("completed", "dead") and (
            not len(holds)
            or holds[-1].end in ("nacked", "lease_lost", "released", "delayed", "postponed")
        ):
            (self.delayed if next_place == "delayed" else self.waiting).append(
                _rect(since, self.end, row, 0.12)
            )

    def _without_lease(self, hold: Any, until: float, y: float, half: float) -> None:
        end = self._works_until(hold)
        if end > until:
            self.orphaned.append(_rect(until, min(end, self.end), y, half))

    def _try_end(self, hold: Any, otherwise: float) -> float:
        """Return the time (s) at which the try of a delivery ended, or `otherwise`."""
        tries = self.tries.get((int(hold.entry), hold.worker), ())
        ends = [end for start, end in tries if start >= hold.received and not np.isnan(end)]
        return float(ends[0]) if ends else otherwise

    def _works_until(self, hold: Any) -> float:
        """Return the time (s) at which a delivery's worker stopped working: the end of the
        delivery, or later if it continued.
        """
        # Work can continue only in two cases: the lease was lost, or the ack came before the work.
        if hold.end in ("lease_lost", "acked"):
            tries = self.tries.get((int(hold.entry), hold.worker), ())
            for end in [end for start, end in tries if start >= hold.received][:1]:
                if end > hold.until:  # an unfinished try has no end (nan)
                    return float(end)
        return float(hold.until)


def tries_by_entry(
    run: ChartData, entries: Any
) -> dict[tuple[int, str], list[tuple[float, float]]]:
    """Return the tries (start and end, in s) of these entries, by entry and worker."""
    found: dict[tuple[int, str], list[tuple[float, float]]] = {}
    tries = run.tries[np.isin(run.tries["entry"].to_numpy(), entries)]
    for entry, worker, start, end in zip(
        tries["entry"], tries["worker"], tries["start"], tries["end"], strict=True
    ):
        found.setdefault((int(entry), worker), []).append((start, end))
    return found


def _short(worker: str) -> str:
    digits = worker[len(worker.rstrip("0123456789")) :]
    return digits or worker[:1].upper()


def _rect(a: float, b: float, y: float, half: float) -> Floats:
    return np.array([(a, y - half), (b, y - half), (b, y + half), (a, y + half)])
