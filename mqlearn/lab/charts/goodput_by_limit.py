"""The chart "goodput_by_limit": orders done in time per second, against the limit of the queue."""

from typing import Any

import numpy as np
from matplotlib.collections import LineCollection

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData
from mqlearn.lab.charts.base import Box, Predictions, Ticks
from mqlearn.lab.charts.tables import TableChart

LEFT, RIGHT, HEAD, FOOT = 42, 40, 24, 36  # pixels around the plot
DECADES = (1, 10, 100, 1000, 10_000)


class GoodputByLimit(TableChart):
    """A dot for each limit, on a logarithmic axis, and a vertical line from the lowest to the
    highest seed.

    The table has a row for each limit, with the columns `limit` (orders waiting), `goodput`,
    `lowest` and `highest` (orders per second).
    """

    name, min_height, stretch = "goodput_by_limit", 190, 1.0
    columns = ("limit", "goodput", "lowest", "highest")

    def __init__(self, canvas: Canvas, box: Box) -> None:
        super().__init__(canvas, box)
        self.caption("orders done in time, per second; lines: the lowest and the highest seed")
        self.ax = canvas.axes(
            box.x + LEFT, box.y + HEAD, box.width - LEFT - RIGHT, box.height - HEAD - FOOT
        )
        canvas.text(
            box.x + LEFT, box.y + box.height - 4, "limit: orders that may wait",
            size=style.SMALL, color=style.MUTED,
        )  # fmt: skip
        self.spread = canvas.moving(LineCollection([], colors=style.DONE, linewidths=2.4))
        self.ax.add_collection(self.spread, autolim=False)
        self.line = canvas.moving(
            self.ax.plot([], [], color=style.DONE, marker="o", markersize=5, linewidth=1.4)[0]
        )
        self.x_ticks, self.y_ticks = Ticks(canvas, self.ax, "x"), Ticks(canvas, self.ax, "y")
        self.labels = [
            canvas.text(0, 0, size=style.SMALL, color=style.INK, ha="center") for _ in range(2)
        ]
        self.empty = canvas.text(box.x + LEFT + 20, box.y + HEAD + 20, color=style.MUTED)

    def draw_table(self, table: Any, was: Any, run: ChartData, predictions: Predictions) -> None:  # noqa: ARG002 -- every table's
        known = table is not None and len(table)
        self.empty.text = "" if known else "no limit was tried"
        x = np.log10(table["limit"].to_numpy(dtype=float)) if known else np.zeros(0)
        mean, low, high = (
            table[column].to_numpy(dtype=float) if known else np.zeros(0)
            for column in self.columns[1:]
        )
        top = style.nice_top(float(high.max()) if known else 1.0)
        left, right = (float(x.min()), float(x.max())) if known else (0.0, 1.0)
        self.ax.set(xlim=(left - 0.1, max(right, left + 0.5) + 0.1), ylim=(0, top))
        self.line.set_data(x, mean)
        self.spread.set_segments(
            [[(at, a), (at, b)] for at, a, b in zip(x, low, high, strict=True)]
        )
        shown = [n for n in DECADES if left - 0.1 <= np.log10(n) <= right + 0.1]
        self.x_ticks.show([(float(np.log10(n)), style.number(n)) for n in shown])
        self.y_ticks.show([(v, style.number(v)) for v in (0, top / 2, top)])
        # The last limit that costs next to nothing, and the last of all: between them is the cliff.
        edge = last_good(mean) if known else 0
        for label, i in zip(self.labels, (edge, len(mean) - 1), strict=True):
            label.text = "" if not known else style.number(table["limit"].iloc[i])
            if known:
                place = self.ax.get_position()
                low_x, high_x = self.ax.get_xlim()
                across = (x[i] - low_x) / (high_x - low_x)
                label.x = self.canvas.width * (place.x0 + place.width * across)
                up = mean[i] / top
                label.y = self.canvas.height * (1 - place.y0 - place.height * up) - 9

    def describe(self, table: Any) -> str:
        rows = zip(table["limit"], table["goodput"], strict=True)
        parts = [f"{style.number(limit)}: {style.number(round(rate, 1))}" for limit, rate in rows]
        return f"Orders in time per second, by limit: {', '.join(parts)}."

    @classmethod
    def title(cls, table: Any) -> str:
        """Return the largest limit with nearly the best goodput, and what the last one leaves."""
        if not len(table):
            return "How many are done in time?"
        mean = table["goodput"].to_numpy(dtype=float)
        edge = last_good(mean)
        best = f"Up to a limit of {style.number(table['limit'].iloc[edge])}"
        if edge == len(mean) - 1:
            return f"{best} {style.number(round(mean[edge], 1))} orders per second are in time"
        return (
            f"{best} about {style.number(round(mean.max(), 1))} orders per second are in time, "
            f"with {style.number(table['limit'].iloc[-1])} only {style.number(round(mean[-1], 1))}"
        )


def last_good(goodput: Any) -> int:
    """Return the index of the last value that is at least 98 % of the highest."""
    return int(np.flatnonzero(goodput >= 0.98 * goodput.max())[-1])
