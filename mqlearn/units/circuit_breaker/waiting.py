"""The orders that wait in a run of unit 05, over time, and what the verdict says of them."""

from __future__ import annotations

from mqlearn.messaging.breaker import CLOSED
from mqlearn.study.analysis.breakers import BreakerAnalysis, backlog
from mqlearn.study.run import Run
from mqlearn.study.words import format_count, format_number


class Waiting:
    """The number of orders that wait, for a worker or for their next try, over the time of a
    run.

    Only numbers that lasted count: several records of one instant pass through others.
    """

    def __init__(self, run: Run) -> None:
        depth = run.depth()
        depth = depth[~depth.index.duplicated(keep="last")]
        self._times = depth.index.to_numpy()
        self._for_worker = depth["waiting"].to_numpy()
        self._all = self._for_worker + depth["delayed"].to_numpy()
        self._unsettled = self._all + depth["in_flight"].to_numpy()

    @property
    def most(self) -> int:
        """The most orders that waited at once."""
        return int(self._all.max()) if len(self._all) else 0

    @property
    def most_unsettled(self) -> int:
        """The most orders that waited or were in flight at once: the peak of the chart "depth"."""
        return int(self._unsettled.max()) if len(self._unsettled) else 0

    @property
    def last(self) -> int:
        """The orders that wait at the end."""
        return int(self._all[-1]) if len(self._all) else 0

    @property
    def for_next_try(self) -> str:
        """The number of those that wait for their next try at the end, in words; "" for none."""
        delayed = self.last - int(self._for_worker[-1]) if len(self._all) else 0
        return f", {delayed:,} of them for the next try" if delayed else ""

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


def aftermath(
    run: Run, analysis: BreakerAnalysis, waiting: Waiting, rate: float
) -> tuple[str, float | None]:
    """Return a sentence about the longest backlog that built up while the breaker was not
    closed, with the time it took to clear; and the length that theory expects, or None if orders
    have died meanwhile. `rate` is in orders per second.
    """
    began, ended = max(analysis.shut, key=lambda shut: waiting.before(shut[1]))
    arrived, already = backlog(rate, ended - began), waiting.before(began)
    died = sum(
        record.event == "dead" and began <= record.time <= ended for record in run.trace.records
    )
    why = f"{format_number(rate)} a second for {_rounded(ended - began)} s are {_rounded(arrived)}"
    # fewer than a tenth would only make the sentence longer
    if already > 0.1 * arrived:
        why += f", and {already:,} waited before it opened"
    if died:
        why += f", but {died:,} have died"
    expected = None if died else already + arrived
    then = waiting.before(ended)
    if analysis.spans[-1].state != CLOSED and analysis.spans[-1].end == ended:
        return f"It is not closed at the end, and {_wait(then)}: {why}.", expected
    text = f"When it closed, at {_rounded(ended)} s, {format_count(then, 'order')} waited: {why}."
    if waiting.most > then:
        text += f" The most at once were {waiting.most:,}."
    cleared = waiting.cleared(ended)
    again = "" if analysis.spans[-1].state == CLOSED else ", and it is not closed again"
    if cleared is None:
        return f"{text} At the end {_wait(waiting.last)}{waiting.for_next_try}{again}.", expected
    return f"{text} {_rounded(cleared - ended)} s later none waited for a worker.", expected


def _wait(count: int) -> str:
    return f"{format_count(count, 'order')} wait{'s' * (count == 1)}"


def _rounded(value: float) -> str:
    """Return a number of seconds or orders, whole from 10 on: so short a time must not be 0."""
    return format_number(round(value) if value >= 9.95 else value)
