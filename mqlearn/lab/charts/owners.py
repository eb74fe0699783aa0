"""A consumer group: who owns which partition, how far each is behind, what was done twice or
never.
"""

from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
from matplotlib.collections import PolyCollection

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.charts.base import Box, Marks, Timeline
from mqlearn.lab.charts.marks import LevelMarks
from mqlearn.lab.view import View, thin

# Members have no place in the palette of messages: pale shades of it, each with its letter.
SHADES = ("#8CCBF0", "#F8DCA3", "#9FD8C6", "#E3BFD4", "#F3C9A8", "#D9D9D9", "#F6F0A0", "#B9C6E8")
LETTERS_SHOWN = 60
MOST = 8  # partitions whose numbers are written
NAMED = 3  # members, or silences, that are told one by one


class Rows(Timeline):
    """A row for each partition, the first on top."""

    def _rows(self, run: View, ghost: View | None) -> int:
        self.over_time(run, ghost)
        count = max(run.group.log.partitions, default=0) + 1
        if self.ax.get_ylim() != (count, 0):
            self.ax.set_ylim(count, 0)
        self.y_ticks.put([(p + 0.5, str(p)) for p in range(min(count, MOST))])
        return count


class Owners(Rows):
    """Who owns each partition when: a ribbon for each, in the member's shade, with its letter;
    nobody's is white.

    Hatched is what a member owns that has died, or stands still, and was not yet found out.
    """

    name, least, weight = "owners", 104, 1.2

    def __init__(self, canvas: Canvas, box: Box, *, axis: bool) -> None:
        super().__init__(canvas, box, axis=axis)
        self.caption("owner of each partition; hatched: the owner is silent; white: nobody's")
        self.ribbons = [
            canvas.moving(PolyCollection([], facecolor=shade, edgecolor=style.INK, linewidth=0.6))
            for shade in SHADES
        ]
        self.silent = canvas.moving(
            PolyCollection(
                [], facecolor=(1, 1, 1, 0.5), edgecolor=style.MUTED, linewidth=0, hatch="////"
            )
        )
        for ribbon in (*self.ribbons, self.silent):
            self.ax.add_collection(ribbon, autolim=False)
        self.letters = [
            canvas.text(0, 0, ha="center", va="center", bold=True) for _ in range(LETTERS_SHOWN)
        ]
        self.said = [
            canvas.text(self.label_x, box.y + self.top + 12 + 16 * row) for row in range(3)
        ]

    def draw(self, run: View, ghost: View | None, marks: Marks) -> None:  # noqa: ARG002 -- every chart's
        count, story = self._rows(run, ghost), run.group
        box, (low, high) = self.ax.get_position(), self.ax.get_xlim()
        width, height = self.canvas.width * box.width, self.canvas.height * box.height
        left, top = self.canvas.width * box.x0, self.canvas.height * (1 - box.y1)
        shown = []
        for number, ribbon in enumerate(self.ribbons):
            mine = [
                owned
                for owned in story.owned
                if story.members.index(owned.member) % len(SHADES) == number
            ]
            ribbon.set_verts([_corners(owned) for owned in mine])
            shown += [o for o in mine if (o.end - o.start) / (high - low) * width > 13]
        self.silent.set_verts([_corners(owned) for owned in story.silent])
        for text, owned in zip(
            self.letters, [*shown[:LETTERS_SHOWN], *[None] * LETTERS_SHOWN], strict=False
        ):
            text.text = "" if owned is None else owned.member
            if owned is not None:
                text.x = left + ((owned.start + owned.end) / 2 - low) / (high - low) * width
                text.y = top + (owned.partition + 0.5) / count * height
        idle = [
            member
            for member in story.members
            if member not in {owned.member for owned in story.owned}
        ]
        lines = [
            style.count(len(story.members), "member"),
            style.count(story.generations, "generation"),
            f"idle: {', '.join(idle) if len(idle) <= NAMED else len(idle)}" if idle else "",
        ]
        for text, line in zip(self.said, lines, strict=True):
            text.text = line

    def sentence(self, run: View) -> str:
        story = run.group
        if not story.owned:
            return "Owners: nobody owned a partition."
        last = {owned.partition: owned.member for owned in story.owned if owned.end >= run.until}
        now = ", ".join(
            f"{p}: {last.get(p, 'nobody')}"
            for p in range(max(o.partition for o in story.owned) + 1)
        )
        fell = ", ".join(f"{who} falls silent at {style.seconds(time)}" for who, time in story.fell)
        if len(story.fell) > NAMED:
            fell = f"{len(story.fell)} times one falls silent"
        return (
            f"Owners: {style.count(len(story.members), 'member')}, "
            f"{style.count(story.generations, 'generation')}; "
            f"{fell}{'; ' if fell else ''}at the end {now}."
        )


def _corners(owned: Any) -> list[tuple[float, float]]:
    """The ribbon of one stretch."""
    top, bottom = owned.partition + 0.1, owned.partition + 0.9
    return [(owned.start, top), (owned.end, top), (owned.end, bottom), (owned.start, bottom)]


class LagByPartition(Rows):
    """Events of each partition that are appended and not committed: a hill for each, all to one
    scale.
    """

    name, least, weight = "lag_by_partition", 104, 1.2

    def __init__(self, canvas: Canvas, box: Box, *, axis: bool) -> None:
        super().__init__(canvas, box, axis=axis)
        self.caption("lag of each partition: events appended and not committed, all to one scale")
        self.hills = canvas.moving(
            PolyCollection([], facecolor=style.WAITING, edgecolor="#0B5C8E", linewidth=0.8)
        )
        self.ax.add_collection(self.hills, autolim=False)
        self.said = [canvas.text(self.label_x, 0, va="center") for _ in range(MOST)]

    def draw(self, run: View, ghost: View | None, marks: Marks) -> None:  # noqa: ARG002 -- every chart's
        count, log = self._rows(run, ghost), run.group.log
        box = self.ax.get_position()
        height, top = self.canvas.height * box.height, self.canvas.height * (1 - box.y1)
        found = {}
        for p in log.partitions:
            times, level = log.behind(p)
            found[p] = thin(times, level[None, :], run.start, run.until, self.columns)
        most = max((float(values.max()) for _, values in found.values()), default=0.0) or 1.0
        hills: list[Any] = []
        for p, (edges, values) in found.items():
            base = p + 0.95
            line = np.append(values[0], values[0][-1:]) / most * 0.85
            steps = [
                (x, base - y)
                for (x, y), (z, _) in pairwise(zip(edges, line, strict=True))
                for x in (x, z)
            ]
            hills.append([(edges[0], base), *steps, (edges[-1], base)])
        self.hills.set_verts(hills)
        for p, text in enumerate(self.said):
            text.text = ""
            if p < count:
                text.text, text.y = style.number(log.lag(p)), top + (p + 0.6) / count * height

    def sentence(self, run: View) -> str:
        log = run.group.log
        ends = ", ".join(f"{p}: {log.lag(p):,}" for p in log.partitions)
        highest = max((float(log.behind(p)[1].max()) for p in log.partitions), default=0)
        return f"Lag: at most {highest:,.0f} in one partition; at the end {ends or 'nothing'}."


class Repeats(Timeline):
    """Effects that were made again, and events that never had one, counted up; a prediction is of
    both together.
    """

    name, takes_marks, least, weight = "repeats", True, 92, 0.8
    counted: ClassVar[str] = "done again, and lost, so far"
    words: ClassVar[tuple[str, str]] = ("again", "lost")

    def __init__(self, canvas: Canvas, box: Box, *, axis: bool) -> None:
        super().__init__(canvas, box, axis=axis)
        self.caption(self.counted)
        self.ghosts = [self.steps(color=style.GHOST, linewidth=4.4) for _ in range(2)]
        self.lines = [
            self.steps(color=style.AGAIN, linewidth=3.4),
            self.steps(color=style.LOST, linewidth=2.2, linestyle=style.DASHED),
        ]
        self.labels = [canvas.text(0, 0, bold=True, va="center") for _ in range(2)]
        self.marks = LevelMarks(self)

    def draw(self, run: View, ghost: View | None, marks: Marks) -> None:
        self.over_time(run, ghost)
        for line in self.ghosts:
            line.set_visible(ghost is not None)
        counts = self._put(self.lines, run)
        highest = counts + (self._put(self.ghosts, ghost) if ghost is not None else [])
        self.up_to(max([*highest, *marks.values]))
        heights = [self.marks.height_of(count) for count in counts]
        if abs(heights[0] - heights[1]) < 16:
            upper = min(*heights, self.marks.height_of(0) - 16)
            heights = [upper, upper + 16] if counts[0] >= counts[1] else [upper + 16, upper]
        said = [
            f"{sign} {word} {count:,}"
            for sign, word, count in zip("━╌", self.words, counts, strict=True)
        ]
        for label, text, height in zip(self.labels, said, heights, strict=True):
            label.text, label.x, label.y = text, self.label_x, height
        self.marks.draw(marks, None, heights)

    def _put(self, lines: list[Any], run: View) -> list[int]:
        found = self.found(run)
        for line, times in zip(lines, found, strict=True):
            line.set_data(
                [run.start, *times, run.until], [0, *range(1, len(times) + 1), len(times)]
            )
        return [len(times) for times in found]

    def found(self, run: View) -> tuple[list[float], list[float]]:
        """When something was done again, and when something was lost (s)."""
        return run.group.again, run.group.lost

    def measured(self, run: View) -> float:
        return float(run.group.twice + len(run.group.lost))

    def sentence(self, run: View) -> str:
        story = run.group
        lost = style.count(len(story.lost), "event")
        return f"Repeats: {style.count(len(story.again), 'effect')} made again; {lost} lost."
