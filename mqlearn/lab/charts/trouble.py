"""The shaded background of a chart over time during an outage of a service."""

import numpy as np
from matplotlib.collections import PolyCollection

from mqlearn.lab import style
from mqlearn.lab.chart_data import ChartData
from mqlearn.lab.charts.base import Timeline


class Trouble:
    """A shaded area from top to bottom for each outage of a run; with `named`, the kind of trouble
    is written on it.

    It must be made before the chart's other artists, so that these are drawn over it.
    """

    def __init__(self, chart: Timeline, *, named: bool = False) -> None:
        self.chart = chart
        place = chart.ax.get_xaxis_transform()
        self.shade = chart.canvas.moving(
            PolyCollection(
                [], transform=place, facecolor=style.TROUBLE, linewidth=0, antialiased=False
            )
        )
        chart.ax.add_collection(self.shade, autolim=False)
        self.label = chart.canvas.text(
            0, chart.box.y + chart.top + 14, color=style.TROUBLED, bold=True
        )
        self.named = named

    def draw(self, run: ChartData) -> None:
        """Shade the outages of `run`; the chart's x axis must show the run already."""
        spans = [span for span in run.context.outages if span[0] < run.until]
        corners = [np.array([(a, 0), (b, 0), (b, 1), (a, 1)]) for a, b in spans]
        self.shade.set_visible(bool(spans))
        self.shade.set_verts(corners)
        context = run.context
        named = f"{context.troubled} {context.trouble}" if spans and self.named else ""
        self.label.text = named
        if spans:
            box, (low, high) = self.chart.ax.get_position(), self.chart.ax.get_xlim()
            width = self.chart.canvas.width
            left = width * (box.x0 + box.width * (spans[0][0] - low) / (high - low)) + 4
            # Inside the chart, even if the outage begins at its right edge.
            self.label.x = min(
                left, width * box.x1 - self.chart.canvas.measure(self.label.text, bold=True)
            )
