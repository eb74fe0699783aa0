"""Predictions drawn over the result: a dashed line for one, a row of small marks for a class."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.charts.base import Predictions, Timeline


class LevelMarks:
    """Marks at heights of a timeline: the prediction, the answers of a class, the value of theory.

    The prediction is a dashed line across the chart, theory a dotted one; the answers of a class
    are short marks at its right edge.
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

    def draw(
        self, predictions: Predictions, theory: float | None, taken: Iterable[float] = ()
    ) -> None:
        """Show the marks. Their labels avoid the heights `taken` (pixels from the picture's
        top).
        """
        busy = list(taken)
        for value, line, label, name in (
            (predictions.prediction, self.line, self.label, "you"),
            (theory, self.theory, self.theory_label, "theory"),
        ):
            line.set_visible(value is not None)
            label.visible = value is not None
            if value is None:
                continue
            line.set_ydata([value, value])
            label.text = f"{name} {style.number(value)}"
            y = free_height(
                self.height_of(value), busy, lowest=self.height_of(self.chart.ax.get_ylim()[0])
            )
            busy.append(y)
            label.x, label.y = self.chart.label_x, y
        self.rug.set_visible(bool(predictions.room))
        self.rug.set_data([self.chart.ax.get_xlim()[1]] * len(predictions.room), predictions.room)

    def height_of(self, value: float) -> float:
        """Return the height of `value`, in pixels from the picture's top; kept inside the chart."""
        low, high = self.chart.ax.get_ylim()
        box = self.chart.ax.get_position()
        share = float(np.clip((value - low) / (high - low), 0, 1))
        return float(self.chart.canvas.height) * float(1 - (box.y0 + share * box.height))


class BarMarks:
    """Marks over horizontal bars: the prediction as a line across all bars, the answers of a class
    below them.
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

    def draw(self, predictions: Predictions) -> None:
        self.line.set_visible(predictions.prediction is not None)
        self.label.visible = predictions.prediction is not None
        self.rug.set_visible(bool(predictions.room))
        self.rug.set_data(predictions.room, [self.ax.get_ylim()[0]] * len(predictions.room))
        if predictions.prediction is None:
            return
        self.line.set_xdata([predictions.prediction, predictions.prediction])
        box, (low, high) = self.ax.get_position(), self.ax.get_xlim()
        share = float(np.clip((predictions.prediction - low) / (high - low), 0, 1))
        self.label.text = f"you {style.number(predictions.prediction)}"
        self.label.ha = "left" if share < 0.6 else "right"  # it stays inside the picture
        self.label.x = self.canvas.width * (box.x0 + share * box.width)
        self.label.y = self.canvas.height * (1 - box.y1) - 3


def free_height(
    y: float, taken: Iterable[float], apart: float = 15.0, *, lowest: float = float("inf")
) -> float:
    """Return `y`, or the nearest height that is `apart` pixels away from all that are `taken`.

    A height above `lowest` is preferred. All are pixels from the top.
    """
    blocked = list(taken)
    if all(abs(y - other) >= apart for other in blocked):
        return y
    # The nearest free height is right above or right below one that is taken.
    free = [side for other in blocked for side in (other - apart, other + apart)]
    # 1e-9 less, since a height that is exactly `apart` away may come out a little too small
    fits = [f for f in free if all(abs(f - other) >= apart - 1e-9 for other in blocked)]
    return min([f for f in fits if f <= lowest] or fits, key=lambda f: abs(f - y))
