"""Unit 13: what its scenario does, and each figure of its presets."""

from __future__ import annotations

from functools import lru_cache
from statistics import median

import pytest

from mqlearn.study.run import Run
from mqlearn.units.monitoring.scenario import WatchedShop
from mqlearn.units.monitoring.shop import ONSET, arrival_times


@lru_cache(maxsize=256)
def run_of(name: str = "", seed: int = 0, **changes: object) -> Run:
    """The run of a preset."""
    return WatchedShop(**{**WatchedShop.PRESETS.get(name, {}), **changes}).run(seed)  # type: ignore[arg-type]


def pages(name: str = "", seeds: int = 5, **changes: object) -> list[float | None]:
    """The seconds from the failure to the page in each seed."""
    return [run_of(name, seed, **changes).totals.get("paged_after_s") for seed in range(seeds)]


def false_pages(name: str = "", seeds: int = 5, **changes: object) -> float:
    """False pages per run."""
    return sum(run_of(name, seed, **changes).totals["false_pages"] for seed in range(seeds)) / seeds


def test_the_monday_page_wakes_for_nothing_and_the_age_does_not() -> None:
    """By depth false pages come with the rush; the age of the oldest pages later, and truly."""
    aged = {"alarm": "oldest", "threshold": 60.0}
    deep = pages("the Monday page")
    assert false_pages("the Monday page") >= 1.5 and 20 <= min(deep) <= max(deep) <= 80  # type: ignore[operator, type-var]
    assert false_pages("the Monday page", **aged) == 0
    old = pages("the Monday page", **aged)
    assert 80 <= min(old) <= max(old) <= 220  # type: ignore[operator, type-var]


def test_a_silent_consumer_is_heard_by_the_cards_alone() -> None:
    """No number of the queue pages; orders that are done and not charged do at the second look."""
    for alarm, threshold in (
        ("oldest", 60.0),
        ("depth", 20.0),
        ("errors", 20.0),
        ("dead letters", 4.0),
    ):
        assert pages("the silent consumer", alarm=alarm, threshold=threshold) == [None] * 5
    assert pages("the silent consumer", alarm="not charged", threshold=5.0) == [10.0] * 5
    assert run_of("the silent consumer").verdict == (
        "Never paged; no false page in 15 calm minutes. 1,208 orders acked and never charged. "
        "1 order missed the goal of 60 s, 1 died."
    )


def test_a_burn_rate_of_what_is_done_pages_when_it_is_over() -> None:
    """All workers are gone for 300 s; judged at the deadline it pages after 103 s, at a look."""
    assert pages("paged when it was over") == [310.0] * 5
    said = run_of("paged when it was over").verdict
    assert said.startswith("Paged at 310 s; the workers had been back for 10 s; no false page")
    judged = {"alarm": "burn at the deadline"}
    assert set(pages("paged when it was over", **judged)) <= {100.0, 110.0, 120.0}
    assert median(pages("paged when it was over", **judged)) == 110.0  # type: ignore[type-var]
    assert (
        "theory 60 + 14.4 × 1% × 300 = 103 s" in run_of("paged when it was over", **judged).verdict
    )


def test_thirty_per_cent_of_failed_tries_kill_hardly_an_order() -> None:
    """0.3 to the fourth is 0.8 %: an alarm on errors pages, a burn rate does not."""
    assert None not in pages("thirty per cent fail")
    burn = {"alarm": "burn at the deadline", "threshold": 14.4}
    assert pages("thirty per cent fail", **burn) == [None] * 5
    dead = [run_of("thirty per cent fail", seed).totals["dead"] - 1 for seed in range(5)]
    assert sum(dead) / 5 == pytest.approx(1200 * 0.3**4, abs=5)


def test_one_poison_order_is_one_false_page() -> None:
    """In each seed, and nothing has failed."""
    assert false_pages("one poison order") == 1.0
    assert run_of("one poison order").verdict.startswith("No failure, and 1 false page in 25 calm")


@pytest.mark.parametrize(
    ("changes", "expected", "low"),
    [
        # an order that failed once waits in line again: the oldest is older than the line is long
        ({"alarm": "oldest", "threshold": 60.0}, 150, 0.6),
        ({"alarm": "oldest", "threshold": 120.0}, 300, 0.6),
        ({"alarm": "oldest", "threshold": 60.0, "hold": 60.0}, 210, 0.6),
        ({"alarm": "depth", "threshold": 100.0}, 125, 0.8),
        ({"failure": "slow service", "alarm": "depth", "threshold": 200.0}, 278, 0.8),
    ],
)
def test_theory_expects_the_page(changes: dict[str, object], expected: float, low: float) -> None:
    """The median of five seeds is near it; for the age of the oldest it is the latest to expect."""
    assert run_of(**changes).theory["page"] == pytest.approx(expected, rel=0.01)
    assert low * expected <= median(pages(**changes)) <= 1.2 * expected  # type: ignore[operator, type-var]


@pytest.mark.parametrize("failure", ["none", "service down", "acks and does nothing"])
def test_where_theory_is_silent_there_is_none(failure: str) -> None:
    """It is about too little service."""
    assert run_of(failure=failure).theory == {}


def test_a_page_before_the_failure_is_false_and_no_other_comes() -> None:
    """An alarm that is always on says nothing."""
    run = run_of(alarm="oldest", threshold=0.0)
    assert run.verdict.startswith("The alarm was on already when the workers went; ")
    assert "paged_after_s" not in run.totals and run.totals["false_pages"] >= 1


def test_a_prediction_is_answered() -> None:
    """In seconds; or never."""
    assert run_of(prediction=43.0).verdict.endswith("You said 43 s, it is 50 s.")
    assert run_of("the silent consumer", prediction=43.0).verdict.endswith(
        "You said 43 s, it is never."
    )


def test_the_watch_is_what_the_run_did() -> None:
    """The last sample agrees with the books, each page is in the trace, the value has a limit."""
    run = run_of("the Monday page")
    watch, books = run.context.tables["signals"], run.trace.balance()
    last = watch.samples[-1]
    assert last.now == 1500.0 and len(watch.samples) == len(watch.values) == 150
    assert (last.sent, last.done, last.dead) == (books.accepted, books.completed, books.dead)
    told = [record.time for record in run.trace.records if record.event == "paged"]
    assert [time for time, _ in watch.pages] == told
    assert [real for _, real in watch.pages] == [time >= ONSET for time in told]
    assert watch.limit == 20.0 and watch.compared == "orders that wait"
    assert watch.allowed == 51_840


def test_no_order_is_sent_while_the_producer_is_down() -> None:
    """The others are those of the same seed, and are handled alike."""
    calm, down = run_of(failure="none"), run_of(failure="producer down", lasts=300.0)
    sent = {r.message_id: r.time for r in calm.trace.records if r.event == "sent"}
    left = {r.message_id: r.time for r in down.trace.records if r.event == "sent"}
    assert left.items() <= sent.items()
    assert all(900 <= sent[name] < 1200 for name in sent.keys() - left.keys())
    assert len(sent) - len(left) > 500


def test_a_rush_brings_the_same_orders_earlier() -> None:
    """Half as many again between 300 and 700 s."""
    from mqlearn import Simulation

    with Simulation(3) as sim:
        calm, rush = (arrival_times(WatchedShop(monday=monday), sim) for monday in (1.0, 1.5))
    assert calm[:500] == rush[:500]
    assert sum(300 <= time < 700 for time in rush) == pytest.approx(1200, rel=0.08)
    assert rush[-1] <= 1500 and len(rush) > len(calm)


def test_workers_that_go_finish_their_order_and_come_back() -> None:
    """Three are left from 900 to 1,000 s, five new ones begin then."""
    run = run_of(lasts=100.0)
    busy = run.depth()["in_flight"]
    assert busy[910.0:999.0].max() == 3  # type: ignore[misc]
    assert busy[1000.0:1010.0].max() == 8  # type: ignore[misc]
    assert all(r.event != "lease_lost" for r in run.trace.records)


def test_a_service_that_stands_still_goes_on_when_it_recovers() -> None:
    """At a severity of 1 no call ends while it lasts."""
    run = run_of(failure="slow service", severity=1.0, lasts=200.0)
    done = [r.time for r in run.trace.records if r.event == "acked"]
    assert not any(915 < time < 1100 for time in done) and any(1100 < time < 1110 for time in done)


def test_one_kind_fails_at_each_try() -> None:
    """A fifth of the orders: about as many die, once their retries are over."""
    run = run_of(failure="one kind fails", severity=0.2)
    assert run.totals["dead"] == pytest.approx(0.2 * 1200, rel=0.15)


def test_each_worker_has_a_name_of_its_own() -> None:
    """Those that go are a pool of their own, and the step-through knows a worker by its name."""
    run = WatchedShop(failure="workers gone").run(0)
    assert len(run.at(880.0).workers) == run.scenario.workers == 8
