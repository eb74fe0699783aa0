"""The chart "lag": events that are appended and not read yet."""

from typing import Any

import numpy as np

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData
from mqlearn.lab.charts.base import Box, Predictions, Timeline
from mqlearn.lab.charts.offsets import LEFT
from mqlearn.lab.charts.prediction_marks import LevelMarks
from mqlearn.lab.charts.steps import downsample


class Lag(Timeline):
    """Events that are appended and not read yet: of all partitions, and of the one that is furthest
    behind.

    A prediction is of the lag of all partitions at the end.
    """

    name, takes_prediction, min_height, stretch, left = "lag", True, 104, 1.2, LEFT
    needs = ("appended",)

    def __init__(self, canvas: Canvas, box: Box, *, axis: bool) -> None:
        super().__init__(canvas, box, axis=axis)
        self.title = canvas.text(box.x, box.y + 11, size=style.SMALL, color=style.MUTED)
        self.ghost = self.steps(color=style.GHOST, linewidth=4.4)
        self.all = self.steps(color=style.WAITING, linewidth=3.6)
        self.most = self.steps(color="#0B5C8E", linewidth=1.8, linestyle=style.DASHED)
        self.labels = [canvas.text(0, 0, bold=True, va="center") for _ in range(2)]
        self.marks = LevelMarks(self)

    def draw(self, run: ChartData, ghost: ChartData | None, predictions: Predictions) -> None:
        self.fit_time(run, ghost)
        log = run.log
        one = most_behind(run) if len(log.partitions) > 1 else None
        self.title.text = "lag: events appended and not read yet" + (
            "" if one is None else "; dashed: of the partition with most"
        )
        highest = [
            self._put(self.all, run, log.partitions),
            self._put(self.most, run, [] if one is None else [one]),
        ]
        self.most.set_visible(one is not None)
        self.ghost.set_visible(ghost is not None)
        if ghost is not None:
            highest.append(self._put(self.ghost, ghost, ghost.log.partitions))
        expected = run.theory("behind") or None  # a line at 0 would tell nothing
        self.fit_height(max([*highest, expected or 0, *predictions.values]))
        total = self.measured(run)
        lag = 0 if one is None else log.lag(one)
        y = self.marks.height_of(total)
        below = max(self.marks.height_of(lag), y + 15)
        # Two labels at one height: the upper one moves up if there is no room below.
        if below > (foot := self.marks.height_of(0) - 2) and one is not None:
            y, below = min(y, foot - 15), foot
        for label, text, height in zip(
            self.labels,
            (f"━ all {style.number(total)}", f"╌ no. {one}: {style.number(lag)}"),
            (y, below),
            strict=True,
        ):
            label.text, label.x, label.y = text, self.label_x, height
        self.labels[1].visible = one is not None
        self.marks.draw(predictions, expected, [y] if one is None else [y, below])

    def _put(self, line: Any, run: ChartData, partitions: list[int]) -> float:
        times, level = run.log.behind(*partitions)
        edges, values = downsample(times, level[None, :], run.start, run.until, self.columns)
        line.set_data(edges, np.append(values[0], values[0][-1:]))
        return float(values.max()) if values.size else 0.0

    def measured(self, run: ChartData) -> float:
        return float(sum(run.log.lag(p) for p in run.log.partitions))

    def sentence(self, run: ChartData) -> str:
        one = most_behind(run)
        if one is None:
            return "Lag: nothing was appended."
        where = (
            f", {style.number(run.log.lag(one))} of them in partition {one}"
            if len(run.log.partitions) > 1 and run.log.lag(one)
            else ""
        )
        return (
            f"Lag: {style.count(self.measured(run), 'event')} at the end{where}; "
            f"at most {style.number(run.log.behind(*run.log.partitions)[1].max())}."
        )


def most_behind(run: ChartData) -> int | None:
    """Return the partition with the greatest lag at the end, or None if nothing was appended."""
    return max(run.log.partitions, key=run.log.lag, default=None)
