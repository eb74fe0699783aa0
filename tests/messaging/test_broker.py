"""The broker: who hears of what, in which order, and who may slow or silence whom."""

from __future__ import annotations

import pytest

from mqlearn import (
    Message,
    MessageProcessor,
    RetryPolicy,
    Simulation,
    TopicBasedMessageBroker,
    Trace,
    WorkerCrash,
)
from mqlearn.messaging.patterns import matches
from tests.messaging.ears import Ear, publish


def test_a_consumer_that_waits_holds_up_nobody(sim: Simulation) -> None:
    """While one waits for ever on an empty topic, others publish, subscribe, consume and ask for
    the stats.
    """
    broker, got = TopicBasedMessageBroker(runtime=sim), []
    broker.create_topic("quiet")
    waiting = sim.spawn(lambda: got.append(broker.consume("quiet")))

    def others() -> None:
        sim.sleep(1)
        assert broker.publish("busy", Message(id="b"))
        assert broker.get_topic_stats("quiet")["queue_size"] == 0
        delivery = broker.consume("busy", timeout=0)
        assert delivery is not None and broker.ack("busy", delivery)

    sim.spawn(others).join()
    assert sim.now == 1 and waiting.is_alive()
    broker.publish("quiet", Message(id="q"))
    waiting.join()
    assert [message.id for message in got if message] == ["q"]


def test_a_topic_that_only_has_subscribers_does_not_grow(sim: Simulation) -> None:
    """Ten thousand and one messages, and more: each is accepted and heard, and nothing is left
    anywhere.
    """
    broker, ear = TopicBasedMessageBroker(runtime=sim), Ear(sim)
    broker.subscribe("user_events", ear)
    accepted = 0
    for hundred in range(101):
        accepted += sum(publish(broker, "user_events", *(f"{hundred}-{i}" for i in range(100))))
        sim.run()
    assert accepted == len(ear.heard) == 10_100
    assert broker.topics == {}
    assert broker.get_topic_stats("user_events")["queue_size"] == 0


def test_a_slow_or_failing_subscriber_harms_only_itself(sim: Simulation) -> None:
    """The fast one hears all at once and in order; the slow one in its own time; the failing one
    has dead letters.
    """
    trace = Trace()
    broker = TopicBasedMessageBroker(runtime=sim, trace=trace)
    fast, slow, broken = Ear(sim), Ear(sim, seconds=1.0), Ear(sim, fails="m1 m2 m3")
    for name, ear in (("slow", slow), ("broken", broken), ("fast", fast)):
        broker.subscribe("orders", ear, name=name)
    assert publish(broker, "orders", "m0", "m1", "m2", "m3") == [True] * 4
    sim.run()
    assert fast.heard == [(0.0, "m0"), (0.0, "m1"), (0.0, "m2"), (0.0, "m3")]
    assert slow.heard == [(1.0, "m0"), (2.0, "m1"), (3.0, "m2"), (4.0, "m3")]
    assert broken.ids == ["m0"] and broken.tried == ["m0"] + ["m1"] * 4 + ["m2"] * 4 + ["m3"] * 4
    letters = broker.subscribers["orders"][1].queue.get_dead_letter_messages()
    assert [(letter.id, letter.headers["dead_letter_error"]) for letter in letters] == [
        (message_id, "webhook answers 500") for message_id in ("m1", "m2", "m3")
    ]
    assert [trace.balance(name).dead for name in ("slow", "broken", "fast")] == [0, 3, 0]
    assert trace.balance().accepted == 12


@pytest.mark.parametrize(
    ("retry", "order"),
    [
        (None, ["m0", "m1", "m2", "m3"]),
        (RetryPolicy(base=5.0, jitter="none"), ["m0", "m2", "m3", "m1"]),
    ],
)
def test_the_order_is_kept_unless_retries_are_delayed(
    sim: Simulation, retry: RetryPolicy | None, order: list[str]
) -> None:
    """A failed message is tried again in its place, or with a policy steps aside and is
    overtaken.
    """
    broker, heard = TopicBasedMessageBroker(runtime=sim), []

    def fickle(message: Message) -> bool:
        if message.id == "m1" and message.attempt == 1:
            return False
        heard.append(message.id)
        return True

    broker.subscribe("orders", fickle, retry=retry)
    publish(broker, "orders", "m0", "m1", "m2", "m3")
    sim.run()
    assert heard == order
    assert sim.now == (0.0 if retry is None else 5.0)


def test_a_subscriber_that_dies_comes_back_to_the_message_it_died_of(sim: Simulation) -> None:
    """A crash is a charged failure at once; the loop is back after a second and keeps the order."""
    broker, heard = TopicBasedMessageBroker(runtime=sim), []

    def mortal(message: Message) -> None:
        if message.id == "m0" and message.attempt == 1:
            raise WorkerCrash
        heard.append((sim.now, message.id, message.attempt, message.retry_count))

    broker.subscribe("orders", mortal)
    publish(broker, "orders", "m0", "m1")
    sim.run()
    assert heard == [(1.0, "m0", 2, 1), (1.0, "m1", 1, 0)]


def test_a_full_subscription_refuses_for_itself_alone(sim: Simulation) -> None:
    """Publish answers False, the trace names who refused, and the other has heard everything."""
    trace = Trace()
    broker, ear = TopicBasedMessageBroker(runtime=sim, trace=trace), Ear(sim)
    broker.subscribe("orders", Ear(sim, seconds=10.0), max_size=1, name="auditor")
    broker.subscribe("orders", ear, name="board")
    sim.run()
    publish(broker, "orders", "m0")
    sim.run(until=1)
    assert publish(broker, "orders", "m1", "m2") == [True, False]
    sim.run()
    assert [
        (record.source, record.message_id) for record in trace.records if record.event == "rejected"
    ] == [("auditor", "m2")]
    assert ear.ids == ["m0", "m1", "m2"]
    assert trace.balance("auditor").completed == 2


def test_only_a_queue_that_blocks_holds_up_publishers_and_the_others_have_theirs_first(
    sim: Simulation,
) -> None:
    """The publisher waits for the slow one's room, while the board has the message and others
    publish elsewhere.
    """
    broker, ear = TopicBasedMessageBroker(runtime=sim), Ear(sim)
    broker.subscribe("orders", Ear(sim, seconds=10.0), max_size=1, on_full="block", name="auditor")
    broker.subscribe("orders", ear)
    broker.subscribe("elsewhere", ear)
    times = []

    def producer() -> None:
        for i in range(3):
            broker.publish("orders", Message(id=f"m{i}"))
            times.append(sim.now)
            sim.sleep(1)

    sim.spawn(producer)
    sim.call_at(5, lambda: publish(broker, "elsewhere", "e"))
    sim.run()
    assert times == [0.0, 1.0, 10.0]
    assert ear.heard == [(0.0, "m0"), (1.0, "m1"), (2.0, "m2"), (5.0, "e")]


def test_patterns_match_one_word_for_each_star(sim: Simulation) -> None:
    """Each star stands for exactly one word between dots; everything else is meant literally."""
    assert (
        matches("orders.*", "orders.eu")
        and matches("*.JFK", "cancelled.JFK")
        and matches("*", "orders")
    )
    assert matches("a.*.c", "a.b.c") and matches("orders", "orders")
    assert not matches("orders.*", "orders") and not matches("orders.*", "orders.eu.paid")
    assert not matches("orders.eu", "orders.us") and not matches("orders.[eu]", "orders.e")
    broker, ear = TopicBasedMessageBroker(runtime=sim), Ear(sim)
    broker.subscribe("departures.*", ear)
    broker.subscribe("*.EWR", ear)
    for topic in ("departures.JFK", "departures.EWR", "cancelled.EWR", "cancelled.LGA"):
        broker.publish(topic, Message(id=topic))
    sim.run()
    assert sorted(ear.ids) == [
        "cancelled.EWR",
        "departures.EWR",
        "departures.EWR",
        "departures.JFK",
    ]
    assert broker.get_topic_stats("departures.LGA")["subscriber_count"] == 1
    assert list(broker.topics) == ["cancelled.LGA"]


def test_a_work_queue_beside_subscribers_is_fed_by_the_rule(sim: Simulation) -> None:
    """It gets its own copy of every message if it was created, has ever been consumed, or nobody
    subscribes.
    """
    broker, ear = TopicBasedMessageBroker(runtime=sim), Ear(sim)
    broker.publish("early", Message(id="kept"))
    broker.subscribe("early", ear)
    publish(broker, "early", "heard")
    assert broker.get_topic_stats("early")["queue_size"] == 1, (
        "its own queue has only what nobody could hear"
    )
    worker = MessageProcessor(broker.topics["early"])
    worker.register_processor("default", lambda message: done.append(message.id))
    done: list[str] = []
    worker.start_workers(1)
    sim.run()
    publish(broker, "early", "both")
    sim.run()
    assert (done, ear.ids) == (["kept", "both"], ["heard", "both"])

    broker.subscribe("late", ear)
    assert broker.consume("late") is None, "at once, since it has no work queue"
    publish(broker, "late", "shared")
    delivery = broker.consume("late", timeout=0)
    assert (
        delivery is not None
        and delivery.topic == "late"
        and broker.nack("late", delivery, requeue=False)
    )
    assert broker.get_topic_stats("late")["dead_letter_count"] == 1


def test_the_answers_are_those_of_the_course_text(sim: Simulation) -> None:
    """Create says whether it was new, subscribe True; an unknown topic has no stats and nothing to
    settle.
    """
    broker, ear = TopicBasedMessageBroker(runtime=sim), Ear(sim)
    assert broker.create_topic("orders", 5) and not broker.create_topic("orders")
    assert broker.topics["orders"].max_size == 5
    assert broker.subscribe("orders", ear) is True
    assert not broker.unsubscribe("orders", print) and not broker.unsubscribe("nowhere", ear)
    assert broker.get_topic_stats("nowhere") == {}
    assert not broker.ack("nowhere", "m") and not broker.nack("nowhere", "m")
    mine = Message(id="m")
    assert broker.publish("orders", mine) and mine.topic == "", (
        "the caller's own message is left alone"
    )
    assert broker.consume("orders", 0) is not None
    assert broker.get_topic_stats("orders") == {
        "topic": "orders",
        "queue_size": 0,
        "in_flight_count": 1,
        "dead_letter_count": 0,
        "subscriber_count": 1,
        "subscriptions": [
            {
                "name": "Ear",
                "pattern": "orders",
                "queue_size": 1,
                "in_flight_count": 0,
                "dead_letter_count": 0,
            }
        ],
    }
    assert broker.ack("orders", "m") and not broker.ack("orders", "m")


def test_names_in_the_trace_stay_apart(sim: Simulation) -> None:
    """A second subscription of the same name, and one that comes back, get numbers; each has its
    own books.
    """
    trace = Trace()
    broker = TopicBasedMessageBroker(runtime=sim, trace=trace)
    for _ in range(2):
        broker.subscribe("orders", list, name="board")
    broker.unsubscribe("orders", list)
    broker.subscribe("orders", list, name="board")
    publish(broker, "orders", "m")
    sim.run()
    assert [each.name for each in broker.subscribers["orders"]] == ["board-2", "board-3"]
    assert trace.balance("board").accepted == 0 and trace.balance("board-3").dead == 1
