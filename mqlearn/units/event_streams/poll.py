"""Exercise 08.2: read on from a position whose events retention may have deleted, and count the
events that were missed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from mqlearn.runtime.trace import Trace
from mqlearn.streaming.event import StreamEvent
from mqlearn.streaming.partition_log import OffsetOutOfRange, PartitionLog
from mqlearn.study.exercise import Answer, Exercise, Mistake, call_answer
from mqlearn.study.run import Run
from mqlearn.study.verdict import Verdict

ROUNDS = 30  # with new events and retention
CATCH_UP = 60  # polls after that, at most: enough for any answer that moves on


class PartitionView:
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
        """Return at most `n` events from `offset` on; raise OffsetOutOfRange if it is before
        `start` or after `end`.
        """
        if not self.start <= offset <= self.end:
            raise OffsetOutOfRange(0, offset, self.start, self.end)
        return self._log.fetch(offset, n)


@dataclass
class Reading:
    """A seed's log and its reader, up to the first wrong answer: the number of events `appended`,
    and of those that retention dropped before they were read (`missed`).
    """

    seed: int
    appended: int = 0
    missed: int = 0
    polled: bool = False  # True after the first right answer: there is something to replay
    mistake: Mistake | None = None
    trace: Trace = field(default_factory=Trace)

    def note(self, turn: int, event: str, entry: int) -> None:
        """Add a record as a stream with one partition and one group does it; a turn is a second."""
        source = "log" if event in ("appended", "deleted") else "log/reader"
        self.trace.note(float(turn), event, source, entry=entry, detail=0)

    def run(self) -> Run:
        """Return the run that is replayed: the offsets of log and reader, up to the mistake."""
        said = "" if self.mistake is None else self.mistake.said
        return Run(
            None,
            self.seed,
            self.trace,
            max((record.time for record in self.trace.records), default=0.0) + 1,
            {"events": self.appended},
            f"{said}.",
            headline=said.partition(": ")[0],
            charts=("offsets", "lag"),
        )


class PollExercise(Exercise[int, Reading]):
    """A reader that polls a log, while events are appended and others dropped, at random."""

    def play(self, answer: Callable[..., Any], case: int) -> Reading:
        rng, log, reading, position = (
            random.Random(f"poll {case}"),
            PartitionLog(),
            Reading(case),
            0,
        )
        for turn in range(ROUNDS + CATCH_UP):
            if turn < ROUNDS:
                _append_and_drop(log, rng, reading, turn)
            n = rng.randint(1, 8)
            given = call_answer(answer, PartitionView(log), position, n)
            reading.mistake = _judge(log, position, n, given)
            if reading.mistake is not None:
                break
            _, after, missed = given.value
            reading.missed += missed
            if missed:
                reading.note(turn, "reset", position)
            # A commit that changes nothing is not drawn, except the first one, which starts the
            # line.
            if after != position or not turn:
                reading.note(turn, "committed", after)
                reading.polled = True
            position = after
            if turn >= ROUNDS and position == log.end:
                break
        return reading

    def mistakes(self, world: Reading) -> Iterator[Mistake]:
        if world.mistake is not None:
            said, hint = world.mistake.said, world.mistake.hint
            yield Mistake(said, hint, world.run if world.polled else None)

    def summary(self, worlds: list[Reading]) -> str:
        return (
            f"{len(worlds)} seeds, {sum(world.appended for world in worlds):,} events, "
            f"{sum(world.missed for world in worlds):,} of them dropped unread: every one counted, "
            "nothing read twice"
        )


def check_poll(
    poll: Callable[[PartitionView, int, int], tuple[list[StreamEvent], int, int]],
) -> Verdict:
    """Grade `poll(log, position, n)`, which returns the next events, the next position and the
    number of events missed.

    The log has `log.start`, `log.end` and `log.fetch(offset, n)`. In each of 100 seeds retention
    drops events at random, often before the reader has reached them. Each dropped event must be
    counted as missed, none may be read twice or left out without being counted, no poll may return
    more than `n` events, and in the end the reader must have read all that is left.
    """
    return EXERCISE.grade(poll)


EXERCISE = PollExercise()


def _append_and_drop(log: PartitionLog, rng: random.Random, reading: Reading, turn: int) -> None:
    """Append some events, and sometimes drop some of the oldest."""
    for _ in range(rng.randint(0, 9)):
        log.append(StreamEvent("log", event_id=f"event-{log.end}", appended_at=float(turn)))
        reading.note(turn, "appended", log.end - 1)
        reading.appended += 1
    if rng.random() < 0.4 and log.cut(None, rng.randint(1, 12)):
        reading.note(turn, "deleted", log.start)


def _judge(log: PartitionLog, position: int, n: int, answer: Answer) -> Mistake | None:
    """Return the mistake in the answer to one poll, or None."""
    scene = f"the log holds {log.start} to {log.end}, position {position}, n {n}"
    first = max(position, log.start)  # if the events at `position` are dropped, read on at `start`
    due = [event.sequence_number for event in log.fetch(first, n)]
    if not _is_triple(answer):
        return Mistake(
            f"{scene}: expected a tuple of events, position and missed, {answer}",
            _hint_on_form(answer, due),
        )
    events, after, missed = answer.value
    if not all(isinstance(event, StreamEvent) for event in events):
        return Mistake(
            f"{scene}: the events must be what log.fetch returned, {answer}",
            "hand on what you fetched",
        )
    got = [event.sequence_number for event in events]
    if got != due:
        return Mistake(
            f"{scene}: expected {_listed(due)}, got {_listed(got)}",
            "go on at the first event that is left, not at the end"
            if log.start > position
            else "exactly the next n events, from position on",
        )
    if missed != first - position:
        swapped = (after, missed) == (first - position, first + len(due))
        return Mistake(
            f"{scene}: {first - position} were dropped unread, you counted {missed}",
            "first the position, then how many you missed"
            if swapped
            else "where nothing was dropped, nothing is missed"
            if missed < 0
            else "offsets tell how many",
        )
    if after != first + len(due):
        return Mistake(
            f"{scene}: the next position is {first + len(due)}, you returned {after}",
            "a position is the next offset to read",
        )
    return None


def _is_triple(answer: Answer) -> bool:
    value = answer.value
    return (
        answer.error is None
        and isinstance(value, tuple)
        and len(value) == 3
        and isinstance(value[0], list)
        and all(type(number) is int for number in value[1:])
    )


def _hint_on_form(answer: Answer, due: list[int]) -> str:
    if isinstance(answer.error, OffsetOutOfRange):
        return "where does the log begin now, and where did you want to go on?"
    if answer.error is not None and not due:
        return "sometimes nothing new has come"
    return "end with: return events, position, missed"


def _listed(offsets: list[int]) -> str:
    return f"offsets {offsets[0]} to {offsets[-1]}" if offsets else "no events"
