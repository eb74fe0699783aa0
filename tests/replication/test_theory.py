"""Replication against arithmetic: the wait for "all", and what a leader takes with it."""

from __future__ import annotations

from statistics import fmean

import pytest

from mqlearn import Producer, ReplicatedLog, Simulation
from mqlearn.study.analysis.promises import PromiseAnalysis

SEEDS = 20


def wait_for_all(seed: int, replicas: int, fetch_every: float) -> float:
    """The mean wait (s) of 100 appends that come at any time."""
    waits: list[float] = []
    with Simulation(seed) as sim:
        log = ReplicatedLog("orders", replicas, fetch_every=fetch_every, runtime=sim)

        def till(number: int) -> None:
            sim.sleep(20 * fetch_every * sim.draw("when", number))
            begun = sim.now
            assert log.append(number) is not None
            waits.append(sim.now - begun)

        for number in range(100):
            sim.spawn(till, number)
        sim.run()
    return fmean(waits)


@pytest.mark.parametrize("replicas", [1, 2, 3, 5])
def test_all_takes_a_fetch_and_the_slowest_of_the_others(replicas: int) -> None:
    """The longest of n - 1 times that are spread evenly over a fetch interval f is f (1 - 1/n) on
    average, and one more fetch reports it: f (2 - 1/n). Alone it takes no time.
    """
    fetch_every = 0.5
    means = [wait_for_all(seed, replicas, fetch_every) for seed in range(SEEDS)]
    theory = fetch_every * (2 - 1 / replicas) if replicas > 1 else 0.0
    assert fmean(means) == pytest.approx(theory, rel=0.05)
    # each run has phases of its own, and the wait is never below one fetch nor above two
    if replicas > 1:
        assert fetch_every < min(means) < max(means) < 2 * fetch_every
        assert max(means) - min(means) > 0.01 * theory


def lost_with_the_leader(seed: int, acks: str | int) -> int:
    """How many acknowledged values are lost, of 20 per second, fetched every 0.5 s."""
    with Simulation(seed) as sim:
        log = ReplicatedLog(
            "orders", min_insync_replicas=2, fetch_every=0.5, session_timeout=2.0, runtime=sim
        )
        tills = [Producer(log, f"till-{number}", acks=acks) for number in range(40)]

        def shop() -> None:
            for number in range(160):
                # one at any time of each twentieth of a second
                sim.sleep_until((number + sim.draw("when", number)) / 20)
                tills[number % 40].send(number)

        sim.spawn(shop)
        sim.call_at(5 + sim.draw("death"), lambda: log.kill(0))
        sim.call_at(9.0, lambda: log.restart(0))
        sim.run(until=20)
        found = PromiseAnalysis({till.name: till.told for till in tills}, log.fetch(0))
        assert found.acknowledged == found.sent == 160
        return len(found.lost)


def test_a_leader_takes_with_it_half_a_fetch_of_what_it_acknowledged_alone() -> None:
    """With acks 1, rate x f / 2 = 5 on average and at most rate x f = 10, give or take one; with
    "all" none.
    """
    lost = [lost_with_the_leader(seed, 1) for seed in range(SEEDS)]
    # the first in the set is elected, which fetched at any time of the last half second
    assert fmean(lost) == pytest.approx(5.0, abs=1.5) and 0 <= min(lost) < max(lost) <= 11
    assert [lost_with_the_leader(seed, "all") for seed in range(5)] == [0] * 5
