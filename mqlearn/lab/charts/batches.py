"""The chart "batches": the size of each call."""

from typing import Any

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData
from mqlearn.lab.charts.base import Box, Predictions, Timeline
from mqlearn.study.analysis.batches import BatchAnalysis


class Batches(Timeline):
    """A dot for each call of the handler, at the height of its number of items; the dashed line is
    the batch size.

    A cross is a call with an item that failed, a ring a repeated call with a part of a failed
    batch.
    """

    name, min_height, stretch = "batches", 92, 1.0

    def __init__(self, canvas: Canvas, box: Box, *, axis: bool) -> None:
        super().__init__(canvas, box, axis=axis)
        self.caption("items in each call")
        self.ghost = self._dots(style.GHOST, "s", 3.0)
        self.limit = canvas.moving(
            self.ax.axhline(0, color=style.INK, linewidth=1.2, linestyle=style.DASHED)
        )
        self.dots = self._dots(style.IN_FLIGHT, "o", 4.0)
        self.parts = self._dots(
            style.IN_FLIGHT, "o", 4.0, markerfacecolor="none", markeredgewidth=1.0
        )
        self.failing = self._dots(style.LOST, "x", 6.0, markeredgewidth=1.8)
        self.empty = canvas.text(
            box.x + (self.left + box.width - self.right) / 2,
            box.y + box.height / 2,
            ha="center",
            color=style.MUTED,
        )
        y = box.y + self.top + 10
        self.mean = canvas.text(self.label_x, y, bold=True, color=style.IN_FLIGHT)
        self.count = canvas.text(self.label_x, y + 16)
        self.failed = canvas.text(self.label_x, y + 32, color=style.LOST)
        self.was = canvas.text(self.label_x, y + 48, color=style.GHOST, bold=True)

    def _dots(self, color: str, marker: str, size: float, **look: Any) -> Any:
        look = {"markeredgewidth": 0.0, **look}
        return self.canvas.moving(
            self.ax.plot(
                [],
                [],
                linestyle="",
                marker=marker,
                markersize=size,
                color=color,
                clip_on=False,
                **look,
            )[0]
        )

    def draw(self, run: ChartData, ghost: ChartData | None, predictions: Predictions) -> None:  # noqa: ARG002 -- every chart's
        self.fit_time(run, ghost)
        batches, was = run.batches, None if ghost is None else ghost.batches
        full = getattr(run.scenario, "size", None)
        highest = max(
            (size for _, size, _ in [*batches.calls, *(was.calls if was else ())]), default=1
        )
        # A limit far above all sizes is left out: it would flatten the dots.
        self.fit_height(
            1.06 * (highest if full is None or full > 2 * highest else max(highest, full))
        )
        self.limit.set_visible(full is not None and full <= self.axis_top)
        self.limit.set_ydata([full or 0, full or 0])
        self.empty.text = "" if batches.calls else "no call was made"
        whole = [not part for _, _, part in batches.calls]
        bad = [count > 0 for count in batches.failing]
        self._put(self.dots, batches, [w and not b for w, b in zip(whole, bad, strict=True)])
        self._put(self.parts, batches, [not w for w in whole])
        self._put(self.failing, batches, [w and b for w, b in zip(whole, bad, strict=True)])
        self.ghost.set_visible(was is not None)
        self.was.text = "" if was is None else f"▪ was {style.number(three_figures(was.mean_size))}"
        if was is not None:
            self._put(self.ghost, was, [not part for _, _, part in was.calls])
        self.mean.text = f"mean {style.number(three_figures(batches.mean_size))}"
        parts, failures = (
            len(whole) - sum(whole),
            sum(w and b for w, b in zip(whole, bad, strict=True)),
        )
        self.count.text = f"{style.count(sum(whole), 'call')}" + (f" + {parts:,}" if parts else "")
        self.failed.text = f"× {failures:,} with bad" if failures else ""

    @staticmethod
    def _put(line: Any, batches: BatchAnalysis, chosen: list[bool]) -> None:
        points = [
            (time, size) for (time, size, _), yes in zip(batches.calls, chosen, strict=True) if yes
        ]
        line.set_data([time for time, _ in points], [size for _, size in points])

    def sentence(self, run: ChartData) -> str:
        batches = run.batches
        whole = [size for _, size, part in batches.calls if not part]
        if not whole:
            return "Batches: no call was made."
        parts, failures = (
            len(batches.calls) - len(whole),
            sum(count > 0 for count in batches.failing),
        )
        mean = (
            f"of {style.count(whole[0], 'item')} each"
            if min(whole) == max(whole)
            else f"of {style.number(three_figures(batches.mean_size))} items on average, from "
            f"{min(whole):,} "
            f"to {max(whole):,}"
        )
        also = f", {failures:,} with a failure" if failures else ""
        again = f"; {style.count(parts, 'more call')} with parts of them" if parts else ""
        return f"Batches: {style.count(len(whole), 'call')} {mean}{also}{again}."


def three_figures(value: float) -> float:
    """Return `value` in three figures."""
    return float(f"{value:.3g}")
