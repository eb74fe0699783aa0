"""A store that takes many orders in one call, and three ways to treat a bad one among them.

    store = BulkStore(runtime, bad={"order-17"})
    store.write(batch)             one answer for each: the good ones are written, order-17 is not
    store.load(batch)              all or nothing: raises BadRecord before anything is written
    bisected(batch, store.load)    after a refusal: halves, their halves, … until the bad are alone

The good orders beside a bad one are written by `write`, and by `bisected`; `load` alone writes none
of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence

from mqlearn.messaging.message import Message
from mqlearn.messaging.queue import MessageQueue
from mqlearn.runtime import check
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.trace import Trace

PER_CALL, PER_ITEM = 0.05, 0.001  # seconds


class BadRecord(Exception):
    """A call that was refused because of a record that cannot be written."""


class BulkStore:
    """A store of orders: a call with n orders takes `per_call` + n · `per_item` seconds, whether it
    succeeds or not.

    `bad` are the ids that cannot be written: a collection, or a function that returns True for
    them. `written` counts how often each id was written; `calls` has the time (s) of each call so
    far and its number of orders.
    """

    def __init__(
        self,
        runtime: Runtime,
        per_call: float = PER_CALL,
        per_item: float = PER_ITEM,
        *,
        bad: Collection[str] | Callable[[str], bool] = (),
    ) -> None:
        check.instance("runtime", runtime, Runtime)
        check.number("per_call", per_call, low=0)
        check.number("per_item", per_item, low=0)
        if not callable(bad) and (isinstance(bad, str) or not isinstance(bad, Collection)):
            raise TypeError(f"bad must be a collection of ids, or a function of one, got {bad!r}")
        self.runtime, self.per_call, self.per_item = runtime, per_call, per_item
        self._is_bad = bad if callable(bad) else bad.__contains__
        self.written: Counter[str] = Counter()
        self.calls: list[tuple[float, int]] = []

    def write(self, batch: Sequence[Message]) -> list[bool]:
        """Write the good orders, and return for each order True if it was written."""
        self._work(batch)
        results = [not self._is_bad(message.id) for message in batch]
        self.written.update(
            message.id for message, good in zip(batch, results, strict=True) if good
        )
        return results

    def load(self, batch: Sequence[Message]) -> list[bool]:
        """Write all orders, or raise BadRecord, which does not say which order is the bad one."""
        self._work(batch)
        if any(self._is_bad(message.id) for message in batch):
            raise BadRecord(f"a bad record among {len(batch)}")
        self.written.update(message.id for message in batch)
        return [True] * len(batch)

    def _work(self, batch: Sequence[Message]) -> None:
        self.calls.append((self.runtime.now, len(batch)))
        self.runtime.sleep(self.per_call + self.per_item * len(batch))


def bisected(batch: list[Message], call: Callable[[list[Message]], Sequence[bool]]) -> list[bool]:
    """Return the result of each message of a batch that `call` has just refused as a whole.

    `call` is called with each half, and again with the halves of each half that it refuses.

    One bad record among n = 2ᵏ costs 2k more calls: 9 calls in all for 16 messages, 15 for 128.
    """
    check.function("call", call)
    # The batch was refused, so a single message in it is the bad one: no call is needed.
    if len(batch) < 2:
        return [False] * len(batch)
    results: list[bool] = []
    for part in (batch[: len(batch) // 2], batch[len(batch) // 2 :]):
        try:
            results += call(part)
        except BadRecord:
            results += bisected(part, call)
    return results


def report_call(trace: Trace, queue: MessageQueue, batch: Sequence[Message]) -> None:
    """Record the beginning of a call with this batch, or a part of one, as a processor does before
    it calls its handler.
    """
    first = batch[0]
    now, worker = queue.runtime.stamp()
    trace.note(now, "batched", queue.name, delivery=first, worker=worker, detail=len(batch))
