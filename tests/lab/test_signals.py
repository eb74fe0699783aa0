"""The charts of a watched queue: its numbers over time, the alert with its pages, the budget; what
moves first after a failure, and what an alert costs.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mqlearn.lab import show
from mqlearn.lab.chart_data import ChartData
from mqlearn.lab.charts import CHARTS
from mqlearn.lab.charts.base import Predictions
from mqlearn.lab.dashboard import Dashboard
from mqlearn.runtime.trace import Trace
from mqlearn.study.run import Context, Run

NAN = float("nan")
# One look every 10 s for 200 s: two orders per second come, and until 100 s two are done.
LOOKS = [10.0 * i for i in range(1, 21)]
SIGNALS = pd.DataFrame(
    {
        "in_per_s": 2.0,
        "out_per_s": [2.0 if t <= 100 else 0.5 for t in LOOKS],
        "charged_per_s": [2.0 if t <= 100 else 0.0 for t in LOOKS],
        "waiting": [max(2 * (t - 100), 0) for t in LOOKS],
        "oldest_s": [max(t - 100, 0) for t in LOOKS],
        "errors": [NAN if t == 10 else 0.0 if t <= 100 else 0.25 for t in LOOKS],
        "dead": [0.0 if t <= 100 else 12.0 for t in LOOKS],
    },
    index=LOOKS,
)
BUDGET = pd.DataFrame(
    {"left": [1.0 if t <= 160 else 1 - (t - 160) / 400 for t in LOOKS]}, index=LOOKS
)


def watched(
    pages: tuple[float, ...] = (50.0, 170.0, 190.0), *, onset: float | None = 100.0, **tables: Any
) -> Run:
    """A run with these pages, and a failure from `onset` (s) on."""
    trace = Trace()
    for time in pages:
        trace.note(time, "paged", "oldest")
        trace.note(time + 5, "resolved", "oldest")
    outages = () if onset is None else ((onset, 200.0),)
    context = Context(
        outages=outages,
        tables={"signals": SIGNALS, "budget": BUDGET, "limit": ("oldest_s", 60.0), **tables},
    )
    return replace(Run.of(Trace(), 200.0), trace=trace, context=context, headline="Watched")


def drawn(name: str, run: Run, ghost: Run | None = None, you: float | None = None) -> Any:
    """The chart of this name of a run, drawn as in a lab."""
    board = Dashboard([name])
    board.draw(run, ghost, Predictions(you))
    return board.charts[0]


def test_the_budget_is_drawn_down_from_100_percent() -> None:
    """From where the axis must begin."""
    chart = drawn("budget", watched())
    assert chart.left_label.text == "━ 90%" and chart.ax.get_ylim() == (90, 100)


def test_an_overspent_budget_is_below_zero() -> None:
    """The axis follows."""
    chart = drawn("budget", watched(budget=BUDGET - 8))
    assert chart.left_label.text == "━ -710%" and chart.ax.get_ylim()[0] <= -710


def test_the_rows_have_the_numbers_at_the_end() -> None:
    """Each beside its curve, errors in percent."""
    chart = drawn("signals", watched())
    texts = [label.text for row in chart.rows for label in row.labels.values()]
    assert texts == [
        *("━ in 2", "━ out 0.5", "╌ charged 0"),
        *("━ depth 200", "╌ oldest 100"),
        *("━ errors % 25", "╌ dead 12"),
    ]


def test_the_limit_is_drawn_in_the_row_of_its_number() -> None:
    """And nowhere if no curve shows what the alert is about."""
    for limit, shown in (
        (("oldest_s", 60.0), [False, True, False]),
        (("dead", 5.0), [False, False, True]),
        (("burn", 14.4), [False, False, False]),
        (None, [False, False, False]),
    ):
        chart = drawn("signals", watched(limit=limit))
        assert [row.limit.get_visible() for row in chart.rows] == shown
    assert drawn("signals", watched(limit=("oldest_s", 900.0))).rows[1].ax.get_ylim()[1] >= 900


def test_pages_are_triangles_and_false_ones_hollow() -> None:
    """The first real one is told, in seconds from the failure."""
    chart = drawn("signals", watched())
    assert list(chart.pages[True].get_xdata()) == [170, 190]
    assert list(chart.pages[False].get_xdata()) == [50]
    assert chart.pages[False].get_markerfacecolor() != chart.pages[True].get_markerfacecolor()
    assert chart.said.text == "▲ after 70 s, △ 1"
    assert chart.measured(ChartData(watched())) == 70


@pytest.mark.parametrize("run", [watched(()), watched((), onset=None)])
def test_without_a_page_or_a_failure_nothing_is_measured(run: Run) -> None:
    """It says never."""
    chart = drawn("signals", run, you=50.0)
    assert chart.said.text == "▲ never" and chart.measured(ChartData(run)) is None


def test_a_prediction_counts_from_the_failure() -> None:
    """One beyond the end is drawn at the end, and one without a failure not at all."""
    assert list(drawn("signals", watched(), you=50.0).you.get_xdata()) == [150, 150]
    assert list(drawn("signals", watched(), you=5000.0).you.get_xdata()) == [200, 200]
    assert not drawn("signals", watched()).you.get_visible()
    assert not drawn("signals", watched(onset=None), you=50.0).you.get_visible()


@pytest.mark.parametrize("name", ["signals", "budget"])
def test_a_baseline_is_drawn_and_nothing_is_no_error(name: str) -> None:
    """Also where one of the two has no samples, or no table."""
    empty = watched((), signals=SIGNALS[:0], budget=BUDGET[:0])
    bare = watched((), signals=None, budget=None)
    for run, ghost in ((watched(), empty), (empty, watched()), (bare, watched()), (bare, None)):
        board = Dashboard([name])
        board.draw(run, ghost)
        assert board.sentence(run).endswith(".")
    for run in (empty, bare):
        assert "nothing was sampled" in Dashboard([name]).sentence(run)


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


def test_the_title_counts_the_failures_that_the_best_number_sees() -> None:
    """Computed from the table."""
    assert CHARTS["movers"].title(MOVED) == '"p95" moves in 2 of 2 failures'  # type: ignore[attr-defined]
    without = MOVED[MOVED["signal"] != "p95"]
    assert CHARTS["movers"].title(without) == (  # type: ignore[attr-defined]
        '"in" and "age of oldest" moves in 1 of 2 failures; no number moves in all of them'
    )


ALARMS = pd.DataFrame(
    [
        ("depth >", 20, 249.0, 20.0),
        ("depth >", 160, 0.0, 117.0),
        ("oldest >", "60 s", 0.0, 78.0),
        ("burn >", "14.4", 0.0, NAN),
    ],
    columns=["rule", "threshold", "false", "seconds"],
)


def test_an_alarm_is_a_point_and_one_that_never_paged_is_none() -> None:
    """On two logarithmic axes."""
    chart = drawn("tradeoff", table_run(tradeoff=ALARMS))
    assert [len(line.get_xdata()) for line in chart.lines] == [2, 1, 0, 0]
    assert list(chart.lines[0].get_ydata()) == list(np.log10([20, 117]))
    assert [label.text for label in chart.labels[0][:2]] == ["20", "160"]
    assert "Never in time: burn > 14.4." in chart.describe(ALARMS)


def test_the_title_compares_the_fastest_with_the_fastest_quiet_one() -> None:
    """Computed from the table."""
    assert CHARTS["tradeoff"].title(ALARMS) == (  # type: ignore[attr-defined]
        "The fastest, depth > 20, pages after 20 s and 249 times a week for nothing; "
        "oldest > 60 s after 78 s, never for nothing"
    )


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
