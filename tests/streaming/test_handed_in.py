"""Code that is handed in to a stream or a group fails: the rebalance and the readers go on, nothing
is lost, and the failure is seen.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from typing import Any

import numpy as np
import pytest

from mqlearn import Consumer, EventStream, Simulation, StreamEvent, ThreadRuntime, WorkerCrash
from tests.streaming.test_groups import Shop, listen


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
