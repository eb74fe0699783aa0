"""Exercise 03.1: charge first or ack first, so that no order is forgotten? Graded on random
crashes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from mqlearn.messaging.memory import InMemoryMessageQueue
from mqlearn.messaging.message import Message
from mqlearn.runtime.base import WorkerCrash
from mqlearn.runtime.pool import WorkerPool
from mqlearn.runtime.simulation import Simulation
from mqlearn.runtime.trace import Trace
from mqlearn.study.analysis.charges import charges_by_order
from mqlearn.study.card import EffectLedger
from mqlearn.study.exercise import Answer, Exercise, Mistake, call_answer
from mqlearn.study.faults import one_try
from mqlearn.study.run import Run
from mqlearn.study.verdict import Verdict

ORDERS, WORKERS = 20, 3
LEASE = 10.0  # seconds
RETRIES = 30  # more than crashes can use up, so that an order is lost only by the answer's mistake
UNTIL = 1800.0  # seconds; a right answer is done long before
POINTS = ("before the charge", "after the charge", "after the ack")
RATE = 0.1  # the probability of a crash at each point
CHARTS = ("leases", "charges")  # that a replay shows


def check_work(work: Callable[[Any, Message, Callable[[Message], object]], object]) -> Verdict:
    """Grade `work(queue, message, charge)`, which charges for one delivery and settles it, so that
    no order is forgotten.

    It calls `charge(message)`, which takes a few seconds, and `queue.ack(message)` or
    `queue.nack(message)`. At each of three points the worker dies with probability 0.1: before the
    charge, after it, and after the ack. The crash is an exception that the call raises. Nothing
    settles the message of a dead worker: it comes back when its lease ends.

    In 100 seeds each of 20 orders must be charged at least once, and in the end no message may
    wait, be in flight or be a dead letter. An order may be charged twice here: exercise 03.3 is
    about that.
    """
    return EXERCISE.grade(work)


class Shift(NamedTuple):
    """A run with one order and no crashes (`calm`), its first answer, and the run with crashes;
    None if the calm one already showed a mistake.
    """

    calm: Run
    answer: Answer
    run: Run | None


class WorkExercise(Exercise[int, Shift]):
    """First one order without crashes, then all orders with crashes."""

    def play(self, answer: Callable[..., Any], case: int) -> Shift:
        calm, first = _run(answer, case, orders=1, rate=0.0)
        if _charges_and_acks(calm) != (1, 1):
            return Shift(calm, first, None)
        return Shift(calm, first, _run(answer, case, orders=ORDERS, rate=RATE)[0])

    def mistakes(self, world: Shift) -> Iterator[Mistake]:
        if world.run is None:
            charges, acked = _charges_and_acks(world.calm)
            seen = "charged" if charges else "not charged"
            seen += f", charged {charges} times" if acked else ", not acked"
            yield Mistake(
                "one order, and nobody dies: expected it to be charged once and acked, it was "
                f"{seen}; {world.answer}",
                "call charge(message) and queue.ack(message)",
            )
            return
        for said, hint in _forgotten(world.run):
            yield Mistake(said, hint, partial(replace, world.run, verdict=f"{said}."))

    def summary(self, worlds: list[Shift]) -> str:
        runs = [world.run for world in worlds if world.run is not None]
        orders = [order for run in runs for order in charges_by_order(run.trace.records).values()]
        return (
            f"{len(runs)} seeds, {len(runs) * ORDERS:,} orders, "
            f"{sum(map(crashes_of, runs)):,} crashes: every order was charged, "
            f"{sum(len(charges) > 1 for charges in orders)} of them more than once, "
            "and nothing was left in the queue"
        )


EXERCISE = WorkExercise()


def crashes_of(run: Run) -> int:
    """Return the number of tries in this run that ended with a crash of their worker."""
    return sum(
        record.event == "finished" and record.detail == "crashed" for record in run.trace.records
    )


def _charges_and_acks(calm: Run) -> tuple[int, int]:
    """Return how often the one order of a calm run was charged, and how often it was acked."""
    charges = charges_by_order(calm.trace.records).get("order-1", ())
    return len(charges), calm.trace.balance().completed


def _forgotten(run: Run) -> Iterator[tuple[str, str]]:
    """Yield the mistake of each order that was forgotten, with a hint."""
    charged = charges_by_order(run.trace.records)
    ends = {
        record.message_id: record
        for record in run.trace.records
        if record.event in ("acked", "dead")
    }
    for number in range(1, ORDERS + 1):
        order, end = f"order-{number}", ends.get(f"order-{number}")
        if end is not None and end.event == "acked" and order not in charged:
            yield (
                f"{order} was acked at {end.time:.1f} s and never charged",
                "what if the worker dies between the two, or the charge fails? Who acks then?",
            )
        elif end is None or end.event == "dead":
            where = (
                "is still in the queue"
                if end is None
                else f"died at {end.time:.1f} s, all its tries used up"
            )
            yield f"{order} {where}", "every delivery that was worked on must be acked in the end"


class SettlingQueue:
    """The part of a queue that a student's function gets: ack, nack, release and extend. The worker
    may die after an ack.
    """

    def __init__(
        self, queue: InMemoryMessageQueue, maybe_crash: Callable[[str, Message], None]
    ) -> None:
        self._queue, self._maybe_crash = queue, maybe_crash

    def ack(self, delivery: Message | str) -> bool:
        """Ack a delivery, or an id."""
        done = self._queue.ack(delivery)
        # The draw of a crash needs the delivery's try, which an id alone does not have.
        if isinstance(delivery, Message):
            self._maybe_crash(POINTS[2], delivery)
        return done

    def nack(
        self, delivery: Message | str, requeue: bool = True, *, reason: str | None = None
    ) -> bool:
        """Nack a delivery, or an id."""
        return self._queue.nack(delivery, requeue, reason=reason)

    def release(self, delivery: Message | str, *, delay: float = 0.0) -> bool:
        """Give a delivery back, so that it can be received again after `delay` seconds."""
        return self._queue.release(delivery, delay=delay)

    def extend(self, delivery: Message | str, seconds: float) -> bool:
        """Let the lease of a delivery end `seconds` from now."""
        return self._queue.extend(delivery, seconds)


def _run(work: Callable[..., Any], seed: int, *, orders: int, rate: float) -> tuple[Run, Answer]:
    """Return the run of this seed, with crashes at this `rate`, and the function's first answer."""
    answers: list[Answer] = []
    with Simulation(seed) as sim:
        trace = Trace()
        queue = InMemoryMessageQueue(
            visibility_timeout=LEASE, runtime=sim, trace=trace, name="orders"
        )
        ledger = EffectLedger(sim, trace=trace)

        def maybe_crash(point: str, message: Message) -> None:
            if sim.draw(point, *one_try(message)) < rate:
                raise WorkerCrash(point)

        def charge(message: Message) -> None:
            sim.sleep(1.0 + 3.0 * sim.draw("work", *one_try(message)))
            maybe_crash(POINTS[0], message)
            ledger.record(message.body["order"], 20.0)
            maybe_crash(POINTS[1], message)

        def note(event: str, message: Message, detail: str | None = None) -> None:
            now, worker = sim.stamp()
            trace.note(now, event, "orders", delivery=message, worker=worker, detail=detail)

        # A loop of its own and not a processor, since the answer itself acks and nacks here.
        def loop() -> None:
            while (message := queue.take(lambda: pool.stopping)) is not None:
                note("started", message)
                # A copy: if the function changes its order, the delivery must not change.
                own = replace(message.copy(), body=dict(message.body))
                answers.append(call_answer(work, SettlingQueue(queue, maybe_crash), own, charge))
                crashed = isinstance(answers[-1].error, WorkerCrash)
                note("finished", message, detail="crashed" if crashed else "completed")
                if crashed:
                    raise answers[-1].error or WorkerCrash

        pool = WorkerPool(sim, loop)
        pool.start(WORKERS)
        for number in range(1, orders + 1):
            queue.send(
                Message(
                    id=f"order-{number}", body={"order": f"order-{number}"}, max_retries=RETRIES
                )
            )
        # In pieces of 30 s, so that a run ends soon after its last message is settled.
        while sim.now < UNTIL and queue.size() + queue.get_in_flight_count():
            sim.run(until=sim.now + 30.0)
        run = Run.of(trace, sim.now)
    return replace(run, charts=CHARTS, seed=seed), answers[0]
