"""The chart "charges": orders by how often their card was charged."""

from collections import Counter

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData
from mqlearn.lab.charts.bars import Bars
from mqlearn.lab.charts.base import Box, Chart, Predictions
from mqlearn.lab.charts.prediction_marks import BarMarks
from mqlearn.study.analysis.charges import order_of

NAMES = ("never", "once", "twice or more")


class Charges(Chart):
    """Orders by the number of charges to their card: never, once, twice or more.

    A prediction is a number of orders charged twice or more.
    """

    name, takes_prediction, min_height, stretch = "charges", True, 96, 0.4

    def __init__(self, canvas: Canvas, box: Box) -> None:
        super().__init__(canvas, box)
        self.caption("orders by how often their card was charged")
        self.bars = Bars(canvas, box, color=style.DONE, most=3, left=104, right=62, top=30)
        self.bars.bars.set_facecolor([style.LOST, style.DONE, style.AGAIN])
        self.marks = BarMarks(canvas, self.bars.ax)

    def draw(self, run: ChartData, ghost: ChartData | None, predictions: Predictions) -> None:
        values = self.counts(run)
        was = {} if ghost is None else self.counts(ghost)
        theory = getattr(run.run, "theory", {}).get("charges") or []
        texts = [style.number(values[name]) for name in NAMES]
        self.bars.draw(
            values,
            was,
            texts,
            theory=dict(zip(NAMES, theory, strict=False)),
            also=predictions.values,
        )
        self.marks.draw(predictions)

    def counts(self, run: ChartData) -> dict[str, float]:
        """Return the number of orders for each bar, by its name."""
        orders = {order_of(name) for name in run.jobs["message_id"].to_numpy()}
        # an order may have several messages: it is counted once, with all its charges
        counts = Counter(min(len(run.charges.get(order, ())), 2) for order in orders)
        return {name: float(counts[number]) for number, name in enumerate(NAMES)}

    def measured(self, run: ChartData) -> float | None:
        return self.counts(run)["twice or more"]

    def sentence(self, run: ChartData) -> str:
        counts = self.counts(run)
        return (
            "Orders by charges: "
            + ", ".join(f"{style.number(counts[name])} {name}" for name in NAMES)
            + "."
        )
