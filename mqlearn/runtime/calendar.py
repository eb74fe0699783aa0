"""A simulation's calendar: the tasks and calls that are due, earliest first.

A heap of (time, serial number, appointment), as in every discrete-event simulator (SimPy is the one
our tests compare with): take out the smallest, set the clock to its time, let it happen. What is
due at the same time happens in the order of entry.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush


class Appointment:
    """Something that is due at most once: a new date replaces the old one.

    `serial` is the number of the one entry in the calendar that is valid (0: none). A run goes on
    as long as something in the `foreground` is due.
    """

    __slots__ = ("foreground", "serial")

    def __init__(self, foreground: bool = True) -> None:
        self.foreground = foreground
        self.serial = 0

    def happen(self) -> Appointment | None:
        """Do what is due now; return the appointment that the hub is to let happen next, if one
        came due meanwhile.
        """
        raise NotImplementedError


class Call(Appointment):
    """A call `fn()` that is due at `time` (s)."""

    __slots__ = ("_calendar", "_fn", "time")

    def __init__(
        self, calendar: Calendar, time: float, fn: Callable[[], object], foreground: bool = True
    ) -> None:
        super().__init__(foreground)
        self._calendar, self.time, self._fn = calendar, time, fn
        calendar.at(time, self)

    def happen(self) -> None:
        self._fn()

    def cancel(self) -> None:
        self._calendar.cancel(self)


class Calendar:
    """All appointments that are to come; `live` is how many of them are in the foreground."""

    def __init__(self) -> None:
        self.live = 0
        self._heap: list[tuple[float, int, Appointment]] = []
        self._entered = 0

    def at(self, time: float, appointment: Appointment) -> None:
        """Enter an appointment for this time (s) instead of the one it had before."""
        if appointment.foreground and not appointment.serial:
            self.live += 1
        self._entered += 1
        appointment.serial = self._entered
        heappush(self._heap, (time, self._entered, appointment))

    def cancel(self, appointment: Appointment) -> None:
        """Make its entry void, if it has one.

        The entry stays in the heap, where finding it would mean a search, and `pop` skips it.
        """
        if appointment.serial:
            appointment.serial = 0
            self.live -= appointment.foreground

    def pop(self, until: float | None) -> tuple[float, Appointment] | None:
        """Take out the next valid entry, if it is due by `until` (s; None: as long as something in
        the foreground is to come).
        """
        if until is None and not self.live:
            return None
        heap = self._heap
        while heap and (until is None or heap[0][0] <= until):
            time, serial, appointment = heappop(heap)
            if appointment.serial == serial:
                appointment.serial = 0
                if appointment.foreground:
                    self.live -= 1
                return time, appointment
        return None

    def clear(self) -> None:
        """Forget every appointment."""
        self._heap.clear()
        self.live = 0
