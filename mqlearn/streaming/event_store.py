"""Event sourcing for orders: their events are stored, and their state is computed from them."""

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
    """Raised where a decision rests on an old version of an order: the caller had seen `expected`,
    and the order is at `actual`.
    """

    def __init__(self, order_id: str, expected: int, actual: int) -> None:
        super().__init__(
            f"expected_version of {order_id} must be {actual}, got {expected}: read "
            "it again, and decide"
        )
        self.order_id, self.expected, self.actual = order_id, expected, actual


def evolve_order(order: Order, event: StreamEvent) -> Order:
    """Return the order after `event`, as a new dict. An event has happened, so none is refused; and
    events are folded again and again, so there is no effect on other systems.
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
    """Stores the events of orders. An order's state is a fold over its events, the same however
    often it is asked for.

    It appends to `stream` (its own, in memory, if none is given), keyed by order, and reads without
    a group, so that reading changes nothing. The *version* of an order is the number of its events.
    With `expected_version`, an append is refused unless the order is still at that version: a
    caller that decided on an old state learns it here. Without, the version is not checked.

    `upcast` turns an old event into one of the newest version, on reading. With `snapshot_every`,
    the state is stored after that many events of an order, again and again, so that a question
    folds only the events after the last snapshot; `folded` counts the events folded so far. A
    snapshot is a cache of one fold, so a changed `evolve` needs a new store on the stream.

    Raises ValueError for a `stream` with a retention, which would lose a part of each state.
    Source: Martin Fowler, Event Sourcing (2005); KurrentDB (expected revision, counted from 0).
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
        # the next offset of each partition that is not in `_orders` yet
        self._indexed_to = [0] * self.stream.partition_count
        self._orders: dict[str, list[StreamEvent]] = defaultdict(list)
        self._snapshots: dict[str, list[tuple[int, Order]]] = defaultdict(list)

    # Commands: each appends one event.

    def create_order(
        self,
        order_id: str,
        customer_id: str,
        items: list[dict[str, Any]],
        *,
        expected_version: int | None = None,
    ) -> int:
        """Record a new order; returns the order's version. Raises WrongExpectedVersion."""
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
        """Record a new `status`; returns the order's version. Raises WrongExpectedVersion."""
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
        """Record a payment of `amount` (negative: paid back); returns the order's version. Raises
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
        # under the stream's lock, so that no other append comes between the check and this one
        with self.stream.changed:
            version = self.version(order_id)
            if expected_version is not None and expected_version != version:
                raise WrongExpectedVersion(order_id, expected_version, version)
            self.stream.append(event)
            # taken at once, while the fold up to here is short: it goes on from the last snapshot
            if self.snapshot_every and (version + 1) % self.snapshot_every == 0:
                self._snapshots[order_id].append((version + 1, self.rebuild_order_state(order_id)))
            return version + 1

    # Questions: the answers are computed from the events.

    def version(self, order_id: str) -> int:
        """Return the number of events of this order; 0 if it is unknown."""
        return len(self._events_of(order_id))

    def get_order_history(self, order_id: str, until: float | None = None) -> list[StreamEvent]:
        """Return all events of an order, oldest first, in their newest version; with `until` (s),
        those up to that time.
        """
        return [self._newest_version(event) for event in self._events_of(order_id, until)]

    def rebuild_order_state(self, order_id: str, until: float | None = None) -> Order:
        """Return the order, folded from its events up to now or to the time `until` (s); {} if it
        had none.
        """
        events = self._events_of(order_id, until)
        version, order = self._snapshot(order_id, events)
        for event in events[version:]:
            order = self.evolve(order, self._newest_version(event))
            self.folded += 1
        return copy.deepcopy(order)

    def _snapshot(self, order_id: str, events: list[StreamEvent]) -> tuple[int, Order]:
        """Return the last snapshot that covers only these events, as its version and the order.

        An event that was recorded late, with an old `timestamp`, may be in a snapshot and not among
        the events up to a time.
        """
        history = self._orders.get(order_id, [])
        for version, order in reversed(self._snapshots.get(order_id, [])):
            if version <= len(events) and events[version - 1] is history[version - 1]:
                return version, order
        return 0, {}

    def _newest_version(self, event: StreamEvent) -> StreamEvent:
        return event if self.upcast is None else self.upcast(event)

    def _events_of(self, order_id: str, until: float | None = None) -> list[StreamEvent]:
        """Return the order's events as they were written. First add what is new in its partition to
        `_orders`.
        """
        _check_id(order_id)
        check.number("until", until, optional=True)
        partition = partition_for(order_id, self.stream.partition_count)
        with self.stream.changed:
            if (new := self.stream.end(partition) - self._indexed_to[partition]) > 0:
                for event in self.stream.fetch(partition, self._indexed_to[partition], new):
                    self._orders[event.key].append(event)
                self._indexed_to[partition] += new
            events = self._orders.get(order_id, [])
            return [event for event in events if until is None or (event.timestamp or 0.0) <= until]


def _check_id(order_id: str) -> None:
    check.instance("order_id", order_id, str)
    if not order_id:
        raise ValueError(f"order_id must not be empty, got {order_id!r}")
