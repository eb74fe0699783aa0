"""The chart "latency_distribution": the share of items that took each time."""

import numpy as np
from matplotlib.collections import PolyCollection

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData
from mqlearn.lab.charts.base import Box, Chart, Predictions, Ticks
from mqlearn.lab.charts.latency import LOOKS, describe_latency, duration, why_empty
from mqlearn.lab.charts.prediction_marks import BarMarks
from mqlearn.lab.charts.steps import shares
from mqlearn.messaging.percentile import percentile
from mqlearn.study.analysis.batches import PERCENTILES

BARS = 24


class LatencyDistribution(Chart):
    """The share of items by their latency (s); lines at the median, the 95th and 99th percentile.

    A prediction is of the mean latency.
    """

    name, takes_prediction, min_height, stretch = "latency_distribution", True, 124, 1.4

    def __init__(self, canvas: Canvas, box: Box) -> None:
        super().__init__(canvas, box)
        self.caption("share of items by seconds from sending to done")
        self.ax = canvas.axes(box.x + 38, box.y + 42, box.width - 60, box.height - 61)
        self.bars = canvas.moving(
            PolyCollection([], facecolor=style.DONE, edgecolor=style.PAPER, linewidth=0.6)
        )
        self.ax.add_collection(self.bars, autolim=False)
        self.ghost = canvas.moving(
            self.ax.plot([], [], drawstyle="steps-post", color=style.GHOST, linewidth=1.8)[0]
        )
        self.lines = {
            p: canvas.moving(self.ax.axvline(0, color=style.INK, **LOOKS[p])) for p in PERCENTILES
        }
        self.summary = canvas.text(box.x + box.width - 22, box.y + 29, ha="right", bold=True)
        self.empty = canvas.text(
            box.x + box.width / 2, box.y + box.height / 2, ha="center", color=style.MUTED
        )
        self.marks = BarMarks(canvas, self.ax)
        self.axis_top = (0.0, 0.0)
        self.x_ticks, self.y_ticks = Ticks(canvas, self.ax, "x"), Ticks(canvas, self.ax, "y")

    def draw(self, run: ChartData, ghost: ChartData | None, predictions: Predictions) -> None:
        took = np.array(run.batches.latencies)
        was = np.array(ghost.batches.latencies) if ghost is not None else np.zeros(0)
        longest = max(
            [float(times.max()) for times in (took, was) if len(times)]
            + [1e-3, *predictions.values]
        )
        right = style.nice_top(longest, self.axis_top[0])
        edges = np.linspace(0, right, BARS + 1)
        self.shares, before = shares(took, edges), shares(was, edges)
        top = style.nice_top(max([*self.shares, *before, 0.01]), self.axis_top[1])
        if (right, top) != self.axis_top:
            self.axis_top = right, top
            self.ax.set(xlim=(0, right), ylim=(0, top))
            self.x_ticks.show(
                [
                    (0, "0"),
                    (right / 2, style.number(right / 2)),
                    (right, f"{style.number(right)} s"),
                ]
            )
            self.y_ticks.show([(0, "0"), (top, f"{top:.0%}")])
        self.bars.set_verts(
            [
                np.array([(a, 0), (b, 0), (b, h), (a, h)])
                for a, b, h in zip(edges[:-1], edges[1:], self.shares, strict=True)
                if h
            ]
        )
        self.empty.text = "" if len(took) else why_empty(run)
        self.ghost.set_visible(bool(len(was)))
        self.ghost.set_data(edges, np.append(before, 0))
        for p, line in self.lines.items():
            line.set_visible(bool(len(took)))
            line.set_xdata([percentile(run.batches.latencies, p)] * 2)
        self.summary.text = ", ".join(
            [
                f"mean {duration(run.batches.mean)}",
                *(f"p{p} {duration(percentile(run.batches.latencies, p))}" for p in PERCENTILES),
            ]
        )
        self.marks.draw(predictions)

    def measured(self, run: ChartData) -> float | None:
        return run.batches.mean if run.batches.done else None

    def sentence(self, run: ChartData) -> str:
        return describe_latency(run)
