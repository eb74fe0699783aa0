"""The chart "load": the tries that a service gets, the messages done, and its capacity."""

from collections import Counter
from typing import Any

import numpy as np

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData, Floats
from mqlearn.lab.charts.base import Box, Predictions, Timeline
from mqlearn.lab.charts.layers import Layers, baseline_lines
from mqlearn.lab.charts.steps import per_second

BINS = 400  # slices of time at most
COARSE = 5  # slices of tries per slice of goodput, whose line would be only noise in finer slices
SHADES: tuple[dict[str, Any], ...] = (
    {"facecolor": style.IN_FLIGHT},
    {"facecolor": "#F8DCA3"},
    {"facecolor": style.DELAYED, "hatch": style.HATCH_DELAYED, "edgecolor": style.INK},
    {"facecolor": "#8F6200"},
)
NAMES = ("1st try", "2nd try", "3rd try", "later tries")


class Load(Timeline):
    """Tries per second, stacked by how often the message was tried before.

    The green line is messages done per second (goodput), the dashed one the service's capacity.
    """

    name, min_height, stretch = "load", 132, 2.2

    def __init__(self, canvas: Canvas, box: Box, *, axis: bool) -> None:
        super().__init__(canvas, box, axis=axis)
        self.caption("tries per second; green: messages done per second")
        self.layers = Layers(self, list(SHADES))
        for row, (label, look) in enumerate(zip(reversed(NAMES), reversed(SHADES), strict=True)):
            self.legend_entry(row, label, **look)
        self.ghost = baseline_lines(self)
        done: tuple[dict[str, Any], ...] = (
            {"color": style.PAPER, "linewidth": 4.6},  # a white edge, to be seen on every fill
            {"color": style.DONE, "linewidth": 2.4},
        )
        self.done = [
            canvas.moving(self.ax.plot([], [], drawstyle="steps-post", **look)[0]) for look in done
        ]
        self.capacity = canvas.moving(
            self.ax.axhline(0, color=style.INK, linewidth=1.6, linestyle=style.DASHED)
        )
        y = box.y + self.top + 3 + 18 * 4 + 10.5
        canvas.text(self.label_x, y, "━ done", color=style.DONE, bold=True)
        self.capacity_label = canvas.text(self.label_x, y + 17)

    def draw(self, run: ChartData, ghost: ChartData | None, predictions: Predictions) -> None:  # noqa: ARG002 -- every chart's
        self.fit_time(run, ghost)
        self.edges = _edges(run.start, self.ax.get_xlim()[1])
        self.values = self.tries(run, self.edges)
        self.goodput = self.done_in(run, self.edges[::COARSE])
        can, was = (
            run.theory("capacity"),
            None if ghost is None else self.tries(ghost, self.edges).sum(axis=0),
        )
        for line in self.ghost:
            line.set_visible(was is not None)
            if was is not None:
                line.set_data(self.edges, np.append(was, was[-1:]))
        for line in self.done:
            line.set_data(self.edges[::COARSE], np.append(self.goodput, self.goodput[-1:]))
        self.capacity.set_visible(can is not None)
        self.capacity_label.text = "" if can is None else f"╌ can do {style.number(can)}"
        self.capacity.set_ydata([can or 0, can or 0])
        self.fit_height(
            max(
                self.values.sum(axis=0).max(),
                self.goodput.max(),
                can or 0,
                0 if was is None else was.max(),
            )
        )
        self.layers.draw(self.edges, self.values)

    def tries(self, run: ChartData, edges: Floats) -> Floats:
        """Return the tries begun per second in each slice, with a row for each of `NAMES`."""
        times: list[list[float]] = [[] for _ in NAMES]
        tried: Counter[str] = Counter()
        for time, event, _, _, message_id, *_ in run.records:
            if event == "started":
                # the fourth and all later tries share the last row
                times[min(tried[message_id], len(NAMES) - 1)].append(time)
                tried[message_id] += 1
        return np.array([per_second(t, edges) for t in times])

    def done_in(self, run: ChartData, edges: Floats) -> Floats:
        """Return the messages done per second in each slice."""
        return per_second([record.time for record in run.records if record.event == "acked"], edges)

    def sentence(self, run: ChartData) -> str:
        edges = _edges(run.start, run.until)
        tries, done = self.tries(run, edges), self.done_in(run, edges[::COARSE])
        total, width = tries.sum(axis=0), edges[1] - edges[0]
        if not total.any():
            return "Load: nothing was tried."
        top = int(np.argmax(total))
        last = max(1, int(60 / width))  # a minute
        minute, goodput = tries[:, -last:].mean(axis=1), done[-max(1, last // COARSE) :].mean()
        can = run.theory("capacity")
        of = "" if can is None else f", of {style.number(can)} that the service can do"
        return (
            f"Load: at most {style.number(total[top])} tries per second, at "
            f"{style.seconds(edges[top])}; in the last "
            f"{style.seconds(last * width)} {style.number(round(minute.sum(), 1))}, "
            f"{style.number(round(minute[1:].sum(), 1))} of them retries, "
            f"and {style.number(round(float(goodput), 1))} done per second{of}."
        )


def _edges(start: float, end: float) -> Floats:
    """Return slices of a round width, one second or more; their number is a multiple of `COARSE`.

    The last may reach beyond the end.
    """
    span = max(end - start, 1e-9)
    width = next((s for s in style.TIME_STEPS if s >= 1 and span / s <= BINS), span / BINS)
    count = COARSE * int(np.ceil(span / width / COARSE))
    return np.asarray(start + width * np.arange(count + 1), dtype=float)
