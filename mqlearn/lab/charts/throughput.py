"""The chart "throughput": items handled per second."""

from typing import Any

import numpy as np

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData, Floats
from mqlearn.lab.charts.base import Box, Predictions, Timeline
from mqlearn.lab.charts.batches import three_figures
from mqlearn.lab.charts.layers import Layers, baseline_lines
from mqlearn.lab.charts.steps import per_second

BINS = 50  # slices of time at most
CALLS = 3  # that a slice should hold on average


class Throughput(Timeline):
    """Items handled per second: done, handled again although they were good, and failed.

    The solid line is the arrival rate, the dashed one the capacity of the service.
    """

    name, min_height, stretch = "throughput", 100, 1.2

    def __init__(self, canvas: Canvas, box: Box, *, axis: bool) -> None:
        super().__init__(canvas, box, axis=axis)
        self.caption("items per second; line: items that come")
        looks: list[dict[str, Any]] = [
            {"facecolor": style.DONE},
            {"facecolor": style.AGAIN, "hatch": "xxxx", "edgecolor": style.PAPER},
            {"facecolor": style.LOST},
        ]
        self.layers = Layers(self, looks)
        for row, (label, look) in enumerate(
            zip(("bad", "good again", "done"), reversed(looks), strict=True)
        ):
            self.legend_entry(row, label, **look)
        self.ghost = baseline_lines(self)
        self.coming = canvas.moving(
            self.ax.plot([], [], drawstyle="steps-post", color=style.INK, linewidth=1.6)[0]
        )
        self.capacity = canvas.moving(
            self.ax.axhline(0, color=style.INK, linewidth=1.4, linestyle=style.DASHED)
        )
        self.capacity_label = canvas.text(self.label_x, box.y + self.top + 3 + 18 * 3 + 10.5)

    def draw(self, run: ChartData, ghost: ChartData | None, predictions: Predictions) -> None:  # noqa: ARG002 -- every chart's
        self.fit_time(run, ghost)
        self.edges, self.values = self.handled(run)
        came = per_second(run.batches.sent, self.edges)
        can = run.theory("capacity")
        was = (np.zeros(0), np.zeros((3, 0))) if ghost is None else self.handled(ghost)
        for line in self.ghost:
            line.set_visible(ghost is not None)
            line.set_data(was[0], np.append(was[1][0], was[1][0][-1:]))
        self.coming.set_data(self.edges, np.append(came, came[-1:]))
        # A capacity far above all other values is only written beside the chart: as a line it would
        # make all curves flat.
        top = max([*self.values.sum(axis=0), *came, *was[1][0]])
        near = can is not None and can <= 3 * top
        self.fit_height(max(top, can) if can is not None and near else top)
        self.capacity.set_visible(near)
        self.capacity.set_ydata([can or 0, can or 0])
        self.capacity_label.text = "" if can is None else f"╌ can do {style.number(can)}"
        self.layers.draw(self.edges, self.values)

    def handled(self, run: ChartData) -> tuple[Floats, Floats]:
        """Return the n + 1 edges of the slices (s), and the items per second (3 × n): done, spoilt
        (good items whose whole batch failed) and failed.
        """
        batches = run.batches
        # A trace without a scenario has a handful of calls, and each is to be seen; a lab has
        # hundreds, and a line from call to call would be only noise.
        edges = _edges(run, len(batches.calls), 0.7 if run.scenario is None else CALLS)
        kinds = ([time for time, _ in batches.done], batches.spoilt, batches.failed)
        return edges, np.array([per_second(times, edges) for times in kinds])

    def sentence(self, run: ChartData) -> str:
        batches, span = run.batches, max(run.until - run.start, 1e-9)
        done, came = (
            style.number(three_figures(len(each) / span)) for each in (batches.done, batches.sent)
        )
        can = run.theory("capacity")
        of = "" if can is None else f", {style.number(three_figures(can))} can be"
        good = (
            f"good items handled in vain {style.count(len(batches.spoilt), 'time')}"
            if batches.spoilt
            else ""
        )
        bad = (
            style.count(len(batches.failed), "try").replace("trys", "tries") + " of bad ones"
            if batches.failed
            else ""
        )
        also = "".join(f"; {each}" for each in (good, bad) if each)
        return f"Items: {came} a second came, {done} were done{of}{also}."


def _edges(run: ChartData, calls: int, each: float) -> Floats:
    """Return slices of a round width (s) that hold `each` calls on average; the last one ends with
    the run.
    """
    span = max(run.until - run.start, 1e-9)
    least = span * max(1 / BINS, each / max(calls, 1))
    width = next((step for step in (0.01, 0.02, 0.05, *style.TIME_STEPS) if step >= least), span)
    count = max(1, int(span / width))  # what is left over is part of the last
    return np.append(run.start + width * np.arange(count), run.until)
