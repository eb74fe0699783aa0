"""The chart "answers": what producers were told, per second."""

from typing import Any

import numpy as np

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData, Floats
from mqlearn.lab.charts.base import Box, Predictions, Timeline
from mqlearn.lab.charts.layers import Layers, baseline_lines
from mqlearn.lab.charts.steps import per_second

SLICES = 80  # of time, at most
KINDS = ("acknowledged", "refused", "unanswered")


class Answers(Timeline):
    """Orders per second that were told yes, refused, or left without an answer.

    An order that is refused several times within one slice of time counts once in it.
    """

    name, min_height, stretch = "answers", 92, 1.0
    needs = KINDS

    def __init__(self, canvas: Canvas, box: Box, *, axis: bool) -> None:
        super().__init__(canvas, box, axis=axis)
        self.caption(
            "orders per second, by answer; an order refused twice within one bar counts once"
        )
        looks: list[dict[str, Any]] = [
            {"facecolor": style.DONE},
            {"facecolor": style.DELAYED, "hatch": style.HATCH_DELAYED, "edgecolor": style.INK},
            {"facecolor": style.DEAD},
        ]
        self.layers = Layers(self, looks)
        for row, (label, look) in enumerate(
            zip(("no answer", "refused", "yes"), reversed(looks), strict=True)
        ):
            self.legend_entry(row, label, **look)
        self.ghost = baseline_lines(self)

    def draw(self, run: ChartData, ghost: ChartData | None, predictions: Predictions) -> None:  # noqa: ARG002 -- every chart's
        self.fit_time(run, ghost)
        edges, values = answers(run)
        was = (np.zeros(0), np.zeros((3, 0))) if ghost is None else answers(ghost)
        for line in self.ghost:
            line.set_visible(ghost is not None)
            line.set_data(was[0], np.append(was[1][0], was[1][0][-1:]))
        self.fit_height(max([*values.sum(axis=0), *was[1][0], 1.0]))
        self.layers.draw(edges, values)

    def sentence(self, run: ChartData) -> str:
        counts = [
            sum(record.event == kind for record in run.records) for kind in KINDS
        ]  # fmt: skip
        yes, refused, silent = map(style.number, counts)
        return f"Answers: yes {yes} times, refused {refused} times, no answer {silent} times."


def answers(run: ChartData) -> tuple[Floats, Floats]:
    """Return the edges of slices of time (s) and the orders per second in each, a row per kind of
    answer.
    """
    span = max(run.until - run.start, 1e-9)
    width = next((step for step in style.TIME_STEPS if span / step <= SLICES), span)
    edges = np.append(run.start + width * np.arange(max(1, int(span / width))), run.until)
    rows = []
    for kind in KINDS:
        first: dict[tuple[int, str], float] = {}
        for record in run.records:
            if record.event == kind:
                slice_number = int((record.time - run.start) / width)
                first.setdefault((slice_number, record.message_id), record.time)
        rows.append(per_second(list(first.values()), edges))
    return edges, np.array(rows)
