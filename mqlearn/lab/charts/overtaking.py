"""The chart "overtaking": the messages that each subscriber got out of order."""

import numpy as np

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData, Floats
from mqlearn.lab.charts.base import Box, Chart, Predictions, Ticks
from mqlearn.lab.charts.subscribers import FEW, omission, omission_label


class Overtaking(Chart):
    """A small chart per subscriber: a point for each message, at the height of the number of later
    messages that were heard before it.
    """

    name, full_row, min_height, stretch = "overtaking", True, 112, 0.8
    needs = ("occurred", "sent", "scheduled", "rejected")

    def __init__(self, canvas: Canvas, box: Box) -> None:
        super().__init__(canvas, box)
        self.caption(
            "each message heard, in the order of occurrence: by how many later ones overtaken"
        )
        self.axis_top = 1.0
        width = (box.width - 44) / FEW
        self.axes = [
            canvas.axes(box.x + 42 + row * width, box.y + 36, width - 30, box.height - 58)
            for row in range(FEW)
        ]
        self.ticks = [(Ticks(canvas, ax, "x"), Ticks(canvas, ax, "y")) for ax in self.axes]
        self.points = [
            canvas.moving(
                ax.plot(
                    [],
                    [],
                    marker="o",
                    markersize=3.4,
                    markeredgewidth=0,
                    linestyle="",
                    color=style.DONE,
                    clip_on=False,
                )[0]
            )
            for ax in self.axes
        ]
        self.titles = [
            canvas.text(
                box.x + 42 + row * width, box.y + 29, bold=True, size=style.SMALL, room=width - 6
            )
            for row in range(FEW)
        ]
        self.omission = omission_label(self)

    def draw(self, run: ChartData, ghost: ChartData | None, predictions: Predictions) -> None:  # noqa: ARG002 -- every chart's
        fan_out = run.fan_out
        names = fan_out.names[:FEW]
        self.omission.text = omission(fan_out.names, FEW)
        points = [fan_out.overtaken(name) for name in names]
        many = max([len(fan_out.occurred[name]) for name in names], default=1) + 1.0
        self.axis_top = style.nice_top(
            max([1.0, *(float(by.max()) for _, by in points if len(by))]), self.axis_top
        )
        for row, ax in enumerate(self.axes):
            ax.set_xlim(0, many)
            ax.set_ylim(0, self.axis_top)
            x, y = self.ticks[row]
            x.show([(1.0, "1"), (many - 1, style.number(many - 1))])
            y.show([(0.0, "0"), (self.axis_top, style.number(self.axis_top))] if row == 0 else [])
            self.points[row].set_data(*(points[row] if row < len(names) else ([], [])))
            self.titles[row].text = (
                f"{names[row]}: {_order_in_words(*points[row])}" if row < len(names) else ""
            )

    def sentence(self, run: ChartData) -> str:
        fan_out = run.fan_out
        parts = ", ".join(
            f"{name} {_order_in_words(*fan_out.overtaken(name))}" for name in fan_out.names
        )
        return f"Order: {parts}." if parts else "Order: there was no subscriber."


def _order_in_words(occurred: Floats, by: Floats) -> str:
    late = int(np.sum(by > 0))
    return (
        "heard nothing"
        if not len(occurred)
        else f"{style.number(late)} overtaken"
        if late
        else "in order"
    )
