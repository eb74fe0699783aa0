"""Metrics on real threads: eight producers, eight workers, and not one count off."""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from mqlearn import (
    InMemoryMessageQueue,
    Message,
    MessageQueueMetrics,
    MonitoredMessageProcessor,
    Reject,
    Simulation,
    ThreadRuntime,
    Trace,
    prometheus_text,
)
from tests.messaging.recount import Recount

THREADS = 8
EACH = 2000  # messages a producer
DEADLINE = 60.0  # seconds after which the test has failed; it takes a few


def run_shop() -> tuple[MonitoredMessageProcessor, Trace, Counter[str]]:
    """Sixteen thousand messages, every tenth of which raises once, others fail or are rejected;
    read meanwhile.
    """
    runtime, trace, raised = ThreadRuntime(), Trace(), Counter[str]()
    queue = InMemoryMessageQueue(500, on_full="block", runtime=runtime, trace=trace)
    processor = MonitoredMessageProcessor(queue, window=None)
    guard, deadline = threading.Lock(), time.monotonic() + DEADLINE

    def handle(message: Message) -> bool:
        number = int(message.id.split("-")[1])
        if number % 10 == 0 and message.attempt == 1:
            with guard:
                raised[message.id] += 1
            raise OSError("no answer")
        if number % 50 == 1:
            raise Reject("closed")
        return number % 100 != 7

    def produce(producer: int) -> None:
        for number in range(EACH):
            assert queue.send(
                Message(id=f"{producer}-{number}", max_retries=2),
                timeout=deadline - time.monotonic(),
            )

    def left() -> float:
        assert time.monotonic() < deadline, queue.census()
        return deadline - time.monotonic()

    processor.register_processor("default", handle)
    producers = [runtime.spawn(produce, number) for number in range(THREADS)]
    processor.start_workers(THREADS)
    for producer in producers:
        while producer.is_alive():
            read(processor.metrics)
            producer.join(min(0.01, left()))
        producer.join(left())
    idle = runtime.condition()
    while (census := queue.census()) and census["waiting"] + census["in flight"]:
        with idle:
            idle.wait(min(0.01, left()))
    stopping = runtime.spawn(processor.stop_workers)
    stopping.join(left())
    assert not stopping.is_alive(), "a worker does not stop"
    return processor, trace, raised


def read(metrics: MessageQueueMetrics) -> None:
    """What a scraper reads while the shop is open is of one instant."""
    seen = metrics.snapshot()
    assert seen.events.get("sent", 0) == seen.counts["messages_acked"] + sum(seen.places.values())
    assert metrics.get_summary()["messages_sent"] >= seen.counts["messages_sent"]
    assert "messaging_client_sent_messages_total" in prometheus_text(metrics)


def test_sixteen_thousand_messages_on_sixteen_threads_are_counted_exactly() -> None:
    """Every count and every place is the trace's, every exception is counted, and what is read
    meanwhile is whole.
    """
    processor, trace, raised = run_shop()
    books, seen = trace.balance(), processor.metrics.snapshot()
    assert (books.accepted, books.completed + books.dead) == (THREADS * EACH, THREADS * EACH)
    truth = Recount(trace, "queue", 0.0, None)
    assert seen.events == truth.events
    assert {name: seen.counts[name] for name in truth.counts()} == truth.counts()
    assert (
        seen.counts["error_count"]
        == truth.raised(trace)
        == sum(raised.values())
        == THREADS * EACH // 10
    )
    assert seen.reasons == {
        "other": THREADS * EACH // 50,
        "retries exhausted": THREADS * EACH // 100,
    }
    assert seen.places == {"waiting": 0, "delayed": 0, "in flight": 0, "dead": books.dead}
    assert sum(seen.durations[""][:-1]) == books.completed == len(trace_samples(processor.metrics))
    assert processor.counts["processed"] == books.completed
    assert processor.counts["failed"] == truth.events["nacked"] + truth.events["dead"]


def trace_samples(metrics: MessageQueueMetrics) -> list[float]:
    """The sojourns that the metrics keep."""
    return metrics._counters.recent("sojourn")


def count_from_many_threads(metrics: MessageQueueMetrics) -> dict[str, float]:
    """Each of eight threads records five thousand of everything."""

    def record(_: int) -> None:
        for _ in range(5000):
            metrics.record_message_sent()
            metrics.record_message_acked(0.5)
            metrics.record_error()

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(record, range(THREADS)))
    return metrics.metrics


def test_what_is_counted_by_hand_from_eight_threads_is_exact() -> None:
    """Forty thousand of each, and the seconds add up."""
    counts = count_from_many_threads(MessageQueueMetrics(window=None))
    assert [
        counts[name]
        for name in ("messages_sent", "messages_acked", "error_count", "processing_time_total")
    ] == [40_000, 40_000, 40_000, 20_000.0]


class Unlocked:
    """Excludes nobody, and gives every thread the chance to come between."""

    def __enter__(self) -> None:
        time.sleep(0)

    def __exit__(self, *_: object) -> None:
        pass


class Torn(dict[str, float]):
    """A table whose reader loses the processor before it writes."""

    def __getitem__(self, key: str) -> float:
        value = super().__getitem__(key)
        time.sleep(0)
        return value


@pytest.mark.parametrize("lock", [False, True], ids=["without the lock", "with it"])
def test_without_the_lock_counts_are_lost(lock: bool) -> None:
    """With a switch of threads forced into every increment, the lock is what keeps the count."""
    metrics = MessageQueueMetrics(window=None)
    metrics.metrics = metrics._counters.counts = Torn(metrics.metrics)
    if not lock:
        metrics._lock = Unlocked()  # type: ignore[assignment]

    def record(_: int) -> None:
        for _ in range(300):
            metrics.record_message_sent()

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(record, range(THREADS)))
    assert (metrics.metrics["messages_sent"] == 300 * THREADS) is lock


def test_every_record_is_heard_and_every_number_read_under_the_lock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A scraper reads on its own thread while the queue reports on others: what it sees must be of
    one instant.
    """

    class Watched:
        """A lock that can say whether it is held."""

        held = 0

        def __enter__(self) -> None:
            self.held += 1

        def __exit__(self, *_: object) -> None:
            self.held -= 1

    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim)
        metrics = MessageQueueMetrics(queue)
        lock = Watched()
        monkeypatch.setattr(metrics, "_lock", lock)
        held = []
        for name in ("hear", "recent", "oldest", "seconds", "processed", "is_in_flight"):
            real = getattr(metrics._counters, name)
            monkeypatch.setattr(
                metrics._counters,
                name,
                lambda *args, real=real: held.append(lock.held) or real(*args),
            )
        queue.send(Message())
        delivery = queue.receive(0) or Message()
        metrics.record_processing(delivery, 1.0)
        queue.ack(delivery)
        metrics.record_message_acked(1.0)
        for read in (
            metrics.throughput,
            metrics.oldest_message_age,
            metrics.time_in_state,
            metrics.snapshot,
        ):
            read()
        metrics.percentile("wait", 0.5)
        assert len(held) == 12 and all(held)
