"""The chart "retries": calls of the handler: first tries and retries."""

import numpy as np

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData, Floats
from mqlearn.lab.charts.base import Box, Predictions, Timeline
from mqlearn.lab.charts.layers import Layers, baseline_lines
from mqlearn.lab.charts.trouble import Trouble

BINS = 60


class Retries(Timeline):
    """Tries begun in each slice of time: first tries, and retries on top of them."""

    name, min_height, stretch = "retries", 66, 1.0

    def __init__(self, canvas: Canvas, box: Box, *, axis: bool) -> None:
        super().__init__(canvas, box, axis=axis)
        self.title = canvas.text(box.x, box.y + 11, size=style.SMALL, color=style.MUTED)
        self.trouble = Trouble(self)
        first = {"facecolor": style.IN_FLIGHT}
        again = {"facecolor": style.DELAYED, "hatch": style.HATCH_DELAYED, "edgecolor": style.INK}
        self.layers = Layers(self, [first, again])
        self.legend_entry(0, "retries", **again)
        self.legend_entry(1, "first tries", **first)
        self.ghost = baseline_lines(self)

    def draw(self, run: ChartData, ghost: ChartData | None, predictions: Predictions) -> None:  # noqa: ARG002 -- every chart's
        self.fit_time(run, ghost)
        self.trouble.draw(run)
        end = self.ax.get_xlim()[1]
        self.edges = _edges(run.start, end)
        self.values = self.counts(run, self.edges)
        self.title.text = f"tries per {style.seconds(self.edges[1] - self.edges[0])}"
        was = None if ghost is None else self.counts(ghost, self.edges).sum(axis=0)
        for line in self.ghost:
            line.set_visible(was is not None)
            if was is not None:
                line.set_data(self.edges, np.append(was, was[-1:]))
        self.fit_height(max(self.values.sum(axis=0).max(), 0 if was is None else was.max()))
        self.layers.draw(self.edges, self.values)

    def counts(self, run: ChartData, edges: Floats) -> Floats:
        """Return the tries begun in each slice, in two rows: first tries and retries."""
        start = run.tries["start"].to_numpy(dtype=float)
        again = run.tries["attempt"].to_numpy(dtype=float) > 1
        return np.array(
            [np.histogram(start[~again], edges)[0], np.histogram(start[again], edges)[0]],
            dtype=float,
        )

    def sentence(self, run: ChartData) -> str:
        again = int((run.tries["attempt"].to_numpy(dtype=float) > 1).sum())
        noun = "retry" if again == 1 else "retries"
        return f"Tries: {style.number(len(run.tries))}, of which {style.number(again)} {noun}."


def _edges(start: float, end: float) -> Floats:
    """Return slices of a round width (s), `BINS` or fewer; the last may reach beyond the end."""
    span = max(end - start, 1e-9)
    width = next((s for s in style.TIME_STEPS if span / s <= BINS), span / BINS)
    return np.asarray(start + width * np.arange(int(np.ceil(span / width)) + 1), dtype=float)
