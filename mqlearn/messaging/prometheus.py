"""Metrics in the text format of Prometheus, written by the optional library `prometheus-client`.

Where OpenTelemetry's semantic conventions for messaging metrics (1.44.0, status: development,
opentelemetry.io/docs/specs/semconv/messaging/messaging-metrics) define a name, that name is used,
written as the Prometheus exporters write it: underscores for dots, the unit at the end, and
`_total` after a counter. Names that the conventions do not define begin with `mqlearn_`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from typing import Any

from mqlearn.messaging.counters import BUCKETS
from mqlearn.messaging.metrics import MessageQueueMetrics, Snapshot
from mqlearn.runtime import check

SYSTEM = "mqlearn"
LABELS = (
    "messaging_system",
    "messaging_operation_name",
    "messaging_destination_name",
    "error_type",
)
QUEUE = ("messaging_destination_name",)


def prometheus_text(*metrics: MessageQueueMetrics) -> str:
    """Return the metrics of queues in Prometheus's text format; durations are in seconds."""
    for each in metrics:
        check.instance("metrics", each, MessageQueueMetrics)
    # imported here, so that `import mqlearn` works without the library
    from prometheus_client import CollectorRegistry, generate_latest

    # a registry of its own: the library's global one would refuse the same names at the second call
    registry = CollectorRegistry()
    registry.register(_Families([each.snapshot() for each in metrics]))
    return generate_latest(registry).decode()


class _Families:
    """A collector, as a Prometheus registry expects it: it yields families, each with the samples
    of one metric.
    """

    def __init__(self, queues: list[Snapshot]) -> None:
        self.queues = queues

    def collect(self) -> Iterator[Any]:
        """Yield one family after another, each with its samples of every queue."""
        # imported here, as in `prometheus_text`
        from prometheus_client.core import (
            CounterMetricFamily,
            GaugeMetricFamily,
            HistogramMetricFamily,
        )

        sent = CounterMetricFamily(
            "messaging_client_sent_messages", "Messages that producers tried to send", labels=LABELS
        )
        consumed = CounterMetricFamily(
            "messaging_client_consumed_messages", "Deliveries to workers", labels=LABELS
        )
        process = HistogramMetricFamily(
            "messaging_process_duration_seconds", "How long a try took", labels=LABELS
        )
        for queue in self.queues:
            # a deduplicated send succeeded for its producer, though it added no message
            accepted, refused = queue.counts["messages_sent"], queue.events.get("rejected", 0)
            sent.add_metric(
                (SYSTEM, "send", queue.name, ""), accepted + queue.events.get("deduplicated", 0)
            )
            if refused:
                sent.add_metric((SYSTEM, "send", queue.name, "queue_full"), refused)
            consumed.add_metric(
                (SYSTEM, "receive", queue.name, ""), queue.counts["messages_received"]
            )
            for error, (*buckets, seconds) in queue.durations.items():
                # Prometheus's buckets are cumulative: each has all up to its bound
                bounds = [*map(str, BUCKETS), "+Inf"]
                process.add_metric(
                    (SYSTEM, "process", queue.name, error.replace(" ", "_")),
                    list(zip(bounds, accumulate(buckets), strict=True)),
                    seconds,
                )
        yield from (sent, consumed, process)
        yield self._each(
            CounterMetricFamily,
            "mqlearn_acked_messages",
            "Messages that are done",
            lambda queue: {"": queue.counts["messages_acked"]},
        )
        yield self._each(
            CounterMetricFamily,
            "mqlearn_charged_failures",
            "Failures charged to messages",
            lambda queue: {"": queue.counts["messages_nacked"]},
        )
        yield self._each(
            CounterMetricFamily,
            "mqlearn_handler_errors",
            "Exceptions raised by handlers",
            lambda queue: {"": queue.counts["error_count"]},
        )
        yield self._each(
            CounterMetricFamily,
            "mqlearn_dead_lettered_messages",
            "Messages that died, by reason",
            lambda queue: queue.reasons,
            "reason",
        )
        yield self._each(
            CounterMetricFamily,
            "mqlearn_state_seconds",
            "Message-seconds spent, by place",
            lambda queue: queue.seconds,
            "place",
        )
        yield self._each(
            GaugeMetricFamily,
            "mqlearn_messages",
            "Messages there now, by place",
            lambda queue: queue.places,
            "place",
        )
        yield self._each(
            GaugeMetricFamily,
            "mqlearn_oldest_message_age_seconds",
            "Age of the oldest message neither done nor dead",
            lambda queue: {"": queue.oldest_age},
        )

    def _each(self, kind: Any, name: str, help_text: str, values: Any, label: str = "") -> Any:
        """Return a family with a sample for each queue, or for each queue and value of `label`."""
        family = kind(name, help_text, labels=(*QUEUE, label) if label else QUEUE)
        for queue in self.queues:
            for key, value in values(queue).items():
                family.add_metric((queue.name, key) if label else (queue.name,), value)
        return family
