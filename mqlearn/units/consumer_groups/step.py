"""Exercises 09.1 and 09.2: one step of a group's member, while members crash or stand still at any
call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from mqlearn.runtime.base import WorkerCrash
from mqlearn.runtime.simulation import Simulation
from mqlearn.runtime.trace import Trace
from mqlearn.streaming.event import StreamEvent
from mqlearn.study.exercise import Exercise, Mistake, RunawayAnswer, call_answer
from mqlearn.study.run import Run
from mqlearn.study.verdict import Verdict
from mqlearn.units.consumer_groups.crashes import (
    AT_ONCE,
    EVENTS,
    EVERY,
    MOST,
    UNTIL,
    CrashingConsumer,
    CrashTest,
)
from mqlearn.units.consumer_groups.database import Database

SPARE = 1.0  # s that a replay goes on
RESTART = 1.0  # s until a crashed member is back
WITH_HANDLE = (
    "`poll` may return no event; `handle` takes one; `commit` takes {partition: offset}, or nothing"
)
WITH_DATABASE = (
    "`poll` may return no event; what is done is done by `tx` in `with db.transaction() as tx:`"
)
Step = Callable[[Any, Any], object]


class StepExercise(Exercise[int, CrashTest]):
    """Two members that call the step again and again, and may crash. In exercise 09.1 the step gets
    a handler that has the effect, in 09.2 a database whose transactions charge.
    """

    def __init__(self, *, with_database: bool) -> None:
        self.with_database = with_database

    def play(self, answer: Callable[..., Any], case: int) -> CrashTest:
        with Simulation(case) as sim:
            test = CrashTest(sim, case, self.with_database)
            # The two exercises differ only in the second argument of the step.
            other = Database(test) if self.with_database else _handler(test)
            for name in ("A", "B"):
                sim.spawn(_process, test, name, answer, other, name=name)
            for number in range(EVENTS):
                # The first twenty are there at once: a step must also work with more than one poll
                # returns.
                time = max(number - AT_ONCE, 0) * EVERY
                sim.call_at(time, partial(_append, test, f"order-{number}"))
            sim.run(until=UNTIL)
            test.close()
        return test

    def mistakes(self, world: CrashTest) -> Iterator[Mistake]:
        mistake = world.mistake or self._unfinished(world)
        if mistake is not None:
            # If no event had an effect, the charts would be empty: no run is kept.
            run = partial(_replay, world, mistake.said) if world.done else None
            yield Mistake(mistake.said, mistake.hint, run)

    def summary(self, worlds: list[CrashTest]) -> str:
        deaths = sum(world.deaths for world in worlds)
        repeats = sum(sum(world.done.values()) - len(world.done) for world in worlds)
        transactions = sum(world.transactions for world in worlds)
        price = (
            f"every event charged once, with {transactions / len(worlds) / EVENTS:.2g} "
            "transactions an event"
            if self.with_database
            else f"nothing lost, {repeats / deaths:.2g} events repeated a death"
        )
        events = len(worlds) * EVENTS
        return f"{len(worlds)} seeds, {events:,} events, {deaths:,} deaths: {price}"

    def _unfinished(self, world: CrashTest) -> Mistake | None:
        """Return the mistake in what is undone or not committed at the end; None if nothing is."""
        verb = "charged" if self.with_database else "done"
        if len(world.missing) == EVENTS:
            return Mistake(
                f"nothing was {verb} at all, {world.answer}",
                "begin with `for event in consumer.poll(10):`",
            )
        if world.missing:
            # The event that was lost first: its crash is known, and the hint can explain it.
            first = min(
                world.missing, key=lambda event: world.lost_by.get(event.event_id, (UNTIL, ""))
            )
            when, name = world.lost_by.get(first.event_id, (UNTIL, ""))
            died = f": {name} died with it at {when:.1f} s"
            return Mistake(
                f"{first.event_id} was never {verb}"
                + (died if name and not self.with_database else ""),
                self._why_never(first),
            )
        if world.lag and not self.with_database:
            return Mistake(
                f"{world.lag} events are done and not committed at the end",
                "a committed offset is the next one to read",
            )
        return None

    def _why_never(self, event: StreamEvent) -> str:
        if not self.with_database:
            return "what was committed before it was done, when a member died?"
        if event.sequence_number == 0:
            return (
                "it is the first of its partition: what does `tx.get(key, default)` say to it, and "
                "is that of its own?"
            )
        return (
            "which offset was stored, or committed, although it was not charged? Each partition "
            "counts for itself"
        )


def check_step_group(step: Step) -> Verdict:
    """Grade `step(consumer, handle)`: no event may be lost, a crash may repeat at most ten events,
    and all events must be committed in the end.
    """
    return STEP_GROUP.grade(step)


def check_step_db(step: Step) -> Verdict:
    """Grade `step(consumer, db)`: each event must be charged exactly once, also if a member crashes
    or comes back as a zombie, after the group has given its partitions away.
    """
    return STEP_DB.grade(step)


STEP_GROUP = StepExercise(with_database=False)
STEP_DB = StepExercise(with_database=True)


def _append(test: CrashTest, name: str) -> None:
    test.stream.append(StreamEvent("orders", event_id=name, partition_key=name))


def _handler(test: CrashTest) -> Callable[[StreamEvent], None]:
    def handle(event: StreamEvent) -> None:
        test.maybe_crash()
        test.sim.sleep(0.1)
        test.effect(event)
        test.maybe_crash()

    return handle


def _process(test: CrashTest, name: str, step: Step, other: object) -> None:
    """Call the step again and again until the test is over. After a crash the process joins as a
    new member.
    """
    while not test.over:
        test.consumers[name] = consumer = CrashingConsumer(test, name)
        try:
            while not test.over:
                _one_step(test, step, consumer, other)
        except WorkerCrash:
            test.record_crash()
        except RunawayAnswer:
            test.mistake = Mistake(
                f"{name} made {MOST:,} calls at {test.sim.now:.1f} s and was not done",
                "what does the loop wait for? A step polls once",
            )
        test.sim.sleep(RESTART)


def _one_step(test: CrashTest, step: Step, consumer: CrashingConsumer, other: object) -> None:
    before = test.sim.now
    answer = call_answer(step, consumer, other)
    if isinstance(answer.error, WorkerCrash):
        raise answer.error  # not the step's mistake: its process crashed in it
    test.answer = answer
    if answer.error is not None:
        hint = WITH_DATABASE if test.with_database else WITH_HANDLE
        test.mistake = Mistake(str(answer), hint)
    # A step that took no time pauses, so that time goes on.
    test.sim.sleep(0.05 if test.sim.now == before else 0.0)


def _replay(test: CrashTest, said: str) -> Run:
    """Return the run that a replay shows: the records up to one second after the end."""
    until = test.ended + SPARE
    trace = Trace()
    trace.records += [record for record in test.trace.records if record.time <= until]
    charts = ("owners", "lag_by_partition", "repeats")
    return Run(None, test.seed, trace, until, {}, f"seed {test.seed}: {said}.", charts=charts)
