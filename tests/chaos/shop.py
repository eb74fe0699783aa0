"""The shop that is open on such a day: real classes, faults all around them, and everything it does
written down.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from mqlearn import (
    BatchMessageProcessor,
    CircuitBreaker,
    CircuitBreakerMessageProcessor,
    DeduplicatingQueue,
    IdempotentHandler,
    InMemoryMessageQueue,
    Message,
    MessageProcessor,
    MessageQueueMetrics,
    MonitoredMessageProcessor,
    NewestFirstQueue,
    Outcome,
    Reject,
    Release,
    ServiceLevel,
    Simulation,
    Trace,
    WorkerCrash,
)
from mqlearn.runtime.base import Task
from mqlearn.runtime.trace import Record
from tests.chaos.day import Day, Order
from tests.chaos.handed_in import Mischief, ShakyPolicy, Trouble


def order_of(message: Message) -> str:
    """The business key of these messages."""
    return str(message.body["order"])


class Shop:
    """A queue, its processor, its producers and its operators; `tell` hears of each record, before
    it is kept.
    """

    def __init__(self, day: Day, sim: Simulation, tell: Callable[[Record], object]) -> None:
        self.day, self.sim, self.trace = day, sim, Trace()
        keep = self.trace.record

        def record(record: Record) -> None:
            keep(record)
            tell(record)

        self.trace.record = record
        self.trouble = trouble = Trouble(day.mischief, sim)
        given = day.queue | {"runtime": sim, "trace": self.trace}
        if day.mischief and day.queue["retry"] is not None:
            given["retry"] = ShakyPolicy(day.queue["retry"], trouble)
        # a duplicate that the link makes must not raise where the message itself was accepted
        shaky_key = day.mischief and not day.faults.duplicates
        self.queue = (
            DeduplicatingQueue(
                dedup_window=day.dedup_window,
                dedup_key=(lambda message: trouble.raises("key", message.id))
                if shaky_key
                else None,
                **given,
            )
            if day.dedup_window
            else (NewestFirstQueue if day.newest_first else InMemoryMessageQueue)(**given)
        )
        if day.mischief:
            self.queue.listen(trouble.listener("queue"))
        self.heard = 0  # records that came to a listener behind the one that fails
        self.queue.listen(self._count_heard)
        self.metrics = MessageQueueMetrics(self.queue, window=day.window)
        self.level = ServiceLevel(self.queue, goal=10.0)
        self.link = day.faults.link(self.queue)
        self.told: list[tuple[Order, bool]] = []  # what each send answered
        self.sending: set[int] = set()  # producers in the middle of one
        self.breaker: CircuitBreaker | None = None
        self.callers: list[Task] = []
        self.closing = False
        self.processor = self._processor()
        self.called: Callable[[Message], object] = lambda message: None
        self.answered: Callable[[Message, str], object] = lambda message, how: None
        self.began: Callable[[Message], object] = lambda message: None
        self.stopped: Callable[[], object] = lambda: None
        self.ended: Callable[[Message, bool], object] = lambda message, done: None
        work = day.faults.handler(self._work, sim, seconds=self._seconds)
        self.handler: Callable[[Message], object] = work
        if day.idempotent:
            self.handler = IdempotentHandler(
                lambda message: self._once(work, message),
                self.link,
                key=lambda message: trouble.raises("claim", order_of(message)),
            )

    def _count_heard(self, record: Record) -> None:
        self.heard += 1

    def _processor(self) -> MessageProcessor | BatchMessageProcessor:
        day, link = self.day, self.link
        rest = {"restart_after": day.restart_after}
        if day.kind == "batch":
            how = day.batch["on_failure"]
            options = day.batch | {"on_failure": self._one_by_one if how == "one by one" else how}
            return BatchMessageProcessor(link, **options, **rest)
        if day.kind in ("breaker", "by hand"):
            seconds = day.breaker["cooldown"]
            shaky = {"cooldown": lambda times: self.trouble.answer("cooldown", seconds)}
            self.breaker = CircuitBreaker(
                **day.breaker | (shaky if day.mischief else {}), runtime=self.sim, trace=self.trace
            )
            if day.mischief:
                self.breaker.listen(self.trouble.listener("breaker"))
            return self._registered(
                CircuitBreakerMessageProcessor(link, breaker=self.breaker, **rest)
            )
        if day.kind == "monitored":
            return self._registered(
                MonitoredMessageProcessor(link, prefetch=day.prefetch, window=day.window, **rest)
            )
        return self._registered(MessageProcessor(link, prefetch=day.prefetch, **rest))

    def _registered(self, processor: MessageProcessor) -> MessageProcessor:
        processor.register_processor("default", self.handle)
        return processor

    def start(self) -> None:
        """Open, if it is not, with as many workers as there should be."""
        if self.processor.started:
            self.processor.scale_to(self.day.workers)
            return
        if any(task.is_alive() for task in self.callers):
            return
        self.closing = False
        if self.day.kind == "by hand":
            self.callers = [
                self.sim.spawn(self._call, name=f"worker-{i}") for i in range(self.day.workers)
            ]
        elif isinstance(self.processor, BatchMessageProcessor):
            self.processor.start_batch_processing(self.handle_batch, num_workers=self.day.workers)
        else:
            self.processor.start_workers(self.day.workers)

    def stop(self) -> None:
        """Close; what is at work is finished."""
        self.closing = True
        if isinstance(self.processor, BatchMessageProcessor):
            self.processor.stop()
        else:
            self.processor.stop_workers()
        while alive := [task for task in self.callers if task.is_alive()]:
            alive[0].join()
        self.stopped()

    @property
    def workers(self) -> list[Task]:
        """Whoever handles messages."""
        return self.callers or self.processor.workers

    def _call(self) -> None:
        """Take one message at a time; somebody else comes in the place of one who crashed."""
        assert isinstance(self.processor, CircuitBreakerMessageProcessor)
        while not self.closing:
            try:
                if not self.processor.process_with_circuit_breaker(self.handle):
                    self.sim.sleep(0.5)
            except WorkerCrash:
                self.sim.sleep(self.day.restart_after)
                task = self.sim.current_task()
                assert task is not None
                self.callers.append(self.sim.spawn(self._call, name=task.name))
                return

    # What a worker does with a message.

    def handle(self, message: Message) -> object:
        """Have it handled, and tell what came of it."""
        self.called(message)
        trick = self.trouble.trick(message)
        if trick is not None:
            how, misbehave = trick
            self.answered(message, how)
            return misbehave(message)
        try:
            result = self.handler(message)
        except BaseException as error:
            self.answered(
                message,
                {Reject: "rejected", Release: "released", WorkerCrash: "crashed"}.get(
                    type(error), "failed"
                ),
            )
            raise
        self.answered(message, "completed" if result is None or result else "failed")
        return result

    def handle_batch(self, batch: list[Message]) -> list[object]:
        """Have each handled; now and then the whole call fails, or its answer is cut short."""
        untouched = [message.copy() for message in batch]  # a handler may overwrite its message
        first = untouched[0]
        outcomes = [self._outcome(message) for message in batch]
        chance = self.sim.draw("batch", first.id, first.attempt, len(batch)) / (
            self.day.batch_faults or 1e-9
        )
        if chance >= 1:
            return outcomes
        for message in untouched:
            self.answered(message, "released" if chance < 0.3 else "failed")
        if chance < 0.3:
            raise Release(2.0 if chance < 0.15 else 0.0)
        if chance < 0.6:
            raise OSError("connection refused")
        return outcomes[1:]

    def _outcome(self, message: Message) -> object:
        try:
            result = self.handle(message)
        except Reject as rejection:
            return Outcome("rejected", rejection.reason)
        except Release as release:
            return Outcome("released", delay=release.delay)
        except WorkerCrash:
            raise
        except (Exception, SystemExit, asyncio.CancelledError, GeneratorExit) as error:
            return Outcome("failed", type(error).__name__)
        # a result is handed on as it is, for the processor to read
        return True if result is None else result

    def _seconds(self, message: Message) -> float:
        return self.day.work * self.sim.draw("work", message.id, message.attempt)

    def _work(self, message: Message) -> object:
        """After the first half of the work: the other half, and how this try ends."""
        day, sim = self.day, self.sim
        if day.heartbeat and day.queue["visibility_timeout"]:
            self.link.extend(message, day.queue["visibility_timeout"])
            sim.sleep(self._seconds(message))
        if sim.draw("reject", message.id) < day.rejects:
            raise Reject("no such order")
        if sim.draw("release", message.id, message.attempt) < day.releases:
            raise Release(3.0 * round(sim.draw("until", message.id, message.attempt)))
        if sim.draw("false", message.id, message.retry_count) < day.false:
            return False
        return "done"

    def _once(self, work: Callable[[Message], object], message: Message) -> object:
        """What an idempotent handler lets through, and whether it has a result."""
        self.began(message)
        done = False
        try:
            result = work(message)
            done = bool(result)
            return result
        finally:
            self.ended(message, done)

    # What others do.

    def produce(self, producer: int) -> None:
        """Send what this producer has to send, each at its time or as soon as there was room for
        the one before.
        """
        for order in self.day.orders:
            if order.producer != producer:
                continue
            self.sim.sleep_until(order.time)
            message = order.message.copy()
            if (
                self.sim.draw("unroutable", message.id) < self.day.unroutable
                and self.day.kind != "batch"
            ):
                message.headers["type"] = "nobody's"
            self.sending.add(producer)
            try:
                accepted = self.link.send(message, delay=order.delay, timeout=order.patience)
            except Mischief:
                accepted = False
            self.told.append((order, accepted))
            self.sending.discard(producer)

    def fill_the_room(self) -> None:
        """Nobody waits for room that there is, when all that was due has happened."""
        room = self.queue.max_size - self.queue.size()
        assert room <= 0 or not self.sending, (
            f"producers {self.sending} wait, though there is room for {room}"
        )

    def operate(self) -> None:
        """Do what operators do, each at its time."""
        for time, operation in self.day.operations:
            self.sim.sleep_until(time)
            getattr(self, f"_{operation}")()

    def _stop(self) -> None:
        self.stop()

    def _restart(self) -> None:
        self.stop()
        self.start()

    def _redrive(self) -> None:
        before, limit = len(self.queue.get_dead_letter_messages()), self.day.seed % 5 + 1
        if self.day.mischief:
            with contextlib.suppress(Mischief):
                self.queue.redrive(lambda letter: self.trouble.raises("select", False))
            left = len(self.queue.get_dead_letter_messages())
            assert left == before, "a selection that fails, or selects none, moves none"
        assert self.queue.redrive(limit=limit) == min(before, limit), "redrive says how many"
        # of those that are left, on every second day one is given up
        left, limit = len(self.queue.get_dead_letter_messages()), self.day.seed % 2
        discarded = self.queue.discard_dead_letters(limit=limit)
        assert discarded == min(left, limit), "discard_dead_letters says how many"

    def _purge(self) -> None:
        there = self.queue.size()
        assert self.queue.purge() == there, "purge says how many"
        made = -1
        while made != len(self.trace.records):  # as long as those who were woken do anything
            made = len(self.trace.records)
            self.sim.sleep(0.0)
        self.fill_the_room()

    def _scale(self) -> None:
        """Have more or fewer workers, which take up to 3 s to start."""
        if self.processor.started:
            number = int(6 * self.sim.draw("scale", self.sim.now))
            start_up = 3.0 * round(self.sim.draw("start", self.sim.now))
            self.processor.scale_to(number, start_up=start_up)
            counts = self.processor.count_workers()
            assert counts.starting + counts.running == number, f"{counts}, not {number}"

    def _wake(self) -> None:
        self.queue.wake()

    def _close(self) -> None:
        if self.breaker is not None:
            self.breaker.reset()

    def _one_by_one(
        self, batch: list[Message], handler: Callable[[list[Message]], Any]
    ) -> list[Any]:
        """After an exception: the same again, for one message at a time."""
        return self.trouble.raises("on_failure", [handler([message])[0] for message in batch])
