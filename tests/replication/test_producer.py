"""A producer: what it tells of each value, its order, and what its numbers are for."""

from __future__ import annotations

import pytest

from mqlearn import Producer, Simulation, Trace
from mqlearn.study.analysis.promises import PromiseAnalysis
from tests.replication.pace import copies, in_step

ANSWERS = ("acknowledged", "unanswered", "refused", "sent_again")


def test_it_sends_in_order_one_after_the_other() -> None:
    """The next value goes when the one before was answered; `send` does not wait."""
    with Simulation() as sim:
        log = in_step(sim, fetch_every=1.0)
        till = Producer(log, "till")
        for number in range(3):
            till.send(f"order-{number}")
        assert (till.pending, set(till.told.values())) == (3, {"nothing"})
        sim.run(until=1.5)
        assert copies(log)[0] == ["order-0"]
        sim.run()
        assert (sim.now, till.pending) == (6.0, 0)
        assert till.told == {"order-0": "yes", "order-1": "yes", "order-2": "yes"}
        assert log.fetch(0) == ["order-0", "order-1", "order-2"]


def test_it_asks_again_until_it_is_told_yes() -> None:
    """Refused without a leader, unanswered by one that dies: the number keeps it from being there
    twice.
    """
    trace = Trace()
    with Simulation() as sim:
        log = in_step(sim, trace, fetch_every=1.0, session_timeout=0.3)
        till = Producer(log, "till")
        sim.run(until=2.5)
        till.send("order-1")
        sim.run(until=3.5)  # both followers have it, and the leader has not heard of it
        log.kill(0)
        sim.run()
        assert till.told == {"order-1": "yes"} and copies(log)[1] == ["order-1"]
    assert [
        (round(r.time, 2), r.event, r.worker, r.attempt, r.detail)
        for r in trace.records
        if r.event in ANSWERS
    ] == [
        (3.5, "unanswered", "replica-0", 0, None),
        (3.6, "sent_again", "till", 2, None),
        (3.6, "refused", "replica-0", 0, "NotLeader"),
        (3.7, "sent_again", "till", 3, None),
        (3.7, "refused", "replica-0", 0, "NotLeader"),
        (3.8, "sent_again", "till", 4, None),
        (3.8, "refused", "replica-0", 0, "NotLeader"),
        (3.9, "sent_again", "till", 5, None),
        (4.0, "acknowledged", "replica-1", 0, None),
    ]


@pytest.mark.parametrize(("idempotent", "there"), [(True, 1), (False, 2)])
def test_without_numbers_what_is_asked_again_is_there_twice(idempotent: bool, there: int) -> None:
    """The next leader cannot know that it has it."""
    with Simulation() as sim:
        log = in_step(sim, fetch_every=1.0, session_timeout=0.3)
        till = Producer(log, "till", idempotent=idempotent)
        sim.run(until=2.5)
        till.send("order-1")
        sim.run(until=3.5)
        log.kill(0)
        sim.run()
        assert copies(log)[1] == ["order-1"] * there
        assert len(PromiseAnalysis({"till": till.told}, log.fetch(0)).twice) == there - 1


@pytest.mark.parametrize(
    ("idempotent", "order"), [(True, ["a", "b", "c"]), (False, ["b", "c", "a"])]
)
def test_with_several_in_flight_a_number_keeps_the_order(
    idempotent: bool, order: list[str]
) -> None:
    """A value that is refused is overtaken by those behind it, unless they have numbers."""
    with Simulation() as sim:
        log = in_step(sim, fetch_every=1.0)
        till = Producer(log, "till", idempotent=idempotent, in_flight=3)
        till.to = 1  # which does not lead: the first is refused
        for value in "abc":
            till.send(value)
        sim.run()
        assert log.fetch(0) == order and set(till.told.values()) == {"yes"}
        found = PromiseAnalysis({"till": till.told}, log.fetch(0)).overtaken
        assert found == ([] if idempotent else ["a"])


def test_it_gives_up_after_a_time_and_counts_again_under_another_name() -> None:
    """The number that was given up would be a gap for all that follow."""
    with Simulation() as sim:
        log = in_step(sim, fetch_every=0.1)
        till = Producer(log, "till", timeout=1.0, delivery_timeout=3.0)
        log.kill(1), log.kill(2)
        till.send("a")
        sim.run()
        assert sim.now == pytest.approx(3.2) and till.told == {"a": "maybe"}
        sim.run(until=20)
        till.send("b")  # too few are in sync now: refused for three seconds
        sim.run()
        assert till.told == {"a": "maybe", "b": "no"}
        log.restart(1), log.restart(2)
        sim.run(until=30)
        till.send("c")
        sim.run()
        assert [(e.value, e.producer, e.sequence) for e in log.replicas[0].log] == [
            ("a", "till/1", 1),
            ("c", "till/3", 1),
        ]


def test_with_several_in_flight_those_behind_one_that_was_given_up_get_new_numbers() -> None:
    """Else they would be refused until their own time is over."""
    with Simulation() as sim:
        log = in_step(sim, fetch_every=0.1)
        till = Producer(log, "till", in_flight=2, delivery_timeout=2.0)
        log.partition(0), log.kill(1), log.kill(2)
        sim.run(until=20)
        log.kill(0)
        till.send("a")
        sim.run(until=21)
        till.send("b")
        sim.run(until=22)
        for number in range(3):
            log.restart(number)
            log.partition(number, cut=False)
        sim.run()
        assert till.told == {"a": "no", "b": "yes"}
        assert [(e.producer, e.sequence) for e in log.replicas[0].log] == [("till/2", 1)]


def test_zero_is_told_nothing_and_is_not_sent_again() -> None:
    """Only where there is no leader to send to it knows that nothing was sent."""
    with Simulation() as sim:
        log = in_step(sim)
        till = Producer(log, "till", acks=0)
        till.send("a")
        sim.run()
        log.kill(0)
        till.send("b")
        sim.run()
        assert (till.told, sim.now) == ({"a": "nothing", "b": "no"}, 0.0)


def test_numbers_need_all() -> None:
    """With acks 1 an acknowledged number may be lost, and all that follow would be refused."""
    with Simulation() as sim:
        log = in_step(sim)
        assert [Producer(log, "x", acks=acks).idempotent for acks in ("all", 1, 0)] == [
            True,
            False,
            False,
        ]


def test_one_that_believes_in_an_old_leader_is_told_yes_by_it_with_acks_1() -> None:
    """Until that leader says that it leads no more: then it asks the controller."""
    with Simulation() as sim:
        log = in_step(sim, fetch_every=0.1)
        till = Producer(log, "till", acks=1)
        log.partition(0)
        till.to = 0
        sim.run(until=20)
        assert log.leader == 1
        till.send("a")
        sim.run()
        assert (till.told, till.to) == ({"a": "yes"}, 0)
        log.partition(0, cut=False)
        sim.run(until=21)
        till.send("b")
        sim.run()
        assert (till.told, till.to, log.fetch(0, committed=False)) == (
            {"a": "yes", "b": "yes"},
            None,
            ["b"],
        )
        found = PromiseAnalysis({"till": till.told}, log.fetch(0, committed=False))
        assert found.lost == ["a"]


def test_a_value_is_sent_once_and_can_be_a_key() -> None:
    """Else `told` could not say what became of it."""
    with Simulation() as sim:
        till = Producer(in_step(sim), "till")
        till.send("a")
        with pytest.raises(ValueError, match="value must be new to till, got 'a'"):
            till.send("a")
        with pytest.raises(TypeError, match=r"value must be hashable, got \['a'\]"):
            till.send(["a"])  # type: ignore[arg-type]
        assert list(till.told) == ["a"] and till.pending == 1
