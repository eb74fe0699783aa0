"""Request and reply: a question on one topic, and the answer on another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mqlearn.messaging.broker import TopicBasedMessageBroker
from mqlearn.messaging.message import Message, Reject
from mqlearn.messaging.patterns import check_topic
from mqlearn.messaging.workers import Handler
from mqlearn.runtime import check


class Requester:
    """Publishes requests, and waits for their answers on its own topic `reply_to`. Several tasks
    may use it at the same time.

    The header `reply_to` of a request names the topic for the answer; the causation id of the
    answer is the id of its request. An answer that comes twice, or after the timeout, is counted in
    `late` and otherwise ignored.

    Source: Hohpe and Woolf, "Enterprise Integration Patterns", 2003 (Request-Reply, Return Address,
    Correlation Identifier).
    """

    def __init__(self, broker: TopicBasedMessageBroker, reply_to: str) -> None:
        check.instance("broker", broker, TopicBasedMessageBroker)
        check_topic("reply_to", reply_to)
        self.broker, self.reply_to, self.late = broker, reply_to, 0
        self._replies: dict[str, Message | None] = {}  # by the id of the request
        self._arrived = broker.runtime.condition()
        broker.subscribe(reply_to, self._receive_reply, name=reply_to)

    def ask(self, topic: str, message: Message, *, timeout: float | None = None) -> Message | None:
        """Publish a request and wait for its answer, at most `timeout` seconds (None: forever).

        None if no answer came in time, or if there was no room for the request. If the request's
        queue blocks when full, the wait for room comes on top of `timeout`. Raises ValueError if
        another task is already waiting with the same message id, since an answer could belong to
        either.
        """
        check.instance("message", message, Message)
        check.number("timeout", timeout, low=0, optional=True)
        request, clock = message.copy(), self.broker.runtime
        request.headers["reply_to"] = self.reply_to
        deadline = None if timeout is None else clock.now + timeout
        with self._arrived:
            if request.id in self._replies:
                raise ValueError(
                    f"message must not be one that is being asked, got the id {request.id!r} again"
                )
            # before publishing, or a quick answer would be counted as late
            self._replies[request.id] = None
        try:
            # outside the lock: a subscriber may answer before this call returns
            if not self.broker.publish(topic, request):
                return None
            with self._arrived:
                while (answer := self._replies[request.id]) is None:
                    left = None if deadline is None else deadline - clock.now
                    if left is not None and left <= 0:
                        return None
                    self._arrived.wait(left)
                return answer
        finally:
            with self._arrived:
                # also after a timeout, so that an answer that comes afterwards is recognised as
                # late
                self._replies.pop(request.id, None)

    def _receive_reply(self, reply: Message) -> None:
        with self._arrived:
            asked = reply.causation_id or ""
            # None: asked and not answered yet; `reply` itself: no task is waiting for it
            if self._replies.get(asked, reply) is None:
                self._replies[asked] = reply
                # all, since the condition cannot choose the task that asked; the others wait again
                self._arrived.notify_all()
            else:
                self.late += 1


def replying(
    broker: TopicBasedMessageBroker, answer: Callable[[Message], dict[str, Any]]
) -> Handler:
    """Return a handler that publishes a reply with the body `answer(message)` to the topic that the
    request names. The handler returns False, a failure, if there was no room.

    A request without the header `reply_to` is rejected.
    """
    check.instance("broker", broker, TopicBasedMessageBroker)
    check.function("answer", answer)

    def handle(message: Message) -> bool:
        reply_to = message.headers.get("reply_to")
        if reply_to is None:
            raise Reject("no address to reply to: the request has no header reply_to")
        return broker.publish(reply_to, message.reply(answer(message)))

    return handle
