"""No place of a probe is lost: not by an interrupt, a failing queue, a crash or a permit that was
dropped.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from greenlet import GreenletExit

from mqlearn import (
    CircuitBreaker,
    CircuitBreakerMessageProcessor,
    FailureRate,
    InMemoryMessageQueue,
    Message,
    Outcome,
    Permit,
    Simulation,
    ThreadRuntime,
    Trace,
    WorkerCrash,
)
from mqlearn.runtime.handed_in import StopRun
from tests.messaging.permits import ask

DEADLINE = 30.0  # seconds after which a test on real threads has failed
RATE = FailureRate(0.5, calls=1, minimum=9)  # one failure opens it, all probes decide


def half_open(sim: Simulation, **options: object) -> CircuitBreaker:
    """A breaker that opened and is half-open now, with places for one probe or as many as
    asked for.
    """
    breaker = CircuitBreaker(1, 10, runtime=sim, **options)  # type: ignore[arg-type]
    ask(breaker).failure()
    sim.run(until=sim.now + 10)
    assert breaker.state == "HALF_OPEN"
    return breaker


@pytest.mark.parametrize("rate", [None, RATE])
@pytest.mark.parametrize("probe_timeout", [60.0, None])
def test_a_reservation_that_was_dropped_gives_its_place_back(
    sim: Simulation, rate: FailureRate | None, probe_timeout: float | None
) -> None:
    """Forgotten permits whose call has not begun take no place; one that is kept does."""
    breaker = half_open(sim, probes=2, rate=rate, probe_timeout=probe_timeout)
    for _ in range(10):
        breaker.acquire(begin=False)
    kept = breaker.acquire(begin=False)
    assert kept is not None and breaker.acquire(begin=False) is not None
    other = ask(breaker)
    assert breaker.acquire() is None
    assert [kept.begin(), kept.success(), other.success()] == [True, True, True]
    assert breaker.state == "CLOSED"


def test_a_dropped_permit_of_a_call_that_began_is_a_lost_probe(sim: Simulation) -> None:
    """It fails after probe_timeout; without one, no answer can come any more and its place is
    free.
    """
    breaker = half_open(sim, probe_timeout=7)
    ask(breaker)
    assert breaker.acquire() is None
    sim.run(until=17)
    assert breaker.state == "OPEN"
    patient = half_open(sim, probe_timeout=None)
    held = ask(patient)
    sim.run(until=sim.now + 1000)
    assert patient.acquire() is None
    del held
    assert ask(patient).success() and patient.state == "CLOSED"


@pytest.mark.parametrize("rate", [None, RATE])
def test_an_answered_probe_keeps_its_place_after_it_was_dropped(
    sim: Simulation, rate: FailureRate | None
) -> None:
    """Three probes in all, however soon their permits are forgotten; a cancelled one is none."""
    breaker = half_open(sim, probes=3, rate=rate)
    ask(breaker).success()
    ask(breaker).cancel()
    ask(breaker).success()
    last = ask(breaker)
    assert breaker.acquire() is None
    assert last.success() and breaker.state == "CLOSED"


class Interrupted(InMemoryMessageQueue):
    """A queue whose next `take` ends by `error`."""

    error: BaseException | None = None

    def take(self, cancelled: Callable[[], bool]) -> Message | None:
        """Raise the error once, or wait for a message."""
        error, self.error = self.error, None
        if error is not None:
            raise error
        return super().take(cancelled)


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), GreenletExit(), ConnectionError("gone"), SystemExit(), StopRun()]
)
def test_a_wait_that_is_broken_off_gives_the_permit_back(
    sim: Simulation, error: BaseException
) -> None:
    """The call raises what ended its wait; the next one has the place, and listeners hear that it
    is free.
    """
    queue, heard = Interrupted(runtime=sim), []
    breaker = half_open(sim, probe_timeout=None)
    breaker.listen(lambda: heard.append(breaker.state))
    processor = CircuitBreakerMessageProcessor(queue, breaker=breaker)
    queue.error = error
    with pytest.raises(type(error)) as caught:
        processor.process_with_circuit_breaker(lambda message: True)
    assert caught.value is error  # its traceback keeps all frames alive, and with them the permit
    assert heard == ["HALF_OPEN"]
    queue.send(Message())
    assert processor.process_with_circuit_breaker(lambda message: True) is True
    assert breaker.state == "CLOSED"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), GreenletExit(), StopRun()])
def test_an_interrupted_probe_gives_its_place_back(sim: Simulation, error: BaseException) -> None:
    """An interrupt in the handler says nothing about the service: the breaker stays half-open and
    the next call is the probe.
    """
    trace = Trace()
    queue = InMemoryMessageQueue(visibility_timeout=5, runtime=sim, trace=trace)
    breaker = half_open(sim, probe_timeout=None)
    processor = CircuitBreakerMessageProcessor(queue, breaker=breaker)
    queue.send(Message())

    def handler(message: Message) -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        processor.process_with_circuit_breaker(handler)
    assert caught.value is error
    assert breaker.state == "HALF_OPEN"
    sim.run()
    assert processor.process_with_circuit_breaker(lambda message: True) is True
    assert (breaker.state, trace.balance().completed) == ("CLOSED", 1)


def test_a_worker_whose_queue_fails_leaves_its_place_to_the_others() -> None:
    """It dies of the error, as run() says; the worker that waited for a permit takes the probe."""
    sim = Simulation()
    queue, done = Interrupted(runtime=sim), []
    breaker = half_open(sim, probe_timeout=None)
    processor = CircuitBreakerMessageProcessor(queue, breaker=breaker)
    processor.register_processor("default", lambda message: done.append(message.id))
    queue.error = ConnectionError("gone")
    processor.start_workers(2)
    with pytest.raises(ConnectionError, match="gone"):
        sim.run()
    queue.send(Message(id="a"))
    sim.run()
    assert (done, breaker.state) == (["a"], "CLOSED")
    sim.close()


class Stumbling(CircuitBreaker):
    """A breaker whose permits cannot begin, or cannot be answered, while `stumbles` says so."""

    stumbles = ""

    def _begin(self, permit: Permit) -> bool:
        if self.stumbles == "begin":
            raise OSError("no timer")
        return super()._begin(permit)

    def _answer(self, permit: Permit, failure: str | None) -> bool:
        answered = super()._answer(permit, failure)
        if self.stumbles == "answer":
            raise KeyboardInterrupt
        return answered


def test_a_permit_that_cannot_begin_costs_neither_message_nor_place(sim: Simulation) -> None:
    """The message is released unspent, and the next call is the probe."""
    trace = Trace()
    queue = InMemoryMessageQueue(runtime=sim, trace=trace)
    breaker = Stumbling(1, 10, runtime=sim)
    ask(breaker).failure()
    sim.run()
    processor = CircuitBreakerMessageProcessor(queue, breaker=breaker)
    queue.send(Message())
    breaker.stumbles = "begin"
    with pytest.raises(OSError, match="no timer") as caught:
        processor.process_with_circuit_breaker(lambda message: True)
    assert (queue.size(), queue.get_in_flight_count()) == (1, 0) and caught.value is not None
    breaker.stumbles = ""
    assert processor.process_with_circuit_breaker(lambda message: message.retry_count == 0) is True
    assert [record.event for record in trace.records if record.entry] == [
        "sent",
        "received",
        "released",
        "received",
        "acked",
    ]


def test_a_message_is_settled_also_if_its_report_is_interrupted(sim: Simulation) -> None:
    """The breaker has counted the failure, the message has its retry, the caller its interrupt."""
    queue = InMemoryMessageQueue(runtime=sim)
    breaker = Stumbling(3, 10, runtime=sim)
    processor = CircuitBreakerMessageProcessor(queue, breaker=breaker)
    queue.send(Message())
    breaker.stumbles = "answer"
    with pytest.raises(KeyboardInterrupt):
        processor.process_with_circuit_breaker(lambda message: False)
    assert (queue.size(), queue.get_in_flight_count(), breaker.failure_count) == (1, 0, 1)
    assert processor.counts == {"processed": 0, "failed": 1, "retried": 1}


@pytest.mark.parametrize("probe_timeout", [20.0, None])
def test_a_crash_between_takes_never_ends_the_probes(
    sim: Simulation, probe_timeout: float | None
) -> None:
    """A worker that crashes on its probe again and again: with and without a time limit it closes
    at last.
    """
    queue = InMemoryMessageQueue(visibility_timeout=5, runtime=sim)
    breaker = half_open(sim, probe_timeout=probe_timeout)
    processor = CircuitBreakerMessageProcessor(queue, breaker=breaker)

    def handler(message: Message) -> None:
        if message.attempt < 3:
            raise WorkerCrash

    processor.register_processor("default", handler)
    queue.send(Message())
    processor.start_workers(1)
    sim.run()
    assert (breaker.state, processor.counts["processed"]) == ("CLOSED", 1)


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (Outcome(), "CLOSED"),
        (Outcome("failed", "no"), "OPEN"),
        (Outcome("rejected", "poison"), "HALF_OPEN"),
        (Outcome("released", delay=5), "HALF_OPEN"),
    ],
)
def test_a_permit_takes_an_outcome(sim: Simulation, outcome: Outcome, state: str) -> None:
    """A success, a failure, or nothing that the service can be judged by; only the first answer
    counts.
    """
    breaker = half_open(sim)
    permit = ask(breaker)
    assert [permit.report(outcome), permit.report(outcome)] == [True, False]
    assert breaker.state == state


def test_on_threads_a_dropped_reservation_frees_its_place() -> None:
    """Sixteen threads forget reservations a hundred times each: the place is there in the end."""
    runtime, ready = ThreadRuntime(), threading.Event()
    breaker = CircuitBreaker(1, 0.0, runtime=runtime)
    breaker.listen(lambda: ready.set() if breaker.state == "HALF_OPEN" else None)
    ask(breaker).failure()
    assert ready.wait(DEADLINE)

    def forget() -> None:
        for _ in range(100):
            breaker.acquire(begin=False)

    for task in [runtime.spawn(forget) for _ in range(16)]:
        task.join(DEADLINE)
    assert ask(breaker).success() and breaker.state == "CLOSED"
