"""How many messages are not yet settled, over time: by place, or by priority."""

from typing import Any

import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.lines import Line2D

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.charts.base import Box, Marks, Timeline
from mqlearn.lab.charts.marks import LevelMarks
from mqlearn.lab.charts.trouble import Trouble
from mqlearn.lab.view import Floats, View, outline, thin


class Layers:
    """Filled staircases, one on top of the other."""

    def __init__(self, chart: Timeline, looks: list[dict[str, Any]]) -> None:
        plain = {"linewidth": 0, "antialiased": False}
        self._layers = [
            chart.canvas.moving(PolyCollection([], **{**plain, **look})) for look in looks
        ]
        for layer in self._layers:
            chart.ax.add_collection(layer, autolim=False)
            if layer.get_hatch():
                layer.set_hatch_linewidth(1.1)

    def draw(self, edges: Floats, values: Floats) -> None:
        """`values`: one row each layer, lowest first."""
        below = np.zeros(values.shape[1])
        for layer, row in zip(self._layers, values, strict=True):
            x, low = outline(edges, below)
            below = below + row
            layer.set_visible(bool(row.any()))
            if row.any():
                high = outline(edges, below)[1]
                layer.set_verts(
                    [np.column_stack((np.append(x, x[::-1]), np.append(high, low[::-1])))]
                )


def ghost_lines(chart: Timeline) -> list[Line2D]:
    """A baseline: a grey line on a white one, to be seen on paper and on any fill."""
    looks: list[dict[str, Any]] = [
        {"color": style.PAPER, "linewidth": 4.0},
        {"color": style.GHOST, "linewidth": 1.8},
    ]
    return [
        chart.canvas.moving(chart.ax.plot([], [], drawstyle="steps-post", **look)[0])
        for look in looks
    ]


class Depth(Timeline):
    """Messages in flight, waiting and delayed, stacked; the baseline is their sum."""

    name, takes_marks, least, weight = "depth", True, 96, 2.4

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
            self.key(row, label, **look)
        self.ghost = ghost_lines(self)
        y = box.y + self.top + 3 + 18 * 3
        self.ghost_label = canvas.text(
            self.label_x, y + 10.5, "━ baseline", color=style.GHOST, bold=True
        )
        self.peak = canvas.text(self.label_x, y + 28.5, size=style.SMALL, color=style.MUTED)
        self.was: tuple[View, tuple[Floats, Floats]] | None = None
        self.marks = LevelMarks(self)
        self.taken = [box.y + self.top + 9 + 18 * row for row in range(5)]

    def draw(self, run: View, ghost: View | None, marks: Marks) -> None:
        self.over_time(run, ghost)
        self.trouble.draw(run)
        edges, values = thin(*run.depth, run.start, self.ax.get_xlim()[1], self.columns)
        values[:, edges[:-1] >= run.until] = 0
        highest = float(values.sum(axis=0).max())
        for line in self.ghost:
            line.set_visible(ghost is not None)
        self.ghost_label.visible = ghost is not None
        if ghost is not None:
            if self.was is None or self.was[0] is not ghost:
                self.was = ghost, thin(*ghost.depth, ghost.start, ghost.until, self.columns)
            was = self.was[1]
            total = was[1].sum(axis=0)
            highest = max(highest, float(total.max()))
            for line in self.ghost:
                line.set_data(was[0], np.append(total, total[-1:]))
        expected = run.theory("depth")
        self.up_to(max([highest, expected or 0, *marks.values]))
        self.layers.draw(edges, values)
        self.peak.text = (
            f"peak {style.number(values.sum(axis=0).max())}" if self.box.height >= 118 else ""
        )
        self.marks.draw(marks, expected, self.taken)

    def measured(self, run: View) -> float | None:
        return float(run.depth[1][:, -1].sum()) if len(run.depth[0]) else None

    def sentence(self, run: View) -> str:
        times, levels = run.depth
        if not len(times):
            return "Depth: no message was ever in the queue."
        # of steps that lasted
        total = np.where(np.append(np.diff(times) > 0, True), levels.sum(axis=0), 0)
        top, (in_flight, waiting, delayed) = int(np.argmax(total)), levels[:, -1]
        return (
            f"Depth: at most {style.count(total[top], 'message')} not yet settled, "
            f"at {style.seconds(times[top])}; "
            f"at the end {style.number(waiting)} waiting, {style.number(in_flight)} in flight, "
            f"{style.number(delayed)} delayed."
        )


class DepthByPriority(Timeline):
    """Messages waiting, stacked by priority, the most urgent at the bottom."""

    name, least, weight = "depth_by_priority", 96, 2.0

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
            self.key(row, priority, **looks[priority])
        self.ghost = ghost_lines(self)
        y = box.y + self.top + 3 + 18 * 4
        self.ghost_label = canvas.text(
            self.label_x, y + 10.5, "━ baseline", color=style.GHOST, bold=True
        )

    def draw(self, run: View, ghost: View | None, marks: Marks) -> None:  # noqa: ARG002 -- every chart's
        self.over_time(run, ghost)
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
        self.up_to(highest)
        self.layers.draw(edges, values)

    def levels(self, run: View, end: float) -> tuple[Floats, Floats]:
        """Edges of the slices, and one row of counts for each priority, most urgent first."""
        edges = np.linspace(run.start, end, self.columns + 1)
        values = np.zeros((len(self.names), self.columns))
        for row, name in enumerate(self.names):
            if name in run.waiting_by_priority:
                times, level = run.waiting_by_priority[name]
                edges, values[row : row + 1] = thin(
                    times, level[None, :], run.start, end, self.columns
                )
        values[:, edges[:-1] >= run.until] = 0
        return edges, values

    def sentence(self, run: View) -> str:
        peaks = [
            (p, *run.waiting_by_priority[p]) for p in self.names if p in run.waiting_by_priority
        ]
        if not peaks:
            return "Depth by priority: no message ever waited."
        said = (
            f"{p} at most {style.number(level.max())}, {style.number(level[-1])} at the end"
            for p, _, level in peaks
        )
        return "Waiting by priority: " + "; ".join(said) + "."
