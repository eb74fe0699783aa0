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
    `lowest` and `highest` (orders per second). It may have a column `useful`, the useful bound
    (orders waiting): then a dashed vertical line shows it.
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
        self.bound = canvas.moving(
            self.ax.axvline(0, color=style.INK, linewidth=1.6, linestyle=style.DASHED)
        )
        self.bound_label = canvas.text(0, box.y + HEAD + 8, size=style.SMALL, ha="right")
        self.x_ticks, self.y_ticks = Ticks(canvas, self.ax, "x"), Ticks(canvas, self.ax, "y")
        # the first one ends at its dot, clear of the line of the useful bound
        self.labels = [canvas.text(0, 0, size=style.SMALL, ha=ha) for ha in ("right", "center")]
        self.empty = canvas.text(box.x + LEFT + 20, box.y + HEAD + 20, color=style.MUTED)

    def draw_table(self, table: Any, was: Any, run: ChartData, predictions: Predictions) -> None:  # noqa: ARG002 -- every table's
        known = table is not None and len(table)
        self.empty.text = "" if known else "no limit was tried"
        x = np.log10(table["limit"].to_numpy(dtype=float)) if known else np.zeros(0)
        mean, low, high = (
            table[column].to_numpy(dtype=float) if known else np.zeros(0)
            for column in self.columns[1:]
        )
        ticks = style.close_ticks(float(high.max()) if known else 1.0)
        top = ticks[-1]
        left, right = (float(x.min()), float(x.max())) if known else (0.0, 1.0)
        self.ax.set(xlim=(left - 0.1, max(right, left + 0.5) + 0.1), ylim=(0, top))
        self.line.set_data(x, mean)
        self.spread.set_segments(
            [[(at, a), (at, b)] for at, a, b in zip(x, low, high, strict=True)]
        )
        shown = [n for n in DECADES if left - 0.1 <= np.log10(n) <= right + 0.1]
        self.x_ticks.show([(float(np.log10(n)), style.number(n)) for n in shown])
        self.y_ticks.show([(v, style.number(v)) for v in ticks])
        self._show_bound(table if known else None)
        # The last limit that costs next to nothing, and the last of all: between them is the cliff.
        edge = plateau(mean)[1] if known else 0
        for label, i in zip(self.labels, (edge, len(mean) - 1), strict=True):
            label.text = "" if not known else style.number(table["limit"].iloc[i])
            if known:
                label.x = self._across(x[i]) + 4 * (label is self.labels[0])
                place, up = self.ax.get_position(), high[i] / top
                label.y = self.canvas.height * (1 - place.y0 - place.height * up) - 9

    def _across(self, x: float) -> float:
        """Return the place of `x` in the picture, in pixels from the left."""
        place, (low, high) = self.ax.get_position(), self.ax.get_xlim()
        return float(self.canvas.width * (place.x0 + place.width * (x - low) / (high - low)))

    def _show_bound(self, table: Any) -> None:
        useful = float(table["useful"].iloc[0]) if table is not None and "useful" in table else 0.0
        shown = useful > 0 and np.log10(useful) <= self.ax.get_xlim()[1]
        self.bound.set_visible(shown)
        self.bound_label.text = f"useful bound {style.number(useful)} ╌" if shown else ""
        if shown:
            self.bound.set_xdata([np.log10(useful)] * 2)
            self.bound_label.x = self._across(np.log10(useful)) - 5

    def describe(self, table: Any) -> str:
        rows = zip(table["limit"], table["goodput"], strict=True)
        parts = [f"{style.number(limit)}: {style.number(round(rate, 1))}" for limit, rate in rows]
        said = f"Orders in time per second, by limit: {', '.join(parts)}"
        if "useful" in table and len(table):
            said += f"; useful bound {style.number(table['useful'].iloc[0])}"
        return f"{said}."

    @classmethod
    def title(cls, table: Any) -> str:
        """Return the limits with nearly the best goodput, and what the last one leaves."""
        if not len(table):
            return "How many are done in time?"
        mean = table["goodput"].to_numpy(dtype=float)
        first, last = plateau(mean)
        few, many = (style.number(table["limit"].iloc[i]) for i in (first, last))
        places = f"From {few} to {many} places" if first < last else f"With {few} places"
        best = f"{places} about {style.number(round(mean.max(), 1))} orders per second are in time"
        if last == len(mean) - 1:
            return best
        end = style.number(table["limit"].iloc[-1])
        return f"{best}, with {end} only {style.number(round(mean[-1], 1))}"


def plateau(goodput: Any) -> tuple[int, int]:
    """Return the indices of the first and the last value that is at least 98 % of the highest."""
    good = np.flatnonzero(goodput >= 0.98 * goodput.max())
    return int(good[0]), int(good[-1])
