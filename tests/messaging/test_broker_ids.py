"""Names that a broker derives are used by no other queue, whatever names were given before or
after.
"""

from __future__ import annotations

from itertools import permutations

import pytest

from mqlearn import InMemoryMessageQueue, Message, Simulation, TopicBasedMessageBroker, Trace
from tests.messaging.ears import Ear, publish


@pytest.mark.parametrize("given", sorted(set(permutations(["a", "a", "a-2", "a-2-2", "a-3"]))))
def test_given_and_derived_names_are_all_different(sim: Simulation, given: tuple[str, ...]) -> None:
    """In every order of the same names, as subscribers and as topics: one queue each, and each its
    own books.
    """
    trace, ear = Trace(), Ear(sim)
    broker = TopicBasedMessageBroker(runtime=sim, trace=trace)
    broker.create_topic("a")
    for name in given:
        assert broker.subscribe("orders", ear, name=name) is True
    names = [each.name for each in broker.subscribers["orders"]]
    assert len({*names, "a"}) == 6
    assert publish(broker, "orders", "m0") == [True]
    sim.run()
    assert ear.ids == ["m0"] * 5
    assert [trace.balance(name).completed for name in names] == [1] * 5


def test_a_name_is_not_used_again_after_its_subscriber_left(sim: Simulation) -> None:
    """Given or derived: the next subscription has another name, and the books of both stay
    apart.
    """
    trace, names = Trace(), []
    broker = TopicBasedMessageBroker(runtime=sim, trace=trace)
    for given in ("a", "a", "a-2", "a", "a-2"):
        broker.subscribe("orders", print, name=given)
        names.append(broker.subscribers["orders"][0].name)
        assert broker.unsubscribe("orders", print)
    assert names == ["a", "a-2", "a-2-2", "a-3", "a-2-3"]
    sim.run()
    assert trace.balance().accepted == 0


def test_the_names_of_other_queues_in_the_trace_are_taken_too(sim: Simulation) -> None:
    """A queue that the user made, and one of another broker on the same trace."""
    trace = Trace()
    InMemoryMessageQueue(runtime=sim, trace=trace, name="orders")
    one, other = (TopicBasedMessageBroker(runtime=sim, trace=trace) for _ in range(2))
    one.create_topic("orders")
    other.create_topic("orders")
    other.subscribe("orders", print, name="orders-2")
    assert one.topics["orders"].name == "orders-2"
    assert other.topics["orders"].name == "orders-3"
    assert other.subscribers["orders"][0].name == "orders-2-2"
    with pytest.raises(ValueError, match="name must be unique within one trace, got 'orders-3'"):
        InMemoryMessageQueue(runtime=sim, trace=trace, name="orders-3")
    assert trace.watches("orders-3") and not trace.watches("orders-4")


def test_a_refused_subscription_uses_no_name_up(sim: Simulation) -> None:
    """Wrong options change nothing: no subscriber, no queue in the trace, no number."""
    trace = Trace()
    broker = TopicBasedMessageBroker(runtime=sim, trace=trace)
    with pytest.raises(ValueError, match="max_size must be at least 1"):
        broker.subscribe("orders", print, name="a", max_size=0)
    assert (broker.subscribers, trace.watches("a")) == ({}, False)
    broker.subscribe("orders", print, name="a")
    assert broker.subscribers["orders"][0].name == "a"


class Named:
    """A callback whose `__name__` is no text."""

    __name__ = 5  # type: ignore[assignment]

    def __call__(self, message: Message) -> None:
        """Do nothing."""


def test_a_callback_without_a_name_is_called_by_its_type(sim: Simulation) -> None:
    """Also if its attribute of that name is something else."""
    broker = TopicBasedMessageBroker(runtime=sim)
    broker.subscribe("orders", Named())
    assert broker.subscribers["orders"][0].name == "Named"


@pytest.mark.parametrize(
    "topic", ["", " ", "заказы", "注文", "a\tb", "a\nb", "🛫.eu", "a..b", "x" * 9999]
)
def test_topics_have_any_characters(sim: Simulation, topic: str) -> None:
    """They are published to, subscribed to, consumed and deleted as all others."""
    broker, ear = TopicBasedMessageBroker(runtime=sim, trace=Trace()), Ear(sim)
    broker.create_topic(topic)
    broker.subscribe(topic, ear)
    assert publish(broker, topic, "m") == [True]
    delivery = broker.consume(topic, 0)
    assert delivery is not None and broker.ack(topic, delivery)
    sim.run()
    assert ear.ids == ["m"] and broker.delete_topic(topic) == 0


def test_an_error_shows_a_long_topic_shortened() -> None:
    """Millions of characters are not repeated."""
    broker = TopicBasedMessageBroker()
    for call in (broker.create_topic, broker.consume, lambda topic: broker.subscribe(topic, print)):
        with pytest.raises(ValueError, match="must") as caught:
            call("#*" * 10**6)
        assert len(str(caught.value)) < 400
