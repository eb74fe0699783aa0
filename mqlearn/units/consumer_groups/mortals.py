"""The world in which exercises 09.1 and 09.2 are tried: members of a group that die, or stand
still, anywhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from mqlearn.runtime.base import WorkerCrash
from mqlearn.runtime.simulation import Simulation
from mqlearn.runtime.trace import Trace
from mqlearn.streaming.consumer import Consumer
from mqlearn.streaming.event import StreamEvent
from mqlearn.streaming.stream import EventStream
from mqlearn.study.exercise import Answer, Mistake, RunawayAnswer

EVENTS, AT_ONCE, EVERY = 60, 20, 0.5  # 20 wait at the start, the others come every half second
INTERVAL = 10  # events that a death may repeat
CALM, UNTIL = 45.0, 75.0  # nobody dies or stands still after 45 s
MOST = 1_000  # calls in one instant
GROUP = "shop"


@dataclass
class World:
    """One seed: a stream of two partitions, two members, A and B, and what they did to the
    world.
    """

    sim: Simulation
    with_database: bool
    trace: Trace = field(default_factory=Trace)
    done: Counter[str] = field(default_factory=Counter)
    fault: Mistake | None = None  # the first that was seen while it ran
    deaths: int = 0
    transactions: int = 0
    draws: int = 0
    answer: Answer = field(default_factory=Answer)  # of the last step, or of the first that raised
    # by event: when who died with it (s)
    taken: dict[str, tuple[float, str]] = field(default_factory=dict)
    ended: float = UNTIL  # when it was over (s)
    _calls: tuple[float, int] = (0.0, 0)

    def __post_init__(self) -> None:
        self.stream = EventStream("orders", 2, runtime=self.sim, trace=self.trace)
        self.stream.group(GROUP, session_timeout=6.0, heartbeat_interval=1.0, poll_interval=30.0)
        self.living: dict[str, CrashingConsumer] = {}  # by the name of the process

    @property
    def over(self) -> bool:
        """Whether a fault is seen, or all is appended and committed, or time is up."""
        log = self.stream
        ends = (
            self.fault is not None
            or self.sim.now >= UNTIL - 1
            or (
                sum(each.end for each in log.partitions) == EVENTS
                and not any(log.lag(GROUP).values())
            )
        )
        if ends:
            self.ended = min(self.ended, self.sim.now)
        return ends

    def me(self) -> CrashingConsumer:
        """The consumer of the process that runs."""
        task = self.sim.current_task()
        assert task is not None
        return self.living[task.name]

    def note(self, what: str, entry: int, message_id: str, detail: object) -> None:
        """Add a record, of the process that runs."""
        member = self.me().member
        self.trace.note(
            self.sim.now,
            what,
            f"orders/{GROUP}",
            entry=entry,
            message_id=message_id,
            attempt=1,
            worker=member,
            detail=detail,
        )

    def effect(self, event: StreamEvent) -> None:
        """Something that is done to the world for this event."""
        self.done[event.event_id] += 1
        self.note("effect", event.sequence_number, event.event_id, event.event_id)
        self.me().did.append((event.partition, event.sequence_number))
        if self.with_database and self.done[event.event_id] > 1 and self.fault is None:
            self.fault = Mistake(
                f"{event.event_id} was charged again at {self.sim.now:.1f} s",
                "what says, inside the transaction, that this event was charged already?",
            )

    def maybe_crash(self) -> None:
        """Perhaps the power fails here."""
        then, calls = self._calls
        self._calls = self.sim.now, calls + 1 if then == self.sim.now else 0
        if self._calls[1] > MOST:
            raise RunawayAnswer
        self.draws += 1
        if self.sim.now < CALM and self.sim.draw("death", self.draws) < 0.03:
            raise WorkerCrash

    def bury(self) -> None:
        """The process that runs is dead, and whatever it had not committed will be done again."""
        consumer = self.me()
        consumer.die()
        self.deaths += 1
        self.note("finished", 0, "", "crashed")
        self.taken |= {event.event_id: (self.sim.now, consumer.name) for event in consumer.took}
        kept = consumer.group.committed
        again = sum(offset >= kept.get(partition, 0) for partition, offset in set(consumer.did))
        if again > INTERVAL and not self.with_database and self.fault is None:
            self.fault = Mistake(
                f"{consumer.name} died at {self.sim.now:.1f} s with {again} events "
                "done and not "
                "committed",
                f"commit after at most {INTERVAL} events",
            )


class CrashingConsumer(Consumer):
    """A consumer whose process may die before and after each of its calls."""

    def __init__(self, world: World, name: str) -> None:
        super().__init__(world.stream, GROUP, name=name)
        self._world = world
        self.took: list[StreamEvent] = []
        # partition and offset of each event that it did something for
        self.did: list[tuple[int, int]] = []

    def poll(
        self, n: int = INTERVAL, timeout: float | None = 1.0, **options: Any
    ) -> list[StreamEvent]:
        """At most `n` events, waiting at most `timeout` seconds."""
        self._world.maybe_crash()
        events = super().poll(n, timeout, **options)
        self.took += events
        self._world.maybe_crash()
        return events

    def commit(self, offsets: Mapping[int, int] | None = None) -> bool:
        """As a consumer's, and perhaps the last thing it does."""
        self._world.maybe_crash()
        accepted = super().commit(offsets)
        self._world.maybe_crash()
        return accepted


class Database:
    """All that is done in a `transaction` is kept when it ends, or nothing. One at a time."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._kept: dict[Any, Any] = {}

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Begin one; it is kept if the block ends by itself."""
        world = self._world
        world.transactions += 1
        world.maybe_crash()
        if world.sim.now < CALM and world.sim.draw("stall", world.transactions) < 0.06:
            world.note("stalled", 0, "", 9.0)
            world.me().stall(9.0)
        begun = Transaction(dict(self._kept))
        yield begun
        self._kept = begun.values
        for event in begun.charged:
            world.effect(event)
        world.maybe_crash()


class Transaction:
    """`charge(event)`, and what is stored under a key: `get(key)`, `put(key, value)`."""

    def __init__(self, values: dict[Any, Any]) -> None:
        self.values = values
        self.charged: list[StreamEvent] = []

    def charge(self, event: StreamEvent) -> None:
        """Charge the card for this event."""
        self.charged.append(event)

    def get(self, key: Any, default: Any = None) -> Any:
        """What is stored under `key`."""
        return self.values.get(key, default)

    def put(self, key: Any, value: Any) -> None:
        """Store `value` under `key`."""
        self.values[key] = value
