"""Filled step functions, stacked, and the line of the baseline over them."""

from typing import Any

import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.lines import Line2D

from mqlearn.lab import style
from mqlearn.lab.chart_data import Floats
from mqlearn.lab.charts.base import Timeline
from mqlearn.lab.charts.steps import step_corners


class Layers:
    """Filled step functions, each on top of the one before."""

    def __init__(self, chart: Timeline, looks: list[dict[str, Any]]) -> None:
        plain = {
            "linewidth": 0,
            "antialiased": False,
        }  # else paper shines through between two layers
        self._layers = [
            chart.canvas.moving(PolyCollection([], **{**plain, **look})) for look in looks
        ]
        for layer in self._layers:
            chart.ax.add_collection(layer, autolim=False)
            if layer.get_hatch():
                layer.set_hatch_linewidth(1.1)

    def draw(self, edges: Floats, values: Floats) -> None:
        """Show the layers between `edges` (s); `values` has a row per layer, the lowest first."""
        below = np.zeros(values.shape[1])
        for layer, row in zip(self._layers, values, strict=True):
            x, low = step_corners(edges, below)
            below = below + row
            layer.set_visible(bool(row.any()))
            if row.any():
                high = step_corners(edges, below)[1]
                # Along the upper edge, and back along the lower one.
                layer.set_verts(
                    [np.column_stack((np.append(x, x[::-1]), np.append(high, low[::-1])))]
                )


def baseline_lines(chart: Timeline) -> list[Line2D]:
    """Return the two lines of a baseline: a grey one on a wider white one, so that it is visible on
    any colour.
    """
    looks: list[dict[str, Any]] = [
        {"color": style.PAPER, "linewidth": 4.0},
        {"color": style.GHOST, "linewidth": 1.8},
    ]
    return [
        chart.canvas.moving(chart.ax.plot([], [], drawstyle="steps-post", **look)[0])
        for look in looks
    ]
