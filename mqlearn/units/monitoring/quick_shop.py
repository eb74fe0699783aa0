"""A shop that is simulated in one loop, for hundreds of hours in a few seconds.

The package's own queue and workers take about ten times as long; a test holds one against the
other.
"""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from heapq import heappop, heappush
from typing import Any, NamedTuple

from mqlearn.messaging.sample import Sample
from mqlearn.units.monitoring.alarms import GOAL

RETRIES = 3  # after 1, 2 and 4 s
COUNTERS = ("sent", "done", "late", "dead", "charged", "received", "failed", "due", "missed")
LATEST = 86_400.0  # seconds: no order is looked for after that, if the producer is down


class Attempt(NamedTuple):
    """One call of the handler: its `seconds`, and whether it `fails`, or else charges the card."""

    seconds: float
    fails: bool = False
    charges: bool = True


class Order(NamedTuple):
    """An order, `sent` at a time (s), that is `poison` or not; `luck` is a number in [0, 1) of its
    own.
    """

    sent: float
    poison: bool
    luck: float


class Call(NamedTuple):
    """A call that has ended at `end` (s), after `seconds` of work; `sojourn` is the time (s) from
    sending to done, NaN if it failed.
    """

    end: float
    seconds: float
    sojourn: float


class QuickShop:
    """Orders at random, a pool of workers, and three retries. A subclass says what goes wrong.

    `peak` is the highest rate of orders per second that `rate` returns at any time, `wakes` are the
    times (s) at which workers come back, `poison` times (s): the next order after each is
    poisonous.
    `calls` has all calls that have ended, in the order of their ends.
    """

    peak: float
    wakes: Sequence[float] = ()
    poison: Sequence[float] = ()

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.calls: list[Call] = []
        self.now = 0.0
        self.samples: list[Sample] = []
        self._calendar: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._entered = 0  # in the calendar so far: at one instant, the first entered comes first
        self._waiting: deque[tuple[int, int]] = deque()  # (order, failures so far)
        self._busy = 0  # workers
        self._orders: dict[int, Order] = {}  # neither done nor dead, the oldest first
        self._deadlines: deque[tuple[float, int]] = deque()  # (deadline (s), order)
        self._in_time: set[int] = set()  # orders done, whose deadline has not passed
        self._counts = dict.fromkeys(COUNTERS, 0)

    def rate(self, now: float) -> float:
        """Return the orders per second at `now` (s)."""
        raise NotImplementedError

    def workers(self, now: float) -> int:
        """Return the number of workers at `now` (s)."""
        raise NotImplementedError

    def attempt(self, now: float, order: Order) -> Attempt:
        """Return what comes of a call of the handler that begins at `now` (s)."""
        raise NotImplementedError

    def watch(self, looks: Iterable[float]) -> list[Sample]:
        """Run the shop, and return a sample at each of these times (s), which are in order."""
        self._due, self._poison = iter(looks), sorted(self.poison)
        for time in self.wakes:
            self._at(time, int)  # which does nothing: workers are looked for after each event
        self._arrive_next()
        self._look_next()
        while self._looking:
            self.now, _, happens, args = heappop(self._calendar)
            happens(*args)
            while self._waiting and self._busy < self.workers(self.now):
                self._begin(*self._waiting.popleft())
        return self.samples

    def _at(self, time: float, happens: Callable[..., Any], *args: Any) -> None:
        self._entered += 1
        heappush(self._calendar, (time, self._entered, happens, args))

    def _arrive_next(self) -> None:
        """Enter the next order: of orders at the peak rate, those are left out that are too many
        for the rate at their time.
        """
        time = self.now
        while time < LATEST:
            time += self.dice.expovariate(self.peak)
            if self.dice.random() * self.peak < self.rate(time):
                self._at(time, self._arrive)
                return

    def _arrive(self) -> None:
        poison = bool(self._poison and self.now >= self._poison[0])
        if poison:
            self._poison.pop(0)
        self._counts["sent"] += 1
        number = self._counts["sent"]
        self._orders[number] = Order(self.now, poison, self.dice.random())
        self._deadlines.append((self.now + GOAL, number))
        self._waiting.append((number, 0))
        self._arrive_next()

    def _begin(self, number: int, failures: int) -> None:
        self._busy += 1
        self._counts["received"] += 1
        call = self.attempt(self.now, self._orders[number])
        self._at(self.now + call.seconds, self._end, number, failures, call)

    def _end(self, number: int, failures: int, call: Attempt) -> None:
        self._busy -= 1
        if not call.fails:
            sojourn = self.now - self._orders.pop(number).sent
            self.calls.append(Call(self.now, call.seconds, sojourn))
            self._counts["done"] += 1
            self._counts["charged"] += call.charges
            if sojourn > GOAL:
                self._counts["late"] += 1
            else:
                self._in_time.add(number)
            return
        self.calls.append(Call(self.now, call.seconds, math.nan))
        self._counts["failed"] += 1
        if failures == RETRIES:
            self._counts["dead"] += 1
            del self._orders[number]
        else:
            self._at(self.now + 2.0**failures, self._waiting.append, (number, failures + 1))

    def _look_next(self) -> None:
        time = next(self._due, None)
        self._looking = time is not None
        if time is not None:
            self._at(time, self._look)

    def _look(self) -> None:
        while self._deadlines and self._deadlines[0][0] < self.now:
            number = self._deadlines.popleft()[1]
            self._counts["due"] += 1
            self._counts["missed"] += number not in self._in_time
            self._in_time.discard(number)
        oldest = next(iter(self._orders.values())).sent if self._orders else self.now
        self.samples.append(
            Sample(
                self.now,
                waiting=len(self._waiting),
                oldest=self.now - oldest,
                in_flight=self._busy,
                **self._counts,
            )
        )
        self._look_next()
