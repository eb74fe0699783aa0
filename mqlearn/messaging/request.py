"""Request and reply: a question on one topic, and the answer on another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mqlearn.messaging.broker import TopicBasedMessageBroker
from mqlearn.messaging.message import Message, Outcome, Reject, read_outcome
from mqlearn.messaging.patterns import check_topic
from mqlearn.messaging.workers import Handler
from mqlearn.runtime import check
from mqlearn.runtime.closing import Closing


class Requester(Closing):
    """Publishes requests, and waits for their answers on its own topic `reply_to`. Several tasks
    may use it at the same time. Close it when it is no longer needed, or use it in a `with` block.

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
        self._closed = False
        broker.subscribe(reply_to, self._receive_reply, name=reply_to)

    def ask(self, topic: str, message: Message, *, timeout: float | None = None) -> Message | None:
        """Publish a request and wait for its answer, at most `timeout` seconds (None: forever).

        None if no answer came in time, if there was no room for the request, or if the requester is
        closed meanwhile. If the request's queue blocks when full, the wait for room comes on top of
        `timeout`. Raises ValueError if another task is already waiting with the same message id,
        since an answer could belong to either; RuntimeError if the requester is closed.
        """
        check.instance("message", message, Message)
        timeout = check.number("timeout", timeout, low=0, optional=True)
        request, clock = message.copy(), self.broker.runtime
        request.headers["reply_to"] = self.reply_to
        deadline = None if timeout is None else clock.now + timeout
        with self._arrived:
            if self._closed:
                raise RuntimeError("this requester is closed")
            if request.id in self._replies:
                raise ValueError(
                    "message must not be one that is being asked, got the id "
                    f"{check.short_repr(request.id)} again"
                )
            # before publishing, or a quick answer would be counted as late
            self._replies[request.id] = None
        try:
            # outside the lock: a subscriber may answer before this call returns
            if not self.broker.publish(topic, request):
                return None
            with self._arrived:
                while (answer := self._replies[request.id]) is None:
                    if self._closed:
                        return None
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

    def close(self) -> None:
        """End the subscription to `reply_to`: `ask` returns None in all tasks that wait in it.

        Answers that come afterwards go to the other subscribers of the topic; without one, they
        wait in its work queue.
        """
        with self._arrived:
            self._closed = True
            self._arrived.notify_all()
        # False the second time, and outside the lock: the broker has one of its own
        self.broker.unsubscribe(self.reply_to, self._receive_reply, drain=False)

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

    It fails too, and no reply is sent, if `answer` returns anything but a dict. A request without
    the header `reply_to`, or with one that is no topic, is rejected before `answer` is called.
    """
    check.instance("broker", broker, TopicBasedMessageBroker)
    check.function("answer", answer)

    def handle(message: Message) -> bool | Outcome:
        reply_to = message.headers.get("reply_to")
        if reply_to is None:
            raise Reject("no address to reply to: the request has no header reply_to")
        try:
            check_topic("reply_to", reply_to)
        except (TypeError, ValueError) as error:
            raise Reject(f"no address to reply to: {error}") from None
        body = answer(message)
        if not isinstance(body, dict):
            outcome = read_outcome(body, "answer returned")
            if outcome.kind == "completed":
                got = check.short_repr(body)
                outcome = Outcome("failed", f"answer must return a dict, got {got}")
            return outcome
        return broker.publish(reply_to, message.reply(body))

    return handle
