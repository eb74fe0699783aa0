"""An assignor that is handed in fails: its group goes on by range, and the failure is seen."""

from __future__ import annotations

import sys
from collections import Counter, UserDict
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mqlearn import Consumer, EventStream, Simulation, StreamEvent, ThreadRuntime
from mqlearn.streaming.assignment import check_complete, range_assignment
from tests.streaming.test_groups import Shop, listen

BY_RANGE = {"a": [0, 1], "b": [2, 3]}


class Unreadable(UserDict[str, list[int]]):
    """A mapping that cannot be read."""

    def __iter__(self) -> Any:
        raise OSError("no such mapping")


def endless() -> Any:
    """An answer without an end."""
    while True:
        yield 0


ANSWERS: dict[str, Callable[..., Any]] = {
    "raises": lambda *_: 1 / 0,
    "ends the interpreter": lambda *_: sys.exit(3),
    "none": lambda *_: None,
    "a generator": lambda *_: (each for each in BY_RANGE),
    "pairs": lambda *_: list(BY_RANGE.items()),
    "a forgotten partition": lambda *_: {"a": [0, 1], "b": [2]},
    "a partition twice": lambda *_: {"a": [0, 1], "b": [1, 2, 3]},
    "a forgotten member": lambda *_: {"a": [0, 1, 2, 3]},
    "keys of two types": lambda *_: {"a": [0, 1], 5: [2, 3]},
    "values that cannot be hashed": lambda *_: {"a": [0, 1], "b": [[2], {3}]},
    "texts": lambda *_: {"a": "01", "b": "23"},
    "floats": lambda *_: {"a": [0.0, 1.0], "b": [2.0, 3.0]},
    "booleans": lambda *_: {"a": [False, True], "b": [2, 3]},
    "numbers": lambda *_: {"a": 0, "b": 1},
    "unreadable": lambda *_: Unreadable(BY_RANGE),
    "endless": lambda *_: {"a": endless(), "b": [2, 3]},
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_assignor_that_fails_once_is_replaced_by_range_this_once(name: str) -> None:
    """All forty events are read by the two members, the failure surfaces from `run()`, and the next
    generation asks the assignor again.
    """
    asked = []

    def assignor(members: list[str], partitions: int, previous: Any) -> Any:
        asked.append(list(members))
        if len(asked) == 1:
            return ANSWERS[name](members, partitions, previous)
        return range_assignment(members, partitions)

    with Simulation() as sim:
        shop = Shop(sim, assignment=assignor)
        shop.fill()
        a, b = shop.member("a"), shop.member("b")
        a.join()
        b.join()
        listen(shop, a)
        listen(shop, b)
        with pytest.raises(BaseException) as failed:  # noqa: PT011 - each of them another
            sim.run(until=10)
        assert not isinstance(failed.value, AssertionError)
        assert shop.group.assignment == BY_RANGE and shop.group.generation == 1
        assert sum(shop.stream.lag("mail").values()) == 0
        a.close()
        sim.run(until=20)
        assert shop.group.assignment == {"b": [0, 1, 2, 3]} and asked == [["a", "b"], ["b"]]


def test_an_assignors_odd_numbers_become_integers_and_its_object_stays_its_own() -> None:
    """Arrays, sets, ranges and iterators of numpy's integers; what it later does to its answer, or
    to what it was given, changes nothing.
    """
    answer = {"a": np.array([3, 0]), "b": {np.int64(1)}, "c": iter([np.int32(2)])}
    owners = check_complete(answer, ["a", "b", "c"], 4)  # type: ignore[arg-type]
    assert owners == {"a": [3, 0], "b": [1], "c": [2]}
    assert {type(p) for has in owners.values() for p in has} == {int}
    kept: list[Any] = []

    def assignor(members: list[str], partitions: int, previous: Any) -> Any:
        members.append("x")
        previous.clear()
        kept.append({"a": [0, 1, 2, 3]})
        return kept[-1]

    with Simulation() as sim:
        shop = Shop(sim, assignment=assignor)
        a = shop.member("a")
        a.poll(timeout=0)
        kept[0]["a"].clear()
        assert shop.group.assignment == {"a": [0, 1, 2, 3]} == shop.group._last_assignment


def test_an_assignor_that_lets_members_leave_or_join_is_asked_again() -> None:
    """The assignment that counts is the one for the members there are."""
    with Simulation() as sim:
        asked = []

        def assignor(members: list[str], partitions: int, previous: Any) -> Any:
            asked.append(list(members))
            if members == ["a", "b"]:
                shop.group.leave("b")
            return range_assignment(members, partitions)

        shop = Shop(sim, assignment=assignor)
        a, b = shop.member("a"), shop.member("b")
        a.join()
        b.join()
        b.poll(timeout=0)
        a.poll(timeout=0)
        assert asked == [["a", "b"], ["a"]] and shop.group.assignment == {"a": [0, 1, 2, 3]}


def test_an_assignor_that_is_interrupted_is_asked_again_at_the_next_poll() -> None:
    """KeyboardInterrupt reaches the cell, and the group has not stopped for good."""
    tries = []

    def assignor(members: list[str], partitions: int, previous: Any) -> Any:
        tries.append(members)
        if len(tries) == 1:
            raise KeyboardInterrupt
        return range_assignment(members, partitions)

    stream = EventStream("orders", 2, runtime=ThreadRuntime())
    stream.group("mail", assignment=assignor)
    with Consumer(stream, "mail", name="a") as consumer:
        with pytest.raises(KeyboardInterrupt):
            consumer.poll(timeout=0)
        assert consumer.poll(timeout=0) == [] and consumer.position == {0: 0, 1: 0}


def test_an_assignors_failure_on_threads_is_raised_by_join() -> None:
    """The task whose poll asked it reads on by range, and its `join()` says what failed."""
    runtime = ThreadRuntime()
    stream = EventStream("orders", 2, runtime=runtime)
    stream.group("mail", assignment=lambda *_: {})
    for number in range(6):
        stream.append(StreamEvent("order", partition_key=f"{number}"))
    seen: list[StreamEvent] = []

    def work() -> None:
        with Consumer(stream, "mail") as consumer:
            seen.extend(consumer.poll(timeout=5))

    task = runtime.spawn(work)
    with pytest.raises(ValueError, match="must name the members"):
        task.join(10)
    assert len(seen) == 6


def test_derived_ids_never_meet_a_given_name() -> None:
    """Consumers "a", "a", "a.2", "a", "a.3" are five members; each of forty events is read once."""
    with Simulation() as sim:
        shop = Shop(sim)
        shop.fill()
        members = [shop.member(name) for name in ("a", "a", "a.2", "a", "a.3")]
        for member in members:
            member.join()
        assert [m.member for m in members] == ["a", "a.2", "a.2.2", "a.3", "a.3.2"]
        for member in members:
            listen(shop, member)
        sim.run(until=5)
        read = Counter((r.detail, r.entry) for r in shop.trace.records if r.event == "read")
        assert len(read) == 40 and set(read.values()) == {1}
