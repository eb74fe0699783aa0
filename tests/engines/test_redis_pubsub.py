"""Fire and forget on a genuine Redis or Valkey: heard now, or never."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mqlearn import Message, MessagePriority, ThreadRuntime, Trace
from mqlearn.engines import EngineError, RedisPubSub, Unsupported, why
from tests.engines.until import until


@pytest.fixture
def url(servers: Any) -> str:
    """The address of a running server."""
    return str(servers.url("redis"))


@pytest.fixture
def channel(url: str) -> Iterator[RedisPubSub]:
    """A channel that nothing else uses."""
    with RedisPubSub(url, "news") as channel:
        yield channel


def test_all_who_listen_hear_it_and_no_other(channel: RedisPubSub) -> None:
    """The answer is how many heard it; what was published before or after is not heard."""
    assert channel.publish(Message("too-early")) == 0
    with channel.subscribe() as first, channel.subscribe() as second:
        sent = Message("order-é\ud83d", topic="orders", body={"total": 20.0}, headers={"k": "v"})
        assert channel.publish(sent) == 2
        for subscription in (first, second):
            heard = subscription.receive(timeout=30)
            assert heard is not None and heard.timestamp is not None
            assert (heard.id, heard.topic, heard.body, heard.headers) == (
                sent.id,
                "orders",
                {"total": 20.0},
                {"k": "v"},
            )
            assert subscription.receive(timeout=0) is None
    assert channel.publish(Message("too-late")) == 0


def test_a_subscription_is_iterated_over_until_it_is_closed(channel: RedisPubSub) -> None:
    """In order of publishing; closing it from elsewhere ends the loop that waits."""
    subscription = channel.subscribe()
    heard: list[str] = []
    reader = ThreadRuntime().spawn(lambda: heard.extend(each.id for each in subscription))
    for number in range(50):
        channel.publish(Message(f"order-{number}"))
    until(lambda: len(heard) == 50, "all are read")
    assert heard == [f"order-{number}" for number in range(50)]
    subscription.close()
    reader.join(30)
    assert list(subscription) == [] and subscription.receive(timeout=0) is None


def test_a_callback_is_called_for_each_and_may_fail(
    channel: RedisPubSub, caplog: pytest.LogCaptureFixture
) -> None:
    """One that raises is logged, loses its message, and is called with the next."""
    heard: list[str] = []

    def note(message: Message) -> None:
        heard.append(message.id)
        if message.id == "order-0":
            raise ValueError("cannot read it")

    with caplog.at_level(logging.CRITICAL, logger="mqlearn"):
        channel.subscribe(note)
        for number in range(3):
            assert channel.publish(Message(f"order-{number}")) == 1
        until(lambda: len(heard) == 3, "the callback was called three times")
    assert heard == ["order-0", "order-1", "order-2"]


def test_a_callback_may_close_its_subscription(channel: RedisPubSub) -> None:
    """It ends after that message."""
    heard: list[str] = []

    def once(message: Message) -> None:
        heard.append(message.id)
        subscription.close()

    subscription = channel.subscribe(once)
    assert channel.publish(Message("first")) == 1
    until(lambda: channel.publish(Message("later")) == 0, "it has left")
    assert heard == ["first"]


def test_the_trace_says_what_was_published_and_handled(url: str) -> None:
    """Each publish is an occurrence with its topic, each callback a start and an end."""
    trace = Trace()
    with RedisPubSub(url, "traced", trace=trace) as channel:
        channel.publish(Message("gone", topic="orders"))
        channel.subscribe(lambda message: None, name="mailer")
        channel.publish(Message("heard", topic="orders"))
        until(lambda: len(trace.records) == 4, "the callback has ended")
    assert sorted(
        (each.event, each.source, each.message_id, each.detail) for each in trace.records
    ) == [
        ("finished", "mailer", "heard", "completed"),
        ("occurred", "traced", "gone", "orders"),
        ("occurred", "traced", "heard", "orders"),
        ("started", "mailer", "heard", None),
    ]


def test_messages_of_another_program_are_passed_over(channel: RedisPubSub) -> None:
    """What is no envelope of ours is not heard, and does no harm."""
    with channel.subscribe() as subscription:
        assert channel._server.publish("mqlearn-news", b"\xff not json") == 1
        channel.publish(Message("ours"))
        heard = [subscription.receive(timeout=30), subscription.receive(timeout=1)]
        assert [each.id for each in heard if each is not None] == ["ours"]


@pytest.mark.parametrize(
    ("ask", "feature"),
    [
        (lambda channel: channel.size(), "exact_size"),
        (lambda channel: channel.census(), "exact_size"),
        (lambda channel: channel.get_dead_letter_messages(), "dead_letter_reason"),
        (lambda channel: channel.ack("order-1"), "lease"),
        (lambda channel: channel.nack("order-1"), "lease"),
        (lambda channel: channel.release("order-1"), "release_free"),
        (lambda channel: channel.extend("order-1", 5), "extend"),
        (lambda channel: channel.receive(timeout=1), "replay"),
        (lambda channel: channel.publish(Message(priority=MessagePriority.HIGH)), "priority"),
    ],
)
def test_what_only_a_queue_has_is_refused(
    channel: RedisPubSub, ask: Callable[[RedisPubSub], Any], feature: str
) -> None:
    """The error has the sentence of the table of features, and the table says unsupported."""
    assert channel.features[feature] == "unsupported"
    with pytest.raises(Unsupported, match=f"{feature} is unsupported on redis_pubsub: ") as error:
        ask(channel)
    assert str(error.value).split(": ", 1)[1] in why("redis_pubsub", feature)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"visibility_timeout": 5}, "visibility_timeout must be None or stay 30, got 5: lease is"),
        ({"max_retries": 0}, "max_retries must be None or stay 3, got 0: delivery_count is"),
    ],
)
def test_settings_of_queues_are_refused_by_name(url: str, settings: Any, text: str) -> None:
    """A channel has no lease and no retries; their defaults and None are accepted."""
    with pytest.raises(Unsupported, match=text):
        RedisPubSub(url, "news", **settings)
    RedisPubSub(url, "news", visibility_timeout=None, max_retries=None).close()


def test_a_server_that_is_down_is_named(servers: Any) -> None:
    """At the start, at a publish, and by its address; a closed channel says that it is closed."""
    with pytest.raises(
        EngineError, match=r"redis does not answer: .* got 'redis://127\.0\.0\.1:1/0'"
    ):
        RedisPubSub("redis://127.0.0.1:1/0", "news")
    with pytest.raises(ValueError, match=r"url must be redis://host:port/0, got 'http://h'"):
        RedisPubSub("http://h", "news")
    with RedisPubSub(servers.url("redis"), "news") as channel:
        servers["redis"].kill()
        with pytest.raises(EngineError, match="redis does not answer"):
            channel.publish(Message())
    with pytest.raises(EngineError, match="the channel news on redis is closed"):
        channel.publish(Message())


def test_a_subscriber_hears_again_after_a_restart(servers: Any) -> None:
    """Its connection is made again; what was published meanwhile is gone."""
    with RedisPubSub(servers.url("redis"), "news") as channel:
        heard: list[str] = []
        channel.subscribe(lambda message: heard.append(message.id))
        assert channel.publish(Message("before")) == 1
        until(lambda: heard == ["before"], "it hears")
        server = servers["redis"]
        server.kill()
        server.start()
        until(lambda: channel.publish(Message("after")) == 1, "it is connected again")
        until(lambda: heard[-1] == "after", "it hears again")
        assert set(heard) == {"before", "after"}
