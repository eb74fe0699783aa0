"""How long items take, from sending to done: the percentiles over time, and how all of them
spread.
"""

from typing import Any

import numpy as np
from matplotlib.collections import PolyCollection

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.charts.base import Box, Chart, Marks, Ticks, Timeline
from mqlearn.lab.charts.marks import BarMarks, LevelMarks
from mqlearn.lab.view import Floats, View
from mqlearn.messaging.percentile import percentile
from mqlearn.study.analysis.batches import PERCENTILES
from mqlearn.study.words import format_duration

SLICES = 40  # of the run's time
FEWEST = 5  # items of which a slice has percentiles
BARS = 24
LOOKS: dict[int, dict[str, Any]] = {
    50: {"linewidth": 2.4},
    95: {"linewidth": 1.8, "linestyle": (0, (4.0, 1.6))},
    99: {"linewidth": 1.4, "linestyle": (0, (1.4, 1.2))},
}


class Latency(Timeline):
    """The median, 95th and 99th percentile of what was done in each slice of time; the mean of all
    is predicted.
    """

    name, takes_marks, least, weight = "latency", True, 118, 1.4

    def __init__(self, canvas: Canvas, box: Box, *, axis: bool) -> None:
        super().__init__(canvas, box, axis=axis)
        self.caption("seconds from sending to done")
        self.ghost = {p: self._line(style.GHOST, **LOOKS[p]) for p in PERCENTILES}
        self.lines = {p: self._line(style.INK, **LOOKS[p]) for p in PERCENTILES}
        self.rows = [box.y + self.top + 9 + 16 * row for row in range(5)]
        self.labels = {
            p: canvas.text(self.label_x + 20, self.rows[row], va="center")
            for row, p in enumerate(reversed(PERCENTILES))
        }
        for row, p in enumerate(reversed(PERCENTILES)):
            _sample(canvas, self.label_x, self.rows[row], LOOKS[p])
        self.mean = canvas.text(self.label_x, self.rows[3], bold=True, va="center")
        self.was = canvas.text(
            self.label_x, self.rows[4], color=style.GHOST, bold=True, va="center"
        )
        self.marks = LevelMarks(self)
        self.over = 0.0

    def _line(self, color: str, **look: Any) -> Any:
        return self.canvas.moving(self.ax.plot([], [], color=color, **look)[0])

    def draw(self, run: View, ghost: View | None, marks: Marks) -> None:
        self.over_time(run, ghost)
        now, was = percentiles(run), None if ghost is None else percentiles(ghost)
        highest = max(
            (float(np.nanmax(each[99])) for _, each in (now, was or now) if _has(each[99])),
            default=0.0,
        )
        self.up_to(max([highest, *marks.values]))
        for p in PERCENTILES:
            self.lines[p].set_data(now[0], now[1][p])
            self.ghost[p].set_visible(was is not None)
            if was is not None:
                self.ghost[p].set_data(was[0], was[1][p])
            self.labels[p].text = f"p{p} {_said(percentile(run.batches.latencies, p))}"
        self.mean.text = f"mean {_said(run.batches.mean)}"
        self.was.text = "" if ghost is None else f"was {_said(ghost.batches.mean)}"
        self.marks.draw(marks, None, self.rows if ghost is not None else self.rows[:4])

    def up_to(self, value: float) -> None:
        """As for every timeline, but for times far below a second."""
        top = style.nice_top(max(value, 1e-3), self.over)
        if top != self.over or not self.y_ticks.shown:
            self.over = top
            self.ax.set_ylim(0, top)
            self.y_ticks.put([(v, style.number(v)) for v in (0, top / 2, top)])

    def measured(self, run: View) -> float | None:
        return run.batches.mean if run.batches.done else None

    def sentence(self, run: View) -> str:
        return spread(run)


class LatencyDistribution(Chart):
    """What share of the items took how long; a tick at the median, the 95th and the 99th
    percentile.
    """

    name, takes_marks, least, weight = "latency_distribution", True, 124, 1.4

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
        self.said = canvas.text(box.x + box.width - 22, box.y + 29, ha="right", bold=True)
        self.marks = BarMarks(canvas, self.ax)
        self.over = (0.0, 0.0)
        self.x_ticks, self.y_ticks = Ticks(canvas, self.ax, "x"), Ticks(canvas, self.ax, "y")

    def draw(self, run: View, ghost: View | None, marks: Marks) -> None:
        took = np.array(run.batches.latencies)
        was = np.array(ghost.batches.latencies) if ghost is not None else np.zeros(0)
        longest = max(
            [float(times.max()) for times in (took, was) if len(times)] + [1e-3, *marks.values]
        )
        right = style.nice_top(longest, self.over[0])
        edges = np.linspace(0, right, BARS + 1)
        self.shares, before = _shares(took, edges), _shares(was, edges)
        top = style.nice_top(max([*self.shares, *before, 0.01]), self.over[1])
        if (right, top) != self.over:
            self.over = right, top
            self.ax.set(xlim=(0, right), ylim=(0, top))
            self.x_ticks.put(
                [
                    (0, "0"),
                    (right / 2, style.number(right / 2)),
                    (right, f"{style.number(right)} s"),
                ]
            )
            self.y_ticks.put([(0, "0"), (top, f"{top:.0%}")])
        self.bars.set_verts(
            [
                np.array([(a, 0), (b, 0), (b, h), (a, h)])
                for a, b, h in zip(edges[:-1], edges[1:], self.shares, strict=True)
                if h
            ]
        )
        self.ghost.set_visible(bool(len(was)))
        self.ghost.set_data(edges, np.append(before, 0))
        for p, line in self.lines.items():
            line.set_visible(bool(len(took)))
            line.set_xdata([percentile(run.batches.latencies, p)] * 2)
        self.said.text = ", ".join(
            [
                f"mean {_said(run.batches.mean)}",
                *(f"p{p} {_said(percentile(run.batches.latencies, p))}" for p in PERCENTILES),
            ]
        )
        self.marks.draw(marks)

    def measured(self, run: View) -> float | None:
        return run.batches.mean if run.batches.done else None

    def sentence(self, run: View) -> str:
        return spread(run)


def spread(run: View) -> str:
    """The mean and the percentiles of all items that were done, in a sentence."""
    tally = run.batches
    if not tally.done:
        return "Latency: nothing is done yet."
    each = ", ".join(f"p{p} {_said(percentile(tally.latencies, p))}" for p in PERCENTILES)
    return f"Latency of {len(tally.done):,} items: mean {_said(tally.mean)}, {each}."


def percentiles(run: View) -> tuple[Floats, dict[int, Floats]]:
    """The middles of the slices, and of each the percentiles of what was done in it; NaN where that
    is too little.
    """
    span = max(run.until - run.start, 1e-9)
    count = int(max(1, min(SLICES, len(run.batches.done) // (2 * FEWEST))))
    edges = np.linspace(run.start, run.start + span, count + 1)
    done = np.array(run.batches.done, dtype=float).reshape(-1, 2)
    slices = np.clip(np.searchsorted(edges, done[:, 0], side="right") - 1, 0, count - 1)
    rows = [np.sort(done[slices == k, 1]).tolist() for k in range(count)]
    found = {
        p: np.array([percentile(row, p) if len(row) >= FEWEST else np.nan for row in rows])
        for p in PERCENTILES
    }
    kept = ~np.isnan(found[50])  # a slice between two large batches is no gap in the line
    return ((edges[1:] + edges[:-1]) / 2)[kept], {p: each[kept] for p, each in found.items()}


def _has(values: Floats) -> bool:
    return bool(len(values))


def _shares(values: Floats, edges: Floats) -> Floats:
    return np.asarray(np.histogram(values, edges)[0] / max(len(values), 1), dtype=float)


def _said(seconds: float) -> str:
    return "–" if np.isnan(seconds) else format_duration(seconds)


def _sample(canvas: Canvas, x: float, y: float, look: dict[str, Any]) -> None:
    """A short piece of the line, before its label."""
    from matplotlib.lines import Line2D

    across = (x / canvas.width, (x + 14) / canvas.width)
    height = 1 - y / canvas.height
    canvas.figure.add_artist(
        Line2D(across, (height, height), color=style.INK, solid_capstyle="butt", **look)
    )
