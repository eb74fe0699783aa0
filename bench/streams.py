"""What a log costs: against a plain list with a lock, and up to a million events."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

from bench.measure import Prepared, interleaved, kept, table
from mqlearn import EventStream, StreamEvent


class PlainLog:
    """A list, a lock and an offset for each group: no partitions, no copies, nothing checked, nothing forgotten."""

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
        """What the group has not read."""
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
    return [StreamEvent("orders", event_id=f"e-{i}", partition_key=f"customer-{i % 1000}") for i in range(count)]


def filled(kind: type[Any], count: int) -> Any:
    """A log of this kind, with so many events."""
    log = kind("orders") if kind is EventStream else kind()
    for event in made(count):
        log.append(event)
    return log


def against_a_list(count: int = 20_000, repeats: int = 5) -> list[str]:
    """Append, and read by a group, as ratios to a list with a lock: 1.0 is as fast."""

    def appends(kind: type[Any]) -> Prepared:
        def prepare() -> Any:
            log, events = filled(kind, 0), made(count)
            return lambda: [log.append(event) for event in events]
        return prepare

    def reads(kind: type[Any]) -> Prepared:
        def prepare() -> Any:
            log = filled(kind, count)
            return lambda: sum(1 for _ in log.read("g"))
        return prepare

    taken = interleaved({"append": appends(EventStream), "append, list": appends(PlainLog),
                         "read": reads(EventStream), "read, list": reads(PlainLog)}, repeats)
    rows: list[tuple[Any, ...]] = [("against a list with a lock", "ratio", "events a second")]
    rows += [(label, f"{taken[name] / taken[f'{name}, list']:.1f}x", f"{count / taken[name]:,.0f}")
             for name, label in (("append", "append, keyed, four partitions"), ("read", "read by a group, committed"))]
    return [f"event stream, {count:,} events", *table(*rows)]


def growth(sizes: tuple[int, ...] = (10_000, 100_000, 1_000_000), repeats: int = 1) -> list[str]:
    """Bytes that a log keeps for an event, its id and key included, and microseconds to append and read one."""
    rows: list[tuple[Any, ...]] = [("events", "bytes an event", "append, µs", "read, µs", "history, µs")]
    for size in sizes:
        log = filled(EventStream, 0)

        def fill(log: EventStream = log, size: int = size) -> None:
            for i in range(size):
                log.append(StreamEvent("orders", event_id=f"e-{i}", partition_key=f"customer-{i % 1000}"))

        taken = {"append": interleaved({"append": lambda fill=fill: fill}, 1)["append"]}  # type: ignore[misc]
        taken |= interleaved({
            "read": lambda log=log: lambda: sum(1 for _ in log.read(f"g{len(log.groups)}")),  # type: ignore[misc]
            "history": lambda log=log: lambda: sum(1 for _ in log.history())}, repeats)  # type: ignore[misc]
        memory = kept(filled, EventStream, min(size, 100_000)) / min(size, 100_000)
        rows.append((f"{size:,}", f"{memory:.0f}", *(f"{taken[each] / size * 1e6:.2f}"
                                                     for each in ("append", "read", "history"))))
    return ["event streams, of ever greater length", *table(*rows)]
