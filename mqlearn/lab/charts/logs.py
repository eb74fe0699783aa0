"""A log and its reader: what is kept of it, how far it is read, how the events fall on its
partitions.
"""

from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.collections import PolyCollection

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.charts.base import Box, Chart, Marks, Timeline, frameless, swatch
from mqlearn.lab.charts.marks import LevelMarks
from mqlearn.lab.view import Floats, View, thin
from mqlearn.study.analysis.logs import at

READ = "#9FD8C6"  # read, and still there
NEVER: dict[str, Any] = {"facecolor": "#F3C9A8", "hatch": "....", "edgecolor": style.LOST}
LEFT = 48  # as wide as "10,000"
MOST = 12  # partitions that are shown
INSTANTS = 400


class Offsets(Timeline):
    """One partition: the band from the log's start to its end, and the reader's line inside it, or
    below.
    """

    name, least, weight, left = "offsets", 128, 1.8, LEFT

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
            self.key(row, label, **look)
        self.ghost = canvas.moving(self.ax.plot([], [], color=style.GHOST, linewidth=4.4)[0])
        self.line = canvas.moving(self.ax.plot([], [], color=style.INK, linewidth=2.2)[0])
        self.skipped = canvas.moving(self.ax.plot([], [], color=style.LOST, linewidth=2.2)[0])
        self.where = canvas.text(
            self.label_x, box.y + self.top + 3 + 18 * 3 + 10.5, "━ the reader", bold=True
        )

    def draw(self, run: View, ghost: View | None, marks: Marks) -> None:  # noqa: ARG002 -- every chart's
        self.over_time(run, ghost)
        story = run.log
        self.ghost.set_visible(ghost is not None)
        if not story.partitions:
            self.title.text = "nothing was appended"
            for fill in self.fills:
                fill.set_verts([])
            self.line.set_data([], [])
            self.skipped.set_data([], [])
            return
        worst = story.worst()
        self.title.text = (
            f"offsets in partition {worst}: what the log holds, and where its reader is"
        )
        times = np.linspace(run.start, run.until, INSTANTS)
        start, end, position = (
            _values(table, worst, times) for table in (story.start, story.end, story.position)
        )
        self.up_to(float(end.max()))
        self.fills[0].set_verts(
            _between(times, start, np.maximum(np.minimum(position, end), start))
        )
        self.fills[1].set_verts(_between(times, np.maximum(start, position), end))
        self.fills[2].set_verts(_between(times, np.minimum(position, start), start))
        self.line.set_data(times, position)
        # a gap after each: pairs of one instant, from where to where
        jumps = story.jumps.get(worst, [])
        self.skipped.set_data(
            [time for time, *_ in jumps for _ in range(3)],
            [level for _, since, to in jumps for level in (since, to, np.nan)],
        )
        if ghost is not None and ghost.log.partitions:
            self.ghost.set_data(times, _values(ghost.log.position, ghost.log.worst(), times))

    def sentence(self, run: View) -> str:
        story = run.log
        if not story.partitions:
            return "Offsets: nothing was appended."
        p = story.worst()
        lost = f" Never read: {style.number(story.lost(p))}." if story.lost(p) else ""
        return (
            f"Offsets: partition {p} goes from {style.number(at(story.start, p))} to "
            f"{style.number(at(story.end, p))} at the end, its reader is at "
            f"{style.number(at(story.position, p))}.{lost}"
        )


class Lag(Timeline):
    """Events that are appended and not read yet: all, and those of the partition that has most of
    them at the end.
    """

    name, takes_marks, least, weight, left = "lag", True, 104, 1.2, LEFT

    def __init__(self, canvas: Canvas, box: Box, *, axis: bool) -> None:
        super().__init__(canvas, box, axis=axis)
        self.said = canvas.text(box.x, box.y + 11, size=style.SMALL, color=style.MUTED)
        self.ghost = self.steps(color=style.GHOST, linewidth=4.4)
        self.all = self.steps(color=style.WAITING, linewidth=3.6)
        self.most = self.steps(color="#0B5C8E", linewidth=1.8, linestyle=style.DASHED)
        self.labels = [canvas.text(0, 0, bold=True, va="center") for _ in range(2)]
        self.marks = LevelMarks(self)

    def draw(self, run: View, ghost: View | None, marks: Marks) -> None:
        self.over_time(run, ghost)
        story = run.log
        one = most_behind(run) if len(story.partitions) > 1 else None
        self.said.text = "lag: events appended and not read yet" + (
            "" if one is None else "; dashed: of the partition with most"
        )
        highest = [
            self._put(self.all, run, story.partitions),
            self._put(self.most, run, [] if one is None else [one]),
        ]
        self.most.set_visible(one is not None)
        self.ghost.set_visible(ghost is not None)
        if ghost is not None:
            highest.append(self._put(self.ghost, ghost, ghost.log.partitions))
        expected = run.theory("behind") or None  # a line at nothing would say nothing
        self.up_to(max([*highest, expected or 0, *marks.values]))
        total = self.measured(run)
        lag = 0 if one is None else story.lag(one)
        y = self.marks.height_of(total)
        below = max(self.marks.height_of(lag), y + 15)
        if below > (foot := self.marks.height_of(0) - 2) and one is not None:
            y, below = min(y, foot - 15), foot
        for label, text, height in zip(
            self.labels,
            (f"━ all {style.number(total)}", f"╌ no. {one}: {style.number(lag)}"),
            (y, below),
            strict=True,
        ):
            label.text, label.x, label.y = text, self.label_x, height
        self.labels[1].visible = one is not None
        self.marks.draw(marks, expected, [y] if one is None else [y, below])

    def _put(self, line: Any, run: View, partitions: list[int]) -> float:
        times, level = run.log.behind(*partitions)
        edges, values = thin(times, level[None, :], run.start, run.until, self.columns)
        line.set_data(edges, np.append(values[0], values[0][-1:]))
        return float(values.max()) if values.size else 0.0

    def measured(self, run: View) -> float:
        return float(sum(run.log.lag(p) for p in run.log.partitions))

    def sentence(self, run: View) -> str:
        one = most_behind(run)
        if one is None:
            return "Lag: nothing was appended."
        where = (
            f", {style.number(run.log.lag(one))} of them in partition {one}"
            if len(run.log.partitions) > 1
            else ""
        )
        return (
            f"Lag: {style.count(self.measured(run), 'event')} at the end{where}; "
            f"at most {style.number(run.log.behind(*run.log.partitions)[1].max())}."
        )


class Sizes(Chart):
    """A bar for each partition: how many of its events were read, never will be, and are not read
    yet.
    """

    name, wide, least, weight = "sizes", True, 112, 0.8

    def __init__(self, canvas: Canvas, box: Box) -> None:
        super().__init__(canvas, box)
        self.caption("events ever appended to each partition, its share")
        self.ax = canvas.axes(box.x + 10, box.y + 36, box.width - 20, box.height - 56)
        frameless(self.ax)
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

    def draw(self, run: View, ghost: View | None, marks: Marks) -> None:  # noqa: ARG002 -- every chart's
        story = run.log
        count = (
            getattr(run.run.scenario, "partitions", None) or max(story.partitions, default=0) + 1
        )
        table = [
            (story.read(p), story.lost(p), story.size(p)) if p in story.end else (0, 0, 0)
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

    def sentence(self, run: View) -> str:
        story = run.log
        sizes = {p: story.size(p) for p in story.partitions}
        if not sizes:
            return "Sizes: nothing was appended."
        largest = max(sizes, key=lambda p: sizes[p])
        total = sum(sizes.values())
        return (
            f"Sizes: partition {largest} has {style.number(sizes[largest])} of "
            f"{style.count(total, 'event')}, "
            f"{100 * sizes[largest] / total:.0f} %."
        )


def most_behind(run: View) -> int | None:
    """The partition with the greatest lag at the end."""
    return max(run.log.partitions, key=run.log.lag, default=None)


def _values(table: Any, partition: int, times: Floats) -> Floats:
    return np.array([at(table, partition, time) for time in times], dtype=float)


def _between(times: Floats, low: Floats, high: Floats) -> list[Any]:
    return [np.concatenate([np.column_stack([times, low]), np.column_stack([times, high])[::-1]])]


def _bar(p: int, low: float, high: float) -> list[tuple[float, float]]:
    return [(p - 0.36, low), (p - 0.36, high), (p + 0.36, high), (p + 0.36, low)]
