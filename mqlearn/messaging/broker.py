"""A message broker: it has the topics, their work queues and their subscribers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mqlearn.messaging.memory import InMemoryMessageQueue
from mqlearn.messaging.message import Message
from mqlearn.messaging.patterns import check_pattern, check_topic, matches
from mqlearn.messaging.retry import RetryPolicy
from mqlearn.messaging.subscription import Subscription, queue_counts
from mqlearn.messaging.workers import Handler
from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.threads import default_runtime
from mqlearn.runtime.trace import Trace


class TopicBasedMessageBroker:
    """Publishes to topics. A topic has subscribers, a work queue, or both.

    Every subscriber gets every message, through a queue of its own. The consumers of the topic's
    work queue share its messages. A message goes to the work queue if `create_topic` made one, if
    the topic has ever been consumed, or while the topic has no subscriber. The last rule keeps a
    message that is published before any subscriber is there. A topic that has only subscribers
    stores nothing in a work queue that no consumer reads.

    `topics` are the work queues by topic, `subscribers` the subscriptions by pattern. The lock is
    held while a message is put into the queues, so that all subscribers get messages in the same
    order, and never while a task waits or a callback runs.

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
        # topics whose work queue gets each message: they were created, or consumed
        self._with_consumers: set[str] = set()
        self._known: set[str] = set()  # topics that a call has named
        self._name_counts: dict[str, int] = {}  # queues made so far, by name
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
        """Make the work queue of a topic, an `InMemoryMessageQueue` with these options; False if
        the topic has one.

        From now on every message published to the topic goes there too. `visibility_timeout` is in
        seconds.
        """
        check_topic("topic_name", topic_name)
        with self._lock:
            new = topic_name not in self.topics
            if new:
                self.topics[topic_name] = self._make_queue(
                    topic_name, max_size, visibility_timeout, retry, on_full
                )
            self._with_consumers.add(topic_name)
            self._known.add(topic_name)
            return new

    def publish(self, topic: str, message: Message) -> bool:
        """Put a message into the topic's work queue and those of its subscribers; False if one of
        them had no room.

        The other queues have the message all the same; the trace says which queue refused it. If a
        full queue blocks, `publish` waits for it, after the others have got the message.
        """
        check_topic("topic", topic)
        check.instance("message", message, Message)
        message.validate()
        # a copy, since the topic is written to it: the caller may publish the same object elsewhere
        message = message.copy()
        message.topic = topic
        with self._lock:
            blocking, taken = [], True
            # first the queues that never block, all under one lock: otherwise two publishers could
            # put their messages into two queues in different orders
            for target, blocks in self._targets(topic):
                if blocks:
                    blocking.append(target)
                else:
                    taken &= target.send(message)
        for target in blocking:
            # outside the lock: a publisher that waits for room must not stop all other calls of the
            # broker
            taken &= target.send(message)
        return taken

    def _targets(self, topic: str) -> Iterator[tuple[InMemoryMessageQueue | Subscription, bool]]:
        """Yield each queue or subscription that gets a message on this topic, with True if it
        blocks when full.
        """
        self._known.add(topic)
        subscriptions = self._subscriptions(topic)
        if topic in self._with_consumers or not subscriptions:
            if topic not in self.topics:
                self.topics[topic] = queue = self._make_queue(topic)
                # made because there is no subscriber yet: from its first delivery on, it counts as
                # a queue with consumers
                queue.listen(
                    lambda record: (
                        self._with_consumers.add(topic) if record.event == "received" else None
                    )
                )
            yield self.topics[topic], self.topics[topic].on_full == "block"
        for subscription in subscriptions:
            yield subscription, subscription.queue.on_full == "block"

    def _subscriptions(self, topic: str) -> list[Subscription]:
        return [
            subscription
            for pattern, subscriptions in self.subscribers.items()
            if matches(pattern, topic)
            for subscription in subscriptions
        ]

    def _make_queue(
        self,
        name: str,
        max_size: int = 10000,
        visibility_timeout: float | None = 30.0,
        retry: RetryPolicy | None = None,
        on_full: str = "reject",
    ) -> InMemoryMessageQueue:
        """Make a queue with a name that this broker has not used before."""
        number = self._name_counts.get(name, 0) + 1
        queue = InMemoryMessageQueue(
            max_size,
            visibility_timeout=visibility_timeout,
            retry=retry,
            on_full=on_full,
            runtime=self.runtime,
            trace=self.trace,
            name=name if number == 1 else f"{name}-{number}",
        )
        # after the queue was made: if its options are refused, the name is not used up
        self._name_counts[name] = number
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
        """Call `callback(message)` for each message published to `topic` from now on; returns True.

        `topic` may be a pattern: `orders.*` is every topic of two words that begins with orders. At
        most `max_size` messages wait for this subscriber; when full, `on_full` says "reject",
        "drop_oldest" or "block". Only with "block" does a slow subscriber hold up publishers, and a
        callback that publishes to its own topic may wait forever. Without a `retry` policy the
        order is kept; with one, a failed message waits for its backoff and others overtake it. The
        trace and the stats use `name`, by default the callback's; a second subscriber of the same
        name gets a number.
        """
        check_pattern("topic", topic)
        check.function("callback", callback)
        check.instance("name", name, str, optional=True)
        if name is None:
            name = getattr(callback, "__name__", type(callback).__name__)
        with self._lock:
            subscription = Subscription(
                topic, callback, self._make_queue(name, max_size, None, retry, on_full)
            )
            self.subscribers.setdefault(topic, []).append(subscription)
            if "*" not in topic:
                self._known.add(topic)
            return True

    def unsubscribe(self, topic: str, callback: Handler, *, drain: bool = True) -> bool:
        """End the first subscription of `callback` to this topic or pattern; False if there is
        none.

        Messages published from now on do not reach it. Those that wait for it are still delivered
        (`drain`; this call does not wait for that), or are discarded and counted as purged. Its
        dead letters stay in its queue.
        """
        check.instance("topic", topic, str)
        check.function("callback", callback)
        check.instance("drain", drain, bool)
        with self._lock:
            subscriptions = self.subscribers.get(topic, [])
            found = next((each for each in subscriptions if each.callback == callback), None)
            if found is None:
                return False
            subscriptions.remove(found)
            if not subscriptions:
                del self.subscribers[topic]
        # outside the lock: from here on only this subscription is concerned, not the broker
        found.leave(drain=drain)
        return True

    # What workers call.

    def consume(self, topic: str, timeout: float | None = None) -> Message | None:
        """Return the next message of the topic's work queue, now in flight; None after `timeout`
        seconds (None: wait forever).

        None at once if the topic has no work queue; the next message published will make one.
        """
        check_topic("topic", topic)
        check.number("timeout", timeout, low=0, optional=True)
        with self._lock:
            self._with_consumers.add(topic)
            self._known.add(topic)
            queue = self.topics.get(topic)
        # the wait is outside the lock, or no other task could publish the message that ends it
        return None if queue is None else queue.receive(timeout)

    def ack(self, topic: str, message_id: Message | str) -> bool:
        """Complete a consumed message, given as the delivery or, less safely, as its id; False if
        it was not in flight.
        """
        queue = self._work_queue(topic, message_id)
        return queue is not None and queue.ack(message_id)

    def nack(self, topic: str, message_id: Message | str, requeue: bool = True) -> bool:
        """Report that the work on a consumed message failed: it costs a retry or, with
        `requeue=False`, ends in the dead letters. False if the message was not in flight.
        """
        queue = self._work_queue(topic, message_id)
        check.instance("requeue", requeue, bool)
        return queue is not None and queue.nack(message_id, requeue)

    def _work_queue(self, topic: str, delivery: Message | str) -> InMemoryMessageQueue | None:
        check.instance("topic", topic, str)
        check.instance("message_id", delivery, (Message, str))
        return self.topics.get(topic)

    def get_topic_stats(self, topic: str) -> dict[str, Any]:
        """Return the numbers of a topic; {} for one that no call has named yet.

        `queue_size`, `in_flight_count` and `dead_letter_count` are those of its work queue (0
        without one). `subscriptions` has the same for each of its `subscriber_count` subscribers,
        with `name` and `pattern`.
        """
        check.instance("topic", topic, str)
        with self._lock:
            subscriptions = self._subscriptions(topic)
            if topic not in self._known and not subscriptions:
                return {}
            return {
                "topic": topic,
                **queue_counts(self.topics.get(topic)),
                "subscriber_count": len(subscriptions),
                "subscriptions": [subscription.stats() for subscription in subscriptions],
            }
