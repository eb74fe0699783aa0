"""Workers behind a breaker: while it is open nothing is taken and no retry spent, whatever else
goes wrong.
"""

from __future__ import annotations

import pytest

from mqlearn import (
    CircuitBreaker,
    CircuitBreakerMessageProcessor,
    InMemoryMessageQueue,
    Message,
    MessageProcessor,
    Reject,
    Release,
    Simulation,
    Trace,
    WorkerCrash,
)
from tests.messaging.test_processor import FiveMethods


class Service:
    """What the handler calls: it takes `seconds` and is down from `down[0]` to `down[1]` (s)."""

    def __init__(
        self, sim: Simulation, seconds: float = 1.0, down: tuple[float, float] = (0.0, 0.0)
    ) -> None:
        self.sim, self.seconds, self.down = sim, seconds, down

    def __call__(self, message: Message) -> bool:
        self.sim.sleep(self.seconds)
        return not self.down[0] <= self.sim.now < self.down[1]


def shop(
    sim: Simulation, messages: int = 0, **options: float
) -> tuple[CircuitBreakerMessageProcessor, Trace]:
    """A processor on a traced queue with so many messages in it."""
    trace = Trace()
    queue = InMemoryMessageQueue(runtime=sim, trace=trace)
    for number in range(messages):
        queue.send(Message(id=f"order-{number}"))
    return CircuitBreakerMessageProcessor(queue, **options), trace  # type: ignore[arg-type]


def states(trace: Trace) -> list[tuple[float, str]]:
    """When the breaker did what."""
    return [
        (record.time, record.event)
        for record in trace.records
        if record.event in ("opened", "half_opened", "closed")
    ]


def test_a_breaker_saves_the_queue_through_an_outage() -> None:
    """Forty orders, two minutes down: a plain pool kills thirty-two, one behind a breaker the one
    it probed with.
    """
    dead = {}
    for guarded in (True, False):
        with Simulation() as sim:
            processor, trace = shop(sim, 40, failure_threshold=3, timeout=30)
            plain = MessageProcessor(processor.queue)
            used = processor if guarded else plain
            used.register_processor("default", Service(sim, down=(5, 125)))
            used.start_workers(2)
            sim.run()
            dead[guarded] = trace.balance().dead
            if guarded:
                assert states(trace) == [
                    (6, "opened"),
                    (36, "half_opened"),
                    (37, "opened"),
                    (67, "half_opened"),
                    (68, "opened"),
                    (98, "half_opened"),
                    (99, "opened"),
                    (129, "half_opened"),
                    (130, "closed"),
                ]
                charged = sum(record.event in ("nacked", "dead") for record in trace.records)
                assert charged == 4 + 3  # four calls until it opened, and a probe each time
    assert dead == {True: 1, False: 32}


def test_nothing_is_taken_while_it_is_open_though_messages_come() -> None:
    """Workers that wait at an empty queue when it opens take nothing of what then arrives."""
    with Simulation() as sim:
        processor, trace = shop(sim, 1, failure_threshold=1, timeout=30)
        processor.register_processor("default", Service(sim, down=(0, 20)))
        processor.start_workers(4)
        sim.run(until=2)
        for number in range(5):
            processor.queue.send(Message(id=f"late-{number}"))
        sim.run(until=30)
        assert (processor.state, processor.queue.size()) == ("OPEN", 6)
        sim.run()
        assert (processor.metrics["processed"], sim.now) == (6, 34)  # one probe, then four and one
        received = [record.time for record in trace.records if record.event == "received"]
        assert received == [0, 31, 32, 32, 32, 32, 33]


def test_a_probe_waits_at_an_empty_queue_without_running_out() -> None:
    """Half-open and idle for ten minutes, nothing is opened again; the next message is the
    probe.
    """
    with Simulation() as sim:
        processor, trace = shop(sim, 1, failure_threshold=1, timeout=30)
        processor.register_processor("default", Service(sim, down=(0, 20)))
        processor.start_workers(3)
        sim.run(until=2)
        assert isinstance(processor.queue, InMemoryMessageQueue) and processor.queue.purge() == 1
        sim.run(until=600)
        processor.queue.send(Message())
        sim.run()
        assert states(trace) == [(1, "opened"), (31, "half_opened"), (601, "closed")]


def test_half_open_takes_as_many_messages_as_probes() -> None:
    """Sixteen workers, two probes: two messages are in flight, the others wait in the queue."""
    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim)
        breaker = CircuitBreaker(1, 10, probes=2, runtime=sim)
        processor = CircuitBreakerMessageProcessor(queue, breaker=breaker)
        processor.register_processor("default", Service(sim, 5.0, down=(0, 6)))
        queue.send(Message())
        processor.start_workers(16)
        sim.run(until=5)
        for _ in range(40):
            queue.send(Message())
        sim.run(until=17)
        assert (breaker.state, queue.get_in_flight_count()) == ("HALF_OPEN", 2)
        sim.run(until=21)
        assert (breaker.state, queue.get_in_flight_count()) == ("CLOSED", 16)


def test_poison_and_put_off_and_unroutable_messages_say_nothing_of_the_service() -> None:
    """Ten rejected, ten released, ten without a handler: closed; as a probe each gives its place to
    the next.
    """
    with Simulation() as sim:
        processor, trace = shop(sim, failure_threshold=1, timeout=10)

        def handler(message: Message) -> bool:
            if message.id == "poison":
                raise Reject("no such order")
            if message.id == "later" and message.attempt == 1:
                raise Release(50)
            return message.id != "fails" or message.retry_count > 0

        processor.register_processor("default", handler)
        for name in ("poison", "later", "lost") * 10:
            processor.queue.send(
                Message(id=name, headers={"type": "unknown"} if name == "lost" else {})
            )
        processor.start_workers(1)
        sim.run(until=20)
        assert (processor.state, processor.failure_count) == ("CLOSED", 0)
        for name in ("fails", "poison", "lost", "fine"):
            processor.queue.send(Message(id=name))
        sim.run()
        probes = [record.detail for record in trace.records if record.event == "probed"]
        assert (probes, trace.balance().dead) == (["succeeded"], 21)
        assert states(trace) == [(20, "opened"), (30, "half_opened"), (30, "closed")]


def test_a_poison_probe_is_cancelled() -> None:
    """The first probe is rejected, the second decides."""
    with Simulation() as sim:
        processor, trace = shop(sim, 1, failure_threshold=1, timeout=10)
        queue = processor.queue

        def handler(message: Message) -> bool:
            if message.id == "poison":
                raise Reject("no such order")
            return sim.now > 5

        processor.register_processor("default", handler)
        processor.start_workers(2)
        sim.run(until=1)
        processor.stop_workers()
        urgent = Message(id="poison")
        assert isinstance(queue, InMemoryMessageQueue) and queue.purge() == 1
        queue.send(urgent)
        queue.send(Message(id="fine"))
        processor.start_workers(2)
        sim.run()
        assert [record.detail for record in trace.records if record.event == "probed"] == [
            "cancelled",
            "succeeded",
        ]


def test_a_crashed_probe_answers_nobody() -> None:
    """The worker that dies at its probe is no failure until the probe's time is over; then the
    breaker opens.
    """
    with Simulation() as sim:
        trace = Trace()
        queue = InMemoryMessageQueue(visibility_timeout=5, runtime=sim, trace=trace)
        breaker = CircuitBreaker(1, 10, probe_timeout=20, runtime=sim, trace=trace)
        processor = CircuitBreakerMessageProcessor(queue, breaker=breaker)

        def handler(message: Message) -> bool:
            if message.attempt == 2:
                raise WorkerCrash
            return message.attempt > 2

        processor.register_processor("default", handler)
        queue.send(Message())
        processor.start_workers(2)
        sim.run()
        assert states(trace) == [
            (0, "opened"),
            (10, "half_opened"),
            (30, "opened"),
            (40, "half_opened"),
            (40, "closed"),
        ]
        assert trace.balance().completed == 1


def test_a_paused_pool_can_be_stopped_and_started() -> None:
    """Workers that wait for a permit stop at once, open or half-open, and another pool goes on
    where they were.
    """
    with Simulation() as sim:
        processor, trace = shop(sim, 3, failure_threshold=1, timeout=30)
        processor.register_processor("default", Service(sim, down=(0, 10)))
        processor.start_workers(4)
        sim.run(until=5)
        processor.stop_workers()
        assert (sim.now, processor.running, processor.state) == (5, False, "OPEN")
        sim.run()
        processor.start_workers(4)
        sim.run()
        assert (trace.balance().completed, sim.now) == (3, 33)


def test_one_message_at_a_time_answers_true_false_and_at_once() -> None:
    """True for what succeeded; False for a failure, for an empty queue after a second, and at once
    while open.
    """
    with Simulation() as sim:
        processor, trace = shop(sim, failure_threshold=2, timeout=30)
        process, queue = processor.process_with_circuit_breaker, processor.queue
        assert (process(lambda message: True), sim.now) == (False, 1)
        queue.send(Message(id="a"))
        assert process(lambda message: None) is True

        def broken(message: Message) -> bool:
            raise OSError("connection refused")

        queue.send(Message(id="b"))
        assert process(broken) is process(lambda message: False) is False
        assert (processor.state, processor.failure_count, processor.last_failure_time) == (
            "OPEN",
            2,
            1,
        )
        taken = len(trace.records)
        assert [process(lambda message: True) for _ in range(100)] == [False] * 100
        assert (sim.now, len(trace.records), processor.queue.size()) == (1, taken, 1)
        sim.run(until=31)
        assert process(lambda message: True) is True
        assert (processor.state, processor.failure_count, sim.now) == ("CLOSED", 0, 31)
        assert processor.metrics == {"processed": 2, "failed": 2, "retried": 2}


def test_a_half_open_call_that_finds_nothing_gives_its_permit_back() -> None:
    """Any number of looks at an empty queue leave it half-open, with room for the probe that finds
    something.
    """
    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim)
        breaker = CircuitBreaker(1, 10, probe_timeout=0.5, runtime=sim)
        processor = CircuitBreakerMessageProcessor(queue, breaker=breaker)
        process = processor.process_with_circuit_breaker
        queue.send(Message(max_retries=0))
        process(lambda message: False)
        sim.run()
        assert [process(lambda message: True) for _ in range(3)] == [False] * 3
        assert (sim.now, processor.state) == (13, "HALF_OPEN")
        processor.queue.send(Message())
        assert process(lambda message: True) is True


def test_a_call_that_waits_when_it_opens_takes_nothing_any_more() -> None:
    """It answers False as soon as another call's failure opens the breaker."""
    with Simulation() as sim:
        processor, trace = shop(sim, failure_threshold=1)
        processor.queue.send(Message(max_retries=0))
        answers: list[tuple[float, str, bool]] = []

        def call(name: str) -> None:
            answer = processor.process_with_circuit_breaker(Service(sim, 0.5, down=(0, 1)))
            answers.append((sim.now, name, answer))

        sim.spawn(call, "fails")
        sim.spawn(call, "waits")
        sim.run(until=20)
        assert sorted(answers) == [(0.5, "fails", False), (0.5, "waits", False)]
        events = [record.event for record in trace.records]
        assert events == ["sent", "received", "started", "finished", "opened", "dead"]


def test_a_crash_of_a_single_call_comes_out() -> None:
    """Raised or swallowed by the handler, it settles nothing and reaches whoever called."""
    with Simulation() as sim:
        processor, _ = shop(sim, 1)

        def handler(message: Message) -> bool:
            raise WorkerCrash

        with pytest.raises(WorkerCrash):
            processor.process_with_circuit_breaker(handler)
        assert (
            isinstance(processor.queue, InMemoryMessageQueue)
            and processor.queue.get_in_flight_count() == 1
        )


def test_a_breaker_of_another_runtime_is_refused() -> None:
    """Its timers would run on another clock."""
    with (
        Simulation() as sim,
        pytest.raises(ValueError, match="breaker must run on the runtime of the queue"),
    ):
        CircuitBreakerMessageProcessor(InMemoryMessageQueue(runtime=sim), breaker=CircuitBreaker())


def test_a_queue_of_five_methods_runs_behind_a_breaker() -> None:
    """One that cannot be woken, by polling, on real threads."""
    queue = FiveMethods()
    processor = CircuitBreakerMessageProcessor(queue, 2, 3600)
    queue.send(Message(id="a"))
    assert processor.process_with_circuit_breaker(lambda message: True) is True
    assert (queue.flying, processor.state) == ({}, "CLOSED")
