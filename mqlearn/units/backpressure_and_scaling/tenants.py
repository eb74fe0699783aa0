"""A hundred tenants on the same workers, one of them noisy; what the quiet ones notice.

run_tenants()                           all on one line
run_tenants(allow=limiter)              a limiter at the door: allow(tenant, now) -> bool
run_tenants(lines=4)                    four lines with two workers each, a tenant on one
run_tenants(lines=8, choices=2)         eight lines, a tenant on two: each order joins the
shorter one
run_tenants(in_turn=True)               a line for each tenant, served in turn
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from mqlearn.messaging.memory import InMemoryMessageQueue
from mqlearn.messaging.message import COMPLETED, Message
from mqlearn.messaging.percentile import percentile
from mqlearn.messaging.queue import MessageQueue
from mqlearn.messaging.shards import ShardRouter
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.simulation import Simulation
from mqlearn.study.arrivals import poisson
from mqlearn.study.queue_adapter import QueueAdapter
from mqlearn.study.words import format_number

TENANTS, WORKERS, SERVICE = 100, 8, 1.0  # seconds
QUIET, NOISY = 0.04, 20.0  # orders per second
SECONDS, NOISE = 600.0, (60.0, 360.0)
LONG = 10.0  # seconds
NO_LIMIT = 1_000_000
NOISY_NAME = "tenant-0"


@dataclass(frozen=True)
class Tenants:
    """The result of a run: the number of quiet tenants with orders, and how many of them wait
    long, with a 95th percentile of the wait above ten seconds; the median of these percentiles (s),
    the longest wait (s) of the noisy one, and how many of its orders were refused.
    """

    quiet: int
    waiting_long: int
    quiet_p95: float
    noisy_longest: float
    refused: int

    @property
    def suffering(self) -> float:
        """The share of the quiet tenants that wait long."""
        return self.waiting_long / self.quiet

    def __str__(self) -> str:
        return (
            f"{self.waiting_long} of the {self.quiet} quiet wait long, their median p95 is "
            f"{self.quiet_p95:.1f} s; the noisy one waits up to {self.noisy_longest:.0f} s, "
            f"{format_number(self.refused)} of its orders are refused"
        )


class InTurn:
    """A queue with a line for each tenant; the tenants are served in turn, one order each."""

    def __init__(self) -> None:
        self.lines: dict[str, deque[Message]] = {}

    def send(self, message: Message) -> None:
        self.lines.setdefault(message.body["tenant"], deque()).append(message)

    def receive(self) -> Message | None:
        for tenant in self.lines:
            line = self.lines.pop(tenant)
            message = line.popleft()
            if line:
                self.lines[tenant] = line  # now the last in turn
            return message
        return None

    def __len__(self) -> int:
        return sum(map(len, self.lines.values()))


def run_tenants(
    *,
    allow: Callable[[str, float], bool] | None = None,
    in_turn: bool = False,
    lines: int = 1,
    choices: int = 1,
    seed: int = 0,
) -> Tenants:
    """Return the result of ten minutes: 99 quiet tenants send 0.04 orders per second each, and one
    sends 20 per second from 60 to 360 s; eight workers take a second per order.

    `allow(tenant, now)` is asked at the door about each order. The workers are divided evenly among
    `lines`; a tenant may use `choices` of these, by the hash of its name.
    """
    with Simulation(seed) as sim:
        queues, send = _in_turn(sim) if in_turn else _sharded(sim, lines, choices)
        waits: dict[str, list[float]] = defaultdict(list)
        refused = 0

        def work(queue: MessageQueue) -> None:
            while True:
                order = queue.receive()
                if order is not None:
                    assert order.timestamp is not None
                    waits[order.body["tenant"]].append(sim.now - order.timestamp)
                    sim.sleep(SERVICE)
                    queue.settle(order, COMPLETED)

        for number in range(WORKERS):
            sim.spawn(work, queues[number % lines], name=f"worker-{number}", daemon=True)
        for number, (time, tenant) in enumerate(_orders(sim), 1):
            sim.run(until=time)
            if allow is not None and not allow(tenant, sim.now):
                refused += 1
            else:
                send(Message(id=f"order-{number}", body={"tenant": tenant}))
        while any(queue.size() for queue in queues):
            sim.run(until=sim.now + SERVICE)
    p95 = {name: percentile(sorted(each), 95) for name, each in waits.items()}
    quiet = [value for name, value in p95.items() if name != NOISY_NAME]
    return Tenants(
        len(quiet),
        sum(value > LONG for value in quiet),
        median(quiet),
        max(waits[NOISY_NAME], default=0.0),
        refused,
    )


Send = Callable[[Message], bool]


def _in_turn(sim: Simulation) -> tuple[list[MessageQueue], Send]:
    queue = QueueAdapter(InTurn(), sim)
    return [queue], queue.send


def _sharded(sim: Simulation, lines: int, choices: int) -> tuple[list[MessageQueue], Send]:
    queues = [
        InMemoryMessageQueue(NO_LIMIT, visibility_timeout=None, runtime=sim, name=f"line-{number}")
        for number in range(lines)
    ]
    # with the seed in the key, each seed places the tenants in another way
    router = ShardRouter(queues, lambda o: f"{sim.seed} {o.body['tenant']}", per_key=choices)
    return list(queues), router.send


def _orders(runtime: Runtime) -> list[tuple[float, str]]:
    """Return all orders in the order of time: pairs of a time (s) and a tenant."""
    found = []
    for number in range(TENANTS):
        name = f"tenant-{number}"

        def draw(purpose: str, index: int, name: str = name) -> float:
            return runtime.draw(purpose, name, index)

        if name == NOISY_NAME:
            begin, end = NOISE
            found += [(begin + time, name) for time in poisson(NOISY, end - begin, draw)]
        else:
            found += [(time, name) for time in poisson(QUIET, SECONDS, draw)]
    return sorted(found)
