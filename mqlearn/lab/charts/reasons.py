"""The chart "reasons": dead letters counted by reason."""

from collections import Counter

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData
from mqlearn.lab.charts.bars import Bars
from mqlearn.lab.charts.base import Box, Chart, Predictions


class Reasons(Chart):
    """Dead letters counted by reason, the most frequent first."""

    name, min_height, stretch = "reasons", 92, 1.0

    def __init__(self, canvas: Canvas, box: Box) -> None:
        super().__init__(canvas, box)
        self.caption("dead letters by reason")
        self.bars = Bars(canvas, box, color=style.DEAD, above=True)
        self.none = canvas.text(box.x + 3, box.y + 33, "none", color=style.MUTED)

    def draw(self, run: ChartData, ghost: ChartData | None, predictions: Predictions) -> None:  # noqa: ARG002 -- every chart's
        was = self.counts(ghost) if ghost is not None else {}
        now = self.counts(run)
        # The baseline's reasons stay in the list, so that one which no longer occurs is shown as
        # zero.
        self.shown = {
            reason: now.get(reason, 0.0)
            for reason in sorted({**now, **was}, key=lambda r: (-now.get(r, 0), r))
        }
        self.none.visible = not self.shown
        self.bars.draw(self.shown, was, [f"{style.number(n)}" for n in self.shown.values()])

    def counts(self, run: ChartData) -> dict[str, float]:
        """Return the number of dead letters by reason, the most frequent first."""
        return {
            reason or "no reason given": float(n)
            for reason, n in Counter(run.dead_at_end).most_common()
        }

    def sentence(self, run: ChartData) -> str:
        counts = self.counts(run)
        if not counts:
            return "Dead letters by reason: none."
        return (
            "Dead letters by reason: "
            + ", ".join(f"{reason} {style.number(n)}" for reason, n in counts.items())
            + "."
        )
