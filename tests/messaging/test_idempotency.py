"""Done once for each business key: claims, and stored results."""

from __future__ import annotations

from contextlib import suppress

import pytest

from mqlearn import (
    InMemoryMessageQueue,
    Message,
    MessageProcessor,
    Reject,
    Release,
    Simulation,
    ThreadRuntime,
    WorkerCrash,
)
from mqlearn.messaging import idempotency
from mqlearn.study.card import EffectLedger, KeyedCard, PlainCard
from mqlearn.study.faults import Faults
from tests.house.world import Plain
from tests.messaging import once
from tests.messaging.once import Shop, order_of


def test_a_duplicate_of_work_that_is_going_on_is_put_off_and_later_answered() -> None:
    """It is released with a delay, unspent, not acked; once the first is done it is acked from the
    stored result.
    """
    with Simulation() as sim:
        shop = Shop(sim, delay=3.0)
        shop.send("first", "again")
        assert shop.run() == [
            (0.0, "postponed", "again"),
            (3.0, "postponed", "again"),
            (4.0, "acked", "first"),
            (6.0, "acked", "again"),
        ]
        assert shop.ledger.counts() == {"order-1": 1}
        assert shop.handler.counts == {"worked": 1, "answered": 1, "put_off": 2}
        assert all(
            record.attempt == record.receipt or record.message_id == "again"
            for record in shop.trace.records
            if record.event == "acked"
        )


def test_a_stored_result_is_the_answer_to_every_later_duplicate() -> None:
    """The handler is not called again, and what it returned the first time is returned."""
    with Simulation() as sim:
        queue, answers, calls = InMemoryMessageQueue(runtime=sim), [], []
        handler = once.IdempotentHandler(
            lambda message: calls.append(message.id) or {"receipt": len(calls)}, queue, key=order_of
        )
        for name in ("a", "b", "c"):
            queue.send(Message(id=name, body={"order": "x" if name != "c" else "y"}))
            answers.append(handler(queue.receive(0) or Message()))
        assert (calls, answers) == (["a", "c"], [{"receipt": 1}, {"receipt": 1}, {"receipt": 2}])


def test_the_work_of_a_worker_that_dies_is_done_by_the_duplicate_or_the_redelivery() -> None:
    """A duplicate acked while the first was at it would have lost the work; put off, it takes over
    after the lease.
    """
    with Simulation() as sim:
        deaths = iter([True])

        def dies(message: Message) -> None:
            if next(deaths, False):
                raise WorkerCrash

        shop = Shop(sim, before=dies, delay=1.0)
        shop.send("first", "again")
        events = shop.run()
        assert shop.ledger.counts() == {"order-1": 1}
        assert (10.0, "lease_lost", "first") in events
        assert {event for time, event, _ in events if time < 10.0} == {"postponed"}
        assert sorted(name for _, event, name in events if event == "acked") == ["again", "first"]


@pytest.mark.parametrize("hides", [False, True], ids=["raised", "swallowed"])
def test_a_claim_ends_with_the_lease_of_the_dead_not_before(hides: bool) -> None:
    """For as long as the lease runs, which a heartbeat made longer, the duplicate is put off; then
    it works.
    """
    with Simulation() as sim:

        def beats_and_dies(message: Message) -> None:
            if message.id == "first" and message.attempt == 1:
                shop.queue.extend(message, 46.0)
                try:
                    raise WorkerCrash
                except WorkerCrash:
                    if not hides:
                        raise

        shop = Shop(sim, workers=1, before=beats_and_dies, delay=7.0)
        shop.processor._pool.restart_after = 0.0
        shop.send("first", max_retries=0)
        shop.run(until=5.0)
        shop.send("again")
        events = shop.run()
        assert [time for time, event, _ in events if event == "postponed"] == [
            5.0,
            12.0,
            19.0,
            26.0,
            33.0,
            40.0,
            47.0,
        ]
        assert (50.0, "dead", "first") in events
        assert events[-1] == (58.0, "acked", "again")
        assert shop.handler.counts["worked"] == 1


def test_a_failure_ends_the_claim_at_once() -> None:
    """False, an exception, a rejection and a release each leave the work to whoever comes next."""
    for answer in (False, OSError("no answer"), Reject("closed"), Release(60.0)):
        with Simulation() as sim:

            def fails(message: Message, answer: object = answer) -> object:
                if message.id == "first" and message.attempt == 1:
                    if isinstance(answer, Exception):
                        raise answer
                    return answer
                return "charged"

            shop = Shop(sim, workers=1, after=fails)
            shop.send("first", "again", max_retries=0)
            events = shop.run(until=8.0)
            assert events[-1] == (8.0, "acked", "again"), answer
            assert shop.handler.counts == {"worked": 1, "answered": 0, "put_off": 0}
    # also where no queue can be asked
    for answer in (lambda message: False, lambda message: 1 / 0):
        handler = once.IdempotentHandler(answer, Plain(), key=order_of)
        with suppress(ZeroDivisionError):
            handler(Message(body={"order": "x"}))
        handler.handler = lambda message: "charged"
        assert handler(Message(body={"order": "x"})) == "charged"


def test_a_lost_lease_passes_the_claim_on_and_the_late_result_still_counts() -> None:
    """The first works on after its lease; the second may start, and a third is answered with what
    the first did.
    """
    with Simulation() as sim:
        shop = Shop(sim, workers=3, lease=3.0, seconds=4.0)
        shop.send("first", max_retries=5)
        shop.run(until=4.5)
        shop.send("third")
        shop.run()
        assert shop.ledger.counts() == {"order-1": 2}, "what only a card with keys can prevent"
        assert [
            r.time for r in shop.trace.records if r.event == "acked" and r.message_id == "third"
        ] == [4.5]
        assert shop.handler.counts["worked"] == 2


def test_who_fails_late_does_not_end_the_claim_of_the_one_who_took_over() -> None:
    """The first loses its lease at 5 s and fails at 6 s; the second is at it until 9 s, so the
    third is put off.
    """
    with Simulation() as sim:

        def slow_and_fails(message: Message) -> None:
            if message.id == "first" and message.attempt == 1:
                sim.sleep(2.0)
                raise OSError("no answer")

        shop = Shop(sim, workers=3, lease=5.0, before=slow_and_fails)
        shop.send("first")
        shop.run(until=6.5)
        shop.send("third")
        events = shop.run()
        assert [(time, name) for time, event, name in events if event == "postponed"] == [
            (6.5, "third"),
            (7.5, "third"),
            (8.5, "third"),
        ]
        assert shop.ledger.counts() == {"order-1": 1}


def test_the_key_is_the_business_key() -> None:
    """The same order under another message id is the same work; by message id it would be charged
    twice.
    """
    charged = {}
    for name, key in (("order", order_of), ("message id", lambda message: message.id)):
        with Simulation() as sim:
            shop = Shop(sim, key=key)
            shop.send("first", "sent-again")
            shop.run()
            charged[name] = shop.ledger.counts()["order-1"]
    assert charged == {"order": 1, "message id": 2}


def test_a_queue_that_cannot_say_who_is_current_is_trusted_for_half_a_minute() -> None:
    """A claim there ends by time: nobody can ask whether its maker is alive."""
    with Simulation() as sim:
        queue = Plain()
        queue._runtime = sim
        handler = once.IdempotentHandler(lambda message: sim.sleep(100), queue, key=order_of)
        message = Message(body={"order": "x"})
        sim.spawn(handler, message)
        put_off = []
        for at in (1.0, idempotency.CLAIM_TIME - 0.1):
            sim.run(until=at)
            with pytest.raises(Release):
                handler(message)
            put_off.append(sim.now)
        sim.run(until=idempotency.CLAIM_TIME)
        sim.spawn(handler, message)
        sim.run()
        assert handler.counts == {"worked": 2, "answered": 0, "put_off": 2}


def test_a_key_that_is_none_is_a_failure_of_the_handler() -> None:
    """A body without its order is a charged failure that says why, and leaves no claim behind."""
    with Simulation() as sim:
        shop = Shop(sim)
        shop.queue.send(Message(id="nameless", body={"order": None}, max_retries=0))
        shop.run()
        (letter,) = shop.queue.get_dead_letter_messages()
        assert letter.headers["dead_letter_error"] == "key must be str, got None"


def test_eight_threads_work_once_for_each_key() -> None:
    """Four hundred messages of fifty orders on real threads: each order charged once, all messages
    acked.
    """
    runtime = ThreadRuntime()
    queue = InMemoryMessageQueue(runtime=runtime)
    ledger = EffectLedger(runtime)
    card = PlainCard(ledger)
    handler = once.IdempotentHandler(
        lambda message: runtime.sleep(0.001) or card.charge(order_of(message), 1.0),
        queue,
        key=order_of,
        delay=0.001,
    )
    processor = MessageProcessor(queue)
    processor.register_processor("default", handler)
    for number in range(400):
        queue.send(Message(body={"order": f"order-{number // 8}"}))
    processor.start_workers(8)
    done, deadline = runtime.condition(), runtime.now + 30
    while queue.size() + queue.get_in_flight_count():
        assert runtime.now < deadline
        with done:
            done.wait(0.01)
    stopping = runtime.spawn(processor.stop_workers)
    stopping.join(max(deadline - runtime.now, 0))
    assert set(ledger.counts().values()) == {1} and len(ledger.effects) == 50
    assert processor.metrics["processed"] == 400


def rough_shop(seed: int, keyed: bool) -> tuple[dict[str, int], Shop]:
    """Crashes at every point, lost acks and leases, producers that send again under new ids."""
    with Simulation(seed) as sim:
        shop = Shop(sim, workers=4, lease=6.0, seconds=0.0)
        card: PlainCard = KeyedCard(shop.ledger) if keyed else shop.card
        faults = Faults(failure_rate=0.1, crash_before=0.05, crash_after=0.1, lost_ack=0.1)

        def charge(message: Message) -> str:
            return card.charge(order_of(message), 25.0)

        work = faults.handler(
            charge, sim, seconds=lambda m: 1 + 9 * sim.draw("work", m.id, m.attempt)
        )
        shop.handler.handler = work
        shop.processor.queue = faults.link(shop.queue)
        for number in range(60):
            shop.send(
                f"m-{number}",
                *([f"again-{number}"] if sim.draw("again", number) < 0.3 else []),
                order=f"order-{number}",
                max_retries=50,
            )
        shop.run()
        assert shop.trace.balance().completed == shop.trace.balance().accepted
        return shop.ledger.counts(), shop


def test_only_a_card_that_takes_the_key_is_charged_exactly_once() -> None:
    """With crashes after the effect and leases shorter than the work, claims make doubles rare;
    keys make them none.
    """
    plain, keyed, orders = 0, 0, 0
    for seed in range(20):
        plain += sum(count > 1 for count in rough_shop(seed, keyed=False)[0].values())
        counts, _ = rough_shop(seed, keyed=True)
        keyed += sum(count > 1 for count in counts.values())
        orders += len(counts)
    assert (keyed, orders) == (0, 1200)
    assert plain > 100
