"""Exercise 02.2: the number of clerks that a desk needs, from its customers' arrival times."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any, NamedTuple

from mqlearn.study.arrivals import DAYS
from mqlearn.study.exercise import SEEDS, Answer, Exercise, Mistake, call_answer
from mqlearn.study.verdict import Verdict
from mqlearn.study.words import format_count
from mqlearn.units.work_queues.desk import Day, drawn, fifo_waits, p95, recorded


def check_fewest_clerks(fewest_clerks: Callable[[list[float], float, float], int]) -> Verdict:
    """Grade `fewest_clerks(arrivals_s, service_s, limit_s)`, which finds the fewest clerks for a
    day.

    All clerks serve one line, first come, first served, each customer in `service_s` seconds. A
    customer waits from arrival until a clerk begins; at least 95 % may wait no longer than
    `limit_s` seconds.
    """
    return EXERCISE.grade(fewest_clerks)


class Staffing(NamedTuple):
    """A day, and the answer for it: a number of clerks."""

    day: Day
    answer: Answer


class FewestClerksExercise(Exercise[Day | int, Staffing]):
    """The fewest clerks on recorded days, on small ones, and on a drawn day for each seed."""

    def cases(self) -> Iterable[Day | int]:
        return chain(recorded(), SEEDS)

    def play(self, answer: Callable[..., Any], case: Day | int) -> Staffing:
        day = case if isinstance(case, Day) else drawn(case)
        return Staffing(day, call_answer(answer, list(day.arrivals), day.service, day.limit))

    def mistakes(self, world: Staffing) -> Iterator[Mistake]:
        day, clerks = world.day, world.answer.whole
        scene = f"{day.name}, {day.service:g} s each"
        if clerks < 1:
            yield Mistake(
                f"{scene}: expected a whole number of clerks from 1, {world.answer}",
                "try 1, 2, 3, … and return the first that is enough",
            )
            return
        # If the answer is too high, the wait with the right number is shown: that is enough.
        wait = p95(fifo_waits(day.arrivals, min(clerks, day.fewest), day.service))
        if clerks < day.fewest:
            yield Mistake(
                f"{scene}: with {format_count(clerks, 'clerk')} 95 % wait up to "
                f"{_seconds(wait)}, and {day.limit:g} s are allowed",
                "the mean rate of a day hides its rush: replay the arrivals one by one",
            )
        elif clerks > day.fewest:
            yield Mistake(
                f"{scene}: fewer than {clerks} are enough, with "
                f"{format_count(day.fewest, 'clerk')} 95 % wait up to {_seconds(wait)}, "
                f"and {day.limit:g} s are allowed",
                "all clerks serve one line, a wait ends when service begins, and 5 % may wait "
                "longer",
            )

    def summary(self, worlds: list[Staffing]) -> str:
        fewest = {world.day.name: world.day.fewest for world in worlds}
        found = ", ".join(
            f"{format_count(fewest[f'{day} {how}'], 'clerk')} for {day} {how}"
            for day in DAYS
            for how in ("by the timetable", "as flown")
        )
        return f"{len(worlds) - len(SEEDS)} days and {len(SEEDS)} seeds: {found}"


EXERCISE = FewestClerksExercise()


def _seconds(wait: float) -> str:
    return f"{wait:,.0f} s" if wait >= 1000 else f"{wait:.4g} s"
