"""Exercise 08.2: read on from a position that retention may have overtaken, and say what was
missed. By chaos.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

from mqlearn.runtime.trace import Trace
from mqlearn.streaming.event import StreamEvent
from mqlearn.streaming.log import OffsetOutOfRange, PartitionLog
from mqlearn.study.exercise import SEEDS, Answer, Mistake, call_answer, grade
from mqlearn.study.run import Run
from mqlearn.study.verdict import Verdict

ROUNDS = 30


class KeptLog:
    """One partition as a reader sees it: `start`, `end`, and `fetch`."""

    def __init__(self, log: PartitionLog) -> None:
        self._log = log

    @property
    def start(self) -> int:
        """The first offset that is still there."""
        return self._log.start

    @property
    def end(self) -> int:
        """The offset that the next event will get."""
        return self._log.end

    def fetch(self, offset: int, n: int) -> list[StreamEvent]:
        """At most `n` events from `offset` on; raises OffsetOutOfRange where that is not within
        start to end.
        """
        if not self.start <= offset <= self.end:
            raise OffsetOutOfRange(0, offset, self.start, self.end)
        return self._log.fetch(offset, n)


@dataclass
class Reading:
    """A seed's history: `truth` events were dropped before the reader came."""

    REPLAYS: ClassVar[tuple[str, ...]] = ("offsets", "lag")
    seed: int
    trace: Trace = field(default_factory=Trace)
    events: int = 0
    truth: int = 0

    def note(self, time: float, event: str, entry: int) -> None:
        """Add a record, as a stream of one partition with one group would."""
        source = "log" if event in ("appended", "deleted") else "log/reader"
        self.trace.note(time, event, source, entry=entry, detail=0)


def check_poll(poll: Callable[[KeptLog, int, int], tuple[list[StreamEvent], int, int]]) -> Verdict:
    """Whether `poll(log, position, n)` returns the next events, the next position and how many were
    missed.

    `log.start`, `log.end` and `log.fetch(offset, n)` are all there is. In each of 100 seeds
    retention drops events at random, often before the reader has come to them. All that are missed
    must add up to the truth, nothing may be read twice or left out in silence, no poll may return
    more than `n`, and in the end the reader must have caught up.
    """
    return grade(mistakes, poll, lambda: _success(poll))


def _success(poll: Callable[..., Any]) -> str:
    readings = [history(poll, seed)[0] for seed in SEEDS]
    return (
        f"{len(readings)} seeds, {sum(r.events for r in readings):,} events, "
        f"{sum(r.truth for r in readings):,} of "
        f"them dropped unread: every one counted, nothing read twice"
    )


def mistakes(poll: Callable[..., Any], seed: int) -> Iterator[Mistake]:
    """The faults of this seed's history."""
    reading, fault = history(poll, seed)
    if fault is not None:
        said, hint = fault
        polled = any(record.event == "committed" for record in reading.trace.records)
        yield Mistake(said, hint, partial(_replayed, reading, said) if polled else None)


def history(poll: Callable[..., Any], seed: int) -> tuple[Reading, tuple[str, str] | None]:
    """Append, drop and poll at random, then poll until all is read; the first thing that is wrong,
    and a hint.
    """
    rng, log, reading, position = random.Random(f"poll {seed}"), PartitionLog(), Reading(seed), 0
    for turn in range(ROUNDS + 60):
        if turn < ROUNDS:
            _go_on(log, rng, reading, turn)
        n = rng.randint(1, 8)
        answer = call_answer(poll, KeptLog(log), position, n)
        fault = _judged(log, position, n, answer)
        if fault is not None:
            return reading, fault
        _, after, missed = answer.value
        reading.truth += missed
        if missed:
            reading.note(turn, "reset", position)
        if after != position or not turn:
            reading.note(turn, "committed", after)
        position = after
        if turn >= ROUNDS and position == log.end:
            break
    return reading, None


def _go_on(log: PartitionLog, rng: random.Random, reading: Reading, turn: int) -> None:
    """Some events come, and now and then some are dropped."""
    for _ in range(rng.randint(0, 9)):
        log.append(StreamEvent("log", event_id=f"event-{log.end}", appended_at=float(turn)))
        reading.note(turn, "appended", log.end - 1)
        reading.events += 1
    if rng.random() < 0.4 and log.cut(None, rng.randint(1, 12)):
        reading.note(turn, "deleted", log.start)


def _judged(log: PartitionLog, position: int, n: int, answer: Answer) -> tuple[str, str] | None:
    scene = f"the log holds {log.start} to {log.end}, position {position}, n {n}"
    right = max(position, log.start)
    due = [event.sequence_number for event in log.fetch(right, n)]
    value = answer.value
    shaped = (
        answer.error is None
        and isinstance(value, tuple)
        and len(value) == 3
        and isinstance(value[0], list)
        and all(type(number) is int for number in value[1:])
    )
    if not shaped:
        return f"{scene}: expected a tuple of events, position and missed, {answer}", _misshapen(
            answer, due
        )
    events, after, missed = value
    if not all(isinstance(event, StreamEvent) for event in events):
        return (
            f"{scene}: the events must be what log.fetch returned, {answer}",
            "hand on what you fetched",
        )
    got = [event.sequence_number for event in events]
    if got != due:
        return f"{scene}: expected {_listed(due)}, got {_listed(got)}", (
            "go on at the first event that is left, not at the end"
            if log.start > position
            else "exactly the next n events, from position on"
        )
    if missed != right - position:
        swapped = (after, missed) == (right - position, right + len(due))
        return f"{scene}: {right - position} were dropped unread, you counted {missed}", (
            "first the position, then how many you missed"
            if swapped
            else "where nothing was dropped, nothing is missed"
            if missed < 0
            else "offsets tell how many"
        )
    if after != right + len(due):
        return f"{scene}: the next position is {right + len(due)}, you returned {after}", (
            "a position is the next offset to read"
        )
    return None


def _misshapen(answer: Answer, due: list[int]) -> str:
    if isinstance(answer.error, OffsetOutOfRange):
        return "where does the log begin now, and where did you want to go on?"
    if answer.error is not None and not due:
        return "sometimes nothing new has come"
    return "end with: return events, position, missed"


def _listed(offsets: list[int]) -> str:
    return f"offsets {offsets[0]} to {offsets[-1]}" if offsets else "no events"


def _replayed(reading: Reading, said: str) -> Run:
    trace = reading.trace
    until = max((record.time for record in trace.records), default=0.0) + 1
    return Run(
        reading,
        reading.seed,
        trace,
        until,
        {"events": reading.events},
        f"{said}.",
        {},
        said.partition(": ")[0],
    )
