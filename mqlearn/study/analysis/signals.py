"""The analysis of a watched queue: its numbers over time, from the samples of a `QueueSampler`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mqlearn.messaging.sample import Sample
from mqlearn.runtime import check

if TYPE_CHECKING:
    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Watch:
    """The samples of a queue in a run, and the values and pages of its alert: the charts "signals"
    and "budget" draw them.

    `values` has the number that the alert compared with its `limit` for each of the `samples`, NaN
    where there was none; `compared` says in words what it is, with its unit. `pages` has a pair for
    each page: its time (s), and False if nothing was wrong then. `allowed` is the error budget: the
    number of messages that may miss their deadline in `period` seconds.
    """

    samples: tuple[Sample, ...]
    values: tuple[float, ...] = ()
    limit: float = 0.0
    compared: str = ""
    pages: tuple[tuple[float, bool], ...] = ()
    allowed: float = 0.0
    period: float = 30 * 86_400.0


class SignalAnalysis:
    """The numbers of the samples of a `watch`, each an array with one value per sample.

    `times` are in seconds. `coming`, `done` and `charged` are per second, over the `window` (s)
    before each sample, or since the start if that is shorter. `waiting` is in messages, `oldest` in
    seconds. `errors` is the percentage of the window's tries that failed, `dead` the number of
    messages that died in it. `missed` is the percentage of the messages that were not done in
    time, of those whose deadline lay in the window.
    """

    def __init__(self, watch: Watch, window: float = 60.0) -> None:
        check.instance("watch", watch, Watch)
        self.window = check.number("window", window, above=0)
        self.watch, self.samples = watch, watch.samples
        self._table = np.array(self.samples, dtype=float).reshape(-1, len(Sample._fields))
        self.times = self._column("now")

    def _column(self, name: str) -> Floats:
        column: Floats = self._table[:, Sample._fields.index(name)]
        return column

    @cached_property
    def _before(self) -> NDArray[np.intp]:
        """The row of the newest sample that is a window older than each; 0: none, all began."""
        # a row of zeros is put before the first sample, since all counters began at 0
        found: NDArray[np.intp] = np.searchsorted(
            self.times, self.times - self.window + 1e-9, side="right"
        )
        return found

    def _increase(self, name: str) -> Floats:
        counted = self._column(name)
        increase: Floats = counted - np.concatenate(([0.0], counted))[self._before]
        return increase

    @cached_property
    def _span(self) -> Floats:
        span: Floats = self.times - np.concatenate(([0.0], self.times))[self._before]
        return np.maximum(span, 1e-9)

    @property
    def coming(self) -> Floats:
        """Messages sent per second."""
        return self._increase("sent") / self._span

    @property
    def done(self) -> Floats:
        """Messages done per second."""
        return self._increase("done") / self._span

    @property
    def charged(self) -> Floats:
        """Effects outside per second."""
        return self._increase("charged") / self._span

    @property
    def waiting(self) -> Floats:
        """Messages that wait."""
        return self._column("waiting")

    @property
    def oldest(self) -> Floats:
        """The age of the oldest message that is neither done nor dead (s)."""
        return self._column("oldest")

    @property
    def errors(self) -> Floats:
        """The percentage of tries that failed."""
        return 100 * self._increase("failed") / np.maximum(self._increase("received"), 1)

    @property
    def dead(self) -> Floats:
        """The number of messages that died in the window."""
        return self._increase("dead")

    @property
    def missed(self) -> Floats:
        """The percentage of messages that were not done in time, judged at their deadline."""
        return 100 * self._increase("missed") / np.maximum(self._increase("due"), 1)

    @property
    def left(self) -> Floats:
        """The percentage of the watch's error budget that is left; below 0 if it is overspent."""
        left: Floats = 100 * (1 - self._column("missed") / max(self.watch.allowed, 1e-9))
        return left
