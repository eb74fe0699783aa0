"""The chart "breaker": the states of a circuit breaker as a band over time, and its probes above
it.
"""

from typing import Any

import numpy as np
from matplotlib.collections import PolyCollection

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData
from mqlearn.lab.charts.base import Box, Predictions, Timeline
from mqlearn.lab.charts.trouble import Trouble
from mqlearn.study.words import format_share

LOOKS: dict[str, dict[str, Any]] = {
    "CLOSED": {"facecolor": "#E2E2E2"},
    "OPEN": {"facecolor": style.LOST},
    "HALF_OPEN": {"facecolor": style.PROBING, "edgecolor": style.INK, "linewidth": 0.8},
}
# The texts for a state in its band, the longest first: the first that fits is written.
WORDS = {"CLOSED": ("closed", "c"), "OPEN": ("OPEN", "O"), "HALF_OPEN": ("half-open", "½")}
BAND = (0.0, 0.5)  # of the chart's height; the probes are above it
GHOST = (-0.12, -0.04)  # the baseline's line is just under the band


class Breaker(Timeline):
    """A band of states, each with its name if there is room; over it the probes.

    A diamond is a probe that succeeded, a cross one that failed. The grey line under the band shows
    when the baseline's breaker was not closed.
    """

    name, min_height, stretch = "breaker", 72, 0.05
    needs = ("opened", "half_opened", "closed", "probed", *Timeline.needs)

    def __init__(self, canvas: Canvas, box: Box, *, axis: bool) -> None:
        super().__init__(canvas, box, axis=axis)
        self.caption("breaker: its state, and its probes")
        self.trouble = Trouble(self)
        self.ax.spines[:].set_visible(False)
        self.ax.set_ylim(0, 1)
        self.bands = {state: self._bars(look) for state, look in LOOKS.items()}
        self.ghost = self._bars({"facecolor": style.GHOST})
        dot: dict[str, Any] = {
            "linestyle": "",
            "markersize": 8,
            "markeredgecolor": style.INK,
            "markeredgewidth": 1.0,
            "clip_on": False,
        }
        self.good, self.bad = (
            canvas.moving(self.ax.plot([], [], marker=marker, color=color, **dot)[0])
            for marker, color in (("D", style.DONE), ("X", style.PROBING))
        )
        self.names = [canvas.text(0, 0, ha="center", va="center") for _ in range(24)]
        self.none = canvas.text(0, 0, "no breaker", color=style.MUTED, ha="center", va="center")
        y = box.y + self.top
        self.good_count = canvas.text(self.label_x, y + 5, color=style.DONE, bold=True)
        self.failed_count = canvas.text(self.label_x, y + 20)
        self.open_share = canvas.text(self.label_x, y + 35, color=style.TROUBLED, bold=True)

    def _bars(self, look: dict[str, Any]) -> PolyCollection:
        bars = PolyCollection([], clip_on=False, **{"linewidth": 0, **look})
        self.ax.add_collection(bars, autolim=False)
        return self.canvas.moving(bars)

    def draw(self, run: ChartData, ghost: ChartData | None, predictions: Predictions) -> None:  # noqa: ARG002 -- every chart's
        self.fit_time(run, ghost)
        self.trouble.draw(run)
        breaker = run.breaker
        self.shown = breaker.spans if has_breaker(run) else []
        for state, band in self.bands.items():
            band.set_verts([_bar(span, BAND) for span in self.shown if span.state == state])
        was = [] if ghost is None or not has_breaker(ghost) else ghost.breaker.spans
        self.ghost.set_verts([_bar(span, GHOST) for span in was if span.state != "CLOSED"])
        for points, good in ((self.good, True), (self.bad, False)):
            times = [probe.time for probe in breaker.probes if probe.good == good]
            points.set_data(times, [0.78] * len(times))
        self._name(run)
        self._count(run)

    def _name(self, run: ChartData) -> None:
        """Write the name of each state into its band; its letter if the name is too wide, nothing
        if that is too wide as well.
        """
        # There are fewer labels than a breaker may have states: the widest get them.
        widest = sorted(self.shown, key=lambda span: span.start - span.end)[: len(self.names)]
        y = self._y(sum(BAND) / 2)
        for label, span in zip(self.names, [*widest, *[None] * len(self.names)], strict=False):
            label.text = ""
            if span is not None:
                room = self._x(span.end) - self._x(span.start) - 3
                label.text = next(
                    (word for word in WORDS[span.state] if self.canvas.measure(word) <= room), ""
                )
                label.x, label.y = self._x((span.start + span.end) / 2), y
                label.color = style.PAPER if span.state == "OPEN" else style.INK
        self.none.visible = not self.shown
        self.none.x, self.none.y = self._x((run.start + self.ax.get_xlim()[1]) / 2), y

    def _count(self, run: ChartData) -> None:
        good = sum(probe.good for probe in run.breaker.probes)
        bad = len(run.breaker.probes) - good
        share = run.breaker.seconds("OPEN") / max(run.until - run.start, 1e-9)
        self.good_count.text = f"◆ {good} good" if good else ""
        self.failed_count.text = f"✖ {bad} failed" if bad else ""
        self.open_share.text = f"open {format_share(share)}" if self.shown else ""

    def _x(self, time: float) -> float:
        """Return the position of a time (s), in pixels from the picture's left."""
        box, (low, high) = self.ax.get_position(), self.ax.get_xlim()
        return float(self.canvas.width * (box.x0 + box.width * (time - low) / (high - low)))

    def _y(self, height: float) -> float:
        box = self.ax.get_position()
        return float(self.canvas.height * (1 - box.y0 - box.height * height))

    def sentence(self, run: ChartData) -> str:
        if not has_breaker(run):
            return "Breaker: none."
        breaker = run.breaker
        if not breaker.count("OPEN"):
            return "Breaker: closed all the time."
        first = next(span for span in breaker.spans if span.state == "OPEN")
        good = sum(probe.good for probe in breaker.probes)
        return (
            f"Breaker: open {style.seconds(breaker.seconds('OPEN'))} in all, in "
            f"{style.count(breaker.count('OPEN'), 'stretch')}, the first from "
            f"{style.seconds(first.start)} on; "
            f"{style.count(len(breaker.probes), 'probe')}, {good} of them good; "
            f"{breaker.spans[-1].state} at the end."
        ).replace("stretchs", "stretches")


def has_breaker(run: ChartData) -> bool:
    """Return True if there was a breaker: the run's context says so, or its records do.

    A breaker that never opened leaves no record; a bare trace has no context.
    """
    # one span means that the state never changed, which is also so without a breaker
    return run.context.guarded or len(run.breaker.spans) > 1


def _bar(span: Any, heights: tuple[float, float]) -> Any:
    low, high = heights
    return np.array([(span.start, low), (span.end, low), (span.end, high), (span.start, high)])
