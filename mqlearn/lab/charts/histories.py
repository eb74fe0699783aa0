"""The chart "histories": the states of a few orders over time, by their events and by the
database.
"""

from typing import Any

from matplotlib.collections import PolyCollection
from matplotlib.patches import Rectangle

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData
from mqlearn.lab.charts.base import Box, Predictions, Timeline
from mqlearn.study.analysis.histories import TracedChange, by_database, by_events
from mqlearn.study.changes import FINAL, HOUR, STATES, clock

# The states of an order are not places of a message, so they have other, pale shades, and their
# name is written where there is room.
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
Rows = list[tuple[str, list[TracedChange]]]  # an order's name and its changes

MOST = 6  # orders that are shown
WORDS = 4 * MOST


class Histories(Timeline):
    """A ribbon for each of a few orders, in the shades of its states over time, and its state at
    the time of the question.

    The states are computed from the events; if the database has another state, that is written at
    the right, in red. A cross marks a change without an event, a diamond a change with several.
    """

    name, min_height, stretch, top = "histories", 154, 2.0, 38
    needs = ("occurred",)

    def __init__(self, canvas: Canvas, box: Box, *, axis: bool) -> None:
        super().__init__(canvas, box, axis=axis)
        self.title = canvas.text(box.x, box.y + 11, size=style.SMALL, color=style.MUTED)
        self.ribbons = {
            state: canvas.moving(
                PolyCollection([], facecolor=shade, edgecolor=style.INK, linewidth=0.5)
            )
            for state, shade in SHADE.items()
        }
        # a half-transparent white area over all that happens after the time of the question
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
            canvas.text(box.x + self.left - 3, 0, size=6.8, va="center", ha="right", room=self.left)
            for _ in range(MOST)
        ]
        self.states = [
            canvas.text(self.label_x, 0, va="center", room=self.right - 10) for _ in range(MOST)
        ]
        self.keys = [
            (self._swatch(), canvas.text(0, box.y + 27.5, size=style.SMALL)) for _ in range(6)
        ]
        self.signs = [
            canvas.text(0, box.y + 27.5, size=style.SMALL, color=color, bold=True)
            for color in (style.LOST, style.AGAIN)
        ]
        # upside down: row 0 is on top
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

    def draw(self, run: ChartData, ghost: ChartData | None, predictions: Predictions) -> None:  # noqa: ARG002 -- every chart's
        self.fit_time(run, ghost)
        hour = time_asked(run)
        rows = run.history.chosen(hour, MOST)
        thing = "flight" if getattr(run.scenario, "arrivals", "") == "flights" else "order"
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
        self._draw_marks(rows, hour)
        for row, (name, state) in enumerate(zip(self.names, self.states, strict=True)):
            key, changes = rows[row] if row < len(rows) else ("", [])
            name.y = state.y = self._height(row)
            name.text = key.removeprefix("order-").replace("-", "")
            by_event, in_database = by_events(changes, hour), by_database(changes, hour)
            state.text, state.color = by_event, style.INK
            if in_database != by_event:
                state.text, state.color = f"db: {in_database or 'nothing'}", style.LOST

    def _draw_marks(self, rows: Rows, hour: float) -> None:
        """Mark each change: a dot at its event, a diamond at a second event, a cross if it has
        none.
        """
        points = [
            (row + 0.5, change) for row, (_, changes) in enumerate(rows) for change in changes
        ]
        events = [(change.published[0], y) for y, change in points if change.published]
        again = [(change.published[1], y) for y, change in points if len(change.published) > 1]
        for line, found in (
            (self.dots, [(time, y) for time, y in events if time <= hour]),
            (self.coming, [(time, y) for time, y in events if time > hour]),
            (self.twice, again),
            (self.silent, [(change.saved, y) for y, change in points if change.silent]),
        ):
            line.set_data([x for x, _ in found], [y for _, y in found])

    def _height(self, row: int) -> float:
        box = self.ax.get_position()
        top, height = self.canvas.height * (1 - box.y1), self.canvas.height * box.height
        return float(top + (row + 0.5) / MOST * height)

    def _legend(self, rows: Rows) -> None:
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
        for text, sign, shown in zip(
            self.signs, ("× no event", "◆ several events"), there, strict=True
        ):
            text.text, text.x = sign if shown else "", x
            x += shown * (12 + self.canvas.measure(sign, size=style.SMALL, bold=True))

    def _ribbons(self, rows: Rows, until: float, hour: float) -> None:
        verts: dict[str, list[Any]] = {state: [] for state in SHADE}
        box, (low, high) = self.ax.get_position(), self.ax.get_xlim()
        left, scale = self.canvas.width * box.x0, self.canvas.width * box.width / (high - low)
        words = iter(self.words)
        for row, (_, changes) in enumerate(rows):
            published = [change for change in changes if change.published]
            # A final state lasts forever, but its ribbon is cut short to show that no other
            # follows.
            last = (
                published[-1].published[0] + 0.035 * (high - low)
                if published and published[-1].state in FINAL
                else until
            )
            ends = [*(change.published[0] for change in published[1:]), min(last, until)]
            # Not strict: an order without any published event has an end and no beginning.
            for change, end in zip(published, ends, strict=False):
                start = change.published[0]
                verts[change.state].append(
                    [(start, row + 0.14), (end, row + 0.14), (end, row + 0.86), (start, row + 0.86)]
                )
                # A word is not written over a diamond or a cross.
                marked = any(
                    start < time < end
                    for other in changes
                    for time in (other.published[1:] or [other.saved or 0.0] * other.silent)
                )
                # The line of the hour asked would cross the word: it stands in the wider part
                # before or after that.
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

    def sentence(self, run: ChartData) -> str:
        hour = time_asked(run)
        parts = []
        for key, changes in run.history.chosen(hour, MOST):
            by_event = by_events(changes, hour) or "unknown"
            in_database = by_database(changes, hour) or "unknown"
            differs = f" (the database says {in_database})" if in_database != by_event else ""
            parts.append(f"{key} {by_event}{differs}")
        return (
            f"Histories: at {clock(hour)} by their events "
            f"{', '.join(parts) or 'nothing had happened'}."
        )


def time_asked(run: ChartData) -> float:
    """Return the time of the question (s since midnight), or the run's end if the scenario asks
    none.
    """
    hour = getattr(run.scenario, "hour", None)
    return run.until if hour is None else float(hour) * HOUR
