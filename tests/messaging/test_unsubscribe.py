"""Leaving a broker: what waits is delivered or thrown away as told, and nothing is left behind."""

from __future__ import annotations

import pytest

from mqlearn import Message, RetryPolicy, Simulation, TopicBasedMessageBroker, Trace
from tests.messaging.ears import Ear, publish


@pytest.mark.parametrize(
    ("drain", "heard", "purged"), [(True, ["m0", "m1", "m2"], 0), (False, ["m0"], 2)]
)
def test_whoever_leaves_drains_or_drops_what_waits(
    sim: Simulation, drain: bool, heard: list[str], purged: int
) -> None:
    """The call that is going on ends; what waits is delivered or thrown away; nothing new comes."""
    trace = Trace()
    broker, ear = TopicBasedMessageBroker(runtime=sim, trace=trace), Ear(sim, seconds=2.0)
    broker.subscribe("orders", ear, name="ear")
    (subscription,) = broker.subscribers["orders"]
    publish(broker, "orders", "m0", "m1", "m2")
    sim.run(until=1)
    assert broker.unsubscribe("orders", ear, drain=drain)
    assert not broker.unsubscribe("orders", ear)
    assert sim.now == 1 and broker.get_topic_stats("orders")["subscriber_count"] == 0
    publish(broker, "orders", "m3")
    sim.run()
    assert ear.ids == heard and trace.balance("ear").purged == purged
    assert not subscription.workers[0].is_alive()
    assert broker.get_topic_stats("orders")["queue_size"] == 1, "m3 waits for whoever comes"


def test_a_drain_ends_also_where_the_last_has_expired_or_waits_for_its_retry(
    sim: Simulation,
) -> None:
    """The loop does not wait for a message that died of age, and does wait for one that is
    delayed.
    """
    broker = TopicBasedMessageBroker(runtime=sim)
    ear = Ear(sim, seconds=10.0, fails="m0")
    broker.subscribe("orders", ear, retry=RetryPolicy(base=30.0, jitter="none"))
    (subscription,) = broker.subscribers["orders"]
    broker.publish("orders", Message(id="m0", max_retries=1))
    broker.publish("orders", Message(id="m1", ttl=5))
    sim.run(until=1)
    broker.unsubscribe("orders", ear)
    sim.run()
    assert not subscription.workers[0].is_alive()
    assert [
        (letter.id, letter.headers["dead_letter_reason"])
        for letter in subscription.queue.get_dead_letter_messages()
    ] == [("m1", "expired"), ("m0", "retries exhausted")]
    assert sim.now == 50.0

    ear = Ear(sim, seconds=10.0)
    broker.subscribe("chat", ear)
    (subscription,) = broker.subscribers["chat"]
    broker.publish("chat", Message(id="m0"))
    broker.publish("chat", Message(id="m1", ttl=5))
    sim.run(until=sim.now)
    broker.unsubscribe("chat", ear)
    sim.run()
    assert not subscription.workers[0].is_alive() and ear.ids == ["m0"]


def test_one_who_unsubscribes_itself_or_while_a_publisher_waits_ends_clean(sim: Simulation) -> None:
    """A callback may end its own subscription; a publisher that waited for its room is let go,
    nothing is left.
    """
    trace = Trace()
    broker = TopicBasedMessageBroker(runtime=sim, trace=trace)

    def once(message: Message) -> None:
        sim.sleep(1)
        broker.unsubscribe("orders", once, drain=False)

    broker.subscribe("orders", once, max_size=1, on_full="block")
    sent = []
    sim.spawn(lambda: sent.extend(publish(broker, "orders", "m0", "m1", "m2", "m3")))
    sim.run()
    assert sent == [True] * 4
    assert trace.balance("once").waiting == 0
    assert trace.balance("once").completed == 1
