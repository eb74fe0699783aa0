"""The analysis of batches: what theory expects of them, and counts from a trace.

    throughput       n / (a + bn) items per second and worker, for a call of a + bn seconds
    least_size       n > aλ / (c − bλ): smaller batches cannot keep up with λ items per second
    filling          (n − 1) / 2λ: how long an item waits on average for the last of its batch
    BatchAnalysis    calls, latencies and their parts, good items that were redelivered, of a run

Throughout a is `per_call` and b `per_item` (s), λ is `rate` (items per second), n is `size`, c is
`workers`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import ClassVar

from mqlearn.messaging.batch import FAILED_WITH_BATCH
from mqlearn.runtime import check
from mqlearn.runtime.trace import Record

# The detail of a good item's try that failed because the whole batch got one answer.
SPOILT = str(FAILED_WITH_BATCH)
PERCENTILES = (50, 95, 99)


def throughput(size: int, per_call: float, per_item: float, workers: int = 1) -> float:
    """Return the items per second that `workers` can write in full batches, c · n / (a + bn)."""
    check.whole("size", size, low=1)
    check.whole("workers", workers, low=1)
    _check_costs(per_call, per_item)
    return workers * size / (per_call + per_item * size)


def least_size(rate: float, per_call: float, per_item: float, workers: int = 1) -> int | None:
    """Return the smallest size of batch that lets `workers` keep up with `rate` items per second;
    None if no size does.
    """
    check.number("rate", rate, low=0)
    check.whole("workers", workers, low=1)
    _check_costs(per_call, per_item)
    spare = workers - per_item * rate
    # A batch of exactly aλ / (c − bλ) leaves no spare capacity, so the next whole number is needed.
    # The small terms are for rounding errors.
    return math.floor(per_call * rate / spare + 1e-9) + 1 if spare > 1e-12 else None


def filling(size: int, rate: float) -> float:
    """Return the mean seconds that an item waits for the last item of its batch, (n − 1) / 2λ."""
    check.whole("size", size, low=1)
    check.number("rate", rate, above=0)
    return (size - 1) / (2 * rate)


def _check_costs(per_call: float, per_item: float) -> None:
    check.number("per_call", per_call, above=0)
    check.number("per_item", per_item, low=0)


class BatchAnalysis:
    """The batches of a run, read off its records. All times are in seconds.

    `calls` has one tuple per call: its beginning, its number of items, and True if the call was
    made with a part of a refused batch. `failing` has the number of items that failed, per call.

    `sent` has the time at which each item was sent. `done` has a pair for each item that is done:
    the time of its ack and its latency, from sending to ack. `latencies` are the same latencies,
    sorted. A latency has three parts: `filling`, until the last item of the batch came; `waiting`,
    until the call began; and `calling`, until the call ended. Each part is summed over the items
    that were done at their first try.

    `spoilt` has the times at which tries of good items failed only because the whole batch got one
    answer; `failed` has the times of tries that failed for a reason of their own. `died` has the
    times at which items died. `redelivered` is the number of times that a good item came back,
    `dead_good` the number of good items that died.
    """

    def __init__(self, records: Sequence[Record]) -> None:
        self.calls: list[tuple[float, int, bool]] = []
        self.failing: list[int] = []
        self.sent: list[float] = []
        self.done: list[tuple[float, float]] = []
        self.spoilt: list[float] = []
        self.failed: list[float] = []
        self.died: list[float] = []
        self.redelivered = self.dead_good = self.at_first = 0
        self.filling = self.waiting = self.calling = 0.0
        self._came: dict[tuple[str, int], float] = {}  # by source and entry: when it was sent
        # by source and receipt: the call that a try belongs to
        self._open: dict[tuple[str, int], int] = {}
        self._last: list[float] = []  # of each call: when the last of its items came
        self._good: set[tuple[str, int]] = set()  # tries without a fault of their own
        for record in records:
            take = self._TAKES.get(record.event)
            if take is not None:
                take(self, record)
        self.latencies = sorted(latency for _, latency in self.done)

    def _take_sent(self, record: Record) -> None:
        self.sent.append(record.time)
        self._came[record.source, record.entry] = record.time

    def _take_received(self, record: Record) -> None:
        # A "started" record knows the receipt but not the entry, so the time is kept by receipt as
        # well: as a negative number, which no entry has.
        self._came[record.source, -record.receipt] = self._came.get(
            (record.source, record.entry), record.time
        )

    def _take_batched(self, record: Record) -> None:
        # If its first message is in an open call already, a refused batch is being halved.
        part = (record.source, record.receipt) in self._open
        self.calls.append((record.time, int(record.detail), part))
        self.failing.append(0)
        self._last.append(0.0)
        self._whole = self._whole if part else len(self.calls) - 1

    # The place in `calls` of the last call with a whole batch. A call with a part of it does not
    # change it, so that the time of all the halves counts as the time of the one call.
    _whole = -1

    def _take_started(self, record: Record) -> None:
        self._open[record.source, record.receipt] = self._whole
        if self._whole >= 0:
            came = self._came.get((record.source, -record.receipt), 0.0)
            self._last[self._whole] = max(self._last[self._whole], came)

    def _take_finished(self, record: Record) -> None:
        call, said = self._open.get((record.source, record.receipt), -1), str(record.detail)
        if said in ("completed", SPOILT):
            self._good.add((record.source, record.receipt))
        else:
            self.failed.append(record.time)
        if call >= 0:
            self.failing[call] += said != "completed"

    def _take_acked(self, record: Record) -> None:
        came = self._came.get((record.source, record.entry), record.time)
        self.done.append((record.time, record.time - came))
        call = self._open.pop((record.source, record.receipt), -1)
        # A later attempt has waited through several calls: its latency has not just three parts.
        if call >= 0 and record.attempt == 1:
            began, last = self.calls[call][0], self._last[call]
            self.at_first += 1
            self.filling += last - came
            self.waiting += began - last
            self.calling += record.time - began

    def _take_failure(self, record: Record) -> None:
        if record.event == "dead":
            self.died.append(record.time)
        if (record.source, record.receipt) in self._good:
            self.spoilt.append(record.time)
            self.dead_good += record.event == "dead"
            self.redelivered += record.event != "dead"

    _TAKES: ClassVar[dict[str, Callable[[BatchAnalysis, Record], None]]] = {
        "sent": _take_sent,
        "received": _take_received,
        "batched": _take_batched,
        "started": _take_started,
        "finished": _take_finished,
        "acked": _take_acked,
        "nacked": _take_failure,
        "delayed": _take_failure,
        "dead": _take_failure,
    }

    @property
    def mean(self) -> float:
        """The mean latency (s); NaN if nothing was done."""
        return math.fsum(self.latencies) / len(self.latencies) if self.latencies else math.nan

    @property
    def parts(self) -> tuple[float, float, float]:
        """Mean filling, waiting and call time (s) of the items that were done at their first try;
        NaN if there are none.
        """
        count = self.at_first or math.nan
        return self.filling / count, self.waiting / count, self.calling / count

    @property
    def mean_size(self) -> float:
        """The mean number of items in a batch; NaN without a batch."""
        whole = [size for _, size, part in self.calls if not part]
        return sum(whole) / len(whole) if whole else math.nan
