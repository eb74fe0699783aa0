"""A broker: it knows the topics, and who is to hear of what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mqlearn.messaging.memory import InMemoryMessageQueue
from mqlearn.messaging.message import Message
from mqlearn.messaging.patterns import check_pattern, check_topic, matches
from mqlearn.messaging.retry import RetryPolicy
from mqlearn.messaging.subscription import Subscription, counted
from mqlearn.messaging.workers import Handler
from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.threads import default_runtime
from mqlearn.runtime.trace import Trace


class TopicBasedMessageBroker:
    """Publishes to topics. A topic has subscribers, a work queue, or both.

    Every subscriber hears every message, through a queue of its own. The consumers of the topic's
    work queue share what is in it. That queue is fed if `create_topic` made it, if the topic has
    ever been consumed, or while nobody subscribes, so that a message published early is kept; a
    topic that only has subscribers does not grow.

    `topics` are the work queues by topic, `subscribers` the subscriptions by pattern. The lock is
    held while a message is put into queues, so all hear in the same order, and never while anybody
    waits or a callback runs.

    Sources: Hohpe and Woolf, "Enterprise Integration Patterns", 2003 (Publish-Subscribe Channel,
    Message Broker); RabbitMQ (a queue for each consumer, bound to a topic exchange).
    """

    def __init__(self, *, runtime: Runtime | None = None, trace: Trace | None = None) -> None:
        check.instance("runtime", runtime, Runtime, optional=True)
        check.instance("trace", trace, Trace, optional=True)
        self.runtime = default_runtime() if runtime is None else runtime
        self.trace = trace
        self.topics: dict[str, InMemoryMessageQueue] = {}
        self.subscribers: dict[str, list[Subscription]] = {}
        # topics with somebody who works them off, or was promised to come
        self._worked: set[str] = set()
        self._known: set[str] = set()
        self._names: dict[str, int] = {}
        self._lock = self.runtime.lock()

    def create_topic(
        self,
        topic_name: str,
        max_size: int = 10000,
        *,
        visibility_timeout: float | None = 30.0,
        retry: RetryPolicy | None = None,
        on_full: str = "reject",
    ) -> bool:
        """Give a topic its work queue, an `InMemoryMessageQueue` with these options; False if it
        has one.

        From now on every message published to it goes there too. `visibility_timeout` is in
        seconds.
        """
        check_topic("topic_name", topic_name)
        with self._lock:
            new = topic_name not in self.topics
            if new:
                self.topics[topic_name] = self._queue(
                    topic_name, max_size, visibility_timeout, retry, on_full
                )
            self._worked.add(topic_name)
            self._known.add(topic_name)
            return new

    def publish(self, topic: str, message: Message) -> bool:
        """Put a message into the queue of everybody concerned; False if one of them had no room.

        All others have it nevertheless; the trace says who refused. A queue that blocks when full
        is waited for, after the others have theirs.
        """
        check_topic("topic", topic)
        check.instance("message", message, Message)
        message.validate()
        message = message.copy()
        message.topic = topic
        with self._lock:
            waited_for, taken = [], True
            for target, blocks in self._targets(topic):
                if blocks:
                    waited_for.append(target)
                else:
                    taken &= target.send(message)
        for target in waited_for:
            taken &= target.send(message)
        return taken

    def _targets(self, topic: str) -> Iterator[tuple[InMemoryMessageQueue | Subscription, bool]]:
        """Who is to have a message on this topic, and whether that may have to be waited for."""
        self._known.add(topic)
        subscriptions = self._subscriptions(topic)
        if topic in self._worked or not subscriptions:
            if topic not in self.topics:
                self.topics[topic] = queue = self._queue(topic)
                queue.listen(
                    lambda record: self._worked.add(topic) if record.event == "received" else None
                )
            yield self.topics[topic], self.topics[topic].on_full == "block"
        for subscription in subscriptions:
            yield subscription, subscription.queue.on_full == "block"

    def _subscriptions(self, topic: str) -> list[Subscription]:
        return [
            subscription
            for pattern, those in self.subscribers.items()
            if matches(pattern, topic)
            for subscription in those
        ]

    def _queue(
        self,
        name: str,
        max_size: int = 10000,
        visibility_timeout: float | None = 30.0,
        retry: RetryPolicy | None = None,
        on_full: str = "reject",
    ) -> InMemoryMessageQueue:
        """A queue whose name no other of this broker has or had."""
        number = self._names.get(name, 0) + 1
        queue = InMemoryMessageQueue(
            max_size,
            visibility_timeout=visibility_timeout,
            retry=retry,
            on_full=on_full,
            runtime=self.runtime,
            trace=self.trace,
            name=name if number == 1 else f"{name}-{number}",
        )
        self._names[name] = number
        return queue

    # What subscribers call.

    def subscribe(
        self,
        topic: str,
        callback: Handler,
        *,
        max_size: int = 10000,
        retry: RetryPolicy | None = None,
        on_full: str = "reject",
        name: str | None = None,
    ) -> bool:
        """Have `callback(message)` called for all that is published to `topic` from now on; returns
        True.

        `topic` may be a pattern: `orders.*` is every topic of two words that begins with orders. At
        most `max_size` messages wait for this subscriber; when full, `on_full` says "reject",
        "drop_oldest", or "block": then, and only then, a slow subscriber holds up publishers, and a
        callback that publishes to itself may wait for ever. Without a `retry` policy the order is
        kept, with one a failed message waits for its backoff and others overtake it. Trace and
        stats call it `name`, by default the callback's, with a number from the second of that name
        on.
        """
        check_pattern("topic", topic)
        check.function("callback", callback)
        check.instance("name", name, str, optional=True)
        if name is None:
            name = getattr(callback, "__name__", type(callback).__name__)
        with self._lock:
            subscription = Subscription(
                topic, callback, self._queue(name, max_size, None, retry, on_full)
            )
            self.subscribers.setdefault(topic, []).append(subscription)
            if "*" not in topic:
                self._known.add(topic)
            return True

    def unsubscribe(self, topic: str, callback: Handler, *, drain: bool = True) -> bool:
        """End the first subscription of `callback` to this topic or pattern; False if there is
        none.

        It hears nothing published from now on. What waits for it is still delivered in its own time
        (`drain`), which is not waited for here, or thrown away and counted as purged. Its dead
        letters stay in its queue.
        """
        check.instance("topic", topic, str)
        check.function("callback", callback)
        check.instance("drain", drain, bool)
        with self._lock:
            those = self.subscribers.get(topic, [])
            found = next((each for each in those if each.callback == callback), None)
            if found is None:
                return False
            those.remove(found)
            if not those:
                del self.subscribers[topic]
        found.leave(drain=drain)
        return True

    # What workers call.

    def consume(self, topic: str, timeout: float | None = None) -> Message | None:
        """The next message of the topic's work queue, in flight; None after `timeout` seconds
        (None: never).

        None at once if the topic has no work queue; from then on it is fed.
        """
        check_topic("topic", topic)
        check.number("timeout", timeout, low=0, optional=True)
        with self._lock:
            self._worked.add(topic)
            self._known.add(topic)
            queue = self.topics.get(topic)
        return None if queue is None else queue.receive(timeout)

    def ack(self, topic: str, message_id: Message | str) -> bool:
        """The work on a consumed message (a delivery, or weaker its id) is done; False if it was
        not in flight.
        """
        queue = self._topic(topic, message_id)
        return queue is not None and queue.ack(message_id)

    def nack(self, topic: str, message_id: Message | str, requeue: bool = True) -> bool:
        """The work on a consumed message failed: a charged failure, or its end. False if it was not
        in flight.
        """
        queue = self._topic(topic, message_id)
        check.instance("requeue", requeue, bool)
        return queue is not None and queue.nack(message_id, requeue)

    def _topic(self, topic: str, delivery: Message | str) -> InMemoryMessageQueue | None:
        check.instance("topic", topic, str)
        check.instance("message_id", delivery, (Message, str))
        return self.topics.get(topic)

    def get_topic_stats(self, topic: str) -> dict[str, Any]:
        """What there is of a topic; {} for one that nobody has ever named.

        `queue_size`, `in_flight_count` and `dead_letter_count` speak of its work queue (0 without
        one), and `subscriptions` has the same of each of its `subscriber_count` subscribers, with
        `name` and `pattern`.
        """
        check.instance("topic", topic, str)
        with self._lock:
            subscriptions = self._subscriptions(topic)
            if topic not in self._known and not subscriptions:
                return {}
            return {
                "topic": topic,
                **counted(self.topics.get(topic)),
                "subscriber_count": len(subscriptions),
                "subscriptions": [subscription.stats() for subscription in subscriptions],
            }
