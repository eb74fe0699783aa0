"""The charts of batching draw every call, count items where they belong, and tell latencies as
percentiles.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mqlearn.lab import Lab
from mqlearn.lab.chart_data import ChartData
from mqlearn.lab.dashboard import Dashboard
from mqlearn.units.batching.scenario import BatchedWriter

ONE_BAD = BatchedWriter(**BatchedWriter.PRESETS["one bad record"])


@pytest.fixture(scope="module")
def spoilt() -> ChartData:
    """A thousand orders in batches of ten, one of them bad, one answer for a whole batch."""
    return ChartData(ONE_BAD.run(0))


def chart_of(name: str, run: ChartData, ghost: ChartData | None = None) -> Any:
    """The chart, drawn."""
    board = Dashboard([name], height=200)
    board.draw(run, ghost)
    (chart,) = board.charts
    return chart


def points(line: Any) -> list[tuple[float, float]]:
    """The points that a line of dots shows."""
    return list(zip(*line.get_data(), strict=True))


def test_each_call_is_a_dot_and_one_with_a_bad_order_a_cross(spoilt: ChartData) -> None:
    """A hundred dots and four crosses, all at ten; the limit dashed at ten."""
    chart = chart_of("batches", spoilt)
    assert (len(points(chart.dots)), len(points(chart.failing)), len(points(chart.parts))) == (
        100,
        4,
        0,
    )
    assert {size for _, size in points(chart.dots) + points(chart.failing)} == {10}
    assert list(chart.limit.get_ydata()) == [10, 10] and chart.limit.get_visible()
    assert (chart.mean.text, chart.count.text, chart.failed.text) == (
        "mean 10",
        "104 calls",
        "× 4 with bad",
    )
    assert chart.sentence(spoilt) == "Batches: 104 calls of 10 items each, 4 with a failure."


def test_parts_of_a_refused_batch_are_rings() -> None:
    """Ten are halved to five and five, these to two and three, and these to one, the bad one, and
    two.
    """
    run = ChartData(
        BatchedWriter(**{**BatchedWriter.PRESETS["one bad record"], "on_failure": "bisect"}).run(0)
    )
    chart = chart_of("batches", run)
    assert sorted(size for _, size in points(chart.parts)) == [1, 2, 2, 3, 5, 5]
    assert chart.count.text == "101 calls + 6"
    assert chart.sentence(run).endswith("1 with a failure; 6 more calls with parts of them.")


def test_items_are_stacked_by_what_came_of_them(spoilt: ChartData) -> None:
    """In each slice done, good again and bad; over the whole run they are all tries."""
    chart = chart_of("throughput", spoilt)
    counted = (chart.values * np.diff(chart.edges)).sum(axis=1)
    assert counted == pytest.approx([spoilt.run.totals["done"], 36, 4])
    assert chart.edges[-1] == spoilt.until
    assert chart.sentence(spoilt) == (
        "Items: 20.3 a second came, 20 were done, 167 can be; good "
        "items handled in vain "
        "36 times; 4 tries of bad ones."
    )


def test_the_capacity_is_drawn_where_it_is_near() -> None:
    """At 100 a second, 138 is on the chart; 909 is only said, since it would flatten all else."""
    near, far = (
        chart_of("throughput", ChartData(BatchedWriter(size=size).run(0))) for size in (8, 500)
    )
    assert near.capacity.get_visible() and list(near.capacity.get_ydata()) == pytest.approx(
        [137.9, 137.9], abs=0.1
    )
    assert near.ax.get_ylim()[1] >= 138
    assert not far.capacity.get_visible() and far.capacity_label.text == "╌ can do 909"


def test_latency_over_time_has_three_lines_in_order(spoilt: ChartData) -> None:
    """The median below the 95th below the 99th percentile in every slice; the numbers are those of
    all items.
    """
    chart = chart_of("latency", spoilt)
    p50, p95, p99 = (np.array(chart.lines[p].get_ydata()) for p in (50, 95, 99))
    assert len(p50) == 40 and (p50 <= p95).all() and (p95 <= p99).all()
    took = np.sort([latency for _, latency in spoilt.batches.done])
    assert chart.labels[99].text == f"p99 {1000 * took[int(np.ceil(0.99 * len(took))) - 1]:.0f} ms"
    assert chart.mean.text == f"mean {1000 * took.mean():.0f} ms"
    assert chart.measured(spoilt) == pytest.approx(took.mean())
    assert chart.ax.get_ylim() == (0, 1.0)


def test_the_distribution_is_of_all_items(spoilt: ChartData) -> None:
    """The shares add up to one, and the median's tick stands at the median."""
    chart = chart_of("latency_distribution", spoilt)
    assert chart.shares.sum() == pytest.approx(1.0)
    assert chart.lines[50].get_xdata()[0] == pytest.approx(
        np.median(spoilt.batches.latencies), abs=0.01
    )
    assert chart.summary.text.startswith("mean 277 ms, p50 255 ms")


@pytest.mark.parametrize("name", ["batches", "throughput", "latency", "latency_distribution"])
def test_a_baseline_is_grey_and_goes_away_again(name: str, spoilt: Any) -> None:
    """Its artists and its words are there with a ghost, and not without."""
    board = Dashboard([name], height=200)
    chart: Any = board.charts[0]
    for ghost in (None, BatchedWriter(rate=20.0, size=30).run(0), None):
        board.draw(spoilt, ghost)
        artists = chart.ghost.values() if isinstance(chart.ghost, dict) else np.ravel(chart.ghost)
        assert {artist.get_visible() for artist in artists} == {ghost is not None}
        if ghost is not None:
            assert all(len(artist.get_xdata()) > 5 for artist in artists)
        if hasattr(chart, "was"):
            assert (chart.was.text != "") == (ghost is not None)


def test_the_lab_takes_a_prediction_and_both_ends_of_every_slider() -> None:
    """Each field at its lowest and highest value runs, is drawn and says a sentence."""
    lab = Lab(BatchedWriter, items=200)
    lab.predict(0.1)
    assert (
        "You said 100 ms, it is " in lab.verdict and lab.charts["latency"].marks.line.get_visible()
    )
    for name, row in lab._ui.rows.items():
        if row.kind in ("whole", "real"):
            for end in ("low", "high"):
                lab.set(**{name: row.meta[end]})
                assert lab.sentence.endswith(".") and not lab.error
            lab.reset()
