"""The breaker's charts: a band of states, probes, ticks of the dead, and when the service is in
trouble.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mqlearn.lab import style
from mqlearn.lab.chart_data import ChartData
from mqlearn.lab.charts.breaker import Breaker
from mqlearn.lab.charts.dead_letter_ticks import DeadLetterTicks
from mqlearn.lab.charts.depth import Depth
from mqlearn.lab.dashboard import Dashboard
from mqlearn.lab.panel_html import PICTURE_HEIGHT, RIGHT
from mqlearn.units.circuit_breaker.scenario import GuardedCalls
from mqlearn.units.retries_and_dead_letters.scenario import CardOutage

DAY = GuardedCalls()


@pytest.fixture(scope="module")
def calm() -> ChartData:
    """A minute's outage behind a breaker."""
    return ChartData(DAY.run(0))


@pytest.fixture(scope="module")
def bare() -> ChartData:
    """The same without one."""
    return ChartData(replace(DAY, breaker="none").run(0))


def board_of(run: ChartData, ghost: ChartData | None = None) -> Dashboard:
    """The charts as the lab shows them, drawn."""
    board = Dashboard(GuardedCalls.CHARTS, RIGHT, PICTURE_HEIGHT)
    board.draw(run, ghost)
    return board


def breaker_of(run: ChartData, ghost: ChartData | None = None) -> Breaker:
    """The chart of the breaker, drawn in the lab's picture."""
    chart = board_of(run, ghost).charts[3]
    assert isinstance(chart, Breaker)
    return chart


def spans(chart: Breaker, state: str) -> list[tuple[float, float]]:
    """From when to when (s) the band shows a state."""
    return [
        (path.vertices[:, 0].min(), path.vertices[:, 0].max())
        for path in chart.bands[state].get_paths()
    ]


def test_the_band_is_the_records(calm: ChartData) -> None:
    """Each state from its record to the next one; all together they fill the time."""
    chart = breaker_of(calm)
    records = [r for r in calm.run.trace.records if r.event in ("opened", "half_opened", "closed")]
    times = [r.time for r in records] + [calm.until]
    for state, event in (("OPEN", "opened"), ("HALF_OPEN", "half_opened")):
        assert spans(chart, state) == [
            (r.time, times[i + 1]) for i, r in enumerate(records) if r.event == event
        ]
    shown = [span for state in chart.bands for span in spans(chart, state)]
    assert sum(end - start for start, end in shown) == pytest.approx(240)


def test_states_are_named_where_there_is_room(calm: ChartData) -> None:
    """Words in wide bands, nothing in a sliver, and no word wider than its band."""
    chart = breaker_of(calm)
    assert sorted(label.text for label in chart.names if label.text) == [
        "OPEN",
        "OPEN",
        "closed",
        "closed",
    ]
    many = breaker_of(ChartData(GuardedCalls(**GuardedCalls.PRESETS["flapping"]).run(0)))
    assert {label.text for label in many.names} <= {"", "closed", "c", "O", "½"}


def test_probes_are_told_apart_by_shape_and_counted(calm: ChartData) -> None:
    """A diamond for one that succeeded, a cross for one that failed, each at its time."""
    chart = breaker_of(calm)
    assert (chart.good.get_marker(), chart.bad.get_marker()) == ("D", "X")
    assert [list(points.get_xdata()) for points in (chart.good, chart.bad)] == [
        [probe.time for probe in calm.breaker.probes if probe.good == good]
        for good in (True, False)
    ]
    assert (chart.good_count.text, chart.failed_count.text, chart.open_share.text) == (
        "◆ 1 good",
        "✖ 1 failed",
        "open 25%",
    )


def test_without_a_breaker_there_is_no_band(bare: ChartData, calm: ChartData) -> None:
    """It says so; as a baseline it leaves no line, and one with a breaker a grey one where that was
    not closed.
    """
    chart = breaker_of(bare, calm)
    assert chart.none.visible and not any(spans(chart, state) for state in chart.bands)
    assert chart.sentence(bare) == "Breaker: none." and chart.open_share.text == ""
    assert len(chart.ghost.get_paths()) == 4 and not breaker_of(calm, bare).ghost.get_paths()


def test_one_that_never_opened_is_closed_all_the_time() -> None:
    """It has left no record, but it was there."""
    run = ChartData(replace(DAY, outage_to=60.0).run(0))
    chart = breaker_of(run)
    assert spans(chart, "CLOSED") == [(0, 240)] and not chart.none.visible
    assert (
        chart.sentence(run) == "Breaker: closed all the time."
        and chart.open_share.text == "open 0%"
    )


def test_its_sentence_says_what_it_did(calm: ChartData) -> None:
    """With numbers, for those who do not see it."""
    assert breaker_of(calm).sentence(calm) == (
        "Breaker: open 60 s in all, in 2 stretches, the first from 62.6 s on; 2 probes, 1 of them "
        "good; "
        "CLOSED at the end."
    )


def test_each_dead_letter_is_a_tick(calm: ChartData, bare: ChartData) -> None:
    """At its time, the baseline's in grey, and their numbers beside."""
    for run, ghost in ((bare, calm), (calm, bare)):
        chart = board_of(run, ghost).charts[2]
        assert isinstance(chart, DeadLetterTicks)
        assert [list(row.get_xdata()) for row in chart.rows] == [
            list(run.dead[0]),
            list(ghost.dead[0]),
        ]
        assert chart.total.text == f"{len(run.dead[0])} dead"
        assert chart.ghost_total.text == f"{len(ghost.dead[0])} baseline"


def test_trouble_is_shaded_when_the_service_is_in_it(calm: ChartData) -> None:
    """On every chart, as often as it comes; named on the depth; and where no run tells of trouble,
    nothing is.
    """
    flapping = ChartData(GuardedCalls(**GuardedCalls.PRESETS["flapping"], trouble="slow").run(0))
    for run, count, said in ((calm, 1, "service down"), (flapping, 6, "service slow")):
        charts = board_of(run).charts
        for chart in charts:
            shade = chart.trouble.shade.get_paths()  # type: ignore[attr-defined]
            assert [tuple(np.unique(path.vertices[:, 0])) for path in shade] == list(
                run.context.outages
            )
            assert len(shade) == count
        assert [chart.trouble.label.text for chart in charts] == [said, "", "", ""]  # type: ignore[attr-defined]
    other = Dashboard(["depth"])
    other.draw(CardOutage(window=60.0).run(0))
    assert isinstance(other.charts[0], Depth) and not other.charts[0].trouble.shade.get_visible()


def test_what_should_wait_is_dotted_on_the_depth(calm: ChartData) -> None:
    """λ times the time without service, and what waited before."""
    depth = board_of(calm).charts[0]
    assert isinstance(depth, Depth)
    assert (
        depth.marks.theory.get_ydata()[0] == calm.theory("depth")
        and depth.marks.theory.get_visible()
    )


def test_states_differ_in_more_than_colour() -> None:
    """By lightness, and the yellow one has an edge."""
    from matplotlib.colors import to_rgb

    def lightness(colour: str) -> float:
        return float(np.dot(to_rgb(colour), (0.299, 0.587, 0.114)))

    assert (
        lightness(style.PROBING) - lightness(style.LOST) > 0.3
        and lightness("#E2E2E2") - lightness(style.LOST) > 0.3
    )
