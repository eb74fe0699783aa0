"""A queue on Amazon SQS, or on a server with its interface, such as ElasticMQ.

    mqlearn-NAME        the queue, with its visibility timeout and its redrive policy
    mqlearn-NAME-dead   the dead letters; of a queue NAME.fifo it is mqlearn-NAME-dead.fifo

SQS leases each message by itself, counts its receives, and moves it to the dead letters when a
*further* receive would exceed the limit. So after its last lease was lost a message is visible
until a consumer asks again. In the census of this adapter it is in flight for so long, and dead
once it is seen among the dead letters.

A receipt is good for one delivery. ElasticMQ refuses an old one; Amazon's standard queues may
accept it without effect, so there only the adapter's own clock notices a lease that is over.

ElasticMQ keeps its queues in memory. If it is killed, they are gone: the next call makes them
again, empty, and the census then shows fewer messages than the records. Amazon needs up to 60
seconds for a purge, and refuses another one within them.

Source: docs.aws.amazon.com/AWSSimpleQueueService, the developer guide and the API reference.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from mqlearn.engines.adapter import Fetched, Held
from mqlearn.engines.envelope import decode
from mqlearn.engines.errors import EngineError
from mqlearn.engines.sqs_client import StaleReceipt
from mqlearn.engines.sqs_dead import ID, attributes
from mqlearn.engines.sqs_queues import SQSQueues
from mqlearn.engines.sqs_requests import (
    BATCH,
    LARGEST,
    LONGEST_DELAY,
    LONGEST_LEASE,
    batches,
    in_order,
    whole,
)
from mqlearn.messaging.message import RETRIES_EXHAUSTED, Message
from mqlearn.runtime import check

SHORT_POLL = 0.1  # seconds between two looks, where less than a second is left
LOOK_EVERY = 1.0  # seconds between two looks for messages that SQS has moved
FAILURES = "mqlearn-failures"  # of a message that was sent again after a purge
GUARD = 30  # seconds for which a message is kept from others while it is moved


@dataclass(slots=True)
class Receipt:
    """The receipt handle of one delivery of the message `id`, what it has and how often it has
    failed. `asked` counts the tries to delete it; `moved` is true once a copy of it is among the
    dead letters.
    """

    id: str
    handle: str
    body: str
    failures: int
    asked: int = 0
    moved: bool = False

    @property
    def once(self) -> str:
        """A name that only this delivery has, for FIFO queues."""
        return sha256(self.handle.encode()).hexdigest()


class SQSQueue(SQSQueues):
    """A queue on SQS, `http://host:port`, with a `visibility_timeout` in whole seconds, from 1 to
    43,200, and a `max_retries` up to 999.

    A standard queue keeps no order. A name that ends in ".fifo" makes a FIFO queue: messages with
    the same header "group" are handled one after the other, a message without one waits for no
    other, and a send that is made again is not stored twice. Delays are whole seconds, at most 900;
    those of releases and extensions are rounded up to whole seconds.
    """

    largest = LARGEST - 2048  # the rest is for the reason of a dead letter
    look = 1.0  # a long poll lasts whole seconds

    # Sends.

    def _check_delay(self, delay: float) -> None:
        whole("delay", delay, 0, LONGEST_DELAY)

    def _entry(self, payload: bytes, message: Message) -> dict[str, Any]:
        if self.kind == "sqs":
            return {"MessageBody": payload.decode()}
        return {"MessageBody": payload.decode(), **in_order(decode(payload).token, message)}

    def _publish(self, payload: bytes, message: Message, delay: float) -> str | None:
        later = {"DelaySeconds": int(delay)} if delay else {}
        sent = self._ask("send_message", **self._at, **self._entry(payload, message), **later)
        return str(sent["MessageId"])

    def _publish_many(self, packed: list[tuple[bytes, Message]]) -> list[str | None]:
        keys: list[str | None] = []
        for batch in batches(packed):
            # each by itself: what is confirmed is not sent again if the server is gone later
            keys += self._insist(self._publish_batch, batch)
        return keys

    def _publish_batch(self, batch: list[tuple[bytes, Message]]) -> list[str]:
        entries = [{"Id": str(n), **self._entry(*each)} for n, each in enumerate(batch)]
        answer = self._ask("send_message_batch", **self._at, Entries=entries)
        if answer.get("Failed"):
            first = answer["Failed"][0]
            raise EngineError(f"sqs refuses: {first['Code']}: {first.get('Message', '')}")
        keys = {sent["Id"]: str(sent["MessageId"]) for sent in answer["Successful"]}
        return [keys[entry["Id"]] for entry in entries]

    # Deliveries.

    def _fetch(self, timeout: float) -> Fetched | None:
        found = self._take(1, wait=int(timeout))
        if self._spent and self._runtime.now >= self._looked + LOOK_EVERY:
            self._notice_dead()
        if found:
            return found[0]
        if 0 < timeout < 1:
            self._runtime.sleep(min(timeout, SHORT_POLL))
        return None

    def _fetch_many(self, n: int) -> list[Fetched]:
        found: list[Fetched] = []
        while len(found) < n and (more := self._take(min(BATCH, n - len(found)), wait=0)):
            found += more
        return found

    def _take(self, n: int, *, wait: int) -> list[Fetched]:
        answer = self._ask(
            "receive_message",
            **self._at,
            MaxNumberOfMessages=n,
            WaitTimeSeconds=wait,
            MessageSystemAttributeNames=["ApproximateReceiveCount"],
            MessageAttributeNames=[ID, FAILURES],
        )
        return [self._fetched(each) for each in answer.get("Messages", ())]

    def _fetched(self, each: dict[str, Any]) -> Fetched:
        received = int(each["Attributes"]["ApproximateReceiveCount"])
        # what was moved back from the dead letters is the same message, with a new id of SQS
        said = {name: a["StringValue"] for name, a in each.get("MessageAttributes", {}).items()}
        key = said.get(ID, each["MessageId"])
        failures = int(said.get(FAILURES, 0)) + received - 1
        with self._lock:
            self._spent.pop(key, None)  # it was moved back by an operator
            self._due.pop(key, None)
        receipt = Receipt(key, each["ReceiptHandle"], each["Body"], failures)
        return Fetched(each["Body"].encode(), key, failures + 1, receipt, failures)

    def _ack(self, handle: Receipt) -> bool:
        handle.asked += 1
        if self._is_kept(handle, settled=True):
            return True
        try:
            self._ask("delete_message", **self._at, ReceiptHandle=handle.handle)
        except StaleReceipt:
            # the answer to the try before may have been lost with the connection
            return handle.asked > 1
        return True

    def _ack_many(self, handles: list[Receipt]) -> list[bool]:
        done: list[bool] = []
        for first in range(0, len(handles), BATCH):
            done += self._insist(self._ack_batch, handles[first : first + BATCH])
        return done

    def _ack_batch(self, handles: list[Receipt]) -> list[bool]:
        if any(self._is_kept(handle) for handle in handles):
            return [self._ack(handle) for handle in handles]
        for handle in handles:
            handle.asked += 1
        entries = [{"Id": str(n), "ReceiptHandle": h.handle} for n, h in enumerate(handles)]
        answer = self._ask("delete_message_batch", **self._at, Entries=entries)
        done = {each["Id"] for each in answer.get("Successful", ())}
        return [str(n) in done or handle.asked > 1 for n, handle in enumerate(handles)]

    def _hide(self, handle: Receipt, seconds: int) -> bool:
        """Let the lease of a delivery end `seconds` from now; False if it is not current."""
        if self._is_kept(handle):
            return True
        change = {"ReceiptHandle": handle.handle, "VisibilityTimeout": seconds}
        try:
            self._ask("change_message_visibility", **self._at, **change)
        except StaleReceipt:
            return False
        return True

    def _is_kept(self, handle: Receipt, *, settled: bool = False) -> bool:
        """Return True if a purge has taken a delivery of ours from the server; once it is
        `settled`, it is kept no longer.
        """
        with self._lock:
            kept = handle.id in self._kept
            if settled:
                self._kept.discard(handle.id)
        return kept

    def _send_kept(self, handle: Receipt, failed: int, delay: int) -> bool:
        """Send again what a purge has taken from the server; False if it did not."""
        if not self._is_kept(handle):
            return False
        entry: dict[str, Any] = {"MessageBody": handle.body}
        if self.kind == "sqs_fifo":
            message, token, _ = decode(handle.body.encode())
            entry |= in_order(token, message) | {"MessageDeduplicationId": handle.once}
        elif delay:
            entry["DelaySeconds"] = min(delay, LONGEST_DELAY)
        said = attributes({ID: handle.id, FAILURES: str(handle.failures + failed)})
        self._ask("send_message", **self._at, **entry, MessageAttributes=said)
        return self._is_kept(handle, settled=True)

    def _retry(self, handle: Receipt) -> bool:
        return self._send_kept(handle, 1, 0) or self._hide(handle, 0)

    def _release(self, handle: Receipt, delay: float) -> bool:
        if self._send_kept(handle, 0, int(delay)):
            return True
        done = self._hide(handle, int(delay))
        if done and delay:
            with self._lock:
                self._due[handle.id] = self._runtime.now + delay
        return done

    def release(self, delivery: Message | str, *, delay: float = 0.0) -> bool:
        delay = math.ceil(check.number("delay", delay, low=0, high=LONGEST_LEASE))
        return super().release(delivery, delay=delay)

    def extend(self, delivery: Message | str, seconds: float) -> bool:
        seconds = math.ceil(check.number("seconds", seconds, above=0, high=LONGEST_LEASE))
        return super().extend(delivery, seconds)

    def _renew(self, handle: Receipt, seconds: float) -> bool:
        return self._hide(handle, int(seconds))

    # Dead letters.

    def _bury(self, held: Held, reason: str) -> bool:
        handle: Receipt = held.fetched.handle
        if not handle.moved:
            # a newer delivery is not ours to bury, and there must be none while we move this one
            if not self._hide(handle, GUARD):
                return False
            entry: dict[str, Any] = {"MessageBody": handle.body}
            if self.kind == "sqs_fifo":
                entry |= {"MessageGroupId": handle.once, "MessageDeduplicationId": handle.once}
            self._dead.add(entry, handle.id, reason, LARGEST - len(held.fetched.payload))
            handle.moved = True
        handle.asked += 1  # if it is gone by now, it is only there
        self._ack(handle)
        return True

    def _exhaust(self, held: Held) -> bool:
        return self._bury(held, RETRIES_EXHAUSTED)

    def _lease_ended(self, held: Held) -> bool:
        handle: Receipt = held.fetched.handle
        if self._is_kept(handle):
            return self._bury(held, RETRIES_EXHAUSTED) if held.last else not self._retry(handle)
        if held.last:
            with self._lock:
                self._spent[held.fetched.key] = held
        return False

    def _read_dead(self) -> list[tuple[bytes, dict[str, str]]]:
        if self._spent:
            self._notice_dead()
        return [(each.payload, {"dead_letter_reason": each.reason}) for each in self._dead.read()]
