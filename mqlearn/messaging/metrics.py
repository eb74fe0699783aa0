"""The numbers of a running queue: counts, rates, percentiles, ages, and the time that messages
spend in each place.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from mqlearn.messaging.counters import BUCKETS, SAMPLED, QueueCounters
from mqlearn.messaging.message import Message
from mqlearn.messaging.percentile import percentile
from mqlearn.messaging.queue import MessageQueue
from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.threads import default_runtime
from mqlearn.runtime.trace import Record


@dataclass(frozen=True)
class Snapshot:
    """The numbers of a queue at one instant: each mapping is explained in `QueueCounters`;
    `seconds` and `oldest_age` are in seconds.
    """

    name: str
    counts: dict[str, float]
    events: dict[str, int]
    reasons: dict[str, int]
    places: dict[str, int]
    seconds: dict[str, float]
    durations: dict[str, list[float]]
    oldest_age: float


class MessageQueueMetrics:
    """Counts the events of one queue by listening to it, so each message counts once, whichever
    worker or thread settles it.

    Messages that are in the queue already count as if they had just arrived. Without a `queue`, and
    for one that is not observable, the `record_…` methods count by hand. `metrics` holds the
    counts: "acked" means that `ack` returned True, "nacked" counts failures that cost a retry (a
    lost lease is one, a rejection is not), "error_count" exceptions of handlers. Percentiles and
    throughput look back `window` seconds (None: to the start). `start_time` is in seconds on the
    queue's clock. The count ends when the simulation is closed.
    """

    def __init__(
        self,
        queue: MessageQueue | None = None,
        *,
        window: float | None = 60.0,
        runtime: Runtime | None = None,
    ) -> None:
        check.instance("queue", queue, MessageQueue, optional=True)
        self.window = check.number("window", window, above=0, optional=True)
        check.instance("runtime", runtime, Runtime, optional=True)
        if queue is not None and not queue.observable:
            raise TypeError(
                f"queue must be observable (or None: count by hand), got {check.short_repr(queue)}"
            )
        if runtime is None:
            runtime = default_runtime() if queue is None else queue.runtime
        self.name = "" if queue is None else queue.name
        self._runtime, self._counters = runtime, QueueCounters(runtime, self.window)
        self.start_time, self.metrics = self._counters.start, self._counters.counts
        # A lock of threads also in a simulation: no task is suspended while it holds this one, so
        # it can never make another task wait.
        self._lock = default_runtime().lock()
        self._closed = False
        if queue is not None:
            runtime.at_close(self._close)
            # last: with `existing` it calls `_hear` at once, which needs all of the above
            queue.listen(self._hear, existing=True)

    def _hear(self, record: Record) -> None:
        with self._lock:
            if not self._closed:
                self._counters.hear(record)

    def _close(self) -> None:
        """Stop counting. What tasks do while their simulation is being closed is no part of the
        run, so it is neither traced nor counted.
        """
        self._closed = True

    # Counting by hand.

    def record_message_sent(self) -> None:
        """Count a message that a queue accepted."""
        self._count("messages_sent")

    def record_message_received(self) -> None:
        """Count a delivery to a worker."""
        self._count("messages_received")

    def record_message_acked(self, processing_time: float) -> None:
        """Count a message that is done, after `processing_time` seconds of work."""
        processing_time = check.number("processing_time", processing_time, low=0)
        with self._lock:
            self.metrics["messages_acked"] += 1
            self._counters.processed(self._runtime.now, processing_time)

    def record_message_nacked(self) -> None:
        """Count a failure that costs the message a retry."""
        self._count("messages_nacked")

    def record_dead_letter(self) -> None:
        """Count a message that went to the dead letters."""
        self._count("messages_dead_letter")

    def record_error(self) -> None:
        """Count an exception of a handler. A queue does not see exceptions, so the processor that
        called the handler reports them here.
        """
        self._count("error_count")

    def record_processing(self, delivery: Message, seconds: float) -> None:
        """Set the handler's time for this delivery to `seconds`; without this call, the whole time
        from delivery to ack counts.
        """
        check.instance("delivery", delivery, Message)
        seconds = check.number("seconds", seconds, low=0)
        with self._lock:
            if self._counters.is_in_flight(delivery.receipt):  # else its lease was lost before
                self._counters.took[delivery.receipt] = seconds

    def _count(self, name: str) -> None:
        with self._lock:
            self.metrics[name] += 1

    # Reading the numbers.

    def get_summary(self) -> dict[str, Any]:
        """Return the counts since the start, with averages and rates, rounded to two digits."""
        with self._lock:
            counts, uptime = dict(self.metrics), self._runtime.now - self.start_time
        processed, received = counts["messages_acked"], counts["messages_received"]
        return {
            "uptime_seconds": round(uptime, 2),
            "messages_sent": counts["messages_sent"],
            "messages_received": received,
            "messages_processed": processed,
            "messages_failed": counts["messages_nacked"],
            "dead_letter_count": counts["messages_dead_letter"],
            "error_count": counts["error_count"],
            "throughput_msg_per_sec": round(processed / uptime, 2) if uptime > 0 else 0,
            "avg_processing_time_ms": round(counts["processing_time_total"] / processed * 1000, 2)
            if processed
            else 0,
            "success_rate": round(processed / received * 100, 2) if received else 0,
        }

    def percentile(self, what: str, share: float) -> float | None:
        """Return the time (s) that a `share` (0 to 1) of the window's messages did not exceed; None
        if there were no messages.

        `what` is "wait" (from being sent to the first delivery), "processing" (the handler's time
        for messages that were acked) or "sojourn" (from being sent to the ack). By nearest rank: a
        value that occurred, never one between two of them.
        """
        check.one_of("what", what, SAMPLED)
        share = check.number("share", share, low=0, high=1)
        with self._lock:
            values = sorted(self._counters.recent(what))
        return percentile(values, 100 * share) if values else None

    def histogram(self) -> dict[float, float]:
        """Return the handler's times for messages that were acked since the start, as a histogram:
        {upper bound (s): number of times up to it}, the last bound infinity. Histograms of several
        queues can be merged, see `merge_histograms`.
        """
        with self._lock:
            row = self._counters.durations.get("", [0.0] * (len(BUCKETS) + 2))
            counts = list(accumulate(row[:-1]))  # without the sum of the durations
        return dict(zip((*BUCKETS, math.inf), counts, strict=True))

    def throughput(self) -> float:
        """Return the messages acked per second over the window, or since the start if that is
        shorter.
        """
        with self._lock:
            acked, span = (
                len(self._counters.recent("processing")),
                self._runtime.now - self.start_time,
            )
        if self.window is not None:
            # a queue that is younger than the window would otherwise look too slow
            span = min(span, self.window)
        return acked / span if span > 0 else 0.0

    def oldest_message_age(self) -> float:
        """Return the seconds since the oldest message that is neither done nor dead was sent or
        redriven; 0 if there is none.
        """
        with self._lock:
            return self._counters.oldest()

    def time_in_state(self) -> dict[str, float]:
        """Return the message-seconds spent in each place so far. Divided by the uptime, that is the
        mean number of messages there (Little's law).
        """
        with self._lock:
            return self._counters.seconds()

    def snapshot(self) -> Snapshot:
        """Return all numbers at one instant."""
        with self._lock:
            counters = self._counters
            return Snapshot(
                self.name,
                dict(counters.counts),
                dict(counters.events),
                dict(counters.reasons),
                dict(counters.places),
                counters.seconds(),
                {error: list(row) for error, row in counters.durations.items()},
                counters.oldest(),
            )
