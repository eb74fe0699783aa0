"""The cost of a queue: against a plain heap, promise by promise, and up to a million messages."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from typing import Any

from bench.measure import Prepared, interleaved, kept, rounds, table
from bench.rivals import HeapQueue, ReceiptQueue
from mqlearn import InMemoryMessageQueue, Message, MessageQueue, Trace
from mqlearn.runtime.trace import pack_record
from mqlearn.study.faults import Faults

ROOM = 10**8


class Unchecked(Message):
    """A message whose fields are not checked."""

    def validate(self) -> None:
        """Check nothing."""


class Uncopied(Message):
    """A message that is passed on as it is, at sending and at delivery."""

    def copy(self) -> Message:
        """Return the message itself."""
        return self


def heap() -> HeapQueue:
    """The plain queue that ours is measured against."""
    return HeapQueue(ROOM)


def plain() -> InMemoryMessageQueue:
    """The queue as it comes, without a trace."""
    return InMemoryMessageQueue(ROOM)


def traced() -> InMemoryMessageQueue:
    """The queue with its trace recorded."""
    return InMemoryMessageQueue(ROOM, trace=Trace())


def unleased() -> InMemoryMessageQueue:
    """The queue without leases."""
    return InMemoryMessageQueue(ROOM, visibility_timeout=None)


def linked() -> MessageQueue:
    """The queue behind the link of faults that never happen."""
    return Faults().link(plain())


def filled(make: Callable[[], Any], count: int, kind: type[Message] = Message) -> Prepared:
    """Send all, then receive and ack each."""

    def prepare() -> Callable[[], None]:
        queue, messages = make(), [kind(id=f"m-{i}") for i in range(count)]

        def call() -> None:
            for message in messages:
                queue.send(message)
            for _ in messages:
                queue.ack(queue.receive())

        return call

    return prepare


def singly(make: Callable[[], Any], count: int, kind: type[Message] = Message) -> Prepared:
    """Send, receive and ack one after the other, so that the queue is never longer than one."""

    def prepare() -> Callable[[], None]:
        queue, messages = make(), [kind(id=f"m-{i}") for i in range(count)]

        def call() -> None:
            for message in messages:
                queue.send(message)
                queue.ack(queue.receive())

        return call

    return prepare


def records(make: Callable[[Any], Any], count: int) -> Prepared:
    """Make the three records of each message: sent, received, acked."""

    def prepare() -> Callable[[], None]:
        def call() -> None:
            for i in range(count):
                for event in ("sent", "received", "acked"):
                    make((0.0, event, "queue", i, "m-1", "NORMAL", 1, "worker-0", i, None))

        return call

    return prepare


def against_a_heap(count: int = 10_000, repeats: int = 9) -> list[str]:
    """Send + receive + ack as ratios: 1.00 is as fast as the heap queue, more is faster."""
    rows: list[tuple[Any, ...]] = [("", "one waits", f"{count:,} wait")]
    found = [
        interleaved(
            {
                "heap": way(heap, count),
                "plain": way(plain, count),
                "traced": way(traced, count),
                "unleased": way(unleased, count),
                "bare": way(unleased, count, Bare),
            },
            repeats,
        )
        for way in (singly, filled)
    ]
    for name, label in [
        ("plain", "as it comes"),
        ("traced", "with its trace recorded"),
        ("unleased", "without leases"),
        ("bare", "without leases, copies and checks"),
    ]:
        rows.append((label, *(f"{taken['heap'] / taken[name]:.2f}x" for taken in found)))
    rows.append(
        ("the heap queue, µs a message", *(f"{taken['heap'] / count * 1e6:.2f}" for taken in found))
    )
    return [
        "queue: send + receive + ack against a heap queue (1.00x: as fast)",
        *table(*rows),
        "  The heap queue has no leases, receipts, copies, checks or retries of a crashed "
        "worker's message; with",
        "  equal time stamps it forgets the order, and it serves the lowest priority first.",
    ]


class Bare(Unchecked, Uncopied):
    """Neither checked nor copied."""


def prices(count: int = 5_000, repeats: int = 21) -> list[str]:
    """The price of each promise in µs per message: the difference made by leaving it out, or by
    adding it.
    """
    taken = rounds(
        {
            "plain": filled(plain, count),
            "unleased": filled(unleased, count),
            "traced": filled(traced, count),
            "linked": filled(linked, count),
            "unchecked": filled(plain, count, Unchecked),
            "uncopied": filled(plain, count, Uncopied),
            "heap": filled(heap, count),
            "receipts": filled(lambda: ReceiptQueue(ROOM), count),
            "records": records(pack_record, count),
            "tuples": records(tuple, count),
        },
        repeats,
    )

    def price(dear: str, cheap: str) -> str:
        # Within each round, since the speed of the machine changes between rounds.
        difference = median(a - b for a, b in zip(taken[dear], taken[cheap], strict=True))
        return f"{difference / count * 1e6:.2f}"

    return [
        "queue: what each promise costs, µs a message",
        *table(
            ("send + receive + ack, all in all", f"{median(taken['plain']) / count * 1e6:.2f}"),
            ("of that, the lease (left out)", price("plain", "unleased")),
            ("of that, two copies (left out)", price("plain", "uncopied")),
            ("of that, the check at send (left out)", price("plain", "unchecked")),
            ("of that, the receipt (added to the heap queue)", price("receipts", "heap")),
            ("beside it, the trace: three records", price("traced", "plain")),
            ("of that, their names (against bare tuples)", price("records", "tuples")),
            ("beside it, the link of faults", price("linked", "plain")),
        ),
    ]


def growth(
    sizes: tuple[int, ...] = (1_000, 10_000, 100_000, 1_000_000), repeats: int = 5
) -> list[str]:
    """Time and memory per message while more and more of them wait: both should be flat."""
    rows: list[tuple[Any, ...]] = [
        ("waiting", "µs", "µs, traced", "µs, heap", "bytes", "bytes, traced")
    ]
    for size in sizes:
        turns = repeats if size < 100_000 else 1  # long enough to be its own average
        taken = interleaved(
            {
                "plain": filled(plain, size),
                "heap": filled(heap, size),
                "traced": filled(traced, size),
            },
            turns,
        )
        rows.append(
            (
                f"{size:,}",
                *(f"{taken[name] / size * 1e6:.2f}" for name in ("plain", "traced", "heap")),
                *(f"{kept(sent, make, size) / size:,.0f}" for make in (plain, traced)),
            )
        )
    return [
        "queue: time and memory a message, send + receive + ack with so many waiting",
        *table(*rows),
        "  Bytes are those of a message that waits, and traced those of its first record with it.",
    ]


def sent(make: Callable[[], Any], count: int) -> Any:
    """A queue with so many messages waiting, which nothing else refers to."""
    queue = make()
    for i in range(count):
        queue.send(Message(id=f"m-{i}"))
    return queue
