"""The course text's two examples on a broker run as they are written, on real threads."""

from __future__ import annotations

import threading

from mqlearn import Message, MessagePriority, MessageProcessor, TopicBasedMessageBroker

DEADLINE = 10.0  # seconds after which the test has failed; it takes next to none


def test_the_image_queue_is_worked_off() -> None:
    """Ten images, three workers on `broker.topics[…]`, every one done; a publish before the workers
    is kept too.
    """
    broker, done, finished = TopicBasedMessageBroker(), [], threading.Semaphore(0)
    broker.create_topic("image_processing")

    def process_image(message: Message) -> bool:
        done.append(message.body["image_url"])
        finished.release()
        return True

    processor = MessageProcessor(broker.topics["image_processing"])
    processor.register_processor("image_resize", lambda msg: process_image(msg))  # noqa: PLW0108 - as the text has it
    processor.start_workers(num_workers=3)
    for i in range(10):
        message = Message(
            body={"image_url": f"https://example.com/image_{i}.jpg", "type": "resize"},
            headers={"type": "image_resize"},
            priority=MessagePriority.NORMAL,
        )
        assert broker.publish("image_processing", message)
    assert all(finished.acquire(timeout=DEADLINE) for _ in range(10))
    processor.stop_workers()
    assert sorted(done) == [f"https://example.com/image_{i}.jpg" for i in range(10)]
    assert broker.get_topic_stats("image_processing")["queue_size"] == 0


def test_the_user_events_reach_both_handlers_in_order() -> None:
    """Login, view, purchase: analytics records all three, the notifier two, each in the order of
    publishing.
    """
    broker, heard = TopicBasedMessageBroker(), {"analytics": [], "notification": []}
    finished = threading.Semaphore(0)

    def analytics_handler(message: Message) -> None:
        heard["analytics"].append(message.body["event_type"])
        finished.release()

    def notification_handler(message: Message) -> None:
        if message.body["event_type"] in ["login", "purchase"]:
            heard["notification"].append(message.body["event_type"])
        finished.release()

    broker.subscribe("user_events", analytics_handler)
    broker.subscribe("user_events", notification_handler)
    for event in ("login", "view_product", "purchase"):
        message = Message(
            body={"event_type": event, "user_id": "user123"}, headers={"type": "user_activity"}
        )
        assert broker.publish("user_events", message)
    assert all(finished.acquire(timeout=DEADLINE) for _ in range(6))
    assert heard == {
        "analytics": ["login", "view_product", "purchase"],
        "notification": ["login", "purchase"],
    }
    loops = [subscription.workers[0] for subscription in broker.subscribers["user_events"]]
    assert broker.unsubscribe("user_events", analytics_handler)
    assert broker.unsubscribe("user_events", notification_handler)
    for loop in loops:
        loop.join(DEADLINE)
        assert not loop.is_alive()
