"""Runs in which no time passes: they are ended and named, and their books balance."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mqlearn import (
    CircuitBreaker,
    EventStream,
    EventStreamProcessor,
    InMemoryMessageQueue,
    Message,
    MessageProcessor,
    Release,
    Simulation,
    StreamEvent,
    TopicBasedMessageBroker,
    Trace,
)
from mqlearn.runtime import scheduler
from mqlearn.runtime.scheduler import SimulationError
from mqlearn.runtime.trace import Record

Build = Callable[[Simulation, Trace], object]


def releases(sim: Simulation, trace: Trace) -> None:
    """A handler that gives its message back at once, always."""
    queue = InMemoryMessageQueue(runtime=sim, trace=trace)
    processor = MessageProcessor(queue)

    def handle(message: Message) -> None:
        raise Release(0)

    processor.register_processor("default", handle)
    processor.start_workers(2)
    queue.send(Message())


def echoes(sim: Simulation, trace: Trace) -> None:
    """A subscriber that publishes to its own topic."""
    broker = TopicBasedMessageBroker(runtime=sim, trace=trace)
    broker.subscribe("news", lambda message: broker.publish("news", Message()))
    broker.publish("news", Message())


def floods(sim: Simulation, trace: Trace) -> None:
    """A task that sends and never stops."""
    queue = InMemoryMessageQueue(on_full="drop_oldest", runtime=sim, trace=trace)

    def flood() -> None:
        while True:
            queue.send(Message(id="drop"))

    sim.spawn(flood, name="flood")


def swallows(sim: Simulation, trace: Trace) -> None:
    """A task that sends and never stops, whatever is raised in it."""
    queue = InMemoryMessageQueue(10, runtime=sim, trace=trace)

    def flood() -> None:
        while True:
            try:
                queue.send(Message(id="drop"))
            except Exception:
                continue

    sim.spawn(flood, name="flood")


def multiplies(sim: Simulation, trace: Trace) -> None:
    """A task whose last act is to spawn its like."""

    def again() -> None:
        sim.spawn(again, name="again")

    again()


def rearms(sim: Simulation, trace: Trace) -> None:
    """A timer that sets itself for the same instant."""
    sim.call_at(0, lambda: rearms(sim, trace))


def rings(sim: Simulation, trace: Trace) -> None:
    """A timer's function that never ends, and has no task."""
    queue = InMemoryMessageQueue(on_full="drop_oldest", runtime=sim, trace=trace)

    def flood() -> None:
        while True:
            queue.send(Message(id="drop"))

    sim.call_at(0, flood)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten times a thousand records at one instant are too many."""
    monkeypatch.setattr(scheduler, "ROUND", 1000)


@pytest.mark.parametrize(
    "build",
    [releases, echoes, floods, swallows, multiplies, rearms, rings],
    ids=lambda b: b.__name__,
)
def test_a_run_that_stays_at_one_instant_is_ended(build: Build) -> None:
    """It names its tasks; the books balance; what is a task goes on, and is ended again."""
    trace = Trace()
    with Simulation() as sim:
        build(sim, trace)
        for _ in range(1 if build is rings else 2):
            with pytest.raises(SimulationError, match=r"at one instant, 0 s, .* tasks: "):
                sim.run(until=10)
            trace.balance()
        assert sim.now == 0


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("by_timer", [True, False])
def test_what_an_endless_listener_has_left_half_done_is_restored(
    first: bool, by_timer: bool
) -> None:
    """It is called under the lock, before or after the trace: the run cannot go on."""
    trace = Trace()
    with Simulation() as sim:
        there = InMemoryMessageQueue(on_full="drop_oldest", runtime=sim, trace=trace, name="there")

        def listen(record: Record) -> None:
            while record.event == ("due" if by_timer else "sent"):
                there.send(Message(id="drop"))

        queue = InMemoryMessageQueue(runtime=sim, trace=None if first else trace)
        queue.listen(listen)
        if first:
            trace.watch(queue, sim.at_close)
        sim.spawn(lambda: queue.send(Message(id="m"), delay=1.0 if by_timer else 0.0))
        with pytest.raises(SimulationError, match="records at one instant"):
            sim.run(until=10)
        with pytest.raises(RuntimeError, match="cannot go on"):
            sim.run(until=10)
        assert trace.balance("queue").waiting + trace.balance("queue").delayed == queue.size()
        assert queue.size() == (0 if first and not by_timer else 1)


def test_a_cell_that_waits_for_an_endless_run_is_told() -> None:
    """`receive` of the cell lets the others run, and they never stop."""
    trace = Trace()
    with Simulation() as sim:
        releases(sim, trace)
        other = InMemoryMessageQueue(runtime=sim, trace=trace, name="other")
        with pytest.raises(SimulationError, match="worker-0, worker-1"):
            other.receive(timeout=5)
        assert trace.balance().accepted == 1


def test_a_long_run_and_a_cell_of_many_calls_are_not_endless() -> None:
    """Time passes in the one; the other returns."""
    with Simulation() as sim:
        queue = InMemoryMessageQueue(10**6, runtime=sim)
        for _ in range(30_000):
            queue.send(Message(id="m"))
        processor = MessageProcessor(queue)
        processor.register_processor("default", lambda message: sim.sleep(0.01))
        processor.start_workers(5)
        sim.run()
        assert queue.size() == 0 and processor.metrics["processed"] == 30_000


def test_a_burst_of_a_hundred_thousand_messages_is_not_endless(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All are sent, received, handled and acked at one instant, with the limit as it is."""
    monkeypatch.undo()
    with Simulation() as sim:
        queue = InMemoryMessageQueue(10**6, runtime=sim)
        processor = MessageProcessor(queue)
        processor.register_processor("default", lambda message: True)

        def burst() -> None:
            for _ in range(100_000):
                queue.send(Message(id="m"))

        sim.spawn(burst)
        processor.start_workers(1)
        sim.run(until=1)
        assert processor.metrics["processed"] == 100_000


def loops(sim: Simulation) -> dict[str, Callable[[], object]]:
    """Calls of the package that record nothing, or only where a trace listens."""
    broker = TopicBasedMessageBroker(runtime=sim)
    queue, breaker = InMemoryMessageQueue(runtime=sim), CircuitBreaker(1, runtime=sim)
    stream = EventStream("log", 1, runtime=sim)
    return {
        "consume": lambda: broker.consume("orders", timeout=5.0),
        "acquire": breaker.acquire,
        "purge": queue.purge,
        "append": lambda: stream.append(StreamEvent("log")),
    }


@pytest.mark.parametrize("name", ["consume", "acquire", "purge", "append"])
def test_calls_without_a_record_at_one_instant_are_stopped_too(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A loop over calls that never let time pass does not hang `run(until)`."""
    monkeypatch.setattr(scheduler, "ROUND", 1000)
    monkeypatch.setattr(scheduler, "GRABS", 5000)
    sim = Simulation()
    call = loops(sim)[name]

    def loop() -> None:
        while True:
            call()

    sim.spawn(loop, name="loop")
    with pytest.raises(SimulationError, match=r"at one instant, 0 s, .* tasks: loop"):
        sim.run(until=10.0)
    sim.close()


def test_a_subscriber_of_a_stream_that_feeds_itself_is_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also without a trace, where no listener hears of the records."""
    monkeypatch.setattr(scheduler, "ROUND", 1000)
    sim = Simulation()
    stream = EventStream("log", 1, runtime=sim)
    team = EventStreamProcessor(stream, "g")
    team.add_processor(lambda event: stream.append(StreamEvent("log")))
    stream.append(StreamEvent("log"))
    team.start(1)
    with pytest.raises(SimulationError, match="at one instant"):
        sim.run(until=10.0)
    sim.close()
