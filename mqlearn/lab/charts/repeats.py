"""The chart "repeats": events done twice or more, and events lost."""

from typing import Any, ClassVar

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData
from mqlearn.lab.charts.base import Box, Predictions, Timeline
from mqlearn.lab.charts.prediction_marks import LevelMarks


class Repeats(Timeline):
    """The number of events that had an effect twice or more, and of events that never had one, over
    time.

    A prediction is of the sum of both.
    """

    name, takes_prediction, min_height, stretch = "repeats", True, 92, 0.8
    needs: ClassVar[tuple[str, ...]] = ("read", "effect")
    counted: ClassVar[str] = "events done twice or more, and lost, so far"
    words: ClassVar[tuple[str, str]] = ("twice", "lost")

    def __init__(self, canvas: Canvas, box: Box, *, axis: bool) -> None:
        super().__init__(canvas, box, axis=axis)
        self.caption(self.counted)
        self.ghosts = [self.steps(color=style.GHOST, linewidth=4.4) for _ in range(2)]
        self.lines = [
            self.steps(color=style.AGAIN, linewidth=3.4),
            self.steps(color=style.LOST, linewidth=2.2, linestyle=style.DASHED),
        ]
        self.labels = [canvas.text(0, 0, bold=True, va="center") for _ in range(2)]
        self.marks = LevelMarks(self)

    def draw(self, run: ChartData, ghost: ChartData | None, predictions: Predictions) -> None:
        self.fit_time(run, ghost)
        for line in self.ghosts:
            line.set_visible(ghost is not None)
        counts = self._put(self.lines, run)
        highest = counts + (self._put(self.ghosts, ghost) if ghost is not None else [])
        self.fit_height(max([*highest, *predictions.values]))
        heights = [self.marks.height_of(count) for count in counts]
        # Labels of nearly equal counts would cover each other.
        if abs(heights[0] - heights[1]) < 16:
            upper = min(*heights, self.marks.height_of(0) - 16)
            heights = [upper, upper + 16] if counts[0] >= counts[1] else [upper + 16, upper]
        texts = [
            f"{sign} {word} {count:,}"
            for sign, word, count in zip("━╌", self.words, counts, strict=True)
        ]
        for label, text, height in zip(self.labels, texts, heights, strict=True):
            label.text, label.x, label.y = text, self.label_x, height
        self.marks.draw(predictions, None, heights)

    def _put(self, lines: list[Any], run: ChartData) -> list[int]:
        found = self.found(run)
        for line, times in zip(lines, found, strict=True):
            line.set_data(
                [run.start, *times, run.until], [0, *range(1, len(times) + 1), len(times)]
            )
        return [len(times) for times in found]

    def found(self, run: ChartData) -> tuple[list[float], list[float]]:
        """Return the times (s) at which events were done a second time, and at which others were
        lost.
        """
        return run.group.second, run.group.lost

    def measured(self, run: ChartData) -> float:
        return float(run.group.twice + len(run.group.lost))

    def sentence(self, run: ChartData) -> str:
        group = run.group
        lost = style.count(len(group.lost), "event")
        again = f"{style.count(len(group.again), 'effect')} made again"
        if len(group.again) > group.twice:
            again = f"{style.count(group.twice, 'event')} done twice or more, {again}"
        return f"Repeats: {again}; {lost} lost."
