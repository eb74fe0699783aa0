"""Exercise 02.3: the prefetch, which is the number of jobs that a worker may hold. With too few it
idles; with too many it holds jobs that another worker could do.

Graded on random service times and distances.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import Any, NamedTuple

from mqlearn.study.exercise import SEEDS, Answer, Exercise, Mistake, call_answer
from mqlearn.study.verdict import Verdict
from mqlearn.units.work_queues.network import Job, RemoteWorkers

MOST_IDLE = 0.02  # the largest share of the workers' time that may be idle while jobs wait
AT_MOST = 1.1  # times the shortest makespan


def check_prefetch(prefetch: Callable[[float, float], int]) -> Verdict:
    """Grade `prefetch(service_s, round_trip_s)`, the number of unsettled jobs that a worker should
    hold.

    2 to 8 workers far from a queue share a backlog of 100 jobs, which take `service_s` seconds each
    (1 ms to 10 s). The queue pushes jobs to a worker until it holds as many as allowed, the job it
    works on included. When a job is done, its ack and the next job together take a round trip of
    `round_trip_s` seconds (1 to 100 ms, at most ten services).

    In 100 seeds, workers that have begun may idle at most 2 % of the time while jobs wait in the
    queue, and the last job must be done within 1.1 times the time that the best prefetch from 1 to
    100 needs.
    """
    return EXERCISE.grade(prefetch)


class Backlog(NamedTuple):
    """A seed's backlog, the answer for it, and the jobs with this prefetch in the order of their
    starts; no jobs if the answer is no prefetch.
    """

    seed: int
    far: RemoteWorkers
    answer: Answer
    jobs: list[Job]

    def __str__(self) -> str:
        return (
            f"{_span(self.far.service)} a job, {_span(self.far.round_trip)} a round trip, "
            f"{self.far.workers} workers"
        )


class PrefetchExercise(Exercise[int, Backlog]):
    """The time that workers idle, and the time until the last job is done, on each backlog."""

    def play(self, answer: Callable[..., Any], case: int) -> Backlog:
        far = backlog_of(case)
        given = call_answer(answer, far.service, far.round_trip)
        return Backlog(case, far, given, far.handle(given.whole) if given.whole >= 1 else [])

    def mistakes(self, world: Backlog) -> Iterator[Mistake]:
        prefetch = world.answer.whole
        if prefetch < 1:
            yield Mistake(
                f"{world}: expected a whole number from 1, {world.answer}",
                "how many jobs does a worker finish in one round trip?",
            )
            return
        for wrong in (_idle(world.jobs, world.far.workers), _late(world.jobs, best_of(world.seed))):
            if wrong is not None:
                said, hint = wrong
                yield Mistake(
                    f"{world}, prefetch {prefetch}: {said}", hint, partial(world.far.run, prefetch)
                )

    def summary(self, worlds: list[Backlog]) -> str:
        jobs = sum(world.far.jobs for world in worlds)
        return (
            f"{len(worlds)} seeds, {jobs:,} jobs: workers idled at most {MOST_IDLE:.0%} of the "
            f"time beside a backlog, and none took more than {AT_MOST:g} times as long as with "
            "the best prefetch of all"
        )


EXERCISE = PrefetchExercise()


class Pause(NamedTuple):
    """A pause of a worker while jobs still waited in the queue: its length (s), and the job before
    it.
    """

    seconds: float
    after: Job


def _idle(jobs: list[Job], workers: int) -> tuple[str, str] | None:
    """Return the mistake and a hint if workers that have begun idle while jobs wait; else None."""
    emptied = max(job.pushed for job in jobs)  # from then on no job waits in the queue
    last: dict[int, Job] = {}  # of each worker
    pauses = []
    for job in jobs:
        if (before := last.pop(job.worker, None)) is not None:
            pauses.append(Pause(min(job.started, emptied) - before.done, before))
        last[job.worker] = job
    pauses += [Pause(emptied - before.done, before) for before in last.values()]
    idle = [pause for pause in pauses if pause.seconds > 0]
    share = sum(pause.seconds for pause in idle) / (workers * emptied) if emptied else 0.0
    if share <= MOST_IDLE:
        return None
    first = idle[0]
    return (
        f"worker-{first.after.worker} has nothing to do from {first.after.done:.4g} s, when "
        f"order-{first.after.number} is done, for {_span(first.seconds)}, while jobs wait in the "
        f"queue; all workers idle {share:.0%} of the time until it is empty",
        "a worker needs enough at hand to last until the next job comes",
    )


def _late(jobs: list[Job], best: tuple[float, int]) -> tuple[str, str] | None:
    """Return the mistake and a hint if the last job is done too late; else None."""
    # of several that are done last, the one whose id is the last as a text
    last = max(jobs, key=lambda job: (job.done, f"order-{job.number}"))
    if last.done <= AT_MOST * best[0]:
        return None
    return (
        f"order-{last.number}, the last job, is done by worker-{last.worker} at {last.done:.4g} s, "
        f"and could be at {best[0]:.4g} s",
        "what one worker holds, another who is free cannot take",
    )


def _span(seconds: float) -> str:
    """Return a time (s) with three digits, in a unit that suits it."""
    return f"{seconds:.3g} s" if seconds >= 1 else f"{1000 * seconds:.3g} ms"


@lru_cache(maxsize=len(SEEDS))
def best_of(seed: int) -> tuple[float, int]:
    """Return this seed's shortest makespan (s) and the prefetch that reaches it."""
    return backlog_of(seed).best()


def backlog_of(seed: int) -> RemoteWorkers:
    """Return this seed's backlog and workers: times spread evenly over orders of magnitude."""
    rng = random.Random(f"prefetch {seed}")
    # Uniform in the exponent: 1 to 10 ms is drawn as often as 1 to 10 s.
    service = 10 ** rng.uniform(-3, 1)
    # beyond ten services a backlog of 100 is too short to fill the round trips of eight workers
    round_trip = min(10 ** rng.uniform(-3, -1), 10 * service)
    return RemoteWorkers(service, round_trip, rng.randint(2, 8))
