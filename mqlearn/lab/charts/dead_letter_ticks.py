"""The chart "dead_letter_ticks": a tick for each dead letter."""

import numpy as np

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData
from mqlearn.lab.charts.base import Box, Predictions, Timeline
from mqlearn.lab.charts.dead import describe_dead
from mqlearn.lab.charts.trouble import Trouble


class DeadLetterTicks(Timeline):
    """A tick for each dead letter, and their number; the baseline's ticks are grey and lower."""

    name, min_height, stretch = "dead_letter_ticks", 54, 0.05

    def __init__(self, canvas: Canvas, box: Box, *, axis: bool) -> None:
        super().__init__(canvas, box, axis=axis)
        self.caption("dead letters, a tick for each death")
        self.trouble = Trouble(self)
        self.ax.spines[:].set_visible(False)
        self.x_ticks.hide()
        place = self.ax.get_xaxis_transform()
        self.rows = []
        for color, size in ((style.DEAD, 13), (style.GHOST, 9)):
            ticks = self.ax.plot(
                [],
                [],
                linestyle="",
                marker="|",
                markersize=size,
                markeredgewidth=1.4,
                color=color,
                transform=place,
            )[0]
            self.rows.append(canvas.moving(ticks))
        y = box.y + self.top
        self.total = canvas.text(self.label_x, y + 11, size=style.TITLE, bold=True)
        self.ghost_total = canvas.text(self.label_x, y + 26, color=style.GHOST, bold=True)

    def draw(self, run: ChartData, ghost: ChartData | None, predictions: Predictions) -> None:  # noqa: ARG002 -- every chart's
        self.fit_time(run, ghost)
        self.trouble.draw(run)
        now, was = run.dead[0], None if ghost is None else ghost.dead[0]
        for row, times, height in zip(self.rows, (now, was), (0.68, 0.2), strict=True):
            row.set_data(
                [] if times is None else times, [] if times is None else np.full(len(times), height)
            )
        self.total.text = f"{style.number(len(run.dead_at_end))} dead"
        self.ghost_total.text = (
            "" if ghost is None else f"{style.number(len(ghost.dead_at_end))} baseline"
        )

    def sentence(self, run: ChartData) -> str:
        return describe_dead(run)
