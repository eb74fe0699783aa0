"""The analysis of a circuit breaker: its states and probes in a trace, and what theory expects.

    k failures in a row     calls_until_row      (1 − pᵏ) / (pᵏ (1 − p)) calls on average
    never forgets           share_open           of a breaker that forgets no failure until it opens
    what waits at the end   backlog              arrival rate × seconds without service
    until it is cleared     drain_time           backlog / (capacity − arrival rate)

Rates are per second.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from mqlearn.messaging.breaker import CLOSED, STATE_EVENTS
from mqlearn.runtime import check
from mqlearn.runtime.trace import Record

STATE_OF = {event: state for state, event in STATE_EVENTS.items()}


def calls_until_row(failing: float, row: int) -> float:
    """Return the mean number of calls until `row` in a row have failed, each with probability
    `failing`.

    (1 − pᵏ) / (pᵏ (1 − p)), k if every call fails, and infinity if none does. Source: W. Feller,
    "An Introduction to Probability Theory and Its Applications", volume 1, chapter XIII.
    """
    check.number("failing", failing, low=0, high=1)
    check.whole("row", row, low=1)
    if failing == 1:
        return float(row)
    run = failing**row
    return math.inf if run == 0 else (1 - run) / (run * (1 - failing))


def share_open(failing: float, threshold: int, cooldown: float, rate: float) -> float:
    """Return the share of time that a breaker is open, if it counts failures forever, whatever
    succeeds in between.

    Such a breaker collects its failures in threshold / (p · rate) seconds on average. Then it is
    open for `cooldown` seconds, and for as long again after each probe that fails: on average
    cooldown / (1 − p) seconds in all. `rate` is in calls per second.
    """
    check.number("failing", failing, low=0, high=1)
    check.whole("threshold", threshold, low=1)
    check.number("cooldown", cooldown, low=0)
    check.number("rate", rate, above=0)
    # Both formulas below would divide by zero: without failures it never opens, and if every call
    # fails it never closes again.
    if failing in (0, 1):
        return float(failing)
    shut = cooldown / (1 - failing)
    return shut / (shut + threshold / (failing * rate))


def backlog(rate: float, seconds: float) -> float:
    """Return the number of messages that wait after `seconds` without service, if `rate` messages
    arrive per second.
    """
    check.number("rate", rate, low=0)
    check.number("seconds", seconds, low=0)
    return rate * seconds


def drain_time(waiting: float, rate: float, capacity: float) -> float:
    """Return the seconds until a backlog of `waiting` messages is cleared, while `rate` messages
    per second arrive and at most `capacity` per second are done; infinity without spare capacity.
    """
    check.number("waiting", waiting, low=0)
    check.number("rate", rate, low=0)
    check.number("capacity", capacity, low=0)
    if waiting == 0:
        return 0.0
    return waiting / (capacity - rate) if capacity > rate else math.inf


class Span(NamedTuple):
    """A span of time from `start` to `end` (s) in one state: "CLOSED", "OPEN" or "HALF_OPEN"."""

    state: str
    start: float
    end: float


class Probe(NamedTuple):
    """A probe that was answered, at `time` (s); `good` if it succeeded."""

    time: float
    good: bool


class BreakerAnalysis:
    """The breaker of a run, from `start` to `until` (s): the `spans` of its states, and its
    `probes`.

    A breaker begins closed. If the trace has no record of a breaker, `spans` is one closed span. A
    cancelled probe has no result and is left out.
    """

    def __init__(self, records: Sequence[Record], start: float, until: float) -> None:
        turns = [
            (start, CLOSED),
            *(
                (record.time, STATE_OF[record.event])
                for record in records
                if record.event in STATE_OF
            ),
        ]
        ends = [time for time, _ in turns[1:]] + [until]
        self.spans = [
            Span(state, time, end) for (time, state), end in zip(turns, ends, strict=True)
        ]
        self.probes = [
            Probe(record.time, record.detail == "succeeded")
            for record in records
            if record.event == "probed" and record.detail != "cancelled"
        ]

    def seconds(self, state: str) -> float:
        """Return the seconds that the breaker was in that state."""
        return math.fsum(span.end - span.start for span in self.spans if span.state == state)

    def count(self, state: str) -> int:
        """Return how often the breaker changed to that state."""
        # The first span is the state at the start: the breaker did not change to it.
        return sum(span.state == state for span in self.spans[1:])

    @property
    def shut(self) -> list[tuple[float, float]]:
        """The spans of time (from, to; s) while the breaker was not closed.

        Open and half-open spans that follow each other are joined, because a failed probe opens the
        breaker again without any service between. The last one may go on to the end of the run.
        """
        found: list[tuple[float, float]] = []
        began: float | None = None
        for state, start, end in self.spans:
            if state != CLOSED:
                began = start if began is None else began
                last = end
            elif began is not None:
                found.append((began, last))
                began = None
        return found if began is None else [*found, (began, last)]
