"""A simulation's calendar: who is due when.

A heap of (time, ordinal, appointment), as in every discrete-event simulator (SimPy is the one our
tests compare with): take out the smallest, set the clock, keep the appointment. Equal times come in
the order in which they were made.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from math import inf


class Appointment:
    """Somebody who has at most one date: making a new one voids the old.

    `ordinal` says which of the calendar's dates is the valid one (0: none), `counts` whether a run
    goes on for its sake.
    """

    __slots__ = ("counts", "ordinal")

    def __init__(self, counts: bool = True) -> None:
        self.counts = counts
        self.ordinal = 0

    def keep(self) -> Appointment | None:
        """Do what is due now; return an appointment that came due meanwhile and is the hub's to
        keep, if any.
        """
        raise NotImplementedError


class Call(Appointment):
    """A call `fn()` that is due at `time` (s)."""

    __slots__ = ("_calendar", "_fn", "time")

    def __init__(
        self, calendar: Calendar, time: float, fn: Callable[[], object], counts: bool = True
    ) -> None:
        super().__init__(counts)
        self._calendar, self.time, self._fn = calendar, time, fn
        calendar.at(time, self)

    def keep(self) -> None:
        self._fn()

    def cancel(self) -> None:
        self._calendar.cancel(self)


class Calendar:
    """`live` is how many appointments are still to come that count."""

    def __init__(self) -> None:
        self.live = 0
        self._heap: list[tuple[float, int, Appointment]] = []
        self._made = 0

    def at(self, time: float, appointment: Appointment) -> None:
        """Give it this date (s), whatever date it had before."""
        if not appointment.ordinal:
            self.live += appointment.counts
        self._made += 1
        appointment.ordinal = self._made
        heappush(self._heap, (time, self._made, appointment))

    def cancel(self, appointment: Appointment) -> None:
        """Void its date, if it has one."""
        if appointment.ordinal:
            appointment.ordinal = 0
            self.live -= appointment.counts

    def pop(self, until: float | None) -> tuple[float, Appointment] | None:
        """Take out the next date that is not void, if it is due by `until` (s; None: if any that
        counts is left).
        """
        if until is None:
            if not self.live:
                return None
            until = inf
        heap = self._heap
        while heap and heap[0][0] <= until:
            time, ordinal, appointment = heappop(heap)
            if appointment.ordinal == ordinal:
                appointment.ordinal = 0
                self.live -= appointment.counts
                return time, appointment
        return None

    def clear(self) -> None:
        """Forget every appointment."""
        self._heap.clear()
        self.live = 0
