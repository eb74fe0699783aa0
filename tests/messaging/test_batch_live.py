"""Batches on real threads, where nothing is lost or left in flight; and what batches buy and
cost.
"""

from __future__ import annotations

import threading
from collections import Counter
from random import Random

from mqlearn import (
    BatchMessageProcessor,
    InMemoryMessageQueue,
    Message,
    Simulation,
    ThreadRuntime,
)
from tests.messaging.test_batch import Shop
from tests.messaging.test_processor import FiveMethods

DEADLINE = 30.0  # seconds after which a test on real threads has failed


def test_a_queue_of_five_methods_runs_under_batches() -> None:
    """One without leases, receipts and wake-up, by polling, on real threads."""
    queue, done, sizes = FiveMethods(), threading.Event(), list[int]()
    processor = BatchMessageProcessor(queue, 3, 3600)

    def handler(batch: list[Message]) -> list[bool]:
        sizes.append(len(batch))
        done.set()
        return [True] * len(batch)

    for number in range(3):
        queue.send(Message(id=f"{number}"))
    processor.start_batch_processing(handler)
    assert done.wait(DEADLINE)
    processor.stop()
    assert (sizes, queue.flying) == ([3], {})


def test_ten_thousand_messages_on_real_threads_are_each_handled_and_acked_once() -> None:
    """Four workers, batches of fifty, senders beside them; stopped, nothing is left in flight."""
    runtime = ThreadRuntime()
    queue = InMemoryMessageQueue(20000, runtime=runtime)
    processor = BatchMessageProcessor(queue, 50, 0.01)
    handled: Counter[str] = Counter()
    guard, done = threading.Lock(), threading.Event()

    def handler(batch: list[Message]) -> list[bool]:
        with guard:
            handled.update(message.id for message in batch)
            if len(handled) == 10000:
                done.set()
        return [True] * len(batch)

    def sender(index: int) -> None:
        for number in range(5000):
            queue.send(Message(id=f"{index}-{number}"))

    first = processor.start_batch_processing(handler, num_workers=4)
    senders = [runtime.spawn(sender, index) for index in range(2)]
    assert done.wait(DEADLINE)
    stopping = runtime.spawn(processor.stop)
    for task in (*senders, stopping, first):
        task.join(DEADLINE)
        assert not task.is_alive()
    assert set(handled.values()) == {1}
    assert (processor.metrics["processed"], queue.size(), queue.get_in_flight_count()) == (
        10000,
        0,
        0,
    )


def test_what_batches_buy_and_cost() -> None:
    """A call of 50 ms and 1 ms an item: 19.6 a second singly, 667 by the hundred; at 100/s eight
    beat twenty.
    """
    with_load = {size: timed(size, 100.0) for size in (8, 20, 100)}
    assert [round(1000 / flooded(size), 1) for size in (1, 100)] == [19.6, 666.7]
    assert abs(with_load[8] - 0.098) < 0.005
    assert abs(with_load[20] - 0.165) < 0.005
    assert abs(with_load[100] - 0.642) < 0.03


def flooded(size: int) -> float:
    """The seconds that a thousand messages take which all wait already."""
    with Simulation() as sim:
        shop = Shop(sim, size, 1.0, lease=None)
        shop.send(*map(str, range(1000)))
        shop.processor.start_batch_processing(lambda batch: called(sim, batch))
        sim.run()
        return sim.now


def timed(size: int, rate: float) -> float:
    """The mean seconds from sending to the answer, for six thousand messages that come at this
    rate.
    """
    with Simulation() as sim:
        shop, sojourns, dice = Shop(sim, size, 1000.0, lease=None), list[float](), Random(5)

        def handler(batch: list[Message]) -> list[bool]:
            answer = called(sim, batch)
            sojourns.extend(sim.now - (message.timestamp or 0.0) for message in batch)
            return answer

        def sender() -> None:
            for number in range(6000):
                sim.sleep(dice.expovariate(rate))
                shop.queue.send(Message(id=str(number)))

        shop.processor.start_batch_processing(handler)
        sim.spawn(sender)
        sim.run(until=70)
        return sum(sojourns) / len(sojourns)


def called(sim: Simulation, batch: list[Message]) -> list[bool]:
    """The service: 50 ms a call and 1 ms an item."""
    sim.sleep(0.05 + 0.001 * len(batch))
    return [True] * len(batch)
