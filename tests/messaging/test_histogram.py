"""Histograms are added, and percentiles read off the sum."""

from __future__ import annotations

import math
import random
from itertools import chain

import pytest

from mqlearn import (
    InMemoryMessageQueue,
    Message,
    MonitoredMessageProcessor,
    Simulation,
    histogram_percentile,
    merge_histograms,
)
from mqlearn.messaging.counters import BUCKETS
from mqlearn.messaging.percentile import percentile

BOUNDS = (*BUCKETS, math.inf)


def histogram(values: list[float]) -> dict[float, float]:
    """The cumulative counts of these values."""
    return {bound: sum(value <= bound for value in values) for bound in BOUNDS}


def test_the_percentile_of_the_sum_is_in_the_bucket_of_the_true_one() -> None:
    """For 200 random sets of workers; the mean of their percentiles is often outside."""
    outside = 0
    for seed in range(200):
        dice = random.Random(f"histograms {seed}")
        workers = [
            [dice.expovariate(1 / dice.choice([0.02, 0.2, 3])) for _ in range(dice.choice([3, 80]))]
            for _ in range(4)
        ]
        share = dice.choice([0.5, 0.95, 0.99])
        true = percentile(sorted(chain.from_iterable(workers)), 100 * share)
        low, high = next(
            (low, high)
            for low, high in zip((0, *BOUNDS), BOUNDS, strict=False)
            if low < true <= high
        )
        said = histogram_percentile(merge_histograms(map(histogram, workers)), share)
        assert low <= said <= high or (high == math.inf and said == 10.0)
        alone = [histogram_percentile(histogram(values), share) for values in workers]
        outside += not low <= sum(alone) / 4 <= high
    assert outside > 50


def test_it_is_interpolated_as_in_prometheus() -> None:
    """Half of the way into the bucket for half of its values; the last finite bound beyond it."""
    four = {1.0: 0, 2.0: 4, math.inf: 5}
    assert histogram_percentile(four, 0.4) == 1.5
    assert histogram_percentile(four, 0.8) == 2.0
    assert histogram_percentile(four, 1.0) == 2.0
    assert histogram_percentile({0.0: 3, 5.0: 4, math.inf: 4}, 0.5) == 0.0
    assert histogram_percentile({-5.0: 3, 5.0: 4, math.inf: 4}, 0.5) == -5.0
    assert histogram_percentile({5.0: 4, math.inf: 4}, 0.5) == 2.5


def test_an_empty_histogram_has_no_percentile_and_does_no_harm() -> None:
    """NaN alone; added to others it changes nothing."""
    empty, four = histogram([]), histogram([0.3] * 4)
    assert math.isnan(histogram_percentile(empty, 0.5))
    assert merge_histograms([empty, four, empty]) == four
    assert merge_histograms([]) == {}


def test_the_metrics_of_several_queues_are_merged() -> None:
    """Each gives its own, of the messages that were acked; together they have all of them."""
    with Simulation() as sim:
        metrics = []
        for name, seconds in (("a", 0.2), ("b", 3.0), ("c", 20.0)):
            processor = MonitoredMessageProcessor(InMemoryMessageQueue(runtime=sim, name=name))
            processor.register_processor("default", lambda _, seconds=seconds: sim.sleep(seconds))
            for _ in range(4):
                processor.queue.send(Message())
            processor.start_workers(1)
            metrics.append(processor.metrics)
        sim.run()
        merged = merge_histograms(each.histogram() for each in metrics)
    assert metrics[0].histogram()[0.25] == 4 and metrics[1].histogram()[2.5] == 0
    assert (merged[0.25], merged[5.0], merged[10.0], merged[math.inf]) == (4, 8, 8, 12)
    assert histogram_percentile(merged, 1 / 3) == 0.25
    assert histogram_percentile(merged, 0.99) == 10.0


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({1.0: 2}, "histogram must have the bound infinity"),
        ({1.0: 2, math.inf: 1}, "histogram must have cumulative counts"),
        ({1.0: -2, math.inf: 1}, "histogram must not be negative, got -2"),
    ],
)
def test_what_is_no_histogram_is_refused(wrong: dict[float, float], said: str) -> None:
    """By name, rule and value."""
    with pytest.raises(ValueError, match=said):
        histogram_percentile(wrong, 0.5)
