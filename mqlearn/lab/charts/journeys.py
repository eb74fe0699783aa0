"""The chart "journeys": a row for each of a few messages, from sending to done or dead."""

from collections.abc import Container
from typing import Any

import numpy as np
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.lines import Line2D

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData
from mqlearn.lab.charts.base import Box, Chart, Predictions, Ticks, swatch
from mqlearn.lab.charts.journey_bars import JourneyBars, tries_by_entry

RIGHT, TOP = 116, 18  # pixels: room for how each message ended, and for the caption
ROW = 22  # pixels per message


class Journeys(Chart):
    """The journeys of a few messages: the first in trouble (redelivered or dead) and its
    neighbours.

    A thin light bar is waiting, a thin hatched one delayed. A thick dark bar is the time that a
    worker holds the message, with the worker's letter or number; a white hatched bar is a worker
    that continues although its lease is lost. A cross is the crash of a worker; a bar with crossed
    hatches is a message that is in no queue any more and with no worker.
    """

    name, full_row, min_height, stretch = "journeys", True, 150, 2.6
    left, foot = 78, 40  # pixels before and under the axis
    text = "one row = one message; bar = a worker holds it"

    def __init__(self, canvas: Canvas, box: Box) -> None:
        super().__init__(canvas, box)
        self.caption(self.text)
        self.most = max(2, int((box.height - TOP - self.foot) // ROW))
        width, height = box.width - self.left - RIGHT, box.height - TOP - self.foot
        self.ax = canvas.axes(box.x + self.left, box.y + TOP, width, height)
        self.ax.spines[["left"]].set_visible(False)
        self.ax.set_ylim(self.most - 0.5, -0.5)
        self.ticks = Ticks(canvas, self.ax, "x")
        self.ax.hlines(
            np.arange(self.most) + 0.5,
            0,
            1,
            transform=self.ax.get_yaxis_transform(),
            color=style.TRACK,
            linewidth=1,
        )
        self.waiting = self._bars(facecolor=style.WAITING, linewidth=0)
        self.delayed = self._bars(
            facecolor=style.DELAYED, linewidth=0, hatch=style.HATCH_DELAYED, edgecolor=style.INK
        )
        self.orphaned = self._bars(
            facecolor=style.PAPER,
            edgecolor=style.IN_FLIGHT,
            hatch=style.HATCH_NO_OWNER,
            linewidth=1,
        )
        self.gone = self._bars(
            facecolor=style.PAPER, edgecolor=style.LOST, hatch=style.HATCH_GONE, linewidth=1
        )
        self.held = self._bars(facecolor=style.IN_FLIGHT, linewidth=0.8, edgecolor=style.PAPER)
        self.lost = canvas.moving(LineCollection([], colors=style.LOST, linewidths=3.5))
        self.ax.add_collection(self.lost, autolim=False)
        dot: dict[str, Any] = {
            "linestyle": "",
            "markeredgecolor": style.INK,
            "clip_on": False,
            "markeredgewidth": 1.0,
        }
        self.done = canvas.moving(
            self.ax.plot([], [], marker="o", markersize=7.5, color=style.DONE, **dot)[0]
        )
        self.died = canvas.moving(
            self.ax.plot([], [], marker="X", markersize=8.5, color=style.DEAD, **dot)[0]
        )
        self.crashes = canvas.moving(
            self.ax.plot(
                [],
                [],
                linestyle="",
                marker="x",
                markersize=7.5,
                markeredgewidth=2.4,
                color=style.LOST,
                clip_on=False,
            )[0]
        )
        self.drawn: ChartData | None = None  # the run on show; `shown` and `rows` are its jobs
        self.names = [
            canvas.text(0, 0, ha="right", va="center", room=self.left - 8) for _ in range(self.most)
        ]
        self.ends = [
            canvas.text(0, 0, va="center", size=style.SMALL, room=RIGHT - 14)
            for _ in range(self.most)
        ]
        self.letters = [
            canvas.text(0, 0, va="center", size=style.SMALL, color=style.PAPER, bold=True)
            for _ in range(3 * self.most)
        ]
        self._legend(box)

    def _bars(self, **look: Any) -> PolyCollection:
        bars = self.canvas.moving(PolyCollection([], **look))
        self.ax.add_collection(bars, autolim=False)
        return bars

    def _legend(self, box: Box) -> None:
        x, y = self._swatches(box)
        self._mark(x + 7, y, "worker dies", marker="x", color=style.LOST)

    def _swatches(self, box: Box) -> tuple[float, float]:
        """Draw the legend of the bars along the bottom of `box`; return where it ends (pixels)."""
        y, x = box.y + box.height - 13, box.x + 2
        for label, look in (
            ("waiting", {"facecolor": style.WAITING}),
            ("held", {"facecolor": style.IN_FLIGHT}),
            (
                "delayed",
                {"facecolor": style.DELAYED, "hatch": style.HATCH_DELAYED, "edgecolor": style.INK},
            ),
            ("lease lost", {"facecolor": style.LOST}),
            (
                "without lease",
                {
                    "facecolor": style.PAPER,
                    "hatch": style.HATCH_NO_OWNER,
                    "edgecolor": style.IN_FLIGHT,
                    "linewidth": 1,
                },
            ),
            (
                "left the queue",
                {
                    "facecolor": style.PAPER,
                    "hatch": style.HATCH_GONE,
                    "edgecolor": style.LOST,
                    "linewidth": 1,
                },
            ),
        ):
            swatch(self.canvas, x, y, width=4 if label == "lease lost" else 14, **look)
            self.canvas.text(x + 19, y + 10.5, label, size=style.SMALL)
            x += 32 + self.canvas.measure(label, size=style.SMALL)
        return x, y + 10.5

    def _mark(self, x: float, y: float, label: str, *, marker: str, color: str) -> float:
        """Draw a marker and its label from (x, y) pixels on; return where the next one begins."""
        at = self.canvas.corners(x, y - 10.5, 12, 12).mean(axis=0)
        cross = marker == "x"
        self.canvas.figure.add_artist(
            Line2D(
                [at[0]],
                [at[1]],
                marker=marker,
                markersize=7.5,
                color=color,
                markeredgecolor=color if cross else style.INK,
                markeredgewidth=2.2 if cross else 0.9,
                transform=self.canvas.figure.transFigure,
            )
        )
        self.canvas.text(x + 18, y, label, size=style.SMALL)
        return x + 32 + self.canvas.measure(label, size=style.SMALL)

    def draw(self, run: ChartData, ghost: ChartData | None, predictions: Predictions) -> None:  # noqa: ARG002 -- every chart's
        self.drawn, self.shown = run, self.chosen(run)
        held = run.deliveries[
            np.isin(run.deliveries["entry"].to_numpy(), [int(e) for e in self.shown["entry"]])
        ]
        self._over(
            float(min(self.shown["sent"], default=0.0)), min(self.last(held, run), run.until)
        )
        self.bars = bars = JourneyBars(
            self.ax.get_xlim()[1],
            tries_by_entry(run, held["entry"].unique()),
            forgets=_forgets(run),
        )
        self.rows, holds = list(self.shown.itertuples()), list(held.itertuples())
        for row, job in enumerate(self.rows):
            bars.add(row, job, [hold for hold in holds if hold.entry == job.entry])
        self.waiting.set_verts(bars.waiting)
        self.delayed.set_verts(bars.delayed)
        self.held.set_verts(bars.held)
        self.orphaned.set_verts(bars.orphaned)
        self.gone.set_verts(bars.gone)
        self.lost.set_segments(bars.lost)
        self.crashes.set_data(*self._crashed(run))
        self.done.set_data(*_columns(bars.done))
        self.died.set_data(*_columns(bars.died))
        self._label(bars, run)

    def _crashed(
        self, run: ChartData, charged: Container[tuple[float, float]] = ()
    ) -> tuple[list[float], list[float]]:
        """Return the positions of the crosses: at a worker's crash, or beside a charge at the same
        instant.
        """
        low, high = self.ax.get_xlim()
        beside = 15 * (high - low) / (self.canvas.width * self.ax.get_position().width)
        entries = {job.message_id: int(job.entry) for job in self.rows}
        died = []
        for time, event, _, _, message_id, _, attempt, _, _, detail in run.records:
            if event == "finished" and detail == "crashed" and message_id in entries:
                row = self.bars.lane.get((entries[message_id], attempt), 0.0)
                died.append((time + beside * ((time, row) in charged), row))
        return _columns(died)

    def _over(self, start: float, end: float) -> None:
        span = max(end - start, 1e-6)
        limits = (max(start - span * 0.02, 0.0), end + span * 0.03)
        if self.ax.get_xlim() != limits:
            self.ax.set_xlim(limits)
            ticks = style.time_ticks(*limits)
            self.ticks.show(ticks)

    def _label(self, bars: "JourneyBars", run: ChartData) -> None:
        left, right = self.box.x + self.left - 8, self.box.x + self.box.width - RIGHT + 14
        jobs = self.rows
        for row in range(self.most):
            self.names[row].x, self.names[row].y = left, self._y(row)
            self.ends[row].x, self.ends[row].y = right, self._y(row)
            self.names[row].text = jobs[row].message_id if row < len(jobs) else ""
            ending, trouble = self.ending(jobs[row], run) if row < len(jobs) else ("", False)
            self.ends[row].text = ending
            self.ends[row].weight, self.ends[row].color = (
                ("bold", style.INK) if trouble else ("normal", style.MUTED)
            )
        # a worker's letter is written only where its bar is wide enough
        letters = [
            letter
            for letter in bars.letters
            if self._x(letter[1]) - self._x(letter[0]) >= 9 + 7 * len(letter[3])
        ]
        for i, text in enumerate(self.letters):
            text.visible = i < len(letters)
            if i < len(letters):
                begins, _, row_at, name = letters[i]
                text.text = name
                text.x, text.y = self._x(begins) + 4, self._y(row_at)

    def last(self, held: Any, run: ChartData) -> float:  # noqa: ARG002 -- others look further
        """Return the last time (s) that the axis must show: the latest end of the messages
        shown.
        """
        ends = [*held["until"].dropna(), *self.shown["settled"].dropna(), *self.shown["sent"]]
        return float(max(ends, default=1.0))

    def chosen(self, run: ChartData) -> Any:
        """Return the rows of `run.jobs` to show."""
        return choose(run, self.most)

    def ending(self, job: Any, run: ChartData) -> tuple[str, bool]:
        """Return the end of a job in a word or two, and True if something went wrong (it is then
        written in bold).
        """
        if not job.outcome and job.tries and _forgets(run):
            return "gone", True
        return _ending(job), job.outcome == "dead" or job.tries > 1

    def _x(self, time: float) -> float:
        low, high = self.ax.get_xlim()
        box = self.ax.get_position()
        return float(self.canvas.width * (box.x0 + box.width * (time - low) / (high - low)))

    def _y(self, row: float) -> float:
        box = self.ax.get_position()
        return float(self.canvas.height * (1 - box.y1 + box.height * (row + 0.5) / self.most))

    def sentence(self, run: ChartData) -> str:
        jobs = self.rows if run is self.drawn else list(self.chosen(run).itertuples())
        text = ", ".join(f"{job.message_id} {self.ending(job, run)[0]}" for job in jobs)
        return (
            f"Journeys of {style.count(len(jobs), 'message')}: {text}."
            if text
            else "Journeys: no message was sent."
        )


def choose(run: ChartData, most: int) -> Any:
    """Return the rows of `run.jobs` to show: the first in trouble, and its neighbours in time.

    A message is in trouble if it was tried twice or is dead. If none is, return the first `most`
    rows.
    """
    jobs = run.jobs
    if len(jobs) <= most:
        return jobs
    trouble = ((jobs["tries"] > 1) | (jobs["outcome"] == "dead")).to_numpy()
    if not trouble.any():
        return jobs.head(most)
    # Neighbours in time: with distant messages the axis would be long and the bars too narrow.
    first = int(np.argmax(trouble))
    begin = max(0, min(first - most // 3, len(jobs) - most))
    return jobs.iloc[begin : begin + most]


def _forgets(run: ChartData) -> bool:
    """Return True if the queue of the run has lost messages that it handed out."""
    return bool(run.run.totals.get("lost"))


def _ending(job: Any) -> str:
    tries = "" if job.tries <= 1 else f", {int(job.tries)} tries"
    if job.outcome == "completed":
        return f"done{tries}"
    return (str(job.outcome) or "open") + tries


def _columns(points: list[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [x for x, _ in points], [y for _, y in points]
