"""The chart "leases": journeys of messages, and the charges to the cards of their orders."""

from typing import Any

from matplotlib.lines import Line2D

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData
from mqlearn.lab.charts.base import Box, Predictions
from mqlearn.lab.charts.journeys import Journeys, choose
from mqlearn.study.analysis.charges import order_of

MARKS = 3  # of each row that are numbered at most


class Leases(Journeys):
    """The journeys of a few messages: an order that was not charged exactly once, and others.

    A numbered circle is the first charge of an order, a numbered diamond each later one, a cross
    the crash of a worker. The text at the right says how often the order was charged, by all
    messages that were sent for it.
    """

    name, left, foot, min_height = "leases", 92, 62, 174
    text = "one row = one message; bar = a worker holds it; a number = the card is charged"

    def __init__(self, canvas: Canvas, box: Box) -> None:
        super().__init__(canvas, box)
        self.first = self._points(marker="o", markersize=11.5, color=style.DONE)
        self.again = self._points(marker="D", markersize=10.5, color=style.AGAIN)
        self.numbers = [
            canvas.text(0, 0, ha="center", va="center", size=style.SMALL, bold=True)
            for _ in range(MARKS * self.most)
        ]

    def _points(self, **look: Any) -> Line2D:
        (line,) = self.ax.plot(
            [], [], linestyle="", clip_on=False,
            **{"markeredgecolor": style.INK, "markeredgewidth": 1.1, **look},
        )  # fmt: skip
        return self.canvas.moving(line)

    def _legend(self, box: Box) -> None:
        self._swatches(Box(box.x, box.y, box.width, box.height - 21))
        x, y = box.x + 3, box.y + box.height - 7
        for label, marker, color in (
            ("charged", "o", style.DONE),
            ("charged again", "D", style.AGAIN),
            ("worker dies", "x", style.LOST),
            ("dead letter", "X", style.DEAD),
        ):
            x = self._mark(x, y, label, marker=marker, color=color)

    def draw(self, run: ChartData, ghost: ChartData | None, predictions: Predictions) -> None:
        super().draw(run, ghost, predictions)
        # In this chart a circle is a charge; the journeys' circles, for acks, are left out.
        self.done.set_data([], [])
        entries = {job.message_id: int(job.entry) for job in self.rows}
        points: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
        shown: list[tuple[float, float, int]] = []
        for message_id, entry in entries.items():
            for number, charge in enumerate(run.charges.get(order_of(message_id), ()), 1):
                if charge.message_id == message_id:
                    at = (charge.time, self.bars.lane.get((entry, charge.attempt), 0.0))
                    points[number == 1].append(at)
                    shown.append((*at, number))
        for line, found in ((self.first, points[True]), (self.again, points[False])):
            line.set_data([x for x, _ in found], [y for _, y in found])
        self.crashes.set_data(*self._crashed(run, {(time, row) for time, row, _ in shown}))
        self._number(shown)

    def _number(self, shown: list[tuple[float, float, int]]) -> None:
        for i, text in enumerate(self.numbers):
            text.visible = i < len(shown)
            if i < len(shown):
                time, row, number = shown[i]
                text.text, text.color = str(number), style.PAPER if number == 1 else style.INK
                text.x, text.y = self._x(time), self._y(row)

    def last(self, held: Any, run: ChartData) -> float:
        """Return the last time (s) that the axis must show: the latest end of a delivery or of
        work.

        A message that is still held at the end runs out of the picture: it would shrink the others.
        """
        ended = held.loc[held["end"] != "", "until"]
        names = set(self.shown["message_id"])
        worked = [
            record.time
            for record in run.records
            if record.event == "finished" and record.message_id in names
        ]
        return (
            max([*ended, *worked, float(self.shown["sent"].max()) + 1.0])
            if len(self.shown)
            else 1.0
        )

    def chosen(self, run: ChartData) -> Any:
        """Return the rows to show: all messages of the order that is the example of the verdict,
        and their neighbours in time.
        """
        jobs = run.jobs
        names = jobs["message_id"].to_numpy()
        first = next(
            (i for i, name in enumerate(names) if order_of(name) == run.charge_example), None
        )
        if first is None or len(jobs) <= self.most:
            return choose(run, self.most)
        # two rows before it for comparison, and never beyond the first or last row
        begin = max(0, min(first - 2, len(jobs) - self.most))
        rows = list(range(begin, begin + self.most))
        order = order_of(names[first])
        kin = [i for i, name in enumerate(names) if order_of(name) == order and i not in rows]
        # other messages of the same order take the places of the last rows
        return jobs.iloc[sorted([*rows[: self.most - len(kin)], *kin])]

    def ending(self, job: Any, run: ChartData) -> tuple[str, bool]:
        """Return the number of charges of the order in words, and True if it is not one."""
        count = len(run.charges.get(order_of(job.message_id), ()))
        text = {0: "not charged", 1: "once"}.get(count, f"charged {count}×")
        return text + (
            ", dead" if job.outcome == "dead" else ""
        ), count != 1 or job.outcome == "dead"

    def sentence(self, run: ChartData) -> str:
        return super().sentence(run).replace("Journeys", "Leases", 1)
