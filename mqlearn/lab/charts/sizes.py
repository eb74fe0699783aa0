"""The chart "sizes": the number of a log's events in each partition."""

from itertools import pairwise
from typing import Any

from matplotlib.collections import PolyCollection

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData
from mqlearn.lab.charts.base import Box, Chart, Predictions, remove_bottom_spine, swatch
from mqlearn.lab.charts.offsets import NEVER

MOST = 12  # partitions that are shown


class Sizes(Chart):
    """A bar for each partition: its events that have been read, that will never be read, and that
    are not read yet.
    """

    name, full_row, min_height, stretch = "sizes", True, 112, 0.8
    needs = ("appended",)

    def __init__(self, canvas: Canvas, box: Box) -> None:
        super().__init__(canvas, box)
        self.caption("events ever appended to each partition, its share")
        self.ax = canvas.axes(box.x + 10, box.y + 36, box.width - 20, box.height - 56)
        remove_bottom_spine(self.ax)
        self.ax.spines[["left"]].set_visible(False)
        looks: tuple[dict[str, Any], ...] = (
            {"facecolor": style.DONE},
            NEVER,
            {"facecolor": style.WAITING},
        )
        for x, label, look in zip(
            (232, 180, 92), ("read", "never read", "not read yet"), looks, strict=True
        ):
            swatch(canvas, box.x + box.width - x, box.y + 2, width=11, height=10, **look)
            canvas.text(
                box.x + box.width - x + 15, box.y + 11, label, size=style.SMALL, color=style.MUTED
            )
        self.fills = [
            canvas.moving(PolyCollection([], **{"linewidth": 0, **look})) for look in looks
        ]
        for fill in self.fills:
            self.ax.add_collection(fill, autolim=False)
        self.labels = [canvas.text(0, 0, ha="center") for _ in range(MOST)]
        self.names = [canvas.text(0, 0, ha="center") for _ in range(MOST)]

    def draw(self, run: ChartData, ghost: ChartData | None, predictions: Predictions) -> None:  # noqa: ARG002 -- every chart's
        log = run.log
        count = getattr(run.scenario, "partitions", None) or max(log.partitions, default=0) + 1
        table = [
            (log.read(p), log.lost(p), log.size(p)) if p in log.end else (0, 0, 0)
            for p in range(count)
        ]
        sizes = [row[2] for row in table]
        total, top = sum(sizes) or 1, max(sizes) or 1
        self.ax.set_xlim(-0.5, count - 0.5)
        self.ax.set_ylim(0, top)
        verts: list[list[Any]] = [[], [], []]
        for p, (read, lost, size) in enumerate(table):
            bounds = (0, read, min(read + lost, size), size)
            for row, (low, high) in enumerate(pairwise(bounds)):
                if high > low:
                    verts[row].append(_bar(p, low, high))
        for fill, those in zip(self.fills, verts, strict=True):
            fill.set_verts(those)
        box = self.ax.get_position()
        for p, (label, name) in enumerate(zip(self.labels, self.names, strict=True)):
            label.text = name.text = ""
            if p < count:
                label.x = name.x = self.canvas.width * (box.x0 + (p + 0.5) / count * box.width)
                label.y = self.canvas.height * (1 - box.y0 - sizes[p] / top * box.height) - 4
                name.y = self.canvas.height * (1 - box.y0) + 15
                short = count > 6
                label.text = (
                    f"{100 * sizes[p] / total:.0f} %"
                    if short
                    else (f"{style.number(sizes[p])} · {100 * sizes[p] / total:.0f} %")
                )
                name.text = str(p) if short else f"partition {p}"

    def sentence(self, run: ChartData) -> str:
        log = run.log
        sizes = {p: log.size(p) for p in log.partitions}
        if not sizes:
            return "Sizes: nothing was appended."
        largest = max(sizes, key=lambda p: sizes[p])
        total = sum(sizes.values())
        return (
            f"Sizes: partition {largest} has {style.number(sizes[largest])} of "
            f"{style.count(total, 'event')}, "
            f"{100 * sizes[largest] / total:.0f} %."
        )


def _bar(p: int, low: float, high: float) -> list[tuple[float, float]]:
    return [(p - 0.36, low), (p - 0.36, high), (p + 0.36, high), (p + 0.36, low)]
