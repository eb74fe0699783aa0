"""A log whose followers all fetch at the same instants, and its records in short."""

from __future__ import annotations

from typing import Any

from mqlearn import ReplicatedLog, Simulation, Trace


class InStep(ReplicatedLog):
    """Begins to fetch after one whole period, all replicas at once."""

    def _first_fetch(self, number: int) -> float:
        return self.replicas[number].fetch_every


def in_step(sim: Simulation, trace: Trace | None = None, **options: Any) -> ReplicatedLog:
    """A log called orders, of three replicas, two of them in sync at least."""
    options = {"min_insync_replicas": 2} | options
    return InStep("orders", runtime=sim, trace=trace, **options)


def told(trace: Trace) -> list[tuple[Any, ...]]:
    """Time, event, entry, worker, epoch and detail of each record."""
    return [
        (round(r.time, 2), r.event, r.entry, r.worker, r.receipt, r.detail) for r in trace.records
    ]


def copies(log: ReplicatedLog) -> list[list[Any]]:
    """The values that each replica has."""
    return [[entry.value for entry in replica.log] for replica in log.replicas]
