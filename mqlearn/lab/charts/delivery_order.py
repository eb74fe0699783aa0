"""The chart "delivery_order": the place of each message in the order of taking, against its place
in the order of sending.
"""

from typing import Any

import numpy as np

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData, Floats
from mqlearn.lab.charts.base import Box, Chart, Predictions, Ticks

LEFT, RIGHT, TOP, FOOT = 42, 108, 21, 34
MARKERS = {"LOW": "o", "NORMAL": "s", "HIGH": "^", "CRITICAL": "D"}


class DeliveryOrder(Chart):
    """A point for each message: x is its number in the order of sending, y its number in the order
    of first deliveries.

    Shade and shape show its priority. Points on the dotted line were taken in the order of sending.
    """

    name, min_height, stretch = "delivery_order", 150, 2.6

    def __init__(self, canvas: Canvas, box: Box) -> None:
        super().__init__(canvas, box)
        self.caption("taken as the nth")
        self.ax = canvas.axes(
            box.x + LEFT, box.y + TOP, box.width - LEFT - RIGHT, box.height - TOP - FOOT
        )
        self.x_ticks, self.y_ticks = Ticks(canvas, self.ax, "x"), Ticks(canvas, self.ax, "y")
        canvas.text(
            box.x + box.width - RIGHT,
            box.y + box.height - 3,
            "sent as the nth",
            size=style.SMALL,
            color=style.MUTED,
            ha="right",
        )
        self.straight = canvas.moving(
            self.ax.plot([], [], linestyle=style.DOTTED, color=style.INK, linewidth=1.6)[0]
        )
        dot: dict[str, Any] = {
            "linestyle": "",
            "markeredgecolor": style.INK,
            "markeredgewidth": 0.8,
            "clip_on": False,
        }
        self.ghost = canvas.moving(
            self.ax.plot([], [], marker=".", color=style.GHOST, linestyle="")[0]
        )
        self.points = {
            p: canvas.moving(
                self.ax.plot([], [], marker=MARKERS[p], color=style.PRIORITY_FILL[p], **dot)[0]
            )
            for p in style.PRIORITIES
        }
        x = box.x + box.width - RIGHT + 12
        self.key = canvas.axes(x, box.y + TOP, 16, 18 * len(MARKERS))
        self.key.set_axis_off()
        self.key.set_xlim(0, 1)
        self.key.set_ylim(len(MARKERS) - 0.5, -0.5)
        for row, priority in enumerate(reversed(style.PRIORITIES)):
            self.key.plot(
                [0.5],
                [row],
                marker=MARKERS[priority],
                markersize=6.5,
                color=style.PRIORITY_FILL[priority],
                **dot,
            )
            canvas.text(x + 20, box.y + TOP + 18 * row + 13, priority)
        canvas.text(
            x - 4,
            box.y + TOP + 18 * len(MARKERS) + 16,
            "···· as sent",
            size=style.SMALL,
            color=style.INK,
        )

    def draw(self, run: ChartData, ghost: ChartData | None, predictions: Predictions) -> None:  # noqa: ARG002 -- every chart's
        self.ranks = ranks(run)
        sent, taken, priorities = self.ranks
        many = max(len(sent), 2)
        self.ax.set_xlim(0.5, many + 0.5)
        self.ax.set_ylim(0.5, many + 0.5)
        at = [(float(n), f"{n:,}") for n in sorted({1, (many + 1) // 2, many})]
        self.x_ticks.show(at)
        self.y_ticks.show(at)
        self.straight.set_data([1, many], [1, many])
        # Many points are drawn smaller, so that they do not cover one another.
        size = 7.0 if many <= 40 else 3.5
        for priority, points in self.points.items():
            mine = priorities == priority
            points.set_data(sent[mine], taken[mine])
            points.set_markersize(size)
        was = ranks(ghost) if ghost is not None else (sent[:0], taken[:0])
        self.ghost.set_data(was[0], was[1])

    def sentence(self, run: ChartData) -> str:
        sent, taken, _ = ranks(run)
        if not len(sent):
            return "Order: nothing was taken."
        late = overtaken(taken)
        late_in_words = (
            "nobody was overtaken"
            if not late
            else f"{style.number(late)} of them after one that was sent later"
        )
        return f"Order: {style.count(len(sent), 'message')} taken, {late_in_words}."


def ranks(run: ChartData) -> tuple[Floats, Floats, Any]:
    """Return, for each message that was taken, its place in sending and in taking, and its
    priority.

    These are three arrays of equal length, in the order of sending; places count from 1.
    """
    numbers: dict[tuple[str, int], tuple[int, str]] = {}
    taken: dict[tuple[str, int], int] = {}
    for _, event, source, entry, _, priority, *_ in run.records:
        if event in ("sent", "scheduled", "existing", "repeated"):
            numbers[source, entry] = len(numbers) + 1, priority
        elif event == "received":
            # `setdefault`: only the first delivery of a message counts
            taken.setdefault((source, entry), len(taken) + 1)
    known = [entry for entry in numbers if entry in taken]
    return (
        np.array([numbers[entry][0] for entry in known], dtype=float),
        np.array([taken[entry] for entry in known], dtype=float),
        np.array([numbers[entry][1] for entry in known], dtype=str),
    )


def overtaken(taken: Floats) -> int:
    """Return how many messages were taken after one that was sent later.

    `taken` holds their places in the order of taking, listed in the order of sending.
    """
    if len(taken) < 2:
        return 0
    # A message is overtaken if any of those sent after it was taken before it.
    best_after = np.minimum.accumulate(taken[::-1])[::-1]
    return int(np.sum(taken[:-1] > best_after[1:]))
