"""Exercises 09.1 and 09.2: one step of a member of a group, where members die, or stand still, anywhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from mqlearn.runtime.base import WorkerCrash
from mqlearn.runtime.simulation import Simulation
from mqlearn.runtime.trace import Trace
from mqlearn.streaming.consumer import Consumer
from mqlearn.streaming.event import StreamEvent
from mqlearn.streaming.stream import EventStream
from mqlearn.study.checks.answers import Answer, ask, no_function
from mqlearn.study.checks.verdict import Verdict, not_yet, passed, remember
from mqlearn.study.run import Run

SEEDS = range(100)
EVENTS, INTERVAL, MEMBERS, UNTIL = 80, 10, 2, 240.0
GROUP = "shop"
Step = Callable[[Any, Any], object]


@dataclass
class World:
    """One seed: a stream of two partitions, two members, and what they did to the world."""

    sim: Simulation
    zombies: bool
    trace: Trace = field(default_factory=Trace)
    done: Counter[str] = field(default_factory=Counter)
    again: tuple[str, float] | None = None  # the first event that was done again, and when (s)
    deaths: int = 0
    transactions: int = 0
    draws: int = 0
    answer: Answer = field(default_factory=Answer)  # of the last step, or of the first that raised

    def __post_init__(self) -> None:
        self.stream = EventStream("orders", 2, runtime=self.sim, trace=self.trace)
        self.stream.group(GROUP, session_timeout=6.0, heartbeat_interval=1.0, poll_interval=30.0)

    def effect(self, event: StreamEvent) -> None:
        """Something that is done to the world for this event."""
        self.done[event.event_id] += 1
        now, worker = self.sim.witness()
        self.trace.record((now, "effect", f"orders/{GROUP}", event.sequence_number, event.event_id, "", 1, worker, 0,
                           event.event_id))
        if self.done[event.event_id] > 1 and self.again is None:
            self.again = (event.event_id, now)

    def strike(self) -> None:
        """Perhaps the power fails here."""
        self.draws += 1
        if self.sim.now < UNTIL / 2 and self.sim.draw("death", self.draws) < 0.03:
            self.deaths += 1
            raise WorkerCrash


class Shaky(Consumer):
    """A consumer whose process may die before and after each of its calls."""

    world: World

    def poll(self, n: int = INTERVAL, timeout: float | None = 1.0, **options: Any) -> list[StreamEvent]:
        """At most `n` events, waiting at most `timeout` seconds."""
        self.world.strike()
        events = super().poll(n, timeout, **options)
        self.world.strike()
        return events

    def commit(self, offsets: Mapping[int, int] | None = None) -> bool:
        """As a consumer's, and perhaps the last thing it does."""
        self.world.strike()
        accepted = super().commit(offsets)
        self.world.strike()
        return accepted


class Database:
    """All that is done in a `transaction` is kept when it ends, or nothing. One at a time."""

    def __init__(self, world: World, consumers: list[Shaky]) -> None:
        self._world, self._consumers = world, consumers
        self._kept: dict[Any, Any] = {}

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Begin one; it is kept if the block ends by itself."""
        world = self._world
        task = world.sim.current_task()
        world.transactions += 1
        world.strike()
        if world.zombies and world.sim.now < UNTIL / 2 and world.sim.draw("stall", world.transactions) < 0.06:
            next(each for each in self._consumers if task is not None and each.name == task.name).stall(9.0)
        begun = Transaction(dict(self._kept))
        yield begun
        self._kept = begun.values
        for event in begun.charged:
            world.effect(event)
        world.strike()


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


def check_step_group(step: Step) -> Verdict:
    """The answer to `step(consumer, handle)`: nothing lost, a death repeats at most ten events, all is committed."""
    return _judge(step, with_database=False)


def check_step_db(step: Step) -> Verdict:
    """The answer to `step(consumer, db)`: each event charged once, whoever dies or comes back as a zombie."""
    return _judge(step, with_database=True)


def _judge(step: Step, *, with_database: bool) -> Verdict:
    if not callable(step):
        return no_function(step)
    deaths = repeats = transactions = 0
    for seed in SEEDS:
        world, said = live(step, seed, with_database)
        if said:
            what, _, hint = said.partition(" | ")
            if not world.done:  # nothing to be seen in a replay
                return not_yet(f"seed {seed}: {what}", hint=hint)
            run = Run(None, seed, world.trace, UNTIL, {}, f"seed {seed}: {what}.")
            remember(seed, lambda run=run: run)  # type: ignore[misc]
            return not_yet(f"seed {seed}: {what}", hint=hint, failing_seed=seed)
        deaths += world.deaths
        repeats += sum(world.done.values()) - len(world.done)
        transactions += world.transactions
    price = (f"every event charged once, with {transactions / len(SEEDS) / EVENTS:.2g} transactions an event"
             if with_database else f"nothing lost, {repeats / deaths:.2g} events repeated a death")
    return passed(f"{len(SEEDS)} seeds, {len(SEEDS) * EVENTS:,} events, {deaths:,} deaths: {price}")


def live(step: Step, seed: int, with_database: bool) -> tuple[World, str]:
    """One seed played to its end, and what is wrong with it, "" for nothing."""
    with Simulation(seed) as sim:
        world, consumers = World(sim, with_database), list[Shaky]()
        database = Database(world, consumers)

        def handle(event: StreamEvent) -> None:
            world.strike()
            sim.sleep(0.1)
            world.effect(event)
            world.strike()

        def member(name: str) -> None:
            while sim.now < UNTIL - 1:
                consumer = Shaky(world.stream, GROUP, name=name)
                consumer.world = world
                consumers[:] = [each for each in consumers if each.name != name] + [consumer]
                try:
                    while sim.now < UNTIL - 1:
                        before = sim.now
                        answer = ask(step, consumer, database if with_database else handle)
                        if isinstance(answer.error, WorkerCrash):
                            raise answer.error  # no fault of the step: its process died in it
                        world.answer = world.answer if world.answer.error else answer
                        if answer.error is not None:
                            return
                        sim.sleep(0.05 if sim.now == before else 0.0)
                except WorkerCrash:
                    consumer.die()
                sim.sleep(1.0)

        for number in range(MEMBERS):
            sim.spawn(member, f"member-{number}", name=f"member-{number}")
        for number in range(EVENTS):
            sim.call_at(number * 0.5, lambda n=number: world.stream.append(  # type: ignore[misc]
                StreamEvent("orders", event_id=f"order-{n}", partition_key=f"order-{n}")))
        sim.run(until=UNTIL)
        behind = sum(world.stream.lag(GROUP).values())
    return world, _fault(world, behind, with_database)


def _fault(world: World, behind: int, with_database: bool) -> str:
    if world.answer.error is not None:
        return f"{world.answer} | a step polls, and does what there is to do for each event"
    missing = [f"order-{n}" for n in range(EVENTS) if not world.done[f"order-{n}"]]
    if len(missing) == EVENTS:
        return f"nothing was done at all, {world.answer} | begin with `for event in consumer.poll(10):`"
    if missing:
        return f"{missing[0]} was never done | what was committed before it was done, when a member died?"
    if with_database:
        if world.again is not None:
            return (f"{world.again[0]} was charged again at {world.again[1]:.1f} s | what says, inside the transaction,"
                    " that this event was charged already?")
        return ""
    repeats = sum(world.done.values()) - len(world.done)
    if behind:
        return f"{behind} events are done and not committed at the end | a committed offset is the next one to read"
    if repeats > INTERVAL * world.deaths:
        return f"{repeats} events were repeated, with {world.deaths} deaths | commit after at most {INTERVAL} events"
    return ""
