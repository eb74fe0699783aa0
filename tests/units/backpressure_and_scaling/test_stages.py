"""Two stages, a hundred tenants, a desk, a scaler by hand: the figures in the notebook."""

import math
from collections import defaultdict
from statistics import fmean

import pytest

from mqlearn import Autoscaler, TokenBucket, scale_by_depth, scale_by_flow
from mqlearn.units.backpressure_and_scaling import (
    Rush,
    clerk_hours,
    rebookings,
    run_scaled,
    run_stages,
    run_tenants,
    staffed,
    wait_p95,
)

BIG = {"max_size": 1_000_000}
BLOCK = {"max_size": 50, "on_full": "block"}


def check(work, edge, middle):
    """The notebook's checker."""
    while True:
        order = edge.receive()
        work(order)
        middle.send(order)
        edge.ack(order)


def test_without_a_limit_an_order_takes_ever_longer():
    """Four minutes after ten; nothing is refused, thousands wait."""
    found = run_stages(check, edge=BIG, middle=BIG)
    assert found.seconds > 240 and found.waiting > 4000
    assert found.refused_at_the_edge == found.checked_then_refused == 0


def test_a_limit_in_the_middle_wastes_the_checks():
    """Four thousand orders are checked and then refused."""
    found = run_stages(check, edge=BIG, middle={"max_size": 50})
    assert 3_900 < found.checked_then_refused < 4_400 and found.seconds < 10


def test_blocking_slows_the_producer_to_the_slowest_stage():
    """Little: 114 in the house at 8 per second."""
    found = run_stages(check, edge=BLOCK, middle=BLOCK)
    assert found.sent_per_s == pytest.approx(8.0, abs=0.4) == found.done_per_s
    assert found.seconds == pytest.approx(114 / 8, abs=1.5) and found.waiting == 100


def test_an_edge_that_rejects_gives_the_same_rate_in_a_fifth_of_the_time():
    """Buffers add delay, not throughput."""
    found = run_stages(check, edge={"max_size": 10}, middle={"max_size": 2, "on_full": "block"})
    assert found.done_per_s == pytest.approx(8.0, abs=0.4) and found.seconds < 3.5
    assert found.checked_then_refused == 0 < found.refused_at_the_edge


@pytest.mark.parametrize(("lease", "twice"), [(30.0, 10), (120.0, 0)])
def test_a_lease_that_ends_while_blocked_has_the_order_checked_twice(lease, twice):
    """All ten in the checkers' hands."""
    edge = BLOCK | {"visibility_timeout": lease}
    found = run_stages(check, edge=edge, middle=BLOCK, stands=(60.0, 150.0), seconds=300.0)
    assert found.checked_twice == twice


def test_the_noisy_tenant_is_felt_by_all_or_by_none():
    """On one line by all; with a bucket for each tenant, or served in turn, by none."""
    buckets = defaultdict(lambda: TokenBucket(1.0, 10))
    one, bucket, turn = (
        run_tenants(),
        run_tenants(allow=lambda tenant, now: buckets[tenant].allow(now)),
        run_tenants(in_turn=True),
    )
    assert one.suffering == 1.0 and one.quiet_p95 > 500
    assert bucket.suffering == turn.suffering == 0
    assert bucket.refused > 5_000 and turn.refused == 0 and 700 < turn.noisy_longest < 740


def test_shards_are_felt_by_a_quarter_and_pairs_by_one_in_28():
    """The mean of six seeds, each with the tenants placed anew."""
    four = fmean(run_tenants(lines=4, seed=seed).suffering for seed in range(6))
    pairs = fmean(run_tenants(lines=8, choices=2, seed=seed).suffering for seed in range(6))
    assert four == pytest.approx(1 / 4, abs=0.06) and pairs == pytest.approx(1 / 28, abs=0.025)


DAY = Rush(
    rate=2.0, trouble="rush", size=6.0, starts=300.0, lasts=600.0, window=1200.0, workers=3,
    service=1.0,
)  # fmt: skip


def by_depth(start_up):
    """The notebook's loop."""

    def autoscale(sim, queue, processor):
        while True:
            wanted = math.ceil(queue.size() / 10)
            processor.scale_to(min(100, max(3, wanted)), start_up=start_up)
            sim.sleep(15.0)

    return autoscale


def scaled(rule):
    """The package's autoscaler in the same place."""

    def start(sim, queue, processor):
        Autoscaler(processor, rule, every=15.0, start_up=60.0, limits=(3, 100)).start()

    return run_scaled(DAY, start)


def test_a_loop_by_hand_is_the_packages_autoscaler():
    """The same totals; and with a start-up it hunts, where the flow rule does not."""
    ours, theirs, flow = (
        run_scaled(DAY, by_depth(60.0)).totals,
        scaled(scale_by_depth(10)).totals,
        scaled(scale_by_flow()).totals,
    )
    at_once = run_scaled(DAY, by_depth(0.0)).totals
    assert ours == theirs
    assert ours["peak"] > 1.5 * flow["peak"] and at_once["peak"] < 20
    assert ours["worker_min"] > 1.8 * flow["worker_min"]
    # a rule that reacts has no worker before the start-up is over
    assert all(50 < totals["longest_s"] < 75 for totals in (ours, flow))
    assert at_once["p95_wait_s"] < 15 < flow["p95_wait_s"] < ours["p95_wait_s"]


def test_the_rebooking_desk():
    """Jobs of both days, waits and hours, as the notebook says."""
    good, bad = rebookings("2013-12-02"), rebookings("2013-07-10")
    assert (len(good), len(bad)) == (64, 364)
    assert [round(wait_p95(bad, clerks=clerks)) for clerks in (3, 8, 10)] == [550, 14, 7]
    assert [round(clerk_hours(bad, clerks)) for clerks in (3, 8, 10)] == [87, 169, 212]
    assert wait_p95(good, clerks=3) == 0
    assert [round(wait_p95(bad, clerks=8, lines=4, by=by)) for by in ("flight", "carrier")] == [
        45,
        224,
    ]
    with pytest.raises(ValueError, match="clerks must be a multiple of lines=4, got 9"):
        wait_p95(bad, clerks=9, lines=4)


@pytest.mark.parametrize(("minutes", "p95", "hours"), [(0, 14, 79), (45, 41, 110)])
def test_clerks_that_come_when_they_are_called(minutes, p95, hours):
    """The rule by depth on the bad day."""
    found = staffed(
        rebookings("2013-07-10"),
        lambda seen: (seen.waiting + seen.busy) * 10 / 20,
        start_up=minutes,
    )
    assert tuple(map(round, found)) == (p95, hours)
