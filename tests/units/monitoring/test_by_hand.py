"""What the notebook of unit 13 runs by hand: a counter on threads, delays of flights, a sampler."""

from __future__ import annotations

import functools
import operator
from statistics import mean
from typing import Any

import pytest

from mqlearn import MessageQueueMetrics
from mqlearn.units.monitoring import (
    WatchedShop,
    count_on_threads,
    departure_delays,
    run_with_sampler,
)


class Counter:
    """A counter that adds `step(count)` in one line, or loses every second call."""

    def __init__(self, step: int = 1) -> None:
        self.metrics = {"messages_sent": 0}
        self.step = step

    def record_message_sent(self) -> None:
        self.metrics["messages_sent"] += self.step


def one_more(count: int) -> int:
    """What the second version calls between its read and its write."""
    return count + 1


class Racing(Counter):
    """Reads, calls a function, and writes."""

    def record_message_sent(self) -> None:
        count = self.metrics["messages_sent"]
        self.metrics["messages_sent"] = one_more(count)


def test_the_package_counts_all_and_a_race_loses_some() -> None:
    """On real threads."""
    assert count_on_threads(MessageQueueMetrics(), calls=20_000) == "all"
    assert count_on_threads(Racing()) == "fewer"


def test_the_words_compare_with_the_number_of_calls() -> None:
    """What was counted before does not count."""
    counter = Counter()
    assert count_on_threads(counter, threads=2, calls=10) == "all"
    assert count_on_threads(counter, threads=1, calls=10) == "all"
    assert counter.metrics["messages_sent"] == 30
    assert count_on_threads(Counter(2), threads=1, calls=10) == "more"
    assert count_on_threads(Counter(0), threads=1, calls=10) == "fewer"


def test_what_cannot_count_is_refused_by_name() -> None:
    """Before any thread begins."""
    with pytest.raises(TypeError, match="metrics must have metrics, got object without it"):
        count_on_threads(object())
    with pytest.raises(ValueError, match="threads must be at least 1, got 0"):
        count_on_threads(Counter(), threads=0)


def test_delays_are_those_of_the_record() -> None:
    """1,001 of 1,004 flights left; the README of the data has the same mean."""
    delays = departure_delays("2013-12-02")
    together = sorted(functools.reduce(operator.iadd, delays.values(), []))
    assert len(delays) == 15 and len(together) == 1001
    assert round(mean(together), 1) == 9.0 and together[500] == -1 and together[-1] == 278
    assert sorted(delays["VX"])[-1] == 23 and len(delays["VX"]) == 16


def test_a_sampler_sees_what_the_packages_sampler_sees() -> None:
    """At the same instants, on the same orders; and the run is that of the scenario alone."""
    shop = WatchedShop(every=60.0)

    def sampler(runtime: Any, metrics: Any, seen: list[Any]) -> None:
        while True:
            runtime.sleep(60)
            look = metrics.snapshot()
            seen.append((runtime.now, look.counts["messages_acked"], look.oldest_age))

    run, seen = run_with_sampler(shop, sampler, seed=3)
    samples = run.context.tables["signals"].samples
    assert seen == [(sample.now, sample.done, sample.oldest) for sample in samples]
    assert run.verdict == shop.run(3).verdict
