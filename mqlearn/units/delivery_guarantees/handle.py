"""Exercise 03.3: a handler that charges once, whatever happens to it and its messages. Graded by
chaos.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from mqlearn.messaging.memory import InMemoryMessageQueue
from mqlearn.messaging.message import Message
from mqlearn.messaging.processor import MessageProcessor
from mqlearn.runtime.base import WorkerCrash
from mqlearn.runtime.simulation import Simulation
from mqlearn.runtime.trace import Trace
from mqlearn.study.analysis.charges import AGAIN, charges_by_order, order_of
from mqlearn.study.card import EffectLedger
from mqlearn.study.exercise import SEEDS, Answer, Mistake, call_answer, grade, short_repr
from mqlearn.study.faults import Faults, happens, one_try
from mqlearn.study.run import Run
from mqlearn.study.verdict import Verdict
from mqlearn.units.delivery_guarantees.work import Shift

ORDERS, WORKERS = 20, 4
LEASE = 10.0  # seconds
RETRIES = 30  # nobody dies of bad luck: what is lost is lost by the answer
UNTIL = 600.0  # seconds after which every message must have been acked
CRASHES, LOST_ACKS, SENT_AGAIN, SLOW = 0.03, 0.05, 0.15, 0.1


def check_handle(handle: Callable[[Message, Any, Any], object], *, keyed: bool = True) -> Verdict:
    """Whether `handle(order, card, store)` charges each order once, under every fault of this unit
    at once.

    `order` is a delivery: `order.body` has the "order", its number, and the "amount".
    `card.charge(key, amount)` charges and returns the number of a receipt; a key that it knows it
    answers with the old receipt and charges nothing. `store.get(key)` and `store.put(key, value)`
    are a memory that all workers share and no crash erases; `get` returns None for what was never
    put. What `handle` returns is acked if it is true or None.

    In 100 seeds a worker dies before or after any of these calls in 3 % of all cases, 5 % of the
    acks are lost, in a tenth of the tries the card takes longer than the lease, and 15 % of the
    orders are sent a second time under another message id. Each of 20 orders must be charged
    exactly once, and every message acked within ten minutes.

    With `keyed=False` the card takes no key: each call is a charge. Then nothing passes.
    """
    crashes = [0, 0]

    def tried(fn: Callable[..., Any], seed: int) -> Iterator[Mistake]:
        return mistakes(fn, seed, keyed=keyed, crashes=crashes)

    return grade(
        tried,
        handle,
        lambda: (
            f"{len(SEEDS)} seeds, {crashes[1]:,} messages, {crashes[0]:,} crashes: every order was "
            "charged once, and every "
            f"message acked"
        ),
    )


def mistakes(
    handle: Callable[..., Any], seed: int, *, keyed: bool = True, crashes: list[int] | None = None
) -> Iterator[Mistake]:
    """The faults with this seed: first with one order on a calm day, then with all of them and all
    that fails.
    """
    calm, answers = _run(handle, seed, orders=1, calm=True, keyed=keyed)
    if len(charges_by_order(calm.trace.records).get("order-1", ())) != 1 or not calm.totals["done"]:
        made = len(charges_by_order(calm.trace.records).get("order-1", ()))
        yield Mistake(
            "one order, and nothing goes wrong: expected one charge and an ack, there "
            f"{_were(made)} and "
            f"{'an' if calm.totals['done'] else 'no'} ack; {answers[0]}",
            "card.charge(key, amount) charges; return something true when all is done",
        )
        return
    run, answers = _run(handle, seed, orders=ORDERS, calm=False, keyed=keyed)
    if crashes is not None:
        crashes[0] += sum(
            record.event == "finished" and record.detail == "crashed"
            for record in run.trace.records
        )
        crashes[1] += int(run.totals["sent"])
    for said, hint in _wrong(run, answers):
        yield Mistake(said, hint, partial(replace, run, verdict=f"{said}."))


def _were(charges: int) -> str:
    return (
        "was no charge"
        if charges == 0
        else f"was {charges} charge"
        if charges == 1
        else f"were {charges} charges"
    )


def _wrong(run: Run, answers: list[Answer]) -> Iterator[tuple[str, str]]:
    """What is wrong with what became of the orders, the earliest first for each kind."""
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
    wanting = [
        record.message_id
        for record in run.trace.records
        if record.event == "sent" and record.message_id not in acked
    ]
    if wanting:
        error = next(
            (
                f"; {answer}"
                for answer in answers
                if answer.error is not None and not isinstance(answer.error, WorkerCrash)
            ),
            "",
        )
        yield (
            f"{wanting[0]} is not acked after {UNTIL / 60:.0f} minutes{error}",
            "a message that comes again must be answered too: with the result of the first time",
        )


class Card:
    """The card service: a key that it knows is answered with the old receipt, whoever asks."""

    def __init__(self, ledger: EffectLedger, keyed: bool) -> None:
        self.ledger, self.keyed = ledger, keyed
        self.receipts: dict[str, str] = {}

    def charge(self, key: str, amount: float, order: str) -> str:
        """Charge for this order, if the key is new."""
        if not self.keyed or key not in self.receipts:
            self.ledger.record(order, amount)
            self.receipts[key] = f"receipt-{len(self.ledger.effects)}"
        return self.receipts[key]


class Call:
    """What one try may call; before and after each call its worker may die."""

    def __init__(
        self, sim: Simulation, message: Message, card: Card, kept: dict[str, Any], calm: bool
    ) -> None:
        self._sim, self._message, self._card, self._kept, self._calm = (
            sim,
            message,
            card,
            kept,
            calm,
        )
        self._calls: Counter[str] = Counter()

    def charge(self, key: str, amount: float) -> str:
        """Charge the card; the number of a receipt."""
        if not isinstance(key, str):
            raise TypeError(f"the key of a charge must be a str, got {short_repr(key)}")
        asked = self._message.body
        if amount != asked["amount"]:
            raise ValueError(
                f"{asked['order']} costs {asked['amount']:g}, got {short_repr(amount)}"
            )
        self._dies("before charge")
        slow = not self._calm and happens(self._sim, SLOW, "slow", *one_try(self._message))
        self._sim.sleep(
            LEASE + 2.0 if slow else 1.0 + 2.0 * self._sim.draw("work", *one_try(self._message))
        )
        receipt = self._card.charge(key, amount, asked["order"])
        self._dies("after charge")
        return receipt

    def get(self, key: str) -> Any:
        """What was put under this key, or None."""
        self._dies("before get")
        self._sim.sleep(0.1)
        found = self._kept.get(key)
        self._dies("after get")
        return found

    def put(self, key: str, value: Any) -> None:
        """Keep it for all workers."""
        self._dies("before put")
        self._sim.sleep(0.1)
        self._kept[key] = value
        self._dies("after put")

    def _dies(self, point: str) -> None:
        task = self._sim.current_task()
        self._calls[point] += 1
        if task is not None and task.crashed:  # the dead do nothing more, whatever they catch
            raise WorkerCrash(point)
        if (
            not self._calm
            and self._sim.draw(point, self._calls[point], *one_try(self._message)) < CRASHES
        ):
            raise WorkerCrash(point)


def _run(
    handle: Callable[..., Any], seed: int, *, orders: int, calm: bool, keyed: bool
) -> tuple[Run, list[Answer]]:
    """The run of this seed, and what the function answered, try by try."""
    answers: list[Answer] = []
    with Simulation(seed) as sim:
        trace = Trace()
        queue = InMemoryMessageQueue(
            visibility_timeout=LEASE, runtime=sim, trace=trace, name="orders"
        )
        card, kept = Card(EffectLedger(sim, trace=trace), keyed), dict[str, Any]()
        link = Faults(lost_ack=0.0 if calm else LOST_ACKS).link(queue)

        def work(message: Message) -> object:
            call = Call(sim, message.copy(), card, kept, calm)
            # the function may do to it what it likes
            own = replace(message.copy(), body=dict(message.body))
            answers.append(call_answer(handle, own, call, call))
            if answers[-1].error is not None:
                raise answers[-1].error
            return answers[-1].value

        processor = MessageProcessor(link)
        processor.register_processor("default", work)
        processor.start_workers(WORKERS)
        for number in range(1, orders + 1):
            order = {"order": f"order-{number}", "amount": float(5 + number)}
            for name in (f"order-{number}", f"order-{number}{AGAIN}"):
                if name.endswith(AGAIN) and (
                    calm or not happens(sim, SENT_AGAIN, "sent again", name)
                ):
                    continue
                queue.send(Message(id=name, body=dict(order), max_retries=0 if calm else RETRIES))
        while sim.now < UNTIL and queue.size() + queue.get_in_flight_count():
            sim.run(until=sim.now + 30.0)
        run = Run.of(trace, sim.now)
    return replace(run, scenario=Shift(), seed=seed), answers
