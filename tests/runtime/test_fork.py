"""The child of a fork: its timers ring, its locks are free, its queues are whole."""

from __future__ import annotations

import multiprocessing
import threading
import warnings
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import pytest

from mqlearn import (
    DeduplicatingQueue,
    InMemoryMessageQueue,
    Message,
    MessageProcessor,
    ThreadRuntime,
    Trace,
)
from mqlearn.runtime.threads import default_runtime

pytestmark = pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="no fork on this system"
)
DEADLINE = 20.0  # seconds: nothing here takes a tenth of it


def in_child(call: Callable[[], Any]) -> Any:
    """What a call returns in the child of a fork, which does not end if it waits forever."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)

    def child(answer: Connection) -> None:
        answer.send(call())

    process = context.Process(target=child, args=(theirs,), daemon=True)
    with warnings.catch_warnings():  # newer Pythons warn of any fork beside threads
        warnings.simplefilter("ignore", DeprecationWarning)
        process.start()
    try:
        assert ours.poll(DEADLINE), "no answer from the child"
        return ours.recv()
    finally:
        process.kill()
        process.join()


def taken(queue: InMemoryMessageQueue, *, ack: bool = True) -> tuple[str, int]:
    """The id and the attempt of the next message."""
    delivery = queue.receive(timeout=DEADLINE)
    assert delivery is not None and (not ack or queue.ack(delivery))
    return delivery.id, delivery.attempt


@pytest.mark.parametrize("runtime", [default_runtime, ThreadRuntime], ids=["default", "own"])
def test_delays_and_leases_end_in_the_child(runtime: Callable[[], ThreadRuntime]) -> None:
    """Those begun before the fork, and those begun after it; and in the parent as well."""
    queue = InMemoryMessageQueue(visibility_timeout=0.5, runtime=runtime())
    queue.send(Message(id="delayed"), delay=0.6)
    queue.send(Message(id="leased"))
    queue.receive(0)

    def call() -> list[tuple[str, int]]:
        early = [taken(queue), taken(queue)]
        other = InMemoryMessageQueue(visibility_timeout=0.1, runtime=queue.runtime)
        other.send(Message(id="late"), delay=0.1)
        return [*early, taken(other, ack=False), taken(other)]

    expected = [("leased", 2), ("delayed", 1), ("late", 1), ("late", 2)]
    assert in_child(call) == expected
    assert call() == expected


def test_a_lock_that_another_thread_holds_is_free_in_the_child() -> None:
    """The thread that held it, and one that waited for a message, are not there."""
    runtime, held, go = ThreadRuntime(), threading.Event(), threading.Event()
    queue = InMemoryMessageQueue(runtime=runtime)
    waiting = runtime.spawn(lambda: queue.receive(timeout=DEADLINE))

    def select(message: Message) -> bool:
        held.set()
        return not go.wait(DEADLINE)

    other = InMemoryMessageQueue(runtime=runtime)
    other.send(Message(id="dead"))
    delivery = other.receive(0)
    assert delivery is not None and other.nack(delivery, requeue=False)
    holder = runtime.spawn(lambda: other.redrive(select))
    assert held.wait(DEADLINE)
    while not queue._receivers:
        runtime.sleep(0.001)

    def call() -> tuple[int, tuple[str, int]]:
        heard: list[tuple[str, int]] = []
        receiver = runtime.spawn(lambda: heard.append(taken(queue)))
        while not queue._receivers > 1:  # it waits beside the one that stayed in the parent
            runtime.sleep(0.001)
        queue.send(Message(id="m"))
        receiver.join(DEADLINE)
        return other.redrive(), heard[0]

    assert in_child(call) == (1, ("m", 1))
    go.set()
    holder.join(DEADLINE)
    queue.send(Message())
    waiting.join(DEADLINE)


def test_a_fork_beside_busy_workers_copies_whole_queues() -> None:
    """The books of the child balance, whenever the fork comes; so do those of the parent."""
    runtime, trace = ThreadRuntime(), Trace()
    queue = InMemoryMessageQueue(runtime=runtime, trace=trace)
    processor = MessageProcessor(queue)
    processor.register_processor("default", lambda message: True)
    processor.start_workers(2)
    for number in range(1, 11):
        for _ in range(200):
            queue.send(Message(id="m"))
        accepted, running = in_child(lambda: (trace.balance().accepted, processor.running))
        assert accepted == 200 * number and running is False
    processor.stop_workers()
    trace.balance()


def test_a_timer_that_forks_is_served_once_in_the_child() -> None:
    """Its thread is the child's only one, and a new one takes over."""
    runtime, heard = ThreadRuntime(), threading.Event()
    answers: list[Any] = []

    def call() -> int:
        rung = threading.Semaphore(0)
        for _ in range(3):
            runtime.call_at(runtime.now + 0.01, rung.release)
        return sum(rung.acquire(timeout=DEADLINE) for _ in range(3))

    def fork() -> None:
        answers.append(in_child(call))
        heard.set()

    runtime.call_at(runtime.now, fork)
    assert heard.wait(2 * DEADLINE) and answers == [3]


def test_a_sender_that_waits_in_the_parent_takes_no_turn_in_the_child() -> None:
    """There its thread is gone: the room goes to those that are there, also for the same key."""
    runtime = ThreadRuntime()
    queue = DeduplicatingQueue(1, on_full="block", runtime=runtime)
    assert queue.send(Message(id="first"))
    blocked = runtime.spawn(lambda: queue.send(Message(id="second"), timeout=DEADLINE))
    deadline = runtime.now + DEADLINE
    while not queue._senders and runtime.now < deadline:
        runtime.sleep(0.001)

    def call() -> tuple[str, bool, bool]:
        first = taken(queue)[0]
        sent = queue.send(Message(id="second"), timeout=DEADLINE)
        return first, sent, queue.send(Message(id="third"), timeout=0)

    assert in_child(call) == ("first", True, False)
    assert taken(queue)[0] == "first"
    blocked.join(DEADLINE)
    assert taken(queue)[0] == "second"
