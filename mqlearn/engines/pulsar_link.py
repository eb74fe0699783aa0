"""The client of Pulsar for one queue: two producers and a consumer that holds no messages in
advance.

A consumer of Pulsar usually keeps messages ready, and as long as it has them no other gets them.
This one asks for each message by itself. A request cannot be taken back: if its `receive` is over
when the message comes, and no other begins, a copy of the message is sent and the original acked,
so that another consumer gets it, uncounted.
"""

from __future__ import annotations

import queue
import socket
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

import pulsar

from mqlearn.engines.errors import EngineError
from mqlearn.engines.pulsar_admin import PulsarAdmin, Unreachable
from mqlearn.runtime.base import Runtime

SUBSCRIPTION, LETTERS = "workers", "letters"
TIMEOUT = 20  # seconds for one step of the client
RETURNED = 100  # milliseconds until what was given back is delivered again, the least there is
STRAY = 1.0  # seconds for which a message waits for a receive of this process
SILENCE = 2.0  # seconds without a message until we ask whether the server still knows requests

# what the client raises while a server is gone or starts
GONE = (
    pulsar.Timeout,
    pulsar.AlreadyClosed,  # by another thread: then the queue says so
    pulsar.ConnectError,
    pulsar.LookupError,
    pulsar.ReadError,
    pulsar.NotConnected,
    pulsar.ServiceUnitNotReady,
    pulsar.TooManyLookupRequestException,
    pulsar.ProducerNotInitialized,
    pulsar.ConsumerNotInitialized,
    pulsar.BrokerMetadataError,
    pulsar.BrokerPersistenceError,
)

T = TypeVar("T")


def ask(call: Callable[..., T], *told: Any, **more: Any) -> T:
    """Return what a call of the client returns; Unreachable while the server is gone."""
    try:
        return call(*told, **more)
    except GONE as error:
        raise Unreachable(str(error)) from error
    except pulsar.MessageTooBig as error:
        raise ValueError(f"message must not be larger than pulsar allows: {error}") from error
    except pulsar.PulsarException as error:
        raise EngineError(f"pulsar refuses: {error}") from error


class PulsarLink:
    """The connection to a topic and to that of its dead letters. Many threads may use it."""

    def __init__(self, admin: PulsarAdmin, topic: str, name: str, runtime: Runtime) -> None:
        # the client tries for the whole timeout; a port that is closed says so at once
        socket.create_connection((admin.host, admin.port), timeout=5).close()
        self._admin, self._topic, self._name, self._runtime = admin, topic, name, runtime
        self._lock = runtime.lock()
        self._waiting = self._asked = 0  # calls of `receive`; messages asked for
        self._came: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._heard = runtime.now
        self.client = pulsar.Client(
            admin.service,
            operation_timeout_seconds=TIMEOUT,
            io_threads=1,
            logger=pulsar.ConsoleLogger(pulsar.LoggerLevel.Error),
        )
        try:
            self._open()
        except BaseException:
            self.client.close()
            raise

    def _open(self) -> None:
        # a topic keeps what a subscription has not acked, from its making on
        self._subscribe(f"{self._topic}-dead", LETTERS, f"{self._name}-dead").close()
        self._consumer = self._subscribe(self._topic, SUBSCRIPTION, self._name)
        self._producer = self._produce(self._topic)
        self._burier = self._produce(f"{self._topic}-dead")

    def _subscribe(self, topic: str, subscription: str, name: str) -> Any:
        return ask(
            self.client.subscribe,
            topic,
            subscription,
            consumer_type=pulsar.ConsumerType.Shared,
            initial_position=pulsar.InitialPosition.Earliest,
            receiver_queue_size=0,
            negative_ack_redelivery_delay_ms=RETURNED,
            consumer_name=name,
        )

    def _produce(self, topic: str) -> Any:
        # A consumer that asks for one message cannot get a batch of them.
        return ask(
            self.client.create_producer,
            topic,
            batching_enabled=False,
            block_if_queue_full=True,
            send_timeout_millis=TIMEOUT * 1000,
        )

    def check(self) -> None:
        """Raise Unreachable while the client has no connection; it makes a new one by itself."""
        if not (self._consumer.is_connected() and self._producer.is_connected()):
            raise Unreachable("the connection is gone")

    # Sends.

    def send(self, payload: bytes, properties: dict[str, str], delay: float) -> str:
        """Send a message, to be delivered after `delay` seconds, and return its id once the server
        has stored it.
        """
        self.check()
        later = timedelta(seconds=delay) if delay else None
        return str(ask(self._producer.send, payload, properties, deliver_after=later))

    def send_all(self, payloads: list[bytes]) -> list[str]:
        """Send messages without waiting for the confirm of each; return their ids."""
        self.check()
        done: queue.SimpleQueue[tuple[int, Any, Any]] = queue.SimpleQueue()
        for number, payload in enumerate(payloads):
            ask(self._producer.send_async, payload, partial(_confirmed, done, number))
        ids: dict[int, str] = {}
        for _ in payloads:
            number, result, stored = done.get()
            if result != pulsar.Result.Ok:
                raise Unreachable(f"not stored: {result}")
            ids[number] = str(stored)
        return [ids[number] for number in range(len(payloads))]

    def bury(self, payload: bytes, properties: dict[str, str]) -> None:
        """Send a message to the dead letters."""
        ask(self._burier.send, payload, properties)

    def read_dead(self) -> list[Any]:
        """Return the messages of the dead letters' topic, and leave them there."""
        reader = ask(self.client.create_reader, f"{self._topic}-dead", pulsar.MessageId.earliest)
        try:
            found = []
            while ask(reader.has_message_available):
                found.append(ask(reader.read_next, TIMEOUT * 1000))
            return found
        finally:
            reader.close()

    # Deliveries.

    def receive(self, timeout: float, more: int = 1) -> Any | None:
        """Return the next message within `timeout` seconds, and let `more` be on their way."""
        self.check()
        with self._lock:
            self._waiting += more
            missing = max(0, self._waiting - self._asked - self._came.qsize())
        try:
            self._request(missing + self._forgotten())
            return self._came.get(timeout=timeout)
        except queue.Empty:
            return None
        finally:
            with self._lock:
                self._waiting -= more

    def ready(self) -> int:
        """Return how many messages have come that no `receive` has taken yet."""
        return self._came.qsize()

    def _request(self, n: int) -> None:
        with self._lock:
            self._asked += n
        for _ in range(n):
            self._consumer._consumer.receive_async(self._arrived)

    def _forgotten(self) -> int:
        """Return how many requests the server does not know any more, since it was restarted."""
        if self._runtime.now < self._heard + SILENCE:
            return 0
        self._heard = self._runtime.now
        permits = self._admin.permits(self._topic, SUBSCRIPTION, self._name)
        with self._lock:
            forgotten = max(0, self._asked - permits)
            self._asked -= forgotten
        return forgotten

    def _arrived(self, result: Any, message: Any) -> None:
        # called by the client's own thread
        with self._lock:
            self._asked = max(0, self._asked - 1)
            is_stray = self._waiting == 0
        self._heard = self._runtime.now
        if result == pulsar.Result.Ok:
            self._came.put(message)
            if is_stray:
                self._runtime.call_at(self._heard + STRAY, self._return_strays)

    def _return_strays(self) -> None:
        """Send copies of what came too late, and ack the originals."""
        while self._waiting == 0:
            try:
                message = self._came.get_nowait()
            except queue.Empty:
                return
            properties = copied(message)
            done = partial(self._returned, message)
            try:
                self._producer.send_async(message.data(), done, properties)
            except pulsar.PulsarException:
                return  # without a connection the server gives it to another by itself

    def _returned(self, message: Any, result: Any, _: Any) -> None:
        if result == pulsar.Result.Ok:
            self._consumer.acknowledge(message)

    def ack(self, message: Any) -> None:
        """Ack a message. The client tells the server within 0.1 s."""
        self.check()
        ask(self._consumer.acknowledge, message)

    def give_back(self, message: Any) -> None:
        """Let the server deliver a message again; that counts."""
        self.check()
        ask(self._consumer.negative_acknowledge, message)

    def close(self) -> None:
        """End the client with all its threads."""
        self._return_strays()
        try:
            self._producer.flush()
        except pulsar.PulsarException:
            pass
        self.client.close()


def copied(message: Any) -> dict[str, str]:
    """Return the properties of a copy: the id of the first one, and how often it has failed."""
    known = message.properties()
    failures = int(known.get("failures", 0)) + message.redelivery_count()
    return {"key": known.get("key", str(message.message_id())), "failures": str(failures)}


def _confirmed(done: queue.SimpleQueue[Any], number: int, result: Any, stored: Any) -> None:
    done.put((number, result, stored))
