"""The surroundings of a job on an engine: a queue, a card service, the server, and a clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import mqlearn.engines
from mqlearn.engines.servers import GivenServer, LocalServer, local
from mqlearn.messaging.memory import InMemoryMessageQueue
from mqlearn.messaging.queue import MessageQueue
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.simulation import Simulation
from mqlearn.runtime.threads import ThreadRuntime
from mqlearn.runtime.trace import Trace
from mqlearn.study.card import EffectLedger, PlainCard

LEASE = 2.0  # seconds: long beside the work, short beside a lesson
LEASES = {"pulsar": 10.0}  # the shortest that its client allows
QUEUES = {
    "redis": "RedisQueue",
    "rabbitmq": "RabbitMQQueue",
    "kafka": "KafkaQueue",
    "sqs": "SQSQueue",
    "pulsar": "PulsarQueue",
}
MEMORY = "memory"  # the package's own queue, in a simulation


@dataclass(frozen=True)
class Shop:
    """The queue that orders go through, the card service, and the server behind the queue (None in
    memory). `trace` records what the queue and the card service do.
    """

    queue: MessageQueue
    card: PlainCard
    server: LocalServer | GivenServer | None
    trace: Trace

    @property
    def runtime(self) -> Runtime:
        """The clock of the queue."""
        return self.queue.runtime

    def sleep(self, seconds: float) -> None:
        """Let this many `seconds` pass: real ones, except in a simulation."""
        self.runtime.sleep(seconds)

    def wait_until(self, done: Callable[[], bool]) -> None:
        """Wait until `done()` is true."""
        while not done():
            self.sleep(0.05)


@contextmanager
def open_shop(engine: str, **options: Any) -> Iterator[Shop]:
    """Open a shop on `engine`: "memory", or a genuine server that is started with these `options`
    and stopped at the end. Raises EngineError if the server or its client is not installed.
    """
    trace = Trace()
    if engine == MEMORY:
        with Simulation() as sim:
            queue = InMemoryMessageQueue(
                visibility_timeout=LEASE, runtime=sim, trace=trace, name="orders"
            )
            yield Shop(queue, PlainCard(EffectLedger(sim, trace=trace)), None, trace)
        return
    server, runtime = local(engine, **options), ThreadRuntime().fresh(0)
    kind = getattr(mqlearn.engines, QUEUES[engine])
    lease = LEASES.get(engine, LEASE)
    with (
        server as url,
        kind(url, "orders", visibility_timeout=lease, trace=trace, runtime=runtime) as made,
    ):
        made.purge()  # a server that is not ours may hold the orders of an earlier run
        yield Shop(made, PlainCard(EffectLedger(runtime, trace=trace)), server, trace)
