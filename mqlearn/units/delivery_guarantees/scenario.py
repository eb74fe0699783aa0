"""Unit 03: can a card be charged exactly once?"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from mqlearn.messaging.message import Message
from mqlearn.messaging.processor import MessageProcessor
from mqlearn.messaging.queue import MessageQueue
from mqlearn.messaging.workers import Handler
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.trace import Trace
from mqlearn.study.analysis.charges import RESENT, ChargeAnalysis, expected_charges
from mqlearn.study.card import EffectLedger, KeyedCard, PlainCard
from mqlearn.study.faults import Faults, happens, one_try, strikes
from mqlearn.study.run import Run
from mqlearn.study.scenario import Scenario, advance, own_or_given, param
from mqlearn.study.words import format_number
from mqlearn.units.delivery_guarantees.acks import AckLink
from mqlearn.units.delivery_guarantees.heartbeat import with_heartbeat

ORDERS = 1000
PRICE = 20.0
SPACING = 0.6  # seconds between two orders on average: ten minutes of them
WINDOW = 900.0  # seconds until the run ends, even if some messages are not settled
WORKERS = 30
RETRIES = 3
CONFIRM_TIMEOUT = 5.0  # seconds for which the shop waits for the confirm of a send
POINTS = ("before the charge", "after the charge", "after the ack")
AFTER, FIRST = "after the work", "first"


@dataclass(frozen=True)
class CardCharges(Scenario):
    """A thousand orders in ten minutes, thirty workers, three retries: how often is each card
    charged?

    A try works for a random time between `shortest` and `longest` seconds, and charges the card at
    its end. Each fault is drawn independently of the others. A worker that dies is replaced after a
    second. A stuck worker hangs until the end of the run, before the charge. If the confirm of a
    send is lost, the shop sends the order again after five seconds, under a new message id. The run
    is observed until all messages are settled, for at most fifteen minutes.
    """

    # what no slider moves: numbers of messages and workers, and seconds
    ORDERS: ClassVar[int] = ORDERS
    SPACING: ClassVar[float] = SPACING
    WINDOW: ClassVar[float] = WINDOW
    WORKERS: ClassVar[int] = WORKERS
    CONFIRM_TIMEOUT: ClassVar[float] = CONFIRM_TIMEOUT
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
        start, first = runtime.now, self.ack == FIRST
        # If the ack comes first, a crash after it is a crash before the charge (see `_forgets`).
        crash = self.crash_rate if self.crash_point == POINTS[2] and not first else 0.0
        link = AckLink(queue, first=first, lost=self.lost_acks, crash=crash)
        processor = MessageProcessor(link)
        processor.register_processor("default", self._worker(link, trace, start + self.WINDOW))
        processor.start_workers(self.WORKERS)
        shop = runtime.spawn(self._shop, link, name="shop")
        advance(runtime, self.ORDERS * self.SPACING)
        shop.join()
        # Until all is settled, checked once a second; a stuck worker lets it run to the window's
        # end.
        while runtime.now < start + self.WINDOW and not link.idle:
            runtime.sleep(1.0)
        trace.freeze()
        try:
            return self._report(trace, runtime.now, seed)
        finally:  # also if an engine has lost messages, and the books do not balance
            processor.stop_workers()

    def _shop(self, queue: MessageQueue) -> None:
        """Send each order, and send it again if its confirm was lost."""
        runtime = queue.runtime

        def send(name: str, order: str) -> None:
            queue.send(Message(id=name, body={"order": order}, max_retries=RETRIES))

        start, due = runtime.now, 0.0
        for number in range(1, self.ORDERS + 1):
            # Uniform gaps from 0 to twice the mean, which is `self.SPACING`.
            due += 2 * self.SPACING * runtime.draw("gap", number)
            runtime.sleep_until(start + due)
            order = f"order-{number}"
            send(order, order)
            if happens(runtime, self.lost_confirms, "lost confirm", order):
                runtime.call_at(
                    runtime.now + self.CONFIRM_TIMEOUT, partial(send, order + RESENT, order)
                )

    def _worker(self, link: AckLink, trace: Trace, end: float) -> Handler:
        """Return the handler of a message: work, then charge, with a heartbeat if there is one.

        `end` (s) is the end of the window: a stuck worker hangs until after it.
        """
        runtime = link.runtime
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
            # The run must not end while a worker can still charge, even if its lease was lost.
            link.busy_until = max(link.busy_until, runtime.now + work)
            return work

        work = faults.handler(
            lambda message: card.charge(message.body["order"], PRICE), runtime, seconds=seconds
        )
        if not self.heartbeat:
            return work
        return with_heartbeat(
            work,
            link,
            every=self.heartbeat,
            lease=self.lease,
            limit=self.beat_limit or self.WINDOW,
        )

    @property
    def _forgets(self) -> bool:
        """True if a worker dies after its ack and before its work: then the order is forgotten."""
        return self.ack == FIRST and self.crash_point == POINTS[2]

    def _report(self, trace: Trace, until: float, seed: int) -> Run:
        books = trace.balance()
        analysis = ChargeAnalysis(trace.records)
        totals: dict[str, float] = {
            "sent": books.accepted,
            "done": books.completed,
            "dead": books.dead,
            "charges": analysis.charges,
            "never": analysis.never,
            "twice": analysis.twice,
            "dead_but_charged": analysis.dead_but_charged,
        }
        left = books.waiting + books.in_flight
        if left:
            totals["left"] = left
        theory = self._theory()
        parts = [
            f"{analysis.twice:,} of {self.ORDERS:,} orders charged twice or more, "
            f"{analysis.never:,} never."
        ]
        if analysis.example:
            parts.append(analysis.example)
        headline = " ".join(parts).replace(" orders", "", 1)  # a title has two lines
        if analysis.dead_but_charged:
            found = (
                "1 is among the dead letters although it was"
                if analysis.dead_but_charged == 1
                else f"{analysis.dead_but_charged:,} are among the dead letters although they were"
            )
            parts.append(f"{found} charged.")
        if left:
            minutes = format_number(until / 60)
            parts.append(
                f"{left:,} {'is' if left == 1 else 'are'} not settled after {minutes} minutes."
            )
        parts += self._compare_prediction(f"{analysis.twice:,}")
        return Run(self, seed, trace, until, totals, " ".join(parts), theory, headline)

    def _theory(self) -> dict[str, Any]:
        """Return the numbers of orders that are expected to be charged 0 times, once, and twice or
        more often, if the tries are independent of each other; else nothing.
        """
        # Here one try changes the next, so the formula for independent tries would be wrong.
        if self.dedup_window or self.stuck or self.beat_limit:
            return {}
        crash = {point: self.crash_rate * (point == self.crash_point) for point in POINTS}
        # A lease is never lost if the message is acked at once, or renewed before its end.
        lease_kept = self.ack == FIRST or 0 < self.heartbeat < self.lease
        spread = self.longest - self.shortest
        beyond = (
            (self.longest - self.lease) / spread if spread else float(self.shortest > self.lease)
        )
        late = 0.0 if lease_kept else min(max(beyond, 0.0), 1.0)
        if self.ack == FIRST:
            before, back = crash[POINTS[0]] + crash[POINTS[2]], self.lost_acks
            shares = expected_charges(before, back, back, RETRIES + 1, self.lost_confirms)
        else:
            back = 1 - (1 - late) * (1 - crash[POINTS[1]]) * (1 - self.lost_acks)
            shares = expected_charges(crash[POINTS[0]], 1.0, back, RETRIES + 1, self.lost_confirms)
        return {
            "charges": [
                self.ORDERS * shares[0],
                self.ORDERS * shares[1],
                self.ORDERS * sum(shares[2:]),
            ]
        }
