"""The chart "features": what each engine has, what its adapter adds, and what is not to be had."""

from typing import Any

import numpy as np
from matplotlib.collections import PolyCollection

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData, Floats
from mqlearn.lab.charts.base import Box, Predictions, remove_bottom_spine, swatch
from mqlearn.lab.charts.measured import LABELS as MEASURED
from mqlearn.lab.charts.tables import TableChart
from mqlearn.runtime import check

ROWS, COLUMNS = 16, 10
LABELS = MEASURED | {
    "rabbitmq": "RabbitMQ quorum",
    "rabbitmq_classic": "RabbitMQ classic",
    "sqs": "SQS",  # the service; what was measured here is ElasticMQ
    "sqs_fifo": "SQS FIFO",
}
NAMES, HEAD = 132, 68  # pixels: the features' names, the legend and the engines' names
LOOKS: dict[str, tuple[str, dict[str, Any]]] = {
    "native": ("N", {"facecolor": "#8FD3BF", "edgecolor": style.PAPER, "linewidth": 1.0}),
    "emulated": (
        "E",
        {
            "facecolor": "#F9E1B0",
            "edgecolor": style.DELAYED,
            "linewidth": 1.0,
            "hatch": style.HATCH_DELAYED,
        },
    ),
    "unsupported": ("–", {"facecolor": style.PAPER, "edgecolor": style.RULE, "linewidth": 1.0}),
}


class Features(TableChart):
    """A cell for each feature and engine: native (N, plain), emulated (E, hatched) or unsupported
    (–, empty).

    The table has a row for each engine and a column for each feature.
    """

    name, min_height, stretch, page_width = "features", 290, 1.0, 720

    def __init__(self, canvas: Canvas, box: Box) -> None:
        super().__init__(canvas, box)
        self.room = box.height - HEAD - 4
        self.width = box.width - NAMES - 4
        self.ax = canvas.axes(box.x + NAMES, box.y + HEAD, self.width, self.room)
        remove_bottom_spine(self.ax)
        self.ax.spines[["left"]].set_visible(False)
        self.cells = {}
        x = box.x + NAMES
        for state, (letter, look) in LOOKS.items():
            self.cells[state] = canvas.moving(PolyCollection([], **look))
            self.ax.add_collection(self.cells[state], autolim=False)
            swatch(canvas, x, box.y + 4, width=16, height=13, **look)
            label = f"{letter}  {state}"
            canvas.text(x + 22, box.y + 14, label)
            x += 22 + canvas.measure(label) + 22
        self.features = [
            canvas.text(box.x + NAMES - 8, 0, ha="right", va="center", room=NAMES - 8)
            for _ in range(ROWS)
        ]
        # A line for each word.
        self.engines = [
            [canvas.text(0, box.y + HEAD - y, ha="center", size=style.SMALL) for y in (32, 19, 6)]
            for _ in range(COLUMNS)
        ]
        self.letters = [
            [canvas.text(0, 0, ha="center", va="center", bold=True) for _ in range(COLUMNS)]
            for _ in range(ROWS)
        ]
        self.empty = canvas.text(box.x + NAMES, box.y + HEAD + 20, color=style.MUTED)

    def draw_table(self, table: Any, was: Any, run: ChartData, predictions: Predictions) -> None:  # noqa: ARG002 -- every table's
        features = [] if table is None else list(table.columns)[:ROWS]
        engines = [] if table is None else list(table.index)[:COLUMNS]
        self.empty.text = "" if features and engines else "there is no table of features"
        across, down = self.width / max(len(engines), 1), self.room / max(len(features), 1)
        self.ax.set_xlim(0, max(len(engines), 1))
        self.ax.set_ylim(max(len(features), 1), 0)
        corners: dict[str, list[Floats]] = {state: [] for state in LOOKS}
        for row in range(ROWS):
            used = row < len(features)
            self.features[row].text = features[row].replace("_", " ") if used else ""
            self.features[row].y = self.box.y + HEAD + down * (row + 0.5)
            for column in range(COLUMNS):
                label = self.letters[row][column]
                label.text = ""
                if used and column < len(engines):
                    state = table.loc[engines[column], features[row]]
                    corners[state].append(_cell(column, row, 2 / across, 1.5 / down))
                    label.text = LOOKS[state][0]
                    label.x = self.box.x + NAMES + across * (column + 0.5)
                    label.y = self.box.y + HEAD + down * (row + 0.5)
        for state, cells in self.cells.items():
            cells.set_verts(corners[state])
        for column, lines in enumerate(self.engines):
            name = LABELS.get(engines[column], engines[column]) if column < len(engines) else ""
            words = name.split(maxsplit=2)
            for line, text in zip(lines, [""] * (3 - len(words)) + words, strict=True):
                line.text, line.room = text, across - 2
                line.x = self.box.x + NAMES + across * (column + 0.5)

    def describe(self, table: Any) -> str:
        parts = []
        for engine in table.index:
            kinds = {
                state: [f.replace("_", " ") for f in table.columns if table.loc[engine, f] == state]
                for state in ("native", "emulated")
            }
            said = "; ".join(f"{state} {', '.join(each) or '–'}" for state, each in kinds.items())
            parts.append(f"{LABELS.get(engine, engine)}: {said}")
        return f"Features: {'. '.join(parts)}. All others are unsupported."

    @classmethod
    def check(cls, table: Any) -> None:
        for feature in table.columns:
            for engine, state in table[feature].items():
                check.one_of(f"{feature} of {engine}", state, LOOKS)

    @classmethod
    def title(cls, table: Any) -> str:
        """Return how many of the cells are native, and how many any engine has at most."""
        native, emulated = (int((table == state).sum().sum()) for state in ("native", "emulated"))
        most = int((table == "native").sum(axis=1).max())
        return (
            f"{native} of {table.size} are native, {emulated} emulated; no engine has more than "
            f"{most} of the {style.count(table.shape[1], 'feature')} by itself"
        )


def _cell(column: int, row: int, x: float, y: float) -> Floats:
    """Return the corners of a cell, with a gap of `x` and `y` on each side."""
    return np.array(
        [
            (column + x, row + y),
            (column + 1 - x, row + y),
            (column + 1 - x, row + 1 - y),
            (column + x, row + 1 - y),
        ]
    )
