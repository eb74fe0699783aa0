"""A sampler looks every few seconds, asks the alerts, and records pages."""

from __future__ import annotations

import math
import threading

import pytest

from mqlearn import (
    InMemoryMessageQueue,
    Message,
    MessageProcessor,
    QueueSampler,
    Sample,
    Simulation,
    ThreadRuntime,
    ThresholdAlert,
    Trace,
)


def depth(above: float, hold: float = 0.0) -> ThresholdAlert:
    """An alert on the messages that wait."""
    return ThresholdAlert(lambda seen: seen.waiting, above, hold=hold)


def shop(sim: Simulation, queue: InMemoryMessageQueue) -> MessageProcessor:
    """One order per second, one worker of half a second that is gone from 20 to 40 s."""
    processor = MessageProcessor(queue)
    processor.register_processor("default", lambda _: sim.sleep(0.5))
    processor.start_workers(1)

    def send() -> None:
        for _ in range(100):
            sim.sleep(1.0)
            queue.send(Message())

    def gone() -> None:
        sim.sleep(20.25)
        processor.stop_workers()
        sim.sleep(20.0)
        processor.start_workers(1)

    sim.spawn(send)
    sim.spawn(gone)
    return processor


def test_a_page_is_recorded_when_an_alert_begins_to_fire_and_when_it_ends() -> None:
    """Nine wait at 30 s; from 40 s on the worker clears two per second."""
    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim, trace=Trace())
        sampler = QueueSampler(queue, {"deep": depth(8), "slow": depth(8, hold=10.0)}, every=5.0)
        shop(sim, queue)
        sampler.start()
        sim.run(until=99.0)
        assert sampler.firing == set()
        told = [(r.time, r.event, r.source, r.detail) for r in queue.trace.records if not r.entry]
    assert [page for page in told if page[1] in ("paged", "resolved")] == [
        (30.0, "paged", "deep", 9),
        (40.0, "paged", "slow", 19),
        (55.0, "resolved", "deep", 5),
        (55.0, "resolved", "slow", 5),
    ]
    assert sampler.pages == [("deep", 30.0), ("slow", 40.0)]
    assert [sample.now for sample in sampler.samples] == [5.0 * k for k in range(1, 20)]
    assert sampler.values["deep"] == [sample.waiting for sample in sampler.samples]


def test_a_sample_has_the_queues_numbers() -> None:
    """Three sent, one done, one dead, one in flight; a goal of five seconds."""
    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim, visibility_timeout=None)
        sampler = QueueSampler(queue, goal=5.0, charged=lambda: 7)
        for _ in range(4):
            queue.send(Message(max_retries=0))
        sim.run(until=1.0)
        queue.ack(queue.receive(0) or "")
        queue.nack(queue.receive(0) or "")
        queue.receive(0)
        sim.run(until=6.0)
        seen = sampler.look()
    assert seen == Sample(
        6.0,
        sent=4,
        done=1,
        late=0,
        dead=1,
        charged=7,
        waiting=1,
        oldest=6.0,
        received=3,
        failed=1,
        due=4,
        missed=3,
        in_flight=1,
    )
    assert sampler.samples == []


def test_a_sampler_keeps_no_run_alive_and_can_be_stopped() -> None:
    """The run ends with its last message; a stopped one looks no more, and starts again."""
    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim)
        sampler = QueueSampler(queue, every=1.0)
        sampler.start()
        with pytest.raises(RuntimeError, match="running already"):
            sampler.start()
        sim.call_at(3.5, lambda: None)
        sim.run()
        assert sim.now == 3.5 and len(sampler.samples) == 3
        sampler.stop()
        sim.run(until=10.0)
        sampler.start()
        sim.run(until=12.0)
        assert [sample.now for sample in sampler.samples] == [1.0, 2.0, 3.0, 11.0, 12.0]


def test_an_alert_that_raises_is_reported_and_the_others_are_asked() -> None:
    """The run raises it at its end; the other alert has paged."""

    def broken(seen: Sample) -> float:
        raise ZeroDivisionError("no rate")

    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim)
        sampler = QueueSampler(queue, {"broken": ThresholdAlert(broken, 1), "deep": depth(0)})
        queue.send(Message())
        sampler.start()
        with pytest.raises(ZeroDivisionError, match="no rate"):
            sim.run(until=20.0)
        assert sampler.pages == [("deep", 10.0)] and len(sampler.samples) == 2
        assert sampler.values["deep"] == [1, 1] and all(map(math.isnan, sampler.values["broken"]))


def test_it_runs_on_real_threads() -> None:
    """An alert answers within the deadline; after `stop` it is asked no more."""
    asked = threading.Event()

    def signal(seen: Sample) -> float:
        asked.set()
        return seen.waiting

    queue = InMemoryMessageQueue(runtime=ThreadRuntime())
    sampler = QueueSampler(queue, {"deep": ThresholdAlert(signal, 0)}, every=0.01)
    queue.send(Message())
    sampler.start()
    assert asked.wait(10)
    sampler.stop()
    assert sampler.samples[0].sent == 1
