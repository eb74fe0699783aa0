"""Listeners of a breaker: whatever they do, its pools are woken and its answers count."""

from __future__ import annotations

import gc
import logging

import pytest

from mqlearn import (
    CircuitBreaker,
    CircuitBreakerMessageProcessor,
    InMemoryMessageQueue,
    Message,
    Simulation,
    Trace,
    WorkerCrash,
)
from tests.messaging.permits import ask
from tests.messaging.test_breaker import fail
from tests.messaging.test_breaker_handed_in import raises


class Oddity(Exception):
    """An exception without a text that can be read."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize("error", [ValueError("chart"), Oddity(), SystemExit(2), WorkerCrash()])
def test_a_listener_that_fails_is_passed_over_and_logged_once(
    sim: Simulation, caplog: pytest.LogCaptureFixture, error: BaseException
) -> None:
    """The answer counts and its caller sees nothing; the others hear each change."""
    breaker, heard = CircuitBreaker(1, 10, runtime=sim), []
    breaker.listen(raises(error))
    breaker.listen(lambda: heard.append((sim.now, breaker.state)))
    with caplog.at_level(logging.ERROR, logger="mqlearn"):
        assert ask(breaker).failure() is True
        sim.run()
        ask(breaker).cancel()
        ask(breaker).success()
        breaker.reset()
    assert heard == [
        (0, "OPEN"),
        (10, "HALF_OPEN"),
        (10, "HALF_OPEN"),
        (10, "CLOSED"),
        (10, "CLOSED"),
    ]
    assert len(caplog.records) == 1 and caplog.records[0].exc_info is not None
    assert caplog.records[0].exc_info[1] is error


def test_a_listener_that_crashes_crashes_no_worker(sim: Simulation) -> None:
    """Told by a worker, it is passed over: the messages after it are handled and acked."""
    trace = Trace()
    queue = InMemoryMessageQueue(runtime=sim, trace=trace)
    breaker = CircuitBreaker(1, 10, runtime=sim)

    def listener() -> None:
        raise WorkerCrash

    breaker.listen(listener)
    processor = CircuitBreakerMessageProcessor(queue, breaker=breaker)
    processor.register_processor("default", lambda message: message.attempt > 1)
    for _ in range(3):
        queue.send(Message())
    processor.start_workers(1)
    sim.run()
    details = [record.detail for record in trace.records if record.event == "finished"]
    assert details.count("completed") == 3 and "crashed" not in details


def test_a_listener_may_register_another(sim: Simulation) -> None:
    """The new one hears of the next change, and the present telling ends."""
    breaker, heard = CircuitBreaker(1, 10, runtime=sim), []

    def again() -> None:
        heard.append(breaker.state)
        breaker.listen(again)

    breaker.listen(again)
    fail(breaker)
    sim.run()
    assert heard == ["OPEN", "HALF_OPEN", "HALF_OPEN"]


@pytest.mark.parametrize("error", [ValueError("chart"), KeyboardInterrupt()])
def test_no_listener_leaves_a_pool_asleep(sim: Simulation, error: BaseException) -> None:
    """A pool that waits for a permit goes on, though a listener that came first fails or is
    interrupted.
    """
    queue = InMemoryMessageQueue(runtime=sim)
    breaker, done = CircuitBreaker(1, 10, runtime=sim), []
    breaker.listen(raises(error))
    processor = CircuitBreakerMessageProcessor(queue, breaker=breaker)
    processor.register_processor("default", lambda message: done.append(message.id))
    try:
        ask(breaker).failure()
    except KeyboardInterrupt:
        assert isinstance(error, KeyboardInterrupt)
    processor.start_workers(3)
    queue.send(Message(id="a"))
    sim.run(until=5)
    try:
        breaker.reset()
    except KeyboardInterrupt:
        assert isinstance(error, KeyboardInterrupt)
    sim.run(until=6)
    assert done == ["a"]


class DeafQueue(InMemoryMessageQueue):
    """A queue that cannot be woken any more."""

    broken = False

    def wake(self) -> None:
        """Fail, once it is broken."""
        if self.broken:
            raise ConnectionError("gone")
        super().wake()


def test_a_pool_that_cannot_be_woken_stops_no_other_and_is_reported() -> None:
    """Two pools on one breaker: the second hears of each change, the error of the first comes out
    of run().
    """
    sim = Simulation()
    breaker, done = CircuitBreaker(1, 10, runtime=sim), []
    deaf = DeafQueue(runtime=sim)
    pools = [
        CircuitBreakerMessageProcessor(queue, breaker=breaker)
        for queue in (deaf, InMemoryMessageQueue(runtime=sim))
    ]
    fail(breaker)
    for pool in pools:
        pool.register_processor("default", lambda message: done.append(message.id))
        pool.queue.send(Message(id="x"))
        pool.start_workers(1)
    sim.run(until=5)
    deaf.broken = True
    with pytest.raises(ConnectionError, match="gone"):
        sim.run(until=20)
    assert done == ["x", "x"]
    deaf.broken = False
    sim.close()


def test_a_breaker_keeps_no_processor_alive(sim: Simulation) -> None:
    """A thousand processors that came and went on one breaker are gone."""
    breaker = CircuitBreaker(runtime=sim)
    queue = InMemoryMessageQueue(runtime=sim)
    for _ in range(1000):
        CircuitBreakerMessageProcessor(queue, breaker=breaker)
    gc.collect()
    CircuitBreakerMessageProcessor(queue, breaker=breaker)
    assert len(breaker._pools) == 1
