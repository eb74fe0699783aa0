"""The orders that wait in a run of unit 05, over time."""

from __future__ import annotations

from mqlearn.study.run import Run


class Waiting:
    """The number of orders that wait, for a worker or for their next try, over the time of a
    run.
    """

    def __init__(self, run: Run) -> None:
        depth = run.depth()
        self._times = depth.index.to_numpy()
        self._for_worker = depth["waiting"].to_numpy()
        self._all = self._for_worker + depth["delayed"].to_numpy()

    @property
    def most(self) -> int:
        """The most orders that waited at once."""
        return int(self._all.max()) if len(self._all) else 0

    @property
    def last(self) -> int:
        """The orders that wait at the end."""
        return int(self._all[-1])

    def before(self, time: float) -> int:
        """Return the number of orders that waited just before `time` (s).

        When a breaker closes, every worker takes an order at that instant: a count just after it
        would miss those orders.
        """
        index = int(self._times.searchsorted(time))
        return int(self._all[index - 1]) if index else 0

    def cleared(self, since: float) -> float | None:
        """Return the first time (s), at `since` or later, when no order waited for a worker; None
        if there is none.
        """
        later = self._times[(self._times >= since) & (self._for_worker == 0)]
        return float(later[0]) if len(later) else None
