"""Exercise 03.1: in which order does a worker charge and ack, so that no order is forgotten? Graded
by chaos.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

from mqlearn.messaging.memory import InMemoryMessageQueue
from mqlearn.messaging.message import Message
from mqlearn.runtime.base import Runtime, WorkerCrash
from mqlearn.runtime.pool import WorkerPool
from mqlearn.runtime.simulation import Simulation
from mqlearn.runtime.trace import Trace
from mqlearn.study.analysis.charges import charges_by_order
from mqlearn.study.card import EffectLedger
from mqlearn.study.exercise import SEEDS, Answer, Mistake, call_answer, grade
from mqlearn.study.faults import one_try
from mqlearn.study.run import Run
from mqlearn.study.verdict import Verdict

ORDERS, WORKERS = 20, 3
LEASE = 10.0  # seconds
RETRIES = 30  # nobody dies of crashes here: what is lost is lost by the answer
UNTIL = 1800.0  # seconds; long before that everything can be done
POINTS = ("before the charge", "after the charge", "after the ack")
RATE = 0.1  # of a crash at each point


def check_work(work: Callable[[Any, Message, Callable[[Message], object]], object]) -> Verdict:
    """Whether `work(queue, message, charge)` charges and settles one delivery such that no order is
    forgotten.

    It calls `charge(message)`, which takes a few seconds, and `queue.ack(message)` or
    `queue.nack(message)`. A worker dies in a tenth of all cases at each of three points: before the
    charge, after it, after the ack. Its death is an exception that comes out of the call, and
    nothing else is settled for it.

    In 100 seeds 20 orders must each be charged at least once, and in the end nothing may wait or be
    in flight, or lie in the dead letters. Charged twice is allowed here: exercise 03.3 is about
    that.
    """
    crashes = [0, 0]

    def tried(fn: Callable[..., Any], seed: int) -> Iterator[Mistake]:
        return mistakes(fn, seed, crashes)

    return grade(
        tried,
        work,
        lambda: (
            f"{len(SEEDS)} seeds, {len(SEEDS) * ORDERS:,} orders, {crashes[0]:,} crashes: every "
            "order "
            "was charged, "
            f"{crashes[1]} of them more than once, and nothing was left in the queue"
        ),
    )


def mistakes(
    work: Callable[..., Any], seed: int, crashes: list[int] | None = None
) -> Iterator[Mistake]:
    """The faults with this seed: first with one order on a calm day, then with all of them and with
    crashes.
    """
    calm, answer = _run(work, seed, orders=1, rate=0.0)
    charged, books = charges_by_order(calm.trace.records), calm.trace.balance()
    if len(charged.get("order-1", ())) != 1 or books.completed != 1:
        seen = "charged" if charged else "not charged"
        seen += (
            ", not acked"
            if not books.completed
            else f", charged {len(charged.get('order-1', ()))} times"
        )
        yield Mistake(
            "one order, and nobody dies: expected it to be charged once and acked, it was "
            f"{seen}; {answer}",
            "call charge(message) and queue.ack(message)",
        )
        return
    run, _ = _run(work, seed, orders=ORDERS, rate=RATE)
    if crashes is not None:
        crashes[0] += sum(
            record.event == "finished" and record.detail == "crashed"
            for record in run.trace.records
        )
        crashes[1] += sum(len(each) > 1 for each in charges_by_order(run.trace.records).values())
    for said, hint in _wrong(run):
        yield Mistake(said, hint, partial(replace, run, verdict=f"{said}."))


def _wrong(run: Run) -> Iterator[tuple[str, str]]:
    """What is wrong with what became of the orders."""
    charged = charges_by_order(run.trace.records)
    ends = {
        record.message_id: record
        for record in run.trace.records
        if record.event in ("acked", "dead")
    }
    for number in range(1, ORDERS + 1):
        order, end = f"order-{number}", ends.get(f"order-{number}")
        if end is not None and end[1] == "acked" and order not in charged:
            yield (
                f"{order} was acked at {end[0]:.1f} s and never charged",
                "what if the worker dies between the two, or the charge fails? Who acks then?",
            )
        elif end is None or end[1] == "dead":
            where = (
                "is still in the queue"
                if end is None
                else f"died at {end[0]:.1f} s, all its tries used up"
            )
            yield f"{order} {where}", "every delivery that was worked on must be acked in the end"


@dataclass(frozen=True)
class Shift:
    """What a replayed run is drawn as."""

    REPLAYS: ClassVar[tuple[str, ...]] = ("leases", "charges")


class Desk:
    """The queue as a student's function sees it: acks, nacks, releases, leases; a worker may die
    after an ack.
    """

    def __init__(self, queue: InMemoryMessageQueue, dies: Callable[[str, Message], None]) -> None:
        self._queue, self._dies = queue, dies

    def ack(self, delivery: Message | str) -> bool:
        """Ack a delivery, or an id."""
        done = self._queue.ack(delivery)
        if isinstance(delivery, Message):
            self._dies(POINTS[2], delivery)
        return done

    def nack(
        self, delivery: Message | str, requeue: bool = True, *, reason: str | None = None
    ) -> bool:
        """Nack a delivery, or an id."""
        return self._queue.nack(delivery, requeue, reason=reason)

    def release(self, delivery: Message | str, *, delay: float = 0.0) -> bool:
        """Give a delivery back for `delay` seconds."""
        return self._queue.release(delivery, delay=delay)

    def extend(self, delivery: Message | str, seconds: float) -> bool:
        """Let the lease of a delivery end `seconds` from now."""
        return self._queue.extend(delivery, seconds)


def _run(work: Callable[..., Any], seed: int, *, orders: int, rate: float) -> tuple[Run, Answer]:
    """The run of this seed, and the first answer of the function."""
    answers: list[Answer] = []
    with Simulation(seed) as sim:
        trace = Trace()
        queue = InMemoryMessageQueue(
            visibility_timeout=LEASE, runtime=sim, trace=trace, name="orders"
        )
        ledger = EffectLedger(sim, trace=trace)

        def dies(point: str, message: Message) -> None:
            if sim.draw(point, *one_try(message)) < rate:
                raise WorkerCrash(point)

        def charge(message: Message) -> None:
            sim.sleep(1.0 + 3.0 * sim.draw("work", *one_try(message)))
            dies(POINTS[0], message)
            ledger.record(message.body["order"], 20.0)
            dies(POINTS[1], message)

        def loop() -> None:
            while (message := queue.take(lambda: pool.stopping)) is not None:
                _report(sim, trace, "started", message, None)
                # the function may do to it what it likes
                own = replace(message.copy(), body=dict(message.body))
                answers.append(call_answer(work, Desk(queue, dies), own, charge))
                crashed = isinstance(answers[-1].error, WorkerCrash)
                _report(sim, trace, "finished", message, "crashed" if crashed else "completed")
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
        while sim.now < UNTIL and queue.size() + queue.get_in_flight_count():
            sim.run(until=sim.now + 30.0)
        run = Run.of(trace, sim.now)
    return replace(run, scenario=Shift(), seed=seed), answers[0]


def _report(sim: Runtime, trace: Trace, event: str, message: Message, detail: str | None) -> None:
    now, worker = sim.stamp()
    trace.note(
        now,
        event,
        "orders",
        delivery=message,
        worker=worker,
        detail=detail,
    )
