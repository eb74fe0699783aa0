"""The arithmetic of batches refuses what is none."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mqlearn.messaging.percentile import percentile
from mqlearn.study.analysis.batches import filling, least_size, throughput


@pytest.mark.parametrize(
    ("call", "rule"),
    [
        (lambda: throughput(0, 0.05, 0.001), "size must be at least 1, got 0"),
        (lambda: throughput(1, 0.0, 0.001), "per_call must be positive, got 0.0"),
        (lambda: throughput(1, 0.05, -1.0), "per_item must not be negative, got -1.0"),
        (lambda: throughput(1, 0.05, 0.001, 0), "workers must be at least 1, got 0"),
        (lambda: least_size(-1.0, 0.05, 0.001), "rate must not be negative, got -1.0"),
        (lambda: least_size(1.0, 0.0, 0.001), "per_call must be positive, got 0.0"),
        (lambda: least_size(1.0, 0.05, -1.0), "per_item must not be negative, got -1.0"),
        (lambda: least_size(1.0, 0.05, 0.001, 0), "workers must be at least 1, got 0"),
        (lambda: filling(0, 1.0), "size must be at least 1, got 0"),
        (lambda: filling(1, 0.0), "rate must be positive, got 0.0"),
        (lambda: percentile([1.0], 101), "percent must be at most 100, got 101"),
        (lambda: percentile([1.0], -1), "percent must not be negative, got -1"),
    ],
)
def test_theory_refuses_what_is_no_batch(call: Callable[[], object], rule: str) -> None:
    """By name, rule and value."""
    with pytest.raises(ValueError, match=rule):
        call()
