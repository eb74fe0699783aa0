"""An autoscaler: it looks at a queue every few seconds, and gives its workers the number that a
rule asks for.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from mqlearn.messaging.metrics import MessageQueueMetrics, Snapshot
from mqlearn.messaging.workers import Workers
from mqlearn.runtime import check
from mqlearn.runtime.base import Task
from mqlearn.runtime.events import MOVES
from mqlearn.runtime.handed_in import ask

# a message arrives when it joins those that wait, by a send or for a retry; one that was given back
# unspent has arrived before
ARRIVALS = tuple(e for e, kind in MOVES.items() if kind.to == "waiting" and e != "released")
LOOKS = 4  # the services that ended since so many looks are averaged: one look sees too few


@dataclass(frozen=True, kw_only=True)
class Seen:
    """The state of a queue and its workers when an autoscaler looks.

    `now` is in seconds on their clock. `waiting` messages could be taken at once; `oldest_s` is the
    age (s) of the oldest message that is neither done nor dead. `running` workers take messages,
    `starting` ones do not yet, `busy` ones have a message in hand. Since the last look, `every_s`
    seconds ago, `arrived` messages came, retries included, and `done` messages were completed. A
    try takes `service_s` seconds, the mean of those that ended during the last four looks (0 before
    the first has ended), and a new worker `start_up_s` seconds to start.
    """

    now: float
    waiting: int
    oldest_s: float
    running: int
    starting: int
    busy: int
    arrived: int
    done: int
    every_s: float
    service_s: float
    start_up_s: float


ScalingRule = Callable[[Seen], float]


class Autoscaler:
    """Asks `desired(seen)` every `every` seconds how many workers there should be, and scales the
    pool to the answer.

    The answer is rounded up, and kept between the two `limits` (workers). A new worker takes
    `start_up` seconds to start. With a `cool_down`, the largest answer of the last `cool_down`
    seconds counts: the pool grows at once, and shrinks late. `desired` is a function such as
    `scale_by_flow()` makes; if it fails, the number of workers stays as it is, and the error is
    reported. The queue must be observable.

    Sources: Kubernetes, horizontal pod autoscaling (the cool-down is its stabilization window).
    """

    def __init__(
        self,
        processor: Workers,
        desired: ScalingRule,
        *,
        every: float = 15.0,
        start_up: float = 0.0,
        limits: tuple[int, int] = (1, 100),
        cool_down: float = 0.0,
    ) -> None:
        check.instance("processor", processor, Workers)
        if not processor.queue.observable:
            raise TypeError(
                "processor must have a queue that is observable, got "
                f"{check.short_repr(processor.queue)}"
            )
        check.function("desired", desired)
        self.every = check.number("every", every, above=0)
        self.start_up = check.number("start_up", start_up, low=0)
        self.limits = _read_limits(limits)
        self.cool_down = check.number("cool_down", cool_down, low=0)
        self.processor, self.desired = processor, desired
        self._runtime = processor.queue.runtime
        measured = processor.metrics
        # a pool that measures its queue already is asked; else nothing would be known of the past
        self._metrics = (
            measured
            if isinstance(measured, MessageQueueMetrics)
            else MessageQueueMetrics(processor.queue)
        )
        self._looked: deque[tuple[float, Snapshot]] = deque(maxlen=LOOKS)
        self._service = 0.0
        self._wishes: deque[tuple[float, float]] = deque()  # (time, answer), within the cool-down
        self._stop = self._runtime.condition()
        self._task: Task | None = None  # the one that looks

    def start(self) -> None:
        """Look now, and from now on every `every` seconds. While the workers are stopped, nothing
        is done. In a simulation this alone does not keep a run going.
        """
        with self._stop:
            if self._task is not None and self._task.is_alive():
                raise RuntimeError("the autoscaler is running already; stop it first")
            self._task = self._runtime.spawn(self._look_regularly, name="autoscaler", daemon=True)

    def stop(self) -> None:
        """Look no more. The workers stay as they are."""
        with self._stop:
            self._task = None
            self._stop.notify_all()

    def look(self) -> int:
        """Look once, scale the workers to what the rule answers, and return their number."""
        seen = self._see()
        wish = ask(
            self._runtime,
            lambda: float(check.number("desired()", self.desired(seen))),
            lambda: float(seen.running + seen.starting),
        )
        while self._wishes and self._wishes[0][0] <= seen.now - self.cool_down:
            self._wishes.popleft()
        self._wishes.append((seen.now, wish))
        low, high = self.limits
        wanted = max(low, min(high, math.ceil(max(wish for _, wish in self._wishes))))
        self.processor.scale_to(wanted, start_up=self.start_up)
        return wanted

    def _see(self) -> Seen:
        now, queue = self._runtime.now, self._metrics.snapshot()
        before, last = self._looked[-1] if self._looked else (now - self.every, queue)
        oldest = self._looked[0][1] if self._looked else queue
        self._looked.append((now, queue))
        ended, seconds = (new - old for new, old in zip(_work(queue), _work(oldest), strict=True))
        if ended:
            self._service = seconds / ended
        workers = self.processor.count_workers()
        return Seen(
            now=now,
            waiting=queue.places["waiting"],
            oldest_s=queue.oldest_age,
            running=workers.running,
            starting=workers.starting,
            busy=workers.busy,
            arrived=sum(queue.events.get(e, 0) - last.events.get(e, 0) for e in ARRIVALS),
            done=queue.events.get("acked", 0) - last.events.get("acked", 0),
            every_s=now - before,
            service_s=self._service,
            start_up_s=self.start_up,
        )

    def _look_regularly(self) -> None:
        me, look_at = self._runtime.current_task(), self._runtime.now
        with self._stop:
            while self._task is me:
                try:
                    self.look()
                except RuntimeError:
                    if self.processor.started:
                        raise
                # from the time that was planned, so that the looks do not drift
                look_at += self.every
                while self._task is me and (left := look_at - self._runtime.now) > 0:
                    self._stop.wait(left)


def _work(queue: Snapshot) -> tuple[float, float]:
    """Return how many tries have ended, and how many seconds all of them took."""
    rows = queue.durations.values()
    return sum(sum(row[:-1]) for row in rows), sum(row[-1] for row in rows)


def _read_limits(limits: tuple[int, int]) -> tuple[int, int]:
    if not isinstance(limits, tuple) or len(limits) != 2:
        raise TypeError(
            f"limits must be two numbers of workers (least, most), got {check.short_repr(limits)}"
        )
    low = check.whole("limits[0]", limits[0], low=0)
    return low, check.whole("limits[1]", limits[1], low=max(1, low))
