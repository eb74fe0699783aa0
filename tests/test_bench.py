"""Every measurement of `make bench` runs, at a tiny size: what it prints is not looked at here but
for its shape.
"""

from __future__ import annotations

import inspect
import re
from functools import partial

import pytest

from bench import __main__, brokers, labs, queues, scaling, simulations, streams
from bench.measure import interleaved, kept, table
from bench.rivals import HeapQueue, ReceiptQueue
from mqlearn import Message, MessagePriority
from mqlearn.units import scenarios

TINY = [
    partial(queues.against_a_heap, 20, 1),
    partial(queues.prices, 20, 1),
    partial(queues.growth, (5, 20), 1),
    partial(simulations.against_simulators, 20, 1),
    partial(simulations.growth, (5, 20), 1),
    partial(scaling.overhead, 20, 1),
    partial(labs.answers, 1, ("FailingWork",)),
    partial(brokers.fan_out, 3, 2, 1),
    partial(streams.against_a_list, 20, 1),
    partial(streams.on_three_brokers, 80, 1),
    partial(streams.growth, (5, 20), 1),
]


@pytest.mark.parametrize(
    "section", TINY, ids=lambda section: f"{section.func.__module__}.{section.func.__name__}"
)
def test_a_section_prints_a_table_of_numbers(section: partial[list[str]]) -> None:
    """A title, and under it at least one row that ends in a number."""
    title, *rows = section()
    assert ":" in title or "," in title
    assert [row for row in rows if re.search(r"\d(x|\.\d+)?$", row)]


def test_every_section_is_tried() -> None:
    """No measurement is left out of the test above, nor of `make bench`."""
    assert {section.func for section in TINY} == set(__main__.SECTIONS)


@pytest.mark.parametrize("name", scenarios())
def test_the_slider_that_is_moved_takes_all_its_values(name: str) -> None:
    """Each is a setting of its own, and not refused."""
    kind = scenarios()[name]
    field, values = labs.slider(kind)
    assert len({kind(**{field: value}) for value in values}) == 4


def test_every_lab_is_measured() -> None:
    """All of them, where nothing else is asked for."""
    assert inspect.signature(labs.answers).parameters["names"].default == tuple(scenarios())


@pytest.mark.parametrize("kind", [HeapQueue, ReceiptQueue])
def test_the_rival_works(kind: type[HeapQueue]) -> None:
    """What ours is measured against is a queue: it delivers, refuses, expires and forgets, and
    serves LOW first.
    """
    queue = kind(2)
    urgent, late = (
        Message(id="a", priority=MessagePriority.CRITICAL),
        Message(id="b", priority=MessagePriority.LOW),
    )
    assert queue.receive(timeout=0) is None
    assert queue.send(urgent) and queue.send(late) and not queue.send(Message())
    assert queue.receive() is late and queue.ack(late) and not queue.ack(late)
    urgent.ttl = -1.0
    assert queue.receive(timeout=0) is None and queue.dead == [urgent]


def test_medians_are_taken_in_turns() -> None:
    """Each call is prepared and made once a round, in the order given."""
    seen: list[str] = []
    calls = {name: lambda name=name: partial(seen.append, name) for name in "ab"}
    taken = interleaved(calls, 3)
    assert seen == list("ababab") and all(seconds >= 0 for seconds in taken.values())


def test_memory_is_that_of_what_is_kept() -> None:
    """A thousand small objects are counted, what was thrown away is not."""
    assert 50_000 < kept(lambda: [bytearray(50) for _ in range(1000)]) < 200_000
    assert kept(lambda: len([bytearray(50) for _ in range(1000)])) < 5_000


def test_columns_are_aligned() -> None:
    """Words to the left, numbers to the right."""
    assert table(("a", 1), ("bcd", 100)) == ["  a      1", "  bcd  100"]
