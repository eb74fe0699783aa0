"""A connection to RabbitMQ with one channel, which threads use in turn, and its two uses: sending
with confirms, and receiving.

A `BlockingConnection` may be used by one thread at a time, and it answers heartbeats only while it
is used. Hence the lock, and `pump`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import pika
from pika.exceptions import AMQPError, ChannelClosedByBroker

from mqlearn.engines.rabbitmq_terms import explain

CONFIRMED_WITHIN = 30.0  # seconds that a send waits for its confirm
QUIET = 0.5  # seconds without a delivery that end a batch
MANY = 1000  # messages of one batch; a quorum queue caps a prefetch at 2,000

NOT_FOUND = 404  # AMQP's code for a queue that is not there


class Busy(ConnectionError):
    """Raised if another thread uses the link for longer than one may wait."""


@dataclass(slots=True)
class Letter:
    """A message on its way out: its `queue`, `payload` and AMQP `properties`."""

    queue: str
    payload: bytes
    properties: Any


class Link:
    """One connection with one channel. `life` counts its connections: a delivery belongs to one of
    them, and is back in its queue once that has ended.
    """

    def __init__(self, parameters: Any, shown_url: str) -> None:
        self._parameters, self._shown_url = parameters, shown_url
        self._lock = threading.RLock()
        self._connection: Any = None
        self.channel: Any = None
        self.life = 0
        self._closed = False

    def connect(self) -> None:
        """Connect, if it is not connected. Raises EngineError if the server refuses, and
        ConnectionError if there is none.
        """
        with self._lock:
            if self.channel is not None:
                return
            if self._closed:
                raise ConnectionError("the connection is closed")
            try:
                self._connection = pika.BlockingConnection(self._parameters)
                self.channel = self._connection.channel()
                self.life += 1
                self._opened()
            except (AMQPError, OSError) as error:
                self._drop()
                raise explain(error, self._shown_url) from error
            except BaseException:
                self._drop()
                raise

    def _opened(self) -> None:
        """Prepare a new channel."""

    @contextmanager
    def use(self, wait: float = -1) -> Iterator[Any]:
        """Lend the channel to this thread, which waits at most `wait` seconds for it (-1: forever).

        After an error nothing is known about answers that are still on their way, so the connection
        is closed.
        """
        if not self._lock.acquire(timeout=wait):
            raise Busy(f"the connection is in use for {wait:g} s")
        try:
            self.connect()
            yield self.channel
        except (AMQPError, OSError) as error:
            self._drop()
            if isinstance(error, ConnectionError):
                raise
            raise explain(error, self._shown_url) from error
        except BaseException:
            self._drop()
            raise
        finally:
            self._lock.release()

    def pump(self) -> None:
        """Answer the broker's heartbeats, unless another thread is using the connection."""
        if self._lock.acquire(blocking=False):
            try:
                if self.channel is not None:
                    self._connection.process_data_events(0)
            except (AMQPError, OSError):
                self._drop()
            finally:
                self._lock.release()

    def ready(self, queue: str) -> int:
        """Return how many messages of a queue are ready, so without those in flight."""
        with self.use() as channel:
            return int(channel.queue_declare(queue, passive=True).method.message_count)

    def collect(self, channel: Any, queue: str, n: int) -> list[tuple[Any, Any, bytes]]:
        """Return `n` messages that are ready, or fewer if others take them meanwhile.

        The broker pushes no more than the prefetch, so that none is left in a buffer.
        """
        found: list[tuple[Any, Any, bytes]] = []
        channel.basic_qos(prefetch_count=n)
        tag = channel.basic_consume(queue, lambda _, *delivered: found.append(delivered))
        before = -1
        while before < len(found) < n:
            before = len(found)
            self._connection.process_data_events(QUIET)
        channel.basic_cancel(tag)
        return found

    def close(self) -> None:
        """Close the connection for good; whatever it holds is back in its queue."""
        with self._lock:
            self._closed = True
            self._drop()

    def _drop(self) -> None:
        connection, self._connection, self.channel = self._connection, None, None
        if connection is None:
            return
        try:
            if connection.is_open:
                connection.close()
            elif not connection.is_closed:
                connection.process_data_events(0)  # its end is under way
        except (AMQPError, OSError):
            pass  # it was broken already
        finally:
            connection._cleanup()  # or the sockets of its loop may stay open


class Sender(Link):
    """A link that sends, and knows what the broker has confirmed."""

    def _opened(self) -> None:
        self._sent, self._returned = 0, False
        self._unconfirmed: dict[int, None] = {}  # by the number of the send
        self._refused: set[int] = set()
        # A BlockingChannel waits for each confirm before the next send. The channel inside it does
        # not: many sends share one wait.
        inner, answer = self.channel._impl, []  # type: ignore[var-annotated]
        inner.add_on_return_callback(self._on_return)
        inner.confirm_delivery(self._on_confirm, answer.append)
        self.channel._flush_output(lambda: bool(answer))

    def _on_return(self, *_: Any) -> None:
        self._returned = True

    def _on_confirm(self, frame: Any) -> None:
        tag = frame.method.delivery_tag
        several = takewhile(lambda sent: sent <= tag, self._unconfirmed)
        for each in list(several) if frame.method.multiple else [tag]:
            self._unconfirmed.pop(each, None)
            if frame.method.NAME == "Basic.Nack":
                self._refused.add(each)

    def send(self, letters: list[Letter], wait: float = -1) -> list[bool]:
        """Send letters and wait for all confirms; return for each whether the broker took it.

        Raises ConnectionError if a confirm is missing or a queue is gone.
        """
        with self.use(wait) as channel:
            first = self._sent + 1
            for letter in letters:
                self._sent += 1
                self._unconfirmed[self._sent] = None
                # `mandatory`, or the broker confirms what it threw away for want of a queue
                channel._impl.basic_publish(
                    "", letter.queue, letter.payload, letter.properties, mandatory=True
                )
            deadline = time.monotonic() + CONFIRMED_WITHIN
            channel._flush_output(lambda: not self._unconfirmed or time.monotonic() > deadline)
            if self._unconfirmed or self._returned:
                what = "queue is gone" if self._returned else "confirm is missing"
                raise ConnectionError(f"the {what}")
            refused, self._refused = self._refused, set()
            return [first + i not in refused for i in range(len(letters))]

    def declare_quorum(self, queue: str, arguments: dict[str, Any]) -> None:
        """Declare a quorum queue, so that it outlives the broker from now on.

        RabbitMQ 3.10.8 writes the name of a new one to its disk after a second or so. If it is
        killed before, it finds neither the queue nor what is in it when it starts again. It writes
        at once when one more is declared.
        """
        with self.use() as channel:
            new = not self._exists(queue)
            channel.queue_declare(queue, durable=True, arguments=arguments)
            if new:
                other = f"{queue}.other"
                channel.queue_declare(other, durable=True, arguments={"x-queue-type": "quorum"})
                channel.queue_delete(other)

    def _exists(self, queue: str) -> bool:
        channel = self._connection.channel()
        try:
            channel.queue_declare(queue, passive=True)
        except ChannelClosedByBroker as error:  # and its channel with it
            if error.reply_code != NOT_FOUND:
                raise
            return False
        channel.close()
        return True

    def read(self, queue: str) -> list[tuple[Any, Any, bytes]]:
        """Return what is in a classic queue and leave it there, on a channel of its own."""
        waiting = self.ready(queue)
        if not waiting:
            return []
        with self.use():
            channel = self._connection.channel()
            found = self.collect(channel, queue, waiting)
            channel.basic_nack(0, multiple=True, requeue=True)
            # its answer comes when all of them are back in their places
            channel.queue_declare(queue, passive=True)
            channel.close()
        return found


class Receiver(Link):
    """A link that receives and settles. It knows the tags that are not settled yet."""

    def _opened(self) -> None:
        self._tags: dict[int, None] = {}  # in the order of their delivery

    def get(self, queue: str) -> tuple[int, Any, Any, bytes] | None:
        """Return the life, method, properties and payload of the next message; None if there is
        none.
        """
        with self.use() as channel:
            method, properties, payload = channel.basic_get(queue)
            if method is None:
                return None
            self._tags[method.delivery_tag] = None
            return self.life, method, properties, payload

    def get_many(self, queue: str, n: int) -> list[tuple[int, Any, Any, bytes]]:
        """Return messages that are ready, at most `n`."""
        with self.use() as channel:
            found: list[tuple[Any, Any, bytes]] = []
            wanted = min(n, self.ready(queue))
            while len(found) < wanted:
                more = self.collect(channel, queue, min(wanted - len(found), MANY))
                found += more
                if not more:
                    break
            self._tags |= dict.fromkeys(method.delivery_tag for method, *_ in found)
            return [(self.life, *each) for each in found]

    def is_current(self, life: int, wait: float = -1) -> bool:
        """Return whether the connection of this `life` still is."""
        return self._settle(life, lambda _: None, wait)

    def ack(self, life: int, tags: list[int], wait: float = -1) -> bool:
        """Ack deliveries of a `life`; False if its connection has ended: they are in the queue
        again.
        """

        def call(channel: Any) -> None:
            left = self._tags.keys() & tags  # not those of a try before
            # one ack for all that were delivered first, if none of these is still in work
            if first := list(takewhile(left.__contains__, self._tags)):
                channel.basic_ack(first[-1], multiple=True)
            for tag in left.difference(first):
                channel.basic_ack(tag)
            for tag in left:
                del self._tags[tag]

        return self._settle(life, call, wait)

    def reject(self, life: int, tag: int, requeue: bool, wait: float = -1) -> bool:
        """Give a delivery back, or away to the dead letters; False as for `ack`."""

        def call(channel: Any) -> None:
            if tag in self._tags:  # not if a try before was heard
                # since RabbitMQ 4.3 a nack does not count as a failure, so its limit would never be
                # reached; before, both counted
                channel.basic_reject(tag, requeue=requeue)
                del self._tags[tag]

        return self._settle(life, call, wait)

    def _settle(self, life: int, call: Callable[[Any], None], wait: float) -> bool:
        try:
            if life != self.life or self.channel is None:
                return False
            with self.use(wait) as channel:
                if life != self.life:
                    return False
                self._connection.process_data_events(0)  # so that it learns of its end
                call(channel)
                return True
        except Busy:
            raise
        except ConnectionError:
            return False
