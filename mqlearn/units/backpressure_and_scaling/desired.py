"""Exercise 12.3: a rule for an autoscaler, against rushes, start-up times and a budget."""

from __future__ import annotations

import heapq
import math
import random
from collections import deque
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

from mqlearn.messaging.autoscaler import Seen
from mqlearn.messaging.percentile import percentile
from mqlearn.study.exercise import SEEDS, Answer, Exercise, Mistake, call_answer, is_number
from mqlearn.study.verdict import Verdict

if TYPE_CHECKING:
    import pandas as pd

EVERY = 15.0  # seconds between two looks
LEAST, MOST = 1, 200  # workers
SLACK = 5.0  # seconds: the 95th percentile of the wait may be the start-up and so much more
BUDGET = 1.6  # times the work: so many worker-seconds may be paid


def check_desired(desired: Callable[[Seen], float]) -> Verdict:
    """Grade `desired(seen)`, the number of workers that there should be.

    It is asked every 15 s; `seen` is what an `Autoscaler` of the package sees: `waiting`,
    `oldest_s`, `running`, `starting`, `busy`, `arrived` and `done` since the last look, `every_s`,
    `service_s`, `start_up_s`, `now`. A worker takes 30 to 120 s to start and is paid from the order
    on. In each of 100 seeds a calm load for 2 to 4 workers meets two rushes of 5 to 10 minutes for
    5 to 16. 95 % of the orders may wait no longer than the start-up and 5 s, and the paid time may
    be at most 1.6 times the work.
    """
    return EXERCISE.grade(desired)


class Load(NamedTuple):
    """A seed's orders: their arrival times (s), the seconds that each takes, the seconds that a
    worker takes to start, the workers at the start, and the time (s) at which the orders end.
    """

    arrivals: list[float]
    service: float
    start_up: float
    workers: int
    until: float


class Look(NamedTuple):
    """One look: what was seen, the answer, and the number of workers that it came to."""

    seen: Seen
    answer: Answer
    wanted: int

    def __str__(self) -> str:
        seen = self.seen
        return (
            f"at {seen.now:g} s, with {seen.waiting:,} waiting, {seen.running} running and "
            f"{seen.starting} starting, {self.answer}"
        )


class Scaled(NamedTuple):
    """A load, the looks at it, the wait (s) of each order, the paid worker-seconds; and what was
    wrong with an answer that was no number.
    """

    load: Load
    looks: list[Look]
    waits: list[float]
    paid: float
    wrong: str

    @property
    def p95(self) -> float:
        """The 95th percentile of the waits (s)."""
        return percentile(sorted(self.waits), 95)

    @property
    def cost(self) -> float:
        """The paid time, as a multiple of the work."""
        return self.paid / (len(self.load.arrivals) * self.load.service)


@lru_cache(maxsize=len(SEEDS))
def load_of(seed: int) -> Load:
    """Return this seed's orders."""
    rng = random.Random(f"scale {seed}")
    service = rng.choice([0.5, 1.0, 2.0])
    start_up = rng.uniform(30, 120)
    base, peak = rng.uniform(2, 4) / service, rng.uniform(8, 16) / service
    plan = [(300.0, base)]
    for _ in range(2):
        rush, high = rng.uniform(300, 600), peak if rng.random() < 0.7 else 0.6 * peak
        plan += [(rush, high), (rng.uniform(240, 480), base)]
    gaps = random.Random(f"arr {seed}")
    arrivals: list[float] = []
    begin = 0.0
    for seconds, rate in plan:
        time = begin
        while (time := time + gaps.expovariate(rate)) < begin + seconds:
            arrivals.append(time)
        begin += seconds
    return Load(arrivals, service, start_up, math.ceil(base * service / 0.7), begin)


class Pool:
    """One line of orders and workers that come and go, worked out event by event.

    It does what `Autoscaler` and `MessageProcessor.scale_to` do, for constant services, and many
    times as fast. Workers are paid from their order to their end.
    """

    def __init__(self, load: Load) -> None:
        self.load = load
        self.now = self.paid = 0.0
        self.running, self.leaving = load.workers, 0
        self.line: deque[float] = deque()  # the arrival times of those that wait
        # a heap: when each busy worker will be free, and when its order came
        self.ends: list[tuple[float, float]] = []
        self.starts: deque[float] = deque()  # when those that start will be ready, in order
        self.waits: list[float] = []
        self.arrived = self.done = self.sent = 0

    def run(self, desired: Callable[[Seen], int]) -> None:
        """Go on until all orders are done, and ask `desired` every 15 s."""
        load, look = self.load, 0.0
        while self.sent < len(load.arrivals) or self.line or self.ends or self.now < load.until:
            coming = load.arrivals[self.sent] if self.sent < len(load.arrivals) else math.inf
            free = self.ends[0][0] if self.ends else math.inf
            ready = self.starts[0] if self.starts else math.inf
            self._pass(min(coming, free, ready, look))
            if self.now == free:
                heapq.heappop(self.ends)
                self.done += 1
                if self.leaving:
                    self.leaving -= 1
            elif self.now == coming:
                self.line.append(self.now)
                self.sent += 1
                self.arrived += 1
            elif self.now == ready:
                self.starts.popleft()
                self.running += 1
            else:
                self._scale(desired(self._see()))
                self.arrived = self.done = 0
                look += EVERY
            # those that leave after their job take no other
            while self.line and len(self.ends) - self.leaving < self.running:
                came = self.line.popleft()
                self.waits.append(self.now - came)
                heapq.heappush(self.ends, (self.now + load.service, came))

    def _pass(self, time: float) -> None:
        self.paid += (self.running + self.leaving + len(self.starts)) * (time - self.now)
        self.now = time

    def _see(self) -> Seen:
        # all services last the same, so the first to end is the oldest
        oldest = self.ends[0][1] if self.ends else self.line[0] if self.line else self.now
        return Seen(
            now=self.now,
            waiting=len(self.line),
            oldest_s=self.now - oldest,
            running=self.running,
            starting=len(self.starts),
            busy=len(self.ends),
            arrived=self.arrived,
            done=self.done,
            every_s=EVERY,
            service_s=self.load.service,
            start_up_s=self.load.start_up,
        )

    def _scale(self, wanted: int) -> None:
        more = wanted - self.running - len(self.starts)
        if more >= 0:
            kept = min(more, self.leaving)  # those that have not ended yet stay
            self.leaving -= kept
            self.running += kept
            self.starts.extend([self.now + self.load.start_up] * (more - kept))
            return
        cancelled = min(-more, len(self.starts))
        for _ in range(cancelled):
            self.starts.pop()
        fewer = -more - cancelled
        idle = self.running - (len(self.ends) - self.leaving)
        self.running -= fewer
        self.leaving += max(0, fewer - idle)


class DesiredExercise(Exercise[int, Scaled]):
    """The wait and the cost that a rule comes to on each load."""

    def play(self, answer: Callable[..., Any], case: int) -> Scaled:
        load = load_of(case)
        pool, looks, wrong = Pool(load), [], []

        def desired(seen: Seen) -> int:
            given = call_answer(answer, seen)
            if given.error is not None or not is_number(given.value):
                wrong.append(f"at {seen.now:g} s a number of workers, {given}")
                wanted = seen.running + seen.starting
            else:
                wanted = max(LEAST, min(MOST, math.ceil(given.value)))
            looks.append(Look(seen, given, wanted))
            return wanted

        pool.run(desired)
        return Scaled(load, looks, pool.waits, pool.paid, wrong[0] if wrong else "")

    def mistakes(self, world: Scaled) -> Iterator[Mistake]:
        load = world.load
        scene = f"{load.service:g} s per order, start-up {load.start_up:.0f} s"
        if world.wrong:
            yield Mistake(
                f"{scene}: expected {world.wrong}",
                "return a number; it is rounded up and kept between 1 and 200",
            )
            return
        show = partial(_table, world)
        longest = max(world.looks, key=lambda look: look.seen.waiting)
        most = max(world.looks, key=lambda look: look.seen.running + look.seen.starting)
        if world.p95 > load.start_up + SLACK:
            yield Mistake(
                f"{scene}: 95 % wait up to {world.p95:.0f} s, {load.start_up + SLACK:.0f} s are "
                f"allowed; {longest}",
                "how many workers do the arrivals since the last look need, and who clears the "
                "backlog?",
                show,
            )
        if world.cost > BUDGET:
            yield Mistake(
                f"{scene}: the paid time is {world.cost:.2f} times the work, {BUDGET:g} times is "
                f"allowed; {most}",
                "those that are starting were ordered for the same backlog; and how long may it "
                "take to clear it?",
                show,
            )

    def summary(self, worlds: list[Scaled]) -> str:
        late = max(world.p95 - world.load.start_up for world in worlds)
        cost = max(world.cost for world in worlds)
        orders = sum(len(world.load.arrivals) for world in worlds)
        beyond = f"{abs(late):.0f} s {'longer' if late > 0 else 'shorter'} than"
        return (
            f"{len(worlds)} seeds, {orders:,} orders: 95 % wait at worst {beyond} the start-up, "
            f"and the paid time is at most {cost:.2f} times the work"
        )


def _table(world: Scaled) -> pd.DataFrame:
    """Return what was seen and wanted at each look."""
    import pandas as pd

    rows = [
        (f"{s.now:.0f}", s.waiting, s.arrived, s.busy, s.running, s.starting, wanted)
        for s, _, wanted in world.looks
    ]
    columns = ["now, s", "waiting", "arrived", "busy", "running", "starting", "wanted"]
    return pd.DataFrame(rows, columns=columns).set_index("now, s")


EXERCISE = DesiredExercise()
