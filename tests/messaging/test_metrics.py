"""What metrics promise: every number is the trace's, whoever settles a message and however it
ends.
"""

from __future__ import annotations

from collections import Counter

import pytest

from mqlearn import (
    InMemoryMessageQueue,
    Message,
    MessageQueue,
    MessageQueueMetrics,
    MonitoredMessageProcessor,
    Reject,
    Release,
    Simulation,
    Trace,
)
from mqlearn.messaging import counters
from mqlearn.study.queue_adapter import QueueAdapter
from tests.house.world import Plain
from tests.messaging.recount import agree


class Fifo(list[Message]):
    """The queue of a first notebook: it forgets what it hands out."""

    def send(self, message: Message) -> None:
        self.append(message)

    def receive(self) -> Message | None:
        return self.pop(0) if self else None


def test_the_summary_by_hand_has_the_known_keys_and_values() -> None:
    """Without a queue, the ten numbers follow from what was recorded; before anything they are
    zero.
    """
    with Simulation() as sim:
        metrics = MessageQueueMetrics(runtime=sim)
        assert set(metrics.get_summary().values()) == {0}
        sim.sleep(8)
        for record, times in (
            (metrics.record_message_sent, 5),
            (metrics.record_message_received, 4),
            (metrics.record_message_nacked, 2),
            (metrics.record_dead_letter, 1),
            (metrics.record_error, 3),
        ):
            for _ in range(times):
                record()
        metrics.record_message_acked(0.25)
        metrics.record_message_acked(0.5)
        assert metrics.get_summary() == {
            "uptime_seconds": 8.0,
            "messages_sent": 5,
            "messages_received": 4,
            "messages_processed": 2,
            "messages_failed": 2,
            "dead_letter_count": 1,
            "error_count": 3,
            "throughput_msg_per_sec": 0.25,
            "avg_processing_time_ms": 375.0,
            "success_rate": 50.0,
        }
        assert metrics.metrics["processing_time_total"] == 0.75
        assert metrics.percentile("processing", 0.5) == 0.25


def test_a_monitored_pool_keeps_its_own_counts_beside_the_metrics() -> None:
    """Every kind of answer is counted where it belongs, and the worker loop neither trips nor
    sleeps over it.
    """
    with Simulation() as sim:
        queue = InMemoryMessageQueue(visibility_timeout=10, runtime=sim)
        processor = MonitoredMessageProcessor(queue)

        def handler(message: Message) -> object:
            sim.sleep(2.0)
            if message.id == "raises":
                raise KeyError("no such card")
            if message.id == "rejected":
                raise Reject("closed")
            if message.id == "later" and message.attempt == 1:
                raise Release(1.0)
            return message.id != "false"

        processor.register_processor("default", handler)
        for name in ("fine", "raises", "false", "rejected", "later"):
            queue.send(Message(id=name, max_retries=1))
        processor.start_workers(1)
        sim.run()
        assert isinstance(processor.metrics, MessageQueueMetrics)
        assert processor.get_metrics() == {
            "uptime_seconds": 17.0,
            "messages_sent": 5,
            "messages_received": 8,
            "messages_processed": 2,
            "messages_failed": 4,
            "dead_letter_count": 3,
            "error_count": 2,
            "throughput_msg_per_sec": 0.12,
            "avg_processing_time_ms": 2000.0,
            "success_rate": 25.0,
        }
        assert processor.counts == {"processed": 2, "failed": 5, "retried": 2}
        assert processor.metrics.snapshot().reasons == {"retries exhausted": 2, "other": 1}


def test_the_handlers_time_is_not_the_time_that_a_message_was_held() -> None:
    """Of three messages fetched together each took its handler's second, though the last was held
    for three.
    """
    took = {}
    for name, make in (("monitored", MonitoredMessageProcessor), ("bare", None)):
        with Simulation() as sim:
            queue = InMemoryMessageQueue(runtime=sim)
            for _ in range(3):
                queue.send(Message())
            metrics = MessageQueueMetrics(queue)
            if make is not None:
                processor = make(queue, prefetch=3)
                processor.register_processor("default", lambda message, sim=sim: sim.sleep(1.0))
                processor.start_workers(1)
                sim.run()
                metrics = processor.metrics
            else:
                for delivery in queue.receive_many(3):
                    sim.sleep(1.0)
                    queue.ack(delivery)
            took[name] = [metrics.percentile("processing", share) for share in (0.01, 0.5, 1.0)]
    assert took == {"monitored": [1.0, 1.0, 1.0], "bare": [1.0, 2.0, 3.0]}


def test_metrics_attached_late_count_what_is_there() -> None:
    """Entries in every place are taken over as of now; what happens to them next is counted, their
    past is not.
    """
    with Simulation() as sim:
        trace = Trace()
        queue = InMemoryMessageQueue(runtime=sim, trace=trace)
        for name in ("dead", "flying", "waiting"):
            queue.send(Message(id=name))
        queue.send(Message(id="delayed"), delay=50)
        queue.nack(queue.receive(0) or "", requeue=False)
        flying = queue.receive(0)
        sim.run(until=10)
        metrics = MessageQueueMetrics(queue)
        assert flying is not None and queue.ack(flying)
        sim.run(until=60)
        seen = metrics.snapshot()
        assert seen.places == {place: queue.census()[place] for place in seen.places}
        assert seen.places == {"waiting": 2, "delayed": 0, "in flight": 0, "dead": 1}
        assert (seen.counts["messages_sent"], seen.counts["messages_acked"], seen.oldest_age) == (
            0,
            1,
            50.0,
        )
        assert seen.seconds == {"waiting": 60.0, "delayed": 40.0, "in flight": 0.0, "dead": 50.0}
        assert Counter(r.event for r in trace.records)["existing"] == 0


def test_time_in_state_is_littles_law() -> None:
    """A message a second, each held for two: the mean number in flight is two, the time for each of
    them two.
    """
    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim)
        processor = MonitoredMessageProcessor(queue)
        processor.register_processor("default", lambda message: sim.sleep(2.0))
        processor.start_workers(5)

        def produce() -> None:
            for _ in range(100):
                queue.send(Message())
                sim.sleep(1.0)

        sim.spawn(produce)
        sim.run(until=100.0)
        inside = processor.metrics.time_in_state()["in flight"]
        assert inside == 98 * 2.0 + 2 + 1  # the last two are still at it
        sim.run()
        assert processor.metrics.time_in_state() == {
            "waiting": 0,
            "delayed": 0,
            "in flight": 200.0,
            "dead": 0,
        }


def test_the_window_slides() -> None:
    """An ack counts for the throughput of the last ten seconds until it is ten seconds old, then no
    longer.
    """
    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim)
        metrics = MessageQueueMetrics(queue, window=10.0)
        rates = []
        for second in range(25):
            if second < 5:
                queue.send(Message())
                queue.ack(queue.receive(0) or "")
            rates.append(metrics.throughput())
            sim.sleep(1.0)
        assert rates == [
            0.0,
            2.0,
            1.5,
            4 / 3,
            1.25,
            *[5 / n for n in range(5, 10)],
            0.4,
            0.3,
            0.2,
            0.1,
            *[0.0] * 11,
        ]
        assert metrics.percentile("sojourn", 0.5) is None


def test_the_oldest_age_sees_the_poison_message() -> None:
    """A message that circles keeps its age through every redelivery, until it is dead; a redrive
    makes it young.
    """
    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim)
        metrics = MessageQueueMetrics(queue)
        queue.send(Message(id="poison", max_retries=2))
        ages = []
        for _ in range(3):
            sim.sleep(5.0)
            delivery = queue.receive(0)
            ages.append(metrics.oldest_message_age())
            queue.nack(delivery or "")
        ages.append(metrics.oldest_message_age())
        queue.redrive()
        sim.sleep(1.0)
        assert [*ages, metrics.oldest_message_age()] == [5.0, 10.0, 15.0, 0.0, 1.0]


def test_a_queue_that_cannot_be_listened_to_is_counted_at_the_workers_hands() -> None:
    """Five methods make a queue: what passes through the pool is counted, what does not is zero."""
    with Simulation() as sim:
        inner = InMemoryMessageQueue(runtime=sim)

        class Five(Plain):
            """Hides everything but the five methods."""

            send, receive, ack, nack, size = (  # type: ignore[assignment]
                lambda self, *args, _name=name, **options: getattr(inner, _name)(*args, **options)
                for name in ("send", "receive", "ack", "nack", "size")
            )
            _runtime = sim

        processor = MonitoredMessageProcessor(Five())
        processor.register_processor(
            "default", lambda message: sim.sleep(2.0) or message.id == "fine"
        )
        for name in ("fine", "fails"):
            inner.send(Message(id=name, max_retries=1))
        inner.send(Message(headers={"type": "nobody"}))
        processor.start_workers(1)
        sim.run(until=30)
        summary = processor.get_metrics()
        keys = (
            "messages_sent",
            "messages_received",
            "messages_processed",
            "messages_failed",
            "dead_letter_count",
            "error_count",
            "avg_processing_time_ms",
        )
        assert [summary[key] for key in keys] == [0, 4, 1, 2, 1, 0, 2000.0]
        with pytest.raises(TypeError, match="queue must be observable"):
            MessageQueueMetrics(Five())


def test_what_is_done_while_a_simulation_closes_is_neither_traced_nor_counted() -> None:
    """A handler that acks in its finally does so after the books are closed."""
    sim = Simulation()
    trace = Trace()
    queue: MessageQueue = InMemoryMessageQueue(runtime=sim, trace=trace)
    metrics = MessageQueueMetrics(queue)

    def work() -> None:
        delivery = queue.receive()
        try:
            sim.sleep(100)
        finally:
            queue.ack(delivery)  # type: ignore[arg-type]

    queue.send(Message())
    sim.spawn(work)
    sim.run(until=5)
    sim.close()
    assert queue.get_in_flight_count() == 0  # type: ignore[attr-defined]
    agree(metrics, trace, 5.0)
    assert metrics.snapshot().places["in flight"] == 1


def test_counting_a_message_looks_at_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many samples are kept, they are gone through when somebody asks, never while
    counting.
    """
    looked = []
    recent = counters.QueueCounters.recent
    monkeypatch.setattr(
        counters.QueueCounters,
        "recent",
        lambda self, what: looked.append(what) or recent(self, what),
    )
    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim)
        metrics = MessageQueueMetrics(queue, window=None)
        for _ in range(10):
            queue.send(Message())
            queue.ack(queue.receive(0) or "")
        metrics.record_message_acked(1.0)
        assert looked == []
        assert metrics.percentile("sojourn", 0.5) == 0.0
        assert looked == ["sojourn"]


def test_a_queue_built_in_a_notebook_is_measured_beside_its_trace() -> None:
    """Whoever listens second takes nothing away from the first."""
    with Simulation() as sim:
        queue = QueueAdapter(Fifo(), sim)
        metrics = MessageQueueMetrics(queue)
        queue.send(Message(id="order-1"))
        sim.sleep(2.0)
        queue.receive(timeout=0)
        assert [record.event for record in queue.trace.records][:2] == ["sent", "received"]
        assert metrics.snapshot().events == Counter(record.event for record in queue.trace.records)
        assert metrics.percentile("wait", 1.0) == 2.0


def test_the_time_of_a_handler_that_lost_its_lease_is_not_kept() -> None:
    """Nobody will ever settle that delivery, so its time would be remembered for ever."""
    with Simulation() as sim:
        queue = InMemoryMessageQueue(visibility_timeout=1.0, runtime=sim)
        metrics = MessageQueueMetrics(queue)
        queue.send(Message())
        delivery = queue.receive(0) or Message()
        sim.sleep(5.0)
        metrics.record_processing(delivery, 5.0)
        assert metrics._counters.took == {}
