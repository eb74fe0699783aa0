"""Counters that add up a queue's records: events, messages in each place, and how long tries
took.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, deque

from mqlearn.messaging.message import RETRIES_EXHAUSTED
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.books import PLACES
from mqlearn.runtime.events import IN_FLIGHT, MOVES
from mqlearn.runtime.trace import Record

COUNTS = (
    "messages_sent",
    "messages_received",
    "messages_acked",
    "messages_nacked",
    "messages_dead_letter",
    "processing_time_total",
    "error_count",
)
COUNTED = {
    "sent": "messages_sent",
    "scheduled": "messages_sent",
    "received": "messages_received",
    "acked": "messages_acked",
    "nacked": "messages_nacked",
    "delayed": "messages_nacked",
    "lease_lost": "messages_nacked",
    "dead": "messages_dead_letter",
    "expired": "messages_dead_letter",
}
ERRORS = {"nacked": "failed", "delayed": "failed", "dead": "failed", "lease_lost": "lease lost"}
# any other reason, such as a handler's own text, counts as "other": the number of counters is fixed
REASONS = ("expired", "rejected", RETRIES_EXHAUSTED, "unroutable", "unknown schema")
SAMPLED = ("wait", "processing", "sojourn")
# Seconds; what OpenTelemetry asks of a histogram of durations, see prometheus.py.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)


class QueueCounters:
    """The sums over the records of one queue since `start` (s). Every caller must hold a lock.

    `counts` are those of the summary, `events` counts records by kind, `reasons` dead letters by
    reason, `places` the messages in each place. `durations` has a row for each kind of error (""
    for none): the number of tries in each bucket of `BUCKETS`, the number beyond the last bucket,
    and the sum of all durations (s). `samples` has pairs of (time, duration), both in seconds, of
    the last `window` seconds.
    """

    def __init__(self, runtime: Runtime, window: float | None) -> None:
        self.start = runtime.now
        self.counts: dict[str, float] = dict.fromkeys(COUNTS, 0)
        self.events: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.places: dict[str, int] = dict.fromkeys(PLACES, 0)
        self.durations: dict[str, list[float]] = {}
        self.samples: dict[str, deque[tuple[float, float]]] = {what: deque() for what in SAMPLED}
        self.took: dict[int, float] = {}  # receipt: what its handler took (s)
        self._runtime, self._window = runtime, window
        # For each place: the sum of the times (s) of all departures minus that of all arrivals.
        # With `elapsed` added for each message that is still there, it is the message-seconds spent
        # there. So a move costs one addition, however many messages there are.
        self._moments = dict.fromkeys(PLACES, 0.0)
        # entry that is neither done nor dead: since when (s), oldest first
        self._since: dict[int, float] = {}
        self._in_flight: dict[int, float] = {}  # receipt: since when (s)

    def hear(self, record: Record) -> None:
        """Add one record."""
        time, event, _, entry, _, _, attempt, _, receipt, detail = record
        self.events[event] += 1
        if event in COUNTED:
            self.counts[COUNTED[event]] += 1
        if event == "received":
            self._in_flight[receipt] = time
            # only the first delivery: what comes after a retry is backoff, not the wait for a
            # worker
            if attempt == 1:
                self._sample("wait", time, time - self._since[entry])
        elif event in ("dead", "expired"):
            self._died(event, str(detail))
        kind = MOVES.get(event)
        if kind is not None:
            if kind.sources == IN_FLIGHT:
                self._end_delivery(event, time, entry, receipt)
            self._move(
                time, entry, detail if len(kind.sources) > 1 else kind.sources[0], kind.to or detail
            )

    def _died(self, event: str, detail: str) -> None:
        reason = "expired" if event == "expired" else detail.partition(":")[0]
        self.reasons[reason if reason in REASONS else "other"] += 1
        # the last retry failed as well, though its record says only that the message died
        self.counts["messages_nacked"] += reason == RETRIES_EXHAUSTED

    def _end_delivery(self, event: str, time: float, entry: int, receipt: int) -> None:
        """Count a delivery that ended: it was settled, or its lease was lost."""
        # a delivery from before the count began has no start: it counts from `start`
        held = time - self._in_flight.pop(receipt, self.start)
        seconds = self.took.pop(receipt, held)
        if event == "acked":
            self.processed(time, seconds)
            self._sample("sojourn", time, time - self._since[entry])
        elif event in ERRORS:
            self._observe(ERRORS[event], seconds)

    def _move(self, time: float, entry: int, sources: str, to: str) -> None:
        for place, step in ((sources, -1), (to, 1)):
            if place in self.places:
                self.places[place] += step
                self._moments[place] -= step * (time - self.start)
        if to not in PLACES or to == "dead":
            # it has left the queue, so it no longer has an age
            self._since.pop(entry, None)
        # not at a retry: a message keeps its age until it is done. A redriven one starts again.
        elif sources in ("new", "dead"):
            self._since[entry] = time

    def is_in_flight(self, receipt: int) -> bool:
        """Return True while this delivery is neither settled nor lost."""
        return receipt in self._in_flight

    def processed(self, time: float, seconds: float) -> None:
        """Count a message that was completed at `time` (s), after `seconds` of work."""
        self.counts["processing_time_total"] += seconds
        self._sample("processing", time, seconds)
        self._observe("", seconds)

    def _observe(self, error: str, seconds: float) -> None:
        row = self.durations.setdefault(error, [0.0] * (len(BUCKETS) + 2))
        # the bucket whose upper bound is the first that is not smaller: bounds include their value
        row[bisect_left(BUCKETS, seconds)] += 1
        row[-1] += seconds

    def _sample(self, what: str, time: float, seconds: float) -> None:
        self.samples[what].append((time, seconds))
        self._trim(what, time)

    def _trim(self, what: str, now: float) -> None:
        """Forget samples that are older than the window at `now` (s)."""
        if self._window is not None:
            samples, before = self.samples[what], now - self._window
            while samples and samples[0][0] <= before:
                samples.popleft()

    def recent(self, what: str) -> list[float]:
        """Return the samples of the window (s)."""
        self._trim(what, self._runtime.now)
        return [seconds for _, seconds in self.samples[what]]

    def oldest(self) -> float:
        """Return the age (s) of the oldest message that is neither done nor dead."""
        # a dict keeps the order of insertion, which is the order of time here
        first = next(iter(self._since.values()), None)
        return 0.0 if first is None else self._runtime.now - first

    def seconds(self) -> dict[str, float]:
        """Return the message-seconds spent in each place."""
        elapsed = self._runtime.now - self.start
        # `max`, since the sum of many floats may end a tiny bit below 0
        return {
            place: max(self._moments[place] + self.places[place] * elapsed, 0.0) for place in PLACES
        }
