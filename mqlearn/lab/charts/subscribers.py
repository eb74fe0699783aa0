"""What each subscriber heard: how far behind it is, what became of its messages, in which order
they came.
"""

from typing import Any

import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.lines import Line2D

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.charts.base import Box, Chart, Marks, Ticks, Timeline, frameless
from mqlearn.lab.charts.marks import LevelMarks
from mqlearn.lab.glyphs import Label
from mqlearn.lab.view import Floats, View, thin
from mqlearn.study.analysis.fan_outs import OUTCOMES

MOST = 4  # subscribers that are shown
FEW = 3  # that is enough for most pictures
SAMPLE = 16  # pixels of a line before its name
# Shades of waiting's blue, for it is messages that wait; the kind of line tells them apart, and the
# name at its end.
LINES: tuple[dict[str, Any], ...] = (
    {"color": "#8CCBF0", "linewidth": 6.0},
    {"color": "#3E9AD3", "linewidth": 3.4, "linestyle": style.DASHED},
    {"color": "#0B5C8E", "linewidth": 2.2},
    {"color": style.INK, "linewidth": 1.6, "linestyle": style.DOTTED},
)
LOOKS: dict[str, dict[str, Any]] = {
    "heard": {"facecolor": style.DONE},
    "late": {"facecolor": "#9FD8C6", "hatch": "\\\\\\\\\\", "edgecolor": style.INK},
    "dead": {"facecolor": style.DEAD},
    "lost": {"facecolor": style.LOST},
    "behind": {"facecolor": style.WAITING},
}
WORDS = {"heard": "heard", "late": "late", "dead": "dead", "lost": "lost", "behind": "behind"}


class SubscriberLag(Timeline):
    """Messages that each subscriber has not heard yet, a line each; a prediction is of the slowest
    at the end.
    """

    name, takes_marks, least, weight = "subscriber_lag", True, 110, 1.6
    right = 132  # "parcel 3,600" behind its piece of line

    def __init__(self, canvas: Canvas, box: Box, *, axis: bool) -> None:
        super().__init__(canvas, box, axis=axis)
        self.caption("messages due and not heard yet, by subscriber")
        self.ghosts = [self.steps(color=style.GHOST, linewidth=4.4) for _ in range(MOST)]
        self.lines = [self.steps(**look) for look in LINES]
        self.samples = [self._sample(**look) for look in LINES]
        self.labels = [canvas.text(0, 0, bold=True, va="center") for _ in range(MOST)]
        self.marks = LevelMarks(self)
        self.rest = rest(self)

    def _sample(self, **look: Any) -> Line2D:
        """A piece of line before its name: lines that end at one height are told apart by it."""
        if look.get("linestyle") == style.DASHED:
            look["linestyle"] = (0, (1.4, 0.9))  # two dashes, where the line itself would show one
        line = Line2D(
            [], [], transform=self.canvas.figure.transFigure, solid_capstyle="butt", **look
        )
        self.canvas.figure.add_artist(line)
        return self.canvas.moving(line)

    def draw(self, run: View, ghost: View | None, marks: Marks) -> None:
        self.over_time(run, ghost)
        highest = [self._put(self.lines, run)] + ([self._put(self.ghosts, ghost)] if ghost else [])
        for line in self.ghosts:
            line.set_visible(ghost is not None)
        expected = run.theory("behind")
        self.up_to(max([*highest, expected or 0, *marks.values]))
        names = run.fan_out.names
        self.rest.text = left_out(names, MOST)
        ends = sorted(
            (run.fan_out.at_end(name), name, line) for line, name in enumerate(names[:MOST])
        )
        taken: list[float] = []
        # from the lowest up, so that none runs into the axis' labels
        for row, label in enumerate(self.labels):
            label.text = f"{ends[row][1]} {style.number(ends[row][0])}" if row < len(ends) else ""
            if row < len(ends):
                y = self.marks.height_of(ends[row][0])
                label.x, label.y = (
                    self.label_x + SAMPLE + 4,
                    min([y, *(other - 15 for other in taken)]),
                )
                taken.append(label.y)
                width, height = self.canvas.width, self.canvas.height
                self.samples[ends[row][2]].set_data(
                    [self.label_x / width, (self.label_x + SAMPLE) / width],
                    [1 - label.y / height] * 2,
                )
        for row, sample in enumerate(self.samples):
            sample.set_visible(row < len(ends))
        self.marks.draw(marks, expected, taken)

    def _put(self, lines: list[Any], run: View) -> float:
        """Bring the lines up to date; how high they reach."""
        highest = 0.0
        names = run.fan_out.names
        for row, line in enumerate(lines):
            edges, values = np.zeros(0), np.zeros((1, 0))
            if row < len(names):
                times, level = run.fan_out.behind(names[row])
                edges, values = thin(times, level[None, :], run.start, run.until, self.columns)
                highest = max(highest, float(values.max()))
            line.set_data(edges, np.append(values[0], values[0][-1:]))
        return highest

    def measured(self, run: View) -> float | None:
        return float(max((run.fan_out.at_end(name) for name in run.fan_out.names), default=0))

    def sentence(self, run: View) -> str:
        story = run.fan_out
        said = []
        for name in story.names:
            level = story.behind(name)[1]
            most = (
                f" (at most {style.number(level.max())})"
                if level.max() > story.at_end(name)
                else ""
            )
            said.append(f"{name} {style.number(story.at_end(name))}{most}")
        return (
            f"Behind at the end: {', '.join(said)}."
            if said
            else "Behind: nobody was to hear of anything."
        )


class Outcomes(Chart):
    """A bar for each subscriber, of what became of its messages: heard in order or late, dead,
    lost, behind.
    """

    name, wide, least, weight = "outcomes", True, 106, 0.6

    def __init__(self, canvas: Canvas, box: Box) -> None:
        super().__init__(canvas, box)
        canvas.text(
            box.x,
            box.y + 15,
            "what became of each subscriber's messages",
            size=style.SMALL,
            # a little lower than others have it, clear of a time axis above
            color=style.MUTED,
        )
        self.ax = canvas.axes(box.x + 60, box.y + 21, box.width - 70, box.height - 25)
        frameless(self.ax)
        self.ax.spines[["left"]].set_visible(False)
        self.fills = {
            fate: canvas.moving(PolyCollection([], **{"linewidth": 0, **look}))
            for fate, look in LOOKS.items()
        }
        for fill in self.fills.values():
            self.ax.add_collection(fill, autolim=False)
        self.names = [canvas.text(box.x + 54, 0, ha="right", va="center") for _ in range(MOST)]
        self.said = [canvas.text(box.x + 61, 0, va="center") for _ in range(MOST)]
        self.rest = rest(self, 15)

    def draw(self, run: View, ghost: View | None, marks: Marks) -> None:  # noqa: ARG002 -- every chart's
        names = run.fan_out.names[:MOST]
        self.rest.text = left_out(run.fan_out.names, MOST)
        table = [run.fan_out.outcomes(name) for name in names]
        rows = max(FEW, len(names))
        self.ax.set_ylim(rows - 0.5, -0.5)
        pitch = (self.box.height - 25) / rows
        self.ax.set_xlim(0, max([sum(row.values()) for row in table], default=1) or 1)
        left = np.zeros(len(names))
        for fate in OUTCOMES:
            width = np.array([row[fate] for row in table], dtype=float)
            self.fills[fate].set_verts(
                [
                    _bar(row, left[row], left[row] + width[row])
                    for row in range(len(names))
                    if width[row]
                ]
            )
            left = left + width
        for row, (name, said) in enumerate(zip(self.names, self.said, strict=True)):
            name.y, said.y = (self.box.y + 21 + pitch * (row + share) for share in (0.72, 0.28))
            name.text = names[row] if row < len(names) else ""
            said.text = told(table[row]) if row < len(names) else ""

    def sentence(self, run: View) -> str:
        story = run.fan_out
        said = "; ".join(f"{name} {told(story.outcomes(name))}" for name in story.names)
        return f"Fates: {said}." if said else "Fates: nobody was to hear of anything."


class Overtaking(Chart):
    """For each subscriber a point for each message it heard: by how many later ones it was
    overtaken.
    """

    name, wide, least, weight = "overtaking", True, 112, 0.8

    def __init__(self, canvas: Canvas, box: Box) -> None:
        super().__init__(canvas, box)
        self.caption(
            "each message heard, in the order of occurrence: by how many later ones overtaken"
        )
        self.over = 1.0
        width = (box.width - 44) / FEW
        self.axes = [
            canvas.axes(box.x + 42 + row * width, box.y + 36, width - 30, box.height - 58)
            for row in range(FEW)
        ]
        self.ticks = [(Ticks(canvas, ax, "x"), Ticks(canvas, ax, "y")) for ax in self.axes]
        self.points = [
            canvas.moving(
                ax.plot(
                    [],
                    [],
                    marker="o",
                    markersize=3.4,
                    markeredgewidth=0,
                    linestyle="",
                    color=style.DONE,
                    clip_on=False,
                )[0]
            )
            for ax in self.axes
        ]
        self.titles = [
            canvas.text(box.x + 42 + row * width, box.y + 29, bold=True, size=style.SMALL)
            for row in range(FEW)
        ]
        self.rest = rest(self)

    def draw(self, run: View, ghost: View | None, marks: Marks) -> None:  # noqa: ARG002 -- every chart's
        story = run.fan_out
        names = story.names[:FEW]
        self.rest.text = left_out(story.names, FEW)
        points = [story.overtaken(name) for name in names]
        many = max([len(story.occurred[name]) for name in names], default=1) + 1.0
        self.over = style.nice_top(
            max([1.0, *(float(by.max()) for _, by in points if len(by))]), self.over
        )
        for row, ax in enumerate(self.axes):
            ax.set_xlim(0, many)
            ax.set_ylim(0, self.over)
            x, y = self.ticks[row]
            x.put([(1.0, "1"), (many - 1, style.number(many - 1))])
            y.put([(0.0, "0"), (self.over, style.number(self.over))] if row == 0 else [])
            self.points[row].set_data(*(points[row] if row < len(names) else ([], [])))
            self.titles[row].text = (
                f"{names[row]}: {_order(*points[row])}" if row < len(names) else ""
            )

    def sentence(self, run: View) -> str:
        story = run.fan_out
        said = ", ".join(f"{name} {_order(*story.overtaken(name))}" for name in story.names)
        return f"Order: {said}." if said else "Order: nobody was to hear of anything."


def rest(chart: Chart, down: float = 11) -> Label:
    """Where a chart says whom it leaves out: at the right of its caption."""
    box = chart.box
    return chart.canvas.text(
        box.x + box.width - 2, box.y + down, size=style.SMALL, color=style.MUTED, ha="right"
    )


def left_out(names: list[str], shown: int) -> str:
    """Whom a chart leaves out that has room for so many."""
    return f"{shown} of {len(names)} shown" if len(names) > shown else ""


def _order(occurred: Floats, by: Floats) -> str:
    late = int(np.sum(by > 0))
    return (
        "heard nothing"
        if not len(occurred)
        else f"{style.number(late)} overtaken"
        if late
        else "in order"
    )


def told(fates: dict[str, int]) -> str:
    """The fates that occur, in words."""
    return (
        ", ".join(f"{style.number(fates[fate])} {WORDS[fate]}" for fate in OUTCOMES if fates[fate])
        or "nothing"
    )


def _bar(row: int, left: float, right: float) -> Floats:
    return np.array(
        [(left, row + 0.06), (right, row + 0.06), (right, row + 0.40), (left, row + 0.40)]
    )
