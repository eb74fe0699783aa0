"""The chart "budget": how much of the error budget is left."""

import numpy as np

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData, Floats
from mqlearn.lab.charts.base import Box, Predictions, Timeline
from mqlearn.lab.charts.trouble import Trouble


class Budget(Timeline):
    """The part of the error budget that is left, in percent; orders are judged at their deadline.

    The axis ends at 100 % and begins where the curve needs it: a short outage spends little of a
    month's budget. The run's context has a table under the chart's name, with the column `left`
    (share of the budget, below 0 if it is overspent) and a row for each look at the queue.
    """

    name, min_height, stretch = "budget", 54, 0.6
    needs = ()

    def __init__(self, canvas: Canvas, box: Box, *, axis: bool) -> None:
        super().__init__(canvas, box, axis=axis)
        self.caption("error budget that is left, in % of that of 30 days")
        self.trouble = Trouble(self)
        self.ghost = canvas.moving(self.ax.plot([], [], color=style.GHOST, linewidth=1.6)[0])
        self.line = canvas.moving(self.ax.plot([], [], color=style.DONE, linewidth=2.2)[0])
        self.left_label = canvas.text(
            self.label_x, box.y + self.top + 8, bold=True, va="center", color="#00634A"
        )
        self.spent = 0.0

    def draw(self, run: ChartData, ghost: ChartData | None, predictions: Predictions) -> None:  # noqa: ARG002 -- every chart's
        self.fit_time(run, ghost)
        self.trouble.draw(run)
        (times, left), (before, was) = self.percent(run), self.percent(ghost)
        least = min([100.0, *left, *was])
        # as an axis that begins at 0 does, it changes only when the curve needs it
        spent = style.nice_top(max(100 - least, 1.0), self.spent)
        if spent != self.spent:
            self.spent = spent
            self.ax.set_ylim(100 - spent, 100)
            self.y_ticks.show([(100 - spent, f"{style.number(100 - spent)}%"), (100, "100%")])
        self.line.set_data(times, left)
        self.ghost.set_data(before, was)
        self.left_label.text = f"━ {_percent(left[-1])}" if len(left) else ""

    def percent(self, run: ChartData | None) -> tuple[Floats, Floats]:
        """Return the times (s) of the looks, and the percentage that was left at each."""
        table = None if run is None else run.table(self.name)
        if table is None:
            return np.zeros(0), np.zeros(0)
        return np.asarray(table.index, dtype=float), 100 * table["left"].to_numpy(dtype=float)

    def sentence(self, run: ChartData) -> str:
        _, left = self.percent(run)
        if not len(left):
            return "Error budget: nothing was sampled."
        return f"Error budget: at the end {_percent(left[-1])} is left, judged at the deadline."


def _percent(value: float) -> str:
    return f"{style.number(np.round(value, 1))}%"
