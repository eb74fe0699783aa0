"""Faults: `Faults` says how often things go wrong, and wraps handler and queue so that they do.

    faults = Faults(failure_rate=0.2, crash_after=0.01, lost_ack=0.05)
    processor = MessageProcessor(faults.link(queue))
    processor.register_processor("default", faults.handler(charge, runtime))

Every fault is drawn for its own purpose and for one try of one message: a changed parameter changes
its own fault and nothing else, and a higher rate strikes all that a lower one strikes, and more.
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
    """The exception that a faulty handler or service raises instead of its effect; its text, if
    `Faults` raises it, is "outage", "poison" or "chance".
    """


@dataclass(frozen=True)
class Faults:
    """The faults of a run, and how often each happens; by default none does.

    `failure_rate`: the probability that a try fails. `poison`: the share of messages whose
    every try fails. `crash_before`, `crash_after`: the probability that the worker dies in a try,
    just before the effect or just after it. `lost_ack`: that an ack never reaches the queue.
    `duplicates`: the share of messages that are sent twice. `outage`: from when to when (s on the
    runtime's clock, the end excluded) every try fails. `slow_factor`: how many times as long
    `slow_worker` takes, which is a worker's name or the share of workers that are slow.

    A crash and a lost ack settle nothing: the message comes back when its lease ends, or never
    without a lease.
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
            check.number(rate, getattr(self, rate), low=0, high=1)
        check.number("slow_factor", self.slow_factor, low=1)
        if not isinstance(self.slow_worker, str):
            check.number("slow_worker", self.slow_worker, low=0, high=1)
        if self.outage is not None:
            if not isinstance(self.outage, tuple) or len(self.outage) != 2:
                raise TypeError(f"outage must be a pair (from, to) of seconds, got {self.outage!r}")
            check.number("outage", self.outage[0])
            check.number("outage", self.outage[1], low=self.outage[0])

    def handler(
        self, fn: Handler, runtime: Runtime, *, seconds: float | Callable[[Message], float] = 0.0
    ) -> Handler:
        """Return a handler that calls `fn` under these faults: first some work, then the effect
        `fn(message)`, unless the try fails.

        The work takes `seconds`, a number or a function of the message. A try that fails has no
        effect. A slow worker is slow at that work, and at the time that `fn` takes by itself.
        """
        check.function("fn", fn)
        check.instance("runtime", runtime, Runtime)
        if not callable(seconds):
            check.number("seconds", seconds, low=0)

        def faulty(message: Message) -> object:
            slowness = self._slowness(runtime) if self.slow_factor > 1 else 1.0
            work = seconds(message) if callable(seconds) else seconds
            if work:
                runtime.sleep(work * slowness)
            self._before(message, runtime)
            began = runtime.now
            result = fn(message)
            if slowness > 1:
                runtime.sleep((runtime.now - began) * (slowness - 1))
            if strikes(runtime, self.crash_after, "crash after", message):
                raise WorkerCrash
            return result

        return faulty

    def link(self, queue: MessageQueue) -> Link:
        """Return `queue` behind a bad connection: acks get lost on it, messages are sent twice."""
        check.instance("queue", queue, MessageQueue)
        return Link(queue, self)

    def _slowness(self, runtime: Runtime) -> float:
        name = getattr(runtime.current_task(), "name", "")
        slow = (
            name == self.slow_worker
            if isinstance(self.slow_worker, str)
            else happens(runtime, self.slow_worker, "slow", name)
        )
        return self.slow_factor if slow else 1.0

    def _before(self, message: Message, runtime: Runtime) -> None:
        """Raise whatever keeps this try from having its effect, if anything does."""
        if strikes(runtime, self.crash_before, "crash before", message):
            raise WorkerCrash
        if self.outage is not None and self.outage[0] <= runtime.now < self.outage[1]:
            raise Failure("outage")
        if happens(runtime, self.poison, "poison", message.id):
            raise Failure("poison")
        if strikes(runtime, self.failure_rate, "fails", message):
            raise Failure("chance")


def happens(runtime: Runtime, rate: float, purpose: str, *key: object) -> bool:
    """Return True if what happens at this rate, 0 to 1, happens to this key."""
    return rate > 0 and runtime.draw(purpose, *key) < rate


def strikes(runtime: Runtime, rate: float, purpose: str, message: Message) -> bool:
    """Return True if what happens at this rate, 0 to 1, happens to this try of a message."""
    return rate > 0 and runtime.draw(purpose, *one_try(message)) < rate


def one_try(message: Message) -> tuple[object, ...]:
    """Return the key that the faults of this try are drawn with: the message's id, its failures so
    far, and the number of its redrives, if any.

    The attempt is not in it, since a delivery that is given back unspent must meet the same faults
    when it returns. A message that is sent twice under one id meets the same faults both times.
    """
    life = message.headers.get("redrive_count")
    return (
        (message.id, message.retry_count)
        if life is None
        else (message.id, message.retry_count, life)
    )


class Link(MessageQueue):
    """A queue in front of the real one: the same messages, receipts and trace, but acks get lost.

    A lost ack returns False and is traced as "lost_ack". Only acks get lost: a lost nack or release
    would change little, since the message is redelivered anyway. What is not here (`redrive`,
    `census`, …) is the real queue's.
    """

    def __init__(self, queue: MessageQueue, faults: Faults) -> None:
        self.name, self.trace, self._runtime = queue.name, queue.trace, queue.runtime
        self.visibility_timeout, self.observable = queue.visibility_timeout, queue.observable
        self.queue, self.faults = queue, faults
        self._acks: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["queue"], name)

    def send(self, message: Message, **options: float | None) -> bool:
        """Send a message, and send it once more if it is a duplicate; `options` (delay, timeout:
        seconds) are the real queue's.
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
        if message is not delivery:  # an id does not say which try it was: its acks are counted
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
