"""Horizontal bars with names and numbers: the common part of the charts of categories."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from matplotlib.collections import PolyCollection

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import Floats
from mqlearn.lab.charts.base import Box, remove_bottom_spine


class Bars:
    """Horizontal bars from zero, at most `most` of them; the baseline is a grey outline, the value
    of theory a dotted tick.

    Names are at the left of their bars, or `above` them if they are long. `left`, `right` and `top`
    are the margins in pixels.
    """

    def __init__(
        self,
        canvas: Canvas,
        box: Box,
        *,
        color: str,
        above: bool = False,
        most: int = 8,
        left: int = 78,
        right: int = 58,
        top: int = 18,
    ) -> None:
        self.canvas, self.above = canvas, above
        room = box.height - top - 6
        # pixels that a row needs: 15 for a bar, 30 with its name above it
        self.most = max(1, min(most, int(room // (30 if above else 15))))
        left = 2 if above else left
        self.ax = canvas.axes(box.x + left, box.y + top, box.width - left - right, room)
        self.first_y, self.room = box.y + top, room
        remove_bottom_spine(self.ax)
        self.ax.spines[["left"]].set_visible(False)
        self.pitch = room / self.most
        self.left_x, self.right_x = box.x + left, box.x + box.width - right
        self.track = canvas.moving(PolyCollection([], facecolor=style.TRACK, linewidth=0))
        self.bars = canvas.moving(PolyCollection([], facecolor=color, linewidth=0))
        self.cut = canvas.moving(
            PolyCollection(
                [], facecolor=style.PAPER, edgecolor=color, hatch=style.HATCH_CUT, linewidth=1.0
            )
        )
        self.ghost = canvas.moving(
            PolyCollection([], facecolor="none", edgecolor=style.GHOST, linewidth=1.8)
        )
        self.theory = canvas.moving(
            PolyCollection(
                [], facecolor="none", edgecolor=style.INK, linewidth=2.0, linestyle=[style.DOTTED]
            )
        )
        for layer in (self.track, self.bars, self.cut, self.ghost, self.theory):
            self.ax.add_collection(layer, autolim=False)
        self.names = [
            canvas.text(
                0,
                0,
                va="center",
                ha="left" if above else "right",
                room=box.width - 4 if above else left - 6,
            )
            for _ in range(self.most)
        ]
        self.numbers = [canvas.text(0, 0, va="center", bold=True) for _ in range(self.most)]
        self.top = 1.0
        self.values: dict[str, float] = {}

    def draw(
        self,
        values: Mapping[str, float],
        was: Mapping[str, float],
        texts: Sequence[str],
        *,
        theory: Mapping[str, float] | None = None,
        full: float | None = None,
        also: Sequence[float] = (),
        cut: Collection[str] = (),
    ) -> None:
        """Show `values` by name, over those of the baseline (`was`), with `texts` at the right of
        the bars.

        `full` draws a pale track of that length under each bar; the axis also reaches every number
        of `also`. The bars named in `cut` are hatched: their values leave out a part, or
        are unknown (0: hatched from end to end).
        """
        names = list(values)[: self.most]
        self.values = {name: values[name] for name in names}
        expected = theory or {}
        reach = [*values.values(), *was.values(), *expected.values(), *also, full or 0.0, 1e-3]
        # Shares end at `full`, 100 %; other values get a round limit.
        self.top = full if full and max(reach) <= full else style.nice_top(max(reach), self.top)
        self.ax.set_xlim(0, self.top)
        self.pitch = min(34 if self.above else 26, self.room / max(len(names), 1))
        self.ax.set_ylim(self.room / self.pitch - 0.5, -0.5)  # row 0 on top
        rows = {name: row for row, name in enumerate(names)}
        half = 0.26 if self.above else 0.36
        # in shares of a row: the bar moves down to leave space for the name above it
        drop = 0.2 if self.above else 0.0
        self.bars.set_verts([_bar(rows[n] + drop, half, values[n]) for n in names])
        self.cut.set_verts(
            [_bar(rows[n] + drop, half, values[n] or self.top) for n in names if n in cut]
        )
        self.track.set_verts([_bar(rows[n] + drop, half, full) for n in names] if full else [])
        self.ghost.set_verts([_bar(rows[n] + drop, half, was[n]) for n in names if n in was])
        self.theory.set_verts(
            [_tick(rows[n] + drop, 0.5, expected[n]) for n in names if n in expected]
        )
        for row in range(self.most):
            name = names[row] if row < len(names) else ""
            self.names[row].text = name
            self.numbers[row].text = texts[row] if name else ""
            if name:
                self._place(row, drop, max(values[name], was.get(name, 0.0)))

    def _place(self, row: int, drop: float, reach: float) -> None:
        """Place the name and number of `row`; if names are above their bars, the number is at the
        bar's end.
        """
        middle = self.first_y + self.pitch * (row + 0.5)
        if self.above:
            self.names[row].x, self.names[row].y = self.left_x + 1, middle - self.pitch * 0.28
            end = self.left_x + (self.right_x - self.left_x) * reach / self.top
        else:
            self.names[row].x, self.names[row].y = self.left_x - 6, middle
            end = self.right_x
        self.numbers[row].x, self.numbers[row].y = end + 6, middle + self.pitch * drop


def _bar(row: float, half: float, length: float) -> Floats:
    return np.array(
        [(0.0, row - half), (length, row - half), (length, row + half), (0.0, row + half)]
    )


def _tick(row: float, half: float, at: float) -> Floats:
    return np.array([(at, row - half), (at, row + half)])
