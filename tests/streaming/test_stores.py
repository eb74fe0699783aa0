"""Folds, takers and stores: code that is handed in and fails has stored nothing, and no caller
changes the past.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from mqlearn import (
    EventStream,
    OrderEventStore,
    OrderTable,
    Outcome,
    Projection,
    Reject,
    Simulation,
    StreamEvent,
)


class Broken(Exception):
    """Raised by code that was handed in."""


@pytest.fixture
def sim() -> Iterator[Simulation]:
    """A simulation, closed after the test."""
    with Simulation() as simulation:
        yield simulation


def coroutine() -> object:
    """Return a coroutine that nothing awaits."""

    async def publish() -> None:
        """Do nothing."""

    return publish()


@pytest.mark.parametrize("answer", [Broken, None, "text"])
def test_a_fold_that_fails_has_stored_nothing(sim: Simulation, answer: Any) -> None:
    """The event may be recorded again, and is then there once."""
    calls: list[int] = []

    def evolve(order: dict[str, Any], event: StreamEvent) -> dict[str, Any]:
        calls.append(1)
        if len(calls) == 2:
            if answer is Broken:
                raise Broken
            return answer  # type: ignore[no-any-return]
        return order | {"events": order.get("events", 0) + 1}

    store = OrderEventStore(runtime=sim, evolve=evolve, snapshot_every=2)
    assert store.record("o", "first", {}) == 1
    with pytest.raises((Broken, TypeError)):
        store.record("o", "second", {})
    assert store.version("o") == 1
    assert store.record("o", "second", {}) == 2
    assert store.rebuild_order_state("o") == {"events": 2}


def test_the_past_is_in_no_caller_s_hands(sim: Simulation) -> None:
    """Neither the data that were recorded nor what was read from the history changes it."""
    store, data = OrderEventStore(runtime=sim), {"lines": [{"sku": "a"}]}
    store.record("o", "order_created", data)
    data["lines"].append({"sku": "b"})
    for event in store.get_order_history("o"):
        event.data["lines"].clear()
        event.event_type = "order_deleted"
    assert store.rebuild_order_state("o")["lines"] == [{"sku": "a"}]
    assert store.get_order_history("o")[0].event_type == "order_created"


def test_a_stream_under_an_event_store_is_not_compacted(sim: Simulation) -> None:
    """The states are computed from all events, so the call is refused and says why."""
    store = OrderEventStore(runtime=sim)
    store.create_order("o", "c", [])
    store.update_order_status("o", "paid")
    with pytest.raises(RuntimeError, match="orders must keep every event: an event store"):
        store.stream.compact()
    assert store.version("o") == 2


@pytest.mark.parametrize("refusal", [False, Outcome("failed"), Reject("full"), coroutine])
def test_what_a_relay_s_taker_refuses_stays_in_the_outbox(refusal: Any) -> None:
    """In its order, with all that came later; the answer is how many were published."""
    with OrderTable() as table:
        for number in range(5):
            table.enqueue(StreamEvent("orders", event_id=f"e{number}"))
        taken: list[str] = []

        def publish(event: StreamEvent) -> object:
            if len(taken) == 2:
                return refusal() if refusal is coroutine else refusal
            return taken.append(event.event_id)

        assert table.relay(publish) == 2
        assert [event.event_id for _, event in table.pending()] == ["e2", "e3", "e4"]
        assert table.relay(lambda event: None) == 3 and table.pending() == []


def test_a_saved_projection_survives_json(sim: Simulation) -> None:
    """It goes on where it was; offsets that are not the stream's are refused at once."""
    stream = EventStream("log", 2, runtime=sim)
    for number in range(6):
        stream.append(StreamEvent("log", partition_key=f"k{number}"))

    def count(state: dict[str, int], event: StreamEvent) -> dict[str, int]:
        return {"n": state.get("n", 0) + 1}

    first = Projection(stream, count)
    first.catch_up()
    stored = json.loads(json.dumps(first.save()))
    second = Projection(stream, count, saved=stored)
    stream.append(StreamEvent("log"))
    assert second.catch_up() == 1 and second.state == {"n": 7}
    for offsets in ({"7": 0}, {"x": 0}, {"0": 99}, {"0": "1"}, [1]):
        with pytest.raises((TypeError, ValueError), match="saved"):
            Projection(stream, count, saved={"state": {}, "offsets": offsets})
