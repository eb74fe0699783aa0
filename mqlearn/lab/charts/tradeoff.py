"""The chart "tradeoff": what an alarm costs in false pages, and how late it is."""

from typing import Any

import numpy as np

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData
from mqlearn.lab.charts.base import Box, Predictions, Ticks
from mqlearn.lab.charts.tables import TableChart
from mqlearn.lab.label import Label

RULES, POINTS = 4, 12
LEFT, RIGHT, HEAD, FOOT = 52, 172, 24, 36  # pixels around the plot
FALSE_TICKS = (0, 1, 3, 10, 30, 100, 300, 1000)
SECONDS_TICKS = (1, 3, 10, 30, 100, 300, 1000, 3000)
APART = 0.08  # of a power of ten, between two rules at 0
MARGIN = 0.35  # of a power of ten, so that a point at 0 is not on the axis
LOOKS: tuple[tuple[str, str], ...] = (
    ("#0B5C8E", "o"),
    (style.TROUBLED, "s"),
    (style.DONE, "^"),
    (style.INK, "D"),
)


class Tradeoff(TableChart):
    """A point for each alarm: its false pages a week and the seconds from the failure to its page,
    on logarithmic axes; that of the false pages begins at 0. A line joins the thresholds of one
    rule.

    The table has a row for each alarm: `rule`, `threshold` (written beside its point), `false`
    (pages a week) and `seconds` (NaN if it never paged).
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
            box.x + LEFT, box.y + box.height - 4, "false pages a week", size=style.SMALL,
            color=style.MUTED,
        )  # fmt: skip
        self.x_ticks, self.y_ticks = Ticks(canvas, self.ax, "x"), Ticks(canvas, self.ax, "y")
        self.lines, self.names = [], []
        for color, marker in LOOKS[:RULES]:
            line = self.ax.plot(
                [], [], color=color, marker=marker, markersize=7, linewidth=1.4, clip_on=False
            )[0]
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
        seconds = [point["seconds"] for point in shown] or [1.0]
        low = max([tick for tick in SECONDS_TICKS if tick <= min(seconds)], default=1)
        high = next((tick for tick in SECONDS_TICKS if tick >= max(seconds)), max(seconds))
        wide = max([point["false"] for point in shown], default=1.0)
        right = next((tick for tick in FALSE_TICKS if tick >= wide), FALSE_TICKS[-1])
        self.ax.set(
            xlim=(-MARGIN, max(_across(right), 1.0)),
            ylim=(_up(low) - MARGIN / 2, _up(max(high, 2 * low))),
        )
        self.x_ticks.show([(_across(n), style.number(n)) for n in FALSE_TICKS if n <= right])
        self.y_ticks.show(
            [(_up(n), style.number(n)) for n in SECONDS_TICKS if low <= n <= max(high, 2 * low)]
        )
        for i, (line, name) in enumerate(zip(self.lines, self.names, strict=True)):
            points = list(rules.values())[i] if i < len(rules) else []
            # those without a false page stand side by side, so that all of them are seen
            x = [
                _across(point["false"]) + (0 if point["false"] else APART * (i - (RULES - 1) / 2))
                for point in points
            ]
            y = [_up(point["seconds"]) for point in points]
            line.set_data(x, y)
            name.text = f"{'●■▲◆'[i]} {list(rules)[i]}" if points else ""
            name.y = self.box.y + HEAD + 12 + 20 * i
            for n, label in enumerate(self.labels[i]):
                label.text = str(points[n]["threshold"]) if n < len(points) else ""
                if n < len(points):
                    self._beside(label, x[n], y[n], below=i == 0)

    def _beside(self, label: Label, x: float, y: float, *, below: bool) -> None:
        """Place a label beside the point (x, y)."""
        place, (left, right), (low, high) = (
            self.ax.get_position(),
            self.ax.get_xlim(),
            self.ax.get_ylim(),
        )
        across, up = (x - left) / (right - left), (y - low) / (high - low)
        label.x = self.canvas.width * (place.x0 + place.width * across) + (-4 if below else 6)
        label.y = self.canvas.height * (1 - place.y0 - place.height * up) + (17 if below else -5)
        label.ha = "right" if below else "left"

    def describe(self, table: Any) -> str:
        parts = [
            f"{_name(point)}: {style.seconds(round(point['seconds']))}, "
            f"{style.number(round(point['false']))} false pages a week"
            for points in by_rule(table).values()
            for point in points
        ]
        never = [_name(row) for row in table.to_dict(orient="records") if np.isnan(row["seconds"])]
        end = f" Never in time: {', '.join(never)}." if never else ""
        return f"Alarms: {'; '.join(parts)}.{end}"

    @classmethod
    def title(cls, table: Any) -> str:
        """Return the fastest alarm of all, and the fastest without a false page."""
        points = [point for points in by_rule(table).values() for point in points]
        if not points:
            return "No alarm paged"
        first = min(points, key=_seconds)
        quiet = [point for point in points if not point["false"]]
        said = (
            f"The fastest, {_name(first)}, pages after {style.seconds(round(_seconds(first)))} and "
            f"{style.number(round(first['false']))} times a week for nothing"
        )
        if not quiet:
            return said
        best = min(quiet, key=_seconds)
        return f"{said}; {_name(best)} after {style.seconds(round(_seconds(best)))}, never so"


def _seconds(point: dict[str, Any]) -> float:
    return float(point["seconds"])


def _name(point: dict[str, Any]) -> str:
    return f"{point['rule']} above {point['threshold']}"


def by_rule(table: Any) -> dict[str, list[dict[str, Any]]]:
    """Return the alarms that paged, by rule, each with `threshold`, `false` and `seconds`."""
    rules: dict[str, list[dict[str, Any]]] = {}
    for row in table.to_dict(orient="records"):
        if not np.isnan(row["seconds"]):
            rules.setdefault(str(row["rule"]), []).append(row)
    return rules


def _up(seconds: float) -> float:
    return float(np.log10(max(seconds, 0.1)))


def _across(false: float) -> float:
    return float(np.log10(1 + false))
