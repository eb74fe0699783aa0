"""How long what was done is remembered: for as long as it may be asked again, and no longer."""

from __future__ import annotations

from mqlearn import Message, RetryPolicy, Simulation, WorkerCrash, retry_horizon
from mqlearn.study.faults import Faults
from tests.messaging.once import Shop


def test_a_result_is_kept_for_the_window_and_no_longer() -> None:
    """A duplicate within the window is answered and does not make it longer; after it the work is
    done again.
    """
    with Simulation() as sim:
        shop = Shop(sim, window=20.0)
        for message_id, at in (
            ("first", 0.0),
            ("within", 20.0),
            ("at its end", 24.0),
            ("after", 24.1),
        ):
            sim.run(until=at)
            shop.send(message_id)
            shop.run(until=at)
        shop.run()
        assert [effect.time for effect in shop.ledger.effects] == [4.0, 28.1]
        assert len(shop.handler) == 1
        sim.run(until=100)
        assert len(shop.handler) == 0


def test_by_default_a_result_outlasts_every_delivery_that_may_still_come() -> None:
    """No ack ever arrives: every order is delivered again until its TTL is over, and charged
    once.
    """
    for seed in range(10):
        with Simulation(seed) as sim:
            shop = Shop(sim, workers=3, lease=7.0, seconds=2.0)
            link = Faults(lost_ack=1.0, duplicates=0.5).link(shop.queue)
            shop.queue.retry = RetryPolicy(5.0, cap=120.0)
            shop.processor.queue = link
            for number in range(10):
                link.send(
                    Message(
                        id=f"m-{number}", body={"order": f"order-{number}"}, max_retries=99, ttl=600
                    )
                )
            shop.run()
            assert set(shop.ledger.counts().values()) == {1}
            assert sim.now > 600
            assert {r.detail for r in shop.trace.records if r.event == "dead"} == set(), (
                "all of them expired"
            )
            sim.run(until=sim.now + 1000)
            assert len(shop.handler) == 0, "what cannot come again is forgotten"


def test_what_was_handed_out_in_time_and_handled_late_is_still_known() -> None:
    """Taken at the last instant of its TTL and prefetched, a message may come to its handler a
    whole lease later.
    """
    with Simulation() as sim:
        shop = Shop(sim, lease=5.0, seconds=0.0)
        message = Message(body={"order": "order-1"}, timestamp=0.0, ttl=10.0)
        for at, answered in ((1.0, 0), (10.0, 1), (15.0, 2)):
            sim.run(until=at)
            shop.handler(message)
            assert shop.handler.counts["answered"] == answered
        sim.run(until=15.1)
        assert len(shop.handler) == 0


def test_memory_follows_the_window() -> None:
    """At ten orders a second and a window of thirty seconds, three hundred results are kept, and
    nothing besides.
    """
    with Simulation() as sim:
        shop = Shop(sim, workers=1, seconds=0.0, window=30.0)
        shop.processor.start_workers(1)
        most = 0
        for number in range(2000):
            shop.send(f"m-{number}", order=f"order-{number}")
            sim.run(until=sim.now + 0.1)
            most = max(most, len(shop.handler))
        assert 295 <= most <= 305
        assert len(shop.handler._expiries) <= 305
        assert shop.handler._claims == {}


def test_memory_follows_those_who_are_alive() -> None:
    """Five thousand workers die at an order that is then dead: their claims do not pile up."""
    with Simulation() as sim:

        def dies(message: Message) -> None:
            raise WorkerCrash

        shop = Shop(sim, workers=1, lease=1.0, seconds=0.0, before=dies)
        shop.processor._pool.restart_after = 0.01
        for number in range(5000):
            shop.send(f"m-{number}", order=f"order-{number}", max_retries=0)
        shop.processor.start_workers(1)
        sim.run()
        assert shop.trace.balance().dead == 5000
        assert len(shop.handler._claims) <= 2 * 1000


def test_a_window_shorter_than_the_horizon_charges_twice() -> None:
    """Three lost acks, a lease of ten seconds: the horizon is forty, and a window of half of it
    forgets too early.
    """
    assert retry_horizon(10.0, 3) == 40.0
    charged = {}
    for window in (12.0, retry_horizon(10.0, 3)):
        with Simulation() as sim:
            shop = Shop(sim, window=window, seconds=1.0)
            shop.processor.queue = Faults(lost_ack=1.0).link(shop.queue)
            shop.send("first")
            shop.run()
            charged[window] = shop.ledger.counts()["order-1"]
    assert charged == {12.0: 2, 40.0: 1}


def test_the_horizon_adds_leases_backoffs_and_waits() -> None:
    """Four leases, three backoffs at their longest, three waits; jitter shortens nothing of the
    longest.
    """
    assert retry_horizon(30.0, 3) == 120.0
    assert retry_horizon(30.0, 3, wait=5.0) == 135.0
    for jitter in ("none", "full", "equal"):
        assert (
            retry_horizon(10.0, 3, retry=RetryPolicy(1.0, factor=2.0, cap=3.0, jitter=jitter))
            == 46.0
        )
    assert retry_horizon(10.0, 0) == 10.0
