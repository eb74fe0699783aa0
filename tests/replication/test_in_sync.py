"""The in-sync set: which replicas leave it and join it, and which of them may be elected."""

from __future__ import annotations

from typing import Any

import pytest

from mqlearn import NotEnoughReplicas, ReplicatedLog, Simulation, Trace, clean_election
from tests.replication.pace import copies, in_step, told

SETS = ("elected", "isr_shrunk", "isr_grown", "offline")


def moves(trace: Trace) -> list[tuple[object, ...]]:
    """Time, event, worker and detail of what the controller did."""
    return [
        (time, event, worker, why)
        for time, event, _, worker, _, why in told(trace)
        if event in SETS
    ]


def test_a_silent_follower_leaves_and_joins_again_when_it_has_caught_up() -> None:
    """Until it has left, nothing is committed; when it is back it needs all that is committed."""
    trace = Trace()
    with Simulation() as sim:
        log = in_step(sim, trace, fetch_every=1.0)
        log.kill(2)
        assert log.append("a") == 0
        assert sim.now == pytest.approx(9.05)  # the first look at which 9 s are over
        assert log.isr == {0, 1}
        log.restart(2)
        sim.run(until=12)
        assert log.isr == {0, 1, 2} and copies(log) == [["a"]] * 3
    assert moves(trace) == [
        (0.0, "elected", "replica-0", "clean"),
        (9.05, "isr_shrunk", "replica-2", "session"),
        (11.0, "isr_grown", "replica-2", None),
    ]


def test_a_slow_follower_leaves_when_it_has_lagged_too_long() -> None:
    """It is caught up when it has what the leader had at its fetch before; one that fetches every
    6 s never has, if values come all the time.
    """
    trace = Trace()
    with Simulation() as sim:
        log = in_step(sim, trace, fetch_every=1.0, lag_limit=10.0)
        log.slow(2, 6.0)

        def till() -> None:
            for number in range(60):
                log.append(number, acks=1)
                sim.sleep(0.5)

        sim.spawn(till)
        sim.run(until=20)
        assert log.isr == {0, 1}
        log.slow(2, 1.0)  # from its next fetch on, at 24 s
        sim.run(until=30)
        assert log.isr == {0, 1, 2}
    assert moves(trace)[1:3] == [
        (11.0, "isr_shrunk", "replica-2", "lag"),
        (26.0, "isr_grown", "replica-2", None),
    ]


def test_one_that_leaves_below_the_minimum_stays_complete() -> None:
    """Nothing is committed afterwards, so it may lead, even when the leader does not come back."""
    trace = Trace()
    with Simulation() as sim:
        log = in_step(sim, trace, fetch_every=0.1)
        assert log.append("a") == 0
        for number in (1, 2):
            log.kill(number)
        sim.run(until=10)
        assert (log.isr, log.elr) == ({0}, {2})  # the first left while two were enough
        with pytest.raises(NotEnoughReplicas):
            log.append("b")
        log.kill(0)
        sim.run(until=30)
        assert (log.leader, log.isr, log.elr) == (None, set(), {0, 2})
        log.restart(1)
        sim.run(until=40)
        assert log.leader is None  # it left before: it may not have all that was committed
        log.restart(2)
        sim.run(until=41)
        assert log.append("c") == 1
        assert (log.leader, log.isr, log.elr) == (2, {1, 2}, set())
        assert log.fetch(0) == ["a", "c"]


def test_the_last_complete_replica_never_leaves() -> None:
    """With a minimum of one: the log waits for it, unless an unclean election is allowed."""
    for unclean in (False, True):
        trace = Trace()
        with Simulation() as sim:
            log = in_step(sim, trace, fetch_every=0.1, min_insync_replicas=1, unclean=unclean)
            for number in (1, 2):
                log.kill(number)
            assert log.append("a") == 0 and log.isr == {0}
            log.kill(0)
            log.restart(1)
            sim.run(until=30)
            assert (log.leader, log.isr) == ((1, {1}) if unclean else (None, {0}))
            log.restart(0)
            sim.run(until=40)
            assert copies(log)[:2] == ([[], []] if unclean else [["a"], ["a"]])
        last = [record[1:] for record in moves(trace) if record[1] in ("elected", "offline")][1:]
        assert last == (
            [("elected", "replica-1", "unclean")]
            if unclean
            else [("offline", "replica-0", None), ("elected", "replica-0", "clean")]
        )


def test_a_leader_that_is_back_before_it_is_missed_is_elected_again() -> None:
    """In a new epoch; nothing is committed until the followers have fetched in it."""
    trace = Trace()
    with Simulation() as sim:
        log = in_step(sim, trace, fetch_every=1.0)
        assert log.append("a") == 0
        log.kill(0)
        log.restart(0)
        sim.run(until=sim.now + 0.1)
        assert (log.leader, log.leader_epoch) == (0, 2)
        assert log.replicas[0].known == {1: 0, 2: 0}
        assert log.append("b") == 1
    assert moves(trace) == [
        (0.0, "elected", "replica-0", "clean"),
        (2.0, "elected", "replica-0", "clean"),
    ]


def test_a_power_cut_takes_what_is_not_on_disk_and_the_place_in_the_set() -> None:
    """A kill takes neither. What was lost is fetched again, and then it is in sync."""
    trace = Trace()
    with Simulation() as sim:
        log = in_step(sim, trace, fetch_every=0.1, flush_every=5.0)
        assert log.append("a") == 0
        sim.run(until=5)
        assert [each.flushed for each in log.replicas] == [1, 1, 1]
        assert log.append("b") == 1
        log.power_cut(2)
        log.kill(1)
        assert copies(log) == [["a", "b"], ["a", "b"], ["a"]]
        log.restart(1)
        assert log.isr == {0, 1, 2}
        log.restart(2)
        assert log.isr == {0, 1}
        sim.run(until=6)
        assert log.isr == {0, 1, 2} and copies(log) == [["a", "b"]] * 3
    assert [r[:2] + r[2:4] + r[5:] for r in told(trace) if r[3] == "replica-2"][1:] == [
        (5.0, "flushed", 1, "replica-2", None),
        (5.1, "fetched", 2, "replica-2", 1),
        (5.2, "power_cut", 1, "replica-2", 1),
        (5.2, "restarted", 1, "replica-2", None),
        (5.2, "isr_shrunk", 2, "replica-2", "power"),
        (5.3, "fetched", 2, "replica-2", 1),
        (5.4, "isr_grown", 3, "replica-2", None),
    ]


@pytest.mark.parametrize(("flush_every", "left"), [(0.0, 2), (30.0, 0)])
def test_machines_that_all_lose_power_keep_what_was_flushed(flush_every: float, left: int) -> None:
    """Copies in one rack are one copy, unless the disk is written before each answer."""
    with Simulation() as sim:
        log = in_step(sim, fetch_every=0.1, flush_every=flush_every)
        assert [log.append("a"), log.append("b")] == [0, 1]
        log.power_cut(0, 1, 2)
        for number in range(3):
            log.restart(number)
        sim.run(until=20)
        assert log.leader is not None
        assert [each.end for each in log.replicas] == [left] * 3
        assert log.high_watermark == left


def test_a_power_cut_also_takes_the_page_cache_of_a_process_that_was_killed() -> None:
    """A kill leaves what was written in memory of the machine."""
    with Simulation() as sim:
        log = in_step(sim, fetch_every=0.1)
        assert log.append("a") == 0
        log.kill(2)
        assert copies(log)[2] == ["a"]
        log.power_cut(2)
        assert copies(log)[2] == []


@pytest.mark.parametrize("number", [3, -1, "0", True])
def test_a_power_cut_of_a_machine_that_there_is_not_is_refused(number: Any) -> None:
    """Before the others lose theirs."""
    with Simulation() as sim:
        log = in_step(sim)
        with pytest.raises((TypeError, ValueError), match="number must be"):
            log.power_cut(0, number)
        assert all(replica.up for replica in log.replicas)


def test_an_election_of_ones_own_is_asked_and_one_that_fails_is_replaced() -> None:
    """An answer that is not alive counts as a failure; the error surfaces from the run."""
    with Simulation() as sim:
        log = in_step(sim, elect=lambda log, alive: alive[-1])
        assert log.leader == 2
        log.kill(2)
        sim.run(until=10)
        assert log.leader == 1
    with Simulation() as sim:
        log = in_step(sim, elect=lambda log, alive: 7)
        assert log.leader == 0
        with pytest.raises(ValueError, match="the elected replica must be one of 0, 1, 2, None"):
            sim.run(until=1)


def test_a_clean_election_prefers_the_set_then_those_that_left_it_complete() -> None:
    """And then none, or with unclean elections any."""
    with Simulation() as sim:
        log = ReplicatedLog("orders", 4, runtime=sim)
        log.isr, log.elr = {3}, {1}
        assert clean_election(log, [0, 1, 2, 3]) == 3
        assert clean_election(log, [0, 1, 2]) == 1
        assert clean_election(log, [0, 2]) is None
        log.unclean = True
        assert clean_election(log, [0, 2]) == 0
        assert clean_election(log, []) is None
