"""One row of the chart "signals": a small chart over time with a caption and a few curves."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from mqlearn.lab import style
from mqlearn.lab.chart_data import Floats
from mqlearn.lab.charts.base import Ticks, Timeline

CAPTION, FOOT = 14, 4  # pixels above the axes for the caption, and under them
LINE = 13  # pixels from one label to the next
NOTHING = np.zeros(0)


class Curve(NamedTuple):
    """A curve: its label, its look, and the `factor` from the table's unit to the one shown."""

    label: str
    look: dict[str, Any]
    factor: float = 1.0


class SignalRow:
    """A caption, axes from 0 up, and the `curves` of a table by its columns, each with its label in
    the right margin. Curves of a baseline are grey and lie below.
    """

    def __init__(
        self,
        chart: Timeline,
        top: float,
        height: float,
        caption: str,
        curves: Mapping[str, Curve],
    ) -> None:
        canvas, box = chart.canvas, chart.box
        self.curves = curves
        wide = box.width - chart.left - chart.right
        canvas.text(
            box.x + chart.left, top + 10, caption, size=style.SMALL, color=style.MUTED, room=wide
        )
        self.ax = canvas.axes(box.x + chart.left, top + CAPTION, wide, height - CAPTION - FOOT)
        for spine in self.ax.spines.values():
            canvas.moving(spine)  # over the shade of a failure, which is moving too
        self.ghosts = {
            name: canvas.moving(self.ax.plot([], [], color=style.GHOST, linewidth=1.2)[0])
            for name in curves
        }
        self.lines = {
            name: canvas.moving(self.ax.plot([], [], **curve.look)[0])
            for name, curve in curves.items()
        }
        self.limit = canvas.moving(
            self.ax.axhline(0, color=style.INK, linewidth=1.2, linestyle=style.DASHED)
        )
        self.labels = {
            name: canvas.text(
                chart.label_x, top + CAPTION + 4 + LINE * i, bold=True, va="center",
                size=style.SMALL, color=str(curve.look["color"]), room=chart.right - 10,
            )
            for i, (name, curve) in enumerate(curves.items())
        }  # fmt: skip
        self.ticks = Ticks(canvas, self.ax, "y")
        self.top = 0.0

    def draw(self, table: Any, was: Any, *, span: tuple[float, float], limit: float | None) -> None:
        """Show the curves of `table` from `span[0]` to `span[1]` (s), over those of the baseline
        `was`, and the alert's limit.
        """
        now, before = self._values(table), self._values(was)
        highest = [_highest(values) for values in (*now.values(), *before.values())]
        self._fit(max([limit or 0.0, *highest]))
        self.ax.set_xlim(*span)
        self.limit.set_visible(limit is not None)
        self.limit.set_ydata([limit or 0.0] * 2)
        for name, curve in self.curves.items():
            self.lines[name].set_data(_times(table), now[name])
            self.ghosts[name].set_data(_times(was), before[name])
            mark = "╌" if "linestyle" in curve.look else "━"
            last = float(now[name][-1]) if len(now[name]) else np.nan
            number = style.number(np.round(last, 1 if last < 10 else 0))
            self.labels[name].text = f"{mark} {curve.label} {number}"

    def _values(self, table: Any) -> dict[str, Floats]:
        if table is None:
            return dict.fromkeys(self.curves, NOTHING)
        return {
            name: curve.factor * table[name].to_numpy(dtype=float)
            for name, curve in self.curves.items()
        }

    def _fit(self, highest: float) -> None:
        top = style.nice_top(max(highest, 0.1), self.top)
        if top != self.top:
            self.top = top
            self.ax.set_ylim(0, top)
            self.ticks.show([(value, style.number(value)) for value in (0, top)])


def _times(table: Any) -> Floats:
    return NOTHING if table is None else np.asarray(table.index, dtype=float)


def _highest(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.max()) if len(known) else 0.0
