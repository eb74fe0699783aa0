"""The chart "ranking": engines by their score, and the part of each need in it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.collections import PolyCollection

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData, Floats
from mqlearn.lab.charts.bars import Bars
from mqlearn.lab.charts.base import Box, Predictions, remove_bottom_spine
from mqlearn.lab.charts.prediction_marks import BarMarks
from mqlearn.lab.charts.tables import TableChart

MOST = 8  # engines
NEEDS = 10
NAMES, SCORES = 98, 246  # pixels: the engines' names; names, bars and numbers together
HEAD, FOOT = 42, 10  # pixels above the bars for the heads, below them for the marks of a class
FULL = 100.0  # the highest score


class Ranking(TableChart):
    """A bar for each engine, its score of 100; beside it a column for each need that was asked for.

    The pale part of a column is what could be had for the need, the dark part what the engine has
    of it: the dark parts of a row add up to the score. An engine that lacks a must is hatched.

    The table is a list of objects with `name`, `score`, `bars` (by need: the part, and the most it
    could be) and `missing` (the musts that it lacks), the best first.
    """

    name, min_height, stretch = "ranking", 150, 1.0
    takes_prediction, shown_alone = True, False

    def __init__(self, canvas: Canvas, box: Box) -> None:
        super().__init__(canvas, box)
        self.caption("points of 100")
        scores = Box(box.x, box.y, SCORES, box.height - FOOT)
        self.bars = Bars(
            canvas, scores, color=style.IN_FLIGHT, most=MOST, left=NAMES, right=42, top=HEAD
        )
        self.marks = BarMarks(canvas, self.bars.ax)
        self.left = box.x + SCORES + 8
        self.width = box.width - SCORES - 8
        canvas.text(
            self.left,
            box.y + 11,
            "dark: what the engine has; pale: what you ask for",
            size=style.SMALL,
            color=style.MUTED,
            room=self.width,
        )
        self.ax = canvas.axes(self.left, box.y + HEAD, self.width, box.height - FOOT - HEAD - 6)
        remove_bottom_spine(self.ax)
        self.ax.spines[["left"]].set_visible(False)
        self.track = canvas.moving(PolyCollection([], facecolor=style.WAITING, alpha=0.35, lw=0))
        self.had = canvas.moving(PolyCollection([], facecolor=style.IN_FLIGHT, linewidth=0))
        for layer in (self.track, self.had):
            self.ax.add_collection(layer, autolim=False)
        # A second line for every other name, so that each has the room of two columns.
        self.heads = [
            canvas.text(0, box.y + HEAD - (17 if i % 2 == 0 else 4), size=style.SMALL)
            for i in range(NEEDS)
        ]
        self.empty = canvas.text(box.x + NAMES, box.y + HEAD + 20, color=style.MUTED)

    def draw_table(self, table: Any, was: Any, run: ChartData, predictions: Predictions) -> None:  # noqa: ARG002 -- every table's
        rows: Sequence[Any] = list(table or ())[:MOST]
        self.empty.text = "" if rows else "no engine is ranked here"
        out = [row.name for row in rows if row.missing]
        self.bars.draw(
            {row.name: row.score for row in rows},
            {row.name: row.score for row in was or ()},
            ["out" if row.missing else style.number(round(row.score)) for row in rows],
            full=FULL,
            also=[abs(value) for value in predictions.values],
            cut=out,
        )
        self.marks.draw(predictions)
        needs = list(rows[0].bars)[:NEEDS] if rows else []
        pitch = self.width / max(len(needs), 3)
        widest = max((most for row in rows for _, most in row.bars.values()), default=1.0)
        scale = (pitch - 8) / widest  # pixels of a point
        self.ax.set_xlim(0, self.width)
        self.ax.set_ylim(*self.bars.ax.get_ylim())
        cells = [
            (i, n, row.bars[need]) for i, row in enumerate(rows) for n, need in enumerate(needs)
        ]
        self.track.set_verts([_bar(i, n * pitch, most * scale) for i, n, (_, most) in cells])
        self.had.set_verts([_bar(i, n * pitch, got * scale) for i, n, (got, _) in cells])
        for n, head in enumerate(self.heads):
            head.text, head.x = (needs[n] if n < len(needs) else ""), self.left + n * pitch
            head.room = 2 * pitch - 4 if n < len(needs) - 1 else pitch

    def measured(self, run: ChartData) -> float | None:
        table = run.table(self.name)
        return table[0].score if table else None

    def describe(self, table: Any) -> str:
        ranked = ", ".join(
            f"{row.name} "
            f"{'out with 0 points for ' + row.missing[0] if row.missing else round(row.score)}"
            for row in table
        )
        best = ", ".join(
            f"{need} {got:.0f} of {most:.0f}" for need, (got, most) in table[0].bars.items()
        )
        return f"Ranking: {ranked}. {table[0].name}: {best or 'nothing is asked for'}."


def _bar(row: int, left: float, width: float) -> Floats:
    right = left + width
    return np.array(
        [(left, row - 0.36), (right, row - 0.36), (right, row + 0.36), (left, row + 0.36)]
    )
