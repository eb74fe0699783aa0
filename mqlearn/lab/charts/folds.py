"""The chart "folds": events folded for each answer."""

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData
from mqlearn.lab.charts.base import Box, Predictions, Timeline


class Folds(Timeline):
    """A dot for each question: the number of events folded for its answer; the dotted line is the
    number of all events so far.
    """

    name, min_height, stretch = "folds", 86, 0.8
    needs = ("answered",)

    def __init__(self, canvas: Canvas, box: Box, *, axis: bool) -> None:
        super().__init__(canvas, box, axis=axis)
        self.caption("events folded for the answer, each hour")
        self.ghost = canvas.moving(
            self.ax.plot(
                [], [], linestyle="", marker="s", markersize=4, color=style.GHOST, clip_on=False
            )[0]
        )
        self.every = self.steps(color=style.INK, linewidth=1.8, linestyle=style.DOTTED)
        self.dots = canvas.moving(
            self.ax.plot(
                [], [], linestyle="", marker="o", markersize=5, color=style.IN_FLIGHT, clip_on=False
            )[0]
        )
        self.lines_of_text = [
            canvas.text(self.label_x, box.y + self.top + 12 + 17 * row, bold=row == 0)
            for row in range(3)
        ]
        self.lines_of_text[0].color, self.lines_of_text[2].color = style.IN_FLIGHT, style.GHOST

    def draw(self, run: ChartData, ghost: ChartData | None, predictions: Predictions) -> None:  # noqa: ARG002 -- every chart's
        self.fit_time(run, ghost)
        history = run.history
        times = history.appended
        self.fit_height(max([len(times), *(count for _, count in history.folded)]))
        self.every.set_data(
            [run.start, *times, run.until], [0, *range(1, len(times) + 1), len(times)]
        )
        for line, folded in (
            (self.dots, history.folded),
            (self.ghost, ghost.history.folded if ghost else []),
        ):
            line.set_data([time for time, _ in folded], [count for _, count in folded])
        most = max((count for _, count in history.folded), default=0)
        was = max((count for _, count in ghost.history.folded), default=0) if ghost else None
        texts = (
            f"● most {most:,}",
            f"┈ all {len(times):,}",
            "" if was is None else f"▪ was {was:,}",
        )
        for label, text in zip(self.lines_of_text, texts, strict=True):
            label.text = text

    def sentence(self, run: ChartData) -> str:
        folded = [count for _, count in run.history.folded]
        events = style.count(len(run.history.appended), "event")
        return (
            f"Folds: at most {max(folded, default=0):,} of {events} were folded for an answer, "
            f"{sum(folded):,} for all {len(folded)}."
        )
