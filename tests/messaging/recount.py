"""The numbers of a queue, worked out afresh from its trace: each entry's life is written down, then
looked through.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

from mqlearn import MessageQueueMetrics, ServiceLevel, Trace
from mqlearn.runtime.books import PLACES
from mqlearn.runtime.events import MOVES
from mqlearn.runtime.trace import Record


@dataclass
class Life:
    """One entry: its stays as (place, from, to) in seconds, when it was born, its waits and
    sojourns as (at, s).
    """

    place: str = "new"
    since: float = 0.0
    born: float = 0.0
    stays: list[tuple[str, float, float]] = field(default_factory=list)


class Recount:
    """Everything that metrics should say of one queue at `now` (s), looking back `window`
    seconds.
    """

    def __init__(self, trace: Trace, name: str, now: float, window: float | None) -> None:
        self.records = [
            record
            for record in trace.records
            if record.source == name
            and record.event not in ("started", "finished", "batched", "scaled", "lost_ack")
        ]
        self.now, self.window = now, window
        self.events = Counter(record.event for record in self.records)
        self.lives: dict[int, Life] = {}
        self.held: dict[int, tuple[float, float, str]] = {}  # receipt: from, to (s), how it ended
        self.waits: list[tuple[float, float]] = []
        self.sojourns: list[tuple[float, float]] = []
        taken: dict[int, float] = {}
        for record in self.records:
            self.live(record)
            time, event, *_, receipt, _ = record
            if event == "received":
                taken[receipt] = time
            elif receipt in taken and MOVES.get(event):
                self.held[receipt] = (taken.pop(receipt), time, event)

    def live(self, record: Record) -> None:
        """One move of one entry."""
        time, event, _, number, _, _, attempt, _, _, detail = record
        kind = MOVES.get(event)
        if kind is None:
            return
        life = self.lives.setdefault(number, Life())
        if life.place in ("new", "dead"):
            life.born = time
        life.stays.append((life.place, life.since, time))
        life.place, life.since = kind.to or detail, time
        if event == "received" and attempt == 1:
            self.waits.append((time, time - life.born))
        if event == "acked":
            self.sojourns.append((time, time - life.born))

    def recent(self, samples: list[tuple[float, float]]) -> list[float]:
        return [
            value for time, value in samples if self.window is None or time > self.now - self.window
        ]

    def counts(self) -> dict[str, float]:
        """The counts of the summary, as far as a trace can know them."""
        died = [
            record
            for record in self.records
            if record.event == "dead" and record.detail == "retries exhausted"
        ]
        event = self.events
        return {
            "messages_sent": event["sent"] + event["scheduled"],
            "messages_received": event["received"],
            "messages_acked": event["acked"],
            "messages_dead_letter": event["dead"] + event["expired"],
            "messages_nacked": event["nacked"] + event["delayed"] + event["lease_lost"] + len(died),
        }

    def seconds(self) -> dict[str, float]:
        """Message-seconds by place, each stay added up."""
        stays = [
            stay
            for life in self.lives.values()
            for stay in (*life.stays, (life.place, life.since, self.now))
        ]
        return {
            place: math.fsum(end - start for where, start, end in stays if where == place)
            for place in PLACES
        }

    def processing(self, trace: Trace | None) -> list[tuple[float, float]]:
        """For each ack: when (s), and how long its handler took, or without `trace` how long it was
        held.
        """
        if trace is None:
            return [
                (end, end - start) for start, end, event in self.held.values() if event == "acked"
            ]
        began = {
            record.receipt: record.time for record in trace.records if record.event == "started"
        }
        took = {
            record.receipt: record.time - began[record.receipt]
            for record in trace.records
            if record.event == "finished"
        }
        return [
            (record.time, took[record.receipt])
            for record in self.records
            if record.event == "acked"
        ]

    def raised(self, trace: Trace) -> int:
        """How many handlers raised an exception."""
        ends = [record.detail for record in trace.records if record.event == "finished"]
        return sum(end.startswith("failed: ") and "the handler returned" not in end for end in ends)

    def oldest(self) -> float:
        """The age (s) of the oldest that is neither done nor dead."""
        alive = [
            life.born
            for life in self.lives.values()
            if life.place in ("waiting", "delayed", "in flight")
        ]
        return self.now - min(alive, default=self.now)


def levels_agree(level: ServiceLevel, trace: Trace, name: str, now: float) -> None:
    """Due, missed and late are what the lives of the entries say."""
    records = [record for record in trace.records if record.source == name]
    deadline = {
        record.entry: record.time + level.goal
        for record in records
        if record.event in ("sent", "scheduled", "existing")
    }
    acked = {record.entry: record.time for record in records if record.event == "acked"}
    due = {entry for entry, time in deadline.items() if time < now}
    missed = {entry for entry in due if acked.get(entry, math.inf) > deadline[entry]}
    late = sum(time > deadline[entry] for entry, time in acked.items())
    assert (level.due, level.missed, level.late) == (len(due), len(missed), late)


def percentile(values: list[float], share: float) -> float | None:
    """The least value that so large a share of them does not exceed."""
    return next(
        (v for v in sorted(values) if sum(w <= v for w in values) >= share * len(values)), None
    )


def agree(metrics: MessageQueueMetrics, trace: Trace, now: float, *, handled: bool = False) -> None:
    """Every number of these metrics is what the trace says, to the last message.

    With `handled` they are those of a monitored pool, which knows what its handlers took, and which
    of them raised.
    """
    truth = Recount(trace, metrics.name, now, metrics.window)
    seen = metrics.snapshot()
    assert {name: seen.counts[name] for name in truth.counts()} == truth.counts()
    assert seen.events == truth.events
    assert seen.places == {
        place: sum(life.place == place for life in truth.lives.values()) for place in PLACES
    }
    assert sum(seen.reasons.values()) == truth.events["dead"] + truth.events["expired"]
    for place, seconds in truth.seconds().items():
        assert math.isclose(metrics.time_in_state()[place], seconds, rel_tol=1e-9, abs_tol=1e-6), (
            place
        )
    assert math.isclose(metrics.oldest_message_age(), truth.oldest(), rel_tol=1e-12, abs_tol=1e-9)
    processing = truth.processing(trace if handled else None)
    assert math.isclose(
        seen.counts["processing_time_total"], math.fsum(value for _, value in processing)
    )
    assert seen.counts["error_count"] == (truth.raised(trace) if handled else 0)
    for what, samples in (
        ("wait", truth.waits),
        ("sojourn", truth.sojourns),
        ("processing", processing),
    ):
        for share in (0.0, 0.5, 0.95, 0.99, 1.0):
            assert metrics.percentile(what, share) == percentile(truth.recent(samples), share), (
                what,
                share,
            )
    span = (
        now - metrics.start_time
        if metrics.window is None
        else min(now - metrics.start_time, metrics.window)
    )
    assert metrics.throughput() == (len(truth.recent(truth.sojourns)) / span if span else 0.0)
    tries = Counter(
        {
            "": truth.events["acked"],
            "lease lost": truth.events["lease_lost"],
            "failed": sum(truth.events[event] for event in ("nacked", "delayed", "dead")),
        }
    )
    assert {error: sum(row[:-1]) for error, row in seen.durations.items()} == +tries
