"""Exercise 11.3: which replica may lead next?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from mqlearn.runtime.trace import Trace
from mqlearn.study.exercise import Exercise, Mistake
from mqlearn.study.run import Context, Run
from mqlearn.study.verdict import Verdict
from mqlearn.units.replication.day import UNTIL, ElectionDay, Vote, play_day

PATIENCE = 2.0  # s in all without a leader, although a right rule would have elected one


class ElectExercise(Exercise[int, ElectionDay]):
    """Fourteen faults in 120 seconds, and an election whenever the leader is gone."""

    def play(self, answer: Callable[..., Any], case: int) -> ElectionDay:
        return play_day(case, answer)

    def mistakes(self, world: ElectionDay) -> Iterator[Mistake]:
        if world.wrong is not None:
            yield _wrong(world.wrong)  # without a replay: the sentence says it all
            return
        for mistake in (_lost(world), _stuck(world), _idle(world)):
            if mistake is not None:
                yield Mistake(mistake.said, mistake.hint, partial(_replay, world, mistake.said))
                return

    def summary(self, worlds: list[ElectionDay]) -> str:
        yes = sum(len(world.acknowledged) for world in worlds)
        elected = sum(
            record.event == "elected" for world in worlds for record in world.trace.records
        )
        return f"{len(worlds)} seeds, {elected:,} elections, {yes:,} orders acknowledged, 0 lost"


def check_elect(elect: Callable[..., Any]) -> Verdict:
    """Grade `elect(replicas, complete)`, which returns the number of the replica that is to lead,
    or None for none, over a hundred seeds of faults.

    `replicas` is a list of candidates with `number`, `alive`, `end`, `epoch` (of the last entry)
    and `high_watermark`; `complete` is the set of the numbers of those that have every committed
    entry, as the controller knows it. No acknowledged order may be lost; at the end there must be a
    leader; and there must not be none for long while a complete replica and a majority are alive.
    """
    return EXERCISE.grade(elect)


EXERCISE = ElectExercise()


def _wrong(vote: Vote) -> Mistake:
    """Return the mistake of an election that names no replica that is alive."""
    alive = [each.number for each in vote.candidates if each.alive]
    return Mistake(
        f"at {vote.time:.1f} s {alive} are alive, {vote.answer}",
        "return the number of a replica that is alive, or None",
    )


def _lost(day: ElectionDay) -> Mistake | None:
    lost = day.books.lost
    if not lost:
        return None
    order = min(map(str, lost), key=lambda each: day.acknowledged[each])
    when = day.acknowledged[order]
    said = f"{order} was acknowledged at {when:.1f} s and is lost"
    bad = _to_blame(day, order)
    if bad is None:
        return Mistake(said, "what must a leader have?")
    time, number, end = bad
    longest = max(each.end for each in _vote_at(day, time).candidates)
    return Mistake(
        f"{said}: replica-{number}, elected at {time:.1f} s, had {end} entries, another {longest}",
        _hint(day, time, number),
    )


def _to_blame(day: ElectionDay, order: str) -> tuple[float, int, int] | None:
    """Return the first election of a replica that was not complete, after the order was
    acknowledged: when (s), the replica, and its end.
    """
    for vote in day.votes:
        chosen = vote.answer.value
        if chosen is None or vote.time < day.acknowledged[order]:
            continue
        if vote.answer.whole not in vote.complete:
            end = vote.candidates[vote.answer.whole].end
            return vote.time, vote.answer.whole, end
    return None


def _vote_at(day: ElectionDay, time: float) -> Vote:
    return next(vote for vote in day.votes if vote.time == time)


def _hint(day: ElectionDay, time: float, number: int) -> str:
    vote = _vote_at(day, time)
    waiting = sorted(vote.complete)
    alive = sum(each.alive for each in vote.candidates)
    if alive <= len(vote.candidates) / 2:
        return f"{waiting} are complete, and {alive} of {len(vote.candidates)} are alive: wait"
    return f"{waiting} are complete, {number} is not. May a leader be elected that is not?"


def _stuck(day: ElectionDay) -> Mistake | None:
    if day.leader is None:
        return Mistake(
            f"at {UNTIL:.0f} s all replicas are alive and none leads",
            "which replica can lead when all are back?",
        )
    if not day.committed:
        return Mistake(
            f"at {UNTIL:.0f} s the leader has entries that are not committed",
            "how often may the leader change while it is alive?",
        )
    return None


def _idle(day: ElectionDay) -> Mistake | None:
    if day.idle <= PATIENCE:
        return None
    return Mistake(
        f"for {day.idle:.1f} s no replica led, although a complete one and a majority were alive",
        "which replica does your election wait for, and what does that one have more?",
    )


def _replay(day: ElectionDay, said: str) -> Run:
    """Return the run that a replay shows: the lanes, the answers, and what became of the orders."""
    trace = Trace()
    trace.records += day.trace.records
    context = Context(tables={"promises": day.books})
    charts = ("replicas", "answers", "promises")
    verdict = f"seed {day.seed}: {said}."
    return Run(None, day.seed, trace, UNTIL, {}, verdict, context=context, charts=charts)
