"""The limits of one request to SQS: whole seconds, groups of a FIFO queue, batches of ten."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any, TypeVar

from mqlearn.messaging.message import Message
from mqlearn.runtime import check

BATCH = 10  # messages of one request
LARGEST = 256 * 1024  # bytes of one message and of one request; Amazon's own limit is 1 MiB (2025)
LONGEST_DELAY, LONGEST_LEASE = 900, 43_200  # seconds

T = TypeVar("T")


def whole(name: str, value: Any, low: int, high: int) -> None:
    """Refuse a number of seconds that SQS cannot have."""
    check.number(name, value, low=low, high=high)
    if value != int(value):
        raise ValueError(f"{name} must be whole seconds on sqs, got {check.short_repr(value)}")


def in_order(token: str, message: Message) -> dict[str, str]:
    """Return the group of a message on a FIFO queue, and what its send is known by."""
    group = message.headers.get("group", token)
    if not re.fullmatch(r"[!-~]{1,128}", group):  # all that SQS allows as the name of a group
        group = sha256(group.encode(errors="surrogatepass")).hexdigest()
    return {"MessageGroupId": group, "MessageDeduplicationId": token}


def batches(packed: Sequence[tuple[bytes, T]]) -> Iterator[list[tuple[bytes, T]]]:
    """Cut into batches of at most ten messages that fit into one request."""
    batch: list[tuple[bytes, T]] = []
    size = 0
    for each in packed:
        if len(batch) == BATCH or size + len(each[0]) > LARGEST:
            yield batch
            batch, size = [], 0
        batch.append(each)
        size += len(each[0])
    if batch:
        yield batch
