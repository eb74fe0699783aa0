"""The chart "cost_of_waiting": what a number of workers, or a rule for it, costs, against the
wait.
"""

from typing import Any

import numpy as np

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData
from mqlearn.lab.charts.base import Box, Predictions, Ticks
from mqlearn.lab.charts.prediction_marks import free_height
from mqlearn.lab.charts.tables import TableChart

MOST = 12  # rules
LEFT, RIGHT, HEAD, FOOT = 48, 150, 24, 36  # pixels around the plot
TICKS = (0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3000, 10_000)


class CostOfWaiting(TableChart):
    """A dot for each rule, with its name: worker-hours to the right, and the 95th percentile of the
    wait upwards, on a logarithmic axis.

    The table has a row for each rule, with the columns `rule`, `hours` (worker-hours) and `p95`
    (s).
    """

    name, min_height, stretch = "cost_of_waiting", 220, 1.0
    columns = ("rule", "hours", "p95")

    def __init__(self, canvas: Canvas, box: Box) -> None:
        super().__init__(canvas, box)
        self.caption("95 % wait at most so many seconds")
        self.ax = canvas.axes(
            box.x + LEFT, box.y + HEAD, box.width - LEFT - RIGHT, box.height - HEAD - FOOT
        )
        canvas.text(
            box.x + LEFT, box.y + box.height - 4, "worker-hours", size=style.SMALL,
            color=style.MUTED,
        )  # fmt: skip
        look: dict[str, Any] = {"linestyle": "", "marker": "o", "markersize": 7}
        self.dots = canvas.moving(
            self.ax.plot([], [], color=style.IN_FLIGHT, clip_on=False, **look)[0]
        )
        self.x_ticks, self.y_ticks = Ticks(canvas, self.ax, "x"), Ticks(canvas, self.ax, "y")
        self.labels = [canvas.text(0, 0, size=style.SMALL, va="center") for _ in range(MOST)]
        self.empty = canvas.text(box.x + LEFT + 20, box.y + HEAD + 20, color=style.MUTED)

    def draw_table(self, table: Any, was: Any, run: ChartData, predictions: Predictions) -> None:  # noqa: ARG002 -- every table's
        rows = [] if table is None else points(table)[:MOST]
        self.empty.text = "" if rows else "no rule was tried"
        waits = [max(wait, 0.01) for _, _, wait in rows] or [1.0]
        low = max([tick for tick in TICKS if tick <= min(waits)], default=TICKS[0])
        high = min([tick for tick in TICKS if tick >= max(*waits, 2 * low)], default=TICKS[-1])
        ticks = style.close_ticks(max([hours for _, hours, _ in rows], default=1.0))
        right = ticks[-1]
        self.ax.set(xlim=(0, right), ylim=(np.log10(low) - 0.1, np.log10(high) + 0.1))
        self.dots.set_data([hours for _, hours, _ in rows], np.log10(waits)[: len(rows)])
        self.x_ticks.show([(v, style.number(v)) for v in ticks])
        self.y_ticks.show(
            [(float(np.log10(v)), style.number(v)) for v in TICKS if low <= v <= high][:8]
        )
        place, (bottom, top) = self.ax.get_position(), self.ax.get_ylim()
        taken: list[tuple[float, float, float]] = []  # labels that stand already: left, right, y
        for n, label in enumerate(self.labels):
            label.text = ""
            if n >= len(rows):
                continue
            name, hours, _ = rows[n]
            up = (np.log10(waits[n]) - bottom) / (top - bottom)
            x = self.canvas.width * (place.x0 + place.width * hours / right) + 9
            y = self.canvas.height * (1 - place.y0 - place.height * up)
            end = x + self.canvas.measure(name, size=label.size)
            near = [other for left, other_end, other in taken if left < end and x < other_end]
            label.text, label.x, label.y = name, x, free_height(y, near, 13.0)
            taken.append((x, end, label.y))

    def describe(self, table: Any) -> str:
        parts = [
            f"{name}: {style.number(round(hours, 1))} worker-hours, "
            f"95 % wait at most {style.seconds(round(wait, 1))}"
            for name, hours, wait in points(table)
        ]
        return f"Cost and wait: {'; '.join(parts)}."

    @classmethod
    def title(cls, table: Any) -> str:
        """Return the cheapest rule and the one with the shortest wait."""
        rows = points(table)
        if not rows:
            return "What does a shorter wait cost?"
        cheap, quick = min(rows, key=lambda row: row[1]), min(rows, key=lambda row: row[2])
        return (
            f"{cheap[0]} costs least, {style.number(round(cheap[1], 1))} h for "
            f"{style.seconds(round(cheap[2], 1))}; {quick[0]} waits least, "
            f"{style.number(round(quick[1], 1))} h for {style.seconds(round(quick[2], 1))}"
        )


def points(table: Any) -> list[tuple[str, float, float]]:
    """Return the rules in the order of their wait, the longest first: name, hours, seconds."""
    rows = zip(table["rule"], table["hours"], table["p95"], strict=True)
    found = [(str(name), float(hours), float(wait)) for name, hours, wait in rows]
    return sorted(found, key=lambda row: -row[2])
