"""The calendar of a simulation: the tasks and calls that are due, earliest first.

It is a heap of (time, serial number, appointment), as in every discrete-event simulator (SimPy is
the one our tests compare with). A step takes out the smallest entry, sets the clock to its time,
and lets the appointment happen. Appointments for the same time happen in the order of their entry.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush

from mqlearn.runtime.base import without_exit

FEW = 64  # invalid entries that may stay, however few the others are


class Appointment:
    """Something that is due at most once: a new time replaces the old one.

    `serial` is the number of its one valid entry in the calendar (0: it has none). A run without an
    end time goes on as long as something in the `foreground` is due.
    """

    __slots__ = ("foreground", "serial")

    def __init__(self, foreground: bool = True) -> None:
        self.foreground = foreground
        self.serial = 0

    def happen(self) -> Appointment | None:
        """Do what is due now. Return the appointment that the hub (see scheduler.py) must let
        happen next, if one became due meanwhile.
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
        try:
            self._fn()
        except SystemExit as error:
            raise without_exit(error, "the function of a timer") from error

    def cancel(self) -> None:
        self._calendar.cancel(self)


class Calendar:
    """All future appointments; `live` is the number of those in the foreground."""

    def __init__(self) -> None:
        self.live = 0
        self._heap: list[tuple[float, int, Appointment]] = []
        self._entered = self._void = 0

    def at(self, time: float, appointment: Appointment) -> None:
        """Enter an appointment for this time (s), in place of its earlier entry."""
        earlier = appointment.serial
        # one that had a time already is counted already
        if appointment.foreground and not earlier:
            self.live += 1
        # The serial number breaks ties: equal times come out in the order of entry, and the heap
        # never has to compare two appointments.
        self._entered += 1
        appointment.serial = self._entered
        heappush(self._heap, (time, self._entered, appointment))
        if earlier:
            self._forget_one()

    def cancel(self, appointment: Appointment) -> None:
        """Make its entry invalid, if it has one.

        The entry itself stays in the heap, since removing it would need a search; `pop` skips it.
        """
        if appointment.serial:
            appointment.serial = 0
            self.live -= appointment.foreground
            self._forget_one()

    def _forget_one(self) -> None:
        """Count one more invalid entry; remove them all once they are more than the valid ones."""
        self._void += 1
        if self._void > FEW and 2 * self._void > len(self._heap):
            # in place: `pop` may be looking at it
            self._heap[:] = [item for item in self._heap if item[2].serial == item[1]]
            heapify(self._heap)
            self._void = 0

    def pop(self, until: float | None) -> tuple[float, Appointment] | None:
        """Take out the next valid entry, if it is due at or before `until` (s). With None there is
        no time limit, but nothing is taken out once no foreground appointment is left.
        """
        if until is None and not self.live:
            return None
        heap = self._heap
        while heap and (until is None or heap[0][0] <= until):
            time, serial, appointment = heappop(heap)
            # another number: the entry was cancelled, or replaced by a later one
            if appointment.serial == serial:
                # cleared before it happens, since the appointment may enter itself again
                appointment.serial = 0
                if appointment.foreground:
                    self.live -= 1
                return time, appointment
            self._void -= 1
        return None

    def clear(self) -> None:
        """Forget every appointment."""
        self._heap.clear()
        self.live = self._void = 0
