"""What real time promises: a clock that never goes back, one timer thread, tasks whose errors are
heard.
"""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Callable

import pytest

from mqlearn import (
    InMemoryMessageQueue,
    Message,
    MessageProcessor,
    Simulation,
    ThreadRuntime,
    WorkerCrash,
)

DEADLINE = 20.0  # seconds: nothing here takes a tenth of it


class Heard:
    """What was said, in order, and somebody who waits for it."""

    def __init__(self) -> None:
        self.words: list[object] = []
        self._changed = threading.Condition()

    def say(self, word: object) -> None:
        with self._changed:
            self.words.append(word)
            self._changed.notify_all()

    def wait_for(self, count: int) -> list[object]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.words) >= count, DEADLINE), (
                f"only {self.words}"
            )
            return list(self.words)


@pytest.fixture
def unhandled(monkeypatch: pytest.MonkeyPatch) -> Heard:
    """What threads die of, as the interpreter would print it."""
    heard = Heard()
    monkeypatch.setattr(threading, "excepthook", lambda args: heard.say(args.exc_value))
    return heard


def test_the_clock_starts_at_the_epoch_and_ignores_whoever_sets_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The system's clock put back by an hour moves neither `now` nor a duration measured with
    it.
    """
    before = time.time()
    runtime = ThreadRuntime()
    assert before - 1 < runtime.now < time.time() + 1
    start = runtime.now
    monkeypatch.setattr(time, "time", lambda: before - 3600)
    assert 0 <= runtime.now - start < 3600
    queue = InMemoryMessageQueue(runtime=runtime)
    queue.send(Message(ttl=1800))
    delivery = queue.receive(0)
    assert delivery is not None and delivery.timestamp is not None and delivery.timestamp >= start


def test_the_timer_thread_starts_with_the_first_timer_and_there_is_one() -> None:
    """A queue without leases and delays needs none; the first delay brings it, the second finds
    it.
    """

    def timers() -> int:
        return sum(thread.name == "mqlearn-timer" for thread in threading.enumerate())

    before = timers()
    runtime = ThreadRuntime()
    queue = InMemoryMessageQueue(visibility_timeout=None, runtime=runtime)
    queue.send(Message())
    queue.receive(0)
    assert timers() == before
    queue.send(Message(), delay=60)
    assert timers() == before + 1
    runtime.call_at(runtime.now + 60, lambda: None)
    assert timers() == before + 1


def test_a_timer_keeps_no_queue_alive() -> None:
    """A queue with a lease and a delay still running is collected like any other object."""
    queue = InMemoryMessageQueue(visibility_timeout=60, runtime=ThreadRuntime())
    queue.send(Message())
    queue.send(Message(), delay=60)
    queue.receive(0)
    gone = weakref.ref(queue)
    del queue
    gc.collect()
    assert gone() is None


def test_timers_ring_in_order_and_one_that_fails_stops_no_other(unhandled: Heard) -> None:
    """An earlier one made later comes first, a past one at once, a cancelled one never."""
    runtime, heard = ThreadRuntime(), Heard()
    base = runtime.now

    def fail() -> None:
        raise ZeroDivisionError

    runtime.call_at(base + 0.06, lambda: heard.say("last"))
    runtime.call_at(base + 0.03, fail)
    runtime.call_at(base + 0.05, lambda: heard.say("never")).cancel()
    runtime.call_at(base + 0.04, lambda: heard.say("second"))
    runtime.call_at(base - 10, lambda: heard.say("past"))
    assert heard.wait_for(3) == ["past", "second", "last"]
    assert isinstance(unhandled.wait_for(1)[0], ZeroDivisionError)


def test_a_lease_ends_at_its_time_with_nobody_looking() -> None:
    """The timer returns the message; no call on the queue is needed."""
    heard = Heard()
    queue = InMemoryMessageQueue(visibility_timeout=0.02, runtime=ThreadRuntime())
    queue.listen(lambda record: heard.say(record.event))
    queue.send(Message())
    queue.receive(0)
    assert heard.wait_for(3) == ["sent", "received", "lease_lost"]


def test_what_a_thread_dies_of_is_printed_at_once_and_raised_by_join(unhandled: Heard) -> None:
    """Nobody has to join it to learn of a bug."""

    def faulty() -> None:
        raise ZeroDivisionError("here")

    task = ThreadRuntime().spawn(faulty, name="faulty")
    assert isinstance(unhandled.wait_for(1)[0], ZeroDivisionError)
    with pytest.raises(ZeroDivisionError, match="here"):
        task.join(DEADLINE)
    assert not task.is_alive() and task.name == "faulty"


def test_a_join_with_a_timeout_leaves_a_thread_alive() -> None:
    """It comes back, and the task may still be joined."""
    go = threading.Event()
    task = ThreadRuntime().spawn(go.wait, DEADLINE)
    task.join(0.001)
    assert task.is_alive()
    go.set()
    task.join(DEADLINE)
    assert not task.is_alive()


def test_a_worker_that_crashes_is_restarted_and_its_message_comes_back() -> None:
    """The lease runs out on the timer thread, the pool restarts the worker, nobody settles in
    between.
    """
    runtime, heard = ThreadRuntime(), Heard()
    queue = InMemoryMessageQueue(visibility_timeout=0.3, runtime=runtime)
    processor = MessageProcessor(queue, restart_after=0.001)

    def handle(message: Message) -> None:
        if message.attempt == 1:
            raise WorkerCrash

    processor.register_processor("default", handle)
    queue.listen(lambda record: heard.say(record.event))
    queue.send(Message())
    processor.start_workers(1)
    assert heard.wait_for(5) == ["sent", "received", "lease_lost", "received", "acked"]
    in_time(runtime, processor.stop_workers)


def test_parked_workers_stop_without_a_timeout() -> None:
    """Eight workers wait for messages that never come; stopping wakes them all."""
    runtime = ThreadRuntime()
    processor = MessageProcessor(InMemoryMessageQueue(runtime=runtime))
    processor.start_workers(8)
    in_time(runtime, processor.stop_workers)
    assert not any(worker.is_alive() for worker in processor.workers)


def in_time(runtime: ThreadRuntime, call: Callable[[], object]) -> None:
    """Make a call that might block for ever, and fail instead."""
    task = runtime.spawn(call)
    task.join(DEADLINE)
    assert not task.is_alive(), "it blocks"


def test_both_clocks_draw_alike() -> None:
    """The number that belongs to a seed, a purpose and a key is one number everywhere, for all
    times.
    """
    with Simulation(7) as sim:
        drawn = sim.draw("fails", "order-1", 0)
    assert ThreadRuntime(7).draw("fails", "order-1", 0) == drawn == 0.33364971448470926
