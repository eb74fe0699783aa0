"""The chart "goodput": orders per second that were done in time, done in vain, or turned away."""

from typing import Any

import numpy as np

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData, Floats
from mqlearn.lab.charts.base import Box, Predictions, Timeline
from mqlearn.lab.charts.layers import Layers, baseline_lines
from mqlearn.lab.charts.steps import per_second
from mqlearn.lab.charts.trouble import Trouble

SLICE = 5.0  # seconds
MOST_SLICES = 400
IN_VAIN: dict[str, Any] = {
    "facecolor": style.LOST,
    "hatch": style.HATCH_CUT,
    "edgecolor": style.PAPER,
}
TURNED_AWAY: dict[str, Any] = {
    "facecolor": style.TRACK,
    "hatch": style.HATCH_GONE,
    "edgecolor": style.MUTED,
}
LOOKS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("in time", {"facecolor": style.DONE}),
    ("in vain", IN_VAIN),
    ("turned away", TURNED_AWAY),
)


class Goodput(Timeline):
    """Orders per second, in slices of 5 s: done while the customer waits, done for one who has
    left, and refused, dropped or shed.

    The dashed line is what the workers can do. The grey line is the baseline's orders in time.
    """

    name, min_height, stretch = "goodput", 100, 1.6

    def __init__(self, canvas: Canvas, box: Box, *, axis: bool) -> None:
        super().__init__(canvas, box, axis=axis)
        self.caption("orders per second; turned away: refused, dropped or shed")
        self.trouble = Trouble(self)
        self.layers = Layers(self, [look for _, look in LOOKS])
        for row, (label, look) in enumerate(reversed(LOOKS)):
            self.legend_entry(row, label, **look)
        self.ghost = baseline_lines(self)
        self.capacity = self.steps(color=style.INK, linewidth=1.6, linestyle=style.DASHED)
        y = box.y + self.top + 3 + 18 * len(LOOKS) + 10.5
        self.capacity_label = canvas.text(self.label_x, y)

    def draw(self, run: ChartData, ghost: ChartData | None, predictions: Predictions) -> None:  # noqa: ARG002 -- every chart's
        self.fit_time(run, ghost)
        self.trouble.draw(run)
        edges = slices(run)
        values = rates(run, edges)
        for line in self.ghost:
            line.set_visible(ghost is not None)
        was = np.zeros(1)
        if ghost is not None:
            before = slices(ghost)
            was = rates(ghost, before)[0]
            for line in self.ghost:
                line.set_data(before, np.append(was, was[-1:]))
        times, can = capacity(run)
        self.capacity.set_visible(bool(len(can)))
        self.capacity.set_data(times, can)
        self.capacity_label.text = ""
        if len(can):
            self.capacity_label.text = "╌ can do"
            if len(set(can)) == 1:
                self.capacity_label.text += f" {style.number(can[0])}"
        # A pool that has grown for a moment must not squeeze everything else into the ground.
        highest = max(values.sum(axis=0).max(), was.max())
        self.fit_height(max(highest, min(max(can, default=0.0), 2 * highest)))
        self.layers.draw(edges, values)

    def sentence(self, run: ChartData) -> str:
        # After the window no order comes any more: that time belongs to no rate.
        found, window = run.goodput, run.context.window
        span = max(run.until - run.start if window is None else window, 1e-9)
        if not found.orders:
            return "Goodput: no order came."
        parts = [
            f"{style.count(len(found.in_time), 'order')} in time, "
            f"{style.number(round(len(found.in_time) / span, 2))} per second",
            f"{style.number(len(found.in_vain))} in vain",
            f"{style.number(len(found.turned_away))} turned away",
        ]
        return f"Goodput: {'; '.join(parts)}."


def slices(run: ChartData) -> Floats:
    """Return the edges of the slices of time: 5 s each, or more in a long run."""
    width = max(SLICE, (run.until - run.start) / MOST_SLICES)
    count = max(1, int(np.ceil((run.until - run.start) / width)))
    return np.asarray(run.start + width * np.arange(count + 1), dtype=float)


def rates(run: ChartData, edges: Floats) -> Floats:
    """Return the orders per second in each slice, with a row for each of `LOOKS`."""
    found = run.goodput
    return np.array(
        [per_second(times, edges) for times in (found.in_time, found.in_vain, found.turned_away)]
    )


def capacity(run: ChartData) -> tuple[list[float], list[float]]:
    """Return what the workers can do, orders per second, as a step function; empty if it is not
    known.
    """
    each, fixed = run.theory("per_worker"), run.theory("capacity")
    levels = run.workers
    if each is not None and levels.times:
        working = [each * count for count in levels.working]
        return [*levels.times, run.until], [*working, working[-1]]
    return ([], []) if fixed is None else ([run.start, run.until], [fixed, fixed])
