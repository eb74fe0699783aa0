"""The chart "outcomes": each subscriber's messages by their outcome."""

from typing import Any

import numpy as np
from matplotlib.collections import PolyCollection

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData, Floats
from mqlearn.lab.charts.base import Box, Chart, Predictions, remove_bottom_spine
from mqlearn.lab.charts.subscribers import FEW, MOST, omission, omission_label
from mqlearn.study.analysis.fan_outs import OUTCOMES

LOOKS: dict[str, dict[str, Any]] = {
    "heard": {"facecolor": style.DONE},
    "late": {"facecolor": "#9FD8C6", "hatch": "\\\\\\\\\\", "edgecolor": style.INK},
    "dead": {"facecolor": style.DEAD},
    "lost": {"facecolor": style.LOST},
    "behind": {"facecolor": style.WAITING},
}
WORDS = {"heard": "heard", "late": "late", "dead": "dead", "lost": "lost", "behind": "behind"}


class Outcomes(Chart):
    """A bar for each subscriber: its messages heard in order, heard late, dead, lost, or still
    behind.
    """

    name, full_row, min_height, stretch = "outcomes", True, 106, 0.6
    needs = ("occurred", "sent", "scheduled", "rejected")

    def __init__(self, canvas: Canvas, box: Box) -> None:
        super().__init__(canvas, box)
        canvas.text(
            box.x,
            box.y + 15,  # lower than other captions: clear of the time axis of the chart above
            "what became of each subscriber's messages",
            size=style.SMALL,
            color=style.MUTED,
        )
        self.ax = canvas.axes(box.x + 60, box.y + 21, box.width - 70, box.height - 25)
        remove_bottom_spine(self.ax)
        self.ax.spines[["left"]].set_visible(False)
        self.fills = {
            outcome: canvas.moving(PolyCollection([], **{"linewidth": 0, **look}))
            for outcome, look in LOOKS.items()
        }
        for fill in self.fills.values():
            self.ax.add_collection(fill, autolim=False)
        self.names = [
            canvas.text(box.x + 54, 0, ha="right", va="center", room=54) for _ in range(MOST)
        ]
        self.texts = [canvas.text(box.x + 61, 0, va="center") for _ in range(MOST)]
        self.omission = omission_label(self, 15)

    def draw(self, run: ChartData, ghost: ChartData | None, predictions: Predictions) -> None:  # noqa: ARG002 -- every chart's
        names = run.fan_out.names[:MOST]
        self.omission.text = omission(run.fan_out.names, MOST)
        table = [run.fan_out.outcomes(name) for name in names]
        rows = max(FEW, len(names))
        self.ax.set_ylim(rows - 0.5, -0.5)
        pitch = (self.box.height - 25) / rows
        self.ax.set_xlim(0, max([sum(row.values()) for row in table], default=1) or 1)
        left = np.zeros(len(names))
        for outcome in OUTCOMES:
            width = np.array([row[outcome] for row in table], dtype=float)
            self.fills[outcome].set_verts(
                [
                    _bar(row, left[row], left[row] + width[row])
                    for row in range(len(names))
                    if width[row]
                ]
            )
            left = left + width
        for row, (name, text) in enumerate(zip(self.names, self.texts, strict=True)):
            name.y, text.y = (self.box.y + 21 + pitch * (row + share) for share in (0.72, 0.28))
            name.text = names[row] if row < len(names) else ""
            text.text = in_words(table[row]) if row < len(names) else ""

    def sentence(self, run: ChartData) -> str:
        fan_out = run.fan_out
        parts = "; ".join(f"{name} {in_words(fan_out.outcomes(name))}" for name in fan_out.names)
        return f"Outcomes: {parts}." if parts else "Outcomes: there was no subscriber."


def in_words(outcomes: dict[str, int]) -> str:
    """Return the outcomes that occur, in words."""
    return (
        ", ".join(
            f"{style.number(outcomes[outcome])} {WORDS[outcome]}"
            for outcome in OUTCOMES
            if outcomes[outcome]
        )
        or "nothing"
    )


def _bar(row: int, left: float, right: float) -> Floats:
    return np.array(
        # in the lower half of the row: the words are written above the bar
        [(left, row + 0.06), (right, row + 0.06), (right, row + 0.40), (left, row + 0.40)]
    )
