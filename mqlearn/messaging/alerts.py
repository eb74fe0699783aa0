"""Alerts: rules that are judged on one sample of a queue after the other.

    late = ThresholdAlert(lambda seen: seen.oldest, 60.0, hold=30.0)
    dead = ThresholdAlert(lambda seen: seen.dead, 5, window=60.0)
    burn = BurnRateAlert(lambda seen: seen.missed, lambda seen: seen.due, budget=0.01)
    late.see(sample)                       # True while the alert fires

A rule never waits and reads no clock: `QueueSampler` hands it a sample every few seconds.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable

from mqlearn.messaging.sample import Sample
from mqlearn.runtime import check

Signal = Callable[[Sample], float]
SAME = 1e-9  # seconds: two times closer than that are the same instant


class AlertRule(ABC):
    """The base of all alerts: it fires once its condition has been true for `hold` seconds.

    The condition must be true at every sample of that time; one sample where it is false starts the
    count again. `value` is the number that the last sample was judged by, NaN before the first.
    Source: `for` in the alerting rules of Prometheus.
    """

    def __init__(self, *, hold: float = 0.0) -> None:
        self.hold: float = check.number("hold", hold, low=0)
        self.value = math.nan
        self._since: float | None = None  # when the condition became true (s)

    def see(self, sample: Sample) -> bool:
        """Judge the next sample; return True if the alert fires."""
        check.instance("sample", sample, Sample)
        self.value = self._measure(sample)
        if not self.value > self.limit:
            self._since = None
            return False
        if self._since is None:
            self._since = sample.now
        return sample.now - self._since >= self.hold - SAME

    @property
    @abstractmethod
    def limit(self) -> float:
        """The number that the value must exceed."""

    @abstractmethod
    def _measure(self, sample: Sample) -> float:
        """Return the value of this sample; NaN if there is none."""


class ThresholdAlert(AlertRule):
    """An alert that fires while a `signal` is larger than `above`, after `hold` seconds of that.

    `signal(sample)` is a number, in the unit of `above`. With a `window` it is a counter, and its
    increase over the last `window` seconds is compared.
    """

    def __init__(
        self, signal: Signal, above: float, *, window: float | None = None, hold: float = 0.0
    ) -> None:
        check.function("signal", signal)
        self.above: float = check.number("above", above)
        self.window: float | None = check.number("window", window, above=0, optional=True)
        super().__init__(hold=hold)
        self.signal = signal
        self._past = Past(0.0 if self.window is None else self.window)

    @property
    def limit(self) -> float:
        return self.above

    def _measure(self, sample: Sample) -> float:
        if self.window is None:
            return self.signal(sample)
        before = self._past.before(sample, self.window)
        return increase(self.signal(before), self.signal(sample))


class BurnRateAlert(AlertRule):
    """An alert that fires while the error budget burns more than `factor` times too fast, in each
    of several `windows` (s).

    `bad` and `total` are counters. The burn rate of a window is (increase of `bad` / increase of
    `total`) / `budget`: at a rate of 1 the whole budget is spent exactly at the end of the period
    that it was given for. The long window keeps short disturbances from firing, the short one ends
    the alert soon after the trouble. A window where `total` does not increase has no burn rate, and
    the alert does not fire. `value` is the smallest of the burn rates.

    Source: Google, "The Site Reliability Workbook", chapter 5, "multiwindow, multi-burn-rate
    alerts".
    """

    def __init__(
        self,
        bad: Signal,
        total: Signal,
        *,
        budget: float = 0.01,
        factor: float = 14.4,
        windows: tuple[float, ...] = (300.0, 60.0),
        hold: float = 0.0,
    ) -> None:
        check.function("bad", bad)
        check.function("total", total)
        self.budget: float = check.number("budget", budget, above=0, high=1)
        self.factor: float = check.number("factor", factor, low=0)
        if not isinstance(windows, tuple) or not windows:
            raise TypeError(f"windows must be a tuple of seconds, got {check.short_repr(windows)}")
        self.windows = tuple(check.number("windows", each, above=0) for each in windows)
        super().__init__(hold=hold)
        self.bad, self.total = bad, total
        self._past = Past(max(self.windows))

    @property
    def limit(self) -> float:
        return self.factor

    def _measure(self, sample: Sample) -> float:
        rates = [self._rate(sample, self._past.before(sample, each)) for each in self.windows]
        return math.nan if any(map(math.isnan, rates)) else min(rates)

    def _rate(self, sample: Sample, before: Sample) -> float:
        total = increase(self.total(before), self.total(sample))
        if not total:
            return math.nan
        return increase(self.bad(before), self.bad(sample)) / total / self.budget


class Past:
    """The samples of the last `longest` seconds, and the newest one that is older."""

    def __init__(self, longest: float) -> None:
        self.longest = longest
        self._samples: deque[Sample] = deque()

    def before(self, sample: Sample, seconds: float) -> Sample:
        """Add `sample`, the newest, and return the newest of those that are at least `seconds`
        older; without one, a sample with all counters at 0, where they began.
        """
        samples = self._samples
        if not samples or samples[-1] is not sample:
            samples.append(sample)
        while len(samples) > 1 and samples[1].now <= sample.now - self.longest + SAME:
            samples.popleft()
        old = (each for each in reversed(samples) if each.now <= sample.now - seconds + SAME)
        return next(old, Sample(0.0))


def increase(before: float, after: float) -> float:
    """Return by how much a counter has increased. A counter that is smaller than before was
    restarted at 0, so its increase is what it has counted since.
    """
    return after - before if after >= before else after
