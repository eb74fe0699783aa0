"""The charts of a log: the band and its reader, what was skipped, the lag of one and of many, whole
labels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData
from mqlearn.lab.charts.lag import Lag
from mqlearn.lab.charts.offsets import Offsets
from mqlearn.lab.dashboard import Dashboard
from mqlearn.lab.panel_html import PICTURE_HEIGHT, RIGHT
from mqlearn.units.event_streams.scenario import ReadingTheLog

FELL = ReadingTheLog(arrivals="regular", **ReadingTheLog.PRESETS["the reader that fell off"])
BUSY = ReadingTheLog(partitions=1, rate=50.0, window=180.0, read_time=1.0)


def drawn(scenario: ReadingTheLog, ghost: ReadingTheLog | None = None) -> Dashboard:
    """The charts as the lab shows them."""
    board = Dashboard(ReadingTheLog.CHARTS, RIGHT, PICTURE_HEIGHT, predicted_chart="lag")
    board.draw(ChartData(scenario.run(0)), None if ghost is None else ChartData(ghost.run(0)))
    return board


def chart(board: Dashboard, kind: type[Any]) -> Any:
    """One of them."""
    return next(each for each in board.charts if isinstance(each, kind))


def test_what_a_reader_skips_is_marked_on_its_line() -> None:
    """One stroke from the offset it wanted to the one it went on at, as many events as it never
    reads.
    """
    offsets = chart(drawn(FELL), Offsets)
    story = ChartData(FELL.run(0)).log
    time, level = offsets.skipped.get_data()
    assert [round(each) for each in time] == [70, 70, 70]
    assert level[1] - level[0] == story.lost(story.worst()) == 118 and np.isnan(level[2])


def test_a_log_of_one_partition_has_one_line_of_lag() -> None:
    """The partition with most would be the same line again."""
    board = drawn(BUSY)
    lag = chart(board, Lag)
    assert not lag.most.get_visible() and not lag.labels[1].visible
    assert "partition" not in lag.sentence(ChartData(BUSY.run(0)))
    board.draw(ChartData(FELL.run(0)))
    assert lag.most.get_visible() and lag.labels[1].visible


@pytest.mark.parametrize(
    "scenario", [FELL, BUSY, ReadingTheLog(partitions=12, big=0.95, rate=50.0, window=180.0)]
)
def test_no_label_leaves_the_picture(
    scenario: ReadingTheLog, outside: Callable[[Canvas], list[str]]
) -> None:
    """Neither a "10,000" at the left nor the key of the bars at the right."""
    assert outside(drawn(scenario).canvas) == []
