"""A replicated log, step by step: what is acknowledged, which replica leads, what is dropped."""

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
from tests.replication.pace import copies, in_step, told


def test_all_is_answered_with_the_fetch_after_the_one_that_copied_it() -> None:
    """A leader hears of an entry with the follower's next fetch; the slowest follower counts."""
    trace = Trace()
    with Simulation() as sim:
        log = in_step(sim, trace, fetch_every=1.0)
        sim.run(until=2.1)
        assert log.append("order-1") == 0
        assert (sim.now, log.fetch(0), log.high_watermark) == (4.0, ["order-1"], 1)
    assert told(trace) == [
        (0.0, "elected", 0, "replica-0", 1, "clean"),
        (2.1, "appended", 0, "replica-0", 1, 0),
        (3.0, "fetched", 1, "replica-1", 1, 1),
        (3.0, "fetched", 1, "replica-2", 1, 1),
        (4.0, "committed", 1, "replica-0", 1, 0),
        (4.0, "acknowledged", 0, "replica-0", 1, None),
    ]


def test_one_is_answered_by_the_leader_alone_and_zero_never() -> None:
    """Both take no time, and readers see neither before it is committed."""
    with Simulation() as sim:
        log = in_step(sim, fetch_every=1.0)
        sim.run(until=2.1)
        assert log.append("a", acks=1) == 0
        assert log.append("b", acks=0) is None
        assert (sim.now, log.fetch(0), log.fetch(0, committed=False)) == (2.1, [], ["a", "b"])
        sim.run(until=4)
        assert log.fetch(0, 1) == ["a"] and log.fetch(1) == ["b"] and log.fetch(2) == []


def test_a_leader_that_dies_takes_with_it_what_only_it_had() -> None:
    """Acknowledged or not: the next leader begins an epoch, and the old one drops what is not in
    it.
    """
    trace = Trace()
    with Simulation() as sim:
        log = in_step(sim, trace, fetch_every=1.0)
        sim.run(until=2.1)
        assert log.append("order-1", acks=1) == 0
        log.kill(0)
        with pytest.raises(NotLeader, match="replica 0 of orders does not lead"):
            log.append("order-2")
        sim.run(until=12.1)
        assert log.append("order-2", acks=1) == 0
        log.restart(0)
        sim.run(until=15)
        assert copies(log) == [["order-2"]] * 3
    assert told(trace)[1:] == [
        (2.1, "appended", 0, "replica-0", 1, 0),
        (2.1, "acknowledged", 0, "replica-0", 1, None),
        (2.1, "killed", 1, "replica-0", 1, None),
        (2.1, "refused", 0, "replica-0", 1, "NotLeader"),
        (11.05, "isr_shrunk", 2, "replica-0", 1, "session"),
        (11.05, "elected", 0, "replica-1", 2, "clean"),
        (12.1, "appended", 0, "replica-1", 2, 0),
        (12.1, "acknowledged", 0, "replica-1", 2, None),
        (12.1, "restarted", 1, "replica-0", 2, None),
        (13.0, "truncated", 0, "replica-0", 2, 1),
        (13.0, "isr_grown", 3, "replica-0", 2, None),
        (13.0, "fetched", 1, "replica-0", 2, 1),
        (13.0, "fetched", 1, "replica-2", 2, 1),
        (14.0, "committed", 1, "replica-1", 2, 0),
    ]


def test_a_leader_that_is_cut_off_leads_on_until_it_hears_of_a_newer_epoch() -> None:
    """With acks 1 its clients are told yes, with "all" never; when it is connected again its
    history ends.
    """
    trace = Trace()
    with Simulation() as sim:
        log = in_step(sim, trace, fetch_every=1.0)
        sim.run(until=2.1)
        assert log.partition(0)
        sim.run(until=12.1)
        assert (log.leader, log.leader_epoch, log.isr) == (1, 2, {1, 2})
        assert log.append("old", acks=1, to=0) == 0
        assert log.append("new", acks=1) == 0
        assert log.append("older", to=0, timeout=0.5) is None
        assert log.fetch(0, to=0, committed=False) == ["old", "older"]
        assert log.partition(0, cut=False)
        sim.run(until=16)
        assert copies(log) == [["new"]] * 3
        with pytest.raises(NotLeader, match="replica 0 of orders does not lead"):
            log.append("x", to=0)
    assert [r for r in told(trace) if r[3] == "replica-0"][1:] == [
        (2.1, "cut_off", 0, "replica-0", 1, None),
        (11.05, "isr_shrunk", 2, "replica-0", 1, "session"),
        (12.1, "appended", 0, "replica-0", 1, 0),
        (12.1, "acknowledged", 0, "replica-0", 1, None),
        (12.1, "appended", 1, "replica-0", 1, 0),
        (12.6, "unanswered", 1, "replica-0", 1, None),
        (12.6, "healed", 2, "replica-0", 1, None),
        (13.0, "truncated", 0, "replica-0", 2, 2),
        (13.0, "isr_grown", 3, "replica-0", 2, None),
        (13.0, "fetched", 1, "replica-0", 2, 1),
        (16.0, "refused", 0, "replica-0", 2, "NotLeader"),
    ]


def test_a_leader_that_dies_or_is_deposed_answers_nothing() -> None:
    """Those that wait for "all" are told at once that no answer comes: it may be there or not."""
    with Simulation() as sim:
        log = in_step(sim, fetch_every=1.0, session_timeout=2.0)
        answers: list[tuple[float, Any]] = []

        def till(to: int) -> None:
            answers.append((log.append("x", to=to, timeout=60.0), round(sim.now, 2)))

        sim.run(until=1.1)
        sim.spawn(till, 0)
        sim.call_at(1.5, lambda: log.kill(0))
        sim.run(until=5)
        log.restart(0)
        log.partition(1)
        sim.spawn(till, 1)
        sim.call_at(9.5, lambda: log.partition(1, cut=False))
        sim.run(until=12)
        assert answers == [(None, 1.5), (None, 10.0)]


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
        assert log.append("x", acks=1) == 0  # it asks for no other
        log.close()
        with pytest.raises(NotLeader, match="orders is closed"):
            log.append("y", acks=1)
        assert copies(log) == [["x"], []]


def test_a_number_is_appended_once_and_answered_with_its_offset() -> None:
    """At any leader that has it; each producer counts for itself."""
    with Simulation() as sim:
        log = in_step(sim, fetch_every=0.1)
        assert log.append("a", producer="till", sequence=1) == 0
        assert log.append("b", producer="desk", sequence=1) == 1
        assert log.append("c", producer="till", sequence=2) == 2
        assert log.append("a", producer="till", sequence=1) == 0
        log.kill(0)
        sim.run(until=20)
        assert log.append("c", producer="till", sequence=2) == 2
        with pytest.raises(OutOfSequence, match="sequence must be 3 for till, got 4"):
            log.append("e", producer="till", sequence=4)
        assert copies(log) == [["a", "b", "c"]] * 3


def test_a_reader_after_the_end_of_the_log_is_told_so() -> None:
    """It has read what this log has lost; the policies of offsets apply."""
    with Simulation() as sim:
        log = in_step(sim, fetch_every=0.1)
        with pytest.raises(Truncated, match="offset must be within 0 to 0 in partition 0, got 1"):
            log.fetch(1)
        assert issubclass(Truncated, OffsetOutOfRange)
        log.kill(0), log.kill(1), log.kill(2)
        sim.run(until=20)
        assert (log.leader, log.high_watermark) == (None, 0)
        with pytest.raises(NotLeader, match="no replica of orders leads"):
            log.fetch(0)
