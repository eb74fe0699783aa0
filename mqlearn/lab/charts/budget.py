"""The chart "budget": how much of the error budget is left."""

import numpy as np

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData
from mqlearn.lab.charts.base import Box, Predictions, Timeline
from mqlearn.lab.charts.trouble import Trouble

DAY = 86_400.0  # seconds


class Budget(Timeline):
    """The part of the error budget of a whole period that is left, in percent; orders are judged at
    their deadline.

    The axis ends at 100 % and begins where the curve needs it: a short outage spends little of a
    month's budget. The run's context has a `Watch` under the name "signals".
    """

    name, min_height, stretch = "budget", 54, 0.6
    needs = ()

    def __init__(self, canvas: Canvas, box: Box, *, axis: bool) -> None:
        super().__init__(canvas, box, axis=axis)
        self.said = canvas.text(box.x, box.y + 11, size=style.SMALL, color=style.MUTED)
        self.trouble = Trouble(self)
        self.ghost = canvas.moving(self.ax.plot([], [], color=style.GHOST, linewidth=1.6)[0])
        self.line = canvas.moving(self.ax.plot([], [], color=style.DONE, linewidth=2.2)[0])
        self.left_label = canvas.text(
            self.label_x, box.y + self.top + 8, bold=True, va="center", color="#00634A"
        )
        self.low = 0.0

    def draw(self, run: ChartData, ghost: ChartData | None, predictions: Predictions) -> None:  # noqa: ARG002 -- every chart's
        self.fit_time(run, ghost)
        self.trouble.draw(run)
        now = run.signals
        left = now.left
        was = None if ghost is None else ghost.signals
        least = min([100.0, *left, *([] if was is None else was.left)])
        # between two draws the axis changes as little as that of the other charts
        spent = style.nice_top(max(100 - least, 1.0), self.low)
        if spent != self.low:
            self.low = spent
            self.ax.set_ylim(100 - spent, 100)
            self.y_ticks.show([(100 - spent, f"{style.number(100 - spent)}%"), (100, "100%")])
        self.line.set_data(now.times, left)
        self.ghost.set_visible(was is not None)
        if was is not None:
            self.ghost.set_data(was.times, was.left)
        days = now.watch.period / DAY
        self.said.text = (
            f"error budget of {style.number(days)} days that is left, in % "
            f"({style.number(round(now.watch.allowed))} orders)"
        )
        self.left_label.text = f"━ {_percent(float(left[-1]))}" if len(left) else ""

    def sentence(self, run: ChartData) -> str:
        now = run.signals
        if not len(now.times):
            return "Error budget: nothing was sampled."
        days = style.number(now.watch.period / DAY)
        missed, due = (float(getattr(now.samples[-1], name)) for name in ("missed", "due"))
        return (
            f"Error budget: {style.number(missed)} of {style.number(due)} orders missed their "
            f"deadline; of the budget of {days} days "
            f"{_percent(float(now.left[-1]))} is left."
        )


def _percent(left: float) -> str:
    """Return a percentage; 100% only if nothing is spent."""
    return "over 99.9%" if 99.9 < left < 100 else f"{style.number(np.round(left, 1))}%"
