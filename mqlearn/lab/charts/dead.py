"""Messages given up: when, how many, and of what."""

from collections import Counter

import numpy as np

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.charts.bars import Bars
from mqlearn.lab.charts.base import Box, Chart, Marks, Timeline
from mqlearn.lab.charts.marks import LevelMarks, spread
from mqlearn.lab.charts.trouble import Trouble
from mqlearn.lab.view import Floats, View


def staircase(times: Floats, start: float, end: float) -> tuple[Floats, Floats]:
    """How many of `times` have come by each instant: the corners of a staircase from `start` to
    `end`.
    """
    x = np.concatenate(([start], times, [end]))
    return x, np.append(np.arange(len(times) + 1), len(times))


class Dead(Timeline):
    """Dead letters so far, with a tick for each death; predictions and theory are levels to be
    reached.
    """

    name, takes_marks, least, weight = "dead", True, 76, 1.3

    def __init__(self, canvas: Canvas, box: Box, *, axis: bool) -> None:
        super().__init__(canvas, box, axis=axis)
        self.caption("dead letters so far; a tick each")
        ax = self.ax
        self.ghost = canvas.moving(
            ax.plot([], [], drawstyle="steps-post", color=style.GHOST, linewidth=1.8)[0]
        )
        self.line = canvas.moving(
            ax.plot([], [], drawstyle="steps-post", color=style.DEAD, linewidth=2.2, clip_on=False)[
                0
            ]
        )
        across = ax.get_xaxis_transform()
        self.ticks = canvas.moving(
            ax.plot(
                [],
                [],
                linestyle="",
                marker="|",
                markersize=9,
                markeredgewidth=1.2,
                color=style.DEAD,
                transform=across,
            )[0]
        )
        self.total = canvas.text(0, 0, size=style.TITLE, bold=True, va="center")
        self.ghost_total = canvas.text(0, 0, color=style.GHOST, bold=True, va="center")
        self.marks = LevelMarks(self)

    def draw(self, run: View, ghost: View | None, marks: Marks) -> None:
        self.over_time(run, ghost)
        times, expected = run.dead[0], run.theory("dead")
        was = ghost.dead[0] if ghost is not None else None
        self.up_to(
            max([len(times) * 1.02, 0 if was is None else len(was), expected or 0, *marks.values])
        )
        self.line.set_data(*staircase(times, run.start, run.until))
        self.ticks.set_data(times, np.full(len(times), 0.06))
        self.total.text = f"{style.number(len(times))} dead"
        y = self.marks.height_of(len(times))
        self.total.x, self.total.y = self.label_x, y
        taken = [y - 1, y + 1]
        self.ghost.set_visible(was is not None)
        self.ghost_total.visible = was is not None
        if ghost is not None and was is not None:
            self.ghost.set_data(*staircase(was, ghost.start, ghost.until))
            self.ghost_total.text = f"{style.number(len(was))} baseline"
            low = spread(self.marks.height_of(len(was)), taken, 16)
            taken.append(low)
            self.ghost_total.x, self.ghost_total.y = self.label_x, low
        self.marks.draw(marks, expected, taken)

    def measured(self, run: View) -> float | None:
        return float(len(run.dead[0]))

    def sentence(self, run: View) -> str:
        return told(run)


def told(run: View) -> str:
    """How many messages died, when the first did, and of what."""
    times, reasons = run.dead
    if not len(times):
        return "Dead letters: none."
    why = ", ".join(
        f"{style.number(n)} {reason or 'no reason given'}"
        for reason, n in Counter(reasons).most_common(3)
    )
    first = f"the first at {style.seconds(times[0])}"
    return f"Dead letters: {style.number(len(times))}, {first} ({why})."


class DeadLetterTicks(Timeline):
    """A tick for each dead letter, the baseline's in grey below them, and how many there are."""

    name, least, weight = "dead_letter_ticks", 54, 0.05

    def __init__(self, canvas: Canvas, box: Box, *, axis: bool) -> None:
        super().__init__(canvas, box, axis=axis)
        self.caption("dead letters, a tick each")
        self.trouble = Trouble(self)
        self.ax.spines[:].set_visible(False)
        self.x_ticks.hide()
        place = self.ax.get_xaxis_transform()
        self.rows = []
        for color, size in ((style.DEAD, 13), (style.GHOST, 9)):
            ticks = self.ax.plot(
                [],
                [],
                linestyle="",
                marker="|",
                markersize=size,
                markeredgewidth=1.4,
                color=color,
                transform=place,
            )[0]
            self.rows.append(canvas.moving(ticks))
        y = box.y + self.top
        self.total = canvas.text(self.label_x, y + 11, size=style.TITLE, bold=True)
        self.ghost_total = canvas.text(self.label_x, y + 26, color=style.GHOST, bold=True)

    def draw(self, run: View, ghost: View | None, marks: Marks) -> None:  # noqa: ARG002 -- every chart's
        self.over_time(run, ghost)
        self.trouble.draw(run)
        now, was = run.dead[0], None if ghost is None else ghost.dead[0]
        for row, times, height in zip(self.rows, (now, was), (0.68, 0.2), strict=True):
            row.set_data(
                [] if times is None else times, [] if times is None else np.full(len(times), height)
            )
        self.total.text = f"{style.number(len(now))} dead"
        self.ghost_total.text = "" if was is None else f"{style.number(len(was))} baseline"

    def sentence(self, run: View) -> str:
        return told(run)


class Reasons(Chart):
    """Dead letters counted by reason, the most frequent first."""

    name, least, weight = "reasons", 92, 1.0

    def __init__(self, canvas: Canvas, box: Box) -> None:
        super().__init__(canvas, box)
        self.caption("dead letters by reason")
        self.bars = Bars(canvas, box, color=style.DEAD, above=True)
        self.none = canvas.text(box.x + 3, box.y + 33, "none", color=style.MUTED)

    def draw(self, run: View, ghost: View | None, marks: Marks) -> None:  # noqa: ARG002 -- every chart's
        was = self.counts(ghost) if ghost is not None else {}
        now = self.counts(run)
        # The baseline's reasons stay in the list, so that one mended shows as zero.
        self.shown = {
            reason: now.get(reason, 0.0)
            for reason in sorted({**now, **was}, key=lambda r: (-now.get(r, 0), r))
        }
        self.none.visible = not self.shown
        self.bars.draw(self.shown, was, [f"{style.number(n)}" for n in self.shown.values()])

    def counts(self, run: View) -> dict[str, float]:
        return {
            reason or "no reason given": float(n)
            for reason, n in Counter(run.dead[1]).most_common()
        }

    def sentence(self, run: View) -> str:
        counts = self.counts(run)
        if not counts:
            return "Dead letters by reason: none."
        return (
            "Dead letters by reason: "
            + ", ".join(f"{reason} {style.number(n)}" for reason, n in counts.items())
            + "."
        )
