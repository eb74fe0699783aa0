"""The charts of an overload: goodput, workers, lost orders; the tables of limits and costs."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from mqlearn.lab import show
from mqlearn.lab.charts import Predictions
from mqlearn.lab.dashboard import Dashboard
from mqlearn.runtime.trace import Trace
from mqlearn.study.run import Run
from mqlearn.units.backpressure_and_scaling.scenario import Rush

LIMITS = pd.DataFrame(
    {
        "limit": [1, 20, 300, 360, 600],
        "goodput": [10.0, 12.0, 11.9, 6.0, 1.4],
        "lowest": [9.9, 11.8, 11.7, 5.0, 1.0],
        "highest": [10.1, 12.2, 12.1, 7.0, 2.0],
    }
)
COSTS = pd.DataFrame(
    {
        "rule": ["flow", "depth/10", "depth/30", "always 16"],
        "hours": [6.5, 14.9, 5.4, 10.8],
        "p95": [36.0, 60.0, 56.0, 0.2],
    }
)


def preset(name: str, **changes: Any) -> Run:
    """A run of the lab of unit 12."""
    return Rush(**{**Rush.PRESETS[name], **changes}).run(0)


@pytest.fixture
def board() -> Any:
    """The picture of that lab."""
    return Dashboard(Rush.CHARTS, 570, 408, predicted_chart=Rush.PREDICTS)


def chart(board: Any, name: str) -> Any:
    """The chart of that name."""
    return next(each for each in board.charts if each.name == name)


@pytest.mark.parametrize("name", [*Rush.PRESETS])
@pytest.mark.parametrize("policy", ["oldest first", "newest first", "shed by age"])
def test_no_label_sticks_out(board: Any, outside: Any, name: str, policy: str) -> None:
    """In any preset, with a baseline and a prediction."""
    run = preset(name, policy=policy)
    board.draw(run, preset("Black Friday"), Predictions(prediction=1200.0, room=(1.0, 5000.0)))
    assert outside(board.canvas) == []


def test_the_orders_per_second_add_up(board: Any) -> None:
    """Each order is in one slice of one layer; theory's capacity is the dashed line."""
    from mqlearn.lab.chart_data import ChartData
    from mqlearn.lab.charts.goodput import rates, slices

    run = preset("on the edge")
    edges = slices(ChartData(run))
    per_slice = rates(ChartData(run), edges) * np.diff(edges)
    totals = run.totals
    expected = [totals["in_time"], totals["in_vain"], totals["turned_away"]]
    assert per_slice.sum(axis=1).round().tolist() == expected
    board.draw(run)
    assert list(chart(board, "goodput").capacity.get_ydata()) == [12.0] * 2
    assert chart(board, "goodput").capacity_label.text == "╌ can do 12"


def test_capacity_follows_the_workers(board: Any) -> None:
    """In a pool that is scaled it is a step line, with no number."""
    board.draw(preset("the scaler that hunts"))
    goodput, workers = chart(board, "goodput"), chart(board, "workers_over_time")
    assert max(goodput.capacity.get_ydata()) > 60 and goodput.capacity_label.text == "╌ can do"
    assert list(workers.needed.get_ydata()) == [5.0, 15.0, 5.0, 5.0]
    assert workers.label.text == "╌ needed 15"


def test_the_useful_bound_is_above_what_the_workers_hold(board: Any) -> None:
    """It counts those that wait; the stack begins with those in flight. Scaled pools have none."""
    board.draw(preset("the queue that remembered"))
    depth = chart(board, "depth")
    assert depth.useful.get_visible() and list(depth.useful.get_ydata()) == [240.0, 240.0]
    assert depth.useful_label.text == "╌ useful: 234 waiting"
    board.draw(preset("the scaler that hunts"))
    assert not depth.useful.get_visible() and not depth.useful_label.visible


def test_lost_orders_are_one_bar(board: Any) -> None:
    """Its parts end where the next begins; prediction, theory and baseline stand on it."""
    run, before = preset("the queue that remembered", policy="shed by age"), preset("Black Friday")
    board.draw(run, before, Predictions(prediction=1200.0))
    lost = chart(board, "lost_orders")
    ends = [path.get_extents().x1 for fill in lost.fills for path in fill.get_paths()]
    assert ends == [run.totals["lost"], run.totals["orders"]]
    assert lost.label.text == "397 lost" and lost.measured(board_data(run)) == 397
    assert "theory: 405 lost" in lost.title.text and lost.theory.get_visible()
    assert lost.ghost.get_paths()[0].get_extents().x1 == before.totals["lost"]
    assert lost.marks.label.text == "you 1,200"


def board_data(run: Run) -> Any:
    """The arrays of a run."""
    from mqlearn.lab.chart_data import ChartData

    return ChartData(run)


def test_the_pictures_in_words(board: Any) -> None:
    """With the numbers of the totals."""
    said = board.sentence(preset("the scaler that hunts"))
    assert "Goodput: 3,366 orders in time, 11.2 per second; 2,005 in vain; 0 turned away." in said
    assert "Workers: from 6 to 45, those that start included; 80.8 worker-minutes." in said
    assert "Lost: 2,005 of 5,371 orders." in said


def test_an_empty_trace_is_shown_empty() -> None:
    """No order, no worker, and words that say so."""
    board = Dashboard(("goodput", "workers_over_time", "lost_orders"), 570, 408)
    run = Run.of(Trace())
    board.draw(run)
    assert board.sentence(run) == (
        "Goodput: no order came. Workers: their number was never changed. Lost: 0 of 0 orders."
    )


@pytest.mark.parametrize(
    ("table", "name", "title"),
    [
        (
            LIMITS,
            "goodput_by_limit",
            "From 20 to 300 places about 12 orders per second are in time, with 600 only 1.4",
        ),
        (
            LIMITS[:2],
            "goodput_by_limit",
            "With 20 places about 12 orders per second are in time",
        ),
        (LIMITS[:0], "goodput_by_limit", "How many are done in time?"),
        (
            COSTS,
            "cost_of_waiting",
            "depth/30 costs least, 5.4 h for 56 s; always 16 waits least, 10.8 h for 0.2 s",
        ),
        (COSTS[:0], "cost_of_waiting", "What does a shorter wait cost?"),
    ],
)
def test_a_table_has_a_title_of_its_own(
    table: Any, name: str, title: str, outside: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Computed from its rows; its sentence names each of them, and no label sticks out."""
    from mqlearn.study.run import Context

    board = Dashboard([name], 640, 300)
    kind: Any = type(board.charts[0])
    assert kind.title(table) == title
    run = Run(None, 0, Trace(), 0.0, {}, title, context=Context(tables={name: table}))
    board.draw(run)
    assert outside(board.canvas) == []
    show(table, name)
    said = capsys.readouterr().out
    assert all(str(row).split(".")[0] in said for row in table.iloc[:, 0])


@pytest.mark.parametrize(("useful", "shown"), [(354.0, True), (3540.0, False), (0.0, False)])
def test_the_useful_bound_of_a_limit_is_a_line(useful: float, shown: bool, outside: Any) -> None:
    """Between 300 and 360, if it is on the axis at all; the axis ends just above the dots."""
    board = Dashboard(["goodput_by_limit"], 640, 300)
    draw_table(board, "goodput_by_limit", LIMITS.assign(useful=useful))
    by_limit = chart(board, "goodput_by_limit")
    assert by_limit.bound.get_visible() == shown == bool(by_limit.bound_label.text)
    if shown:
        assert by_limit.bound.get_xdata()[0] == pytest.approx(np.log10(354))
        assert by_limit.bound_label.text == "useful bound 354 ╌"
        assert board.charts[0].describe(LIMITS.assign(useful=useful)).endswith("useful bound 354.")
    assert by_limit.ax.get_ylim()[1] == 14 and outside(board.canvas) == []
    draw_table(board, "goodput_by_limit", LIMITS)
    assert not by_limit.bound.get_visible()


def draw_table(board: Any, name: str, table: Any) -> None:
    """Draw a picture of this table."""
    from mqlearn.study.run import Context

    board.draw(Run(None, 0, Trace(), 0.0, {}, "", context=Context(tables={name: table})))


def test_a_baseline_has_a_title_of_its_own() -> None:
    """Two titles speak of the same measure; without one the baseline says its own headline."""
    board = Dashboard(("depth",), 640, 200)
    run = preset("Black Friday")
    board.draw(run, run, title="95 % wait 3 s", ghost_title="depth/10: 95 % wait 9 s")
    assert board._subtitle.text == "baseline: depth/10: 95 % wait 9 s"
    board.draw(run, run, title="95 % wait 3 s")
    assert board._subtitle.text == f"baseline: {run.headline}"


@pytest.mark.parametrize(
    ("value", "ticks"),
    [
        (12.2, [0, 2, 4, 6, 8, 10, 12, 14]),
        (21.8, [0, 5, 10, 15, 20, 25]),
        (1.0, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (700.0, [0, 100, 200, 300, 400, 500, 600, 700]),
    ],
)
def test_an_axis_ends_just_above_its_data(value: float, ticks: list[float]) -> None:
    """At most eight ticks, all round."""
    from mqlearn.lab.style import close_ticks

    assert close_ticks(value) == ticks


def test_labels_of_near_points_do_not_cover_each_other() -> None:
    """Two rules of nearly the same cost and wait."""
    near = pd.DataFrame({"rule": ["one", "two"], "hours": [5.0, 5.1], "p95": [50.0, 49.0]})
    board = Dashboard(["cost_of_waiting"], 640, 300)
    show(near, "cost_of_waiting")
    from mqlearn.study.run import Context

    context = Context(tables={"cost_of_waiting": near})
    board.draw(Run(None, 0, Trace(), 0.0, {}, "", context=context))
    first, second = [label for label in board.charts[0].labels if label.text]  # type: ignore[attr-defined]
    assert abs(first.y - second.y) >= 12
