"""One subscriber of a channel on Redis: it hears what is published while it is connected."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import redis

from mqlearn.engines.adapter import PAUSE
from mqlearn.engines.envelope import decode
from mqlearn.engines.errors import EngineError
from mqlearn.messaging.message import Message, MessageStatus
from mqlearn.runtime import check
from mqlearn.runtime.base import Task
from mqlearn.runtime.closing import Closing
from mqlearn.runtime.handed_in import Listeners, reason_of
from mqlearn.runtime.threads import ThreadRuntime, default_runtime
from mqlearn.runtime.trace import Trace

LOOK = 0.2  # seconds of one wait, so that a subscriber that is to end hears of it
CONFIRMED = 10.0  # seconds within which the server must have confirmed


class RedisSubscription(Closing):
    """The messages of one `channel` from the moment at which this object is made; iterate over it,
    or call `receive`. It ends with `close`.

    The server keeps nothing for it. A connection that breaks is made again, and what was published
    meanwhile is gone; so is what a subscriber that is too slow has not read when the server's
    buffer for it is full (`client-output-buffer-limit pubsub`): the server then closes the
    connection. Messages of other programs, which are no envelopes of this course, are passed over.
    """

    def __init__(
        self,
        server: redis.Redis,
        channel: str,
        *,
        runtime: ThreadRuntime,
        trace: Trace | None,
        name: str,
    ) -> None:
        self.name = name
        self._server, self._channel = server, channel
        self._runtime, self._trace = runtime, trace
        self._lock = runtime.lock()  # held while the connection is used, at most for `LOOK`
        self._closed = self._broken = False
        self._task: Task | None = None
        self._link: Any = None
        self._connect()

    def _connect(self) -> None:
        """Subscribe, and wait until the server has confirmed it: what is published from then on is
        heard.
        """
        self._link = self._server.pubsub()
        try:
            self._link.subscribe(self._channel)
            if self._link.get_message(timeout=CONFIRMED) is None:
                raise redis.TimeoutError(f"no confirm within {CONFIRMED:g} s")
        except BaseException:
            self._link.close()
            raise

    def receive(self, timeout: float | None = None) -> Message | None:
        """Return the next message; None if there is none within `timeout` seconds (None: wait
        forever), or once the subscription is closed.
        """
        timeout = check.number("timeout", timeout, low=0, optional=True)
        deadline = None if timeout is None else self._runtime.now + timeout
        while True:
            left = LOOK if deadline is None else max(0.0, deadline - self._runtime.now)
            heard = self._hear(min(left, LOOK))
            if heard is not None or self._closed or left <= 0:
                return heard

    def _hear(self, timeout: float) -> Message | None:
        """Wait at most `timeout` seconds for something, and return it if it is a message."""
        broken = False
        with self._lock:
            if self._closed:
                return None
            try:
                if self._broken:
                    self._connect()
                    self._broken = False
                heard = self._link.get_message(timeout=timeout)
            except (redis.ConnectionError, redis.TimeoutError):
                if not self._broken:
                    self._link.close()
                broken = self._broken = True
        if broken:
            self._runtime.sleep(PAUSE)
            return None
        return None if heard is None or heard["type"] != "message" else self._message(heard["data"])

    def _message(self, payload: bytes) -> Message | None:
        try:
            message, _, due = decode(payload)
        except ValueError:
            return None
        message.timestamp = self._runtime.now - (default_runtime().now - due)
        message.status, message.attempt = MessageStatus.PROCESSING, 1
        return message

    def __iter__(self) -> Iterator[Message]:
        while not self._closed:
            message = self.receive()
            if message is not None:
                yield message

    def start(self, callback: Callable[[Message], object]) -> None:
        """Call `callback(message)` for each message from now on, in a thread of its own."""
        if self._task is not None:
            raise EngineError(f"the subscription {self.name} has a callback already")
        self._task = self._runtime.spawn(self._serve, callback, name=self.name, daemon=True)

    def _serve(self, callback: Callable[[Message], object]) -> None:
        failures = Listeners()
        for message in self:
            self._note("started", message)
            ended = "completed"
            try:
                callback(message)
            except BaseException as error:
                ended = f"failed: {reason_of(error)}"
                failures.pass_over(callback, error)
            self._note("finished", message, ended)

    def _note(self, event: str, message: Message, detail: str | None = None) -> None:
        if self._trace is not None:
            now, worker = self._runtime.stamp()
            fields = {"worker": worker, "detail": detail}
            self._trace.note(now, event, self.name, delivery=message, **fields)

    def close(self) -> None:
        """End the subscription; a callback that runs is waited for, except by itself."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._link.close()
        if self._task is not None and self._task is not self._runtime.current_task():
            self._task.join()
