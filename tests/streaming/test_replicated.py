"""A replicated log: what is acknowledged, who is in sync, who leads, and what a new epoch drops."""

from __future__ import annotations

from typing import Any

import pytest

from mqlearn import (
    NotEnoughReplicas,
    NotLeader,
    OffsetOutOfRange,
    OutOfSequence,
    ReplicatedLog,
    Simulation,
    Trace,
    Truncated,
)


def told(trace: Trace, *events: str) -> list[tuple[Any, ...]]:
    """Time, event, entry, worker, epoch and detail of the records of these kinds."""
    return [
        (round(r.time, 2), r.event, r.entry, r.worker, r.receipt, r.detail)
        for r in trace.records
        if r.event in events
    ]


def test_all_is_acknowledged_with_the_fetch_after_the_one_that_copied_it() -> None:
    """The leader hears of an entry with the follower's next fetch, and the slowest counts."""
    trace = Trace()
    with Simulation() as sim:
        log = ReplicatedLog("orders", fetch_every=1.0, runtime=sim, trace=trace)
        for replica in log.replicas:
            log.slow(replica.number, 1.0)
        sim.run(until=2)
        assert log.append("order-1") == 0
        assert log.fetch(0) == ["order-1"]
    copied = {r.worker: r.time for r in trace.records if r.event == "fetched"}
    (committed,) = (r.time for r in trace.records if r.event == "committed")
    assert committed == pytest.approx(max(copied.values()) + 1.0)
    assert set(copied) == {"replica-1", "replica-2"}


def test_a_leader_that_dies_under_acks_1_takes_what_it_acknowledged_with_it() -> None:
    """The other two go on in epoch 2; the old leader drops its entry when it is back."""
    trace = Trace()
    with Simulation() as sim:
        log = ReplicatedLog("orders", fetch_every=1.0, runtime=sim, trace=trace)
        sim.run(until=2)
        assert log.append("order-1", acks=1) == 0
        log.kill(0)
        with pytest.raises(NotLeader, match="replica 0 of orders does not lead"):
            log.append("order-2")
        sim.run(until=12)
        assert (log.leader, log.leader_epoch, log.isr) == (1, 2, {1, 2})
        assert log.append("order-2", acks=1) == 0
        log.restart(0)
        sim.run(until=15)
        assert [[entry.value for entry in each.log] for each in log.replicas] == [["order-2"]] * 3
        assert log.isr == {0, 1, 2}
    assert told(trace, "elected", "killed", "truncated", "isr_shrunk", "restarted") == [
        (0.0, "elected", 0, "replica-0", 1, "clean"),
        (2.0, "killed", 1, "replica-0", 1, None),
        (10.95, "isr_shrunk", 2, "replica-0", 1, "session"),
        (10.95, "elected", 0, "replica-1", 2, "clean"),
        (12.0, "restarted", 1, "replica-0", 2, None),
        (12.32, "truncated", 0, "replica-0", 2, 1),
    ]


def test_a_refusal_appends_nothing() -> None:
    """Too few replicas, a replica that does not lead, a number that leaves a gap."""
    with Simulation() as sim:
        log = ReplicatedLog("orders", 2, min_insync_replicas=2, runtime=sim)
        with pytest.raises(NotLeader):
            log.append("x", to=1)
        with pytest.raises(OutOfSequence, match="sequence must be 1 for till, got 2"):
            log.append("x", producer="till", sequence=2)
        log.kill(1)
        sim.run(until=10)
        with pytest.raises(NotEnoughReplicas, match="1 in sync, min_insync_replicas is 2"):
            log.append("x")
        assert [each.end for each in log.replicas] == [0, 0]
        with pytest.raises(Truncated, match="offset must be within 0 to 0 in partition 0, got 1"):
            log.fetch(1)
        assert issubclass(Truncated, OffsetOutOfRange)
