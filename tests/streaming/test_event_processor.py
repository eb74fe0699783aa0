"""The course text's processor, on a group: each event once, whoever dies, whatever fails."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from typing import Any

import pytest

from mqlearn import Simulation, ThreadRuntime, Trace, WorkerCrash
from mqlearn.messaging.retry import RetryPolicy
from mqlearn.streaming.event import StreamEvent
from mqlearn.streaming.processor import EventStreamProcessor
from mqlearn.streaming.stream import EventStream


def filled(
    runtime: Any, count: int = 60, partitions: int = 4, trace: Trace | None = None
) -> EventStream:
    """A stream of `count` events, `e0`, `e1`, …, of twelve keys."""
    stream = EventStream("orders", partitions, runtime=runtime, trace=trace)
    for number in range(count):
        stream.append(
            StreamEvent("order", event_id=f"e{number}", partition_key=f"order-{number % 12}")
        )
    return stream


@pytest.mark.parametrize("workers", [1, 2, 4, 6])
def test_each_event_once_per_group_with_any_number_of_workers(workers: int) -> None:
    """The partitions are divided; workers beyond their number are idle, and nobody is faster than
    four.
    """
    with Simulation() as sim:
        stream = filled(sim)
        seen: dict[str, list[str]] = defaultdict(list)
        busy: set[str] = set()

        def mail(event: StreamEvent) -> None:
            sim.sleep(1)
            task = sim.current_task()
            assert task is not None
            busy.add(task.name)
            seen[event.partition_key].append(event.event_id)

        processor = EventStreamProcessor(stream, "mail")
        processor.add_processor(mail)
        processor.start(workers)
        sim.run()
        assert len(busy) == min(workers, 4)
        assert (sim.now == 60) == (workers == 1) and sim.now <= 60
        assert sum(map(len, seen.values())) == 60
        assert all(seen[key] == sorted(seen[key], key=lambda e: int(e[1:])) for key in seen)
        assert processor.counts == {
            "processed": 60,
            "failed": 0,
            "skipped": 0,
            "parked": 0,
            "fenced": 0,
        }
        processor.stop()


def test_producers_do_not_wait_for_handlers() -> None:
    """No lock is held while a handler works: what is appended meanwhile is appended at once."""
    with Simulation() as sim:
        stream = filled(sim)
        processor = EventStreamProcessor(stream, "mail")
        processor.add_processor(lambda event: sim.sleep(10))
        processor.start(4)
        took = []

        def produce() -> None:
            sim.sleep(5)
            stream.append(StreamEvent("order"))
            took.append(sim.now)

        sim.spawn(produce)
        sim.run(until=6)
        assert took == [5]
        processor.stop()


@pytest.mark.parametrize(("commit", "expected"), [("after", {1: 40, 2: 3}), ("before", {1: 36})])
def test_a_death_in_a_batch_repeats_or_loses(commit: str, expected: dict[int, int]) -> None:
    """A batch of ten, dead after the third effect: three twice if the commit follows, else seven
    never.
    """
    with Simulation() as sim:
        stream = EventStream("orders", 1, runtime=sim)
        for number in range(43):
            stream.append(StreamEvent("order", event_id=f"e{number}"))
        done: Counter[str] = Counter()

        def mail(event: StreamEvent) -> None:
            done[event.event_id] += 1
            if event.event_id == "e12" and done["e12"] == 1:
                raise WorkerCrash

        processor = EventStreamProcessor(stream, "mail", commit=commit, batch=10)
        processor.add_processor(mail)
        processor.start(2)
        sim.run(until=200)
        assert Counter(done.values()) == expected
        processor.stop()


def test_a_failing_event_is_skipped_and_recorded() -> None:
    """Each function is called all the same; the event is listed with what was said."""
    with Simulation() as sim:
        trace = Trace()
        stream = filled(sim, trace=trace)
        others: list[str] = []

        def mail(event: StreamEvent) -> None:
            if event.event_id == "e7":
                raise ValueError("no address")

        processor = EventStreamProcessor(stream, "mail")
        processor.add_processor(mail)
        processor.add_processor(lambda event: others.append(event.event_id))
        processor.start(3)
        sim.run()
        assert [(e.event_id, said) for e, said in processor.skipped] == [("e7", "no address")]
        assert len(others) == 60
        assert [r.message_id for r in trace.records if r.event == "skipped"] == ["e7"]
        assert sum(stream.lag("mail").values()) == 0
        processor.stop()


def test_a_failing_event_tried_in_place_holds_up_its_partition_alone() -> None:
    """The outage of one event ends at 30 s: until then its partition stands still, and it alone."""
    with Simulation() as sim:
        stream = filled(sim)
        times: dict[int, float] = {}
        bad = next(e for e in stream.history() if e.event_id == "e7")

        def mail(event: StreamEvent) -> None:
            if event.event_id == "e7" and sim.now < 30:
                raise ValueError("down")
            times[event.partition] = sim.now

        processor = EventStreamProcessor(
            stream,
            "mail",
            on_failure="retry",
            batch=5,
            retry=RetryPolicy(base=1, cap=4, jitter="none"),
        )
        processor.add_processor(mail)
        processor.start(2)
        sim.run()
        assert times.pop(bad.partition) >= 30
        assert max(times.values()) < 30
        assert processor.counts["processed"] == 60 and processor.counts["skipped"] == 0
        processor.stop()


def test_a_failing_event_is_parked_on_another_stream_and_others_pass_it() -> None:
    """Parked: it is done later, out of the order of its key."""
    with Simulation() as sim:
        stream = filled(sim)
        later = EventStream("orders.retry", 1, runtime=sim)
        order: list[str] = []

        def mail(event: StreamEvent) -> None:
            if event.event_id == "e7" and sim.now < 10:
                raise ValueError("down")
            order.append(event.event_id)

        first = EventStreamProcessor(stream, "mail", on_failure="park", park=later)
        second = EventStreamProcessor(later, "mail", on_failure="retry")
        for processor in (first, second):
            processor.add_processor(mail)
            processor.start(1)
        sim.run()
        assert sorted(order) == sorted(f"e{n}" for n in range(60))
        assert order.index("e7") > order.index("e19")  # the next one of its key
        first.stop()
        second.stop()


def test_a_poisonous_partition_does_not_keep_stop_waiting() -> None:
    """Tried for ever, and stopped in the middle: what was done is committed, the event is the next
    to read.
    """
    with Simulation() as sim:
        stream = EventStream("orders", 1, runtime=sim)
        for number in range(5):
            stream.append(StreamEvent("order", event_id=f"e{number}"))

        def mail(event: StreamEvent) -> None:
            if event.event_id == "e3":
                raise ValueError("poison")

        processor = EventStreamProcessor(stream, "mail", on_failure="retry", batch=5)
        processor.add_processor(mail)
        processor.start(1)
        sim.run(until=100)
        processor.stop()
        assert stream.groups["mail"].committed == {0: 3}
        assert not processor.running and stream.groups["mail"].members == {}


def test_on_real_threads_each_event_is_done_once_and_counted_exactly() -> None:
    """Eight threads on four partitions, 2,000 events appended meanwhile by four more."""
    runtime = ThreadRuntime()
    stream = EventStream("orders", 4, runtime=runtime)
    done: Counter[str] = Counter()
    all_done, guard = threading.Event(), threading.Lock()

    def mail(event: StreamEvent) -> None:
        with guard:
            done[event.event_id] += 1
            if len(done) == 2000:
                all_done.set()

    processor = EventStreamProcessor(stream, "mail", batch=20)
    processor.add_processor(mail)
    processor.start(8)

    def produce(which: int) -> None:
        for number in range(500):
            stream.append(
                StreamEvent("order", event_id=f"{which}-{number}", partition_key=f"{number}")
            )

    producers = [runtime.spawn(produce, which) for which in range(4)]
    for producer in producers:
        producer.join()
    assert all_done.wait(20)
    processor.stop()
    assert set(done.values()) == {1} and len(done) == 2000
    assert processor.counts["processed"] == 2000
    assert sum(stream.lag("mail").values()) == 0


def test_it_can_be_started_again_where_it_stopped() -> None:
    """A second start goes on from what was committed."""
    with Simulation() as sim:
        stream = filled(sim)
        processor = EventStreamProcessor(stream, "mail")
        processor.add_processor(lambda event: sim.sleep(1))
        processor.start(2)
        sim.run(until=10.5)
        processor.stop()
        before = processor.counts["processed"]
        processor.start(3)
        with pytest.raises(RuntimeError, match="running already"):
            processor.start()
        sim.run()
        assert 20 <= before < 60 and processor.counts["processed"] == 60
        processor.stop()


def test_a_start_that_is_refused_leaves_the_group_as_it_is() -> None:
    """A worker told all to stop, and another is still at work: nobody new joins, or their
    partitions stood still.
    """
    with Simulation() as sim:
        stream = filled(sim)
        processor = EventStreamProcessor(stream, "mail")
        processor.add_processor(
            lambda event: sim.sleep(10) if event.partition else processor.stop()
        )
        processor.start(2)
        sim.run(until=5)
        members, consumers = set(stream.groups["mail"].members), processor.consumers
        with pytest.raises(RuntimeError, match="running already"):
            processor.start()
        assert not processor.running and set(stream.groups["mail"].members) == members
        assert processor.consumers is consumers


def test_a_stop_with_a_time_limit_names_the_worker_that_still_works() -> None:
    """It ends when it has finished its event, which is committed."""
    with Simulation() as sim:
        processor = EventStreamProcessor(filled(sim, 3, 1), "mail")
        processor.add_processor(lambda event: sim.sleep(30))
        processor.start(1)
        sim.run(until=1)
        with pytest.raises(TimeoutError, match="still working after 5 s: worker-0"):
            processor.stop(timeout=5)
        assert sim.now == 6
        processor.stop()
        assert sim.now == 30 and processor.stream.groups["mail"].committed == {0: 1}
