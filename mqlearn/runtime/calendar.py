"""SimPy's event calendar, with the two things a queue needs beyond it: appointments that can be cancelled
without a trace, and a way to look at the next one before it happens.

SimPy (https://simpy.readthedocs.io) keeps a heap of (time, priority, ordinal, event): pop the smallest, set
the clock, call the event's callbacks. Equal times happen in the order in which they were made.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from typing import Any

import simpy
from simpy.events import NORMAL


class Appointment(simpy.Event):
    """A call that is due at `time`. `counts` tells whether a simulation keeps running for its sake."""

    _ok = True
    _defused = True

    def __init__(self, calendar: Calendar, time: float, fn: Callable[[Any], Any], counts: bool) -> None:
        # Not Event.__init__: an appointment is triggered from the start, and this is the hot path.
        self.env = calendar
        self.time = time
        self.callbacks = [fn]
        self.counts = counts

    def cancel(self) -> None:
        if self.callbacks:
            self.callbacks = []
            self.env.live -= self.counts  # type: ignore[attr-defined]


class Calendar(simpy.Environment):
    """`live` is how many appointments are still to come that count."""

    def __init__(self) -> None:
        super().__init__()
        self.live = 0
        self._eid = count()

    def at(self, time: float, fn: Callable[[Any], Any], counts: bool = True) -> Appointment:
        """Have `fn(appointment)` called at `time` (seconds), to the last bit: SimPy's own delays would round."""
        appointment = Appointment(self, time, fn, counts)
        heappush(self._queue, (time, NORMAL, next(self._eid), appointment))
        self.live += counts
        return appointment

    def next_time(self) -> float | None:
        """When the next appointment is due, in seconds; None if there is none. Cancelled ones are dropped."""
        queue = self._queue
        while queue:
            if queue[0][3].callbacks:
                return queue[0][0]
            heappop(queue)
        return None

    def step(self) -> None:
        """Move the clock to the next appointment and keep it."""
        self.live -= self._queue[0][3].counts  # type: ignore[attr-defined]
        super().step()

    def clear(self) -> None:
        """Forget every appointment."""
        self._queue.clear()
        self.live = 0
