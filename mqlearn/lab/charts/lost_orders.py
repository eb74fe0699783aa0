"""The chart "lost_orders": all orders of a run by what became of them, as one bar."""

import numpy as np
from matplotlib.collections import PolyCollection

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData, Floats
from mqlearn.lab.charts.base import Box, Chart, Predictions, Ticks, remove_bottom_spine
from mqlearn.lab.charts.goodput import IN_VAIN, TURNED_AWAY
from mqlearn.lab.charts.prediction_marks import BarMarks

LEFT, RIGHT, TOP, FOOT = 42, 108, 33, 18  # pixels, the sides as in a timeline above it
LOOKS = (IN_VAIN, TURNED_AWAY, {"facecolor": style.WAITING}, {"facecolor": style.DONE})


class LostOrders(Chart):
    """One bar of all orders: from the left those that were lost (done in vain, turned away, not
    done), then those in time.

    A prediction is a number of lost orders; the dotted line is the one that theory expects, and
    the grey outline the baseline's.
    """

    name, takes_prediction, full_row, min_height, stretch = "lost_orders", True, True, 70, 0.3

    def __init__(self, canvas: Canvas, box: Box) -> None:
        super().__init__(canvas, box)
        self.title = canvas.text(box.x, box.y + 11, size=style.SMALL, color=style.MUTED)
        self.ax = canvas.axes(
            box.x + LEFT, box.y + TOP, box.width - LEFT - RIGHT, box.height - TOP - FOOT
        )
        remove_bottom_spine(self.ax)
        self.ax.spines[["left"]].set_visible(False)
        self.ax.set_ylim(0, 1)
        self.fills = [canvas.moving(PolyCollection([], **{"linewidth": 0, **x})) for x in LOOKS]
        self.ghost = canvas.moving(
            PolyCollection([], facecolor="none", edgecolor=style.GHOST, linewidth=2.4)
        )
        for layer in (*self.fills, self.ghost):
            self.ax.add_collection(layer, autolim=False)
        self.theory = canvas.moving(
            self.ax.axvline(0, color=style.INK, linewidth=2.2, linestyle=style.DOTTED)
        )
        self.marks = BarMarks(canvas, self.ax)
        self.ticks = Ticks(canvas, self.ax, "x")
        self.label = canvas.text(
            box.x + box.width - RIGHT + 10, box.y + TOP + (box.height - TOP - FOOT) / 2,
            bold=True, va="center",
        )  # fmt: skip
        self.top = 1.0

    def draw(self, run: ChartData, ghost: ChartData | None, predictions: Predictions) -> None:
        found, expected = run.goodput, run.theory("lost")
        note = "" if expected is None else f"; ┆ theory: {style.number(expected)} lost"
        self.title.text = f"all orders, from the left those that were lost{note}"
        counts = [
            len(found.in_vain),
            len(found.turned_away),
            found.unserved,
            len(found.in_time) + found.open,
        ]
        was = ghost.goodput if ghost is not None else None
        most = max([found.orders, expected or 0, was.orders if was else 0, *predictions.values])
        self.top = style.nice_top(max(most, 1), self.top)
        self.ax.set_xlim(0, self.top)
        self.ticks.show([(v, style.number(v)) for v in (0, self.top / 2, self.top)])
        left = np.concatenate(([0], np.cumsum(counts)))
        for number, fill in enumerate(self.fills):
            fill.set_verts([_bar(left[number], left[number + 1])] if counts[number] else [])
        self.ghost.set_verts([_bar(0, was.lost)] if was else [])
        self.theory.set_visible(expected is not None)
        self.theory.set_xdata([expected or 0, expected or 0])
        self.label.text = f"{style.number(found.lost)} lost"
        self.marks.draw(predictions)

    def measured(self, run: ChartData) -> float:
        return float(run.goodput.lost)

    def sentence(self, run: ChartData) -> str:
        found = run.goodput
        return f"Lost: {style.number(found.lost)} of {style.count(found.orders, 'order')}."


def _bar(left: float, right: float) -> Floats:
    return np.array([(left, 0.15), (right, 0.15), (right, 0.85), (left, 0.85)])
