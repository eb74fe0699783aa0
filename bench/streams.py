"""The cost of a log: against a plain list with a lock, and up to a million events."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from typing import Any

from bench.measure import Prepared, interleaved, kept, table
from mqlearn import EventStream, ReplicatedLog, Simulation, StreamEvent


class PlainLog:
    """A list, a lock and an offset for each group: no partitions, no copies, nothing checked,
    nothing forgotten.
    """

    def __init__(self) -> None:
        self.events: list[StreamEvent] = []
        self.offsets: dict[str, int] = {}
        self.lock = threading.Lock()

    def append(self, event: StreamEvent) -> bool:
        """Keep it at the end."""
        with self.lock:
            self.events.append(event)
        return True

    def read(self, group: str) -> Iterator[StreamEvent]:
        """Events that the group has not read."""
        at = self.offsets.get(group, 0)
        while True:
            with self.lock:
                if at == len(self.events):
                    return
                event = self.events[at]
            yield event
            at += 1
            self.offsets[group] = at


def made(count: int) -> list[StreamEvent]:
    """Events of a thousand customers."""
    return [
        StreamEvent("orders", event_id=f"e-{i}", partition_key=f"customer-{i % 1000}")
        for i in range(count)
    ]


def filled(kind: type[Any], count: int) -> Any:
    """A log of this kind, with so many events."""
    log = kind("orders") if kind is EventStream else kind()
    for event in made(count):
        log.append(event)
    return log


def appends(kind: type[Any], count: int) -> Prepared:
    """Append so many events that are there already."""

    def prepare() -> Any:
        log, events = filled(kind, 0), made(count)
        return lambda: [log.append(event) for event in events]

    return prepare


def reads(log: Any) -> Prepared:
    """Read all as a group that has read nothing."""
    groups = itertools.count()

    def prepare() -> Any:
        group = f"g{next(groups)}"
        return lambda: sum(1 for _ in log.read(group))

    return prepare


def against_a_list(count: int = 20_000, repeats: int = 9) -> list[str]:
    """Append, and read by a group, as ratios to a list with a lock: 1.0 is as fast."""
    kinds = {"": EventStream, ", list": PlainLog}
    taken = interleaved(
        {f"append{name}": appends(kind, count) for name, kind in kinds.items()}
        | {f"read{name}": reads(filled(kind, count)) for name, kind in kinds.items()},
        repeats,
    )
    rows: list[tuple[Any, ...]] = [("against a list with a lock", "ratio", "events a second")]
    rows += [
        (label, f"{taken[name] / taken[f'{name}, list']:.1f}x", f"{count / taken[name]:,.0f}")
        for name, label in (
            ("append", "append, keyed, four partitions"),
            ("read", "read by a group, committed"),
        )
    ]
    return [f"event stream, {count:,} events", *table(*rows)]


def numbered(count: int, producer: str) -> Prepared:
    """Append so many values to a log on three brokers, each with a number if there is a producer.

    No follower fetches meanwhile: this is the leader's work.
    """

    def prepare() -> Any:
        log = ReplicatedLog("orders", fetch_every=3600.0)
        values = [f"e-{i}" for i in range(count)]
        if producer:
            return lambda: [
                log.append(value, acks=1, producer=producer, sequence=number)
                for number, value in enumerate(values, 1)
            ]
        return lambda: [log.append(value, acks=1) for value in values]

    return prepare


def committed(count: int) -> Prepared:
    """Append so many values with acks "all", by forty tasks, and let the followers fetch them."""

    def prepare() -> Any:
        sim = Simulation()
        log = ReplicatedLog("orders", min_insync_replicas=2, runtime=sim)

        def till(number: int) -> None:
            for value in range(number, count, 40):
                log.append(value)

        for number in range(40):
            sim.spawn(till, number)
        return sim.run

    return prepare


def on_three_brokers(count: int = 20_000, repeats: int = 9) -> list[str]:
    """Append to a replicated log, as a ratio to an append to an event stream."""
    kinds = {
        "append, acks 1": numbered(count, ""),
        "append, acks 1, with a number": numbered(count, "till"),
        "append, acks all, forty tasks, simulated": committed(count),
    }
    taken = interleaved({"stream": appends(EventStream, count)} | kinds, repeats)
    rows: list[tuple[Any, ...]] = [("against an event stream's append", "ratio", "µs")]
    rows += [
        (name, f"{taken[name] / taken['stream']:.1f}x", f"{taken[name] / count * 1e6:.1f}")
        for name in kinds
    ]
    return [f"replicated log, {count:,} values", *table(*rows)]


def growth(sizes: tuple[int, ...] = (10_000, 100_000, 1_000_000), repeats: int = 3) -> list[str]:
    """Bytes that a log keeps for an event, its id and key included, and microseconds to append and
    read one.
    """
    logs = {size: filled(EventStream, size) for size in sizes}
    ways: dict[str, Callable[[int], Prepared]] = {
        "append": lambda size: appends(EventStream, size),
        "read": lambda size: reads(logs[size]),
        "history": lambda size: lambda: lambda: sum(1 for _ in logs[size].history()),
    }
    taken = interleaved(
        {f"{name} {size}": way(size) for name, way in ways.items() for size in sizes}, repeats
    )
    rows: list[tuple[Any, ...]] = [
        ("events", "bytes an event", "append, µs", "read, µs", "history, µs")
    ]
    for size in sizes:
        memory = kept(filled, EventStream, min(size, 100_000)) / min(size, 100_000)
        rows.append(
            (
                f"{size:,}",
                f"{memory:.0f}",
                *(f"{taken[f'{name} {size}'] / size * 1e6:.2f}" for name in ways),
            )
        )
    return [
        "event streams, of ever greater length",
        *table(*rows),
        "  Flat is what they should be; a log that does not fit into the processor's cache "
        "costs a little more.",
    ]
