"""Horizontal bars with a name before and a number behind each: what the categorical charts have in common."""

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
from matplotlib.collections import PolyCollection

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.charts.base import Box, frameless
from mqlearn.lab.view import Floats


class Bars:
    """Bars from zero, at most `most` of them; the baseline is a grey outline, theory a dotted tick.

    Names stand at the left, or `above` their bars where they are long.
    """

    def __init__(
        self, canvas: Canvas, box: Box, *, color: str, above: bool = False, most: int = 8, left: int = 78, right: int = 62
    ) -> None:
        self.canvas, self.above = canvas, above
        room = box.height - 24
        self.most = max(1, min(most, int(room // (30 if above else 15))))
        left = 2 if above else left
        self.ax = canvas.axes(box.x + left, box.y + 18, box.width - left - right, room)
        frameless(self.ax)
        self.ax.set_yticks([])
        self.ax.set_ylim(self.most - 0.5, -0.5)
        self.left_x, self.right_x = box.x + left, box.x + box.width - right
        self.track = canvas.moving(PolyCollection([], facecolor=style.TRACK, linewidth=0))
        self.bars = canvas.moving(PolyCollection([], facecolor=color, linewidth=0))
        self.ghost = canvas.moving(PolyCollection([], facecolor="none", edgecolor=style.GHOST, linewidth=1.8))
        self.theory = canvas.moving(PolyCollection([], facecolor="none", edgecolor=style.INK, linewidth=2.0, linestyle=[style.DOTTED]))
        for layer in (self.track, self.bars, self.ghost, self.theory):
            self.ax.add_collection(layer, autolim=False)
        self.names = [canvas.text(0, 0, va="center", ha="left" if above else "right") for _ in range(self.most)]
        self.numbers = [canvas.text(0, 0, va="center", weight="bold") for _ in range(self.most)]
        self.top = 1.0
        self.values: dict[str, float] = {}

    def draw(
        self,
        values: Mapping[str, float],
        was: Mapping[str, float],
        said: Sequence[str],
        *,
        theory: Mapping[str, float] | None = None,
        full: float | None = None,
        also: Sequence[float] = (),
    ) -> None:
        """`said` stands behind each bar; `full` draws a track of that length; the axis also reaches `also`."""
        names = list(values)[: self.most]
        self.values = {name: values[name] for name in names}
        expected = theory or {}
        reach = [*values.values(), *was.values(), *expected.values(), *also, full or 0.0, 1e-3]
        self.top = full if full and max(reach) <= full else style.nice_top(max(reach), self.top)
        self.ax.set_xlim(0, self.top)
        rows = {name: row for row, name in enumerate(names)}
        half = 0.26 if self.above else 0.36
        drop = 0.2 if self.above else 0.0
        self.bars.set_verts([_bar(rows[n] + drop, half, values[n]) for n in names])
        self.track.set_verts([_bar(rows[n] + drop, half, full) for n in names] if full else [])
        self.ghost.set_verts([_bar(rows[n] + drop, half, was[n]) for n in names if n in was])
        self.theory.set_verts([_tick(rows[n] + drop, 0.5, expected[n]) for n in names if n in expected])
        for row in range(self.most):
            self._label(row, names[row] if row < len(names) else "", said[row] if row < len(names) else "", half, drop)

    def _label(self, row: int, name: str, said: str, half: float, drop: float) -> None:
        pitch = self.canvas.height * self.ax.get_position().height / self.most
        top = self.canvas.height * (1 - self.ax.get_position().y1)
        middle = top + pitch * (row + 0.5)
        self.names[row].set_text(name)
        self.numbers[row].set_text(said)
        name_x, name_y = (self.left_x + 2, middle - pitch * 0.28) if self.above else (self.left_x - 6, middle)
        self.canvas.at(self.names[row], name_x, name_y)
        self.canvas.at(self.numbers[row], self.right_x + 6, middle + pitch * drop)

    def still(self) -> Hashable:
        return self.most


def _bar(row: float, half: float, length: float) -> Floats:
    return np.array([(0.0, row - half), (length, row - half), (length, row + half), (0.0, row + half)])


def _tick(row: float, half: float, at: float) -> Floats:
    return np.array([(at, row - half), (at, row + half)])
