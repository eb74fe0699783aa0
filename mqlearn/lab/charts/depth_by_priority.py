"""The chart "depth_by_priority": messages waiting, by priority."""

import numpy as np

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData, Floats
from mqlearn.lab.charts.base import Box, Predictions, Timeline
from mqlearn.lab.charts.layers import Layers, baseline_lines
from mqlearn.lab.charts.steps import downsample


class DepthByPriority(Timeline):
    """Messages waiting, stacked by priority, the most urgent at the bottom."""

    name, min_height, stretch = "depth_by_priority", 96, 2.0

    def __init__(self, canvas: Canvas, box: Box, *, axis: bool) -> None:
        super().__init__(canvas, box, axis=axis)
        self.caption("messages waiting, by priority")
        self.names = tuple(reversed(style.PRIORITIES))
        looks = {
            p: {
                "facecolor": style.PRIORITY_FILL[p],
                "hatch": style.PRIORITY_HATCH[p],
                "edgecolor": style.INK if p != "CRITICAL" else style.PAPER,
            }
            for p in style.PRIORITIES
        }
        self.layers = Layers(self, [looks[p] for p in self.names])
        for row, priority in enumerate(style.PRIORITIES):
            self.legend_entry(row, priority, **looks[priority])
        self.ghost = baseline_lines(self)
        y = box.y + self.top + 3 + 18 * 4
        self.ghost_label = canvas.text(
            self.label_x, y + 10.5, "━ baseline", color=style.GHOST, bold=True
        )

    def draw(self, run: ChartData, ghost: ChartData | None, predictions: Predictions) -> None:  # noqa: ARG002 -- every chart's
        self.fit_time(run, ghost)
        end = self.ax.get_xlim()[1]
        edges, values = self.levels(run, end)
        highest = float(values.sum(axis=0).max())
        for line in self.ghost:
            line.set_visible(ghost is not None)
        self.ghost_label.visible = ghost is not None
        if ghost is not None:
            total = self.levels(ghost, end)[1].sum(axis=0)
            highest = max(highest, float(total.max()))
            for line in self.ghost:
                line.set_data(edges, np.append(total, total[-1:]))
        self.fit_height(highest)
        self.layers.draw(edges, values)

    def levels(self, run: ChartData, end: float) -> tuple[Floats, Floats]:
        """Return the edges of the slices (s), and a row of counts per priority, the most urgent
        first.
        """
        edges = np.linspace(run.start, end, self.columns + 1)
        values = np.zeros((len(self.names), self.columns))
        for row, name in enumerate(self.names):
            if name in run.waiting_by_priority:
                times, level = run.waiting_by_priority[name]
                edges, values[row : row + 1] = downsample(
                    times, level[None, :], run.start, end, self.columns
                )
        values[:, edges[:-1] >= run.until] = 0
        return edges, values

    def sentence(self, run: ChartData) -> str:
        peaks = [
            (p, *run.waiting_by_priority[p]) for p in self.names if p in run.waiting_by_priority
        ]
        if not peaks:
            return "Depth by priority: no message ever waited."
        parts = (
            f"{p} at most {style.number(level.max())}, {style.number(level[-1])} at the end"
            for p, _, level in peaks
        )
        return "Waiting by priority: " + "; ".join(parts) + "."
