"""The chart "offsets": the offsets that a log still holds, and the position of its reader."""

from typing import Any

import numpy as np
from matplotlib.collections import PolyCollection

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData, Floats
from mqlearn.lab.charts.base import Box, Predictions, Timeline
from mqlearn.study.analysis.logs import at

READ = "#9FD8C6"  # read, and still there
NEVER: dict[str, Any] = {"facecolor": "#F3C9A8", "hatch": "....", "edgecolor": style.LOST}
LEFT = 48  # pixels: as wide as "10,000"
INSTANTS = 400  # of the run's time at which offsets are read: more would not be seen


class Offsets(Timeline):
    """The partition with the greatest lag: a band from the log's start to its end over time, and a
    line for the reader's position.

    The line is inside the band, or below it if events were deleted before they were read.
    """

    name, min_height, stretch, left = "offsets", 128, 1.8, LEFT
    needs = ("appended",)

    def __init__(self, canvas: Canvas, box: Box, *, axis: bool) -> None:
        super().__init__(canvas, box, axis=axis)
        self.title = canvas.text(box.x, box.y + 11, size=style.SMALL, color=style.MUTED)
        looks: tuple[dict[str, Any], ...] = (
            {"facecolor": READ},
            {"facecolor": style.WAITING},
            NEVER,
        )
        self.fills = [
            canvas.moving(PolyCollection([], **{"linewidth": 0, **look})) for look in looks
        ]
        for fill in self.fills:
            self.ax.add_collection(fill, autolim=False)
        for row, (label, look) in enumerate(
            zip(
                ("not read yet", "read, kept", "never read"),
                (looks[1], looks[0], looks[2]),
                strict=True,
            )
        ):
            self.legend_entry(row, label, **look)
        self.ghost = canvas.moving(self.ax.plot([], [], color=style.GHOST, linewidth=4.4)[0])
        self.line = canvas.moving(self.ax.plot([], [], color=style.INK, linewidth=2.2)[0])
        self.skipped = canvas.moving(self.ax.plot([], [], color=style.LOST, linewidth=2.2)[0])
        self.where = canvas.text(
            self.label_x, box.y + self.top + 3 + 18 * 3 + 10.5, "━ the reader", bold=True
        )

    def draw(self, run: ChartData, ghost: ChartData | None, predictions: Predictions) -> None:  # noqa: ARG002 -- every chart's
        self.fit_time(run, ghost)
        log = run.log
        self.ghost.set_visible(ghost is not None)
        if not log.partitions:
            self.title.text = "nothing was appended"
            for fill in self.fills:
                fill.set_verts([])
            self.line.set_data([], [])
            self.skipped.set_data([], [])
            return
        worst = log.worst()
        self.title.text = (
            f"offsets in partition {worst}: what the log holds, and where its reader is"
        )
        times = np.linspace(run.start, run.until, INSTANTS)
        start, end, position = (
            _values(table, worst, times) for table in (log.start, log.end, log.position)
        )
        self.fit_height(float(end.max()))
        self.fills[0].set_verts(
            _between(times, start, np.maximum(np.minimum(position, end), start))
        )
        self.fills[1].set_verts(_between(times, np.maximum(start, position), end))
        self.fills[2].set_verts(_between(times, np.minimum(position, start), start))
        self.line.set_data(times, position)
        # A vertical stroke for each jump; NaN ends it, so that no line leads to the next one.
        jumps = log.jumps.get(worst, [])
        self.skipped.set_data(
            [time for time, *_ in jumps for _ in range(3)],
            [level for _, since, to in jumps for level in (since, to, np.nan)],
        )
        if ghost is not None and ghost.log.partitions:
            self.ghost.set_data(times, _values(ghost.log.position, ghost.log.worst(), times))

    def sentence(self, run: ChartData) -> str:
        log = run.log
        if not log.partitions:
            return "Offsets: nothing was appended."
        p = log.worst()
        lost = f" Never read: {style.number(log.lost(p))}." if log.lost(p) else ""
        return (
            f"Offsets: partition {p} goes from {style.number(at(log.start, p))} to "
            f"{style.number(at(log.end, p))} at the end, its reader is at "
            f"{style.number(at(log.position, p))}.{lost}"
        )


def _values(table: Any, partition: int, times: Floats) -> Floats:
    return np.array([at(table, partition, time) for time in times], dtype=float)


def _between(times: Floats, low: Floats, high: Floats) -> list[Any]:
    return [np.concatenate([np.column_stack([times, low]), np.column_stack([times, high])[::-1]])]
