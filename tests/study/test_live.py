"""The last scenarios on real threads: they end, their books balance, and they say what a simulation
says.
"""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from mqlearn import ThreadRuntime
from mqlearn.study.analysis.fan_outs import FanOutAnalysis
from mqlearn.study.analysis.logs import LogAnalysis, at
from mqlearn.study.run import Run
from mqlearn.units.consumer_groups.scenario import SharedPartitions
from mqlearn.units.event_streams.scenario import ReadingTheLog
from mqlearn.units.publish_subscribe.scenario import FanOut
from tests.study.hurried import Hurried

Live = Callable[[Any], Run]


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> Live:
    """Run a scenario with seed 3, sixty times as fast as it would be; nothing may be raised on any
    of its threads.
    """

    def run(scenario: Any) -> Run:
        raised: list[Any] = []
        monkeypatch.setattr(threading, "excepthook", raised.append)
        found: Run = scenario.run(3, runtime=Hurried(seed=8, speed=60.0))
        assert scenario.window <= found.until and found.trace.records[0][0] >= 0
        assert found.trace.balance() and not raised
        return found

    return run


def appended(run: Run) -> dict[str, int]:
    """The partition of each event."""
    return {
        record.message_id: record.detail
        for record in run.trace.records
        if record.event == "appended"
    }


def test_a_slow_subscriber_slows_nobody_on_threads(live: Live) -> None:
    """Audit hears an order in two seconds, the rest is lost or waits; mail and parcel go on."""
    run = live(FanOut(window=30.0, queue_limit=100, audit_time=2.0))
    story = FanOutAnalysis(run.trace.records)
    fates = {name: story.outcomes(name) for name in story.names}
    assert {sum(fate.values()) for fate in fates.values()} == {run.totals["published"]}
    # two seconds each, however late a busy machine is
    assert 0 < fates["audit"]["heard"] <= run.until / 2 + 1
    assert fates["audit"]["heard"] < min(fates["mail"]["heard"], fates["parcel"]["heard"])
    assert fates["audit"]["dead"] == 0 and run.totals["behind"] == fates["audit"]["behind"] > 0
    assert f"Lost: audit {fates['audit']['lost']}" in run.verdict


def test_a_shop_on_threads_ends_with_its_run(live: Live) -> None:
    """What a publisher that was blocked does after the observation is not in the books, which stay
    as they were.
    """
    run = live(FanOut(window=30.0, queue_limit=5, audit_time=5.0, when_full="block"))
    for task in threading.enumerate():
        if task.name == "shop":
            task.join(10.0)
    books = run.trace.balance()
    assert books.accepted > 0 and books.dropped == books.purged == 0


def test_readers_on_threads_skip_what_was_dropped_while_they_were_away(live: Live) -> None:
    """The same events in the same partitions as in the simulation; a reader commits what it has
    read, one after it.
    """
    scenario = ReadingTheLog(
        window=60.0, retention=10.0, away_from=10.0, away_to=40.0, read_time=0.05
    )
    run, calm = live(scenario), appended(scenario.run(3))
    found, story = appended(run), LogAnalysis(run.trace.records)
    assert found and found.items() <= calm.items()
    assert all(0 < at(story.position, p) <= story.size(p) for p in story.partitions)
    assert run.totals["lost"] > 0 and " never read." in run.verdict
    assert (
        0
        <= run.totals["read"] - sum(story.read(p) for p in story.partitions)
        <= scenario.partitions
    )


def test_the_next_owners_after_a_death_lose_nothing_on_threads(live: Live) -> None:
    """Commits come after the mails: some orders are mailed twice, none never."""
    # It has half a second of real time to mail one order, and far too little for a whole batch.
    run = live(
        SharedPartitions(window=60.0, backlog=400, batch=50, mail_time=0.8, what="dies", at=30.0)
    )
    assert run.totals["twice"] > 0 == run.totals["lost"]
    assert run.totals["generations"] >= 2 and "0 never will be" in run.verdict


def test_a_live_run_counts_from_zero_and_draws_by_its_seed() -> None:
    """Not from the epoch, and not by the seed of the runtime that was given."""
    given = ThreadRuntime(seed=8)
    fresh = given.fresh(3)
    assert given.now > 1e9 and 0 <= fresh.now < 1e6
    assert fresh.draw("x") == ThreadRuntime(seed=3).draw("x") != given.draw("x")
