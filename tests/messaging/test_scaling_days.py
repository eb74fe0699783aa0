"""Random days of a pool that is scaled up and down among crashes, lost leases and restarts: its
numbers add up after every step, and every message is done.
"""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from mqlearn import (
    BatchMessageProcessor,
    CircuitBreakerMessageProcessor,
    InMemoryMessageQueue,
    Message,
    MessageProcessor,
    NewestFirstQueue,
    Simulation,
    Trace,
    WorkerCounts,
    WorkerCrash,
)
from mqlearn.runtime.pool import WorkerPool

PAUSES = (0.0, 0.0, 0.5, 1.0, 3.0, 10.0)  # s, few: much happens at one instant


class Day:
    """A queue, a pool of one kind, and an operator that scales it as dice say."""

    def __init__(self, seed: int, kind: str) -> None:
        self.sim, self.dice, self.trace = Simulation(seed), Random(seed), Trace()
        queue_class = self.dice.choice((InMemoryMessageQueue, NewestFirstQueue))
        self.queue = queue_class(visibility_timeout=8.0, runtime=self.sim, trace=self.trace)
        self.pool: Any
        if kind == "batch":
            self.pool = BatchMessageProcessor(self.queue, 3, 2.0, restart_after=2.0)
            self.pool.start_batch_processing(
                lambda batch: [self.work(message) for message in batch]
            )
        else:
            self.pool = (
                CircuitBreakerMessageProcessor(self.queue, 3, 4.0, restart_after=2.0)
                if kind == "breaker"
                else MessageProcessor(self.queue, prefetch=2, restart_after=2.0)
            )
            self.pool.register_processor("default", self.work)
            self.pool.start_workers(1)
        self.wanted, self.area, self.area_until = 1, 0.0, 0.0
        self.paid = 1

    def work(self, message: Message) -> bool:
        """Take a while; crash now and then, or fail, but not too often."""
        chance = self.sim.draw("fate", message.id, message.attempt)
        self.sim.sleep(2.0 * chance)
        if chance < 0.1 and message.attempt < 3:
            raise WorkerCrash
        return chance > 0.2 or message.attempt > 1

    def check(self) -> None:
        """The numbers of this instant."""
        counts = self.pool.count_workers()
        assert min(counts) >= 0 and counts.busy <= counts.running + counts.leaving
        assert counts.starting + counts.running == self.wanted, (counts, self.wanted)
        alive = sum(worker.is_alive() for worker in self.pool.workers)
        assert alive == counts.running + counts.leaving
        self.area += self.paid * (self.sim.now - self.area_until)
        self.area_until = self.sim.now
        assert self.pool.worker_seconds() == pytest.approx(self.area)

    def run(self) -> None:
        """Sixty steps, then two workers clear what is left."""
        heard = 0
        for number in range(60):
            if self.dice.random() < 0.6:
                self.queue.send(Message(id=f"{number}", max_retries=50, ttl=1e9))
            if self.dice.random() < 0.5:
                self.wanted = self.dice.choice((0, 1, 2, 3, 8))
                self.pool.scale_to(self.wanted, start_up=self.dice.choice(PAUSES))
            until = self.sim.now + self.dice.choice(PAUSES)
            for stop in (self.sim.now, until):
                self.sim.run(until=stop)
            for record in self.trace.records[heard:]:
                if record.event == "scaled":
                    self.area += self.paid * (record.time - self.area_until)
                    self.paid, self.area_until = record.detail.paid, record.time
            heard = len(self.trace.records)
            self.check()
        self.wanted = 2
        self.pool.scale_to(2)
        self.sim.run()
        assert self.pool.count_workers() == WorkerCounts(0, 2, 0, 0)
        balance = self.trace.balance()
        assert balance.completed == balance.accepted > 10


def days(kind: str) -> None:
    """Thirty of them."""
    for seed in range(30):
        day = Day(seed, kind)
        with day.sim:
            day.run()


@pytest.mark.parametrize("kind", ["plain", "breaker", "batch"])
def test_whatever_an_operator_orders_the_numbers_add_up(kind: str) -> None:
    """Running and starting ones are as many as were ordered last, all that live are counted, and
    the cost is the area under the records.
    """
    days(kind)


class LeavesTwice(WorkerPool):
    """Lets two workers leave in the place of one."""

    def _remove(self, fewer: int) -> None:
        super()._remove(fewer + (fewer == 1))


class ForgetsTheCrashed(WorkerPool):
    """Does not start a crashed worker again."""

    def _wait_for_restart(self) -> None:
        self._surplus += 1


class PaysTheLastSecond(WorkerPool):
    """Forgets the cost of all but the last second before a change."""

    def _account(self) -> None:
        self._paid_until = max(self._paid_until, self._runtime.now - 1.0)
        super()._account()


@pytest.mark.parametrize("fault", [LeavesTwice, ForgetsTheCrashed, PaysTheLastSecond])
def test_a_faulty_pool_is_caught(fault: type[WorkerPool], monkeypatch: pytest.MonkeyPatch) -> None:
    """By the same days."""
    monkeypatch.setattr("mqlearn.messaging.workers.WorkerPool", fault)
    with pytest.raises(AssertionError):
        days("plain")
