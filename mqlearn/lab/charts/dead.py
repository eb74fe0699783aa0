"""The chart "dead": dead letters over time."""

from collections import Counter

import numpy as np

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData
from mqlearn.lab.charts.base import Box, Predictions, Timeline
from mqlearn.lab.charts.prediction_marks import LevelMarks, free_height
from mqlearn.lab.charts.steps import count_steps


class Dead(Timeline):
    """The number of dead letters so far, with a tick for each; predictions and theory are of the
    number at the end.
    """

    name, takes_prediction, min_height, stretch = "dead", True, 76, 1.3

    def __init__(self, canvas: Canvas, box: Box, *, axis: bool) -> None:
        super().__init__(canvas, box, axis=axis)
        self.caption("dead letters so far; a tick each")
        ax = self.ax
        self.ghost = canvas.moving(
            ax.plot([], [], drawstyle="steps-post", color=style.GHOST, linewidth=1.8)[0]
        )
        self.line = canvas.moving(
            ax.plot([], [], drawstyle="steps-post", color=style.DEAD, linewidth=2.2, clip_on=False)[
                0
            ]
        )
        across = ax.get_xaxis_transform()
        self.ticks = canvas.moving(
            ax.plot(
                [],
                [],
                linestyle="",
                marker="|",
                markersize=9,
                markeredgewidth=1.2,
                color=style.DEAD,
                transform=across,
            )[0]
        )
        self.total = canvas.text(0, 0, size=style.TITLE, bold=True, va="center")
        self.ghost_total = canvas.text(0, 0, color=style.GHOST, bold=True, va="center")
        self.marks = LevelMarks(self)

    def draw(self, run: ChartData, ghost: ChartData | None, predictions: Predictions) -> None:
        self.fit_time(run, ghost)
        times, expected = run.dead[0], run.theory("dead")
        was = ghost.dead[0] if ghost is not None else None
        self.fit_height(
            max(
                [
                    len(times) * 1.02,
                    0 if was is None else len(was),
                    expected or 0,
                    *predictions.values,
                ]
            )
        )
        self.line.set_data(*count_steps(times, run.start, run.until))
        self.ticks.set_data(times, np.full(len(times), 0.06))
        self.total.text = f"{style.number(len(times))} dead"
        y = self.marks.height_of(len(times))
        self.total.x, self.total.y = self.label_x, y
        # the total is in larger type, so its label needs more space above and below
        taken = [y - 1, y + 1]
        self.ghost.set_visible(was is not None)
        self.ghost_total.visible = was is not None
        if ghost is not None and was is not None:
            self.ghost.set_data(*count_steps(was, ghost.start, ghost.until))
            self.ghost_total.text = f"{style.number(len(was))} baseline"
            low = free_height(self.marks.height_of(len(was)), taken, 16)
            taken.append(low)
            self.ghost_total.x, self.ghost_total.y = self.label_x, low
        self.marks.draw(predictions, expected, taken)

    def measured(self, run: ChartData) -> float | None:
        return float(len(run.dead[0]))

    def sentence(self, run: ChartData) -> str:
        return describe_dead(run)


def describe_dead(run: ChartData) -> str:
    """Return the number of dead letters, the time of the first, and the reasons, in a sentence."""
    times, reasons = run.dead
    if not len(times):
        return "Dead letters: none."
    why = ", ".join(
        f"{style.number(n)} {reason or 'no reason given'}"
        for reason, n in Counter(reasons).most_common(3)
    )
    first = f"the first at {style.seconds(times[0])}"
    return f"Dead letters: {style.number(len(times))}, {first} ({why})."
