"""A simulated network between a queue and its workers, over which jobs are pushed to them.

An ack and the job that answers it take a round trip together.

    far = RemoteWorkers(service=1.0, round_trip=1.0, workers=1, jobs=3)
    [job.started for job in far.handle(prefetch=1)]     # [0.5, 2.5, 4.5]
    [job.started for job in far.handle(prefetch=2)]     # [0.5, 1.5, 2.5]

For exercise 02.3.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from mqlearn.study.run import Run
from mqlearn.study.tries import Delivery, Life, Try, run_of_tries

CHARTS = ("utilisation", "depth")  # that a replay shows


class Job(NamedTuple):
    """One job: its number from 1, its worker, and when it was pushed, started and done (s)."""

    number: int
    worker: int
    pushed: float
    started: float
    done: float


@dataclass(frozen=True)
class RemoteWorkers:
    """A backlog of `jobs` jobs, each of `service` seconds, and workers a `round_trip` (s) away from
    it.
    """

    service: float
    round_trip: float
    workers: int
    jobs: int = 100

    def handle(self, prefetch: int) -> list[Job]:
        """Return the jobs, the first to be started first, if every worker holds at most `prefetch`
        of them.

        At 0 s the workers ask one after the other, and each is pushed as many jobs as it may hold.
        Each way takes half a round trip: so a job arrives that much later, and so does the ack of
        one that is done; the queue answers an ack with the next job. A job counts as held from
        when it is pushed until its ack arrives.
        """
        half, service = self.round_trip / 2, self.service
        waiting = iter(range(1, self.jobs + 1))
        handled: list[Job] = []
        events: list[tuple[float, int, str, int]] = []  # a heap: the next event is the first
        # of each worker: jobs (number, when pushed) on the way and at hand, and whether it is busy
        on_the_way = [deque[tuple[int, float]]() for _ in range(self.workers)]
        at_hand = [deque[tuple[int, float]]() for _ in range(self.workers)]
        busy = [False] * self.workers
        order = 0

        def schedule(time: float, event: str, worker: int) -> None:
            nonlocal order
            order += 1  # of events at one time, the one that was scheduled first happens first
            heapq.heappush(events, (time, order, event, worker))

        def push(now: float, worker: int) -> None:
            if (number := next(waiting, None)) is not None:
                on_the_way[worker].append((number, now))
                schedule(now + half, "arrives", worker)

        for worker in range(self.workers):
            for _ in range(min(prefetch, self.jobs)):
                push(0.0, worker)
        while events:
            now, _, event, worker = heapq.heappop(events)
            if event == "acked":
                push(now, worker)
                continue
            if event == "arrives":
                at_hand[worker].append(on_the_way[worker].popleft())
            else:
                busy[worker] = False
                schedule(now + half, "acked", worker)
            if at_hand[worker] and not busy[worker]:
                busy[worker] = True
                number, pushed = at_hand[worker].popleft()
                handled.append(Job(number, worker, pushed, now, now + service))
                schedule(now + service, "done", worker)
        return handled

    def makespan(self, prefetch: int) -> float:
        """Return when the last job is done, in seconds, if every worker holds at most `prefetch`
        jobs.
        """
        return max(job.done for job in self.handle(prefetch))

    def best(self, most: int = 100) -> tuple[float, int]:
        """Return the shortest makespan (s) of all prefetches from 1 to `most`, and the smallest
        that reaches it.
        """
        # no prefetch can be faster than workers that get their first job and never wait again
        floor = self.round_trip / 2 + math.ceil(self.jobs / self.workers) * self.service
        shortest = math.inf, 0
        for prefetch in range(1, most + 1):
            shortest = min(shortest, (self.makespan(prefetch), prefetch))
            if shortest[0] <= floor:
                break
        return shortest

    def run(self, prefetch: int) -> Run:
        """Return the run of the same jobs, until the last ack has arrived."""
        verdict = (
            f"{self.workers} workers, {self.service:.3g} s a job, {self.round_trip:.3g} s a "
            f"round trip, prefetch {prefetch}"
        )
        lives = [self._life(job) for job in sorted(self.handle(prefetch))]
        return run_of_tries(self, lives, queue="queue", verdict=verdict, charts=CHARTS)

    def _life(self, job: Job) -> Life:
        worker = f"worker-{job.worker}"
        call = Try(job.started, job.done, worker=worker)
        delivery = Delivery(job.pushed, job.done + self.round_trip / 2, worker=worker)
        return Life(f"order-{job.number}", 0.0, (call,), delivery=delivery)
