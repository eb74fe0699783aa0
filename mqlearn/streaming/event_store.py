"""Orders as what happened to them: the events are kept, and the state is computed from them."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.trace import Trace
from mqlearn.streaming.event import StreamEvent
from mqlearn.streaming.partitioner import partition_for
from mqlearn.streaming.stream import EventStream

Order = dict[str, Any]
Evolve = Callable[[Order, StreamEvent], Order]


class WrongExpectedVersion(RuntimeError):
    """Somebody decided on an order as it no longer is: it is at version `actual`, they had seen
    `expected`.
    """

    def __init__(self, order_id: str, expected: int, actual: int) -> None:
        super().__init__(
            f"expected_version of {order_id} must be {actual}, got {expected}: read "
            "it again, and decide"
        )
        self.order_id, self.expected, self.actual = order_id, expected, actual


def evolve_order(order: Order, event: StreamEvent) -> Order:
    """The order after `event`, as a new dict: what happened decides, nothing is refused, nobody is
    mailed.
    """
    check.instance("order", order, dict)
    check.instance("event", event, StreamEvent)
    data = event.data
    if event.event_type == "order_created":
        return order | copy.deepcopy(data)
    if event.event_type == "order_status_updated":
        return order | {"status": data["status"]}
    if event.event_type == "payment_added":
        payment = {"method": data["payment_method"], "amount": data["amount"]}
        return order | {"payments": [*order.get("payments", []), payment]}
    return order


class OrderEventStore:
    """An order's history is the truth; its state is a fold over it, the same however often it is
    asked for.

    It appends to `stream` (its own, in memory, if none is given), keyed by order, and reads without
    any group, so a question disturbs nobody. The *version* of an order is the number of its events.
    With `expected_version`, an append is refused unless the order is still at that version: whoever
    decided on what is no longer so finds out. Without, it is not checked.

    `upcast` makes today's event of an old one, on reading. With `snapshot_every`, the state is kept
    after each that many events of an order, and a question folds only what came later; `folded`
    counts the events folded so far. A snapshot is a cache, and belongs to one fold: whoever changes
    `evolve` opens a new store on the stream.

    Raises ValueError for a `stream` with a retention: what forgets is not the truth. Source: Martin
    Fowler, Event Sourcing (2005); KurrentDB (expected revision, which counts from 0).
    """

    def __init__(
        self,
        stream: EventStream | None = None,
        *,
        evolve: Evolve = evolve_order,
        upcast: Callable[[StreamEvent], StreamEvent] | None = None,
        snapshot_every: int | None = None,
        runtime: Runtime | None = None,
        trace: Trace | None = None,
    ) -> None:
        check.instance("stream", stream, EventStream, optional=True)
        check.function("evolve", evolve)
        check.function("upcast", upcast, optional=True)
        check.whole("snapshot_every", snapshot_every, low=1, optional=True)
        if stream is not None and (stream.retention_seconds or stream.retention_events):
            raise ValueError(f"stream must keep every event, got {stream!r} with a retention")
        self.stream = (
            EventStream("orders", runtime=runtime, trace=trace) if stream is None else stream
        )
        self.evolve, self.upcast, self.snapshot_every = evolve, upcast, snapshot_every
        self.folded = 0
        # how far each partition is sorted into `_orders`
        self._read = [0] * self.stream.partition_count
        self._orders: dict[str, list[StreamEvent]] = defaultdict(list)
        self._snapshots: dict[str, list[tuple[int, Order]]] = defaultdict(list)

    # What happened.

    def create_order(
        self,
        order_id: str,
        customer_id: str,
        items: list[dict[str, Any]],
        *,
        expected_version: int | None = None,
    ) -> int:
        """A customer ordered; returns the order's version after it. Raises WrongExpectedVersion."""
        check.instance("customer_id", customer_id, str)
        check.instance("items", items, list)
        return self.record(
            order_id,
            "order_created",
            {"customer_id": customer_id, "items": copy.deepcopy(items), "status": "pending"},
            expected_version=expected_version,
        )

    def update_order_status(
        self, order_id: str, status: str, *, expected_version: int | None = None
    ) -> int:
        """The order is now in `status`; returns its version. Raises WrongExpectedVersion."""
        check.instance("status", status, str)
        return self.record(
            order_id, "order_status_updated", {"status": status}, expected_version=expected_version
        )

    def add_payment(
        self,
        order_id: str,
        payment_method: str,
        amount: float,
        *,
        expected_version: int | None = None,
    ) -> int:
        """An `amount` was paid (negative: paid back); returns the order's version. Raises
        WrongExpectedVersion.
        """
        check.instance("payment_method", payment_method, str)
        check.number("amount", amount)
        return self.record(
            order_id,
            "payment_added",
            {"payment_method": payment_method, "amount": amount},
            expected_version=expected_version,
        )

    def record(
        self,
        order_id: str,
        event_type: str,
        data: dict[str, Any],
        *,
        expected_version: int | None = None,
        timestamp: float | None = None,
    ) -> int:
        """Append one event of any type, which happened at `timestamp` (s; None: now); returns the
        order's version.

        Raises WrongExpectedVersion, before anything is appended, if the order is not at
        `expected_version`.
        """
        _check_id(order_id)
        check.instance("event_type", event_type, str)
        check.instance("data", data, dict)
        check.whole("expected_version", expected_version, optional=True)
        event = StreamEvent(
            "orders",
            event_type=event_type,
            data={"order_id": order_id, **data},
            timestamp=timestamp,
            partition_key=order_id,
        )
        # between looking at the version and appending, nobody else appends
        with self.stream.changed:
            version = self.version(order_id)
            if expected_version is not None and expected_version != version:
                raise WrongExpectedVersion(order_id, expected_version, version)
            self.stream.append(event)
            if self.snapshot_every and (version + 1) % self.snapshot_every == 0:
                self._snapshots[order_id].append((version + 1, self.rebuild_order_state(order_id)))
            return version + 1

    # What follows from it.

    def version(self, order_id: str) -> int:
        """How many events there are of this order; 0 if it is unknown."""
        return len(self._history(order_id))

    def get_order_history(self, order_id: str, until: float | None = None) -> list[StreamEvent]:
        """All events of an order, oldest first, as today's code knows them; with `until` (s), those
        up to that time.
        """
        return [self._today(event) for event in self._history(order_id, until)]

    def rebuild_order_state(self, order_id: str, until: float | None = None) -> Order:
        """The order as its events make it, now or at the time `until` (s); {} if nothing had
        happened to it.
        """
        events = self._history(order_id, until)
        version, order = self._snapshot(order_id, events)
        for event in events[version:]:
            order = self.evolve(order, self._today(event))
            self.folded += 1
        return copy.deepcopy(order)

    def _snapshot(self, order_id: str, events: list[StreamEvent]) -> tuple[int, Order]:
        """The last snapshot of what these events begin with. One that was recorded late may be
        missing among them.
        """
        history = self._orders.get(order_id, [])
        for version, order in reversed(self._snapshots.get(order_id, [])):
            if version <= len(events) and events[version - 1] is history[version - 1]:
                return version, order
        return 0, {}

    def _today(self, event: StreamEvent) -> StreamEvent:
        return event if self.upcast is None else self.upcast(event)

    def _history(self, order_id: str, until: float | None = None) -> list[StreamEvent]:
        """The order's events as they were written, after sorting in what is new in its
        partition.
        """
        _check_id(order_id)
        check.number("until", until, optional=True)
        partition = partition_for(order_id, self.stream.partition_count)
        with self.stream.changed:
            if (new := self.stream.end(partition) - self._read[partition]) > 0:
                for event in self.stream.fetch(partition, self._read[partition], new):
                    self._orders[event.key].append(event)
                self._read[partition] += new
            events = self._orders.get(order_id, [])
            return [event for event in events if until is None or (event.timestamp or 0.0) <= until]


def _check_id(order_id: str) -> None:
    check.instance("order_id", order_id, str)
    if not order_id:
        raise ValueError(f"order_id must not be empty, got {order_id!r}")
