"""A message broker: it has the topics, their work queues and their subscribers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mqlearn.messaging.memory import InMemoryMessageQueue
from mqlearn.messaging.message import Message
from mqlearn.messaging.patterns import check_pattern, check_topic, matches
from mqlearn.messaging.queue_maker import QueueMaker
from mqlearn.messaging.retry import RetryPolicy
from mqlearn.messaging.subscription import Subscription, find_subscription, queue_counts
from mqlearn.messaging.workers import Handler
from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.handed_in import PASSES
from mqlearn.runtime.threads import default_runtime
from mqlearn.runtime.trace import Record, Trace


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
        self._maker = QueueMaker(self.runtime, trace)
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
                self.topics[topic_name] = self._maker.make_work_queue(
                    topic_name,
                    max_size,
                    visibility_timeout=visibility_timeout,
                    retry=retry,
                    on_full=on_full,
                )
            self._with_consumers.add(topic_name)
            self._known.add(topic_name)
            return new

    def delete_topic(self, topic_name: str) -> int:
        """Remove the work queue of a topic, and return how many messages are thrown away with it; 0
        also if the topic has none.

        Every message that waits, is delayed or is in flight is counted as purged. A consumer that
        is working on one can no longer ack it: `ack` returns False. A consumer that waits in
        `consume` gets None. The dead letters stay in the queue, as after `unsubscribe`.
        Subscriptions stay, and get what is published from now on; without one, the next message
        published makes a new work queue.
        """
        check_topic("topic_name", topic_name)
        with self._lock:
            queue = self.topics.pop(topic_name, None)
            self._with_consumers.discard(topic_name)
            self._known.discard(topic_name)
            return 0 if queue is None else self._maker.discard(topic_name, queue)

    def publish(self, topic: str, message: Message) -> bool:
        """Put a message into the topic's work queue and those of its subscribers; False if one of
        them had no room.

        The other queues have the message all the same; the trace says which queue refused it. If a
        full queue blocks, `publish` waits for it, after the others have got the message. If a queue
        raises an exception, for example from its own dedup key, `publish` raises it after the
        others have got the message.
        """
        check_topic("topic", topic)
        check.instance("message", message, Message)
        message.validate()
        # a copy, since the topic is written to it: the caller may publish the same object elsewhere
        message = message.copy()
        message.topic = topic
        errors: list[BaseException] = []
        with self._lock:
            targets = list(self._targets(topic))
            # first the queues that never block, all under one lock: otherwise two publishers could
            # put their messages into two queues in different orders
            taken = [
                _hand_over(message, target, errors) for target, blocks in targets if not blocks
            ]
        for target, blocks in targets:
            if not blocks:
                continue
            # outside the lock: a publisher that waits for room must not stop all other calls of the
            # broker
            taken.append(_hand_over(message, target, errors))
            # the topic was deleted while this publisher waited: its queue is not read any more
            if not isinstance(target, Subscription) and self.topics.get(topic) is not target:
                target.purge()
                taken.append(False)
        if errors:
            first, *others = errors
            if others:
                first.add_note(f"({len(others)} more queues of this topic raised an exception)")
            raise first
        return all(taken)

    def _targets(self, topic: str) -> Iterator[tuple[InMemoryMessageQueue | Subscription, bool]]:
        """Yield each queue or subscription that gets a message on this topic, with True if it
        blocks when full.
        """
        self._known.add(topic)
        subscriptions = self._subscriptions(topic)
        if topic in self._with_consumers or not subscriptions:
            if topic not in self.topics:
                self.topics[topic] = queue = self._maker.make_work_queue(topic)

                # made because there is no subscriber yet: from its first delivery on, it counts as
                # a queue with consumers
                def listener(record: Record) -> None:
                    if record.event == "received" and self.topics.get(topic) is queue:
                        self._with_consumers.add(topic)

                queue.listen(listener)
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
            name = getattr(callback, "__name__", None)
            # an object's attribute of that name may be anything
            if not isinstance(name, str):
                name = type(callback).__name__
        with self._lock:
            queue = self._maker.make(
                name, max_size, visibility_timeout=None, retry=retry, on_full=on_full
            )
            subscription = Subscription(topic, callback, queue)
            self.subscribers.setdefault(topic, []).append(subscription)
            if "*" not in topic:
                self._known.add(topic)
            return True

    def unsubscribe(
        self,
        topic: str,
        callback: Handler | None = None,
        *,
        name: str | None = None,
        drain: bool = True,
    ) -> bool:
        """End the first subscription to this topic or pattern that has this `callback`, this
        `name`, or both; False if there is none.

        The name is the one in the trace and the stats, with its number if it got one. Messages
        published from now on do not reach the subscription. Those that wait for it are still
        delivered (`drain`; this call does not wait for that), or are discarded and counted as
        purged. Its dead letters stay in its queue.
        """
        check.instance("topic", topic, str)
        check.function("callback", callback, optional=True)
        check.instance("name", name, str, optional=True)
        check.instance("drain", drain, bool)
        if callback is None and name is None:
            raise TypeError("callback or name must be given, got None for both")
        with self._lock:
            subscriptions = self.subscribers.get(topic, [])
            found = find_subscription(subscriptions, callback, name)
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

        None at once if the topic has no work queue; the next message published will make one. None
        also once the topic is deleted.
        """
        check_topic("topic", topic)
        timeout = check.number("timeout", timeout, low=0, optional=True)
        with self._lock:
            self._with_consumers.add(topic)
            self._known.add(topic)
            queue = self.topics.get(topic)
        if queue is None:
            return None
        # the wait is outside the lock, or no other task could publish the message that ends it
        return queue.receive(timeout, cancelled=lambda: self.topics.get(topic) is not queue)

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


def _hand_over(
    message: Message, target: InMemoryMessageQueue | Subscription, errors: list[BaseException]
) -> bool:
    """Put a message into a queue; False if it was refused, also by an exception, which is added to
    `errors`.
    """
    try:
        return bool(target.send(message))
    except PASSES:
        raise
    except BaseException as error:
        errors.append(error)
        return False
