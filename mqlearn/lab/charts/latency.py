"""The chart "latency": percentiles of the time from sending to done, over time."""

from typing import Any

import numpy as np

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData, Floats
from mqlearn.lab.charts.base import Box, Predictions, Timeline
from mqlearn.lab.charts.prediction_marks import LevelMarks
from mqlearn.messaging.percentile import percentile
from mqlearn.study.analysis.batches import PERCENTILES
from mqlearn.study.words import format_duration

SLICES = 40  # of the run's time at most
FEWEST = 5  # items that a slice needs to have percentiles
SEEN = 3  # points without which a line is too short to be seen without markers
LOOKS: dict[int, dict[str, Any]] = {
    50: {"linewidth": 2.4},
    95: {"linewidth": 1.8, "linestyle": (0, (4.0, 1.6))},
    99: {"linewidth": 1.4, "linestyle": (0, (1.4, 1.2))},
}


class Latency(Timeline):
    """The median, 95th and 99th percentile of the latency (s) of the items that were done in each
    slice of time.

    A prediction is of the mean latency of all items, in seconds.
    """

    name, takes_prediction, min_height, stretch = "latency", True, 118, 1.4

    def __init__(self, canvas: Canvas, box: Box, *, axis: bool) -> None:
        super().__init__(canvas, box, axis=axis)
        self.caption("seconds from sending to done, over time; the numbers are of the whole run")
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
        # Why the panel is empty, or has one point; that is higher in it.
        self.empty = canvas.text(
            box.x + (self.left + box.width - self.right) / 2,
            box.y + box.height * 0.72,
            ha="center",
            color=style.MUTED,
        )
        self.marks = LevelMarks(self)
        self.axis_top = 0.0

    def _line(self, color: str, **look: Any) -> Any:
        return self.canvas.moving(self.ax.plot([], [], color=color, **look)[0])

    def draw(self, run: ChartData, ghost: ChartData | None, predictions: Predictions) -> None:
        self.fit_time(run, ghost)
        now, was = percentiles(run), None if ghost is None else percentiles(ghost)
        highest = max(
            (float(np.nanmax(each[99])) for _, each in (now, was or now) if _has(each[99])),
            default=1.0,  # of an empty panel
        )
        self.fit_height(max([highest, *predictions.values]))
        self.empty.text = "" if len(now[0]) > 1 else why_empty(run)
        for p in PERCENTILES:
            self.lines[p].set_data(now[0], now[1][p])
            # A line through one point is not visible.
            self.lines[p].set_marker("" if len(now[0]) > SEEN else "o")
            self.ghost[p].set_visible(was is not None)
            if was is not None:
                self.ghost[p].set_data(was[0], was[1][p])
            self.labels[p].text = f"p{p} {duration(percentile(run.batches.latencies, p))}"
        self.mean.text = f"mean {duration(run.batches.mean)}"
        self.was.text = "" if ghost is None else f"was {duration(ghost.batches.mean)}"
        self.marks.draw(predictions, None, self.rows if ghost is not None else self.rows[:4])

    def fit_height(self, value: float) -> None:
        """Let the y axis end at a round number not below `value`, which may be far less than one
        second.
        """
        top = style.nice_top(max(value, 1e-3), self.axis_top)
        if top != self.axis_top or not self.y_ticks.shown:
            self.axis_top = top
            self.ax.set_ylim(0, top)
            self.y_ticks.show([(v, style.number(v)) for v in (0, top / 2, top)])

    def measured(self, run: ChartData) -> float | None:
        return run.batches.mean if run.batches.done else None

    def sentence(self, run: ChartData) -> str:
        return describe_latency(run)


def describe_latency(run: ChartData) -> str:
    """Return the mean and the percentiles of all items that were done, in a sentence."""
    batches = run.batches
    if not batches.done:
        return "Latency: nothing is done yet."
    each = ", ".join(f"p{p} {duration(percentile(batches.latencies, p))}" for p in PERCENTILES)
    return f"Latency of {len(batches.done):,} items: mean {duration(batches.mean)}, {each}."


def why_empty(run: ChartData) -> str:
    """Return the sentence that stands in the place of lines of percentiles."""
    done = len(run.batches.done)
    if not done:
        return "nothing is done yet, so there is no latency"
    if done >= FEWEST and len({time for time, _ in run.batches.done}) == 1:
        return f"all {style.count(done, 'item')} were done at one time: one point, no line"
    return f"{style.count(done, 'item')} done: too few for percentiles over time"


def percentiles(run: ChartData) -> tuple[Floats, dict[int, Floats]]:
    """Return the middles of the n slices (s), and for each percentile an array of its n values (s).

    Slices with fewer than `FEWEST` items done are left out.
    """
    span = max(run.until - run.start, 1e-9)
    # so many slices that each has ten items on average: percentiles of fewer say little
    count = int(max(1, min(SLICES, len(run.batches.done) // (2 * FEWEST))))
    edges = np.linspace(run.start, run.start + span, count + 1)
    # `reshape`, so that an empty list gives an array with two columns too
    done = np.array(run.batches.done, dtype=float).reshape(-1, 2)
    slices = np.clip(np.searchsorted(edges, done[:, 0], side="right") - 1, 0, count - 1)
    rows = [np.sort(done[slices == k, 1]).tolist() for k in range(count)]
    found = {
        p: np.array([percentile(row, p) if len(row) >= FEWEST else np.nan for row in rows])
        for p in PERCENTILES
    }
    kept = ~np.isnan(found[50])  # left out, not NaN: between two large batches the line has no gap
    return ((edges[1:] + edges[:-1]) / 2)[kept], {p: each[kept] for p, each in found.items()}


def _has(values: Floats) -> bool:
    return bool(len(values))


def duration(seconds: float) -> str:
    """Return a time (s) as text, or a dash if there is none (NaN)."""
    return "–" if np.isnan(seconds) else format_duration(seconds)


def _sample(canvas: Canvas, x: float, y: float, look: dict[str, Any]) -> None:
    """Draw a short piece of a line before its label."""
    from matplotlib.lines import Line2D

    across = (x / canvas.width, (x + 14) / canvas.width)
    height = 1 - y / canvas.height
    canvas.figure.add_artist(
        Line2D(across, (height, height), color=style.INK, solid_capstyle="butt", **look)
    )
