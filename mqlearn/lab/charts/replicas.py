"""The chart "replicas": the role of each replica, and the entries that only some of them have."""

from typing import Any

import numpy as np
from matplotlib.collections import PolyCollection

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData, Floats
from mqlearn.lab.charts.base import Box, Predictions, Timeline
from mqlearn.lab.charts.legend import Legend
from mqlearn.lab.charts.steps import downsample
from mqlearn.lab.label import Label
from mqlearn.study.analysis.replicas import DOWN, IN_SYNC, LEADER, OUT, value

CUT = "cut off"
LOOKS: dict[str, dict[str, Any]] = {
    LEADER: {"facecolor": "#B9DDF3"},
    IN_SYNC: {"facecolor": "#E3F3EC"},
    OUT: {"facecolor": style.PAPER, "hatch": "///", "edgecolor": style.RULE},
    CUT: {"facecolor": "none", "hatch": "xx", "edgecolor": "#8A8A8A"},
    DOWN: {"facecolor": style.PAPER, "edgecolor": style.RULE, "linewidth": 0.8},
}
ABOVE = {"facecolor": style.IN_FLIGHT}
DROPPED = {"facecolor": style.LOST}
UNCOMMITTED, TO_DROP, WATERMARK = "uncommitted", "dropped", "╌ watermark"
MOST = 5  # replicas with a lane of their own
FULL = 0.56  # the share of a lane that the largest count fills
EPOCHS_SHOWN = 24
SEEN = 2  # pixels: a role that lasts for less is not in the legend


class Replicas(Timeline):
    """A lane per replica, in the colour of its role.

    The dashed line of a lane is the high watermark. The blue area above it counts the entries that
    the replica has beyond the watermark, the orange one those that the newest leader does not have:
    it drops them as soon as it hears of that leader. All lanes have one scale.
    """

    name, min_height, stretch = "replicas", 150, 2.0
    needs = ("elected", "fetched")

    def __init__(self, canvas: Canvas, box: Box, *, axis: bool) -> None:
        super().__init__(canvas, box, axis=axis)
        self.title = canvas.text(box.x, box.y + 11, size=style.SMALL, color=style.MUTED)
        self.bands = {role: self._fill(look) for role, look in LOOKS.items()}
        self.areas = [self._fill(ABOVE), self._fill(DROPPED)]
        self.watermarks = canvas.moving(
            self.ax.plot([], [], color=style.INK, linewidth=1.0, linestyle=style.DASHED)[0]
        )
        self.epochs = [
            canvas.text(0, 0, size=style.SMALL, va="center") for _ in range(EPOCHS_SHOWN)
        ]
        self.drops = [
            canvas.text(0, 0, size=style.SMALL, va="center", bold=True, color=style.TROUBLED)
            for _ in range(EPOCHS_SHOWN)
        ]
        looks = {**LOOKS, UNCOMMITTED: ABOVE, TO_DROP: DROPPED, WATERMARK: None}
        self.legend = Legend(canvas, self.label_x, box.y + self.top - 3, looks)

    def _fill(self, look: dict[str, Any]) -> Any:
        fill = self.canvas.moving(PolyCollection([], **{"linewidth": 0, **look}))
        self.ax.add_collection(fill, autolim=False)
        return fill

    def draw(self, run: ChartData, ghost: ChartData | None, predictions: Predictions) -> None:  # noqa: ARG002 -- every chart's
        self.fit_time(run, ghost)
        found = run.replicas
        shown = found.replicas[:MOST]
        lanes = max(len(shown), 1)
        if self.ax.get_ylim() != (lanes, 0):
            self.ax.set_ylim(lanes, 0)
        self.y_ticks.show([(row + 0.5, str(number)) for row, number in enumerate(shown)])
        rows = {number: row for row, number in enumerate(shown)}
        occurs = {WATERMARK} if shown else set()
        for role, band in self.bands.items():
            spans = [
                span
                for span in (found.cut if role == CUT else found.spans)
                if span.replica in rows and role in (CUT, span.role)
            ]
            band.set_verts([_corners(s.start, s.end, rows[s.replica] + 0.08, 0.84) for s in spans])
            if any((span.end - span.start) * self._pixels > SEEN for span in spans):
                occurs.add(role)
        self.legend.show(occurs | self._areas(run, shown))
        self._epochs(run, rows)
        ends = [np.nan, *[x for row in range(lanes) for x in (run.start, run.until, np.nan)]]
        levels = [np.nan, *[y for row in range(lanes) for y in (row + 0.9, row + 0.9, np.nan)]]
        self.watermarks.set_data(ends if shown else [], levels if shown else [])

    @property
    def _pixels(self) -> float:
        """Pixels per second."""
        low, high = self.ax.get_xlim()
        return self.canvas.width * self.ax.get_position().width / (high - low)

    def _areas(self, run: ChartData, shown: list[int]) -> set[str]:
        """Draw the entries above the high watermark; return the kinds of them that occur."""
        counts = {number: self._counts(run, number) for number in shown}
        most = max((float(rows.sum(axis=0).max()) for rows in counts.values()), default=0.0)
        self.scale = style.nice_top(max(most, 1.0))
        edges = np.linspace(run.start, run.until, self.columns + 1)
        verts: tuple[list[Floats], list[Floats]] = ([], [])
        for row, number in enumerate(shown):
            low = np.full(self.columns, row + 0.9)
            for area, count in zip(verts, counts[number], strict=True):
                high = low - FULL * count / self.scale
                if count.any():
                    area.append(_between(edges, low, high))
                low = high
        for fill, each in zip(self.areas, verts, strict=True):
            fill.set_verts(each)
        self.title.text = (
            f"each replica's role and its entries above the high watermark; a lane is "
            f"{style.number(self.scale)} entries high"
            if shown
            else "there is no replica"
        )
        return {name for name, each in zip((UNCOMMITTED, TO_DROP), verts, strict=True) if each}

    def _counts(self, run: ChartData, number: int) -> Floats:
        """Return this replica's entries that are not committed, and those to be dropped: two rows,
        a column per slice of time.
        """
        tables = (run.replicas.above.get(number, []), run.replicas.dropped.get(number, []))
        times = np.unique([time for steps in tables for time, _ in steps])
        levels = np.array([[value(steps, time) for time in times] for steps in tables])
        rows = levels.reshape(len(tables), len(times))
        return downsample(times, rows, run.start, run.until, self.columns)[1]

    def _epochs(self, run: ChartData, rows: dict[int, int]) -> None:
        """Write the epoch where a replica begins to lead, and how many entries it dropped."""
        for label in (*self.epochs, *self.drops):
            label.text = ""
        taken: dict[int, list[tuple[float, float]]] = {number: [] for number in rows}
        led = [s for s in run.replicas.spans if s.role == LEADER and s.replica in rows]
        for label, span in zip(self.epochs, led, strict=False):
            room = (span.end - span.start) * self._pixels - 4
            wide = self.canvas.measure(f"epoch {span.epoch}", size=style.SMALL)
            if room > 10:
                text = f"epoch {span.epoch}" if room > wide else str(span.epoch)
                self._write(label, text, span.start, (rows[span.replica] + 0.24) / len(rows))
                end = label.x + self.canvas.measure(text, size=style.SMALL) + 6
                taken[span.replica].append((label.x, end))
        drops = [each for each in run.replicas.drops if each[2] and each[1] in rows]
        for label, (time, number, count) in zip(self.drops, drops, strict=False):
            text = f"−{style.number(count)}"
            self._write(label, text, time, (rows[number] + 0.24) / len(rows))
            wide = self.canvas.measure(text, size=style.SMALL, bold=True) + 5
            for start, end in taken[number]:
                if start - wide < label.x < end:  # beside a text that is there already
                    label.x = end
            taken[number].append((label.x, label.x + wide))

    def _write(self, label: Label, text: str, time: float, share: float) -> None:
        """Write a text that begins at `time` (s), at this share of the chart's height."""
        box, (low, high) = self.ax.get_position(), self.ax.get_xlim()
        label.text = text
        label.x = self.canvas.width * (box.x0 + box.width * (time - low) / (high - low)) + 3
        label.y = self.canvas.height * (1 - box.y1 + box.height * share)

    def sentence(self, run: ChartData) -> str:
        found = run.replicas
        if not found.replicas:
            return "Replicas: there is none."
        led = ", ".join(
            f"replica {number} from {style.seconds(time)} in epoch {epoch}"
            for time, number, epoch in found.elections[:4]
        )
        more = len(found.elections) - 4
        # what a dead replica still has at the end is dropped as soon as it is back
        left = sum(steps[-1][1] for steps in found.dropped.values() if steps)
        dropped = left + sum(count for _, _, count in found.drops)
        return (
            f"Replicas: {len(found.replicas)}; leaders: {led or 'none'}"
            f"{f' and {more} more' if more > 0 else ''}; "
            f"{style.count(dropped, 'entry').replace('entrys', 'entries')} dropped."
        )


def _corners(start: float, end: float, top: float, height: float) -> list[tuple[float, float]]:
    bottom = top + height
    return [(start, top), (end, top), (end, bottom), (start, bottom)]


def _between(edges: Floats, low: Floats, high: Floats) -> Floats:
    x = np.repeat(edges, 2)[1:-1]
    up, down = np.repeat(high, 2), np.repeat(low, 2)
    return np.concatenate([np.column_stack([x, up]), np.column_stack([x, down])[::-1]])
