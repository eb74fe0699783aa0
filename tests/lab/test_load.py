"""The chart of a service's load counts tries by how often they were made before, and says what came
of them.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from mqlearn.lab.chart_data import ChartData
from mqlearn.lab.charts.load import SHADES, Load
from mqlearn.lab.dashboard import Dashboard
from mqlearn.units.retries_and_dead_letters.scenario import CardOutage


@pytest.fixture(scope="module")
def outage() -> ChartData:
    """Two minutes with an outage from 20 to 50 s, retries after 1, 2 and 4 s."""
    return ChartData(CardOutage(arrivals="regular").run(0))


def chart_of(run: ChartData, ghost: ChartData | None = None) -> Load:
    """The chart, drawn."""
    board = Dashboard(["load"])
    board.draw(run, ghost)
    (chart,) = board.charts
    assert isinstance(chart, Load)
    return chart


def test_tries_are_stacked_by_how_often_they_were_made(outage: ChartData) -> None:
    """Ten a second of each kind in the outage; before it first tries alone; together they are all
    tries.
    """
    chart = chart_of(outage)
    seconds = chart.edges[:-1]
    assert chart.edges[1] == 1.0
    assert chart.values[:, seconds == 15].ravel().tolist() == [10, 0, 0, 0]
    assert chart.values[:, seconds == 40].ravel().tolist() == [10, 10, 10, 10]
    assert chart.values.sum() == len(outage.run.tries())
    assert chart.values[0].sum() == pytest.approx(1200, abs=1)


def test_the_green_line_is_what_was_done(outage: ChartData) -> None:
    """Nothing in the outage, more than ten a second just after it, in slices of five seconds."""
    chart = chart_of(outage)
    slices = chart.edges[::5][:-1]
    done = dict(zip(slices, chart.goodput, strict=True))
    assert (done[10.0], done[30.0], done[100.0]) == (10, 0, 10) and done[50.0] > 15
    times = [record.time for record in outage.run.trace.records if record.event == "acked"]
    assert chart.goodput.sum() * 5 == len(times)
    assert list(chart.done[1].get_ydata())[: len(slices)] == chart.goodput.tolist()


def test_the_capacity_is_a_dashed_line_at_its_height(outage: ChartData) -> None:
    """It is on the chart and in its margin; a run that knows none shows none."""
    chart = chart_of(outage)
    assert list(chart.capacity.get_ydata()) == [100, 100] and chart.capacity_label.text.endswith(
        "can do 100"
    )
    assert chart.ax.get_ylim()[1] >= 100
    outage_run = CardOutage(arrivals="regular").run(0)
    outage_run.theory.clear()
    bare = chart_of(ChartData(outage_run))
    assert not bare.capacity.get_visible() and bare.capacity_label.text == ""


def test_its_sentence_says_peak_load_and_goodput(outage: ChartData) -> None:
    """With numbers, for those who do not see it."""
    assert chart_of(outage).sentence(outage) == (
        "Load: at most 40 tries per second, at 27 s; in the last 60 s 10, 0 of them retries, and "
        "10 done per second, "
        "of 100 that the service can do."
    )


def test_kinds_of_tries_differ_in_more_than_colour() -> None:
    """Neighbours differ in lightness by a third or in hatch."""
    from matplotlib.colors import to_rgb

    def lightness(look: dict[str, str]) -> float:
        return float(np.dot(to_rgb(look["facecolor"]), (0.299, 0.587, 0.114)))

    for one, other in pairwise(SHADES):
        assert (
            one.get("hatch") != other.get("hatch") or abs(lightness(one) - lightness(other)) > 0.3
        )
