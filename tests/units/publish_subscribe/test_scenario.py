"""Unit 07's scenario, and the brokers that its notebook builds in its place: who is behind,
silenced, overtaken.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mqlearn import InMemoryMessageQueue, Message, Simulation
from mqlearn.messaging.workers import Handler
from mqlearn.study.analysis.fan_outs import FanOutAnalysis
from mqlearn.study.run import Run
from mqlearn.units.publish_subscribe.by_hand import run_with_broker
from mqlearn.units.publish_subscribe.scenario import FanOut

MINUTE = FanOut(arrivals="regular")
UNEVEN = replace(MINUTE, parcel_time=0.5, parcel_fails=0.1, spread=0.9)


class Loop:
    """Calls one subscriber after the other."""

    def __init__(self, sim: Simulation) -> None:
        self.sim = sim
        self.callbacks: list[Handler] = []

    def subscribe(self, topic: str, callback: Handler) -> None:
        self.callbacks.append(callback)

    def publish(self, topic: str, message: Message) -> bool:
        for callback in self.callbacks:
            callback(message)
        return True


class Threads(Loop):
    """Starts a thread for each call."""

    def publish(self, topic: str, message: Message) -> bool:
        for callback in self.callbacks:
            self.sim.spawn(callback, message)
        return True


class Filling(Threads):
    """Puts each message into a queue that nobody drains, and tells nobody of what has no room
    there.
    """

    def __init__(self, sim: Simulation) -> None:
        super().__init__(sim)
        self.queue = InMemoryMessageQueue(300, runtime=sim)

    def publish(self, topic: str, message: Message) -> bool:
        return self.queue.send(message) and super().publish(topic, message)


def fates(run: Run) -> dict[str, dict[str, int]]:
    """What became of each subscriber's messages, zeros left out."""
    story = FanOutAnalysis(run.trace.records)
    return {
        name: {fate: n for fate, n in story.outcomes(name).items() if n} for name in story.names
    }


def test_a_loop_puts_everybody_behind_the_slowest() -> None:
    """Ten a second, a round a second: after a minute mail and parcel are 540 orders behind."""
    run = run_with_broker(MINUTE, Loop)
    slow = {"heard": 60, "behind": 540}
    assert fates(run) == {"mail": slow, "parcel": slow, "audit": {"heard": 59, "behind": 541}}
    assert run.verdict == "600 orders: mail and parcel are 540 behind, audit is 541 behind."


def test_an_exception_in_a_loop_silences_whoever_comes_after() -> None:
    """What parcel fails at is lost to it and never told to audit, which subscribed later."""
    found = fates(run_with_broker(replace(MINUTE, audit_time=0.0, parcel_fails=0.2), Loop))
    assert found == {
        "mail": {"heard": 600},
        "parcel": {"heard": 480, "lost": 120},
        "audit": {"heard": 480, "behind": 120},
    }


def test_threads_keep_no_order_no_failure_and_no_bound() -> None:
    """Nobody is far behind; most are overtaken, failures are gone, and the threads are as many as
    the calls.
    """
    found = fates(run_with_broker(UNEVEN, Threads))
    assert found == {
        "mail": {"heard": 600},
        "parcel": {"heard": 243, "late": 282, "lost": 70, "behind": 5},
        "audit": {"heard": 183, "late": 408, "behind": 9},
    }
    assert run_with_broker(replace(MINUTE, audit_time=10.0), Threads).totals["behind"] == 100


def test_a_queue_that_nobody_drains_makes_everybody_deaf_at_once() -> None:
    """Room for 300: of 600 orders all three hear the same first 300."""
    run = run_with_broker(replace(MINUTE, audit_time=0.0), Filling)
    assert fates(run) == {
        name: {"heard": 300, "behind": 300} for name in ("mail", "parcel", "audit")
    }


def test_with_a_queue_each_only_the_slow_one_is_behind() -> None:
    """Mail and parcel are not behind at all, audit is by as much as theory says and the call that
    is not over.
    """
    run = MINUTE.run(0)
    assert fates(run) == {
        "mail": {"heard": 600},
        "parcel": {"heard": 600},
        "audit": {"heard": 59, "behind": 541},
    }
    assert run.theory == {"behind": 540.0}
    assert run.verdict == "600 orders: mail and parcel are up to date, audit is 541 behind."


def test_the_uneven_day_is_in_order_and_nothing_is_lost() -> None:
    """What the threads overtake and lose, the queues keep, at the price of falling behind."""
    found = fates(UNEVEN.run(0))
    assert found == {
        "mail": {"heard": 600},
        "parcel": {"heard": 103, "behind": 497},
        "audit": {"heard": 57, "behind": 543},
    }


@pytest.mark.parametrize("seed", range(3))
def test_a_delayed_retry_costs_the_order_and_saves_nobody_elses_time(seed: int) -> None:
    """At once: in order; with a delay: a quarter of parcel's orders after a later one. Mail and
    audit never notice.
    """
    webhook = replace(MINUTE, audit_time=0.0, parcel_time=0.05, parcel_fails=0.3)
    at_once, delayed = fates(webhook.run(seed)), fates(replace(webhook, retry="delayed").run(seed))
    assert "late" not in at_once["parcel"] and 140 < delayed["parcel"]["late"] < 200
    for found in (at_once, delayed):
        assert (
            found["mail"] == found["audit"] == {"heard": 600}
            and found["parcel"].get("dead", 0) <= 8
        )


@pytest.mark.parametrize(
    ("when_full", "behind", "lost"),
    [("reject", 101, 478), ("drop_oldest", 101, 478), ("block", 579, 0)],
)
def test_only_blocking_reaches_the_others(when_full: str, behind: int, lost: int) -> None:
    """A full queue refuses or drops for audit alone; made to wait, the shop tells nobody
    anything.
    """
    run = replace(FanOut(**FanOut.PRESETS["deaf"]), when_full=when_full).run(0)
    found = fates(run)
    assert found["audit"].get("behind") == behind and found["audit"].get("lost", 0) == lost
    others = {"heard": 113, "behind": 477} if when_full == "block" else {"heard": 590}
    assert found["mail"] == found["parcel"] == others
    assert run.totals["refused"] + run.totals["dropped"] == lost


def test_what_is_dropped_is_old_and_what_is_refused_is_new() -> None:
    """Refusing, audit hears the orders of a minute ago; dropping, those of ten seconds ago."""
    slow = FanOut(**FanOut.PRESETS["the slow auditor"])

    def last_heard(scenario: FanOut) -> int:
        records = scenario.run(0).trace.records
        return max(
            int(r.message_id.partition("-")[2])
            for r in records
            if r.event == "acked" and r.source == "audit"
        )

    assert last_heard(slow) == 59
    assert last_heard(replace(slow, when_full="drop_oldest")) > 400


@pytest.mark.parametrize("settings", [{"audit_fails": 0.1}, {"queue_limit": 100}], ids=str)
def test_theory_is_silent_where_it_does_not_hold(settings: dict[str, Any]) -> None:
    """Failures and full queues are not in the formula."""
    assert replace(FanOut(), **settings).run(0).theory == {}


def test_a_prediction_is_answered() -> None:
    """The verdict says what it was."""
    assert replace(MINUTE, prediction=100.0).run(0).verdict.endswith(" You said 100, it is 541.")


def test_it_runs_on_a_runtime_that_it_is_given_and_takes_no_queue() -> None:
    """The same run in somebody else's simulation; a queue is refused, since each subscriber has its
    own.
    """
    with Simulation(4) as sim:
        run = FanOut().run(4, runtime=sim)
        assert run.trace.records == FanOut().run(4).trace.records
        with pytest.raises(ValueError, match="queue must be None"):
            FanOut().run(4, queue=InMemoryMessageQueue(runtime=sim))


@pytest.mark.parametrize("make", [Loop, Threads, Filling])
def test_a_built_broker_leaves_the_same_orders_to_be_heard(
    make: Callable[[Simulation], Loop],
) -> None:
    """Whatever it does with them, the orders that are due are those of the package's run."""

    def due(run: Run) -> list[tuple[float, str, str]]:
        return [
            (r.time, r.source, r.message_id) for r in run.trace.records if r.event == "occurred"
        ]

    assert due(run_with_broker(FanOut(), make, seed=2)) == due(FanOut().run(2))
