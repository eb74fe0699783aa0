"""The shop that is watched: its orders, its workers, and the failure that begins after 15
minutes.
"""

from __future__ import annotations

import math
from typing import Protocol

from mqlearn.messaging.message import Message
from mqlearn.messaging.processor import MessageProcessor
from mqlearn.messaging.queue import MessageQueue
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.trace import Trace
from mqlearn.study.arrivals import poisson
from mqlearn.study.card import EffectLedger
from mqlearn.study.faults import Failure, happens, one_try, strikes

UNTIL, ONSET = 1500.0, 900.0  # seconds: how long it is watched, and when the failure begins
RUSH = (300.0, 700.0)  # from and to (s): Monday's rush
SERVICE = 2.5  # seconds that an order takes on average
AT_ONCE = 0.05  # seconds of a call that is refused, or of a handler that does nothing
CHANCE = 0.01  # the probability that a try fails at any time
POISON = 150.0  # the first order after so many seconds fails at every try

NONE, WORKERS_GONE, SLOW, DOWN = "none", "workers gone", "slow service", "service down"
ONE_KIND, NOTHING, PRODUCER = "one kind fails", "acks and does nothing", "producer down"
FAILURES = (NONE, WORKERS_GONE, SLOW, DOWN, ONE_KIND, NOTHING, PRODUCER)


class ShopFields(Protocol):
    """The fields of a scenario that the shop reads: `rate` per second, `lasts` in seconds."""

    @property
    def rate(self) -> float: ...
    @property
    def workers(self) -> int: ...
    @property
    def failure(self) -> str: ...
    @property
    def severity(self) -> float: ...
    @property
    def lasts(self) -> float: ...
    @property
    def monday(self) -> float: ...


class Shop:
    """Orders on a queue, and workers that charge them; `ledger` has the charges really made.

    Times in the fields are in seconds since `start`. Workers that go finish their order first, and
    come back when the failure is over.
    """

    def __init__(
        self, fields: ShopFields, runtime: Runtime, queue: MessageQueue, trace: Trace
    ) -> None:
        self.fields, self.runtime, self.queue = fields, runtime, queue
        self.start = runtime.now
        self.ledger = EffectLedger(runtime, trace=trace)
        self.over = ONSET + fields.lasts
        self._poison = ""  # the id of the poison order, once it was sent
        gone = leaving(fields)
        # two pools, so that one of them can stop and start again
        self._pools = [(self._pool(), fields.workers - gone), (self._pool(), gone)]
        self._names = ("worker", "extra")

    def open(self) -> None:
        """Start the workers, the orders, and the operator who takes workers away."""
        for (pool, count), name in zip(self._pools, self._names, strict=True):
            if count:
                pool.start_workers(count, name=name)
        self.runtime.spawn(self._send_orders, name="shop")
        if self._pools[1][1]:
            self.runtime.spawn(self._take_away, name="operator", daemon=True)

    def close(self) -> None:
        """Stop the workers."""
        for pool, _ in self._pools:
            pool.stop_workers()

    def _pool(self) -> MessageProcessor:
        pool = MessageProcessor(self.queue)
        pool.register_processor("default", self._charge)
        return pool

    def _take_away(self) -> None:
        pool, count = self._pools[1]
        self.runtime.sleep_until(self.start + ONSET)
        pool.stop_workers()
        self.runtime.sleep_until(self.start + self.over)
        pool.start_workers(count, name=self._names[1])

    def _send_orders(self) -> None:
        for number, time in enumerate(arrival_times(self.fields, self.runtime), 1):
            self.runtime.sleep_until(self.start + time)
            if self.fields.failure == PRODUCER and ONSET <= time < self.over:
                continue
            order = Message(id=f"order-{number}")
            if time >= POISON and not self._poison:
                self._poison = order.id
            self.queue.send(order)

    def _charge(self, order: Message) -> None:
        """Charge an order, unless the failure that is on prevents it."""
        runtime, fields = self.runtime, self.fields
        failing = self.start + ONSET <= runtime.now < self.start + self.over
        failure = fields.failure if failing else NONE
        if failure == NOTHING:
            runtime.sleep(AT_ONCE)
            return
        if failure == DOWN and strikes(runtime, fields.severity, "refused", order):
            runtime.sleep(AT_ONCE)
            raise Failure("refused")
        seconds = -math.log1p(-runtime.draw("service", *one_try(order))) * SERVICE
        if failure == SLOW:
            # what is left when the service recovers is done at the usual speed, at the latest
            recovers = self.start + self.over - runtime.now
            speed = 1 - fields.severity
            seconds = min(seconds / speed if speed else math.inf, recovers + seconds)
        runtime.sleep(seconds)
        kind = failure == ONE_KIND and happens(runtime, fields.severity, "kind", order.id)
        if kind or order.id == self._poison:
            raise Failure("poison")
        if strikes(runtime, CHANCE, "fails", order):
            raise Failure("chance")
        self.ledger.record(order.id)


def leaving(fields: ShopFields) -> int:
    """Return how many workers go when the failure begins."""
    if fields.failure != WORKERS_GONE or not fields.lasts:
        return 0
    return fields.workers - round(fields.workers * (1 - fields.severity))


def arrival_times(fields: ShopFields, runtime: Runtime) -> list[float]:
    """Return the times (s) at which customers order: at random, `rate` per second, and `monday`
    times as many in Monday's rush.

    A higher rate brings the same orders earlier: a process of one order per second, on a clock that
    runs as fast as the rate.
    """
    begins, ends = RUSH
    before = fields.rate * begins
    rush = fields.rate * fields.monday * (ends - begins)
    times = []
    for count in poisson(1.0, before + rush + fields.rate * (UNTIL - ends), runtime.draw):
        if count <= before:
            times.append(count / fields.rate)
        elif count <= before + rush:
            times.append(begins + (count - before) / (fields.rate * fields.monday))
        else:
            times.append(ends + (count - before - rush) / fields.rate)
    return times
