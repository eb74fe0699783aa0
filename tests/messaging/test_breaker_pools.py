"""Several pools and direct calls on one breaker: none keeps the others from the probe."""

from __future__ import annotations

import pytest

from mqlearn import (
    CircuitBreakerMessageProcessor,
    InMemoryMessageQueue,
    Message,
    Simulation,
    Trace,
)
from tests.messaging.test_permits import half_open


def test_a_waiting_pool_is_woken_by_a_cancelled_probe_of_another(sim: Simulation) -> None:
    """The place that one caller gives back is taken by a worker of another processor at once."""
    breaker, done = half_open(sim), []
    held = breaker.acquire(begin=False)
    processor = CircuitBreakerMessageProcessor(InMemoryMessageQueue(runtime=sim), breaker=breaker)
    processor.register_processor("default", lambda message: done.append(sim.now))
    processor.queue.send(Message())
    processor.start_workers(3)
    sim.run(until=15)
    assert held is not None and held.cancel()
    sim.run()
    assert (done, breaker.state) == ([15], "CLOSED")


@pytest.mark.parametrize("probes", [1, 2])
def test_a_pool_with_an_empty_queue_keeps_no_other_from_the_probe(
    sim: Simulation, probes: int
) -> None:
    """Its workers wait with reserved places; another pool's messages and a direct call are the
    probes, and no message costs a retry.
    """
    trace = Trace()
    breaker = half_open(sim, probes=probes, trace=trace)
    pools = [
        CircuitBreakerMessageProcessor(
            InMemoryMessageQueue(runtime=sim, trace=trace, name=name), breaker=breaker
        )
        for name in ("idle", "busy")
    ]
    for pool in pools:
        pool.register_processor("default", lambda message: sim.sleep(2))
        pool.start_workers(3)
        sim.run(until=sim.now + 1)
    for _ in range(4):
        pools[1].queue.send(Message())
    sim.run(until=13)
    assert trace.balance("busy").in_flight == probes
    pools[0].queue.send(Message())
    sim.run(until=13.5)
    assert trace.balance("idle").waiting == 1, "all places are taken"
    sim.run()
    assert breaker.state == "CLOSED"
    assert [pool.counts["processed"] for pool in pools] == [1, 4]
    assert not any(record.event == "nacked" for record in trace.records)
    closed = [record.time for record in trace.records if record.event == "closed"]
    assert closed == [14]


@pytest.mark.parametrize("begin", [True, False])
def test_a_pool_finds_the_place_of_a_permit_that_was_dropped(sim: Simulation, begin: bool) -> None:
    """Nothing tells it, so it looks once per second; when no more waits, nothing keeps the run
    going.
    """
    breaker = half_open(sim, probe_timeout=None)
    held = [breaker.acquire(begin=begin)]
    processor = CircuitBreakerMessageProcessor(InMemoryMessageQueue(runtime=sim), breaker=breaker)
    processor.register_processor("default", lambda message: None)
    processor.queue.send(Message())
    processor.start_workers(2)
    sim.run(until=100)
    assert processor.counts["processed"] == 0
    held.clear()
    sim.run(until=101)
    assert (processor.counts["processed"], breaker.state) == (1, "CLOSED")
    sim.run()
    assert sim.now == 101


def test_a_direct_call_goes_before_a_worker_that_waits_for_a_message(sim: Simulation) -> None:
    """It is the probe, and the worker takes messages again once that has closed it."""
    breaker = half_open(sim)
    processor = CircuitBreakerMessageProcessor(InMemoryMessageQueue(runtime=sim), breaker=breaker)
    processor.register_processor("default", lambda message: None)
    processor.start_workers(1)
    sim.run(until=11)
    assert breaker.call(len, "abc") == 3
    assert breaker.state == "CLOSED"
    processor.queue.send(Message())
    sim.run()
    assert processor.counts["processed"] == 1
