"""A simulated network between a queue and its workers. The queue pushes jobs to the workers over
it.

An ack on its way to the queue, and the next job on its way back, together take one round trip.

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
    """One job: its number from 1, its worker, and the times (s) at which it was pushed, started and
    done.
    """

    number: int
    worker: int
    pushed: float
    started: float
    done: float


@dataclass(frozen=True)
class RemoteWorkers:
    """A backlog of `jobs` jobs that take `service` seconds each, and the workers, whose messages
    take a `round_trip` (s) to the queue and back.
    """

    service: float
    round_trip: float
    workers: int
    jobs: int = 100

    def handle(self, prefetch: int) -> list[Job]:
        """Return the jobs in the order of their starts, if every worker holds at most `prefetch`
        jobs.

        At 0 s the queue pushes to one worker after the other as many jobs as the worker may hold. A
        job takes half a round trip to arrive, and so does the ack of a job that is done. The queue
        pushes the next job when an ack arrives. A job counts as held from the push until its ack
        arrives.
        """
        half, service = self.round_trip / 2, self.service
        waiting = iter(range(1, self.jobs + 1))
        handled: list[Job] = []
        events: list[tuple[float, int, str, int]] = []  # a heap: the next event is the first
        # For each worker: the jobs (number, time of the push) on the way and at hand, and True
        # while it works.
        on_the_way = [deque[tuple[int, float]]() for _ in range(self.workers)]
        at_hand = [deque[tuple[int, float]]() for _ in range(self.workers)]
        busy = [False] * self.workers
        order = 0

        def schedule(time: float, event: str, worker: int) -> None:
            nonlocal order
            order += 1  # of several events at the same time, the one scheduled first happens first
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
        """Return the time (s) at which the last job is done, if every worker holds at most
        `prefetch` jobs.
        """
        return max(job.done for job in self.handle(prefetch))

    def best(self, most: int = 100) -> tuple[float, int]:
        """Return the shortest makespan (s) of all prefetches from 1 to `most`, and the smallest
        that reaches it.
        """
        # No prefetch can be faster than this: workers that wait for their first job, and then never
        # again. A prefetch that reaches it ends the search early.
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
