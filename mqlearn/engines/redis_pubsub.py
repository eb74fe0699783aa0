"""Fire and forget on Redis or Valkey: a message goes to all who listen at that moment.

This is no queue. Nothing is kept: a message that is published while no subscriber is connected is
gone, and there is nothing to count, to ack, to retry or to find among dead letters.

Source: valkey.io/topics/pubsub.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import count
from typing import Any, NoReturn

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from mqlearn.engines.adapter import PREFIX, check_name
from mqlearn.engines.envelope import Envelope, encode
from mqlearn.engines.errors import EngineError
from mqlearn.engines.features import refuse, supports
from mqlearn.engines.redis_subscription import RedisSubscription
from mqlearn.messaging.message import Message, MessagePriority
from mqlearn.runtime import check
from mqlearn.runtime.closing import Closing
from mqlearn.runtime.handed_in import reason_of
from mqlearn.runtime.threads import ThreadRuntime, default_runtime
from mqlearn.runtime.trace import Trace

ENGINE = "redis_pubsub"


class RedisPubSub(Closing):
    """A channel on a Redis or Valkey server, `redis://host:port/0`; there it is called
    "mqlearn-NAME".

    A channel has neither lease nor retries: `visibility_timeout` (s) and `max_retries` must stay as
    they are, or be None. With a `trace` each publish is recorded as "occurred", and each call of a
    callback as "started" and "finished". Many threads may use one channel.

    Raises EngineError if the server does not answer.
    """

    def __init__(
        self,
        url: str,
        name: str,
        *,
        visibility_timeout: float | None = 30.0,
        max_retries: int | None = 3,
        trace: Trace | None = None,
        runtime: ThreadRuntime | None = None,
    ) -> None:
        check.instance("url", url, str)
        check_name(name)
        _unused("visibility_timeout", visibility_timeout, 30.0, "lease")
        _unused("max_retries", max_retries, 3, "delivery_count")
        check.instance("trace", trace, Trace, optional=True)
        check.instance("runtime", runtime, ThreadRuntime, optional=True)
        self.url, self.name, self.trace = url, name, trace
        self.runtime = default_runtime() if runtime is None else runtime
        self._channel = PREFIX + name
        self._producer, self._sends = os.urandom(8).hex(), count(1)
        self._subscriptions: list[RedisSubscription] = []
        self._closed = False
        try:
            self._server = redis.Redis.from_url(
                url, socket_timeout=10, socket_connect_timeout=5, retry=Retry(NoBackoff(), 0)
            )
        except ValueError as error:
            raise ValueError(
                f"url must be redis://host:port/0, got {check.short_repr(url)}: {error}"
            ) from error
        try:
            self._ask(self._server.ping)
        except BaseException:
            self.close()
            raise

    @property
    def features(self) -> dict[str, str]:
        """Each feature of an engine, and whether it is "native", "emulated" or "unsupported"."""
        return supports(ENGINE)

    def publish(self, message: Message) -> int:
        """Send a message to all who listen now, and return how many that were; 0: it is gone.

        Raises Unsupported for a priority, TypeError for a body that JSON cannot hold, EngineError
        if the server does not answer: then some may have heard it.
        """
        self._check_open()
        check.instance("message", message, Message)
        message.validate()
        if message.priority is not MessagePriority.NORMAL:
            raise refuse(ENGINE, "priority")
        token = f"{self._producer}-{next(self._sends)}"
        payload = encode(Envelope(message, token, default_runtime().now))
        heard = int(self._ask(lambda: self._server.publish(self._channel, payload)))
        if self.trace is not None:
            now, worker = self.runtime.stamp()
            self.trace.note(
                now, "occurred", self.name, delivery=message, worker=worker, detail=message.topic
            )
        return heard

    def subscribe(
        self, callback: Callable[[Message], object] | None = None, *, name: str | None = None
    ) -> RedisSubscription:
        """Return a subscription that hears what is published from now on, called `name` in the
        records. It is to be iterated over, or calls `callback(message)` in a thread of its own, one
        message after the other; one whose callback fails is logged and gone.
        """
        self._check_open()
        check.function("callback", callback, optional=True)
        check.instance("name", name, str, optional=True)
        subscription: RedisSubscription = self._ask(
            lambda: RedisSubscription(
                self._server,
                self._channel,
                runtime=self.runtime,
                trace=self.trace,
                name=name or f"{self.name}/{len(self._subscriptions) + 1}",
            )
        )
        self._subscriptions.append(subscription)
        if callback is not None:
            subscription.start(callback)
        return subscription

    def _ask(self, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except (redis.ConnectionError, redis.TimeoutError) as error:
            raise EngineError(
                f"redis does not answer: url must be that of a server that runs, got "
                f"{check.short_repr(self.url)}: {reason_of(error)}"
            ) from error
        except redis.RedisError as error:
            raise EngineError(f"redis at {self.url} refuses: {reason_of(error)}") from error

    def _check_open(self) -> None:
        if self._closed:
            raise EngineError(f"the channel {self.name} on redis is closed")

    def close(self) -> None:
        """End every subscription, and close the connections."""
        self._closed = True
        for subscription in self._subscriptions:
            subscription.close()
        self._server.close()

    # A user of a queue asks for these: each says why a channel has no answer.

    def size(self) -> NoReturn:
        """Raise Unsupported: nothing is kept."""
        raise refuse(ENGINE, "exact_size")

    def census(self) -> NoReturn:
        """Raise Unsupported: nothing is kept."""
        raise refuse(ENGINE, "exact_size")

    def get_dead_letter_messages(self) -> NoReturn:
        """Raise Unsupported: there are no dead letters."""
        raise refuse(ENGINE, "dead_letter_reason")

    def ack(self, delivery: Message | str) -> NoReturn:
        """Raise Unsupported: there is nothing to settle."""
        raise refuse(ENGINE, "lease")

    def nack(self, delivery: Message | str, requeue: bool = True) -> NoReturn:
        """Raise Unsupported: there is nothing to settle."""
        raise refuse(ENGINE, "lease")

    def release(self, delivery: Message | str) -> NoReturn:
        """Raise Unsupported: there is nothing to give back."""
        raise refuse(ENGINE, "release_free")

    def extend(self, delivery: Message | str, seconds: float) -> NoReturn:
        """Raise Unsupported: there is no lease that could last `seconds`."""
        raise refuse(ENGINE, "extend")

    def receive(self, timeout: float | None = None) -> NoReturn:
        """Raise Unsupported, whatever the `timeout` (s): `subscribe` first, then wait."""
        raise refuse(ENGINE, "replay")


def _unused(name: str, value: Any, default: float, feature: str) -> None:
    """Refuse a parameter that a channel has no use for."""
    if value is not None and value != default:
        reason = refuse(ENGINE, feature)
        raise type(reason)(
            f"{name} must be None or stay {default:g}, got {check.short_repr(value)}: {reason}"
        )
