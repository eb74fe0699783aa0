"""Unit 03: can a card be charged exactly once?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from mqlearn.messaging.message import COMPLETED, Message, Outcome
from mqlearn.messaging.processor import MessageProcessor
from mqlearn.messaging.queue import MessageQueue
from mqlearn.runtime.base import Runtime, WorkerCrash
from mqlearn.runtime.trace import Trace
from mqlearn.study.analysis.charges import RESENT, ChargeAnalysis, expected_charges
from mqlearn.study.card import EffectLedger, KeyedCard, PlainCard
from mqlearn.study.faults import Faults, Link, happens, one_try, strikes
from mqlearn.study.run import Run
from mqlearn.study.scenario import Scenario, advance, own_or_given, param

ORDERS = 1000
PRICE = 20.0
SPACING = 0.6  # seconds between two orders on average: ten minutes of them
WINDOW = 900.0  # seconds after which what has not ended is left as it is
WORKERS = 30
RETRIES = 3
CONFIRM_TIMEOUT = 5.0  # seconds for which the shop waits for the confirm of a send
POINTS = ("before the charge", "after the charge", "after the ack")
AFTER, FIRST = "after the work", "first"


@dataclass(frozen=True)
class CardCharges(Scenario):
    """A thousand orders in ten minutes, thirty workers, three retries: how often is each card
    charged?

    A try works for a while, anything between `shortest` and `longest` seconds, and charges the card
    at its end. It may go wrong in five ways, each drawn for itself. A worker that dies is replaced
    after a second. A stuck one hangs for good, before the charge. Where the confirm of a send is
    lost, the shop sends the order again after five seconds, under a new message id. Observed until
    all is settled, for at most fifteen minutes.
    """

    TITLE: ClassVar[str] = "How often is a card charged?"
    CHARTS: ClassVar[tuple[str, ...]] = ("leases", "charges")
    PREDICTS: ClassVar[str] = "charges"
    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        "ack first": {"ack": FIRST, "crash_rate": 0.01, "crash_point": POINTS[0]},
        "lease too short": {"crash_rate": 0.0, "lease": 10.0},
        "the confirm that never came": {"crash_rate": 0.0, "lost_confirms": 0.05},
        "stuck but beating": {"crash_rate": 0.0, "lease": 10.0, "heartbeat": 4.0, "stuck": 0.01},
    }

    shortest: float = param(
        2.0,
        unit="s",
        low=0.5,
        high=30,
        step=0.5,
        group="workers",
        help="The least time that the work before a charge takes.",
    )
    longest: float = param(
        14.0,
        unit="s",
        low=0.5,
        high=30,
        step=0.5,
        group="workers",
        help="The most time it takes; evenly spread between the two.",
    )
    crash_rate: float = param(
        0.01,
        low=0,
        high=0.5,
        step=0.01,
        group="failures",
        help="The probability that a worker dies in a try.",
    )
    crash_point: str = param(
        POINTS[1],
        group="failures",
        choices=POINTS,
        help="When it dies. With the ack first, after the ack is before the charge.",
    )
    lost_acks: float = param(
        0.0,
        low=0,
        high=0.5,
        step=0.01,
        group="failures",
        help="The probability that an ack never reaches the queue.",
    )
    lost_confirms: float = param(
        0.0,
        low=0,
        high=0.5,
        step=0.01,
        group="failures",
        help="The share of orders of which the shop hears no confirm and sends them again.",
    )
    stuck: float = param(
        0.0,
        low=0,
        high=0.1,
        step=0.01,
        group="failures",
        help="The probability that a try hangs for good, before the charge.",
    )
    ack: str = param(
        AFTER, group="policy", choices=(AFTER, FIRST), help="When a worker says that it is done."
    )
    lease: float = param(
        30.0,
        unit="s",
        low=1,
        high=60,
        step=1,
        group="policy",
        help="How long a message stays with the worker that took it, without an ack.",
    )
    heartbeat: float = param(
        0.0,
        unit="s",
        low=0,
        high=30,
        step=1,
        group="policy",
        help="How often a worker at work renews its lease; 0: never.",
    )
    beat_limit: float = param(
        0.0,
        unit="s",
        low=0,
        high=120,
        step=5,
        group="policy",
        help="How long after the start of a try it goes on renewing; 0: without end.",
    )
    dedup_window: float = param(
        0.0,
        unit="s",
        low=0,
        high=300,
        step=5,
        group="policy",
        help="How long the card service remembers the key of a charge; 0: it takes none.",
    )
    prediction: float | None = param(
        None,
        unit="orders",
        low=0,
        high=ORDERS,
        group="load",
        help="Of 1,000 orders, how many are charged twice or more?",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.longest < self.shortest:
            raise ValueError(
                f"longest must be at least shortest, which is {self.shortest:g} s, "
                f"got {self.longest!r}"
            )

    def _simulate(self, runtime: Runtime, queue: MessageQueue | None, seed: int) -> Run:
        queue, trace = own_or_given(queue, runtime, visibility_timeout=self.lease)
        desk, start = Desk(queue, self), runtime.now
        processor = MessageProcessor(desk)
        processor.register_processor("default", self._worker(desk, trace, start + WINDOW))
        processor.start_workers(WORKERS)
        shop = runtime.spawn(self._shop, desk, name="shop")
        advance(runtime, ORDERS * SPACING)
        shop.join()
        while runtime.now < start + WINDOW and not desk.idle:
            runtime.sleep(1.0)
        trace.freeze()
        run = self._report(trace, runtime.now, seed)
        processor.stop_workers()
        return run

    def _shop(self, desk: MessageQueue) -> None:
        """Send the orders, and those again of which no confirm came."""
        runtime = desk.runtime

        def send(name: str, order: str) -> None:
            desk.send(Message(id=name, body={"order": order}, max_retries=RETRIES))

        start, due = runtime.now, 0.0
        for number in range(1, ORDERS + 1):
            due += 2 * SPACING * runtime.draw("gap", number)
            runtime.sleep_until(start + due)
            order = f"order-{number}"
            send(order, order)
            if happens(runtime, self.lost_confirms, "lost confirm", order):
                runtime.call_at(runtime.now + CONFIRM_TIMEOUT, partial(send, order + RESENT, order))

    def _worker(self, desk: Desk, trace: Trace, end: float) -> Callable[[Message], object]:
        """What a worker does with a message: work, beating if it does, then charge; `end` (s) is
        that of the window.
        """
        runtime = desk.runtime
        ledger = EffectLedger(runtime, trace=trace)
        card = (
            KeyedCard(ledger, remember=self.dedup_window)
            if self.dedup_window
            else PlainCard(ledger)
        )
        before = self.crash_rate if self.crash_point == POINTS[0] or self._forgets else 0.0
        faults = Faults(
            crash_before=before,
            crash_after=self.crash_rate if self.crash_point == POINTS[1] else 0.0,
        )

        def seconds(message: Message) -> float:
            if strikes(runtime, self.stuck, "stuck", message):
                return max(0.0, end - runtime.now) + 1.0
            work = self.shortest + (self.longest - self.shortest) * runtime.draw(
                "work", *one_try(message)
            )
            desk.busy_until = max(desk.busy_until, runtime.now + work)
            return work

        work = faults.handler(
            lambda message: card.charge(message.body["order"], PRICE), runtime, seconds=seconds
        )
        return self._beating(work, desk) if self.heartbeat else work

    @property
    def _forgets(self) -> bool:
        """Whether a worker dies after an ack that came before the work."""
        return self.ack == FIRST and self.crash_point == POINTS[2]

    def _beating(
        self, work: Callable[[Message], object], desk: MessageQueue
    ) -> Callable[[Message], object]:
        """The same work, with a heartbeat beside it that renews the lease as long as the work goes
        on.
        """
        runtime = desk.runtime
        at_work: set[int] = set()

        def beat(message: Message) -> None:
            stop = runtime.now + (self.beat_limit or WINDOW)
            while True:
                runtime.sleep(self.heartbeat)
                late = runtime.now > stop
                if message.receipt not in at_work or late or not desk.extend(message, self.lease):
                    return

        def handle(message: Message) -> object:
            at_work.add(message.receipt)
            runtime.spawn(beat, message, name="heartbeat", daemon=True)
            try:
                return work(message)
            finally:  # a worker that dies takes its heartbeat with it
                at_work.discard(message.receipt)

        return handle

    def _report(self, trace: Trace, until: float, seed: int) -> Run:
        books = trace.balance()
        story = ChargeAnalysis(trace.records)
        totals: dict[str, float] = {
            "sent": books.accepted,
            "done": books.completed,
            "dead": books.dead,
            "charges": story.charges,
            "never": story.never,
            "twice": story.twice,
            "dead_but_charged": story.dead_but_charged,
        }
        left = books.waiting + books.in_flight
        if left:
            totals["left"] = left
        theory = self._theory()
        parts = [f"{story.twice} of {ORDERS:,} orders charged twice or more, {story.never} never."]
        if story.first_twice:
            parts.append(story.first_twice)
        if story.dead_but_charged:
            parts.append(
                f"{story.dead_but_charged} are among the dead letters although they were charged."
            )
        if left:
            parts.append(f"{left} are not settled after {until / 60:.0f} minutes.")
        parts += self.compare_prediction(f"{story.twice}")
        return Run(self, seed, trace, until, totals, " ".join(parts), theory)

    def _theory(self) -> dict[str, Any]:
        """The orders that are expected to be charged 0, 1, 2 times or more, where tries are
        independent.
        """
        if self.dedup_window or self.stuck or self.beat_limit:
            return {}
        crash = {point: self.crash_rate * (point == self.crash_point) for point in POINTS}
        kept = self.ack == FIRST or 0 < self.heartbeat < self.lease
        spread = self.longest - self.shortest
        beyond = (
            (self.longest - self.lease) / spread if spread else float(self.shortest > self.lease)
        )
        late = 0.0 if kept else min(max(beyond, 0.0), 1.0)
        if self.ack == FIRST:
            before, back = crash[POINTS[0]] + crash[POINTS[2]], self.lost_acks
            shares = expected_charges(before, back, back, RETRIES + 1, self.lost_confirms)
        else:
            back = 1 - (1 - late) * (1 - crash[POINTS[1]]) * (1 - self.lost_acks)
            shares = expected_charges(crash[POINTS[0]], 1.0, back, RETRIES + 1, self.lost_confirms)
        return {"charges": [ORDERS * shares[0], ORDERS * shares[1], ORDERS * sum(shares[2:])]}


class Desk(Link):
    """The queue as the workers of this scenario use it: acks get lost, come first if so told, and
    may be the last act.

    Acking first is what many clients do by themselves: the message is settled as it is handed out.
    """

    def __init__(self, queue: MessageQueue, scenario: CardCharges) -> None:
        super().__init__(queue, Faults(lost_ack=scenario.lost_acks))
        self.first = scenario.ack == FIRST
        # when the last of those who work now, and are not stuck, will be ready (s)
        self.busy_until = 0.0
        self.dies = (
            scenario.crash_rate if scenario.crash_point == POINTS[2] and not self.first else 0.0
        )

    @property
    def idle(self) -> bool:
        """Whether nothing waits, nothing is in flight, and nobody is still at work for whom it no
        longer is.
        """
        counted = self.queue.census()  # type: ignore[attr-defined]
        held = counted["waiting"] or counted["delayed"] or counted["in flight"]
        return not held and self.runtime.now > self.busy_until

    def take(self, cancelled: Callable[[], bool]) -> Message | None:
        message = super().take(cancelled)
        if message is not None and self.first:
            super().settle(message, COMPLETED)
        return message

    def settle(self, delivery: Message, outcome: Outcome) -> bool:
        if self.first:
            return True
        settled = super().settle(delivery, outcome)
        if strikes(self.runtime, self.dies, "crash after ack", delivery):
            raise WorkerCrash
        return settled
