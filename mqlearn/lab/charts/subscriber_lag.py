"""The chart "subscriber_lag": the number of messages that each subscriber has not heard yet."""

from typing import Any

import numpy as np
from matplotlib.lines import Line2D

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData
from mqlearn.lab.charts.base import Box, Predictions, Timeline
from mqlearn.lab.charts.prediction_marks import LevelMarks
from mqlearn.lab.charts.steps import downsample
from mqlearn.lab.charts.subscribers import MOST, omission, omission_label

SAMPLE = 16  # pixels of a line before its name
# Shades of waiting's blue, since these messages wait; lines differ in kind and width, and have
# their names at their ends.
LINES: tuple[dict[str, Any], ...] = (
    {"color": "#8CCBF0", "linewidth": 6.0},
    {"color": "#3E9AD3", "linewidth": 3.4, "linestyle": style.DASHED},
    {"color": "#0B5C8E", "linewidth": 2.2},
    {"color": style.INK, "linewidth": 1.6, "linestyle": style.DOTTED},
)


class SubscriberLag(Timeline):
    """The number of messages that each subscriber has not heard yet, a line for each subscriber.

    A prediction is of the slowest subscriber's number at the end.
    """

    name, takes_prediction, min_height, stretch = "subscriber_lag", True, 110, 1.6
    needs = ("occurred", "sent", "scheduled", "rejected")
    right = 132  # "parcel 3,600" behind its piece of line

    def __init__(self, canvas: Canvas, box: Box, *, axis: bool) -> None:
        super().__init__(canvas, box, axis=axis)
        self.caption("messages due and not heard yet, by subscriber")
        self.ghosts = [self.steps(color=style.GHOST, linewidth=4.4) for _ in range(MOST)]
        self.lines = [self.steps(**look) for look in LINES]
        self.samples = [self._sample(**look) for look in LINES]
        self.labels = [canvas.text(0, 0, bold=True, va="center") for _ in range(MOST)]
        self.marks = LevelMarks(self)
        self.omission = omission_label(self)

    def _sample(self, **look: Any) -> Line2D:
        """Return a short piece of line to put before a name: it distinguishes lines that end at the
        same height.
        """
        if look.get("linestyle") == style.DASHED:
            look["linestyle"] = (0, (1.4, 0.9))  # two dashes, where the line itself would show one
        line = Line2D(
            [], [], transform=self.canvas.figure.transFigure, solid_capstyle="butt", **look
        )
        self.canvas.figure.add_artist(line)
        return self.canvas.moving(line)

    def draw(self, run: ChartData, ghost: ChartData | None, predictions: Predictions) -> None:
        self.fit_time(run, ghost)
        highest = [self._put(self.lines, run)] + ([self._put(self.ghosts, ghost)] if ghost else [])
        for line in self.ghosts:
            line.set_visible(ghost is not None)
        expected = run.theory("behind") or None  # a line at 0 would tell nothing
        self.fit_height(max([*highest, expected or 0, *predictions.values]))
        names = run.fan_out.names
        self.omission.text = omission(names, MOST)
        ends = sorted(
            (run.fan_out.at_end(name), name, line) for line, name in enumerate(names[:MOST])
        )
        taken: list[float] = []
        # From the lowest up: a label may move the next one up, but none is moved down into the
        # axis.
        room = self.right - 10 - SAMPLE - 4
        for row, label in enumerate(self.labels):
            label.text = ""
            if row < len(ends):
                count = f" {style.number(ends[row][0])}"
                left = room - self.canvas.measure(count, bold=True)
                name = self.canvas.fit(ends[row][1], left, size=style.LABEL, bold=True)
                label.text = name + count
                y = self.marks.height_of(ends[row][0])
                label.x, label.y = (
                    self.label_x + SAMPLE + 4,
                    min([y, *(other - 15 for other in taken)]),
                )
                taken.append(label.y)
                width, height = self.canvas.width, self.canvas.height
                self.samples[ends[row][2]].set_data(
                    [self.label_x / width, (self.label_x + SAMPLE) / width],
                    [1 - label.y / height] * 2,
                )
        for row, sample in enumerate(self.samples):
            sample.set_visible(row < len(ends))
        self.marks.draw(predictions, expected, taken)

    def _put(self, lines: list[Any], run: ChartData) -> float:
        """Update the lines, and return the highest value."""
        highest = 0.0
        names = run.fan_out.names
        for row, line in enumerate(lines):
            edges, values = np.zeros(0), np.zeros((1, 0))
            if row < len(names):
                times, level = run.fan_out.behind(names[row])
                edges, values = downsample(
                    times, level[None, :], run.start, run.until, self.columns
                )
                highest = max(highest, float(values.max()))
            line.set_data(edges, np.append(values[0], values[0][-1:]))
        return highest

    def measured(self, run: ChartData) -> float | None:
        return float(max((run.fan_out.at_end(name) for name in run.fan_out.names), default=0))

    def sentence(self, run: ChartData) -> str:
        fan_out = run.fan_out
        parts = []
        for name in fan_out.names:
            level = fan_out.behind(name)[1]
            most = (
                f" (at most {style.number(level.max())})"
                if level.max() > fan_out.at_end(name)
                else ""
            )
            parts.append(f"{name} {style.number(fan_out.at_end(name))}{most}")
        return (
            f"Behind at the end: {', '.join(parts)}."
            if parts
            else "Behind: there was no subscriber."
        )
