"""The chart "signals": the numbers of a watched queue over time, and the pages of its alert."""

from typing import Any

import numpy as np

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData
from mqlearn.lab.charts.base import Box, Predictions, Timeline
from mqlearn.lab.charts.signal_row import FOOT, Curve, SignalRow
from mqlearn.lab.charts.trouble import Trouble

OLD = "#0B5C8E"  # the age of what waits: a darker blue than their number
ROWS: tuple[tuple[str, dict[str, Curve]], ...] = (
    (
        "orders per second, over the last minute",
        {
            "in_per_s": Curve("in", {"color": style.INK, "linewidth": 1.5}),
            "out_per_s": Curve("out", {"color": style.DONE, "linewidth": 2.4}),
            "charged_per_s": Curve(
                "charged", {"color": style.AGAIN, "linewidth": 1.6, "linestyle": style.DASHED}
            ),
        },
    ),
    (
        "depth (orders that wait), and age of the oldest (s)",
        {
            "waiting": Curve("depth", {"color": style.WAITING, "linewidth": 2.6}),
            "oldest_s": Curve(
                "oldest", {"color": OLD, "linewidth": 1.6, "linestyle": style.DASHED}
            ),
        },
    ),
    (
        "in the last minute: % of the tries that failed, and dead letters",
        {
            "errors": Curve("errors %", {"color": style.LOST, "linewidth": 2.2}, factor=100),
            "dead": Curve(
                "dead", {"color": style.DEAD, "linewidth": 1.5, "linestyle": style.DASHED}
            ),
        },
    ),
)
STRIP = 17  # pixels under the rows, for the pages


class Signals(Timeline):
    """Three rows over one time axis: in, out and charged; depth and age; errors and dead letters.

    A triangle below them is a page, a hollow one a page while nothing was wrong. The background is
    shaded while the failure lasts. A prediction is of the seconds from the failure to the first
    page.

    The run's context has a table under the chart's name, with a row for each look at the queue, and
    may have a "limit": the column that the alert is about, and the value that it must exceed, drawn
    dashed.
    """

    name, takes_prediction, min_height, stretch = "signals", True, 164, 3.0
    needs = ()
    top = 0

    def __init__(self, canvas: Canvas, box: Box, *, axis: bool) -> None:
        # its axes cover all rows: they have the time's ticks, and the shade of the failure
        super().__init__(canvas, box, axis=axis)
        self.ax.spines[["left"]].set_visible(False)
        self.ax.set_ylim(0, 1)
        self.trouble = Trouble(self)
        tall = (canvas.height * self.ax.get_position().height - STRIP) / len(ROWS)
        self.rows = [
            SignalRow(self, box.y + tall * i, tall, caption, curves)
            for i, (caption, curves) in enumerate(ROWS)
        ]
        foot = box.y + tall * len(ROWS) + STRIP / 2 + FOOT / 2
        middle = 1 - (foot - box.y) / (tall * len(ROWS) + STRIP)  # of the strip, in its axes
        self.middle = middle
        self.pages = {
            real: canvas.moving(
                self.ax.plot(
                    [],
                    [],
                    linestyle="",
                    marker="^",
                    markersize=8,
                    markeredgewidth=1.5,
                    color=style.TROUBLED,
                    markerfacecolor=style.TROUBLED if real else style.PAPER,
                    clip_on=False,
                )[0]
            )
            for real in (True, False)
        }
        canvas.text(box.x, foot, "pages", size=style.SMALL, color=style.MUTED, va="center")
        self.said = canvas.text(
            self.label_x, foot, size=style.SMALL, bold=True, va="center", color=style.TROUBLED,
            room=self.right - 10,
        )  # fmt: skip
        self.you, self.theory = (
            canvas.moving(self.ax.axvline(0, color=color, linewidth=1.8, linestyle=look))
            for color, look in ((style.PREDICTED, style.DASHED), (style.INK, style.DOTTED))
        )
        self.you_label = canvas.text(0, box.y + 10, color=style.PREDICTED, bold=True)
        self.room = canvas.moving(
            self.ax.plot(
                [],
                [],
                linestyle="",
                marker="|",
                markersize=13,
                markeredgewidth=1.6,
                color=style.PREDICTED,
                clip_on=False,
            )[0]
        )

    def draw(self, run: ChartData, ghost: ChartData | None, predictions: Predictions) -> None:
        self.fit_time(run, ghost)
        self.trouble.draw(run)
        column, limit = run.table("limit") or ("", 0.0)
        for row in self.rows:
            row.draw(
                run.table(self.name),
                None if ghost is None else ghost.table(self.name),
                span=self.ax.get_xlim(),
                limit=limit if column in row.curves else None,
            )
        real, false = split_pages(run)
        for marks, times in ((self.pages[True], real), (self.pages[False], false)):
            marks.set_data(times, [self.middle] * len(times))
        took = self.measured(run)
        after = "never" if took is None else f"after {style.seconds(took)}"
        self.said.text = f"▲ {after}" + (f", △ {len(false)}" if false else "")
        self._draw_predictions(run, predictions)

    def _draw_predictions(self, run: ChartData, predictions: Predictions) -> None:
        began = onset(run)
        low, high = self.ax.get_xlim()
        for line, seconds in (
            (self.you, predictions.prediction),
            (self.theory, run.theory("paged_after_s")),
        ):
            line.set_visible(began is not None and seconds is not None)
            at = min((began or 0.0) + (seconds or 0.0), high)
            line.set_xdata([at, at])
        self.you_label.visible = self.you.get_visible()
        if self.you_label.visible:
            at = min((began or 0.0) + (predictions.prediction or 0.0), high)
            place, share = self.ax.get_position(), (at - low) / (high - low)
            self.you_label.text = f"you {style.number(predictions.prediction or 0.0)}"
            # inside the picture
            left = share < 0.8
            self.you_label.ha = "left" if left else "right"
            self.you_label.x = self.canvas.width * (place.x0 + place.width * share) + (
                4 if left else -4
            )
        marks = [] if began is None else [min(began + s, high) for s in predictions.room]
        self.room.set_data(marks, [0.0] * len(marks))

    def measured(self, run: ChartData) -> float | None:
        began, (real, _) = onset(run), split_pages(run)
        return real[0] - began if real and began is not None else None

    def sentence(self, run: ChartData) -> str:
        table = run.table(self.name)
        if table is None or not len(table):
            return "Signals: nothing was sampled."
        last, took, (_, false) = table.iloc[-1], self.measured(run), split_pages(run)
        come, done, charged = (
            style.number(np.round(last[name], 1))
            for name in ("in_per_s", "out_per_s", "charged_per_s")
        )
        page = (
            "There is no page for the failure"
            if took is None
            else f"A page comes {style.seconds(took)} after the failure"
        )
        return (
            f"Signals: at the end {come} orders come per second, {done} are done and {charged} "
            f"charged; at most {style.number(_largest(table['waiting']))} waited, and the oldest "
            f"was {style.seconds(np.round(_largest(table['oldest_s'])))} old. {page}, and "
            f"{style.count(len(false), 'page')} without one."
        )


def onset(run: ChartData) -> float | None:
    """Return when the failure begins (s); None if there is none."""
    return run.context.outages[0][0] if run.context.outages else None


def split_pages(run: ChartData) -> tuple[list[float], list[float]]:
    """Return the times (s) of the pages since the failure, and of those without one."""
    began = onset(run)
    real = [time for time in run.pages if began is not None and time >= began]
    return real, [time for time in run.pages if time not in real]


def _largest(column: Any) -> float:
    return float(np.max(column.to_numpy(dtype=float), initial=0.0))
