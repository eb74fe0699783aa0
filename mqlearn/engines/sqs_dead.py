"""The dead letters of a queue on SQS: a queue of their own, that is read without consuming it."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from mqlearn.engines.sqs_client import SQSClient, StaleReceipt
from mqlearn.messaging.message import RETRIES_EXHAUSTED

BATCH = 10  # messages of one request
ID, REASON = "mqlearn-id", "reason"  # what a letter says of itself
HIDDEN = 10  # seconds for which a letter is hidden while the others are read, if all goes wrong
COUNTS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
)


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter: the `id` that SQS gave it, when it was `sent` (ms), and why it is dead."""

    id: str
    sent: int
    payload: bytes
    reason: str


class DeadLetters:
    """The queue at `url`. `lock` lets one thread read at a time: a reader hides what it has read
    until it has read all.
    """

    def __init__(self, ask: SQSClient, url: str, lock: AbstractContextManager[Any]) -> None:
        self._ask, self._lock = ask, lock
        self._at = {"QueueUrl": url}

    def attributes(self, *names: str) -> dict[str, str]:
        """Return attributes of the queue by name."""
        answer = self._ask("get_queue_attributes", **self._at, AttributeNames=list(names))
        found: dict[str, str] = answer["Attributes"]
        return found

    def size(self) -> int:
        """Return how many letters there are."""
        counted = self.attributes(*COUNTS)
        return sum(int(counted[name]) for name in COUNTS)

    def add(self, entry: dict[str, Any], key: str, reason: str, room: int) -> None:
        """Add the message `key` as a letter with its reason, cut to `room` bytes."""
        # as JSON: an attribute must not be empty, and not every character is allowed in one
        value = json.dumps(reason)
        while reason and len(value) > room - 200:
            reason = reason[: len(reason) // 2]
            value = json.dumps(reason + "…")
        said = attributes({ID: key, REASON: value})
        self._ask("send_message", **self._at, **entry, MessageAttributes=said)

    def delete(self) -> None:
        """Delete the queue from the server."""
        self._ask("delete_queue", **self._at)

    def read(self) -> list[Letter]:
        """Return all letters, the oldest first, and leave them where they are.

        Of a FIFO queue, SQS gives no more of a group until those that it gave are visible again.
        """
        with self._lock:
            return sorted(self._read(), key=lambda letter: letter.sent)

    def _read(self) -> list[Letter]:
        letters: dict[str, Letter] = {}
        receipts: list[str] = []
        wanted = self.size()
        try:
            while len(letters) < wanted and (batch := self._take()):
                receipts += [each["ReceiptHandle"] for each in batch]
                letters |= {each["MessageId"]: _letter(each) for each in batch}
        finally:
            self._show(receipts)
        return list(letters.values())

    def _take(self) -> list[dict[str, Any]]:
        answer = self._ask(
            "receive_message",
            **self._at,
            MaxNumberOfMessages=BATCH,
            VisibilityTimeout=HIDDEN,
            WaitTimeSeconds=1,  # Amazon asks only some of its machines where it need not wait
            MessageSystemAttributeNames=["SentTimestamp"],
            MessageAttributeNames=[ID, REASON],
        )
        taken: list[dict[str, Any]] = answer.get("Messages", [])
        return taken

    def _show(self, receipts: list[str]) -> None:
        """Let what was read be seen by others again."""
        for first in range(0, len(receipts), BATCH):
            entries = [
                {"Id": str(n), "ReceiptHandle": receipt, "VisibilityTimeout": 0}
                for n, receipt in enumerate(receipts[first : first + BATCH])
            ]
            try:
                self._ask("change_message_visibility_batch", **self._at, Entries=entries)
            except StaleReceipt:
                pass  # another reader has it


def attributes(texts: dict[str, str]) -> dict[str, dict[str, str]]:
    """Return what SQS calls message attributes."""
    return {name: {"DataType": "String", "StringValue": text} for name, text in texts.items()}


def _letter(message: dict[str, Any]) -> Letter:
    said = message.get("MessageAttributes", {})
    # what SQS moves by itself has no reason, and there is only one that it can have
    reason = RETRIES_EXHAUSTED
    if REASON in said:
        reason = json.loads(said[REASON]["StringValue"])
    sent = int(message["Attributes"]["SentTimestamp"])
    return Letter(message["MessageId"], sent, message["Body"].encode(), reason)
