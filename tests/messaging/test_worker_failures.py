"""What is outside the guard around handlers: a queue, a trace, a table of handlers, a stop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from mqlearn import (
    BatchMessageProcessor,
    CircuitBreakerMessageProcessor,
    IdempotentHandler,
    InMemoryMessageQueue,
    Message,
    MessageProcessor,
    MessageQueue,
    MonitoredMessageProcessor,
    Outcome,
    Reject,
    Simulation,
    ThreadRuntime,
    Trace,
    by_schema_version,
)
from mqlearn.study.faults import Faults


class BrokenLink(InMemoryMessageQueue):
    """A queue that fails once when it is told the end of a try."""

    broken = ""

    def settle(self, delivery: Message, outcome: Outcome) -> bool:
        self.fail("settle")
        return super().settle(delivery, outcome)

    def release(self, delivery: Message | str, *, delay: float = 0.0) -> bool:
        self.fail("release")
        return super().release(delivery, delay=delay)

    def receive_many(self, n: int, timeout: float | None = None) -> list[Message]:
        self.fail("receive_many")
        return super().receive_many(n, timeout)

    def fail(self, call: str) -> None:
        if self.broken == call:
            self.broken = ""
            raise OSError("no connection")


def test_a_queue_that_fails_to_settle_leaves_the_message_to_its_lease() -> None:
    """The worker goes on with the next message, and `run()` raises the queue's error."""
    with Simulation() as sim:
        queue = BrokenLink(runtime=sim, visibility_timeout=10)
        processor, handled = MessageProcessor(queue), []
        processor.register_processor("default", lambda m: handled.append((sim.now, m.id)))
        queue.send(Message(id="first"))
        queue.send(Message(id="next"))
        queue.broken = "settle"
        processor.start_workers(1)
        with pytest.raises(OSError, match="no connection"):
            sim.run()
        assert handled == [(0.0, "first"), (0.0, "next"), (10.0, "first")]
        assert processor.counts == {"processed": 2, "failed": 0, "retried": 0}


@pytest.mark.parametrize("broken", ["release", "receive_many"])
def test_what_a_worker_holds_goes_back_though_its_queue_fails(broken: str) -> None:
    """No lease returns these: all but the one whose release has failed wait again after the
    stop.
    """
    with Simulation() as sim:
        queue = BrokenLink(runtime=sim, visibility_timeout=None)
        processor = MessageProcessor(queue, prefetch=4)
        processor.register_processor("default", lambda message: sim.sleep(1))
        for name in "abcd":
            queue.send(Message(id=name))
        queue.broken = broken
        processor.start_workers(1)
        sim.spawn(lambda: sim.sleep(0.5) or processor.stop_workers())
        with pytest.raises(OSError, match="no connection"):
            sim.run()
        left = (queue.size(), queue.get_in_flight_count(), processor.counts["processed"])
        assert left == ((4, 0, 0) if broken == "receive_many" else (2, 1, 1))


class OddMessages(InMemoryMessageQueue):
    """A queue whose messages are not what a message is."""

    def receive(self, *args: Any, **options: Any) -> Message | None:
        message = super().receive(*args, **options)
        if message is not None and message.id == "bad":
            message.headers = self.headers
        return message

    headers: Any = None


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"type": ["bad"]}, "unroutable: no handler for type ['bad']"),
        ({"type": None}, "unroutable: no handler for type None"),
        ({"type": "x" * 500}, f"unroutable: no handler for type '{'x' * 199}…"),
    ],
)
def test_a_type_that_no_handler_can_have_is_unroutable(headers: Any, reason: str) -> None:
    """It is rejected as any unknown type, whatever it is; the reason is short."""
    with Simulation() as sim:
        queue = OddMessages(runtime=sim)
        queue.headers = headers
        processor = MessageProcessor(queue)
        queue.send(Message(id="bad"))
        processor.start_workers(1)
        sim.run()
        letter = queue.get_dead_letter_messages()[0]
        assert letter.headers["dead_letter_reason"] == reason


def test_a_trace_that_fails_stops_no_worker() -> None:
    """What it cannot record is reported by `run()`; every message is handled and settled."""

    def full(record: Any) -> None:
        if record.event == "started":
            raise OSError("disk full")

    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim, trace=Trace())
        assert queue.trace is not None
        queue.trace.record = full
        processor = MessageProcessor(queue)
        processor.register_processor("default", lambda message: None)
        for name in "ab":
            queue.send(Message(id=name))
        processor.start_workers(1)
        with pytest.raises(OSError, match="disk full"):
            sim.run()
        assert processor.counts == {"processed": 2, "failed": 0, "retried": 0}


async def coroutine_function(*_: Any) -> None:
    """Does nothing when it is called."""


def generator_function(*_: Any) -> Any:
    """Does nothing when it is called."""
    yield


async def async_generator_function(*_: Any) -> Any:
    """Does nothing when it is called."""
    yield


class CoroutineMaker:
    """An object whose call makes a coroutine."""

    async def __call__(self, *_: Any) -> None: ...


ENTRIES: dict[str, Callable[[Any, MessageQueue], object]] = {
    "register_processor": lambda fn, queue: MessageProcessor(queue).register_processor("x", fn),
    "a monitored one": lambda fn, queue: MonitoredMessageProcessor(queue).register_processor(
        "x", fn
    ),
    "start_batch_processing": lambda fn, queue: BatchMessageProcessor(queue).start_batch_processing(
        fn
    ),
    "on_failure": lambda fn, queue: BatchMessageProcessor(queue, on_failure=fn),
    "IdempotentHandler": lambda fn, queue: IdempotentHandler(fn, queue, key=lambda m: m.id),
    "its key": lambda fn, queue: IdempotentHandler(print, queue, key=fn),
    "by_schema_version": lambda fn, queue: by_schema_version({"1": fn}),
    "process_with_circuit_breaker": lambda fn, queue: CircuitBreakerMessageProcessor(
        queue
    ).process_with_circuit_breaker(fn),
    "Faults.handler": lambda fn, queue: Faults().handler(fn, queue.runtime),
    "its seconds": lambda fn, queue: Faults().handler(print, queue.runtime, seconds=fn),
}


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize(
    "useless",
    [
        coroutine_function,
        generator_function,
        async_generator_function,
        partial(coroutine_function, 1),
        CoroutineMaker(),
        Reject,
        ValueError,
        IdempotentHandler,
    ],
)
def test_what_can_never_handle_is_refused_where_it_is_handed_in(entry: str, useless: Any) -> None:
    """The error says what to hand in instead."""
    with Simulation() as sim, pytest.raises(TypeError, match=r"must be a plain function.*hand in"):
        ENTRIES[entry](useless, InMemoryMessageQueue(runtime=sim))


@pytest.mark.filterwarnings("ignore:Exception in thread")
def test_a_stop_raises_what_a_worker_died_of_once_and_after_all_have_ended() -> None:
    """One worker is interrupted while the other works for ten seconds: the stop waits for that one,
    and the next stop raises nothing.
    """
    runtime = ThreadRuntime()
    queue, go, begun = InMemoryMessageQueue(runtime=runtime), threading.Event(), threading.Event()
    processor = MessageProcessor(queue)

    def handler(message: Message) -> None:
        if message.id == "bad":
            raise KeyboardInterrupt
        begun.set()
        assert go.wait(10)

    processor.register_processor("default", handler)
    queue.send(Message(id="good"))
    processor.start_workers(2)
    assert begun.wait(10)
    queue.send(Message(id="bad"))
    while all(worker.is_alive() for worker in processor.workers):
        begun.wait(0.01)
    with pytest.raises(TimeoutError, match=r"still working after 0\.05 s: worker-"):
        processor.stop_workers(timeout=0.05)
    go.set()
    with pytest.raises(KeyboardInterrupt):
        processor.stop_workers(timeout=10)
    assert processor.counts["processed"] == 1
    processor.stop_workers()


def test_an_interrupt_on_threads_gives_back_what_the_worker_holds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without leases nothing else could: neither the message in hand nor those prefetched are
    lost, and the interrupt comes out of the stop.
    """
    monkeypatch.setattr(threading, "excepthook", lambda args: None)  # it is shown at once
    queue = InMemoryMessageQueue(runtime=ThreadRuntime(), visibility_timeout=None)
    processor = MessageProcessor(queue, prefetch=5)
    called = threading.Event()

    def handle(message: Message) -> None:
        called.set()
        raise KeyboardInterrupt

    processor.register_processor("default", handle)
    for number in range(5):
        queue.send(Message(id=f"order-{number}"))
    processor.start_workers(1)
    assert called.wait(10.0)
    with pytest.raises(KeyboardInterrupt):
        processor.stop_workers()
    assert queue.census() == {"waiting": 5, "delayed": 0, "in flight": 0, "dead": 0}
