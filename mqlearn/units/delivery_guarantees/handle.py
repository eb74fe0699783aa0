"""Exercise 03.3: a handler that charges each order once, under all faults of this unit together.
Graded on random faults.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from mqlearn.messaging.memory import InMemoryMessageQueue
from mqlearn.messaging.message import Message
from mqlearn.messaging.processor import MessageProcessor
from mqlearn.messaging.queue import MessageQueue
from mqlearn.runtime import check
from mqlearn.runtime.base import WorkerCrash
from mqlearn.runtime.simulation import Simulation
from mqlearn.runtime.threads import ThreadRuntime
from mqlearn.runtime.trace import Trace
from mqlearn.study.analysis.charges import RESENT, charges_by_order, order_of
from mqlearn.study.card import EffectLedger
from mqlearn.study.exercise import Answer, Exercise, Mistake, call_answer
from mqlearn.study.faults import Faults, happens
from mqlearn.study.run import Run
from mqlearn.study.scenario import advance
from mqlearn.study.verdict import Verdict
from mqlearn.study.words import format_count
from mqlearn.units.delivery_guarantees.services import Calls, CardService
from mqlearn.units.delivery_guarantees.work import CHARTS, crashes_of

ORDERS, WORKERS = 20, 4
LEASE = 10.0  # seconds
RETRIES = 30  # more than crashes can use up, so that an order is lost only by the answer's mistake
UNTIL = 600.0  # seconds; by then every message must have been acked
# The probabilities that an ack is lost, and that an order is sent twice.
LOST_ACKS, SENT_AGAIN = 0.05, 0.15
ENGINE_SEED = 15  # with every kind of fault: four crashes, two lost acks, seven lost leases
FEWEST_RETRIES = 9  # on an engine: Kafka has no more, and a third of the tries end badly


def check_handle(
    handle: Callable[[Message, Any, Any], object],
    *,
    keyed: bool = True,
    queue: MessageQueue | None = None,
) -> Verdict:
    """Grade `handle(order, card, store)`, which charges each order once, under every fault of this
    unit at once.

    `order` is a delivery: `order.body` has the "order", which is its id, and the "amount".
    `card.charge(key, amount)` charges and returns the number of a receipt; if it already knows the
    key, it returns the old receipt and charges nothing. `store.get(key)` and
    `store.put(key, value)` are a memory that all workers share and that no crash erases; `get`
    returns None for a key that was never put. The order is acked if `handle` returns a true value
    or None.

    In 100 seeds a worker dies before or after any of these calls in 3 % of all cases, 5 % of the
    acks are lost, in a tenth of the tries the card takes longer than the lease, and 15 % of the
    orders are sent a second time under another message id. Each of 20 orders must be charged
    exactly once, and every message acked within ten minutes.

    With `keyed=False` the card takes no key: each call is a charge. Then no answer can pass.

    With a `queue` on a genuine engine, new and with at least nine retries, the same faults of one
    seed hit it there, on real threads; all times are in proportion to the lease of the queue.
    """
    if queue is None:
        return HandleExercise(keyed=keyed).grade(handle)
    return OnEngine(queue, keyed=keyed).grade(handle)


class Shift(NamedTuple):
    """A run with one order and no faults (`calm`), and the run with all faults; None if the calm
    one already showed a mistake.
    """

    calm: Run
    run: Run | None
    answers: list[Answer]  # of the last of these runs, one for each try


class HandleExercise(Exercise[int, Shift]):
    """First one order without any fault, then all orders with all faults.

    Without `keyed` the card service takes no key, and the exercise cannot be solved.
    """

    def __init__(self, *, keyed: bool = True) -> None:
        self.keyed = keyed

    def play(self, answer: Callable[..., Any], case: int) -> Shift:
        # An answer that fails without faults gets the simpler sentence, not one about crashes.
        calm, answers = _run(answer, case, orders=1, calm=True, keyed=self.keyed)
        if _charges(calm) != 1 or not calm.totals["done"]:
            return Shift(calm, None, answers)
        return Shift(calm, *_run(answer, case, orders=ORDERS, calm=False, keyed=self.keyed))

    def mistakes(self, world: Shift) -> Iterator[Mistake]:
        if world.run is None:
            yield Mistake(
                "one order, and nothing goes wrong: expected one charge and an ack, there "
                f"{_were(_charges(world.calm))} and "
                f"{'an' if world.calm.totals['done'] else 'no'} ack; {world.answers[0]}",
                "card.charge(key, amount) charges; return something true when all is done",
            )
            return
        for said, hint in _wrong(world.run, world.answers):
            yield Mistake(said, hint, partial(replace, world.run, verdict=f"{said}."))

    def summary(self, worlds: list[Shift]) -> str:
        runs = [world.run for world in worlds if world.run is not None]
        return (
            f"{len(runs)} seeds, {sum(int(run.totals['sent']) for run in runs):,} messages, "
            f"{sum(map(crashes_of, runs)):,} crashes: every order was charged once, "
            "and every message acked"
        )


class OnEngine(HandleExercise):
    """The same shift on a genuine engine, with the faults of one seed."""

    def __init__(self, queue: MessageQueue, *, keyed: bool) -> None:
        super().__init__(keyed=keyed)
        check.instance("queue", queue, MessageQueue)
        retries = getattr(queue, "max_retries", 0)
        if queue.trace is None or queue.visibility_timeout is None or retries < FEWEST_RETRIES:
            raise ValueError(
                "queue must have a trace, a lease and at least "
                f"{FEWEST_RETRIES} retries, got {check.short_repr(queue)}"
            )
        self.queue = queue

    def cases(self) -> tuple[int]:
        return (ENGINE_SEED,)

    def play(self, answer: Callable[..., Any], case: int) -> Shift:
        calm, answers = _run(answer, case, orders=1, calm=True, keyed=self.keyed)
        if _charges(calm) != 1 or not calm.totals["done"]:
            return Shift(calm, None, answers)
        self.queue.run_on(ThreadRuntime().fresh(case))
        return Shift(
            calm,
            *run_shift(answer, self.queue, case, orders=ORDERS, calm=False, keyed=self.keyed),
        )

    def summary(self, worlds: list[Shift]) -> str:
        said = super().summary(worlds)
        return said.replace("1 seeds", f"on {type(self.queue).__name__}, one seed", 1)


EXERCISE = HandleExercise()


def _charges(calm: Run) -> int:
    """Return how often the one order of a calm run was charged."""
    return len(charges_by_order(calm.trace.records).get("order-1", ()))


def _were(charges: int) -> str:
    if charges == 0:
        return "was no charge"
    return f"{'was' if charges == 1 else 'were'} {format_count(charges, 'charge')}"


def _wrong(run: Run, answers: list[Answer]) -> Iterator[tuple[str, str]]:
    """Yield the mistakes in the orders' charges and acks, each with a hint: the earliest mistake of
    each kind.
    """
    charged = charges_by_order(run.trace.records)
    twice = min(
        ((found[1].time, order) for order, found in charged.items() if len(found) > 1), default=None
    )
    if twice is not None:
        first, second = charged[twice[1]][:2]
        again = (
            "for its second message"
            if first.message_id != second.message_id
            else f"in attempt {second.attempt} of the same message"
        )
        yield (
            f"{twice[1]} was charged at {first.time:.1f} s and again at {second.time:.1f} s, "
            f"{again}",
            "by which key does the card know that it is the same order?",
        )
    acked = {
        record.message_id: record.time for record in run.trace.records if record.event == "acked"
    }
    for name, time in acked.items():
        if order_of(name) not in charged:
            yield (
                f"{name} was acked at {time:.1f} s, and its card was never charged",
                "what if the worker dies just after it has noted that all is done?",
            )
            break
    unacked = [
        record.message_id
        for record in run.trace.records
        if record.event == "sent" and record.message_id not in acked
    ]
    if unacked:
        error = next(
            (
                f"; {answer}"
                for answer in answers
                if answer.error is not None and not isinstance(answer.error, WorkerCrash)
            ),
            "",
        )
        yield (
            f"{unacked[0]} is not acked after {UNTIL / 60:.0f} minutes{error}",
            "a message that comes again must be answered too: with the result of the first time",
        )


def _run(
    handle: Callable[..., Any], seed: int, *, orders: int, calm: bool, keyed: bool
) -> tuple[Run, list[Answer]]:
    """Return the run of this seed, and the function's answers, try by try."""
    with Simulation(seed) as sim:
        queue = InMemoryMessageQueue(
            visibility_timeout=LEASE, runtime=sim, trace=Trace(), name="orders"
        )
        return run_shift(handle, queue, seed, orders=orders, calm=calm, keyed=keyed)


def run_shift(
    handle: Callable[..., Any],
    queue: MessageQueue,
    seed: int,
    *,
    orders: int,
    calm: bool,
    keyed: bool,
) -> tuple[Run, list[Answer]]:
    """Return the run of these orders on a queue, and the function's answers, try by try. All times
    are in proportion to the queue's lease.
    """
    runtime, trace, lease = queue.runtime, queue.trace, queue.visibility_timeout
    assert trace is not None
    assert lease is not None
    answers: list[Answer] = []
    card, stored = CardService(EffectLedger(runtime, trace=trace), keyed), dict[str, Any]()
    link = Faults(lost_ack=0.0 if calm else LOST_ACKS).link(queue)

    def work(message: Message) -> object:
        calls = Calls(runtime, message.copy(), card, stored, calm=calm, lease=lease)
        # A copy: if the function changes its order, the delivery in the queue must not change.
        own = replace(message.copy(), body=dict(message.body))
        answers.append(answer := call_answer(handle, own, calls, calls))
        if answer.error is not None:
            raise answer.error
        return answer.value

    processor = MessageProcessor(link, restart_after=lease / LEASE)
    processor.register_processor("default", work)
    processor.start_workers(WORKERS)
    for number in range(1, orders + 1):
        order = {"order": f"order-{number}", "amount": float(5 + number)}
        for name in (f"order-{number}", f"order-{number}{RESENT}"):
            if name.endswith(RESENT) and (
                calm or not happens(runtime, SENT_AGAIN, "sent again", name)
            ):
                continue
            queue.send(Message(id=name, body=dict(order), max_retries=0 if calm else RETRIES))
    # In pieces of 30 s, so that a run ends soon after its last message is settled.
    until = runtime.now + UNTIL * lease / LEASE
    while runtime.now < until and not _is_empty(queue):
        advance(runtime, 30.0 * lease / LEASE)
    if not runtime.virtual:
        processor.stop_workers()
    return replace(Run.of(trace, runtime.now), charts=CHARTS, seed=seed), answers


def _is_empty(queue: MessageQueue) -> bool:
    held = queue.census()  # type: ignore[attr-defined] # each queue with a trace has one
    return not (held["waiting"] or held["delayed"] or held["in flight"])
