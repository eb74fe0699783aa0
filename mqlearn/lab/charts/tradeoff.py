"""The chart "tradeoff": what an alarm costs in false pages, and how late it is."""

from itertools import pairwise
from typing import Any

import numpy as np

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData
from mqlearn.lab.charts.base import Box, Predictions, Ticks
from mqlearn.lab.charts.tables import TableChart
from mqlearn.lab.label import Label, measure

RULES, POINTS = 4, 12
LEFT, RIGHT, HEAD, FOOT = 52, 172, 24, 36  # pixels around the plot
FALSE_TICKS = (0, 1, 3, 10, 30, 100, 300, 1000)
SECONDS_TICKS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
AIR = 1.5  # the axis of the seconds reaches so many times beyond the least and the most
MARGIN = 0.35  # of a power of ten, so that a point at 0 is not on the axis
TALL = 13  # pixels of a label's line
MARK = 5  # pixels from the middle of a point to its edge
STEPS = 24  # places of a joining line that labels keep clear of
Rectangle = tuple[float, float, float, float]  # pixels: left, top, right, bottom
LOOKS: tuple[tuple[str, str], ...] = (
    ("#0B5C8E", "o"),
    (style.TROUBLED, "s"),
    (style.DONE, "^"),
    (style.INK, "D"),
)


class Tradeoff(TableChart):
    """A point for each alarm: its false pages in 168 hours and the seconds from the failure to its
    page, on logarithmic axes; that of the false pages begins at 0. A line joins the thresholds of
    one rule.

    The table has a row for each alarm: `rule`, `threshold` (written beside its point), `false`
    (pages in 168 hours) and `seconds` (NaN if it never paged).
    """

    name, min_height, stretch = "tradeoff", 220, 1.0
    columns = ("rule", "threshold", "false", "seconds")

    def __init__(self, canvas: Canvas, box: Box) -> None:
        super().__init__(canvas, box)
        self.caption("seconds from the failure to the page")
        self.ax = canvas.axes(
            box.x + LEFT, box.y + HEAD, box.width - LEFT - RIGHT, box.height - HEAD - FOOT
        )
        canvas.text(
            box.x + LEFT, box.y + box.height - 4, "false pages in 168 such hours", size=style.SMALL,
            color=style.MUTED,
        )  # fmt: skip
        self.x_ticks, self.y_ticks = Ticks(canvas, self.ax, "x"), Ticks(canvas, self.ax, "y")
        self.lines, self.names = [], []
        for color, marker in LOOKS[:RULES]:
            line = self.ax.plot(
                [], [], color=color, marker=marker, markersize=7, linewidth=1.4, clip_on=False,
                markeredgecolor=style.PAPER, markeredgewidth=0.8,
            )[0]  # fmt: skip
            self.lines.append(canvas.moving(line))
            name = canvas.text(
                box.x + box.width - RIGHT + 12, 0, color=color, bold=True, va="center",
                room=RIGHT - 12,
            )  # fmt: skip
            self.names.append(name)
        self.labels = [
            [canvas.text(0, 0, size=style.SMALL, color=color) for _ in range(POINTS)]
            for color, _ in LOOKS[:RULES]
        ]
        self.empty = canvas.text(box.x + LEFT + 20, box.y + HEAD + 20, color=style.MUTED)

    def draw_table(self, table: Any, was: Any, run: ChartData, predictions: Predictions) -> None:  # noqa: ARG002 -- every table's
        rules = {} if table is None else by_rule(table)
        shown = [point for points in rules.values() for point in points]
        self.empty.text = "" if shown else "no alarm was tried"
        seconds = [point["seconds"] for point in shown] or [10.0]
        low, high = min(seconds) / AIR, max(seconds) * AIR
        wide = max([point["false"] for point in shown], default=1.0)
        right = next((tick for tick in FALSE_TICKS if tick >= wide), FALSE_TICKS[-1])
        self.ax.set(xlim=(-MARGIN, max(_across(right), 1.0)), ylim=(_up(low), _up(high)))
        self.x_ticks.show([(_across(n), style.number(n)) for n in FALSE_TICKS if n <= right])
        self.y_ticks.show([(_up(n), style.number(n)) for n in SECONDS_TICKS if low <= n <= high])
        taken: list[Rectangle] = []
        placed: list[tuple[Label, tuple[float, float]]] = []
        for i, (line, name) in enumerate(zip(self.lines, self.names, strict=True)):
            points = list(rules.values())[i] if i < len(rules) else []
            x = [_across(point["false"]) for point in points]
            y = [_up(point["seconds"]) for point in points]
            line.set_data(x, y)
            name.text = f"{'●■▲◆'[i]} {list(rules)[i]}" if points else ""
            name.y = self.box.y + HEAD + 12 + 20 * i
            taken += self._line_places(x, y)
            for n, label in enumerate(self.labels[i]):
                label.text = str(points[n]["threshold"]) if n < len(points) else ""
                if n < len(points):
                    placed.append((label, self._pixel(x[n], y[n])))
        for label, at in placed:
            taken.append(self._beside(label, *at, taken))

    def _pixel(self, x: float, y: float) -> tuple[float, float]:
        """Return the place of a point, in pixels from the left and the top."""
        place, (left, right), (low, high) = (
            self.ax.get_position(),
            self.ax.get_xlim(),
            self.ax.get_ylim(),
        )
        across, up = (x - left) / (right - left), (y - low) / (high - low)
        return (
            self.canvas.width * (place.x0 + place.width * across),
            self.canvas.height * (1 - place.y0 - place.height * up),
        )

    def _line_places(self, x: list[float], y: list[float]) -> list[Rectangle]:
        """Return what a line of points covers, which no label may: its points, and places along
        it.
        """
        points = [self._pixel(*point) for point in zip(x, y, strict=True)]
        covered = [(px - MARK, py - MARK, px + MARK, py + MARK) for px, py in points]
        for (x0, y0), (x1, y1) in pairwise(points):
            for step in range(1, STEPS):
                px, py = x0 + (x1 - x0) * step / STEPS, y0 + (y1 - y0) * step / STEPS
                covered.append((px - 1, py - 1, px + 1, py + 1))
        return covered

    def _beside(self, label: Label, x: float, y: float, taken: list[Rectangle]) -> Rectangle:
        """Place a label beside the point (x, y), where nothing is yet; return what it covers."""
        wide, off = measure(label.text, label.size, label.weight), MARK + 3
        sides = [
            (x + off, y - TALL / 2),
            (x - off - wide, y - TALL / 2),
            (x + off - 2, y - off - TALL + 3),
            (x - off - wide + 2, y + off - 3),
            (x - wide / 2, y - off - TALL),
            (x - wide / 2, y + off),
        ]
        places = [(left, top, left + wide, top + TALL) for left, top in sides]
        best = min(places, key=lambda place: sum(_overlap(place, other) for other in taken))
        label.x, label.y = best[0], best[3] - 3
        return best

    def describe(self, table: Any) -> str:
        parts = [
            f"{_name(point)}: {style.seconds(round(point['seconds']))}, "
            f"{style.number(round(point['false']))}"
            for points in by_rule(table).values()
            for point in points
        ]
        never = [_name(row) for row in table.to_dict(orient="records") if np.isnan(row["seconds"])]
        end = f" Never in time: {', '.join(never)}." if never else ""
        return f"Alarms, seconds and false pages in 168 such hours: {'; '.join(parts)}.{end}"

    @classmethod
    def title(cls, table: Any) -> str:
        """Return the fastest alarm of all, and the fastest without a false page."""
        points = [point for points in by_rule(table).values() for point in points]
        if not points:
            return "No alarm paged"
        first = min(points, key=_seconds)
        quiet = [point for point in points if not point["false"]]
        name = _name(first)
        said = (
            f"{name[0].upper()}{name[1:]}: {style.seconds(round(_seconds(first)))}, "
            f"{style.count(round(first['false']), 'false page')}"
        )
        best = min(quiet, key=_seconds, default=first)
        if best is first:
            return said
        return f"{said}; {_name(best)}: {style.seconds(round(_seconds(best)))}, none"


def _seconds(point: dict[str, Any]) -> float:
    return float(point["seconds"])


def _name(point: dict[str, Any]) -> str:
    """Return the name of an alarm, without the unit of its rule."""
    return f"{str(point['rule']).split(' (')[0]} above {point['threshold']}"


def by_rule(table: Any) -> dict[str, list[dict[str, Any]]]:
    """Return the alarms that paged, by rule, each with `threshold`, `false` and `seconds`."""
    rules: dict[str, list[dict[str, Any]]] = {}
    for row in table.to_dict(orient="records"):
        if not np.isnan(row["seconds"]):
            rules.setdefault(str(row["rule"]), []).append(row)
    return rules


def _overlap(one: Rectangle, other: Rectangle) -> float:
    """Return the area (pixels) that two rectangles share."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    tall = min(one[3], other[3]) - max(one[1], other[1])
    return max(wide, 0.0) * max(tall, 0.0)


def _up(seconds: float) -> float:
    return float(np.log10(max(seconds, 0.1)))


def _across(false: float) -> float:
    return float(np.log10(1 + false))
