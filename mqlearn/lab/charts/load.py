"""What a service is asked to do, try by try, and how much of it is of use: load, goodput,
capacity.
"""

from collections import Counter
from typing import Any

import numpy as np

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.charts.base import Box, Marks, Timeline
from mqlearn.lab.charts.depth import Layers, ghost_lines
from mqlearn.lab.view import Floats, View

BINS = 400  # slices of time at most
COARSE = 5  # slices of tries in one of goodput, whose line would else be all noise
SHADES: tuple[dict[str, Any], ...] = (
    {"facecolor": style.IN_FLIGHT},
    {"facecolor": "#F8DCA3"},
    {"facecolor": style.DELAYED, "hatch": style.HATCH_DELAYED, "edgecolor": style.INK},
    {"facecolor": "#8F6200"},
)
NAMES = ("1st try", "2nd try", "3rd try", "later tries")


class Load(Timeline):
    """Tries a second, stacked by how often the message was tried before; messages done a second;
    the capacity.
    """

    name, least, weight = "load", 132, 2.2

    def __init__(self, canvas: Canvas, box: Box, *, axis: bool) -> None:
        super().__init__(canvas, box, axis=axis)
        self.caption("tries per second; green: messages done per second")
        self.layers = Layers(self, list(SHADES))
        for row, (label, look) in enumerate(zip(reversed(NAMES), reversed(SHADES), strict=True)):
            self.key(row, label, **look)
        self.ghost = ghost_lines(self)
        done: tuple[dict[str, Any], ...] = (
            {"color": style.PAPER, "linewidth": 4.6},
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

    def draw(self, run: View, ghost: View | None, marks: Marks) -> None:  # noqa: ARG002 -- every chart's
        self.over_time(run, ghost)
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
        self.up_to(
            max(
                self.values.sum(axis=0).max(),
                self.goodput.max(),
                can or 0,
                0 if was is None else was.max(),
            )
        )
        self.layers.draw(self.edges, self.values)

    def tries(self, run: View, edges: Floats) -> Floats:
        """A row for each of `NAMES`: tries begun per second in each slice."""
        times: list[list[float]] = [[] for _ in NAMES]
        tried: Counter[str] = Counter()
        for time, event, _, _, message_id, *_ in run.run.trace.records:
            if event == "started":
                times[min(tried[message_id], len(NAMES) - 1)].append(time)
                tried[message_id] += 1
        return np.array([per_second(t, edges) for t in times])

    def done_in(self, run: View, edges: Floats) -> Floats:
        """Messages done per second, in each slice."""
        return per_second(
            [record.time for record in run.run.trace.records if record.event == "acked"], edges
        )

    def sentence(self, run: View) -> str:
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


def per_second(times: list[float], edges: Floats) -> Floats:
    """How many of `times` (s) fall into each slice, per second of it."""
    return np.asarray(np.histogram(times, edges)[0] / np.diff(edges), dtype=float)


def _edges(start: float, end: float) -> Floats:
    """Slices of a round width from a second up, a multiple of `COARSE` of them; the last may reach
    beyond the end.
    """
    span = max(end - start, 1e-9)
    width = next((s for s in style.TIME_STEPS if s >= 1 and span / s <= BINS), span / BINS)
    count = COARSE * int(np.ceil(span / width / COARSE))
    return np.asarray(start + width * np.arange(count + 1), dtype=float)
