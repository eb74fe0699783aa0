"""Many who wait at once: after any crowded day nobody is left waiting for what is there."""

from __future__ import annotations

from random import Random

import pytest

from mqlearn import InMemoryMessageQueue, Message, MessagePriority, RetryPolicy, Simulation, Trace
from mqlearn.runtime.base import Task

TIMES = (0.0, 0.0, 1.0, 1.0, 2.0, 3.0)  # s, few: much happens at one instant


class Crowd:
    """A queue among producers and consumers of every habit, each of which waits as it likes."""

    def __init__(self, seed: int) -> None:
        self.sim = Simulation(seed)
        self.dice = Random(seed)
        self.trace = Trace()
        one = self.dice.choice
        self.queue = InMemoryMessageQueue(
            one((1, 2, 5)),
            visibility_timeout=one((None, 2.0, 4.0)),
            on_full="block",
            retry=one((None, RetryPolicy(1.0, jitter="none"))),
            runtime=self.sim,
            trace=self.trace,
        )
        self.called_off: set[str] = set()
        self.patient: list[Task] = []  # who waits until there is something
        self.senders = [self.sim.spawn(self.produce, name=f"producer-{i}") for i in range(3)]
        habits = [self.consume, self.poll, self.batch, self.impatient, self.cancelled]
        for i in range(6):
            habit = self.consume if i == 0 else one(habits)
            task = self.sim.spawn(habit, f"consumer-{i}", name=f"consumer-{i}")
            if habit in (self.consume, self.batch):
                self.patient.append(task)

    def pause(self) -> None:
        self.sim.sleep(self.dice.choice(TIMES))

    def produce(self) -> None:
        for _ in range(20):
            one = self.dice.choice
            message = Message(
                priority=one(list(MessagePriority)), ttl=one((2, 3600, 3600)), max_retries=2
            )
            self.queue.send(message, delay=one(TIMES), timeout=one((None, None, 1.0)))
            self.pause()

    def consume(self, name: str) -> None:
        while True:
            self.settle(self.queue.receive())

    def batch(self, name: str) -> None:
        while True:
            for message in self.queue.receive_many(self.dice.choice((1, 2, 3))):
                self.settle(message)

    def impatient(self, name: str) -> None:
        for _ in range(15):
            self.settle(self.queue.receive(timeout=self.dice.choice(TIMES)))

    def poll(self, name: str) -> None:
        for _ in range(15):
            self.settle(self.queue.receive(timeout=0))
            self.pause()

    def cancelled(self, name: str) -> None:
        """Waits, and is told to stop at about the time when messages come."""
        for _ in range(8):
            self.called_off.discard(name)
            self.sim.call_at(self.sim.now + self.dice.choice(TIMES), lambda: self.call_off(name))
            self.settle(self.queue.receive(cancelled=lambda: name in self.called_off))

    def call_off(self, name: str) -> None:
        self.called_off.add(name)
        self.queue.wake()

    def settle(self, message: Message | None) -> None:
        if message is None:
            return
        self.pause()
        call = self.dice.choice(
            (self.queue.ack, self.queue.ack, self.queue.nack, self.queue.release, self.lose)
        )
        call(message)

    def lose(self, message: Message) -> None:
        """Its lease runs out, if it has one."""


def test_a_wake_up_that_meets_a_cancelled_receiver_goes_on_to_the_next() -> None:
    """The first in line is called off at the very instant at which a message wakes it: the second
    gets the message.
    """
    with Simulation() as sim:
        queue = InMemoryMessageQueue(visibility_timeout=None, runtime=sim)
        stop: list[bool] = []
        got: dict[str, Message | None] = {}
        sim.spawn(lambda: got.update(first=queue.receive(cancelled=lambda: bool(stop))))
        sim.spawn(lambda: got.update(second=queue.receive()))
        sim.call_at(1, lambda: (queue.send(Message(id="order-1")), stop.append(True)))
        sim.run()
        assert got["first"] is None
        assert got["second"] is not None and got["second"].id == "order-1"


@pytest.mark.parametrize("hundred", range(3))
def test_nobody_is_left_waiting_for_what_is_there(hundred: int) -> None:
    """No consumer for a message that waits, no producer for room that there is; and the books
    close.
    """
    for seed in range(100 * hundred, 100 * hundred + 100):
        crowd = Crowd(seed)
        with crowd.sim:
            crowd.sim.run()
            books = crowd.trace.balance()
            assert books.waiting == 0, (
                f"seed {seed}: {books.waiting} wait, and {len(crowd.patient)} wait for them"
            )
            assert all(task.is_alive() for task in crowd.patient)
            stuck = [task.name for task in crowd.senders if task.is_alive()]
            assert not stuck, f"seed {seed}: {stuck} wait for room, and there is some"
            assert books.delayed == 0 and books.accepted + books.rejected == 60
