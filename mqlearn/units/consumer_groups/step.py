"""Exercises 09.1 and 09.2: one step of a member of a group, where members die, or stand still,
anywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from mqlearn.runtime.base import WorkerCrash
from mqlearn.runtime.simulation import Simulation
from mqlearn.runtime.trace import Trace
from mqlearn.streaming.event import StreamEvent
from mqlearn.study.exercise import SEEDS, Mistake, RunawayAnswer, call_answer, no_function
from mqlearn.study.run import Run
from mqlearn.study.verdict import Verdict, passed
from mqlearn.units.consumer_groups.mortals import (
    AT_ONCE,
    EVENTS,
    EVERY,
    GROUP,
    MOST,
    UNTIL,
    CrashingConsumer,
    Database,
    World,
)

SPARE = 1.0  # s that a replay goes on
HINTS = {
    False: "`poll` may return no event; `handle` takes one; `commit` takes {partition: "
    "offset}, or nothing",
    True: "`poll` may return no event; what is done is done by `tx` in `with db.transaction() "
    "as tx:`",
}
Step = Callable[[Any, Any], object]


class Replay:
    """What a replay shows."""

    REPLAYS: ClassVar[tuple[str, ...]] = ("owners", "lag_by_partition", "repeats")


def check_step_group(step: Step) -> Verdict:
    """The answer to `step(consumer, handle)`: nothing lost, a death repeats at most ten events, all
    is committed.
    """
    return _judge(step, with_database=False)


def check_step_db(step: Step) -> Verdict:
    """The answer to `step(consumer, db)`: each event charged once, whoever dies or comes back as a
    zombie.
    """
    return _judge(step, with_database=True)


def _judge(step: Step, *, with_database: bool) -> Verdict:
    if not callable(step):
        return no_function(step)
    deaths = repeats = transactions = 0
    for seed in SEEDS:
        world, fault = live(step, seed, with_database)
        if fault is not None:
            return fault.verdict(seed)
        deaths += world.deaths
        repeats += sum(world.done.values()) - len(world.done)
        transactions += world.transactions
    price = (
        f"every event charged once, with {transactions / len(SEEDS) / EVENTS:.2g} "
        "transactions an event"
        if with_database
        else f"nothing lost, {repeats / deaths:.2g} events repeated a death"
    )
    return passed(f"{len(SEEDS)} seeds, {len(SEEDS) * EVENTS:,} events, {deaths:,} deaths: {price}")


def live(step: Step, seed: int, with_database: bool) -> tuple[World, Mistake | None]:
    """One seed played to its end, and what is wrong with it, if anything is."""
    with Simulation(seed) as sim:
        world = World(sim, with_database)
        database = Database(world)

        def handle(event: StreamEvent) -> None:
            world.maybe_crash()
            sim.sleep(0.1)
            world.effect(event)
            world.maybe_crash()

        def process(name: str) -> None:
            while not world.over:
                world.living[name] = consumer = CrashingConsumer(world, name)
                try:
                    while not world.over:
                        _one_step(world, step, consumer, database if with_database else handle)
                except WorkerCrash:
                    world.bury()
                except RunawayAnswer:
                    world.fault = Mistake(
                        f"{name} made {MOST:,} calls at {sim.now:.1f} s and was not done",
                        "what does the loop wait for? A step polls once",
                    )
                sim.sleep(1.0)

        for name in ("A", "B"):
            sim.spawn(process, name, name=name)
        for number in range(EVENTS):
            sim.call_at(
                max(number - AT_ONCE, 0) * EVERY,
                lambda n=number: world.stream.append(  # type: ignore[misc]
                    StreamEvent("orders", event_id=f"order-{n}", partition_key=f"order-{n}")
                ),
            )
        sim.run(until=UNTIL)
        return world, _judged(world, _fault(world, sum(world.stream.lag(GROUP).values())), seed)


def _one_step(world: World, step: Step, consumer: CrashingConsumer, other: object) -> None:
    before = world.sim.now
    answer = call_answer(step, consumer, other)
    if isinstance(answer.error, WorkerCrash):
        raise answer.error  # no fault of the step: its process died in it
    world.answer = answer
    if answer.error is not None:
        world.fault = Mistake(str(answer), HINTS[world.with_database])
    world.sim.sleep(0.05 if world.sim.now == before else 0.0)


def _fault(world: World, behind: int) -> Mistake | None:
    if world.fault is not None:
        return world.fault
    verb = "charged" if world.with_database else "done"
    missing = [event for event in world.stream.history() if not world.done[event.event_id]]
    if len(missing) == EVENTS:
        return Mistake(
            f"nothing was {verb} at all, {world.answer}",
            "begin with `for event in consumer.poll(10):`",
        )
    if missing:
        first = min(missing, key=lambda event: world.taken.get(event.event_id, (UNTIL, "")))
        when, who = world.taken.get(first.event_id, (UNTIL, ""))
        died = f": {who} died with it at {when:.1f} s" if who and not world.with_database else ""
        return Mistake(f"{first.event_id} was never {verb}{died}", _why_never(world, first))
    if behind and not world.with_database:
        return Mistake(
            f"{behind} events are done and not committed at the end",
            "a committed offset is the next one to read",
        )
    return None


def _why_never(world: World, event: StreamEvent) -> str:
    if not world.with_database:
        return "what was committed before it was done, when a member died?"
    if event.sequence_number == 0:
        return (
            "it is the first of its partition: what does `tx.get(key, default)` say to it, and is "
            "that of its own?"
        )
    return (
        "which offset was stored, or committed, although it was not charged? Each partition counts "
        "for itself"
    )


def _judged(world: World, fault: Mistake | None, seed: int) -> Mistake | None:
    """The fault, with the run in which it is seen; none if nothing was done at all."""
    if fault is None or not world.done:
        return fault
    until = world.ended + SPARE
    trace = Trace()
    trace.records += [record for record in world.trace.records if record.time <= until]
    run = Run(Replay(), seed, trace, until, {}, f"seed {seed}: {fault.said}.")
    return Mistake(fault.said, fault.hint, lambda: run)
