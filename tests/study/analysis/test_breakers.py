"""Theory of breakers, and what a trace tells of one."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from mqlearn.runtime.trace import Record
from mqlearn.study.analysis.breakers import (
    BreakerAnalysis,
    Probe,
    Span,
    backlog,
    calls_until_row,
    drain_time,
    share_open,
)


def chain(failing: float, row: int) -> float:
    """The mean number of calls until so many in a row have failed, from the equations E(i) = 1 + p
    E(i+1) + q E(0).
    """
    a, b = 0.0, 0.0  # E(i) = a + b E(0), from the end
    for _ in range(row):
        a, b = 1 + failing * a, failing * b + 1 - failing
    return a / (1 - b)


@pytest.mark.parametrize("failing", [0.1, 0.3, 0.5, 0.9])
@pytest.mark.parametrize("row", [1, 2, 5])
def test_the_formula_of_a_row_solves_the_equations(failing: float, row: int) -> None:
    """(1 − pᵏ) / (pᵏ (1 − p)), against a chain of k states."""
    assert calls_until_row(failing, row) == pytest.approx(chain(failing, row))


def test_figures_of_a_row() -> None:
    """586 calls at 30 %, 111,110 at 10 %, never without failures, five where all fail."""
    assert round(calls_until_row(0.3, 5)) == 586 and round(calls_until_row(0.1, 5)) == 111_110
    assert math.isinf(calls_until_row(0.0, 5)) and calls_until_row(1.0, 5) == 5


def test_the_share_of_time_open() -> None:
    """30.3 of 80.3 s at 1 %, 31.6 of 41.6 s at 5 %, never and always at the ends."""
    assert share_open(0.01, 5, 30.0, 10.0) == pytest.approx(0.3774, abs=1e-4)
    assert share_open(0.05, 5, 30.0, 10.0) == pytest.approx(0.7595, abs=1e-4)
    assert share_open(0.0, 5, 30.0, 10.0) == 0 and share_open(1.0, 5, 30.0, 10.0) == 1


def test_backlog_and_drain() -> None:
    """300 after a minute at five a second, gone in a minute at ten; never without spare
    capacity.
    """
    assert backlog(5.0, 60.0) == 300 and drain_time(300, 5.0, 10.0) == 60
    assert math.isinf(drain_time(1, 5.0, 5.0)) and drain_time(0, 5.0, 5.0) == 0


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: calls_until_row(1.5, 5), "failing must be"),
        (lambda: calls_until_row(0.5, 0), "row must be"),
        (lambda: share_open(1.5, 1, 1.0, 1.0), "failing must be at most 1, got 1.5"),
        (lambda: share_open(0.5, 0, 1.0, 1.0), "threshold must be"),
        (lambda: share_open(0.5, 1, -1.0, 1.0), "cooldown must"),
        (lambda: share_open(0.5, 1, 1.0, 0.0), "rate must be"),
        (lambda: backlog(-1.0, 1.0), "rate must"),
        (lambda: backlog(1.0, math.nan), "seconds must be"),
        (lambda: drain_time(-1.0, 1.0, 1.0), "waiting must"),
        (lambda: drain_time(1.0, -1.0, 1.0), "rate must not be negative, got -1.0"),
        (lambda: drain_time(1.0, 1.0, -1.0), "capacity must"),
    ],
)
def test_theory_refuses_what_is_no_rate(call: Callable[[], object], error: str) -> None:
    """By name, rule and value."""
    with pytest.raises(ValueError, match=error):
        call()


def record(time: float, event: str, detail: str = "") -> Any:
    """A breaker's record."""
    return Record(time, event, "breaker", detail=detail)


def test_a_trace_tells_spans_probes_and_times_without_service() -> None:
    """Two openings before it closed are one time without service; one at the end reaches to the
    end.
    """
    told = BreakerAnalysis(
        [
            record(10, "opened"),
            record(20, "half_opened"),
            record(21, "probed", "failed: x"),
            record(21, "opened"),
            record(31, "half_opened"),
            record(32, "probed", "cancelled"),
            record(33, "probed", "succeeded"),
            record(33, "closed"),
            record(50, "opened"),
        ],
        0.0,
        60.0,
    )
    assert told.spans == [
        Span("CLOSED", 0, 10),
        Span("OPEN", 10, 20),
        Span("HALF_OPEN", 20, 21),
        Span("OPEN", 21, 31),
        Span("HALF_OPEN", 31, 33),
        Span("CLOSED", 33, 50),
        Span("OPEN", 50, 60),
    ]
    assert told.probes == [Probe(21, False), Probe(33, True)] and told.shut == [(10, 33), (50, 60)]
    assert told.seconds("OPEN") == 30 and told.count("OPEN") == 3 and told.count("CLOSED") == 1


def test_without_records_it_is_closed() -> None:
    """A breaker begins closed and says nothing of it."""
    told = BreakerAnalysis([], 0.0, 60.0)
    assert told.spans == [Span("CLOSED", 0, 60)] and told.shut == [] and told.probes == []
