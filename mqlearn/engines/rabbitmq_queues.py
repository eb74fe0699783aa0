"""The queues in the broker that one `RabbitMQQueue` has: how they are made, counted and emptied."""

from __future__ import annotations

import math

from mqlearn.engines.envelope import decode
from mqlearn.engines.queue import EngineQueue
from mqlearn.engines.rabbitmq_link import Receiver, Sender
from mqlearn.engines.rabbitmq_terms import (
    HEARTBEAT,
    LONGEST_MS,
    UNUSED,
    classic_arguments,
    delay_arguments,
    parameters,
    quorum_arguments,
    reason_of_death,
)
from mqlearn.runtime import check
from mqlearn.runtime.base import Timer, weak_callback
from mqlearn.runtime.threads import default_runtime

SETTLED_WITHIN = 0.05  # seconds until a quorum queue counts what was given back


class RabbitMQQueues(EngineQueue):
    """The queue itself, its dead letters, and a queue for each delay; `visibility_timeout` is in
    seconds.
    """

    _quorum: bool
    _heartbeat: Timer | None = None
    _returned_at = -math.inf  # when a delivery was given back last (s)

    @property
    def kind(self) -> str:
        return "rabbitmq" if self._quorum else "rabbitmq_classic"

    def _open(self) -> None:
        found = parameters(self.url, self.name)
        self._sending = Sender(found, self.shown_url)
        self._receiving = Receiver(found, self.shown_url)
        self._dead = f"{self.stored_as}.dead"
        self._delays: dict[int, float] = {}  # milliseconds, and when it was last used (s)
        super()._open()
        self._beat()

    def _connect(self) -> None:
        with self._sending.use() as channel:
            # classic, since reading it must not count as deliveries
            channel.queue_declare(self._dead, durable=True)
            if self._quorum:
                limit = {"x-delivery-limit": self.max_retries}
                self._sending.declare_quorum(self.stored_as, quorum_arguments(self._dead) | limit)
            else:
                arguments = classic_arguments(self._dead)
                channel.queue_declare(self.stored_as, durable=True, arguments=arguments)
        self._receiving.connect()

    def _reconnect(self) -> None:
        self._connect()  # each link connects again if it has lost its connection

    def _disconnect(self) -> None:
        if self._heartbeat is not None:
            self._heartbeat.cancel()
        self._sending.close()
        self._receiving.close()

    def _beat(self) -> None:
        """Keep the connections alive while handlers take long: the client has no thread for it."""
        if self._closed:
            return
        self._sending.pump()
        self._receiving.pump()
        # without keeping alive a queue that was forgotten
        self._heartbeat = self._runtime.call_at(
            self._runtime.now + HEARTBEAT / 4, weak_callback(self._beat)
        )

    def _queue_of(self, delay: float, wait: float = -1) -> str:
        """Return the queue that a message with this delay (s) is sent to; make it if need be."""
        if not delay:
            return self.stored_as
        milliseconds = math.ceil(delay * 1000)
        queue = f"{self.stored_as}.delay.{milliseconds}"
        arguments = delay_arguments(self.stored_as, milliseconds)
        with self._sending.use(wait):
            # each time: its time out of use begins again
            self._sending.declare_quorum(queue, arguments)
        self._delays[milliseconds] = self._runtime.now
        return queue

    def _check_delay(self, delay: float) -> None:
        check.number("delay", delay, high=LONGEST_MS / 1000)

    def _count(self) -> dict[str, int]:
        self._wait_until_counted()
        ready = self._sending.ready
        return {
            "waiting": ready(self.stored_as),
            "delayed": sum(self._delayed().values()),
            "in flight": len(self._held),
            "dead": ready(self._dead),
        }

    def _wait_until_counted(self) -> None:
        left = self._returned_at + SETTLED_WITHIN - self._runtime.now
        if left > 0:
            self._runtime.sleep(left)

    def _delayed(self) -> dict[str, int]:
        """Return the queues of delays that this process has used and that may hold something, and
        how many messages are in each.
        """
        now, held = self._runtime.now, {}
        for milliseconds, used in list(self._delays.items()):
            if now - used > milliseconds / 1000 + UNUSED / 2000:
                del self._delays[milliseconds]  # everything in it was due long ago
            else:
                queue = f"{self.stored_as}.delay.{milliseconds}"
                held[queue] = self._sending.ready(queue)
        return held

    def _read_dead(self) -> list[tuple[bytes, dict[str, str]]]:
        return [
            (payload, {"dead_letter_reason": reason}) for payload, _, reason in self._dead_letters()
        ]

    def _dead_letters(self) -> list[tuple[bytes, str, str]]:
        """Return the payload, the key and the reason of each dead letter. AMQP cannot look at a
        message without taking it: so for a moment other readers do not see them.
        """
        self._wait_until_counted()
        return [
            (payload, known.message_id or "", reason_of_death(known.headers))
            for _, known, payload in self._sending.read(self._dead)
        ]

    def _empty(self) -> int:
        self._wait_until_counted()
        queues = [self.stored_as, *self._delayed()]
        with self._sending.use() as channel:
            return sum(channel.queue_purge(queue).method.message_count for queue in queues)

    def delete(self) -> None:
        """Delete the queue, its dead letters and its delays from the server, and close."""
        self._insist(self._delete)
        self.close()

    def _delete(self) -> None:
        queues = [self.stored_as, self._dead, *self._delayed()]
        with self._sending.use() as channel:
            for queue in queues:
                channel.queue_delete(queue)

    def census(self) -> dict[str, int]:
        counted = super().census()
        if self._entries.listeners and counted["dead"] != self._entries.places()["dead"]:
            self._note_deaths()
        return counted

    def _note_deaths(self) -> None:
        """Record what the broker did without telling: it moved messages to the dead letters."""
        for payload, key, reason in self._insist(self._dead_letters):
            try:
                message, token, due = decode(payload)
            except ValueError:
                continue  # not one of ours
            age = default_runtime().now - due
            with self._lock:
                entry = self._entries.known(token, key)
                if entry is None or entry.place == "dead":
                    continue
                if reason == "expired":
                    self._entries.arrived(entry)
                    end = self.runtime.now - age + message.ttl
                    self._entries.move(entry, "expired", detail=end)
                else:
                    self._entries.move(entry, "dead", detail=reason)
