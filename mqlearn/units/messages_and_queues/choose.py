"""Exercise 01.3: which priority is served next, so that the urgent hardly wait and none waits
forever. Graded by chaos.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, partial
from typing import Any

from mqlearn.messaging.message import MessagePriority
from mqlearn.messaging.percentile import percentile
from mqlearn.study.exercise import SEEDS, Exercise, Mistake, no_function
from mqlearn.study.verdict import Verdict, passed
from mqlearn.units.messages_and_queues.hour import Choose, Hour, replay, serve

PATIENCE = 60.0  # seconds that a LOW message may wait
AT_MOST = 1.5  # times the 95th percentile of CRITICAL's waits that the strict rule has

LOW, CRITICAL = MessagePriority.LOW, MessagePriority.CRITICAL


class ChooseExercise(Exercise[int, Hour]):
    """Hours before one worker: LOW must not starve there, and CRITICAL must hardly wait.

    CRITICAL messages are few: their waits are judged over all hours together.
    """

    def play(self, answer: Callable[..., Any], case: int) -> Hour:
        hour = serve(answer, case)
        strict_waits(case)  # while this seed's arrivals are at hand
        return hour

    def mistakes(self, world: Hour) -> Iterator[Mistake]:
        """Yield what is wrong with this hour, as if it were the only one."""
        if mistake := world.mistake or _starved(world):
            yield mistake
        if world.mistake is None and (late := _late(world)):
            yield late

    def summary(self, worlds: list[Hour]) -> str:
        found, strict = _critical_waits(worlds)
        longest = max(wait for hour in worlds for wait in hour.waits(LOW))
        messages = sum(len(hour.jobs) for hour in worlds)
        return (
            f"{len(worlds)} seeds, {messages:,} messages: no LOW waited longer than "
            f"{longest:.1f} s, and 95 % of CRITICAL at most {found:.2f} s "
            f"(strictly by priority: {strict:.2f} s)"
        )

    def grade(self, answer: Any) -> Verdict:
        """Return the verdict: of one hour if LOW starves there, else of all hours together."""
        if not callable(answer):
            return no_function(answer)
        hours = []
        for seed in self.cases():
            hour = self.play(answer, seed)
            if mistake := hour.mistake or _starved(hour):
                return mistake.verdict(seed)
            hours.append(hour)
        found, strict = _critical_waits(hours)
        if found <= AT_MOST * strict:
            return passed(self.summary(hours))
        seed, late = next((hour.seed, late) for hour in hours if (late := _late(hour)))
        said = (
            f"{late.said}. Over all seeds it is {found:.2f} s, and {AT_MOST:g} × {strict:.2f} s "
            "are allowed"
        )
        return Mistake(said, late.hint, late.make_run).verdict(seed)


def check_choose(choose: Choose) -> Verdict:
    """Grade `choose(heads, now)`, which picks the priority that one worker serves next: the urgent
    go first, and none starves.

    `heads` has each priority with waiting messages, and the time (s) at which its oldest one came,
    CRITICAL first; `now` is the time (s). The answer is one of these priorities, and its oldest
    message is served. Messages come at 0.8 per second for an hour and take a second on average; 5 %
    are CRITICAL, 15 % HIGH, 40 % NORMAL, 40 % LOW.

    Over 100 seeds no LOW message may wait longer than 60 s before service, and of all CRITICAL ones
    95 % may wait at most 1.5 times as long as where the most urgent always goes first, on the very
    same arrivals.
    """
    return EXERCISE.grade(choose)


EXERCISE = ChooseExercise()


def _critical_waits(hours: list[Hour]) -> tuple[float, float]:
    """Return the 95th percentiles of all waits of CRITICAL (s): as chosen, and by the strict
    rule.
    """
    return (
        _p95(wait for hour in hours for wait in hour.waits(CRITICAL)),
        _p95(wait for hour in hours for wait in strict_waits(hour.seed)),
    )


def _p95(waits: Iterable[float]) -> float:
    return percentile(sorted(waits), 95)


def _starved(hour: Hour) -> Mistake | None:
    """Return what is wrong if a LOW message waited too long: the first one that did."""
    late = [
        (hour.jobs[number].sent + PATIENCE, number, start)
        for number, start in hour.begun
        if hour.jobs[number].priority is LOW and start - hour.jobs[number].sent > PATIENCE
    ]
    if not late:
        return None
    instant, number, start = min(late)
    return _mistake(
        hour,
        f"order-{number + 1}, LOW, still waited at {instant:,.1f} s, {PATIENCE:g} s after it came, "
        f"and was served after {start - hour.jobs[number].sent:.1f} s",
        "let those who have waited long overtake the more urgent",
    )


def _late(hour: Hour) -> Mistake | None:
    """Return what is wrong if CRITICAL waited much longer than by the strict rule: the message that
    waited longest.
    """
    found, strict = _p95(hour.waits(CRITICAL)), _p95(strict_waits(hour.seed))
    if found <= AT_MOST * strict:
        return None
    wait, number, start = max(
        (start - hour.jobs[number].sent, number, start)
        for number, start in hour.begun
        if hour.jobs[number].priority is CRITICAL
    )
    return _mistake(
        hour,
        f"order-{number + 1}, CRITICAL, was served at {start:,.1f} s, after {wait:.1f} s; 95 % of "
        f"CRITICAL waited up to {found:.1f} s, and {strict:.1f} s where the most urgent goes first",
        "only those who have waited very long may overtake an urgent message",
    )


def _mistake(hour: Hour, said: str, hint: str) -> Mistake:
    return Mistake(said, hint, partial(replay, hour, said))


@lru_cache(maxsize=len(SEEDS))
def strict_waits(seed: int) -> tuple[float, ...]:
    """Return how long this seed's CRITICAL messages wait, in seconds, where the most urgent always
    goes first.
    """
    return tuple(serve(lambda heads, _: next(iter(heads)), seed).waits(CRITICAL))
