"""Exercise 01.3: choose the priority that is served next, so that urgent messages hardly wait and
no message waits forever. Graded on random arrivals.
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
# The strict rule always serves the most urgent message. An answer may have so many times its 95th
# percentile of the waits of CRITICAL.
AT_MOST = 1.5

LOW, CRITICAL = MessagePriority.LOW, MessagePriority.CRITICAL


class ChooseExercise(Exercise[int, Hour]):
    """Hours of messages for one worker: LOW must not starve, and CRITICAL must hardly wait.

    An hour has few CRITICAL messages, so their waits are judged over all hours together. That is
    why this exercise has its own `grade`.
    """

    def play(self, answer: Callable[..., Any], case: int) -> Hour:
        hour = serve(answer, case)
        strict_waits(case)  # now, while this seed's arrivals are still in the cache
        return hour

    def mistakes(self, world: Hour) -> Iterator[Mistake]:
        """Yield the mistakes in this hour, as if it were the only one."""
        if mistake := world.mistake or _starved(world):
            yield mistake
        if world.mistake is None and _is_late(world):
            yield _longest_wait(world)

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
        """Return the verdict: on the first hour with a starved LOW message, or else on all hours
        together.
        """
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
        # The first hour that is too late by itself is shown as the example. There may be none, as
        # the limit of all hours together is not that of each: then the hour with the longest waits.
        example = next(filter(_is_late, hours), None) or max(
            hours, key=lambda hour: _p95(hour.waits(CRITICAL))
        )
        late = _longest_wait(example)
        said = (
            f"{late.said}. Over all seeds it is {found:.2f} s, and {AT_MOST:g} × {strict:.2f} s "
            "are allowed"
        )
        return Mistake(said, late.hint, late.make_run).verdict(example.seed)


def check_choose(choose: Choose) -> Verdict:
    """Grade `choose(heads, now)`, which picks the priority that one worker serves next, so that
    urgent messages go first and none starves.

    `heads` is a dict from each priority with waiting messages to the time (s) at which its oldest
    message came, CRITICAL first; `now` is the time (s). The answer is one of these priorities, and
    its oldest message is served. Messages arrive at 0.8 per second for an hour, and a service takes
    one second on average; 5 % are CRITICAL, 15 % HIGH, 40 % NORMAL, 40 % LOW.

    Over 100 seeds no LOW message may wait longer than 60 s. The 95th percentile of the waits of all
    CRITICAL messages may be at most 1.5 times what it is on the same arrivals if the most urgent
    message always goes first.
    """
    return EXERCISE.grade(choose)


EXERCISE = ChooseExercise()


def _critical_waits(hours: list[Hour]) -> tuple[float, float]:
    """Return the 95th percentile of all waits of CRITICAL (s) by the answer's choices, and by the
    strict rule.
    """
    return (
        _p95(wait for hour in hours for wait in hour.waits(CRITICAL)),
        _p95(wait for hour in hours for wait in strict_waits(hour.seed)),
    )


def _p95(waits: Iterable[float]) -> float:
    return percentile(sorted(waits), 95)


def _starved(hour: Hour) -> Mistake | None:
    """Return the mistake about the first LOW message that waited too long, or None."""
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


def _is_late(hour: Hour) -> bool:
    """Return True for an hour where CRITICAL waited much longer than by the strict rule."""
    return _p95(hour.waits(CRITICAL)) > AT_MOST * _p95(strict_waits(hour.seed))


def _longest_wait(hour: Hour) -> Mistake:
    """Return the mistake of an hour where CRITICAL waited too long, with the message that waited
    longest.
    """
    found, strict = _p95(hour.waits(CRITICAL)), _p95(strict_waits(hour.seed))
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
    """Return the waits (s) of this seed's CRITICAL messages by the strict rule."""
    return tuple(serve(lambda heads, _: next(iter(heads)), seed).waits(CRITICAL))
