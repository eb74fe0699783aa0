"""Faults: `Faults` has the rate of each fault, and wraps a handler and a queue so that it happens.

    faults = Faults(failure_rate=0.2, crash_after=0.01, lost_ack=0.05)
    processor = MessageProcessor(faults.link(queue))
    processor.register_processor("default", faults.handler(charge, runtime))

Each kind of fault has its own draw for each try of each message. So a changed parameter changes its
own fault and no other, and a higher rate hits all the tries that a lower rate hits, and some more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mqlearn.messaging.message import Message, Outcome
from mqlearn.messaging.queue import MessageQueue
from mqlearn.messaging.workers import Handler
from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime, WorkerCrash
from mqlearn.runtime.trace import Listener


class Failure(Exception):
    """The exception that a faulty handler or service raises instead of having its effect. If
    `Faults` raises it, its text is "outage", "poison" or "chance".
    """


@dataclass(frozen=True)
class Faults:
    """The faults of a run, and how often each happens; by default none does.

    `failure_rate`: the probability that a try fails. `poison`: the share of messages whose
    every try fails. `crash_before`, `crash_after`: the probability that the worker crashes in a
    try, just before or just after the effect. `lost_ack`: the probability that an ack never reaches
    the queue. `duplicates`: the share of messages that are sent twice. `outage`: the span of time
    while every try fails, from and to in seconds on the runtime's clock, the end excluded.
    `slow_worker`: the name of the slow worker, or the share of workers that are slow; such a worker
    takes `slow_factor` times as long.

    After a crash or a lost ack the message is not settled: it comes back when its lease ends, and
    without a lease it never comes back.
    """

    failure_rate: float = 0.0
    poison: float = 0.0
    crash_before: float = 0.0
    crash_after: float = 0.0
    lost_ack: float = 0.0
    duplicates: float = 0.0
    outage: tuple[float, float] | None = None
    slow_worker: str | float = 0.0
    slow_factor: float = 1.0

    def __post_init__(self) -> None:
        for rate in (
            "failure_rate",
            "poison",
            "crash_before",
            "crash_after",
            "lost_ack",
            "duplicates",
        ):
            self._keep(rate, check.number(rate, getattr(self, rate), low=0, high=1))
        self._keep("slow_factor", check.number("slow_factor", self.slow_factor, low=1))
        if not isinstance(self.slow_worker, str):
            rate = check.number("slow_worker", self.slow_worker, low=0, high=1)
            self._keep("slow_worker", rate)
        if self.outage is not None:
            if not isinstance(self.outage, tuple) or len(self.outage) != 2:
                raise TypeError(
                    "outage must be a pair (from, to) of seconds, got "
                    f"{check.short_repr(self.outage)}"
                )
            start = check.number("outage", self.outage[0])
            self._keep("outage", (start, check.number("outage", self.outage[1], low=start)))

    def _keep(self, field: str, value: Any) -> None:
        # a number of another library is kept as Python's own; the class is frozen
        object.__setattr__(self, field, value)

    def handler(
        self, fn: Handler, runtime: Runtime, *, seconds: float | Callable[[Message], float] = 0.0
    ) -> Handler:
        """Return a handler that calls `fn` under these faults: first some work, then the effect
        `fn(message)`, unless the try fails.

        The work takes `seconds`, a number or a function of the message. A try that fails has no
        effect. A slow worker is slow at the work, and also at the time that `fn` itself needs.
        """
        check.function("fn", fn)
        check.instance("runtime", runtime, Runtime)
        if callable(seconds):
            check.function("seconds", seconds)
        else:
            seconds = check.number("seconds", seconds, low=0)

        def faulty(message: Message) -> object:
            slowness = self._slowness(runtime) if self.slow_factor > 1 else 1.0
            work = seconds(message) if callable(seconds) else seconds
            if work:
                runtime.sleep(work * slowness)
            self._before(message, runtime)
            began = runtime.now
            result = fn(message)
            # The runtime cannot slow `fn` down, so a slow worker sleeps for the rest afterwards.
            if slowness > 1:
                runtime.sleep((runtime.now - began) * (slowness - 1))
            if strikes(runtime, self.crash_after, "crash after", message):
                raise WorkerCrash
            return result

        return faulty

    def link(self, queue: MessageQueue) -> Link:
        """Return `queue` behind an unreliable connection, which loses acks and sends messages
        twice.
        """
        check.instance("queue", queue, MessageQueue)
        return Link(queue, self)

    def _slowness(self, runtime: Runtime) -> float:
        # Drawn by the worker's name, not by the message: a slow worker is slow all the time.
        name = getattr(runtime.current_task(), "name", "")
        slow = (
            name == self.slow_worker
            if isinstance(self.slow_worker, str)
            else happens(runtime, self.slow_worker, "slow", name)
        )
        return self.slow_factor if slow else 1.0

    def _before(self, message: Message, runtime: Runtime) -> None:
        """Raise the fault that keeps this try from having its effect, if there is one.

        The order decides which fault is reported if several hit the same try.
        """
        if strikes(runtime, self.crash_before, "crash before", message):
            raise WorkerCrash
        if self.outage is not None and self.outage[0] <= runtime.now < self.outage[1]:
            raise Failure("outage")
        if happens(runtime, self.poison, "poison", message.id):
            raise Failure("poison")
        if strikes(runtime, self.failure_rate, "fails", message):
            raise Failure("chance")


def happens(runtime: Runtime, rate: float, purpose: str, *key: object) -> bool:
    """Return True if an event of this `purpose` happens to this key, at this rate (0 to 1)."""
    return rate > 0 and runtime.draw(purpose, *key) < rate


def strikes(runtime: Runtime, rate: float, purpose: str, message: Message) -> bool:
    """Return True if a fault of this `purpose` hits this try of a message, at this rate (0 to
    1).
    """
    return rate > 0 and runtime.draw(purpose, *one_try(message)) < rate


def one_try(message: Message) -> tuple[object, ...]:
    """Return the key that the faults of this try are drawn with: the message's id, its failures so
    far, and the number of its redrives, if any.

    The key does not have the attempt: a delivery that is released without a try gets a higher
    attempt, and must still meet the same faults. A message that is sent twice under one id meets
    the same faults both times.
    """
    life = message.headers.get("redrive_count")
    return (
        (message.id, message.retry_count)
        if life is None
        else (message.id, message.retry_count, life)
    )


class Link(MessageQueue):
    """A queue in front of the real one: the same messages, receipts and trace, but acks get lost.

    A lost ack returns False and is recorded as "lost_ack". Only acks get lost: a lost nack or
    release would change little, since the message is redelivered anyway. Any other attribute
    (`redrive`, `census`, …) is that of the real queue.
    """

    def __init__(self, queue: MessageQueue, faults: Faults) -> None:
        self.name, self.trace, self._runtime = queue.name, queue.trace, queue.runtime
        self.visibility_timeout, self.observable = queue.visibility_timeout, queue.observable
        self.queue, self.faults = queue, faults
        self._acks: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        # self.queue would call this method again, without end, as long as there is no `queue`.
        return getattr(self.__dict__["queue"], name)

    def send(self, message: Message, **options: float | None) -> bool:
        """Send a message, and once more if it is drawn as a duplicate. `options` are those of the
        real queue: `delay` and `timeout`, in seconds.
        """
        accepted = self.queue.send(message, **options)
        if accepted and happens(self.runtime, self.faults.duplicates, "duplicate", message.id):
            self.queue.send(message, **options)
        return accepted

    def ack(self, delivery: Any) -> bool:
        """Ack a delivery, or an id; False if the ack was lost or the delivery is not current."""
        return not self._lost(delivery) and self.queue.ack(delivery)

    def settle(self, delivery: Message, outcome: Outcome) -> bool:
        if outcome.kind == "completed" and self._lost(delivery):
            return False
        return self.queue.settle(delivery, outcome)

    def _lost(self, delivery: Any) -> bool:
        message = delivery if isinstance(delivery, Message) else Message(id=delivery)
        key = one_try(message)
        # A bare id does not say which try it belongs to, so its acks are counted instead.
        if message is not delivery:
            self._acks[delivery] += 1
            key = (delivery, self._acks[delivery] - 1)
        lost = happens(self.runtime, self.faults.lost_ack, "lost ack", *key)
        if lost and self.trace is not None:
            now, worker = self.runtime.stamp()
            self.trace.note(now, "lost_ack", self.name, delivery=message, worker=worker)
        return lost

    def receive(self, timeout: float | None = None, **options: Any) -> Message | None:
        return self.queue.receive(timeout, **options)

    def receive_many(self, n: int, timeout: float | None = None) -> list[Message]:
        return self.queue.receive_many(n, timeout)

    def take(self, cancelled: Callable[[], bool]) -> Message | None:
        return self.queue.take(cancelled)

    def wake(self) -> None:
        self.queue.wake()

    def nack(self, delivery: Any, requeue: bool = True, *, reason: str | None = None) -> bool:
        # A queue with only the five methods of `MessageQueue` takes no `reason`.
        why = {} if reason is None else {"reason": reason}
        return self.queue.nack(delivery, requeue, **why)

    def release(self, delivery: Any, *, delay: float = 0.0) -> bool:
        return self.queue.release(delivery, delay=delay)

    def extend(self, delivery: Any, seconds: float) -> bool:
        return self.queue.extend(delivery, seconds)

    def is_current(self, delivery: Message) -> bool | None:
        return self.queue.is_current(delivery)

    def listen(self, listener: Listener, *, existing: bool = False) -> None:
        self.queue.listen(listener, existing=existing)

    def size(self) -> int:
        return self.queue.size()
