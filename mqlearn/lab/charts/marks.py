"""What people said before the run, drawn over the result: a dashed line each prediction, a rug for
a room.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.charts.base import Marks, Timeline


class LevelMarks:
    """Horizontal marks over a timeline: the prediction across it, the room's answers at its right
    edge.
    """

    def __init__(self, chart: Timeline) -> None:
        self.chart = chart
        line: dict[str, Any] = {"color": style.PREDICTED, "linewidth": 2.0, "zorder": 5}
        self.line = chart.canvas.moving(chart.ax.axhline(0, linestyle=style.DASHED, **line))
        self.rug = chart.canvas.moving(
            chart.ax.plot(
                [],
                [],
                linestyle="",
                marker="_",
                markersize=13,
                markeredgewidth=1.6,
                color=style.PREDICTED,
            )[0]
        )
        self.theory = chart.canvas.moving(
            chart.ax.axhline(0, linestyle=style.DOTTED, color=style.INK, linewidth=1.8)
        )
        self.label = chart.canvas.text(0, 0, color=style.PREDICTED, bold=True, va="center")
        self.theory_label = chart.canvas.text(0, 0, color=style.INK, va="center")

    def draw(self, marks: Marks, theory: float | None, taken: Iterable[float] = ()) -> None:
        """`taken`: heights (pixels from the top) of other labels in the right margin, to keep clear
        of.
        """
        busy = list(taken)
        for value, line, label, said in (
            (marks.prediction, self.line, self.label, "you"),
            (theory, self.theory, self.theory_label, "theory"),
        ):
            line.set_visible(value is not None)
            label.visible = value is not None
            if value is None:
                continue
            line.set_ydata([value, value])
            label.text = f"{said} {style.number(value)}"
            y = spread(
                self.height_of(value), busy, lowest=self.height_of(self.chart.ax.get_ylim()[0])
            )
            busy.append(y)
            label.x, label.y = self.chart.label_x, y
        self.rug.set_visible(bool(marks.room))
        self.rug.set_data([self.chart.ax.get_xlim()[1]] * len(marks.room), marks.room)

    def height_of(self, value: float) -> float:
        """Where `value` is, in pixels from the top of the picture, kept inside the chart."""
        low, high = self.chart.ax.get_ylim()
        box = self.chart.ax.get_position()
        share = float(np.clip((value - low) / (high - low), 0, 1))
        return float(self.chart.canvas.height) * float(1 - (box.y0 + share * box.height))


class BarMarks:
    """Vertical marks over horizontal bars: the prediction over all, the room's answers at the
    foot.
    """

    def __init__(self, canvas: Canvas, ax: Axes) -> None:
        self.canvas, self.ax = canvas, ax
        self.line = canvas.moving(
            ax.axvline(0, linestyle=style.DASHED, color=style.PREDICTED, linewidth=2.0, zorder=5)
        )
        self.rug = canvas.moving(
            ax.plot(
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
        self.label = canvas.text(0, 0, color=style.PREDICTED, bold=True, size=style.SMALL)

    def draw(self, marks: Marks) -> None:
        self.line.set_visible(marks.prediction is not None)
        self.label.visible = marks.prediction is not None
        self.rug.set_visible(bool(marks.room))
        self.rug.set_data(marks.room, [self.ax.get_ylim()[0]] * len(marks.room))
        if marks.prediction is None:
            return
        self.line.set_xdata([marks.prediction, marks.prediction])
        box, (low, high) = self.ax.get_position(), self.ax.get_xlim()
        share = float(np.clip((marks.prediction - low) / (high - low), 0, 1))
        self.label.text = f"you {style.number(marks.prediction)}"
        self.label.ha = "left" if share < 0.6 else "right"
        self.label.x, self.label.y = (
            self.canvas.width * (box.x0 + share * box.width),
            self.canvas.height * (1 - box.y1) - 3,
        )


def spread(
    y: float, taken: Iterable[float], apart: float = 15.0, *, lowest: float = float("inf")
) -> float:
    """`y`, or the nearest height that is `apart` pixels from all that are taken and, if any is, not
    below `lowest`.
    """
    blocked = list(taken)
    if all(abs(y - other) >= apart for other in blocked):
        return y
    free = [side for other in blocked for side in (other - apart, other + apart)]
    fits = [f for f in free if all(abs(f - other) >= apart - 1e-9 for other in blocked)]
    return min([f for f in fits if f <= lowest] or fits, key=lambda f: abs(f - y))
