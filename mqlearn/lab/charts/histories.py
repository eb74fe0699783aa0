"""Orders out of their events: what happened to each, which change has no event or several, what an
answer costs.
"""

from typing import Any

from matplotlib.collections import PolyCollection
from matplotlib.patches import Rectangle

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.charts.base import Box, Marks, Timeline
from mqlearn.lab.charts.owners import Repeats
from mqlearn.lab.view import View
from mqlearn.study.analysis.histories import TracedChange, by_database, by_events
from mqlearn.study.changes import FINAL, HOUR, STATES, clock

# An order is no message: pale shades of its own, and the word itself where there is room.
SHADE = {
    "pending": "#D9D9D9",
    "paid": "#F8DCA3",
    "packed": "#8CCBF0",
    "shipped": "#E3BFD4",
    "delivered": "#9FD8C6",
    "cancelled": "#8A8A8A",
    "due": "#D9D9D9",
    "in the air": "#8CCBF0",
    "arrived": "#9FD8C6",
    "diverted": "#F8DCA3",
}
MOST = 6  # orders that are shown
WORDS = 4 * MOST


class Histories(Timeline):
    """A ribbon for each of a few orders, in the shade of its state by its events, and what it is at
    the hour asked.
    """

    name, least, weight, top = "histories", 154, 2.0, 38

    def __init__(self, canvas: Canvas, box: Box, *, axis: bool) -> None:
        super().__init__(canvas, box, axis=axis)
        self.title = canvas.text(box.x, box.y + 11, size=style.SMALL, color=style.MUTED)
        self.ribbons = {
            state: canvas.moving(
                PolyCollection([], facecolor=shade, edgecolor=style.INK, linewidth=0.5)
            )
            for state, shade in SHADE.items()
        }
        self.later = canvas.moving(
            PolyCollection([], facecolor=style.PAPER, alpha=0.6, linewidth=0)
        )
        for layer in (*self.ribbons.values(), self.later):
            self.ax.add_collection(layer, autolim=False)
        self.dots = self._marks(style.INK, "o", 4.5)
        self.coming = self._marks(
            style.GHOST, "o", 4.5, markerfacecolor=style.PAPER, markeredgewidth=1.0
        )
        self.twice = self._marks(
            style.AGAIN, "D", 6.5, markeredgecolor=style.INK, markeredgewidth=0.8
        )
        self.silent = self._marks(style.LOST, "x", 7.5, markeredgewidth=2.2)
        self.asked = canvas.moving(self.ax.axvline(0, color=style.INK, linewidth=2.0))
        self.words = [
            canvas.text(0, 0, size=style.SMALL, va="center", ha="center") for _ in range(WORDS)
        ]
        self.names = [
            canvas.text(box.x + self.left - 3, 0, size=6.8, va="center", ha="right")
            for _ in range(MOST)
        ]
        self.then = [canvas.text(self.label_x, 0, va="center") for _ in range(MOST)]
        self.keys = [
            (self._swatch(), canvas.text(0, box.y + 27.5, size=style.SMALL)) for _ in range(6)
        ]
        self.signs = [
            canvas.text(0, box.y + 27.5, size=style.SMALL, color=color, bold=True)
            for color in (style.LOST, style.AGAIN)
        ]
        self.ax.set_ylim(MOST, 0)

    def _marks(self, color: str, marker: str, size: float, **look: Any) -> Any:
        return self.canvas.moving(
            self.ax.plot(
                [],
                [],
                linestyle="",
                marker=marker,
                markersize=size,
                color=color,
                **{"markeredgewidth": 0.0, **look},
            )[0]
        )

    def _swatch(self) -> Rectangle:
        size = (14 / self.canvas.width, 10 / self.canvas.height)
        patch = Rectangle(
            (0, 0),
            *size,
            transform=self.canvas.figure.transFigure,
            linewidth=0.5,
            edgecolor=style.INK,
        )
        self.canvas.figure.add_artist(patch)
        return self.canvas.moving(patch)

    def draw(self, run: View, ghost: View | None, marks: Marks) -> None:  # noqa: ARG002 -- every chart's
        self.over_time(run, ghost)
        hour = asked(run)
        rows = run.history.chosen(hour, MOST)
        thing = "flight" if getattr(run.run.scenario, "arrivals", "") == "flights" else "order"
        differ = any(by_events(changes, hour) != by_database(changes, hour) for _, changes in rows)
        self.title.text = (
            f"{style.count(len(rows), thing)} by their events; at the right what "
            "each is at "
            f"{clock(hour)}{'; db: by the database' if differ else ''}"
            if rows
            else f"at {clock(hour)} nothing had happened to any {thing}"
        )
        self._legend(rows)
        self._ribbons(rows, run.until, hour)
        self.asked.set_xdata([hour, hour])
        self.later.set_verts([[(hour, 0), (run.until, 0), (run.until, MOST), (hour, MOST)]])
        points = [
            (row + 0.5, change) for row, (_, changes) in enumerate(rows) for change in changes
        ]
        for line, found in (
            (
                self.dots,
                [(c.published[0], y) for y, c in points if c.published and c.published[0] <= hour],
            ),
            (
                self.coming,
                [(c.published[0], y) for y, c in points if c.published and c.published[0] > hour],
            ),
            (
                self.twice,
                [(change.published[1], y) for y, change in points if len(change.published) > 1],
            ),
            (self.silent, [(change.saved, y) for y, change in points if change.silent]),
        ):
            line.set_data([x for x, _ in found], [y for _, y in found])
        for row, (name, then) in enumerate(zip(self.names, self.then, strict=True)):
            key, changes = rows[row] if row < len(rows) else ("", [])
            name.y = then.y = self._height(row)
            name.text = key.removeprefix("order-").replace("-", "")
            told, kept = by_events(changes, hour), by_database(changes, hour)
            then.text, then.color = (
                (told, style.INK) if told == kept else (f"db: {kept or 'nothing'}", style.LOST)
            )

    def _height(self, row: int) -> float:
        box = self.ax.get_position()
        top, height = self.canvas.height * (1 - box.y1), self.canvas.height * box.height
        return float(top + (row + 0.5) / MOST * height)

    def _legend(self, rows: list[tuple[str, list[TracedChange]]]) -> None:
        present = {change.state for _, changes in rows for change in changes}
        states = [state for state in STATES if state in present]
        x = self.box.x
        for (patch, text), state in zip(self.keys, [*states, *[""] * 6], strict=False):
            text.text = state
            patch.set_visible(bool(state))
            if state:
                patch.set_facecolor(SHADE[state])
                patch.set_xy((x / self.canvas.width, 1 - (self.box.y + 28) / self.canvas.height))
                text.x = x + 19
                x += 31 + self.canvas.measure(state, size=style.SMALL)
        changes = [change for _, changes in rows for change in changes]
        there = (
            any(change.silent for change in changes),
            any(len(change.published) > 1 for change in changes),
        )
        for text, said, shown in zip(
            self.signs, ("× no event", "◆ several events"), there, strict=True
        ):
            text.text, text.x = said if shown else "", x
            x += shown * (12 + self.canvas.measure(said, size=style.SMALL, bold=True))

    def _ribbons(
        self, rows: list[tuple[str, list[TracedChange]]], until: float, hour: float
    ) -> None:
        verts: dict[str, list[Any]] = {state: [] for state in SHADE}
        box, (low, high) = self.ax.get_position(), self.ax.get_xlim()
        left, scale = self.canvas.width * box.x0, self.canvas.width * box.width / (high - low)
        words = iter(self.words)
        for row, (_, changes) in enumerate(rows):
            told = [change for change in changes if change.published]
            last = (
                told[-1].published[0] + 0.035 * (high - low)
                if told and told[-1].state in FINAL
                else until
            )
            ends = [*(change.published[0] for change in told[1:]), min(last, until)]
            for change, end in zip(told, ends, strict=False):  # none of it may have been told
                start = change.published[0]
                verts[change.state].append(
                    [(start, row + 0.14), (end, row + 0.14), (end, row + 0.86), (start, row + 0.86)]
                )
                marked = any(
                    start < time < end
                    for other in changes
                    for time in (other.published[1:] or [other.saved or 0.0] * other.silent)
                )
                # Not across the hour: in the wider part before or behind it.
                parts = [(start, min(end, hour)), (max(start, hour), end)]
                begin, stop = max(parts, key=lambda part: part[1] - part[0])
                room = (stop - begin) * scale - 12
                if (
                    not marked
                    and room > self.canvas.measure(change.state, size=style.SMALL)
                    and (word := next(words, None))
                ):
                    word.text, word.y = change.state, self._height(row)
                    word.x = left + ((begin + stop) / 2 - low) * scale + 2
        for word in words:
            word.text = ""
        for state, ribbon in self.ribbons.items():
            ribbon.set_verts(verts[state])

    def sentence(self, run: View) -> str:
        hour = asked(run)
        said = []
        for key, changes in run.history.chosen(hour, MOST):
            told, kept = (
                by_events(changes, hour) or "unknown",
                by_database(changes, hour) or "unknown",
            )
            said.append(f"{key} {told}" + ("" if told == kept else f" (the database says {kept})"))
        return (
            f"Histories: at {clock(hour)} by their events "
            f"{', '.join(said) or 'nothing had happened'}."
        )


class DualWrites(Repeats):
    """Changes that were saved and never published, and such that were published under several ids,
    counted up.
    """

    name = "dual_writes"
    counted, words = "changes that have several events, and none, so far", ("several", "none")

    def found(self, run: View) -> tuple[list[float], list[float]]:
        return run.history.again, run.history.silent

    def measured(self, run: View) -> float:
        return float(sum(map(len, self.found(run))))

    def sentence(self, run: View) -> str:
        again, silent = map(len, self.found(run))
        changes = style.count(len(run.history.changes), "change")
        return f"Torn: of {changes} {silent:,} have no event, {again:,} have several."


class Folds(Timeline):
    """A dot for each time the board was asked: how many events it folded for its answer; dotted,
    all there were.
    """

    name, least, weight = "folds", 86, 0.8

    def __init__(self, canvas: Canvas, box: Box, *, axis: bool) -> None:
        super().__init__(canvas, box, axis=axis)
        self.caption("events folded for the answer, each hour")
        self.ghost = canvas.moving(
            self.ax.plot(
                [], [], linestyle="", marker="s", markersize=4, color=style.GHOST, clip_on=False
            )[0]
        )
        self.every = self.steps(color=style.INK, linewidth=1.8, linestyle=style.DOTTED)
        self.dots = canvas.moving(
            self.ax.plot(
                [], [], linestyle="", marker="o", markersize=5, color=style.IN_FLIGHT, clip_on=False
            )[0]
        )
        self.said = [
            canvas.text(self.label_x, box.y + self.top + 12 + 17 * row, bold=row == 0)
            for row in range(3)
        ]
        self.said[0].color, self.said[2].color = style.IN_FLIGHT, style.GHOST

    def draw(self, run: View, ghost: View | None, marks: Marks) -> None:  # noqa: ARG002 -- every chart's
        self.over_time(run, ghost)
        story = run.history
        times = story.appended
        self.up_to(max([len(times), *(count for _, count in story.folded)]))
        self.every.set_data(
            [run.start, *times, run.until], [0, *range(1, len(times) + 1), len(times)]
        )
        for line, told in (
            (self.dots, story.folded),
            (self.ghost, ghost.history.folded if ghost else []),
        ):
            line.set_data([time for time, _ in told], [count for _, count in told])
        most = max((count for _, count in story.folded), default=0)
        was = max((count for _, count in ghost.history.folded), default=0) if ghost else None
        said = (
            f"● most {most:,}",
            f"┈ all {len(times):,}",
            "" if was is None else f"▪ was {was:,}",
        )
        for label, text in zip(self.said, said, strict=True):
            label.text = text

    def sentence(self, run: View) -> str:
        folded = [count for _, count in run.history.folded]
        events = style.count(len(run.history.appended), "event")
        return (
            f"Folds: at most {max(folded, default=0):,} of {events} were folded for an answer, "
            f"{sum(folded):,} for all {len(folded)}."
        )


def asked(run: View) -> float:
    """The time of the question, in seconds since midnight; where none was asked, the end."""
    hour = getattr(run.run.scenario, "hour", None)
    return run.until if hour is None else float(hour) * HOUR
