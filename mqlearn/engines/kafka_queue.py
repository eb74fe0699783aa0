"""A queue on Kafka: a topic with one share group (Kafka 4.2; dead letters since 4.4).

    mqlearn-NAME       a topic of one partition: everything that was sent, settled or not
    mqlearn-NAME       a share group: the holder of each record, until when, and its number of tries
    dlq.mqlearn-NAME   a topic: the dead letters, with one of the broker's two reasons

The lease is the group's record lock, and `max_retries` its limit of deliveries less one: both are
the broker's, so a message comes back, or dies, also when no process looks.

Source: KIP-932 (share groups) and KIP-1191 (their dead letters).
"""

from __future__ import annotations

from collections.abc import Mapping

from confluent_kafka.admin import ConfigResource

from mqlearn.engines.adapter import Fetched, Held
from mqlearn.engines.errors import EngineError
from mqlearn.engines.features import refuse
from mqlearn.engines.kafka_client import FOREVER, LARGEST, KafkaAdmin, client_settings
from mqlearn.engines.kafka_dead import KafkaDeadLetters
from mqlearn.engines.kafka_producer import KafkaProducer
from mqlearn.engines.kafka_share import ACCEPT, REJECT, RELEASE, Acquired, ShareMembers
from mqlearn.engines.queue import EngineQueue
from mqlearn.messaging.message import RETRIES_EXHAUSTED, Message
from mqlearn.runtime import check
from mqlearn.runtime.threads import ThreadRuntime
from mqlearn.runtime.trace import Trace

GROUP = ConfigResource.Type.GROUP
LEASE, TRIES = "share.record.lock.duration.ms", "share.delivery.count.limit"
FEWEST, MOST = "group.share.min.record.lock.duration.ms", "group.share.max.record.lock.duration.ms"
DOUBT = 5.0  # seconds after its lease within which a record that was not acked has come back
PURGED = 500  # messages that one step of `purge` takes
SILENCE = 1.0  # `purge` ends when no message has come for so many seconds: a busy broker is slow


class KafkaQueue(EngineQueue):
    """A queue on a Kafka broker, `kafka://host:port`, with a `visibility_timeout` in seconds: 1 to
    60 on the broker of `local`, 15 to 60 by Kafka's own defaults. `max_retries` is from 1 to 9.

    Order is that of sending; what comes back goes first. No priorities, no delays, no `extend` and
    no `size`. A release counts as a delivery. What is in flight when the broker is killed comes
    back without having counted. A delivery needs a consumer of its own until it is settled, at most
    100 in a process; those of one `receive_many` share one.

    If the answer to an ack is lost, `ack` returns False, although the broker may have it. In the
    trace the message then stays in flight until it is delivered again; or, if some seconds after
    its lease a poll finds nothing that waits, it was acked.

    `batch` is how many messages of one `send_many` travel together. The broker also hands them out
    together: more than 1 is far faster, but the leases of all of them begin when the first of them
    is received. A poll takes at least 0.2 s before it finds nothing, since the broker cannot be
    asked whether something waits.
    """

    engine = "kafka"
    client = "confluent-kafka"
    largest = LARGEST

    def __init__(
        self,
        url: str,
        name: str,
        *,
        visibility_timeout: float = 30.0,
        max_retries: int = 3,
        batch: int = 1,
        trace: Trace | None = None,
        runtime: ThreadRuntime | None = None,
    ) -> None:
        check.whole("max_retries", max_retries, low=1, high=9)
        self.batch = check.whole("batch", batch, low=1, high=10_000)
        # acks whose answer was lost, and when a poll that finds nothing will have settled them (s)
        self._doubts: list[tuple[float, Held]] = []
        super().__init__(
            url,
            name,
            visibility_timeout=visibility_timeout,
            max_retries=max_retries,
            trace=trace,
            runtime=runtime,
        )

    def _connect(self) -> None:
        settings = client_settings(self.url)
        self._admin = KafkaAdmin(self.url)
        self._admin.check_answers()
        self._check_lease()
        dead = f"dlq.{self.stored_as}"
        self._dead = KafkaDeadLetters(settings, self._admin, dead, self._runtime)
        self._admin.create_topic(self.stored_as, 1, {"retention.ms": FOREVER})
        self._agree(
            {
                LEASE: str(round(self.visibility_timeout * 1000)),
                TRIES: str(self.max_retries + 1),
                "share.auto.offset.reset": "earliest",
                "errors.deadletterqueue.topic.name": dead,
                "errors.deadletterqueue.copy.record.enable": "true",
            }
        )
        self._members = ShareMembers(
            {**settings, "group.id": self.stored_as},
            self.stored_as,
            self.visibility_timeout,
            self._runtime,
        )
        self._one = KafkaProducer(settings, self._runtime, batch=1)
        self._many = self._one
        if self.batch > 1:
            self._many = KafkaProducer(settings, self._runtime, batch=self.batch, linger=0.005)

    def _check_lease(self) -> None:
        """Refuse a lease that the broker does not allow."""
        broker = str(next(iter(self._admin.client.list_topics(timeout=5.0).brokers)))
        limits = self._admin.config(ConfigResource.Type.BROKER, broker)
        if FEWEST not in limits:
            raise EngineError(f"kafka at {self.url} has no share groups: version must be 4.2")
        fewest, most = int(limits[FEWEST]) / 1000, int(limits[MOST]) / 1000
        if not fewest <= self.visibility_timeout <= most:
            raise ValueError(
                f"visibility_timeout must be from {fewest:g} to {most:g} s on this kafka, by its "
                f"{FEWEST} and {MOST}, got {self.visibility_timeout:g}"
            )

    def _agree(self, wanted: Mapping[str, str]) -> None:
        """Set the settings of the group, or refuse them if the group has others."""
        known = self._admin.config(GROUP, self.stored_as, changed=True)
        if TRIES not in known:
            self._admin.set_group(self.stored_as, wanted)
            return
        for setting, value, got in (
            ("visibility_timeout", int(known[LEASE]) / 1000, self.visibility_timeout),
            ("max_retries", int(known[TRIES]) - 1, self.max_retries),
        ):
            if value != got:
                raise EngineError(
                    f"{setting} must be {value:g}, as the queue {self.name} on kafka has it, got "
                    f"{check.short_repr(got)}"
                )

    def _disconnect(self) -> None:
        if hasattr(self, "_many"):
            self._members.close()
            for producer in {self._one, self._many}:
                producer.close()

    def _reconnect(self) -> None:
        # the clients connect again by themselves
        self._admin.check_answers(1.0)

    def _publish(self, payload: bytes, message: Message, delay: float) -> str | None:
        (record,) = self._one.send([{"topic": self.stored_as, "value": payload}])
        return str(record.offset())

    def _publish_many(self, packed: list[tuple[bytes, Message]]) -> list[str | None]:
        records = [{"topic": self.stored_as, "value": payload} for payload, _ in packed]
        return [str(record.offset()) for record in self._many.send(records)]

    def _fetch(self, timeout: float) -> Fetched | None:
        asked = self._runtime.now
        found = self._members.take(1, timeout)
        if not found and self._doubts:
            self._end_doubts(asked)
        return self._fetched(found[0]) if found else None

    def _fetch_many(self, n: int) -> list[Fetched]:
        return [self._fetched(each) for each in self._members.take(n, 0.0)]

    def _fetched(self, each: Acquired) -> Fetched:
        record = each.record
        return Fetched(record.value() or b"", str(each.offset), record.delivery_count(), each)

    def _start_lease(self, held: Held, seconds: float) -> None:
        # the lock began when the broker handed out the record, up to a moment ago
        super()._start_lease(held, max(0.0, min(seconds, held.fetched.handle.left)))

    def _ack(self, handle: Acquired) -> bool | None:
        return self._members.settle([handle], ACCEPT)[0]

    def _ack_many(self, handles: list[Acquired]) -> list[bool | None]:
        return self._members.settle(handles, ACCEPT)

    def _doubt(self, held: Held) -> None:
        self._doubts.append((self._runtime.now + self.visibility_timeout + DOUBT, held))

    def _end_doubts(self, asked: float) -> None:
        """Record as acked what was in doubt and has not come back, since a poll that began at
        `asked` (s), well after its lease, has found nothing.
        """
        with self._lock:
            for end, held in [each for each in self._doubts if each[0] <= asked]:
                self._doubts.remove((end, held))
                receipt = held.message.receipt
                self._entries.move(held.entry, "acked", receipt=receipt, detail="in doubt")

    def _retry(self, handle: Acquired) -> bool:
        return bool(self._members.settle([handle], RELEASE)[0])

    def _release(self, handle: Acquired, delay: float) -> bool:
        return self._retry(handle)

    def _exhaust(self, held: Held) -> bool:
        return self._bury(held, RETRIES_EXHAUSTED)

    def _bury(self, held: Held, reason: str) -> bool:
        # what is released after its last delivery is moved by the broker, with its own reason
        how = RELEASE if held.last and reason == RETRIES_EXHAUSTED else REJECT
        buried = bool(self._members.settle([held.fetched.handle], how)[0])
        if buried:
            self._dead.expect(held.fetched.handle.offset)
        return buried

    def _lease_ended(self, held: Held) -> bool:
        self._members.lapse(held.fetched.handle)
        if held.last:
            self._dead.expect(held.fetched.handle.offset)
        return held.last

    def census(self) -> dict[str, int]:
        """Return how many messages are in each place: the dead letters as the broker counts them,
        the others as this process knows them from its own calls. Raises Unsupported without a
        trace or a listener, since nothing is noted then.
        """
        if not self._entries.listeners:
            raise refuse(self.kind, "exact_size")
        return super().census()

    def _count(self) -> dict[str, int]:
        with self._lock:
            known = self._entries.places()
        return {**known, "dead": self._dead.count()}

    def _read_dead(self) -> list[tuple[bytes, dict[str, str]]]:
        return self._dead.read()

    def _empty(self) -> int:
        """Receive and accept what waits, until nothing comes for a second."""
        gone = 0
        while found := self._members.take(PURGED, SILENCE):
            gone += sum(map(bool, self._members.settle(found, ACCEPT)))
        return gone

    def delete(self) -> None:
        """Delete the queue and its dead letters from the broker, and close."""
        settings = dict.fromkeys(self._admin.config(GROUP, self.stored_as, changed=True), "")
        self.close()
        self._admin.delete_topics(self.stored_as, self._dead.topic)
        self._admin.set_group(self.stored_as, settings, clear=True)
