"""A trace that is frozen or balanced while its queues go on, as they do on threads."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator

import pytest

from mqlearn import (
    InMemoryMessageQueue,
    Message,
    MessageProcessor,
    Simulation,
    ThreadRuntime,
    Trace,
    UnbalancedBooks,
)
from mqlearn.runtime.trace import Listener, Record
from mqlearn.study.run import Run


class Busy:
    """A queue to which something is sent while it is counted: twice, then there is calm."""

    def __init__(self, name: str) -> None:
        self.name, self.sent, self.moves = name, 0, 2

    def listen(self, listener: Listener, *, existing: bool = False) -> None:
        assert existing
        self.listener = listener

    def census(self) -> dict[str, int]:
        counted = {"waiting": self.sent}
        if self.moves:
            self.moves -= 1
            self.sent += 1
            self.listener(
                Record(0.0, "sent", self.name, self.sent, f"m{self.sent}", "NORMAL", 1, "", 0, None)
            )
        return counted


def test_books_are_closed_at_one_moment() -> None:
    """The census is of the same moment as the records, though queues move between the two."""
    trace, queues = Trace(), [Busy("a"), Busy("b")]
    for queue in queues:
        trace.watch(queue, lambda close: None)
    trace.freeze()
    assert trace.balance().waiting == len(trace.records) == sum(queue.sent for queue in queues) == 4


def test_a_queue_that_opens_after_the_books_were_closed_is_not_in_them() -> None:
    """Its messages change nothing of what was observed."""
    runtime, trace = ThreadRuntime(), Trace()
    InMemoryMessageQueue(runtime=runtime, trace=trace, name="orders").send(Message("default"))
    trace.freeze()
    late = InMemoryMessageQueue(runtime=runtime, trace=trace, name="late")
    late.send(Message("default"))
    assert late.size() == 1 and trace.balance().waiting == len(trace.records) == 1


def test_an_empty_trace_can_be_frozen() -> None:
    """There is nothing to count."""
    trace = Trace()
    trace.freeze()
    assert trace.records == [] and trace.balance().accepted == 0


def test_what_is_noted_by_hand_is_a_record_like_any_other() -> None:
    """It has the id, priority, attempt and receipt of its delivery; an unknown field is refused."""
    trace = Trace()
    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim)
        queue.send(Message(id="order-1"))
        trace.note(1.0, "started", "orders", delivery=queue.receive(timeout=0), worker="w")
    trace.note(2.0, "effect", worker="w", detail="order-1")
    assert trace.records == [
        (1.0, "started", "orders", 0, "order-1", "NORMAL", 1, "w", 1, None),
        (2.0, "effect", "", 0, "", "", 0, "w", 0, "order-1"),
    ]
    with pytest.raises(TypeError, match="sender"):
        trace.note(3.0, "effect", sender="w")
    with pytest.raises(ValueError, match=r"event must be one of .*, got 'charged'"):
        trace.note(3.0, "charged")
    assert len(trace.records) == 2


class Contended:
    """The lock of a queue that another thread gets first, each time."""

    def __init__(self, queue: InMemoryMessageQueue, first: Callable[[], object]) -> None:
        self._lock, self._first = queue._lock, first

    def __enter__(self) -> bool:
        self._first()
        return self._lock.__enter__()

    def __exit__(self, *left_by: object) -> None:
        self._lock.release()


def contended(trace: Trace) -> tuple[InMemoryMessageQueue, InMemoryMessageQueue]:
    """Two queues of a trace: one more message goes through both while each of them is counted."""
    runtime = ThreadRuntime()
    queues = [InMemoryMessageQueue(runtime=runtime, trace=trace, name=name) for name in "ab"]

    def others() -> None:
        for queue in queues:
            queue.send(Message(id="m"))
            queue.send(Message(id="m"))
            delivery = queue.receive(0)
            assert delivery is not None and queue.ack(delivery)
            queue.receive(0)
            queue.send(Message(id="gone"), delay=60)
            queue.purge()

    for queue in queues:
        trace._locks[queue.name] = Contended(queue, others)
    return queues[0], queues[1]


def test_books_balance_while_other_threads_work() -> None:
    """Both queues are read at the instant when the second of them is locked."""
    trace = Trace()
    contended(trace)
    for number in range(1, 4):
        books = trace.balance()
        assert (books.accepted, books.completed, books.in_flight) == (
            12 * number,
            4 * number,
            4 * number,
        )
        assert (books.purged, books.waiting) == (4 * number, 0)
    assert Run.of(trace).totals == {"sent": 48, "done": 16, "dead": 0}


def test_a_lost_entry_is_found_while_other_threads_work() -> None:
    """The count of a queue's own places still has to agree."""
    trace = Trace()
    first, _ = contended(trace)
    trace.balance()
    first._in_flight.popitem()
    with pytest.raises(UnbalancedBooks, match="a holds 3 entries in flight, its records say 4"):
        trace.balance()


def test_a_trace_is_frozen_at_one_instant_while_other_threads_work() -> None:
    """Its records end where its last queue was counted."""
    trace = Trace()
    contended(trace)
    trace.balance()
    trace.freeze()
    books, frozen = trace.balance(), len(trace.records)
    assert (books.accepted, books.in_flight) == (24, 8)
    assert (trace.balance(), len(trace.records)) == (books, frozen)


def test_sound_books_of_live_workers_are_never_accused() -> None:
    """Three workers pass on ten thousand messages, on threads that change very often."""
    runtime, trace = ThreadRuntime(), Trace()
    queues = [InMemoryMessageQueue(runtime=runtime, trace=trace, name=name) for name in "abc"]
    processors = [MessageProcessor(queue) for queue in queues]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)
    passed_on = itertools.count()
    try:
        for number, processor in enumerate(processors):
            there = queues[(number + 1) % 3]
            processor.register_processor(
                "default",
                lambda message, there=there: (
                    next(passed_on) >= 10_000 or there.send(Message(id="m"))
                ),
            )
            processor.start_workers(1)
            for _ in range(5):
                queues[number].send(Message(id="m"))
        while trace.balance().accepted < 10_015:
            assert trace.balance("b").accepted >= 5
        trace.freeze()
        assert trace.balance().accepted == 10_015
    finally:
        sys.setswitchinterval(interval)
        for processor in processors:
            processor.stop_workers()


class Counted(list[Record]):
    """Records that know how often they were read."""

    read = 0

    def __iter__(self) -> Iterator[Record]:
        for record in super().__iter__():
            self.read += 1
            yield record


def test_a_balance_reads_each_record_once_however_many_queues_there_are() -> None:
    """Two hundred queues of three records each."""
    with Simulation() as sim:
        trace = Trace()
        for number in range(200):
            queue = InMemoryMessageQueue(runtime=sim, trace=trace, name=f"q{number}")
            queue.send(Message(id="m"))
            delivery = queue.receive(0)
            assert delivery is not None and queue.ack(delivery)
        trace.records = records = Counted(trace.records)
        assert trace.balance().completed == 200
        assert records.read == 600


def test_a_queue_that_refuses_to_be_watched_is_not_in_the_books() -> None:
    """What its `listen` raises comes out; the trace is as it was."""

    class Refuses(Busy):
        def listen(self, listener: Listener, *, existing: bool = False) -> None:
            raise ZeroDivisionError

    trace = Trace()
    with pytest.raises(ZeroDivisionError):
        trace.watch(Refuses("a"), lambda close: None)
    trace.watch(Busy("a"), lambda close: None)
    trace.freeze()
    assert trace.balance().waiting == 2
