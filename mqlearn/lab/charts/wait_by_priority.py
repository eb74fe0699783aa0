"""The chart "wait_by_priority": the mean wait of each priority."""

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData
from mqlearn.lab.charts.bars import Bars
from mqlearn.lab.charts.base import Box, Chart, Predictions
from mqlearn.lab.charts.prediction_marks import BarMarks


class WaitByPriority(Chart):
    """The mean wait (s) of each priority, the most urgent first, and of all messages together."""

    name, takes_prediction, min_height, stretch = "wait_by_priority", True, 116, 1.6

    def __init__(self, canvas: Canvas, box: Box) -> None:
        super().__init__(canvas, box)
        self.title = canvas.text(box.x, box.y + 11, size=style.SMALL, color=style.MUTED)
        self.bars = Bars(canvas, box, color=style.WAITING, most=5, top=30)
        self.marks = BarMarks(canvas, self.bars.ax)

    def draw(self, run: ChartData, ghost: ChartData | None, predictions: Predictions) -> None:
        self.means = _means(run)
        theory = run.theory("wait_by_priority") or {}
        self.title.text = "mean wait" + (", ┆ = theory" if theory else "")
        was = _means(ghost) if ghost is not None else {}
        texts = [style.seconds(mean) for mean in self.means.values()]
        self.bars.draw(self.means, was, texts, theory=theory, also=predictions.values)
        self.marks.draw(predictions)
        if predictions.prediction is not None and len(self.means) > 2:
            self.marks.label.text += " for all"

    def measured(self, run: ChartData) -> float | None:
        return float(run.waits.mean()) if len(run.waits) else None

    def sentence(self, run: ChartData) -> str:
        means = _means(run)
        if not means:
            return "Mean wait: nothing was delivered."
        parts = (f"{name} {style.seconds(mean)}" for name, mean in means.items())
        return "Mean wait: " + ", ".join(parts) + "."


def _means(run: ChartData) -> dict[str, float]:
    means = {p: float(w.mean()) for p, w in reversed(run.waits_by_priority.items())}
    return {**means, "all": float(run.waits.mean())} if means else {}
