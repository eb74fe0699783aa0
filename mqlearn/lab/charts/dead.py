"""The chart "dead": dead letters over time."""

from collections import Counter

import numpy as np

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData, Floats
from mqlearn.lab.charts.base import Box, Predictions, Timeline
from mqlearn.lab.charts.prediction_marks import LevelMarks, free_height


class Dead(Timeline):
    """The number of dead letters, which falls when some are redriven, with a tick for each death;
    predictions and theory are of the number at the end.
    """

    name, takes_prediction, min_height, stretch = "dead", True, 76, 1.3

    def __init__(self, canvas: Canvas, box: Box, *, axis: bool) -> None:
        super().__init__(canvas, box, axis=axis)
        self.caption("dead letters; a tick for each death")
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
        levels, was = run.dead_level[1], None if ghost is None else ghost.dead_level
        self.fit_height(
            max(
                [
                    levels.max(initial=0) * 1.02,
                    0 if was is None else was[1].max(initial=0),
                    expected or 0,
                    *predictions.values,
                ]
            )
        )
        self.line.set_data(*_line(run))
        self.ticks.set_data(times, np.full(len(times), 0.06))
        self.total.text = f"{style.number(len(run.dead_at_end))} dead"
        y = self.marks.height_of(len(run.dead_at_end))
        self.total.x, self.total.y = self.label_x, y
        # the total is in larger type, so its label needs more space above and below
        taken = [y - 1, y + 1]
        self.ghost.set_visible(was is not None)
        self.ghost_total.visible = was is not None
        if ghost is not None and was is not None:
            self.ghost.set_data(*_line(ghost))
            self.ghost_total.text = f"{style.number(len(ghost.dead_at_end))} baseline"
            low = free_height(self.marks.height_of(len(ghost.dead_at_end)), taken, 16)
            taken.append(low)
            self.ghost_total.x, self.ghost_total.y = self.label_x, low
        self.marks.draw(predictions, expected, taken)

    def measured(self, run: ChartData) -> float | None:
        return float(len(run.dead_at_end))

    def sentence(self, run: ChartData) -> str:
        return describe_dead(run)


def _line(run: ChartData) -> tuple[Floats, Floats]:
    """Return the step function (times, values) of the dead letters, over the whole run."""
    times, levels = run.dead_level
    x = np.concatenate(([run.start], times, [run.until]))
    return x, np.concatenate(([0.0], levels, [float(len(run.dead_at_end))]))


def describe_dead(run: ChartData) -> str:
    """Return the number of dead letters at the end, the time of the first, the reasons, and the
    number of deaths if some were redriven, in a sentence.
    """
    times, reasons = run.dead
    if not len(times):
        return "Dead letters: none."
    why = ", ".join(
        f"{style.number(n)} {reason or 'no reason given'}"
        for reason, n in Counter(reasons).most_common(3)
    )
    first = f"the first at {style.seconds(times[0])}"
    again = (
        "" if len(run.dead_at_end) == len(times) else f", {style.count(len(times), 'death')} in all"
    )
    return f"Dead letters: {style.number(len(run.dead_at_end))}, {first}{again} ({why})."
