"""Unit 11: what its scenario does, and each figure that its notebook states."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import pytest

from mqlearn import InMemoryMessageQueue, Simulation
from mqlearn.study.run import Run
from mqlearn.units.replication.scenario import ReplicatedOrders
from mqlearn.units.replication.shop import CUT_OFF, FOLLOWERS, NOTHING, POWER, SLOW, THEN_LEADER


@lru_cache
def run(seed: int = 0, **fields: Any) -> Run:
    """A run of the scenario."""
    return ReplicatedOrders(**fields).run(seed)


def total(name: str, seeds: range = range(3), **fields: Any) -> list[float]:
    """A total of the runs of these seeds."""
    return [run(seed, **fields).totals[name] for seed in seeds]


def test_a_dead_leader_takes_half_a_fetch_with_it() -> None:
    """Prediction 1: 20 per second × 0.5 s ÷ 2 = 5 on average, at most about 10."""
    lost = total("lost", range(20), acks="1")
    assert 4 <= sum(lost) / 20 <= 6.5 and min(lost) <= 2 and max(lost) <= 13
    assert run(acks="1").theory == {"lost": 5.0}


def test_with_acks_all_none_is_lost_and_no_order_is_told_yes_for_nine_seconds() -> None:
    """Prediction 2; a till's own queue makes the longest wait longer."""
    assert total("lost") == [0, 0, 0]
    assert all(9.0 <= silence <= 10.1 for silence in total("silence_s"))
    assert all(11 <= wait <= 19 for wait in total("longest_wait_s"))


@pytest.mark.parametrize(("replicas", "expected"), [(2, 0.75), (3, 5 / 6), (5, 0.9)])
def test_a_yes_of_all_takes_two_fetches_less_a_share(replicas: int, expected: float) -> None:
    """The sum of the slowest fetch and one more, within the spread of the followers' own times."""
    fields = {"what": NOTHING, "replicas": replicas, "min_insync_replicas": 1, "tills": 400}
    assert run(**fields).theory == {"mean_wait_s": pytest.approx(expected)}
    waits = total("mean_wait_s", **fields)
    assert sum(waits) / 3 == pytest.approx(expected, rel=0.06)


def test_a_slow_follower_is_worse_than_a_slower_one() -> None:
    """At 2 s it stays in sync, at 6 s it lags for ten seconds and leaves the set."""
    slow = {"what": SLOW, "lasts": 60.0, "tills": 400}
    usual, stays, leaves = (
        run(slow_fetch=every, **slow).totals["wait_meanwhile_s"] for every in (0.5, 2.0, 6.0)
    )
    assert usual == pytest.approx(0.8, abs=0.1)
    assert stays == pytest.approx(3.4, abs=0.4) and leaves == pytest.approx(1.5, abs=0.3)


@pytest.mark.parametrize(
    ("least", "unclean", "lost", "silence"),
    [(1, "no", 0, 32), (1, "yes", 424, 9), (2, "no", 0, 30), (2, "yes", 0, 30)],
)
def test_the_lonely_leader(least: int, unclean: str, lost: int, silence: int) -> None:
    """Clean waits, unclean loses, and a minimum of two refuses: there is no third choice."""
    found = run(
        what=THEN_LEADER, min_insync_replicas=least, unclean=unclean, idempotent="no"
    ).totals
    assert (found["lost"], round(found["silence_s"])) == (lost, silence)


@pytest.mark.parametrize(
    ("acks", "lasts", "least", "most"),
    [("1", 30.0, 354, 437), ("1", 20.0, 271, 338), ("1", 8.0, 0, 0), ("all", 30.0, 0, 0)],
)
def test_a_leader_that_is_cut_off(acks: str, lasts: float, least: int, most: int) -> None:
    """Deposed after 9 s, it goes on for its half of the tills; what it acknowledged is dropped."""
    for lost in total("lost", acks=acks, what=CUT_OFF, lasts=lasts):
        assert least <= lost <= most


@pytest.mark.parametrize(
    ("every", "expected", "spread"), [(30.0, 188, 16), (5.0, 88, 11), (1.0, 8, 5), (0.0, 0, 0)]
)
def test_a_rack_without_power(every: float, expected: float, spread: float) -> None:
    """20 per second × the time since the last write, less what was not acknowledged yet."""
    for lost in total("lost", what=POWER, lasts=5.0, flush_every=every):
        assert lost == pytest.approx(expected, abs=spread)


def test_the_refusal_and_what_it_spares() -> None:
    """With two in sync as the minimum the leader alone is refused; with one it says yes alone."""
    two, one = run(what=FOLLOWERS).totals, run(what=FOLLOWERS, min_insync_replicas=1).totals
    assert two["lost"] == one["lost"] == 0
    assert (two["refusals"], one["refusals"]) == (8014, 0)
    assert round(two["longest_wait_s"]) == 38 and round(one["longest_wait_s"]) == 15


def test_numbers_keep_orders_from_being_there_twice_and_from_overtaking() -> None:
    """Without them a retry is appended again, and with five in flight some overtake."""
    many = {"in_flight": 5, "tills": 8}
    assert min(total("twice", idempotent="no")) >= 5
    assert min(total("overtaken", idempotent="no", **many)) >= 3
    assert total("twice", **many) == total("overtaken", **many) == [0, 0, 0]


def test_acks_0_promises_nothing() -> None:
    """No order is told yes, so no promise is broken, and orders are missing."""
    found = run(acks="0")
    assert found.totals["told_yes"] == found.totals["lost"] == 0
    assert found.headline == "2,446 orders, 0 told yes" and "not in the log" in found.verdict


def test_a_minimum_above_the_number_of_replicas_is_refused() -> None:
    """It could never be reached."""
    with pytest.raises(ValueError, match="min_insync_replicas must be at most replicas"):
        ReplicatedOrders(replicas=1)


def test_a_queue_is_refused() -> None:
    """A log is written here."""
    with Simulation() as sim, pytest.raises(ValueError, match="queue must be None"):
        ReplicatedOrders().run(0, runtime=sim, queue=InMemoryMessageQueue(runtime=sim))


def test_a_prediction_is_answered() -> None:
    """What was said is set beside what was."""
    assert run(acks="1", prediction=7).verdict.endswith("You said 7, it is 10.")


def test_the_tills_and_the_log_agree_on_every_yes() -> None:
    """Else the report raises UnbalancedBooks: here a yes is taken out of the records."""
    from mqlearn.runtime.books import UnbalancedBooks

    found = run()
    books = found.context.tables["promises"]
    books.check_records(found.trace.records)
    first = next(r for r in found.trace.records if r.event == "acknowledged")
    with pytest.raises(UnbalancedBooks):
        books.check_records([record for record in found.trace.records if record is not first])
