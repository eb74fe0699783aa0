"""The chart "movers": which numbers of a queue leave their usual range after each failure, and
which is first.
"""

from typing import Any

import numpy as np
from matplotlib.collections import LineCollection, PolyCollection

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData, Floats
from mqlearn.lab.charts.base import Box, Predictions, remove_bottom_spine
from mqlearn.lab.charts.tables import TableChart

ROWS, COLUMNS = 10, 10
NAMES, HEAD = 186, 62  # pixels: the failures' names; the caption and the signals' names
GAP = 7  # pixels between two cells
NUMBER = 13  # pixels at the top of a cell for its number
WORDS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
ARROWS = {"up": "↑", "down": "↓", "gone": "×", "": ""}
REACH = 1.5  # of the usual range, shown above and below it: a line beyond is at the cell's edge


class Movers(TableChart):
    """A row for each failure, a column for each signal: a small line over the time around the
    failure, on the grey band of the values of calm runs.

    A number is the seconds from the failure to the first value outside the band; × means that
    nothing was left to compute the signal from. The first mover of a row is in colour and thick.

    The table has a row for each pair: `seconds` (NaN if the signal did not move), `moved` ("up",
    "down", "gone" or ""), `values` (a list over time, NaN where there was none), and `low` and
    `high`, the ends of the band.
    """

    name, min_height, stretch, page_width = "movers", 320, 1.0, 760
    columns = ("failure", "signal", "seconds", "moved", "values", "low", "high")

    def __init__(self, canvas: Canvas, box: Box) -> None:
        super().__init__(canvas, box)
        self.caption(
            "seconds until a number leaves the grey band of calm runs (↑ ↓, × nothing left to "
            "compute it from); orange: the first of its row"
        )
        self.room, self.width = box.height - HEAD - 4, box.width - NAMES - 2
        self.ax = canvas.axes(box.x + NAMES, box.y + HEAD, self.width, self.room)
        remove_bottom_spine(self.ax)
        self.ax.spines[["left"]].set_visible(False)
        self.ax.set(xlim=(0, self.width), ylim=(self.room, 0))  # pixels from the top left
        self.bands = canvas.moving(PolyCollection([], facecolor=style.TRACK, linewidth=0))
        self.lines = canvas.moving(LineCollection([], colors=style.MUTED, linewidths=1.1))
        self.firsts = canvas.moving(LineCollection([], colors=style.LOST, linewidths=2.6))
        for layer in (self.bands, self.lines, self.firsts):
            self.ax.add_collection(layer, autolim=False)
        self.failures = [
            canvas.text(
                box.x + NAMES - 8, 0, ha="right", va="center", size=style.SMALL, room=NAMES - 8
            )
            for _ in range(ROWS)
        ]
        # a line for each word
        self.signals = [
            [canvas.text(0, box.y + HEAD - y, ha="center", size=style.SMALL) for y in (22, 8)]
            for _ in range(COLUMNS)
        ]
        self.numbers = [
            [canvas.text(0, 0, ha="right", size=style.SMALL) for _ in range(COLUMNS)]
            for _ in range(ROWS)
        ]
        self.empty = canvas.text(box.x + NAMES, box.y + HEAD + 20, color=style.MUTED)

    def draw_table(self, table: Any, was: Any, run: ChartData, predictions: Predictions) -> None:  # noqa: ARG002 -- every table's
        cells = {} if table is None else by_pair(table)
        failures = list(dict.fromkeys(failure for failure, _ in cells))[:ROWS]
        signals = list(dict.fromkeys(signal for _, signal in cells))[:COLUMNS]
        self.empty.text = "" if cells else "no failure was watched"
        tall, wide = self.room / max(len(failures), 1), self.width / max(len(signals), 1)
        bands: list[Floats] = []
        lines: dict[bool, list[Floats]] = {True: [], False: []}
        for i, name in enumerate(self.failures):
            name.text = failures[i] if i < len(failures) else ""
            name.y = self.box.y + HEAD + tall * (i + 0.5) + NUMBER / 2
            for n, number in enumerate(self.numbers[i]):
                number.text = ""
                cell = (
                    cells.get((failures[i], signals[n]))
                    if i < len(failures) and n < len(signals)
                    else None
                )
                if cell is None:
                    continue
                corner = (n * wide + GAP / 2, i * tall + GAP / 2 + NUMBER)
                size = (wide - GAP, tall - GAP - NUMBER)
                bands.append(_band(corner, size))
                lines[cell["first"]] += _pieces(cell, corner, size)
                number.text = (
                    f"{style.number(cell['seconds'])} {ARROWS[cell['moved']]}"
                    if cell["moved"]
                    else "·"
                )
                number.weight = "bold" if cell["first"] else "normal"
                number.color = style.TROUBLED if cell["first"] else style.INK
                number.x = self.box.x + NAMES + corner[0] + size[0] - 1
                number.y = self.box.y + HEAD + corner[1] - 4
        for n, words in enumerate(self.signals):
            parts = signals[n].split(" ", 1) if n < len(signals) else []
            for word, text in zip(words, ["", "", *parts][-2:], strict=True):  # one word is below
                word.text, word.x = text, self.box.x + NAMES + (n + 0.5) * wide
        self.bands.set_verts(bands)
        self.lines.set_segments(lines[False])
        self.firsts.set_segments(lines[True])

    def describe(self, table: Any) -> str:
        cells = by_pair(table)
        rows: dict[str, list[str]] = {}
        for (failure, signal), cell in cells.items():
            rows.setdefault(failure, [])
            if cell["first"]:
                rows[failure].append(
                    f"{signal} {ARROWS[cell['moved']]} after {style.seconds(cell['seconds'])}"
                )
        said = "; ".join(
            f"{failure}: {', '.join(first) or 'no number moves'}" for failure, first in rows.items()
        )
        return f"First to move: {said}."

    @classmethod
    def title(cls, table: Any) -> str:
        """Return how many numbers are the first in some failure, and which move in all failures."""
        cells = by_pair(table)
        failures = {failure for failure, _ in cells}
        if not failures:
            return "No failure was watched"
        firsts = {signal for (_, signal), cell in cells.items() if cell["first"]}
        seen: dict[str, int] = {}
        for (_, signal), cell in cells.items():
            seen[signal] = seen.get(signal, 0) + bool(cell["moved"])
        always = [signal for signal, count in seen.items() if count == len(failures)]
        verb = "moves" if len(always) < 2 else "move"
        said = " and ".join(f'"{signal}"' for signal in always) or "no number"
        are = "number is" if len(firsts) == 1 else "numbers are"
        some = f"{_word(len(firsts)).capitalize()} {are}"
        return f"{some} first in some failure; {said} {verb} in all {_word(len(failures))}"


def _word(count: int) -> str:
    """Return a small number as a word."""
    return WORDS[count] if count < len(WORDS) else style.number(count)


def by_pair(table: Any) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the rows of the table by (failure, signal), each with `first`: True for those that
    moved first in their failure.
    """
    rows = {
        (str(row["failure"]), str(row["signal"])): row for row in table.to_dict(orient="records")
    }
    earliest: dict[str, float] = {}
    for (failure, _), row in rows.items():
        if row["moved"]:
            earliest[failure] = min(earliest.get(failure, np.inf), row["seconds"])
    for (failure, _), row in rows.items():
        row["first"] = bool(row["moved"]) and row["seconds"] == earliest[failure]
    return rows


def _band(corner: tuple[float, float], size: tuple[float, float]) -> Floats:
    """Return the corners of the middle part of a cell: the usual range."""
    left, right = corner[0], corner[0] + size[0]
    top, bottom = (corner[1] + size[1] * share for share in (_height(1.0), _height(0.0)))
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)])


def _height(share: float) -> float:
    """Return the distance from a cell's top, as a part of its height, of a value that is `share` of
    the way from the low to the high end of the usual range.
    """
    return float((1 + REACH - np.clip(share, -REACH, 1 + REACH)) / (1 + 2 * REACH))


def _pieces(
    cell: dict[str, Any], corner: tuple[float, float], size: tuple[float, float]
) -> list[Floats]:
    """Return the line of a cell, in pieces where values are missing."""
    values = np.array(cell["values"], dtype=float)
    wide = (cell["high"] - cell["low"]) or 1.0
    x = corner[0] + size[0] * np.linspace(0, 1, max(len(values), 2))[: len(values)]
    pieces: list[list[tuple[float, float]]] = [[]]
    for at, value in zip(x, values, strict=True):
        if np.isnan(value):
            pieces.append([])
            continue
        pieces[-1].append((at, corner[1] + size[1] * _height((value - cell["low"]) / wide)))
    return [np.array(piece) for piece in pieces if len(piece) > 1]
