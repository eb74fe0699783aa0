"""Unit 11: the copies that its notebook makes by hand, and the readers."""

import pytest

from mqlearn import ReplicatedLog
from mqlearn.units.replication import (
    ReplicatedOrders,
    lost_orders,
    run_with_copies,
    run_with_reader,
)


class NaiveReplicas:
    """Three lists, and a task that copies the leader's to the others twice per second."""

    def __init__(self, sim):
        self.logs, self.leader, self.sim = [[], [], []], 0, sim
        sim.spawn(self.copy, name="copier", daemon=True)

    def append(self, order):
        """Append it to the leader's list and say yes."""
        self.logs[self.leader].append(order)
        return True

    def copy(self):
        """Copy the leader's list to all."""
        while True:
            self.sim.sleep(0.5)
            for log in self.logs:
                log[:] = self.logs[self.leader]

    def kill(self):
        """Lose the leader's list, and go on with the next."""
        self.logs[self.leader], self.leader = [], self.leader + 1


class WaitsForAll(NaiveReplicas):
    """Says yes when all lists have the order."""

    def append(self, order):
        """Wait for all."""
        super().append(order)
        while not all(order in log for log in self.logs):
            self.sim.sleep(0.05)
        return True


class WithoutOne(WaitsForAll):
    """Nothing copies to the last list."""

    def copy(self):
        """Copy to the second list only."""
        while True:
            self.sim.sleep(0.5)
            self.logs[1][:] = self.logs[self.leader]


def test_a_copy_that_comes_later_loses_what_came_since() -> None:
    """At six moments between two copies: 10, 2, 4, 6, 8, 10 of 399."""
    lost = [run_with_copies(NaiveReplicas, at=10 + k / 10).totals["lost"] for k in range(6)]
    assert lost == [10, 2, 4, 6, 8, 10]
    assert run_with_copies(NaiveReplicas).verdict == (
        "399 of 399 orders acknowledged, 6 of them lost."
    )


def test_one_that_waits_for_all_breaks_no_promise() -> None:
    """The six orders have no answer; with a dead follower no order is ever answered."""
    run = run_with_copies(WaitsForAll)
    assert run.totals == {"orders": 399, "told_yes": 393, "lost": 0}
    assert run_with_copies(WithoutOne, at=20).totals["told_yes"] == 0


def test_the_packages_class_loses_the_same_orders() -> None:
    """With seed 14 its first follower fetches just when the copier copies."""
    packaged = run_with_copies(
        lambda sim: ReplicatedLog("orders", fetch_every=0.5, runtime=sim), seed=14
    )
    assert lost_orders(packaged) == lost_orders(run_with_copies(NaiveReplicas))
    assert lost_orders(packaged) == [f"order-{number}" for number in range(200, 206)]


@pytest.mark.parametrize(("committed", "phantoms"), [(True, 0), (False, 2)])
def test_a_reader_below_the_watermark_ships_nothing_that_is_lost(committed, phantoms) -> None:
    """One that reads to the leader's end does, if the leader dies."""
    got = run_with_reader(
        ReplicatedOrders(acks="1"), lambda log, offset: log.fetch(offset, committed=committed)
    )
    assert got["in no log"] == phantoms and got["read twice"] == 0


def test_after_an_unclean_election_a_reader_stands_beyond_the_end() -> None:
    """It begins again at 0, and reads most of the log twice."""
    scenario = ReplicatedOrders(**ReplicatedOrders.PRESETS["the lonely leader"])
    got = run_with_reader(scenario, lambda log, offset: log.fetch(offset))
    assert got == {"read": 2444, "in no log": 422, "read twice": 772}
