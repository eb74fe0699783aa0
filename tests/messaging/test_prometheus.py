"""What a Prometheus server would read, read by the library's own parser."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from mqlearn import (
    DeduplicatingQueue,
    InMemoryMessageQueue,
    Message,
    MessageQueueMetrics,
    MonitoredMessageProcessor,
    Simulation,
    prometheus_text,
)

# The names of OpenTelemetry's semantic conventions 1.44.0, and what becomes of them on the way to
# Prometheus.
CONVENTIONAL = {
    "messaging.client.sent.messages": ("messaging_client_sent_messages", "counter"),
    "messaging.client.consumed.messages": ("messaging_client_consumed_messages", "counter"),
    "messaging.process.duration": ("messaging_process_duration_seconds", "histogram"),
}


def families(text: str) -> dict[str, Any]:
    """The families of a text by their name, as the parser sees them."""
    return {family.name: family for family in text_string_to_metric_families(text)}


def values(family: Any, label: str = "") -> dict[str, float]:
    """The value of each sample, by one of its labels."""
    return {sample.labels.get(label, ""): sample.value for sample in family.samples}


def shop(sim: Simulation, name: str = "orders") -> MonitoredMessageProcessor:
    """Six sent, one of them refused and one a duplicate: two done, one raised and died, one nobody
    handles.
    """
    queue = DeduplicatingQueue(4, runtime=sim, name=name, visibility_timeout=None)
    processor = MonitoredMessageProcessor(queue)

    def handle(message: Message) -> None:
        sim.sleep(0.3)
        if message.id == "bad":
            raise OSError('a "quoted" text\nover two lines')

    processor.register_processor("default", handle)
    for message_id in ("a", "b", "a", "bad", "nobody", "full"):
        queue.send(
            Message(
                id=message_id,
                max_retries=0,
                headers={"type": "x"} if message_id == "nobody" else {},
            )
        )
    processor.start_workers(1)
    sim.run()
    return processor


def test_the_text_parses_and_says_what_the_metrics_say() -> None:
    """Each family has its type, and each value is the snapshot's."""
    with Simulation() as sim:
        metrics = shop(sim).metrics
        found = families(prometheus_text(metrics))
        seen = metrics.snapshot()
    assert {name: (name, found[name].type) for name, _ in CONVENTIONAL.values()} == {
        name: (name, kind) for name, kind in CONVENTIONAL.values()
    }
    assert values(found["messaging_client_sent_messages"], "error_type") == {"": 5, "queue_full": 1}
    assert values(found["messaging_client_consumed_messages"]) == {"": 4}
    assert values(found["mqlearn_acked_messages"]) == {"": 2}
    assert (
        values(found["mqlearn_handler_errors"])
        == values(found["mqlearn_charged_failures"])
        == {"": 1}
    )
    assert values(found["mqlearn_dead_lettered_messages"], "reason") == {
        "retries exhausted": 1,
        "unroutable": 1,
    }
    assert values(found["mqlearn_messages"], "place") == seen.places
    assert values(found["mqlearn_state_seconds"], "place") == seen.seconds
    assert values(found["mqlearn_oldest_message_age_seconds"]) == {"": 0.0}


def test_the_histogram_is_cumulative_and_adds_up() -> None:
    """Tries of 0.3 s lie above 0.25 and up to 0.5; count and sum are those of the tries; errors
    apart.
    """
    with Simulation() as sim:
        samples = families(prometheus_text(shop(sim).metrics))[
            "messaging_process_duration_seconds"
        ].samples
    fine = [sample for sample in samples if sample.labels["error_type"] == ""]
    buckets = {
        sample.labels["le"]: sample.value for sample in fine if sample.name.endswith("_bucket")
    }
    assert (buckets["0.25"], buckets["0.5"], buckets["10.0"], buckets["+Inf"]) == (0, 2, 2, 2)
    assert {s.name.rpartition("_")[2]: s.value for s in fine if "le" not in s.labels} == {
        "count": 2,
        "sum": 0.6,
    }
    assert {sample.labels["error_type"] for sample in samples} == {"", "failed"}


def test_names_and_labels_are_those_of_the_conventions() -> None:
    """Every conventional family carries the required attributes; no label holds what is different
    for each message.
    """
    with Simulation() as sim:
        found = families(prometheus_text(shop(sim).metrics))
    for name, _ in CONVENTIONAL.values():
        for sample in found[name].samples:
            assert {"messaging_system", "messaging_operation_name"} <= sample.labels.keys()
    assert {
        sample.labels["messaging_operation_name"]
        for name, _ in CONVENTIONAL.values()
        for sample in found[name].samples
    } == {"send", "receive", "process"}
    labels = {
        label for family in found.values() for sample in family.samples for label in sample.labels
    }
    assert labels == {
        "messaging_system",
        "messaging_operation_name",
        "messaging_destination_name",
        "error_type",
        "le",
        "reason",
        "place",
    }
    assert all(name.startswith(("messaging_", "mqlearn_")) for name in found)


def test_a_handlers_own_words_make_no_label() -> None:
    """Reasons are free text, and a label for each would be without end: those not known are counted
    as other.
    """
    with Simulation() as sim:
        queue = InMemoryMessageQueue(runtime=sim)
        metrics = MessageQueueMetrics(queue)
        for number in range(100):
            queue.send(Message())
            queue.nack(queue.receive(0) or "", requeue=False, reason=f"no order {number}")
        assert values(
            families(prometheus_text(metrics))["mqlearn_dead_lettered_messages"], "reason"
        ) == {"other": 100}


def test_several_queues_stand_in_one_text_told_apart_by_name() -> None:
    """Two queues, one of them with a name that has to be escaped; without any, an empty shop parses
    too.
    """
    with Simulation() as sim, Simulation() as other:
        text = prometheus_text(shop(sim).metrics, shop(other, 'odd "name"\\').metrics)
    found = families(text)["mqlearn_acked_messages"]
    assert values(found, "messaging_destination_name") == {"orders": 2, 'odd "name"\\': 2}
    assert families(prometheus_text())["mqlearn_acked_messages"].samples == []
    with pytest.raises(TypeError, match="metrics must be MessageQueueMetrics, got 5"):
        prometheus_text(5)  # type: ignore[arg-type]
