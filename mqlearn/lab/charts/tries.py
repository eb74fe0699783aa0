"""How often the handler is called, and how often because it failed before."""

import numpy as np

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.charts.base import Box, Marks, Timeline
from mqlearn.lab.charts.depth import Layers, ghost_lines
from mqlearn.lab.charts.trouble import Trouble
from mqlearn.lab.view import Floats, View

BINS = 60


class Retries(Timeline):
    """Tries begun in each slice of time, first tries at the bottom, retries on top of them."""

    name, least, weight = "retries", 66, 1.0

    def __init__(self, canvas: Canvas, box: Box, *, axis: bool) -> None:
        super().__init__(canvas, box, axis=axis)
        self.said = canvas.text(box.x, box.y + 11, size=style.SMALL, color=style.MUTED)
        self.trouble = Trouble(self)
        first = {"facecolor": style.IN_FLIGHT}
        again = {"facecolor": style.DELAYED, "hatch": style.HATCH_DELAYED, "edgecolor": style.INK}
        self.layers = Layers(self, [first, again])
        self.key(0, "retries", **again)
        self.key(1, "first tries", **first)
        self.ghost = ghost_lines(self)

    def draw(self, run: View, ghost: View | None, marks: Marks) -> None:  # noqa: ARG002 -- every chart's
        self.over_time(run, ghost)
        self.trouble.draw(run)
        end = self.ax.get_xlim()[1]
        self.edges = _edges(run.start, end)
        self.values = self.counts(run, self.edges)
        self.said.text = f"tries per {style.seconds(self.edges[1] - self.edges[0])}"
        was = None if ghost is None else self.counts(ghost, self.edges).sum(axis=0)
        for line in self.ghost:
            line.set_visible(was is not None)
            if was is not None:
                line.set_data(self.edges, np.append(was, was[-1:]))
        self.up_to(max(self.values.sum(axis=0).max(), 0 if was is None else was.max()))
        self.layers.draw(self.edges, self.values)

    def counts(self, run: View, edges: Floats) -> Floats:
        """Two rows: first tries and retries, in each slice."""
        start = run.tries["start"].to_numpy(dtype=float)
        again = run.tries["attempt"].to_numpy(dtype=float) > 1
        return np.array(
            [np.histogram(start[~again], edges)[0], np.histogram(start[again], edges)[0]],
            dtype=float,
        )

    def sentence(self, run: View) -> str:
        again = int((run.tries["attempt"].to_numpy(dtype=float) > 1).sum())
        return f"Tries: {style.number(len(run.tries))}, of which {style.number(again)} retries."


def _edges(start: float, end: float) -> Floats:
    """Slices of a round width, no more than `BINS` of them; the last may reach beyond the end."""
    span = max(end - start, 1e-9)
    width = next((s for s in style.TIME_STEPS if span / s <= BINS), span / BINS)
    return np.asarray(start + width * np.arange(int(np.ceil(span / width)) + 1), dtype=float)
