"""Event sourcing for orders: their events are stored, and their state is computed from them."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.handed_in import readable
from mqlearn.runtime.trace import Trace
from mqlearn.streaming.event import StreamEvent, copy_data
from mqlearn.streaming.partitioner import partition_for
from mqlearn.streaming.result import check_answer
from mqlearn.streaming.stream import EventStream

Order = dict[str, Any]
Evolve = Callable[[Order, StreamEvent], Order]


class WrongExpectedVersion(RuntimeError):
    """Raised when a decision is based on an old version of an order: the caller had read version
    `expected`, and the order is now at version `actual`.
    """

    def __init__(self, order_id: str, expected: int, actual: int) -> None:
        super().__init__(order_id, expected, actual)
        self.order_id, self.expected, self.actual = order_id, expected, actual

    def __str__(self) -> str:
        return (
            f"expected_version of {readable(self.order_id)} must be {self.actual}, got "
            f"{self.expected}: read it again, and decide"
        )


def evolve_order(order: Order, event: StreamEvent) -> Order:
    """Return the order after `event`, as a new dict. It refuses no event, since events have already
    happened. It has no effect on other systems, since the same events are folded many times.
    """
    check.instance("order", order, dict)
    check.instance("event", event, StreamEvent)
    data = event.data
    if event.event_type == "order_created":
        return {**order, **copy_data(data)}
    if event.event_type == "order_status_updated":
        return order | {"status": data["status"]}
    if event.event_type == "payment_added":
        payment = {"method": data["payment_method"], "amount": data["amount"]}
        return order | {"payments": [*order.get("payments", []), payment]}
    return order


class OrderEventStore:
    """Stores the events of orders. An order's state is computed by a fold over its events: `evolve`
    is applied to one after the other. The result is the same each time.

    It appends to `stream` (its own, in memory, if none is given), keyed by order, and reads without
    a group, so that reading changes nothing. The *version* of an order is the number of its events.
    With `expected_version`, an append is refused unless the order is still at that version: a
    caller that decided on an old state gets an error. Without, the version is not checked.

    `upcast` converts an old event to the newest version when it is read. With `snapshot_every`, the
    state is stored each time an order has so many new events, and a question folds only the events
    after the last snapshot; `folded` counts the events folded so far. A snapshot is the cached
    result of one `evolve`, so a changed `evolve` needs a new store on the same stream.

    `evolve` and `upcast` get copies of the events, and so do callers. If one of the two fails, its
    exception reaches the caller.

    Raises ValueError for a `stream` with a retention, which would lose a part of the states, or one
    that was compacted; from now on the stream refuses to be.
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
        snapshot_every = check.whole("snapshot_every", snapshot_every, low=1, optional=True)
        if stream is not None and (stream.retention_seconds or stream.retention_events):
            raise ValueError(
                f"stream must keep every event, got {check.short_repr(stream.name)} with a "
                "retention"
            )
        if stream is not None and any(len(log) < log.end for log in stream.partitions):
            raise ValueError(
                f"stream must have every event, got {check.short_repr(stream.name)}, which was "
                "compacted"
            )
        self.stream = (
            EventStream("orders", runtime=runtime, trace=trace) if stream is None else stream
        )
        self.stream.keep_every_event("an event store")
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
        """Record a new order; return the order's version. Raises WrongExpectedVersion."""
        check.instance("customer_id", customer_id, str)
        check.instance("items", items, list)
        return self.record(
            order_id,
            "order_created",
            {"customer_id": customer_id, "items": items, "status": "pending"},
            expected_version=expected_version,
        )

    def update_order_status(
        self, order_id: str, status: str, *, expected_version: int | None = None
    ) -> int:
        """Record a new `status`; return the order's version. Raises WrongExpectedVersion."""
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
        """Record a payment of `amount` (negative: paid back); return the order's version. Raises
        WrongExpectedVersion.
        """
        check.instance("payment_method", payment_method, str)
        amount = check.number("amount", amount)
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
        """Append one event of any type, which happened at `timestamp` (s; None: now); return the
        order's version.

        Raises WrongExpectedVersion if the order is not at `expected_version`, and what `evolve`
        raises when a snapshot is due, both before anything is appended.
        """
        _check_id(order_id)
        check.instance("event_type", event_type, str)
        check.instance("data", data, dict)
        expected_version = check.whole("expected_version", expected_version, optional=True)
        timestamp = check.number("timestamp", timestamp, optional=True)
        event = StreamEvent(
            "orders",
            event_type=event_type,
            # a copy: what the caller does to its data later must not change the past
            data={"order_id": order_id, **copy_data(data)},
            timestamp=self.stream.runtime.now if timestamp is None else timestamp,
            partition_key=order_id,
        )
        # under the stream's lock, so that no other append comes between the check and this one
        with self.stream.changed:
            version = self.version(order_id)
            if expected_version is not None and expected_version != version:
                raise WrongExpectedVersion(order_id, expected_version, version)
            due = self.snapshot_every and (version + 1) % self.snapshot_every == 0
            # folded before the append: if `evolve` raises, nothing is stored, and the caller may
            # record the event again
            order = self._fold(self._state(order_id), self._as_appended(event)) if due else {}
            if not self.stream.append(event):
                raise RuntimeError(
                    f"the stream {check.short_repr(self.stream.name)} refused an event of "
                    f"{check.short_repr(order_id)}"
                )
            if due:
                self._snapshots[order_id].append((version + 1, copy.deepcopy(order)))
            return version + 1

    def _as_appended(self, event: StreamEvent) -> StreamEvent:
        """Return the event with the place and time that it will get: `evolve` may use them."""
        coming = event.copy()
        coming.partition = partition_for(event.key, self.stream.partition_count)
        coming.sequence_number = self.stream.end(coming.partition)
        coming.appended_at = self.stream.runtime.now
        return coming

    # Questions: the answers are computed from the events.

    def version(self, order_id: str) -> int:
        """Return the number of events of this order; 0 if it is unknown."""
        return len(self._events_of(order_id))

    def get_order_history(self, order_id: str, until: float | None = None) -> list[StreamEvent]:
        """Return all events of an order, oldest first, converted to the newest version; with
        `until` (s), only those up to that time.
        """
        # copies: what a reader does to them changes nothing here
        return [self._newest_version(event) for event in self._events_of(order_id, until)]

    def rebuild_order_state(self, order_id: str, until: float | None = None) -> Order:
        """Return the order, folded from its events up to now, or up to the time `until` (s); {} if
        there are none.
        """
        # a copy, since `evolve` may return an object that it keeps
        return copy.deepcopy(self._state(order_id, until))

    def _state(self, order_id: str, until: float | None = None) -> Order:
        events = self._events_of(order_id, until)
        version, order = self._snapshot(order_id, events)
        order = copy.deepcopy(order)  # the snapshot's, which `evolve` may change in place
        for event in events[version:]:
            order = self._fold(order, event)
        return order

    def _fold(self, order: Order, event: StreamEvent) -> Order:
        """Return the order after one more event. Raises TypeError if `evolve` returns no dict."""
        after = self.evolve(order, self._newest_version(event))
        check_answer("evolve", after, dict)
        self.folded += 1
        return after

    def _snapshot(self, order_id: str, events: list[StreamEvent]) -> tuple[int, Order]:
        """Return (version, order) of the last snapshot that was folded from only these events; (0,
        {}) if there is none.

        That is not always the last one made: `events` may end earlier, and may lack an event that a
        snapshot contains. Events are stored in the order of recording, and one recorded late can
        have an older `timestamp` than those before it.
        """
        history = self._orders.get(order_id, [])
        for version, order in reversed(self._snapshots.get(order_id, [])):
            # the same last event at the same place: then all events before it are the same too,
            # since both lists have the stream's order
            if version <= len(events) and events[version - 1] is history[version - 1]:
                return version, order
        return 0, {}

    def _newest_version(self, event: StreamEvent) -> StreamEvent:
        # a copy: a fold that puts its data into the order would change the past when it changes the
        # order
        event = event.private_copy()
        if self.upcast is not None:
            event = self.upcast(event)
            check_answer("upcast", event, StreamEvent)
        return event

    def _events_of(self, order_id: str, until: float | None = None) -> list[StreamEvent]:
        """Return the order's events as they were written. Before that, the new events of its
        partition are added to `_orders`.
        """
        _check_id(order_id)
        until = check.number("until", until, optional=True)
        partition = partition_for(order_id, self.stream.partition_count)
        with self.stream.changed:
            if (new := self.stream.end(partition) - self._indexed_to[partition]) > 0:
                for event in self.stream.fetch(partition, self._indexed_to[partition], new):
                    # an index by order, or each question would have to read the whole partition
                    self._orders[event.key].append(event)
                self._indexed_to[partition] += new
            events = self._orders.get(order_id, [])
            return [event for event in events if until is None or (event.timestamp or 0.0) <= until]


def _check_id(order_id: str) -> None:
    check.instance("order_id", order_id, str)
    if not order_id:
        raise ValueError(f"order_id must not be empty, got {check.short_repr(order_id)}")
