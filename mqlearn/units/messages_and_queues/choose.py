"""Exercise 01.3: who is served next, so that the urgent hardly wait and nobody waits for ever.
Graded by chaos.
"""

from __future__ import annotations

import random
from bisect import bisect
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from mqlearn.messaging.message import MessagePriority
from mqlearn.messaging.percentile import percentile
from mqlearn.study.exercise import SEEDS, Answer, Mistake, no_function
from mqlearn.study.verdict import Verdict, passed
from mqlearn.units.messages_and_queues.hour import replayed

RATE, SERVICE_RATE, HOUR = 0.8, 1.0, 3600.0  # per second, per second, seconds
URGENT_FIRST = tuple(reversed(MessagePriority))
# LOW 40 %, NORMAL 40, HIGH 15, CRITICAL the rest
KINDS, UP_TO = tuple(MessagePriority), (0.4, 0.8, 0.95)
PURPOSES = ("arrive", "share", "serve")
PATIENCE = 60.0  # seconds that a LOW message may wait
AT_MOST = 1.5  # times the 95th percentile of CRITICAL's waits that the strict rule has

LOW, CRITICAL = MessagePriority.LOW, MessagePriority.CRITICAL
# when it comes (s), how urgent it is, how long it takes (s)
Job = tuple[float, MessagePriority, float]
Choose = Callable[[dict[MessagePriority, float], float], MessagePriority]


@dataclass(frozen=True)
class Shift:
    """An hour at the desk: its jobs, and the number of each (from 0) with the time its service
    began (s), in order.
    """

    jobs: Sequence[Job]
    begun: list[tuple[int, float]]

    def waits(self, priority: MessagePriority) -> list[float]:
        """How long each job of this priority waited, in seconds."""
        return [
            start - self.jobs[number][0]
            for number, start in self.begun
            if self.jobs[number][1] is priority
        ]


def check_choose(choose: Choose) -> Verdict:
    """Whether `choose(heads, now)` picks whom one worker serves next, so that the urgent go first
    and nobody starves.

    `heads` has each priority of which somebody waits, with the time (s) at which its oldest message
    came, CRITICAL first; `now` is the time (s). The answer is one of these priorities, and its
    oldest message is served. Messages come at 0.8 a second for an hour and take a second on
    average; 5 % are CRITICAL, 15 % HIGH, 40 % NORMAL, 40 % LOW.

    Over 100 seeds no LOW message may wait longer than 60 s before service, and of all CRITICAL ones
    95 % may wait at most 1.5 times as long as where the most urgent always goes first, on the very
    same arrivals.
    """
    if not callable(choose):
        return no_function(choose)
    shifts = []
    for seed in SEEDS:
        shift, fault = work(choose, seed)
        if fault is not None:
            return fault.verdict(seed)
        if (starved := _starved(shift, seed)) is not None:
            return starved.verdict(seed)
        shifts.append(shift)
        strict_waits(seed)  # while this seed's arrivals are at hand
    return _urgent_enough(shifts)


def mistakes(choose: Choose, seed: int) -> Iterator[Mistake]:
    """The faults of this seed, as if it were the only one."""
    shift, fault = work(choose, seed)
    found = (fault,) if fault is not None else (_starved(shift, seed), _late(shift, seed))
    yield from (fault for fault in found if fault is not None)


def work(choose: Choose, seed: int) -> tuple[Shift, Mistake | None]:
    """Serve this seed's jobs in the order that `choose` picks, and say where its answer was
    none.
    """
    jobs = arrivals(seed)
    lines: dict[Any, deque[int]] = {priority: deque() for priority in URGENT_FIRST}
    begun: list[tuple[int, float]] = []
    shift = Shift(jobs, begun)
    come, now = 0, 0.0
    while len(begun) < len(jobs):
        if len(begun) == come:  # nobody waits
            now = max(now, jobs[come][0])
        while come < len(jobs) and jobs[come][0] <= now:
            lines[jobs[come][1]].append(come)
            come += 1
        try:
            choice = choose(
                {priority: jobs[line[0]][0] for priority, line in lines.items() if line}, now
            )
        except Exception as error:  # told in words, not raised
            return shift, _no_choice(lines, now, Answer(error=error))
        try:
            number = lines[choice].popleft()
        except Exception:  # no priority, one of which nobody waits, nothing that can be looked up
            return shift, _no_choice(lines, now, Answer(choice))
        begun.append((number, now))
        now += jobs[number][2]
    return shift, None


def _no_choice(lines: dict[Any, deque[int]], now: float, answer: Answer) -> Mistake:
    waiting = ", ".join(priority.name for priority, line in lines.items() if line)
    return Mistake(
        f"at {now:.1f} s expected one of the priorities that wait ({waiting}), {answer}",
        "return a key of heads; max(heads, key=…) is one, whatever you weigh them by",
    )


def _starved(shift: Shift, seed: int) -> Mistake | None:
    """The first LOW message whose patience ran out."""
    gone = [
        (shift.jobs[number][0] + PATIENCE, number, start)
        for number, start in shift.begun
        if shift.jobs[number][1] is LOW and start - shift.jobs[number][0] > PATIENCE
    ]
    if not gone:
        return None
    instant, number, start = min(gone)
    return _broken(
        seed,
        shift,
        f"order-{number + 1}, LOW, still waited at {instant:,.1f} s, "
        f"{PATIENCE:g} s after it "
        f"came, and was served after {start - shift.jobs[number][0]:.1f} s",
        "let those who have waited long overtake the more urgent",
    )


def _late(shift: Shift, seed: int) -> Mistake | None:
    """The CRITICAL message that waited longest, if theirs is not what the strict rule would give
    them.
    """
    found = percentile(sorted(shift.waits(CRITICAL)), 95)
    strict = percentile(sorted(strict_waits(seed)), 95)
    if found <= AT_MOST * strict:
        return None
    wait, number, start = max(
        (start - shift.jobs[number][0], number, start)
        for number, start in shift.begun
        if shift.jobs[number][1] is CRITICAL
    )
    return _broken(
        seed,
        shift,
        f"order-{number + 1}, CRITICAL, was served at {start:,.1f} s, "
        f"after {wait:.1f} s; 95 % "
        f"of CRITICAL waited up to {found:.1f} s, and {strict:.1f} s where the most "
        "urgent goes first",
        "only those who have waited very long may overtake an urgent message",
    )


def _urgent_enough(shifts: list[Shift]) -> Verdict:
    found = percentile(sorted(wait for shift in shifts for wait in shift.waits(CRITICAL)), 95)
    strict = percentile(sorted(wait for seed in SEEDS for wait in strict_waits(seed)), 95)
    if found > AT_MOST * strict:
        late = ((seed, _late(shift, seed)) for seed, shift in zip(SEEDS, shifts, strict=True))
        seed, fault = next((seed, fault) for seed, fault in late if fault is not None)
        said = (
            f"{fault.said}. Over all seeds it is {found:.2f} s, and {AT_MOST:g} × {strict:.2f} s "
            "are allowed"
        )
        return Mistake(said, fault.hint, fault.make_run).verdict(seed)
    longest = max(wait for shift in shifts for wait in shift.waits(LOW))
    messages = sum(len(shift.jobs) for shift in shifts)
    return passed(
        f"{len(shifts)} seeds, {messages:,} messages: no LOW waited longer than "
        f"{longest:.1f} s, and 95 % "
        f"of CRITICAL at most {found:.2f} s (strictly by priority: {strict:.2f} s)"
    )


def _broken(seed: int, shift: Shift, said: str, hint: str) -> Mistake:
    return Mistake(said, hint, partial(replayed, seed, shift.jobs, shift.begun, said))


@lru_cache(maxsize=len(SEEDS))
def strict_waits(seed: int) -> tuple[float, ...]:
    """How long this seed's CRITICAL messages wait, in seconds, where the most urgent always goes
    first.
    """
    return tuple(work(lambda heads, _: next(iter(heads)), seed)[0].waits(CRITICAL))


@lru_cache(maxsize=2)
def arrivals(seed: int) -> tuple[Job, ...]:
    """An hour of jobs, drawn from the seed."""
    come, kind, takes = (random.Random(f"{purpose} {seed}") for purpose in PURPOSES)
    jobs: list[Job] = []
    time = come.expovariate(RATE)
    while time < HOUR:
        jobs.append((time, KINDS[bisect(UP_TO, kind.random())], takes.expovariate(SERVICE_RATE)))
        time += come.expovariate(RATE)
    return tuple(jobs)
