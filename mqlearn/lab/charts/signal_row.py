"""One row of the chart "signals": a small chart over time with a caption and a few curves."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from mqlearn.lab import style
from mqlearn.lab.chart_data import Floats
from mqlearn.lab.charts.base import Ticks, Timeline

CAPTION, FOOT = 14, 4  # pixels above the axes for the caption, and under them
LINE = 13  # pixels from one label to the next
Look = dict[str, Any]


class SignalRow:
    """A caption, axes from 0 up, and curves by name, each with its label in the right margin.

    `curves` has the label and the look of each curve. Curves of a baseline are grey and lie below.
    """

    def __init__(
        self,
        chart: Timeline,
        top: float,
        height: float,
        caption: str,
        curves: Mapping[str, tuple[str, Look]],
    ) -> None:
        canvas, box = chart.canvas, chart.box
        self.names = {name: label for name, (label, _) in curves.items()}
        self.caption = canvas.text(
            box.x + chart.left, top + 10, caption, size=style.SMALL, color=style.MUTED,
            room=box.width - chart.left,
        )  # fmt: skip
        wide = box.width - chart.left - chart.right
        self.ax = canvas.axes(box.x + chart.left, top + CAPTION, wide, height - CAPTION - FOOT)
        for spine in self.ax.spines.values():
            canvas.moving(spine)  # over the shade of a failure, which is moving too
        self.ghosts = {
            name: canvas.moving(self.ax.plot([], [], color=style.GHOST, linewidth=1.2)[0])
            for name in curves
        }
        self.lines = {
            name: canvas.moving(self.ax.plot([], [], **look)[0])
            for name, (_, look) in curves.items()
        }
        self.marks = {
            name: "╌" if "linestyle" in look else "━" for name, (_, look) in curves.items()
        }
        self.labels = {
            name: canvas.text(
                chart.label_x, top + CAPTION + 4 + LINE * i, bold=True, va="center",
                size=style.SMALL, color=str(look["color"]), room=chart.right - 10,
            )
            for i, (name, (_, look)) in enumerate(curves.items())
        }  # fmt: skip
        self.ticks = Ticks(canvas, self.ax, "y")
        self.top = 0.0

    def draw(
        self,
        times: Floats,
        values: Mapping[str, Floats],
        was: tuple[Floats, Mapping[str, Floats]] | None,
        *,
        span: tuple[float, float],
        least: float = 0.0,
        most: float = np.inf,
    ) -> None:
        """Show the curves from `span[0]` to `span[1]` (s), over those of the baseline, `was`; the
        axis reaches `least`, and ends at `most`, above which curves are cut off.
        """
        shown = [*values.values(), *(was[1].values() if was is not None else ())]
        self._fit(min(max([least, *map(_highest, shown)]), most))
        self.ax.set_xlim(*span)
        for name, line in self.lines.items():
            line.set_data(times, values[name])
            self.ghosts[name].set_visible(was is not None)
            if was is not None:
                self.ghosts[name].set_data(was[0], was[1][name])
            if self.names[name]:
                last = float(values[name][-1]) if len(values[name]) else np.nan
                number = style.number(np.round(last, 1 if last < 10 else 0))
                self.labels[name].text = f"{self.marks[name]} {self.names[name]} {number}"

    def _fit(self, highest: float) -> None:
        top = style.nice_top(max(highest, 0.1), self.top)
        if top != self.top:
            self.top = top
            self.ax.set_ylim(0, top)
            self.ticks.show([(value, style.number(value)) for value in (0, top)])


def _highest(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.max()) if len(known) else 0.0
