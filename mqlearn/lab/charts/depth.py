"""The chart "depth": messages not yet settled, over time."""

from typing import Any

import numpy as np

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData, Floats
from mqlearn.lab.charts.base import Box, Predictions, Timeline
from mqlearn.lab.charts.layers import Layers, baseline_lines
from mqlearn.lab.charts.prediction_marks import LevelMarks
from mqlearn.lab.charts.steps import downsample
from mqlearn.lab.charts.trouble import Trouble


class Depth(Timeline):
    """Messages in flight, waiting and delayed, stacked; the grey line is their sum in the baseline.

    A prediction is a value of their sum at the end. If theory knows from how many waiting messages
    on waiting is useless, that is a dashed line, above the messages that all servers hold.
    """

    name, takes_prediction, min_height, stretch = "depth", True, 96, 2.4

    def __init__(self, canvas: Canvas, box: Box, *, axis: bool) -> None:
        super().__init__(canvas, box, axis=axis)
        self.caption("messages not yet settled")
        self.trouble = Trouble(self, named=True)
        looks: list[dict[str, Any]] = [
            {"facecolor": style.IN_FLIGHT},
            {"facecolor": style.WAITING},
            {"facecolor": style.DELAYED, "hatch": style.HATCH_DELAYED, "edgecolor": style.INK},
        ]
        self.layers = Layers(self, looks)
        for row, (label, look) in enumerate(
            zip(("delayed", "waiting", "in flight"), reversed(looks), strict=True)
        ):
            self.legend_entry(row, label, **look)
        self.ghost = baseline_lines(self)
        y = box.y + self.top + 3 + 18 * 3
        self.ghost_label = canvas.text(
            self.label_x, y + 10.5, "━ baseline", color=style.GHOST, bold=True
        )
        self.peak = canvas.text(self.label_x, y + 28.5, size=style.SMALL, color=style.MUTED)
        self.useful = canvas.moving(
            self.ax.axhline(0, color=style.INK, linewidth=1.6, linestyle=style.DASHED)
        )
        self.useful_label = canvas.text(
            box.x + box.width - self.right, box.y + 11, ha="right", size=style.SMALL
        )
        self.was: tuple[ChartData, tuple[Floats, Floats]] | None = None
        self.marks = LevelMarks(self)
        self.taken = [box.y + self.top + 9 + 18 * row for row in range(5)]

    def draw(self, run: ChartData, ghost: ChartData | None, predictions: Predictions) -> None:
        self.fit_time(run, ghost)
        self.trouble.draw(run)
        edges, values = downsample(*run.depth, run.start, self.ax.get_xlim()[1], self.columns)
        # A baseline may be longer than the run: after its end the run has no messages.
        values[:, edges[:-1] >= run.until] = 0
        highest = float(values.sum(axis=0).max())
        for line in self.ghost:
            line.set_visible(ghost is not None)
        self.ghost_label.visible = ghost is not None
        if ghost is not None:
            # The baseline stays the same between draws, so its slices are not computed again.
            if self.was is None or self.was[0] is not ghost:
                self.was = ghost, downsample(*ghost.depth, ghost.start, ghost.until, self.columns)
            was = self.was[1]
            total = was[1].sum(axis=0)
            highest = max(highest, float(total.max()))
            for line in self.ghost:
                line.set_data(was[0], np.append(total, total[-1:]))
        expected, useful = run.theory("depth"), run.theory("useful")
        level = None if useful is None else useful + (run.theory("servers") or 0)
        self.fit_height(max([highest, expected or 0, level or 0, *predictions.values]))
        self.layers.draw(edges, values)
        self.peak.text = (
            f"peak {style.number(values.sum(axis=0).max())}" if self.box.height >= 118 else ""
        )
        self.marks.draw(predictions, expected, self.taken)
        self.useful.set_visible(level is not None)
        self.useful_label.visible = useful is not None
        if useful is not None and level is not None:
            self.useful.set_ydata([level, level])
            self.useful_label.text = f"╌ useful: {style.number(useful)} waiting"

    def measured(self, run: ChartData) -> float | None:
        return float(run.depth[1][:, -1].sum()) if len(run.depth[0]) else None

    def sentence(self, run: ChartData) -> str:
        times, levels = run.depth
        if not len(times):
            return "Depth: no message was ever in the queue."
        total = levels.sum(axis=0)
        top, (in_flight, waiting, delayed) = int(np.argmax(total)), levels[:, -1]
        return (
            f"Depth: at most {style.count(total[top], 'message')} not yet settled, "
            f"at {style.seconds(times[top])}; "
            f"at the end {style.number(waiting)} waiting, {style.number(in_flight)} in flight, "
            f"{style.number(delayed)} delayed."
        )
