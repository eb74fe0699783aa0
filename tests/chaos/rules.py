"""Chaos: a random day for a seed, lived through in simulated time, and held to the rules while it
goes on.
"""

from __future__ import annotations

import traceback
from collections import Counter

from mqlearn import Message, MessageQueueMetrics, MonitoredMessageProcessor, Simulation
from mqlearn.runtime.trace import COLUMNS, Record
from tests.chaos.books import Books
from tests.chaos.day import Day, draw_day
from tests.chaos.holders import Holders
from tests.chaos.once import Once
from tests.chaos.shop import Shop
from tests.chaos.states import States
from tests.messaging.recount import agree, levels_agree

# when all is compared, as shares of the time in which messages come; and at the end
LOOKS = (0.2, 0.5, 0.9)
BY_WORKERS = ("started", "finished", "batched", "scaled", "lost_ack")  # not by the queue
LONG = 10_000.0  # seconds after which a day should be over
MOST = 20_000  # records of a day; one that makes more goes in circles


class Broken(AssertionError):
    """A rule does not hold on this day: which one, the records concerned, and how to see it
    again.
    """

    def __init__(self, day: Day, what: str, records: list[Record]) -> None:
        told = "".join(f"\n    {dict(zip(COLUMNS, record, strict=True))}" for record in records)
        super().__init__(f"{what}{told}\nto see it again: python -m tests.chaos {day.seed}")
        self.day, self.what = day, what


class Watch:
    """Holds each record to the rules at the instant at which it is made."""

    def __init__(self, day: Day, sim: Simulation) -> None:
        self.day, self.sim = day, sim
        self.broken: list[tuple[str, Record]] = []
        self.books, self.holders = Books(day, self.broken), Holders(day, self.broken)
        self.shop = shop = Shop(day, sim, self.hear)
        self.states = States(day, self.broken) if shop.breaker else None
        self.books.queue = shop.queue
        self.once = Once(shop)
        shop.called, shop.answered, shop.began, shop.ended = (
            self.called,
            self.answered,
            self.began,
            self.ended,
        )
        shop.stopped = self.stopped

    def hear(self, record: Record) -> None:
        """One record, of the queue, of a worker or of the breaker."""
        if len(self.shop.trace.records) > MOST:
            raise RuntimeError(f"it goes in circles: {MOST} records")
        life = self.books.lives.get(record.entry)
        self.holders.hear(record, life.charged if life else 0)
        self.books.hear(record)
        if self.states is not None:
            self.states.hear(record)

    def called(self, message: Message) -> None:
        """A handler is called."""
        self._note(message, self.holders.called(message, self._worker()))

    def answered(self, message: Message, how: str) -> None:
        """A handler answers."""
        if message.receipt in self.holders.held:
            self.holders.held[message.receipt].truth = how

    def began(self, message: Message) -> None:
        """What must happen once an order begins to."""
        self._note(message, self.once.began(message))

    def ended(self, message: Message, done: bool) -> None:
        """And has ended."""
        task = self.sim.current_task()
        self.once.ended(message, done, task is not None and task.crashed)

    def stopped(self) -> None:
        """All workers have ended: what they held is settled or given back, but for what died with
        them.
        """
        assert not self.holders.stuck(), (
            f"receipts {self.holders.stuck()} are in flight, and nobody holds them"
        )

    def _worker(self) -> str:
        task = self.sim.current_task()
        return "" if task is None else task.name

    def _note(self, message: Message, rule: str) -> None:
        if rule:
            self.broken.append(
                (
                    rule,
                    Record(
                        self.sim.now,
                        "(called)",
                        self.shop.queue.name,
                        0,
                        message.id,
                        message.priority.name,
                        message.attempt,
                        self._worker(),
                        message.receipt,
                        None,
                    ),
                )
            )

    # When everything that was due has happened.

    def at_rest(self) -> None:
        """The books close, metrics say what the trace says, nothing is overdue, and nobody idles
        while work waits.
        """
        now, shop = self.sim.now, self.shop
        shop.trace.balance()
        made = sum(
            record.source == shop.queue.name and record.event not in BY_WORKERS
            for record in shop.trace.records
        )
        assert shop.heard == made, f"a listener heard {shop.heard} of {made} records"
        self.books.at_rest(now)
        assert not self.holders.overdue(now), (
            f"the leases of receipts {self.holders.overdue(now)} are over"
        )
        shop.fill_the_room()
        agree(shop.metrics, shop.trace, now)
        levels_agree(shop.level, shop.trace, shop.queue.name, now)
        if isinstance(shop.processor, MonitoredMessageProcessor):
            metrics: MessageQueueMetrics = shop.processor.metrics
            agree(metrics, shop.trace, now, handled=True)
        alive = [worker.name for worker in shop.workers if worker.is_alive()]
        idle = self.holders.idle(now, alive)
        if shop.processor.started:
            leaving = shop.processor.count_workers().leaving
            assert leaving <= len(alive) - len(idle), f"{leaving} are to leave, {idle} are idle"
        open_to_all = self.states is None or self.states.state == "closed"
        if shop.processor.running and open_to_all and self.books.places["waiting"]:
            assert not idle, (
                f"{self.books.places['waiting']} messages wait, though {idle} have nothing to do"
            )

    def at_the_end(self) -> None:
        """All is completed or dead, but for what died with its holder; what was said and counted is
        what happened.
        """
        shop = self.shop
        assert not self.books.busy(), f"messages are left: {self.books.census()}"
        made, events = Counter[str](), Counter[str]()
        for _, event, _, _, message_id, _, _, worker, *_ in shop.trace.records:
            made[message_id] += event in ("sent", "scheduled", "deduplicated")
            events[event] += bool(worker)
        told = Counter(order.message.id for order, answer in shop.told if answer)
        assert len(shop.told) == len(self.day.orders), "a producer waits for room"
        for message_id, count in made.items():
            sure = told[message_id]
            most = 2 * sure if self.day.faults.duplicates else sure
            assert sure <= count <= most, (
                f"{message_id} was accepted {count} times, and {sure} times told so"
            )
        assert shop.processor.counts["processed"] == events["acked"], (
            "counted as processed what was acked"
        )
        assert shop.processor.counts["failed"] == sum(
            events[event] for event in ("nacked", "delayed", "dead")
        )


def chaos(seed: int) -> Counter[str]:
    """Live through the day of this seed; returns the kinds of records that it made. Raises
    Broken.
    """
    day = draw_day(seed)
    with Simulation(seed) as sim:
        watch = Watch(day, sim)
        try:
            live(watch)
            watch.shop.trouble.advance(sim.now)  # what was reported since the last run
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # of handed-in code it may be any
            if watch.broken:  # what was seen first tells more
                raise_first(watch)
            line = traceback.extract_tb(error.__traceback__)[-1].line
            raise Broken(
                day, f"{type(error).__name__}: {str(error) or line}", watch.shop.trace.records[-5:]
            ) from error
        return Counter(record.event for record in watch.shop.trace.records)


def live(watch: Watch) -> None:
    """The day, with a look now and then; in the end everything is served, and the shop closed."""
    sim, shop, day = watch.sim, watch.shop, watch.day
    advance = shop.trouble.advance
    shop.start()
    others = [sim.spawn(shop.produce, number, name=f"producer-{number}") for number in range(2)]
    others.append(sim.spawn(shop.operate, name="operator"))
    for share in LOOKS:
        advance(share * day.orders[-1].time)
        look(watch)
    advance(max([day.orders[-1].time, *(time for time, _ in day.operations)]) + 30.0)
    look(watch)
    others[-1].join()  # a stop may wait for the slowest worker
    shop.start()
    advance(sim.now)  # those that have to leave do so
    while sim.now < LONG and (watch.books.busy() or watch.holders.busy()):
        advance(sim.now + 100.0)
    look(watch)
    shop.stop()
    watch.at_the_end()
    assert not any(task.is_alive() for task in (*others, *shop.workers)), "somebody never ends"


def look(watch: Watch) -> None:
    """Nothing was broken so far, and nothing is wrong now."""
    if watch.broken:
        raise_first(watch)
    watch.at_rest()


def raise_first(watch: Watch) -> None:
    """The first rule that was broken, with the life of the message concerned up to there."""
    rule, record = watch.broken[0]
    before = [
        each
        for each in watch.shop.trace.records
        if each[4] == record.message_id and each[0] <= record.time
    ]
    raise Broken(
        watch.day,
        f"{record.event or 'at rest'} {record.message_id} at {record.time:g} s: {rule}",
        [*before[-12:], record] if record not in before else before[-12:],
    )
