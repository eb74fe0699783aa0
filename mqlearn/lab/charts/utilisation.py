"""The chart "utilisation": the share of the time that each worker is busy."""

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData
from mqlearn.lab.charts.bars import Bars
from mqlearn.lab.charts.base import Box, Chart, Predictions
from mqlearn.study.words import format_share


class Utilisation(Chart):
    """The share of the run that each worker spent in handlers; the dotted tick is the value of
    theory, the same for all workers.
    """

    name, takes_prediction, min_height, stretch = "utilisation", False, 92, 1.4

    def __init__(self, canvas: Canvas, box: Box) -> None:
        super().__init__(canvas, box)
        self.title = canvas.text(box.x, box.y + 11, size=style.SMALL, color=style.MUTED)
        self.bars = Bars(canvas, box, color=style.IN_FLIGHT, most=10, left=66, right=64)

    def draw(self, run: ChartData, ghost: ChartData | None, predictions: Predictions) -> None:  # noqa: ARG002 -- every chart's
        shares = run.busy
        expected = run.theory("utilisation")
        # if more work arrives than the workers can do, theory gives more than 1: the axis ends at 1
        theory = {} if expected is None else dict.fromkeys(shares, min(float(expected), 1.0))
        hidden = len(shares) - self.bars.most
        note = "" if expected is None else ", ┆ = theory"
        self.title.text = "share of time at work" + (
            f", {hidden} more not shown" if hidden > 0 else note
        )
        texts = [format_share(share) for share in shares.values()]
        self.bars.draw(
            shares, ghost.busy if ghost is not None else {}, texts, theory=theory, full=1.0
        )

    def sentence(self, run: ChartData) -> str:
        if not run.busy:
            return "Utilisation: no worker did anything."
        shares = list(run.busy.values())
        mean = sum(shares) / len(shares)
        one = "the only worker is" if len(shares) == 1 else f"{len(shares)} workers are"
        least, most = format_share(min(shares)), format_share(max(shares))
        spread = "" if len(shares) == 1 else f" on average, from {least} to {most}"
        if least == most and len(shares) > 1:
            spread = ", each of them"
        return f"Utilisation: {one} busy {format_share(mean)} of the time{spread}."
