"""The chart of the waits says what the totals of the same run say."""

from __future__ import annotations

from typing import Any

import pytest

from mqlearn.lab import style
from mqlearn.lab.chart_data import ChartData
from mqlearn.lab.dashboard import Dashboard
from mqlearn.study.run import Run
from mqlearn.units.messages_and_queues.scenario import PriorityMix
from mqlearn.units.work_queues.scenario import WorkQueue

RUNS = {
    "three workers": WorkQueue().run(0),
    "one busy worker": WorkQueue(workers=1, service=1.0, rate=0.8).run(3),
    "idle workers": WorkQueue(workers=8, service=0.1, rate=1.0, spread=0.0).run(0),
    "four priorities": PriorityMix().run(0),
}


def chart_of(run: Run) -> Any:
    """The chart, drawn."""
    board = Dashboard(["wait_distribution"])
    board.draw(run, None)
    return board.charts[0]


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
def test_the_chart_and_the_totals_have_the_same_mean_and_95th_percentile(run: Run) -> None:
    """Both by nearest rank, to the last digit that the chart shows."""
    chart, p95 = chart_of(run), style.seconds(run.totals["p95_wait_s"])
    assert chart.notes[0].text.startswith(f"mean {style.seconds(run.totals['mean_wait_s'])}")
    assert chart.notes[1].text == f"95 % ≤ {p95}"
    assert f"95 % waited at most {p95}, the longest" in chart.sentence(ChartData(run))


def test_the_median_is_a_wait_that_occurred() -> None:
    """No value between two waits: half of them are no longer."""
    run = RUNS["three workers"]
    waits = sorted(ChartData(run).waits)
    median = waits[(len(waits) + 1) // 2 - 1]
    assert f"median {style.seconds(median)}," in chart_of(run).sentence(ChartData(run))
