"""The chart "workers_over_time": workers that work and workers that start, over time."""

from typing import Any

import numpy as np

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData, Floats
from mqlearn.lab.charts.base import Box, Predictions, Timeline
from mqlearn.lab.charts.layers import Layers, baseline_lines
from mqlearn.lab.charts.steps import downsample

LOOKS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("working", {"facecolor": style.IN_FLIGHT}),
    (
        "starting",
        {
            "facecolor": style.PAPER,
            "hatch": style.HATCH_DELAYED,
            "edgecolor": style.IN_FLIGHT,
        },
    ),
)


class WorkersOverTime(Timeline):
    """Workers of a pool that is scaled: those that work, and on top, hatched, those that start.

    The dashed line is the number that the arrivals need.
    """

    name, min_height, stretch = "workers_over_time", 76, 1.2
    needs = ("scaled",)

    def __init__(self, canvas: Canvas, box: Box, *, axis: bool) -> None:
        super().__init__(canvas, box, axis=axis)
        self.caption("workers")
        self.layers = Layers(self, [look for _, look in LOOKS])
        for row, (label, look) in enumerate(reversed(LOOKS)):
            self.legend_entry(row, label, **look)
        self.ghost = baseline_lines(self)
        self.needed = self.steps(color=style.INK, linewidth=1.6, linestyle=style.DASHED)
        y = box.y + self.top + 3 + 18 * len(LOOKS) + 10.5
        self.label = canvas.text(self.label_x, y)

    def draw(self, run: ChartData, ghost: ChartData | None, predictions: Predictions) -> None:  # noqa: ARG002 -- every chart's
        self.fit_time(run, ghost)
        edges, values = self._levels(run)
        # A baseline may be longer than the run: after its end the run has no workers.
        values[:, edges[:-1] >= run.until] = 0
        highest = float(values.sum(axis=0).max())
        for line in self.ghost:
            line.set_visible(ghost is not None)
        if ghost is not None:
            before, was = self._levels(ghost)
            total = was.sum(axis=0)
            highest = max(highest, float(total.max()))
            for line in self.ghost:
                line.set_data(before, np.append(total, total[-1:]))
        steps = run.theory("needed") or []
        self.needed.set_visible(bool(steps))
        self.label.text = ""
        if steps:
            levels = [level for _, level in steps]
            self.needed.set_data([*(t for t, _ in steps), run.until], [*levels, levels[-1]])
            self.label.text = f"╌ needed {style.number(max(levels))}"
            highest = max(highest, *levels)
        self.fit_height(highest)
        self.layers.draw(edges, values)

    def _levels(self, run: ChartData) -> tuple[Floats, Floats]:
        found = run.workers
        levels = np.array([found.working, found.starting], dtype=float).reshape(2, -1)
        return downsample(
            np.array(found.times, dtype=float),
            levels,
            run.start,
            self.ax.get_xlim()[1],
            self.columns,
        )

    def sentence(self, run: ChartData) -> str:
        found = run.workers
        if not found.times:
            return "Workers: their number was never changed."
        low = min(map(int.__add__, found.working, found.starting))
        seconds = found.seconds(run.until)
        spread = f"from {low} to " if low < found.peak else ""
        return (
            f"Workers: {spread}{found.peak}, those that start included; "
            f"{style.number(round(seconds / 60, 1))} worker-minutes."
        )
