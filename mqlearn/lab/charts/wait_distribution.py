"""The chart "wait_distribution": the share of messages by their wait."""

import numpy as np
from matplotlib.collections import PolyCollection

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData, Floats
from mqlearn.lab.charts.base import Box, Chart, Predictions, Ticks
from mqlearn.lab.charts.prediction_marks import BarMarks
from mqlearn.lab.charts.steps import shares
from mqlearn.messaging.percentile import percentile

BINS = 20


class WaitDistribution(Chart):
    """The share of messages by their wait (s) until work begins; the dotted line is the share that
    theory expects for each bar.

    A prediction is of the mean wait.
    """

    name, takes_prediction, min_height, stretch = "wait_distribution", True, 110, 1.6

    def __init__(self, canvas: Canvas, box: Box) -> None:
        super().__init__(canvas, box)
        self.caption("share of messages by wait until work begins")
        self.ax = canvas.axes(box.x + 38, box.y + 34, box.width - 60, box.height - 53)
        self.bars = canvas.moving(
            PolyCollection([], facecolor=style.WAITING, edgecolor=style.PAPER, linewidth=0.6)
        )
        self.ax.add_collection(self.bars, autolim=False)
        self.ghost = canvas.moving(
            self.ax.plot([], [], drawstyle="steps-post", color=style.GHOST, linewidth=1.8)[0]
        )
        self.theory = canvas.moving(
            self.ax.plot([], [], color=style.INK, linewidth=1.8, linestyle=style.DOTTED)[0]
        )
        self.notes = [
            canvas.text(box.x + box.width - 22, box.y + 46 + 16 * i, ha="right") for i in range(2)
        ]
        self.marks = BarMarks(canvas, self.ax)
        self.axis_top = (0.0, 0.0)
        self.x_ticks, self.y_ticks = Ticks(canvas, self.ax, "x"), Ticks(canvas, self.ax, "y")

    def draw(self, run: ChartData, ghost: ChartData | None, predictions: Predictions) -> None:
        waits = run.waits
        was = ghost.waits if ghost is not None else np.zeros(0)
        longest = max(
            [float(w.max()) for w in (waits, was) if len(w)] + [1e-3, *predictions.values]
        )
        right = style.nice_top(longest, self.axis_top[0])
        edges = np.linspace(0, right, BINS + 1)
        self.shares = shares(waits, edges)
        # Theory gives the share that waits longer than t. The share of a bar is the difference of
        # this at its two edges.
        exceeds = run.theory("wait_exceeds")
        expected = (
            np.zeros(0)
            if exceeds is None
            else -np.diff([1.0, *(float(exceeds(t)) for t in edges[1:])])
        )
        top = style.nice_top(
            max([*self.shares, *shares(was, edges), *expected, 0.01]), self.axis_top[1]
        )
        self._limits(right, top)
        self.bars.set_verts(
            [
                _column(a, b, h)
                for a, b, h in zip(edges[:-1], edges[1:], self.shares, strict=True)
                if h
            ]
        )
        self.theory.set_data((edges[1:] + edges[:-1]) / 2 if len(expected) else [], expected)
        self.ghost.set_visible(bool(len(was)))
        self.ghost.set_data(edges, np.append(shares(was, edges), 0))
        mean, p95 = (
            (float(waits.mean()), percentile(sorted(waits), 95)) if len(waits) else (0.0, 0.0)
        )
        by_theory = run.theory("wait")
        note = "" if by_theory is None else f" (theory {style.number(by_theory)})"
        self.notes[0].text = f"mean {style.seconds(mean)}{note}"
        self.notes[1].text = f"95 % ≤ {style.seconds(p95)}"
        self.marks.draw(predictions)

    def _limits(self, right: float, top: float) -> None:
        if (right, top) != self.axis_top:
            self.axis_top = right, top
            self.ax.set_xlim(0, right)
            self.ax.set_ylim(0, top)
            self.x_ticks.show(
                [
                    (0, "0"),
                    (right / 2, style.number(right / 2)),
                    (right, f"{style.number(right)} s"),
                ]
            )
            self.y_ticks.show([(0, "0"), (top, f"{top:.0%}" if top >= 0.01 else f"{top:.1%}")])

    def measured(self, run: ChartData) -> float | None:
        return float(run.waits.mean()) if len(run.waits) else None

    def sentence(self, run: ChartData) -> str:
        waits = run.waits
        if not len(waits):
            return "Waits: no work was begun."
        ordered = sorted(waits)
        median, p95 = percentile(ordered, 50), percentile(ordered, 95)
        by_theory = run.theory("wait")
        note = "" if by_theory is None else f" (theory says {style.seconds(by_theory)})"
        return (
            f"Waits: mean {style.seconds(float(waits.mean()))}{note}, median "
            f"{style.seconds(median)}, "
            f"95 % waited at most {style.seconds(p95)}, the longest {style.seconds(waits.max())}."
        )


def _column(a: float, b: float, height: float) -> Floats:
    return np.array([(a, 0.0), (b, 0.0), (b, height), (a, height)])
