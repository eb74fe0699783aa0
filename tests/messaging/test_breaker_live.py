"""Sixteen real threads at once behind one breaker: not one probe too many, not one answer
uncounted.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter

from mqlearn import (
    CircuitBreaker,
    CircuitBreakerMessageProcessor,
    FailureRate,
    InMemoryMessageQueue,
    Message,
    Permit,
    RetryPolicy,
    ThreadRuntime,
    Trace,
)
from tests.messaging.test_breaker import fail

THREADS, ROUNDS = 16, 150
DEADLINE = 30.0  # seconds after which a test on real threads has failed


def test_sixteen_real_threads_take_one_probe() -> None:
    """Sixteen callers at once, half-open: one takes a message, fifteen are told False, and it
    closes; fifty times.
    """
    runtime = ThreadRuntime()
    queue = InMemoryMessageQueue(runtime=runtime)
    processor = CircuitBreakerMessageProcessor(queue, 1, 0.0)
    changed, answers, handled = threading.Event(), Counter[bool](), Counter[str]()
    processor.breaker.listen(changed.set)
    gate, after = threading.Barrier(THREADS + 1), threading.Barrier(THREADS + 1)
    told = threading.Event()
    guard = threading.Lock()

    def handler(message: Message) -> bool:
        with guard:
            handled[message.id] += 1
        return told.wait(DEADLINE)

    def caller() -> None:
        for _ in range(50):
            gate.wait(DEADLINE)
            answer = processor.process_with_circuit_breaker(handler)
            with guard:
                answers[answer] += 1
                if answers[False] % (THREADS - 1) == 0:
                    told.set()
            after.wait(DEADLINE)

    callers = [runtime.spawn(caller) for _ in range(THREADS)]
    for number in range(50):
        permit = processor.breaker.acquire()
        assert permit is not None and permit.failure()
        deadline = time.monotonic() + DEADLINE
        while processor.state != "HALF_OPEN":
            changed.wait(0.1)
            assert time.monotonic() < deadline, "it never half-opened"
        told.clear()
        for name in range(THREADS):
            queue.send(Message(id=f"{number}-{name}"))
        gate.wait(DEADLINE)
        after.wait(DEADLINE)
        assert (processor.state, sum(handled.values())) == ("CLOSED", number + 1)
        queue.purge()
    for task in callers:
        task.join(DEADLINE)
        assert not task.is_alive()
    assert answers == {True: 50, False: 50 * (THREADS - 1)}
    assert set(handled.values()) == {1}


def test_a_pool_of_real_threads_pauses_and_resumes() -> None:
    """Eight threads, a service that fails thirty times, most of them probes: all are done, none
    dead.
    """
    runtime, trace = ThreadRuntime(), Trace()
    queue = InMemoryMessageQueue(runtime=runtime, trace=trace, retry=RetryPolicy(0.001))
    breaker = CircuitBreaker(3, 0.002, runtime=runtime, trace=trace)
    processor = CircuitBreakerMessageProcessor(queue, breaker=breaker)
    guard, done, settled = threading.Lock(), threading.Event(), Counter[bool]()

    def handler(message: Message) -> bool:
        with guard:
            answer = settled[False] >= 30
            settled[answer] += 1
            if settled[True] == 500:
                done.set()
        return answer

    processor.register_processor("default", handler)
    processor.start_workers(8)
    for number in range(500):
        queue.send(Message(id=f"order-{number}", max_retries=40))
    assert done.wait(DEADLINE)
    stopping = runtime.spawn(processor.stop_workers)
    stopping.join(DEADLINE)
    assert not stopping.is_alive()
    books, events = trace.balance(), Counter(record.event for record in trace.records)
    assert (books.completed, books.dead, books.in_flight) == (500, 0, 0)
    assert events["opened"] == events["half_opened"] >= 10
    assert events["closed"] == 1
    assert settled == {False: 30, True: 500}


class Hesitant(CircuitBreaker):
    """Lets other threads run between its look at the limit and its count."""

    @property  # type: ignore[override]
    def probes(self) -> int:
        """The limit, after a moment."""
        time.sleep(0)
        return 3

    @probes.setter
    def probes(self, value: int) -> None:
        pass


def test_half_open_never_admits_more_than_its_probes_to_sixteen_threads() -> None:
    """Sixteen real threads ask at once, a hundred and fifty times: exactly as many permits as
    probes.
    """
    runtime = ThreadRuntime()
    breaker = Hesitant(1, 0.0, runtime=runtime)
    changed = threading.Event()
    breaker.listen(changed.set)
    gate, after = threading.Barrier(THREADS + 1), threading.Barrier(THREADS + 1)
    got: list[list[Permit | None]] = [[] for _ in range(THREADS)]

    def caller(mine: list[Permit | None]) -> None:
        for _ in range(ROUNDS):
            gate.wait(DEADLINE)
            mine.append(breaker.acquire())
            after.wait(DEADLINE)

    callers = [runtime.spawn(caller, mine) for mine in got]
    fail(breaker)
    for number in range(ROUNDS):
        until_half_open(breaker, changed)
        gate.wait(DEADLINE)
        after.wait(DEADLINE)
        permits = [permit for permit in (mine[number] for mine in got) if permit is not None]
        assert {permit.generation for permit in permits} == {breaker.generation}
        assert len(permits) == 3
        assert permits[0].failure()
    for task in callers:
        task.join(DEADLINE)
        assert not task.is_alive()


def until_half_open(breaker: CircuitBreaker, changed: threading.Event) -> None:
    """Wait for the breaker's own timer, not for ever."""
    deadline = time.monotonic() + DEADLINE
    while breaker.state != "HALF_OPEN":
        changed.wait(0.1)
        changed.clear()
        assert time.monotonic() < deadline, "it never half-opened"


def test_counts_are_exact_under_sixteen_threads() -> None:
    """Eight thousand answers: a failure rate over all of them opens at the last and not before."""
    runtime = ThreadRuntime()
    total = THREADS * 500
    breaker = CircuitBreaker(
        rate=FailureRate(1.0, calls=total, minimum=total), cooldown=3600, runtime=runtime
    )
    refused = [0] * THREADS

    def caller(index: int) -> None:
        for _ in range(500):
            permit = breaker.acquire()
            refused[index] += permit is None or not permit.failure()

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        tasks = [runtime.spawn(caller, index) for index in range(THREADS)]
        for task in tasks:
            task.join(DEADLINE)
            assert not task.is_alive()
    finally:
        sys.setswitchinterval(interval)
    assert (breaker.state, breaker.failure_count, sum(refused)) == ("OPEN", total, 0)


def test_a_timer_that_rings_too_late_changes_nothing() -> None:
    """On threads: closed by hand while the end of the cool-down waits for the lock, it stays
    closed.
    """
    runtime, rung = ThreadRuntime(), threading.Event()
    breaker = CircuitBreaker(1, 0.0, runtime=runtime)
    deadline = time.monotonic() + DEADLINE
    with breaker._lock:
        fail(breaker)
        timer = breaker._cooldown_timer
        while timer is not None and getattr(timer, "fn") is not None:  # noqa: B009 - only an Alarm has it
            assert time.monotonic() < deadline, "it never rang"
        breaker.reset()
    runtime.call_at(0, rung.set)
    assert rung.wait(DEADLINE)
    assert breaker.state == "CLOSED"
