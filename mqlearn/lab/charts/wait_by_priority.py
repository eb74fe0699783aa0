"""The chart "wait_by_priority": the mean wait of each priority."""

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData
from mqlearn.lab.charts.bars import Bars
from mqlearn.lab.charts.base import Box, Chart, Predictions
from mqlearn.lab.charts.prediction_marks import BarMarks


class WaitByPriority(Chart):
    """The mean wait (s) of each priority, the most urgent first, and of all messages together.

    A mean counts only the messages that were served. Where some were not, the bar is marked as cut;
    where most were not, it says how many were, instead of their mean.
    """

    name, takes_prediction, min_height, stretch = "wait_by_priority", True, 116, 1.6

    def __init__(self, canvas: Canvas, box: Box) -> None:
        super().__init__(canvas, box)
        self.title = canvas.text(box.x, box.y + 11, size=style.SMALL, color=style.MUTED)
        self.bars = Bars(canvas, box, color=style.WAITING, most=5, top=30, right=76)
        self.marks = BarMarks(canvas, self.bars.ax)

    def draw(self, run: ChartData, ghost: ChartData | None, predictions: Predictions) -> None:
        self.means, counts = _means(run), _counts(run)
        theory = run.theory("wait_by_priority") or {}
        cut = [name for name, (served, sent) in counts.items() if served < sent]
        self.title.text = (
            "mean wait"
            + (", ┆ = theory" if theory else "")
            + (", hatched: of those served" if cut else "")
        )
        was = _means(ghost) if ghost is not None else {}
        texts = [_in_words(self.means[name], *counts[name]) for name in self.means]
        # a mean of fewer than half would be drawn as a short wait
        known = {n: 0.0 if _is_few(*counts[n]) else mean for n, mean in self.means.items()}
        self.bars.draw(known, was, texts, theory=theory, also=predictions.values, cut=cut)
        self.marks.draw(predictions)
        if predictions.prediction is not None and len(self.means) > 2:
            self.marks.label.text += " for all"

    def measured(self, run: ChartData) -> float | None:
        return float(run.waits.mean()) if len(run.waits) else None

    def sentence(self, run: ChartData) -> str:
        means, counts = _means(run), _counts(run)
        if not means:
            return "Mean wait: nothing was delivered."
        parts = (f"{name} {_sentence_of(mean, *counts[name])}" for name, mean in means.items())
        return "Mean wait: " + ", ".join(parts) + "."


def _means(run: ChartData) -> dict[str, float]:
    """Return the mean waits (s) of those served, 0 where none was; empty if none was at all."""
    waits = dict(reversed(run.waits_by_priority.items()))
    means = {p: float(w.mean()) if len(w) else 0.0 for p, w in waits.items()}
    return {**means, "all": float(run.waits.mean())} if len(run.waits) else {}


def _counts(run: ChartData) -> dict[str, tuple[int, int]]:
    """Return how many were served, and how many were sent."""
    counts = {p: (len(w), run.sent_by_priority[p]) for p, w in run.waits_by_priority.items()}
    return {**counts, "all": (len(run.waits), len(run.jobs))}


def _is_few(served: int, sent: int) -> bool:
    return 2 * served < sent


def _in_words(mean: float, served: int, sent: int) -> str:
    if _is_few(served, sent):
        return f"{style.number(served)} of {style.number(sent)}"
    return style.seconds(mean)


def _sentence_of(mean: float, served: int, sent: int) -> str:
    if served == sent:
        return style.seconds(mean)
    some = f"{style.number(served)} of {style.number(sent)} served"
    return some if _is_few(served, sent) else f"{style.seconds(mean)} ({some})"
