"""The hour of exercise 01.3 on a real queue with a real worker, in the order that a student's rule
chose.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from mqlearn.messaging.entries import LANE, Entry
from mqlearn.messaging.memory import InMemoryMessageQueue
from mqlearn.messaging.message import Message, MessagePriority
from mqlearn.messaging.processor import MessageProcessor
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.simulation import Simulation
from mqlearn.runtime.trace import Trace
from mqlearn.study.run import Run


class ChosenQueue(InMemoryMessageQueue):
    """A queue that serves the oldest message of the priority that is next in `choices`, not the
    most urgent one.
    """

    def __init__(
        self, choices: Iterator[MessagePriority], *, runtime: Runtime, trace: Trace
    ) -> None:
        super().__init__(visibility_timeout=None, runtime=runtime, trace=trace)
        self._choices = choices

    def _next(self, now: float) -> Entry | None:  # noqa: ARG002 - nothing expires here
        if not self._ready.length:
            return None
        return self._ready.pop([self._ready._lines[LANE[next(self._choices)]]])


@dataclass(frozen=True)
class Hour:
    """What a replayed hour is drawn as."""

    REPLAYS: ClassVar[tuple[str, ...]] = ("depth_by_priority", "wait_by_priority")


def replayed(
    seed: int,
    jobs: Sequence[tuple[float, MessagePriority, float]],
    begun: Iterable[tuple[int, float]],
    verdict: str,
) -> Run:
    """The run in which `jobs` (when each comes, how urgent it is, how long it takes; in seconds)
    are served as `begun`.

    The first job is order-1. `begun` has the numbers of the jobs, from 0, in the order of their
    service.
    """
    choices = (jobs[number][1] for number, _ in begun)
    with Simulation(seed) as simulation:
        trace = Trace()
        queue = ChosenQueue(choices, runtime=simulation, trace=trace)
        processor = MessageProcessor(queue)
        processor.register_processor(
            "default", lambda message: simulation.sleep(message.body["seconds"])
        )
        processor.start_workers(1)
        for number, (time, priority, seconds) in enumerate(jobs, 1):
            message = Message(
                id=f"order-{number}", priority=priority, body={"seconds": seconds}, ttl=math.inf
            )
            # At its own instant: a sleep until then would be a rounding error late.
            simulation.call_at(time, lambda message=message: queue.send(message))  # type: ignore[misc]
        while processor.metrics["processed"] < len(jobs):
            simulation.run(until=simulation.now + 60)
        processor.stop_workers()
    return dataclasses.replace(Run.of(trace), scenario=Hour(), seed=seed, verdict=verdict)
