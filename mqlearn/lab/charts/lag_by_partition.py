"""The chart "lag_by_partition": the lag of a consumer group in each partition."""

from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.collections import PolyCollection

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData
from mqlearn.lab.charts.base import Box, Predictions
from mqlearn.lab.charts.partition_rows import MOST, PartitionRows
from mqlearn.lab.charts.steps import downsample


class LagByPartition(PartitionRows):
    """Events appended and not committed yet: a curve over time in a row for each partition, all
    with the same scale.
    """

    name, min_height, stretch = "lag_by_partition", 104, 1.2
    needs = ("appended",)

    def __init__(self, canvas: Canvas, box: Box, *, axis: bool) -> None:
        super().__init__(canvas, box, axis=axis)
        self.caption("lag of each partition: events appended and not committed, all to one scale")
        self.hills = canvas.moving(
            PolyCollection([], facecolor=style.WAITING, edgecolor="#0B5C8E", linewidth=0.8)
        )
        self.ax.add_collection(self.hills, autolim=False)
        self.numbers = [canvas.text(self.label_x, 0, va="center") for _ in range(MOST)]

    def draw(self, run: ChartData, ghost: ChartData | None, predictions: Predictions) -> None:  # noqa: ARG002 -- every chart's
        count, log = self.fit_rows(run, ghost), run.group.log
        box = self.ax.get_position()
        height, top = self.canvas.height * box.height, self.canvas.height * (1 - box.y1)
        found = {}
        for p in log.partitions:
            times, level = log.behind(p)
            found[p] = downsample(times, level[None, :], run.start, run.until, self.columns)
        most = max((float(values.max()) for _, values in found.values()), default=0.0) or 1.0
        hills: list[Any] = []
        for p, (edges, values) in found.items():
            base = p + 0.95  # rows count downwards: the foot of the curve is at its row's end
            # 0.85 of a row at most, so that the curves of two rows do not touch
            line = np.append(values[0], values[0][-1:]) / most * 0.85
            steps = [
                (x, base - y)
                for (x, y), (z, _) in pairwise(zip(edges, line, strict=True))
                for x in (x, z)
            ]
            hills.append([(edges[0], base), *steps, (edges[-1], base)])
        self.hills.set_verts(hills)
        for p, text in enumerate(self.numbers):
            text.text = ""
            if p < count:
                text.text, text.y = style.number(log.lag(p)), top + (p + 0.6) / count * height

    def sentence(self, run: ChartData) -> str:
        log = run.group.log
        ends = ", ".join(f"{p}: {log.lag(p):,}" for p in log.partitions)
        highest = max((float(log.behind(p)[1].max()) for p in log.partitions), default=0)
        return f"Lag: at most {highest:,.0f} in one partition; at the end {ends or 'nothing'}."
