"""A real queue that pushes its messages over a simulated network.

The numbers of exercise 02.3 are held against it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from mqlearn.messaging.memory import InMemoryMessageQueue
from mqlearn.messaging.message import Message, Outcome
from mqlearn.messaging.processor import MessageProcessor
from mqlearn.messaging.queue import MessageQueue
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.simulation import Simulation
from mqlearn.runtime.trace import Trace
from mqlearn.units.work_queues.network import RemoteWorkers


class PushedQueue(MessageQueue):
    """A queue that pushes to each worker until it holds `prefetch` unsettled messages.

    Workers come one after the other to what waits already: the first messages of each are sent off
    as soon as it asks for one, and each settled one is answered by the next. Every way takes half
    of `round_trip` (s).
    """

    def __init__(
        self, queue: InMemoryMessageQueue, *, prefetch: int, round_trip: float, runtime: Runtime
    ) -> None:
        self.queue, self.prefetch, self._runtime = queue, prefetch, runtime
        self.half = round_trip / 2
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


def run_pushed(far: RemoteWorkers, prefetch: int) -> Trace:
    """Return the trace of the package's own queue and processor with these workers, until the last
    ack has arrived.
    """
    with Simulation() as simulation:
        trace = Trace()
        queue = InMemoryMessageQueue(visibility_timeout=None, runtime=simulation, trace=trace)
        pushed = PushedQueue(
            queue, prefetch=prefetch, round_trip=far.round_trip, runtime=simulation
        )
        processor = MessageProcessor(pushed)
        processor.register_processor("default", lambda _: simulation.sleep(far.service))
        for number in range(1, far.jobs + 1):
            pushed.send(Message(id=f"order-{number}"))
        processor.start_workers(far.workers)
        while queue.size() or queue.get_in_flight_count():
            simulation.run(until=simulation.now + far.service + far.round_trip)
        trace.freeze()
        processor.stop_workers()
    return trace
