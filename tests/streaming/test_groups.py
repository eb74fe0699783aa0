"""A group: who owns what, how the dead are noticed, whose commit counts."""

from __future__ import annotations

from typing import Any

import pytest

from mqlearn import Simulation, Trace
from mqlearn.streaming.consumer import Consumer
from mqlearn.streaming.event import StreamEvent
from mqlearn.streaming.stream import EventStream


class Shop:
    """A stream of four partitions in a simulation, with a group "mail"."""

    def __init__(self, sim: Simulation, **options: Any) -> None:
        self.sim, self.trace = sim, Trace()
        self.stream = EventStream("orders", 4, runtime=sim, trace=self.trace)
        self.group = self.stream.group("mail", **options)

    def fill(self, count: int = 40) -> None:
        for number in range(count):
            self.stream.append(
                StreamEvent("order", event_id=f"e{number}", partition_key=f"order-{number}")
            )

    def member(self, name: str, **options: Any) -> Consumer:
        return Consumer(self.stream, "mail", name=name, **options)

    def told(self, *events: str) -> list[tuple[Any, ...]]:
        return [
            (r.time, r.event, r.message_id, r.detail)
            for r in self.trace.records
            if r.event in events
        ]


def listen(shop: Shop, consumer: Consumer, seconds: float = 0.0) -> None:
    """A member that reads for ever, `seconds` an event."""

    def work() -> None:
        while not consumer.closed:
            for _ in consumer.poll(1):
                shop.sim.sleep(seconds)
            consumer.commit()

    shop.sim.spawn(work, name=consumer.name)


def two_at_work(sim: Simulation) -> tuple[Shop, Consumer, Consumer]:
    """Members a and b, who have been reading for ten seconds."""
    shop = Shop(sim)
    a, b = shop.member("a"), shop.member("b")
    listen(shop, a)
    listen(shop, b)
    sim.run(until=10)
    return shop, a, b


def test_a_rebalance_waits_until_all_have_given_up_what_they_had() -> None:
    """By hand: the second member gets nothing before the first has polled again."""
    with Simulation() as sim:
        shop = Shop(sim)
        a, b = shop.member("a"), shop.member("b")
        a.poll(timeout=0)
        assert (sorted(a.position), shop.group.generation) == ([0, 1, 2, 3], 1)
        b.poll(timeout=0)
        assert (sorted(a.position), b.position, shop.group.generation) == ([0, 1, 2, 3], {}, 1)
        a.poll(timeout=0)
        b.poll(timeout=0)
        assert (sorted(a.position), sorted(b.position), shop.group.generation) == (
            [0, 1],
            [2, 3],
            2,
        )


def test_a_member_that_leaves_hands_over_at_once() -> None:
    """Closing gives the partitions away now; those who wait in poll get them at the same
    instant.
    """
    with Simulation() as sim:
        shop, a, b = two_at_work(sim)
        a.close()
        sim.run(until=11)
        assert sorted(b.position) == [0, 1, 2, 3]
        assert shop.told("left", "assigned")[-2:] == [
            (10, "left", "a", None),
            (10, "assigned", "b", (0, 1, 2, 3)),
        ]


def test_a_silent_member_is_gone_when_its_session_ends() -> None:
    """It dies at 10 s; its last heartbeat was at 9; 45 s after that its partitions are somebody
    else's.
    """
    with Simulation() as sim:
        shop, a, b = two_at_work(sim)
        a.die()
        sim.run(until=53.9)
        assert sorted(b.position) == [2, 3]
        sim.run(until=54)
        assert sorted(b.position) == [0, 1, 2, 3]
        assert shop.told("evicted") == [(54, "evicted", "a", "session timeout")]


def test_a_slow_member_beats_on_and_is_gone_when_its_poll_interval_ends() -> None:
    """Heartbeats do not help a handler that takes 400 s: after 300 without a poll the member
    leaves.
    """
    with Simulation() as sim:
        shop = Shop(sim)
        shop.fill(4)
        listen(shop, shop.member("a"), seconds=400)
        sim.run(until=1000)
        assert shop.told("evicted")[0] == (300, "evicted", "a", "poll interval")
        assert shop.told("fenced")[0][0] == 400
        assert shop.group.committed == {}  # so it does the same event again, and again


def test_a_member_that_is_just_quick_enough_stays() -> None:
    """Kafka's defaults bear 300 s over 500 events: 0.6 s each is the edge, 0.59 is within it."""
    with Simulation() as sim:
        shop = Shop(sim)
        for number in range(1000):
            shop.stream.append(StreamEvent("order", event_id=f"e{number}", partition_key="same"))
        slow = shop.member("a")

        def work() -> None:
            while events := slow.poll(500):
                for _ in events:
                    sim.sleep(0.59)
                slow.commit()

        sim.spawn(work)
        sim.run(until=600)
        assert shop.told("evicted", "fenced") == []
        assert sum(shop.group.committed.values()) == 1000


def test_a_zombies_commit_is_fenced_and_the_offset_stays() -> None:
    """It stood still for 60 s, was taken for dead, and commits what its heir has long done:
    refused.
    """
    with Simulation() as sim:
        shop = Shop(sim)
        shop.fill()
        zombie, heir = shop.member("a"), shop.member("b")
        answers = []

        def sleepy() -> None:
            zombie.poll(5)
            zombie.stall(60)
            answers.append(zombie.commit())

        sim.spawn(sleepy, name="a")
        listen(shop, heir, seconds=1)
        sim.run(until=59)
        before = dict(shop.group.committed)
        assert all(before.values())
        sim.run(until=61)
        assert answers == [False]
        assert all(shop.group.committed[p] >= before[p] for p in before)
        assert {r.event for r in shop.trace.records if r.worker == "a" and r.time == 60} == {
            "fenced"
        }


def test_without_a_member_a_commit_counts_only_while_there_is_none() -> None:
    """Kafka refuses a commit from outside while the group is alive, and one of an old
    generation.
    """
    with Simulation() as sim:
        shop = Shop(sim)
        shop.fill()
        assert shop.stream.commit_offset("mail", 0, 2)
        a = shop.member("a")
        a.poll(1, timeout=0)
        assert not shop.stream.commit_offset("mail", 0, 1)
        assert not shop.stream.commit_offset("mail", 0, 1, member="a", generation=0)
        assert not shop.stream.commit_offset("mail", 0, 1, member="nobody", generation=1)
        assert shop.stream.commit_offset("mail", 0, 1, member="a", generation=1)
        a.close()
        assert shop.stream.seek("mail", 0, 0)
        assert shop.group.committed[0] == 0


def test_what_is_committed_automatically_is_what_earlier_polls_returned() -> None:
    """As in Kafka's Java client: not what was just handed out, but all that came before, every five
    seconds.
    """
    with Simulation() as sim:
        shop = Shop(sim)
        shop.fill(1)
        a = shop.member("a", auto_commit=5.0)
        assert len(a.poll(timeout=0)) == 1
        assert shop.group.committed == {}
        sim.run(until=4)
        a.poll(timeout=0)
        assert shop.group.committed == {}
        sim.run(until=5)
        a.poll(timeout=0)
        assert sum(shop.group.committed.values()) == 1


def test_a_seek_goes_back_and_the_next_commit_says_so() -> None:
    """Position is the member's own; only a commit makes it the group's."""
    with Simulation() as sim:
        shop = Shop(sim)
        shop.fill()
        a = shop.member("a")
        first = [e.event_id for e in a.poll(100, timeout=0)]
        assert a.commit()
        for partition in range(4):
            a.seek(partition, 0)
        assert sorted(e.event_id for e in a.poll(100, timeout=0)) == sorted(first)
        with pytest.raises(ValueError, match="partition must be one of"):
            shop.member("b").seek(0, 0)


def test_hooks_are_called_with_no_lock_held() -> None:
    """Another task can append while a hook works; and what was revoked is what had been
    assigned.
    """
    with Simulation() as sim:
        shop = Shop(sim)
        heard: list[Any] = []
        a = shop.member(
            "a", on_assigned=lambda got: (sim.sleep(1), heard.append(got)), on_revoked=heard.append
        )
        sim.spawn(lambda: a.poll(timeout=5))
        sim.call_at(0.5, lambda: shop.fill(1))
        sim.run(until=0.6)
        assert sum(shop.stream.get_latest_offset().values()) == 1
        sim.run(until=5)
        sim.spawn(shop.member("b").poll)
        sim.run(until=6)
        sim.spawn(a.poll)
        sim.run(until=8)
        assert heard == [[0, 1, 2, 3], [0, 1, 2, 3], [0, 1]]


def test_a_run_ends_when_all_is_committed_though_hearts_beat() -> None:
    """Heartbeats keep no simulation going; an event over which somebody died does, until another
    did it.
    """
    with Simulation() as sim:
        shop = Shop(sim)
        a, b = shop.member("a"), shop.member("b")
        sim.spawn(lambda: (a.poll(1), a.die()), name="a")
        listen(shop, b, seconds=1)
        sim.call_at(1, lambda: shop.fill(8))
        sim.run()
        assert sum(shop.group.committed.values()) == 8
        assert 45 < sim.now < 60


def test_a_member_that_never_commits_does_not_keep_a_run_going_for_ever() -> None:
    """Who waits looks at the clock only as long as somebody might still be found dead."""
    with Simulation() as sim:
        shop = Shop(sim)
        shop.fill(3)
        a = shop.member("a")

        def work() -> None:
            while True:
                a.poll()

        sim.spawn(work)
        sim.run()
        assert sim.now < 400
