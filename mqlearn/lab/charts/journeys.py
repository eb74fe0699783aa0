"""Who held which message when: a row for each message, from sending to its end."""

from typing import Any

import numpy as np
from matplotlib.collections import LineCollection, PolyCollection

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.charts.base import Box, Chart, Marks, Ticks, swatch
from mqlearn.lab.view import Floats, View

RIGHT, TOP = 116, 18
ROW = 22  # pixels a message


class Journeys(Chart):
    """The journeys of a few messages: the first in trouble (redelivered or dead) and its
    neighbours.

    A thin light bar is waiting, a hatched one delayed, a thick dark bar is a worker holding the
    message, its letter or number in it; a white hatched bar is a worker still at it after its lease
    was lost.
    """

    name, wide, least, weight = "journeys", True, 150, 2.6
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
        self.drawn: View | None = None  # the run on show; `shown` and `rows` are its jobs
        self.names = [canvas.text(0, 0, ha="right", va="center") for _ in range(self.most)]
        self.ends = [canvas.text(0, 0, va="center", size=style.SMALL) for _ in range(self.most)]
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
                "working without lease",
                {
                    "facecolor": style.PAPER,
                    "hatch": style.HATCH_NO_OWNER,
                    "edgecolor": style.IN_FLIGHT,
                    "linewidth": 1,
                },
            ),
        ):
            swatch(self.canvas, x, y, width=4 if label == "lease lost" else 14, **look)
            self.canvas.text(x + 19, y + 10.5, label, size=style.SMALL)
            x += 32 + self.canvas.measure(label, size=style.SMALL)

    def draw(self, run: View, ghost: View | None, marks: Marks) -> None:  # noqa: ARG002 -- every chart's
        self.drawn, self.shown = run, self.chosen(run)
        held = run.deliveries[
            np.isin(run.deliveries["entry"].to_numpy(), [int(e) for e in self.shown["entry"]])
        ]
        self._over(
            float(min(self.shown["sent"], default=0.0)), min(self.last(held, run), run.until)
        )
        self.pieces = bars = _Bars(self.ax.get_xlim()[1], _at_work(run, held["entry"].unique()))
        self.rows, holds = list(self.shown.itertuples()), list(held.itertuples())
        for row, job in enumerate(self.rows):
            bars.add(row, job, [hold for hold in holds if hold.entry == job.entry])
        self.waiting.set_verts(bars.waiting)
        self.delayed.set_verts(bars.delayed)
        self.held.set_verts(bars.held)
        self.orphaned.set_verts(bars.orphaned)
        self.lost.set_segments(bars.lost)
        self.done.set_data(*_columns(bars.done))
        self.died.set_data(*_columns(bars.died))
        self._label(bars, run)

    def _over(self, start: float, end: float) -> None:
        span = max(end - start, 1e-6)
        limits = (max(start - span * 0.02, 0.0), end + span * 0.03)
        if self.ax.get_xlim() != limits:
            self.ax.set_xlim(limits)
            ticks = style.time_ticks(*limits)
            self.ticks.put(ticks)

    def _label(self, bars: "_Bars", run: View) -> None:
        left, right = self.box.x + self.left - 8, self.box.x + self.box.width - RIGHT + 14
        jobs = self.rows
        for row in range(self.most):
            self.names[row].x, self.names[row].y = left, self._y(row)
            self.ends[row].x, self.ends[row].y = right, self._y(row)
            self.names[row].text = jobs[row].message_id if row < len(jobs) else ""
            said, trouble = self.ending(jobs[row], run) if row < len(jobs) else ("", False)
            self.ends[row].text = said
            self.ends[row].weight, self.ends[row].color = (
                ("bold", style.INK) if trouble else ("normal", style.MUTED)
            )
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

    def last(self, held: Any, run: View) -> float:  # noqa: ARG002 -- others look further
        """When the last thing happens that must be seen (s)."""
        ends = [*held["until"].dropna(), *self.shown["settled"].dropna(), *self.shown["sent"]]
        return float(max(ends, default=1.0))

    def chosen(self, run: View) -> Any:
        """The jobs to show."""
        return choose(run, self.most)

    def ending(self, job: Any, run: View) -> tuple[str, bool]:  # noqa: ARG002 -- others look further
        """How a job ended, in a word or two, and whether that is trouble."""
        return _ending(job), job.outcome == "dead" or job.tries > 1

    def _x(self, time: float) -> float:
        low, high = self.ax.get_xlim()
        box = self.ax.get_position()
        return float(self.canvas.width * (box.x0 + box.width * (time - low) / (high - low)))

    def _y(self, row: float) -> float:
        box = self.ax.get_position()
        return float(self.canvas.height * (1 - box.y1 + box.height * (row + 0.5) / self.most))

    def sentence(self, run: View) -> str:
        jobs = self.rows if run is self.drawn else list(self.chosen(run).itertuples())
        said = ", ".join(f"{job.message_id} {self.ending(job, run)[0]}" for job in jobs)
        return (
            f"Journeys of {style.count(len(jobs), 'message')}: {said}."
            if said
            else "Journeys: no message was sent."
        )


class _Bars:
    """The pieces of all rows, gathered by look."""

    def __init__(self, end: float, tries: dict[tuple[int, str], list[tuple[float, float]]]) -> None:
        self.end, self.tries = end, tries
        self.waiting: list[Floats] = []
        self.delayed: list[Floats] = []
        self.held: list[Floats] = []
        self.orphaned: list[Floats] = []
        self.lost: list[Any] = []
        self.done: list[tuple[float, float]] = []
        self.died: list[tuple[float, float]] = []
        self.letters: list[tuple[float, float, float, str]] = []
        self.lane: dict[tuple[int, int], float] = {}  # of an entry and an attempt: where its bar is

    def add(self, row: int, job: Any, holds: list[Any]) -> None:
        """One message's journey: its holdings in two lanes where a former holder is still at
        work.
        """
        others = holds[:-1]  # the last holder shares its lane with nobody
        lanes = 2 if any(self._works_until(hold) > float(hold.until) for hold in others) else 1
        half, since, next_place = (0.36, 0.23)[lanes - 1], float(job.sent), "waiting"
        for i, hold in enumerate(holds):
            y = row + (0.0 if lanes == 1 else (-0.24, 0.24)[i % 2])
            self.lane[int(job.entry), i + 1] = y
            begins = float(hold.received)
            until = min(float(hold.until), self.end) if hold.until == hold.until else self.end
            place = self.delayed if next_place == "delayed" else self.waiting
            place.append(_rect(since, begins, y, 0.12))
            self.held.append(_rect(begins, until, y, half))
            self.letters.append((begins, until, y, _short(str(hold.worker))))
            if hold.end == "lease_lost":
                self.lost.append([(until, y - half), (until, y + half)])
            self._without_lease(hold, until, y, half)
            since, next_place = (
                until,
                "delayed" if hold.end in ("delayed", "postponed") else "waiting",
            )
            if hold.end == "acked":
                self.done.append((until, y))
        if job.outcome == "dead":
            self.died.append((min(float(job.settled), self.end), row))
        if job.outcome not in ("completed", "dead") and (
            not len(holds)
            or holds[-1].end in ("nacked", "lease_lost", "released", "delayed", "postponed")
        ):
            (self.delayed if next_place == "delayed" else self.waiting).append(
                _rect(since, self.end, row, 0.12)
            )

    def _without_lease(self, hold: Any, until: float, y: float, half: float) -> None:
        end = self._works_until(hold)
        if end > until:
            self.orphaned.append(_rect(until, min(end, self.end), y, half))

    def _works_until(self, hold: Any) -> float:
        """When its worker stopped working on it (s), if that is after the end of its holding; else
        when that ended.
        """
        # the lease was lost, or the ack came before the work
        if hold.end in ("lease_lost", "acked"):
            tries = self.tries.get((int(hold.entry), hold.worker), ())
            for end in [end for start, end in tries if start >= hold.received][:1]:
                if end > hold.until:  # an unfinished try has no end (nan)
                    return float(end)
        return float(hold.until)


def _at_work(run: View, entries: Any) -> dict[tuple[int, str], list[tuple[float, float]]]:
    """From when to when (s) each worker was at these entries."""
    found: dict[tuple[int, str], list[tuple[float, float]]] = {}
    tries = run.tries[np.isin(run.tries["entry"].to_numpy(), entries)]
    for entry, worker, start, end in zip(
        tries["entry"], tries["worker"], tries["start"], tries["end"], strict=True
    ):
        found.setdefault((int(entry), worker), []).append((start, end))
    return found


def choose(run: View, most: int) -> Any:
    """The jobs to show: the first in trouble (tried twice, or dead) and its neighbours in time."""
    jobs = run.jobs
    if len(jobs) <= most:
        return jobs
    trouble = ((jobs["tries"] > 1) | (jobs["outcome"] == "dead")).to_numpy()
    if not trouble.any():
        return jobs.head(most)
    # Neighbours in time of the first message in trouble, so that the axis stays short.
    first = int(np.argmax(trouble))
    begin = max(0, min(first - most // 3, len(jobs) - most))
    return jobs.iloc[begin : begin + most]


def _ending(job: Any) -> str:
    tries = "" if job.tries <= 1 else f", {int(job.tries)} tries"
    if job.outcome == "completed":
        return f"done{tries}"
    return (str(job.outcome) or "open") + tries


def _short(worker: str) -> str:
    digits = worker[len(worker.rstrip("0123456789")) :]
    return digits or worker[:1].upper()


def _rect(a: float, b: float, y: float, half: float) -> Floats:
    return np.array([(a, y - half), (b, y - half), (b, y + half), (a, y + half)])


def _columns(points: list[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [x for x, _ in points], [y for _, y in points]
