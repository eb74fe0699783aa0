"""Workers far from their queue: jobs are pushed to them, and every answer takes a round trip. For
exercise 02.3.
"""

from __future__ import annotations

import dataclasses
import heapq
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from mqlearn.messaging.memory import InMemoryMessageQueue
from mqlearn.messaging.message import Message, Outcome
from mqlearn.messaging.processor import MessageProcessor
from mqlearn.messaging.queue import MessageQueue
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.simulation import Simulation
from mqlearn.runtime.trace import Trace
from mqlearn.study.run import Run


class PushedQueue(MessageQueue):
    """A queue at the end of a wire, which pushes to each worker until it holds `prefetch` unsettled
    messages.

    Workers come one after the other to what waits already: the first messages of each are sent off
    as soon as it asks for one, and each settled one is answered by the next. Every way takes half
    of `round_trip` (s).
    """

    def __init__(
        self, queue: InMemoryMessageQueue, *, prefetch: int, round_trip: float, runtime: Runtime
    ) -> None:
        self.queue, self.prefetch, self.half, self._runtime = (
            queue,
            prefetch,
            round_trip / 2,
            runtime,
        )
        self.name, self.trace = queue.name, queue.trace
        self._arrived = runtime.condition()
        self._held: dict[str, deque[Message]] = {}

    def _worker(self) -> str:
        return self.runtime.stamp()[1]

    def take(self, cancelled: Callable[[], bool]) -> Message | None:
        name = self._worker()
        if name not in self._held:
            first = self.queue.receive_many(self.prefetch, timeout=0)
            self._held[name] = deque()
            self.runtime.sleep(self.half)
            self._held[name].extend(first)
        held = self._held[name]
        with self._arrived:
            while not held and not cancelled():
                self._arrived.wait()
        return held.popleft() if held else None

    def settle(self, delivery: Message, outcome: Outcome) -> bool:
        """Send the answer off; it arrives half a round trip later."""
        name = self._worker()
        self.runtime.spawn(self._round_trip, name, delivery, outcome, name=name)
        return True

    def _round_trip(self, name: str, delivery: Message, outcome: Outcome) -> None:
        self.runtime.sleep(self.half)
        self.queue.settle(delivery, outcome)
        message = self.queue.receive(timeout=0)
        if message is not None:
            self.runtime.sleep(self.half)
            self._held[name].append(message)
            self.wake()

    def wake(self) -> None:
        with self._arrived:
            self._arrived.notify_all()

    def send(self, message: Message) -> bool:
        return self.queue.send(message)

    def receive(self, timeout: float | None = None) -> Message | None:
        return self.queue.receive(timeout)

    def ack(self, message_id: str) -> bool:
        return self.queue.ack(message_id)

    def nack(self, message_id: str, requeue: bool = True) -> bool:
        return self.queue.nack(message_id, requeue)

    def size(self) -> int:
        return self.queue.size()


@dataclass(frozen=True)
class Shop:
    """A backlog of `jobs` jobs, each of `service` seconds, and workers a `round_trip` (s) away from
    it.
    """

    REPLAYS: ClassVar[tuple[str, ...]] = ("utilisation", "depth")

    service: float
    round_trip: float
    workers: int
    jobs: int = 100

    def run(self, prefetch: int) -> Run:
        """The run in which every worker holds at most `prefetch` jobs, until the last ack has
        arrived.
        """
        with Simulation() as simulation:
            trace = Trace()
            queue = InMemoryMessageQueue(visibility_timeout=None, runtime=simulation, trace=trace)
            far = PushedQueue(
                queue, prefetch=prefetch, round_trip=self.round_trip, runtime=simulation
            )
            processor = MessageProcessor(far)
            processor.register_processor("default", lambda _: simulation.sleep(self.service))
            for number in range(1, self.jobs + 1):
                far.send(Message(id=f"order-{number}"))
            processor.start_workers(self.workers)
            while queue.size() or queue.get_in_flight_count():
                simulation.run(until=simulation.now + self.service + self.round_trip)
            trace.freeze()
            processor.stop_workers()
        verdict = (
            f"{self.workers} workers, {self.service:.3g} s a job, {self.round_trip:.3g} s a "
            "round trip, "
            f"prefetch {prefetch}"
        )
        return dataclasses.replace(Run.of(trace), scenario=self, verdict=verdict)

    def best(self, most: int = 100) -> tuple[float, int]:
        """The shortest makespan (s) of all prefetches from 1 to `most`, and the smallest that
        reaches it.
        """
        floor = self.round_trip / 2 + math.ceil(self.jobs / self.workers) * self.service
        found = math.inf, 0
        for prefetch in range(1, most + 1):
            found = min(found, (self.makespan(prefetch), prefetch))
            if found[0] <= floor:
                break
        return found

    def makespan(self, prefetch: int) -> float:
        """When the last job ends, in seconds, if every worker holds at most `prefetch` jobs: the
        run without a run.
        """
        half, service, waiting = self.round_trip / 2, self.service, self.jobs
        events: list[tuple[float, int, str, int]] = []
        number, end = 0, 0.0
        held, busy = [0] * self.workers, [False] * self.workers

        def later(time: float, event: str, worker: int) -> None:
            nonlocal number
            number += 1
            heapq.heappush(events, (time, number, event, worker))

        for worker in range(self.workers):
            first = min(prefetch, waiting)
            waiting -= first
            for _ in range(first):
                later(half, "arrives", worker)
        while events:
            time, _, event, worker = heapq.heappop(events)
            if event == "settled":
                if waiting:
                    waiting -= 1
                    later(time + half, "arrives", worker)
                continue
            if event == "arrives":
                held[worker] += 1
            else:
                busy[worker], end = False, time
                later(time + half, "settled", worker)
            if held[worker] and not busy[worker]:
                held[worker], busy[worker] = held[worker] - 1, True
                later(time + service, "done", worker)
        return end
