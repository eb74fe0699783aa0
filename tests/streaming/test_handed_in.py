"""Code that is handed in to a stream or a group fails: the rebalance and the readers go on, nothing
is lost, and the failure is seen.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections import Counter, UserDict
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mqlearn import Consumer, EventStream, Simulation, StreamEvent, ThreadRuntime, WorkerCrash
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


@pytest.mark.parametrize("wrong", [ValueError("no"), SystemExit(2), WorkerCrash("x")])
def test_a_hook_that_fails_is_passed_over(
    wrong: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    """Both hooks fail at every rebalance: all events are read once all the same, and the logger
    names each hook once.
    """
    with Simulation() as sim:
        shop = Shop(sim)

        def on_revoked(partitions: list[int]) -> None:
            raise wrong

        def on_assigned(partitions: list[int]) -> None:
            raise wrong

        hooks: Any = {"on_revoked": on_revoked, "on_assigned": on_assigned}
        a, b = shop.member("a", **hooks), shop.member("b")
        listen(shop, a)
        sim.run(until=1)
        listen(shop, b)
        shop.fill()
        sim.run(until=2)
        b.close()
        shop.fill()
        sim.run(until=3)
        assert shop.group.assignment == {"a": [0, 1, 2, 3]}
        assert sum(shop.group.committed.values()) == 80
        read = Counter((r.detail, r.entry) for r in shop.trace.records if r.event == "read")
        assert len(read) == 80 and set(read.values()) == {1}
    assert [r.levelno for r in caplog.records] == [logging.ERROR] * 2
    assert all("on_revoked" in r.message or "on_assigned" in r.message for r in caplog.records)


def test_a_hook_commits_what_was_read_before_the_partitions_are_given_up() -> None:
    """What the first member has read is not read again by the second."""
    with Simulation() as sim:
        shop = Shop(sim)
        shop.fill()
        a = shop.member("a", on_revoked=lambda partitions: a.commit())
        b = shop.member("b")
        assert len(a.poll(timeout=0)) == 40
        b.join()
        a.poll(timeout=0)
        assert sum(shop.group.committed.values()) == 40
        assert b.poll(timeout=0) == [] and sorted(b.position) == [2, 3]


def test_a_hook_may_close_the_consumer_and_must_not_poll() -> None:
    """A nested poll is a failure of the hook; after a close the poll returns no events, and the
    others get the partitions.
    """
    with Simulation() as sim:
        shop = Shop(sim)
        shop.fill()
        polled: list[Any] = []

        def nested(partitions: list[int]) -> None:
            try:
                a.poll(timeout=0)
            except RuntimeError as error:
                polled.append(str(error))

        a = shop.member("a", on_assigned=nested, on_revoked=lambda _: a.close())
        b = shop.member("b")
        assert len(a.poll(timeout=0)) == 40
        assert polled == ["poll() must not be called by a hook of the same consumer"]
        b.join()
        assert a.poll(timeout=0) == [] and a.closed
        assert len(b.poll(timeout=0)) == 40 and sorted(b.position) == [0, 1, 2, 3]


def test_a_listener_that_fails_stops_neither_the_append_nor_the_reader(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The append returns True, another listener hears everything, and the waiting reader gets the
    event at once.
    """
    with Simulation() as sim:
        shop = Shop(sim)
        heard: list[str] = []

        def broken(record: Any) -> None:
            raise KeyError(record.event)

        shop.stream.listen(broken)
        shop.stream.listen(lambda record: heard.append(record.event))
        a = shop.member("a")
        got: list[Any] = []
        sim.spawn(lambda: got.append(([e.event_id for e in a.poll()], sim.now)))
        sim.call_at(2, lambda: shop.fill(1))
        sim.run(until=5)
        assert got == [(["e0"], 2)] and heard == ["joined", "assigned", "appended", "read"]
    assert [r.levelno for r in caplog.records] == [logging.ERROR]


def test_a_listener_that_is_interrupted_leaves_no_reader_asleep() -> None:
    """KeyboardInterrupt reaches the caller of `append`; the event is kept, and a thread that waits
    for it reads it.
    """
    runtime = ThreadRuntime()
    stream = EventStream("orders", 1, runtime=runtime)
    consumer, read = Consumer(stream, "mail"), threading.Event()

    def work() -> None:
        if consumer.poll():
            read.set()

    def interrupted(record: Any) -> None:
        if record.event == "appended":
            raise KeyboardInterrupt

    consumer.poll(timeout=0)
    stream.listen(interrupted)
    task = runtime.spawn(work)
    with pytest.raises(KeyboardInterrupt):
        stream.append(StreamEvent("order"))
    assert read.wait(10) and stream.end(0) == 1
    task.join(10)
    consumer.close()


def test_a_question_that_fails_in_poll_has_read_nothing() -> None:
    """`cancelled` raises, or its answer has no truth value: the next poll returns the event."""
    with Simulation() as sim:
        shop = Shop(sim)
        shop.fill(1)
        a = shop.member("a")
        for wrong, kind in ((lambda: 1 / 0, ZeroDivisionError), (lambda: np.zeros(2), ValueError)):
            with pytest.raises(kind):
                a.poll(cancelled=wrong)  # type: ignore[arg-type]
        assert [e.event_id for e in a.poll(timeout=0)] == ["e0"]


def test_an_interrupted_poll_has_read_nothing() -> None:
    """The interrupt comes while the events are recorded as read; the next poll returns them all."""
    stream = EventStream("orders", 1, runtime=ThreadRuntime())
    for number in range(3):
        stream.append(StreamEvent("order", event_id=f"e{number}"))
    armed = [True]

    def interrupt_once(record: Any) -> None:
        if record.event == "read" and record.entry == 1 and armed.pop():
            raise KeyboardInterrupt

    stream.listen(interrupt_once)
    with Consumer(stream, "mail") as consumer:
        with pytest.raises(KeyboardInterrupt):
            consumer.poll(timeout=0)
        consumer.commit()
        armed.append(False)
        assert [e.event_id for e in consumer.poll(timeout=0)] == ["e0", "e1", "e2"]


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


def test_a_loop_over_a_consumer_ends_when_it_is_closed() -> None:
    """It polls one event at a time, so that a commit in the loop covers the events so far; `with`
    leaves the group.
    """
    with Simulation() as sim:
        shop = Shop(sim)
        shop.fill(3)
        seen: list[Any] = []

        def work() -> None:
            with shop.member("a") as consumer:
                sim.call_at(9, consumer.close)
                for event in consumer:
                    seen.append((event.event_id, sim.now))
                    consumer.commit()
                    if len(seen) == 5:
                        break
            assert consumer.closed and shop.group.members == {}

        sim.spawn(work)
        sim.call_at(5, lambda: shop.fill(1))
        sim.run(until=20)
        assert Counter(time for _, time in seen) == {0: 3, 5: 1}
        assert sum(shop.group.committed.values()) == 4
        shop.fill(2)
        with shop.member("b") as b:
            for _ in b:
                break
            assert not b.closed
        assert b.closed and shop.group.members == {} and list(b) == []


def test_a_consumer_that_is_evicted_for_its_hook_joins_again() -> None:
    """A hook takes longer than the session and no heartbeat is sent: the member finds out, and
    reads on.
    """
    with Simulation() as sim:
        shop = Shop(sim)
        shop.fill()
        waits = [60.0]
        a = shop.member("a", on_assigned=lambda _: a.stall(waits.pop()) if waits else None)
        sim.spawn(lambda: (a.poll(timeout=0), a.poll(timeout=1), a.commit()), name="a")
        sim.run(until=100)
        assert [e for _, e, *_ in shop.told("joined", "evicted")] == ["joined", "evicted", "joined"]
        assert sum(shop.group.committed.values()) == 40


def test_a_died_consumer_sends_no_heartbeat_after_a_stall() -> None:
    """It dies while it stands still: the group finds out when its session ends."""
    with Simulation() as sim:
        shop = Shop(sim)
        a = shop.member("a")
        a.poll(timeout=0)
        sim.spawn(a.stall, 5.0)
        sim.call_at(1, a.die)
        sim.run(until=60)
        assert shop.told("evicted") == [(45, "evicted", "a", "session timeout")]
