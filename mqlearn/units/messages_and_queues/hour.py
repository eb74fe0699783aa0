"""An hour of messages for one worker, served in the order that a rule chooses. For exercise
01.3.
"""

from __future__ import annotations

import random
from bisect import bisect
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from mqlearn.messaging.message import MessagePriority
from mqlearn.study.exercise import ENDS_THE_CHECK, Answer, Mistake, call_answer
from mqlearn.study.run import Run
from mqlearn.study.tries import Life, Try, run_of_tries

RATE, SERVICE_RATE, HOUR = 0.8, 1.0, 3600.0  # per second, per second, seconds
URGENT_FIRST = tuple(reversed(MessagePriority))
# The priorities from LOW on, with the sums of their shares: LOW 40 %, NORMAL 40 %, HIGH 15 %, and
# CRITICAL the rest.
KINDS, UP_TO = tuple(MessagePriority), (0.4, 0.8, 0.95)
PURPOSES = ("arrive", "share", "serve")

Choose = Callable[[dict[MessagePriority, float], float], MessagePriority]


class Job(NamedTuple):
    """A message: when it is sent (s), its priority, and how long its work takes (s)."""

    sent: float
    priority: MessagePriority
    seconds: float


@dataclass(frozen=True)
class Hour:
    """An hour of jobs. `begun` has a pair for each served job, in the order of service: its number
    (from 0) and the start of its service (s).

    `mistake` is the mistake of a choice that could not be served: the service ends there.
    """

    seed: int
    jobs: Sequence[Job]
    begun: list[tuple[int, float]]
    mistake: Mistake | None = None

    def waits(self, priority: MessagePriority) -> list[float]:
        """Return the waits (s) of the served jobs with this priority."""
        return [
            start - self.jobs[number].sent
            for number, start in self.begun
            if self.jobs[number].priority is priority
        ]


def serve(choose: Choose, seed: int) -> Hour:
    """Serve this seed's jobs in the order that `choose` picks, until a choice cannot be served."""
    jobs = arrivals(seed)
    lines: dict[Any, deque[int]] = {priority: deque() for priority in URGENT_FIRST}
    begun: list[tuple[int, float]] = []
    arrived, now = 0, 0.0
    while len(begun) < len(jobs):
        if len(begun) == arrived:  # no job waits: on to the next arrival
            now = max(now, jobs[arrived].sent)
        # All that came during the last service may be chosen now.
        while arrived < len(jobs) and jobs[arrived].sent <= now:
            lines[jobs[arrived].priority].append(arrived)
            arrived += 1
        heads = {priority: jobs[line[0]].sent for priority, line in lines.items() if line}
        # Without `call_answer`: a check comes here 288,000 times, and that call would be the
        # slowest part.
        try:
            choice = choose(heads, now)
        except ENDS_THE_CHECK:
            raise
        except BaseException as error:  # the verdict reports it
            return Hour(seed, jobs, begun, _no_choice(lines, now, Answer(error=error)))
        try:
            number = lines[choice].popleft()
        except ENDS_THE_CHECK:
            raise
        except BaseException:  # not a priority, or one without a message, or a value without a hash
            return Hour(
                seed, jobs, begun, _no_choice(lines, now, call_answer(lambda it: it, choice))
            )
        begun.append((number, now))
        now += jobs[number].seconds
    return Hour(seed, jobs, begun)


def _no_choice(lines: dict[Any, deque[int]], now: float, answer: Answer) -> Mistake:
    waiting = ", ".join(priority.name for priority, line in lines.items() if line)
    return Mistake(
        f"at {now:.1f} s expected one of the priorities that wait ({waiting}), {answer}",
        "return a key of heads; max(heads, key=…) is one, whatever you weigh them by",
    )


@lru_cache(maxsize=2)
def arrivals(seed: int) -> tuple[Job, ...]:
    """Draw an hour of jobs from the seed."""
    # Three generators, so that the arrivals do not depend on how the rest is drawn.
    arrive, kind, takes = (random.Random(f"{purpose} {seed}") for purpose in PURPOSES)
    jobs: list[Job] = []
    time = arrive.expovariate(RATE)
    while time < HOUR:
        priority = KINDS[bisect(UP_TO, kind.random())]
        jobs.append(Job(time, priority, takes.expovariate(SERVICE_RATE)))
        time += arrive.expovariate(RATE)
    return tuple(jobs)


def replay(hour: Hour, verdict: str) -> Run:
    """Return the run of this hour; its first job is order-1."""
    starts = dict(hour.begun)
    lives = [
        Life(
            f"order-{number + 1}",
            job.sent,
            (Try(starts[number], starts[number] + job.seconds),) if number in starts else (),
            job.priority,
        )
        for number, job in enumerate(hour.jobs)
    ]
    charts = ("depth_by_priority", "wait_by_priority")
    return run_of_tries(None, lives, seed=hour.seed, queue="queue", verdict=verdict, charts=charts)
