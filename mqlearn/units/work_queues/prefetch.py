"""Exercise 02.3: how many jobs may a worker hold, so that none idles and none hoards? Graded by
chaos.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import Any

from mqlearn.runtime.trace import Record
from mqlearn.study.exercise import SEEDS, Mistake, call_answer, grade
from mqlearn.study.verdict import Verdict
from mqlearn.units.work_queues.wire import Shop

MOST_IDLE = 0.02  # share of the workers' time beside a backlog
AT_MOST = 1.1  # times the shortest makespan


def check_prefetch(prefetch: Callable[[float, float], int]) -> Verdict:
    """Whether `prefetch(service_s, round_trip_s)` is how many unsettled jobs a worker should hold.

    2 to 8 workers far from a queue share a backlog of 100 jobs of `service_s` seconds each (1 ms to
    10 s). Jobs are pushed to a worker until it holds as many as allowed, the one it works on
    included; when one is done, its ack and the next job take a round trip of `round_trip_s` seconds
    (1 to 100 ms, at most ten services).

    In 100 seeds, workers who have begun may idle at most 2 % of the time while jobs wait in the
    queue, and the last job must be done within 1.1 times what the best of all prefetches from 1 to
    100 takes.
    """
    jobs = sum(shop_of(seed).jobs for seed in SEEDS)
    return grade(
        mistakes,
        prefetch,
        lambda: (
            f"{len(SEEDS)} seeds, {jobs:,} jobs: workers idled at most {MOST_IDLE:.0%} of the time "
            "beside a backlog, and "
            f"none took more than {AT_MOST:g} times as long as with the best prefetch of all"
        ),
    )


def mistakes(prefetch: Callable[..., Any], seed: int) -> Iterator[Mistake]:
    """The faults with this seed's backlog."""
    shop = shop_of(seed)
    answer = call_answer(prefetch, shop.service, shop.round_trip)
    held = answer.whole
    scene = (
        f"{_span(shop.service)} a job, {_span(shop.round_trip)} a round trip, {shop.workers} "
        "workers"
    )
    if held < 1:
        yield Mistake(
            f"{scene}: expected a whole number from 1, {answer}",
            "how many jobs does a worker finish in one round trip?",
        )
        return
    run = shop.run(held)
    scene += f", prefetch {held}"
    for said, hint in (
        _idle(run.trace.records, shop.workers),
        _slow(run.trace.records, best_of(seed)),
    ):
        if said:
            yield Mistake(f"{scene}: {said}", hint, partial(shop.run, held))


def _idle(records: list[Record], workers: int) -> tuple[str, str]:
    """What is wrong if workers who have begun idle while jobs wait in the queue."""
    emptied = max(time for time, event, *_ in records if event == "received")
    idle_since: dict[str, tuple[float, str]] = {}
    pauses: list[tuple[float, str, str, float]] = []
    for time, event, _, _, message_id, _, _, worker, _, _ in records:
        if event == "finished":
            idle_since[worker] = time, message_id
        elif event == "started" and worker in idle_since:
            since, last = idle_since.pop(worker)
            pauses.append((min(time, emptied) - since, worker, last, since))
    pauses += [
        (emptied - since, worker, last, since) for worker, (since, last) in idle_since.items()
    ]
    share = (
        sum(pause for pause, *_ in pauses if pause > 0) / (workers * emptied) if emptied else 0.0
    )
    if share <= MOST_IDLE:
        return "", ""
    pause, worker, last, since = next(each for each in pauses if each[0] > 0)
    return (
        f"{worker} has nothing to do from {since:.4g} s, when {last} is done, for "
        f"{_span(pause)}, while jobs wait "
        f"in the queue; all workers idle {share:.0%} of the time until it is empty",
        "a worker needs enough at hand to last until the next job comes",
    )


def _slow(records: list[Record], best: tuple[float, int]) -> tuple[str, str]:
    """What is wrong if the last job is done too late."""
    ends = {
        worker: (time, message_id)
        for time, event, _, _, message_id, _, _, worker, *_ in records
        if event == "finished"
    }
    (end, message_id), worker = max((last, worker) for worker, last in ends.items())
    if end <= AT_MOST * best[0]:
        return "", ""
    return (
        f"{message_id}, the last job, is done by {worker} at {end:.4g} s, and could be at "
        f"{best[0]:.4g} s",
        "what one worker holds, another who is free cannot take",
    )


def _span(seconds: float) -> str:
    """A time (s) with three digits, in a unit that suits it."""
    return f"{seconds:.3g} s" if seconds >= 1 else f"{1000 * seconds:.3g} ms"


@lru_cache(maxsize=len(SEEDS))
def best_of(seed: int) -> tuple[float, int]:
    """This seed's shortest makespan (s) and the prefetch that reaches it."""
    return shop_of(seed).best()


def shop_of(seed: int) -> Shop:
    """This seed's shop: times spread evenly over orders of magnitude."""
    rng = random.Random(f"prefetch {seed}")
    service = 10 ** rng.uniform(-3, 1)
    # Beyond ten services a backlog of 100 is too short to fill the wires of eight workers.
    return Shop(service, min(10 ** rng.uniform(-3, -1), 10 * service), rng.randint(2, 8))
