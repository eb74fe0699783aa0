"""The charts of a watched queue: its numbers over time, the alert with its pages, the budget; what
moves first after a failure, and what an alert costs.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mqlearn import Sample
from mqlearn.lab import show
from mqlearn.lab.chart_data import ChartData
from mqlearn.lab.charts import CHARTS
from mqlearn.lab.charts.base import Predictions
from mqlearn.lab.dashboard import Dashboard
from mqlearn.lab.label import measure
from mqlearn.runtime.trace import Trace
from mqlearn.study.analysis.signals import SignalAnalysis, Watch
from mqlearn.study.run import Context, Run

NAN = float("nan")
# One look every 10 s for 200 s: two orders per second come, and until 100 s two are done.
SAMPLES = tuple(
    Sample(
        now=10.0 * i,
        sent=20 * i,
        done=20 * min(i, 10),
        charged=20 * min(i, 10),
        waiting=20 * max(i - 10, 0),
        oldest=10.0 * max(i - 10, 0),
        received=20 * i,
        failed=10 * max(i - 10, 0),
        dead=2 * max(i - 10, 0),
        due=20 * max(i - 6, 0),
        missed=20 * max(i - 16, 0),
    )
    for i in range(1, 21)
)
WATCH = Watch(
    SAMPLES,
    values=tuple(sample.oldest for sample in SAMPLES),
    limit=60.0,
    compared="age of the oldest (s)",
    pages=((50.0, False), (170.0, True)),
    allowed=800.0,
)


def watched(watch: Watch = WATCH, *, onset: float | None = 100.0) -> Run:
    """A run with this watch, and a failure from `onset` (s) on."""
    outages = () if onset is None else ((onset, 200.0),)
    context = Context(outages=outages, tables={"signals": watch})
    return replace(Run.of(Trace(), 200.0), context=context, headline="Watched")


def drawn(name: str, run: Run, ghost: Run | None = None, you: float | None = None) -> Any:
    """The chart of this name of a run, drawn as in a lab."""
    board = Dashboard([name])
    board.draw(run, ghost, Predictions(you))
    return board.charts[0]


def test_rates_look_back_a_minute() -> None:
    """And shares are of what happened in that minute."""
    found = SignalAnalysis(WATCH)
    at = list(found.times).index(160.0)
    assert found.coming[at] == 2 and found.done[at] == 0 and found.charged[at] == 0
    assert found.errors[at] == 50 and found.dead[at] == 12
    assert found.missed[list(found.times).index(200.0)] == pytest.approx(100 * 80 / 120)


def test_before_a_minute_is_over_rates_look_back_to_the_start() -> None:
    """Else a young queue would look slow."""
    assert list(SignalAnalysis(WATCH).coming[:3]) == [2, 2, 2]


def test_the_budget_counts_what_missed_its_deadline() -> None:
    """80 of the 800 that are allowed."""
    assert SignalAnalysis(WATCH).left[-1] == 90
    chart = drawn("budget", watched())
    assert chart.left_label.text == "━ 90%" and chart.ax.get_ylim() == (90, 100)


def test_a_budget_is_whole_only_if_nothing_is_spent() -> None:
    """80 of a million are hardly seen, and said."""
    chart = drawn("budget", watched(replace(WATCH, allowed=1e6)))
    assert chart.left_label.text == "━ over 99.9%"
    assert drawn("budget", watched(replace(WATCH, samples=SAMPLES[:5]))).left_label.text == "━ 100%"


def test_an_overspent_budget_is_below_zero() -> None:
    """The axis follows."""
    chart = drawn("budget", watched(replace(WATCH, allowed=10.0)))
    assert chart.left_label.text == "━ -700%" and chart.ax.get_ylim()[0] <= -700


def test_the_rows_have_the_numbers_at_the_end() -> None:
    """Each beside its curve."""
    chart = drawn("signals", watched())
    texts = [label.text for row in chart.rows for label in row.labels.values()]
    assert texts == [
        *("━ in 2", "━ out 0", "╌ charged 0"),
        *("━ depth 200", "╌ oldest 100"),
        *("━ errors % 50", "╌ dead 12"),
    ]


def test_pages_stand_on_the_limit_and_false_ones_are_hollow() -> None:
    """The first real one is told, in seconds from the failure."""
    chart = drawn("signals", watched())
    assert list(chart.pages[True].get_xdata()) == [170] and chart.pages[True].get_ydata() == [60]
    assert list(chart.pages[False].get_xdata()) == [50]
    assert chart.pages[False].get_markerfacecolor() != chart.pages[True].get_markerfacecolor()
    assert (chart.said.text, chart.false.text) == ("▲ after 70 s", "△ 1 false")
    assert chart.measured(ChartData(watched())) == 70


def test_another_limit_is_another_picture() -> None:
    """Though its line moves by less than a pixel: the caption has the number."""
    limits = (60.0, 60.5)
    captions = [
        drawn("signals", watched(replace(WATCH, limit=limit))).alert.caption.text
        for limit in limits
    ]
    assert captions == [
        f"alert: age of the oldest (s); dashed: limit {limit}" for limit in ("60", "60.5")
    ]


@pytest.mark.parametrize("run", [watched(replace(WATCH, pages=())), watched(onset=None)])
def test_without_a_page_or_a_failure_nothing_is_measured(run: Run) -> None:
    """It says none."""
    chart = drawn("signals", run, you=50.0)
    assert chart.said.text == "▲ none" and chart.measured(ChartData(run)) is None


def test_a_prediction_counts_from_the_failure() -> None:
    """One beyond the end is drawn at the end."""
    assert set(drawn("signals", watched(), you=50.0).you.get_xdata()) == {150}
    assert set(drawn("signals", watched(), you=5000.0).you.get_xdata()) == {200}
    assert not drawn("signals", watched()).you.get_visible()


def test_a_vertical_line_leaves_out_the_captions() -> None:
    """It is drawn over the axes of each row, with a gap where the caption of the next is."""
    chart = drawn("signals", watched(), you=50.0)
    heights, whole = list(chart.you.get_ydata()), chart.ax.get_position()
    rows = [row.ax.get_position() for row in (*chart.rows, chart.alert)]
    ends = [(y - whole.y0) / whole.height for row in rows for y in (row.y0, row.y1)]
    assert [y for y in heights if not np.isnan(y)] == pytest.approx(ends)
    assert np.isnan(heights).tolist() == [False, False, True] * len(rows)


def test_the_first_page_of_a_baseline_is_a_grey_triangle() -> None:
    """It stands on the limit, since the baseline's values may be cut off; no baseline has none."""
    ghost = watched(replace(WATCH, pages=((50.0, False), (190.0, True))))
    chart = drawn("signals", watched(), ghost)
    assert list(chart.was_paged.get_xdata()) == [190] and chart.was.text == "▲ was 90 s"
    assert list(chart.was_paged.get_ydata()) == [60]
    for quiet in (None, watched(replace(WATCH, pages=()))):
        chart = drawn("signals", watched(), quiet)
        assert not len(chart.was_paged.get_xdata()) and chart.was.text == ""


def test_an_alert_that_is_cut_off_says_so() -> None:
    """And a line of theory is named."""
    high = replace(WATCH, limit=10.0)
    caption = drawn("signals", watched(high)).alert.caption
    assert caption.text == "alert: age of the oldest (s) (cut at 40); dashed: limit 10"
    run = replace(watched(high), theory={"page": 30.0})
    assert drawn("signals", run).alert.caption.text.endswith("limit 10; dotted: theory")


@pytest.mark.parametrize("name", ["signals", "budget"])
def test_a_baseline_is_drawn_and_nothing_is_no_error(name: str) -> None:
    """Also where one of the two has no samples."""
    none = watched(Watch(()))
    for run, ghost in ((watched(), none), (none, watched()), (none, None)):
        board = Dashboard([name])
        board.draw(run, ghost)
        assert board.sentence(run).endswith(".")
    assert "nothing was sampled" in Dashboard([name]).sentence(none)


MOVED = pd.DataFrame(
    [
        ("dead workers", "in", NAN, "", [2.0, 2.0, 2.0], 1.0, 3.0),
        ("dead workers", "age of oldest", 20.0, "up", [1.0, 9.0, 99.0], 0.0, 9.0),
        ("dead workers", "p95", 60.0, "gone", [1.0, 1.0, NAN], 0.0, 2.0),
        ("no producer", "in", 10.0, "down", [2.0, 0.0, 0.0], 1.0, 3.0),
        ("no producer", "age of oldest", NAN, "", [1.0, 1.0, 1.0], 0.0, 9.0),
        ("no producer", "p95", 10.0, "gone", [1.0, NAN, NAN], 0.0, 2.0),
    ],
    columns=["failure", "signal", "seconds", "moved", "values", "low", "high"],
)


def table_run(**tables: Any) -> Run:
    """A run with these tables."""
    return replace(Run.of(Trace()), context=Context(tables=tables), headline="A table")


def test_the_first_mover_of_each_failure_is_in_colour() -> None:
    """Several, if they moved at the same time."""
    chart = drawn("movers", table_run(movers=MOVED))
    numbers = [[(n.text, n.weight) for n in row[:3]] for row in chart.numbers[:2]]
    assert numbers == [
        [("·", "normal"), ("20 ↑", "bold"), ("60 ×", "normal")],
        [("10 ↓", "bold"), ("·", "normal"), ("10 ×", "bold")],
    ]
    # a line of one point is none: the p95 of "no producer" has no piece
    assert len(chart.firsts.get_segments()) == 2
    assert chart.describe(MOVED) == (
        "First to move: dead workers: age of oldest ↑ after 20 s; "
        "no producer: in ↓ after 10 s, p95 × after 10 s."
    )


def test_the_title_says_how_many_are_first_and_which_sees_all() -> None:
    """Computed from the table."""
    title = CHARTS["movers"].title  # type: ignore[attr-defined]
    assert title(MOVED) == ('Three numbers are first in some failure; "p95" moves in all two')
    without = MOVED[MOVED["signal"] == "age of oldest"]
    assert title(without) == "One number is first in some failure; no number moves in all two"
    assert title(MOVED[:0]) == "No failure was watched"


ALARMS = pd.DataFrame(
    [
        ("depth (orders)", 20, 249.0, 20.0),
        ("depth (orders)", 160, 0.0, 117.0),
        ("oldest", "60 s", 0.0, 78.0),
        ("burn", "14.4", 0.0, NAN),
    ],
    columns=["rule", "threshold", "false", "seconds"],
)


def test_an_alarm_is_a_point_and_one_that_never_paged_is_none() -> None:
    """On two logarithmic axes."""
    chart = drawn("tradeoff", table_run(tradeoff=ALARMS))
    assert [len(line.get_xdata()) for line in chart.lines] == [2, 1, 0, 0]
    assert list(chart.lines[0].get_ydata()) == list(np.log10([20, 117]))
    assert [label.text for label in chart.labels[0][:2]] == ["20", "160"]
    # without a false page a point stands at 0, whatever its rule
    assert chart.lines[0].get_xdata()[1] == chart.lines[1].get_xdata()[0] == 0
    assert "Never in time: burn above 14.4." in chart.describe(ALARMS)


def test_labels_of_points_that_stand_close_do_not_overlap() -> None:
    """Five alarms between 70 and 140 s, all without a false page."""
    table = pd.DataFrame(
        [
            *(("depth", 80, 0.0, 71.0), ("depth", 160, 0.0, 140.0), ("oldest", "60 s", 0.0, 79.0)),
            *(
                ("held", "30 s", 0.0, 102.0),
                ("held", "45 s", 0.0, 119.0),
                ("depth", 9, 300.0, 20.0),
            ),
        ],
        columns=["rule", "threshold", "false", "seconds"],
    )
    chart = drawn("tradeoff", table_run(tradeoff=table))
    labels = [label for row in chart.labels for label in row if label.text]
    assert len(labels) == 6
    for one, other in combinations(labels, 2):
        left, right = sorted((one, other), key=lambda label: label.x)
        apart = right.x - left.x >= measure(left.text, left.size, left.weight)
        assert apart or abs(one.y - other.y) >= 12, (one.text, other.text)


def test_the_title_compares_the_fastest_with_the_fastest_quiet_one() -> None:
    """Computed from the table; the unit of a rule is left to the chart."""
    title = CHARTS["tradeoff"].title  # type: ignore[attr-defined]
    assert title(ALARMS) == ("Depth above 20: 20 s, 249 false pages; oldest above 60 s: 78 s, none")
    assert title(ALARMS[:1]) == "Depth above 20: 20 s, 249 false pages"
    assert title(ALARMS[3:]) == "No alarm paged"


@pytest.mark.parametrize(("name", "table"), [("movers", MOVED), ("tradeoff", ALARMS)])
def test_a_table_is_shown_by_its_chart(
    name: str, table: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    """And described in words."""
    show(table, name)
    assert capsys.readouterr().out.strip().endswith(".")
    with pytest.raises(ValueError, match="run must have the columns"):
        show(table.drop(columns=table.columns[0]), name)
    assert (Dashboard([name]).sentence(table_run())).endswith("no table.")
