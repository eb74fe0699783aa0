"""What batching does: how large each call was, how many items a second it came to, how long items
took.
"""

from typing import Any

import numpy as np

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.charts.base import Box, Marks, Timeline
from mqlearn.lab.charts.depth import Layers, ghost_lines
from mqlearn.lab.view import Floats, View
from mqlearn.study.analysis.batches import BatchAnalysis

BINS = 50  # slices of time at most
CALLS = 3  # that a slice should hold on average


class Batches(Timeline):
    """A dot for each call, at its size; a cross where an item of it failed, a ring for a part of a
    batch.
    """

    name, least, weight = "batches", 92, 1.0

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
        y = box.y + self.top + 10
        self.said = canvas.text(self.label_x, y, bold=True, color=style.IN_FLIGHT)
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

    def draw(self, run: View, ghost: View | None, marks: Marks) -> None:  # noqa: ARG002 -- every chart's
        self.over_time(run, ghost)
        tally, was = run.batches, None if ghost is None else ghost.batches
        full = getattr(run.run.scenario, "size", None)
        highest = max(
            (size for _, size, _ in [*tally.calls, *(was.calls if was else ())]), default=1
        )
        self.up_to(1.06 * (highest if full is None or full > 2 * highest else max(highest, full)))
        self.limit.set_visible(full is not None and full <= self.over)
        self.limit.set_ydata([full or 0, full or 0])
        whole = [not part for _, _, part in tally.calls]
        bad = [count > 0 for count in tally.failing]
        self._put(self.dots, tally, [w and not b for w, b in zip(whole, bad, strict=True)])
        self._put(self.parts, tally, [not w for w in whole])
        self._put(self.failing, tally, [w and b for w, b in zip(whole, bad, strict=True)])
        self.ghost.set_visible(was is not None)
        self.was.text = "" if was is None else f"▪ was {style.number(_round(was.mean_size))}"
        if was is not None:
            self._put(self.ghost, was, [not part for _, _, part in was.calls])
        self.said.text = f"mean {style.number(_round(tally.mean_size))}"
        parts, failures = (
            len(whole) - sum(whole),
            sum(w and b for w, b in zip(whole, bad, strict=True)),
        )
        self.count.text = f"{style.count(sum(whole), 'call')}" + (f" + {parts:,}" if parts else "")
        self.failed.text = f"× {failures:,} with bad" if failures else ""

    @staticmethod
    def _put(line: Any, tally: BatchAnalysis, chosen: list[bool]) -> None:
        points = [
            (time, size) for (time, size, _), yes in zip(tally.calls, chosen, strict=True) if yes
        ]
        line.set_data([time for time, _ in points], [size for _, size in points])

    def sentence(self, run: View) -> str:
        tally = run.batches
        whole = [size for _, size, part in tally.calls if not part]
        if not whole:
            return "Batches: no call was made."
        parts, failures = len(tally.calls) - len(whole), sum(count > 0 for count in tally.failing)
        mean = (
            f"of {style.count(whole[0], 'item')} each"
            if min(whole) == max(whole)
            else f"of {style.number(_round(tally.mean_size))} items on average, from "
            f"{min(whole):,} "
            f"to {max(whole):,}"
        )
        also = f", {failures:,} with a failure" if failures else ""
        again = f"; {style.count(parts, 'more call')} with parts of them" if parts else ""
        return f"Batches: {style.count(len(whole), 'call')} {mean}{also}{again}."


class Throughput(Timeline):
    """Items handled a second: done, redelivered though good, failed; over what came, under what can
    be done.
    """

    name, least, weight = "throughput", 100, 1.2

    def __init__(self, canvas: Canvas, box: Box, *, axis: bool) -> None:
        super().__init__(canvas, box, axis=axis)
        self.caption("items per second; line: items that come")
        looks: list[dict[str, Any]] = [
            {"facecolor": style.DONE},
            {"facecolor": style.AGAIN, "hatch": "xxxx", "edgecolor": style.PAPER},
            {"facecolor": style.LOST},
        ]
        self.layers = Layers(self, looks)
        for row, (label, look) in enumerate(
            zip(("bad", "good again", "done"), reversed(looks), strict=True)
        ):
            self.key(row, label, **look)
        self.ghost = ghost_lines(self)
        self.coming = canvas.moving(
            self.ax.plot([], [], drawstyle="steps-post", color=style.INK, linewidth=1.6)[0]
        )
        self.capacity = canvas.moving(
            self.ax.axhline(0, color=style.INK, linewidth=1.4, linestyle=style.DASHED)
        )
        self.capacity_label = canvas.text(self.label_x, box.y + self.top + 3 + 18 * 3 + 10.5)

    def draw(self, run: View, ghost: View | None, marks: Marks) -> None:  # noqa: ARG002 -- every chart's
        self.over_time(run, ghost)
        self.edges, self.values = self.handled(run)
        came = _per_second(run.batches.sent, self.edges)
        can = run.theory("capacity")
        was = (np.zeros(0), np.zeros((3, 0))) if ghost is None else self.handled(ghost)
        for line in self.ghost:
            line.set_visible(ghost is not None)
            line.set_data(was[0], np.append(was[1][0], was[1][0][-1:]))
        self.coming.set_data(self.edges, np.append(came, came[-1:]))
        top = max([*self.values.sum(axis=0), *came, *was[1][0]])
        near = can is not None and can <= 3 * top
        self.up_to(max(top, can) if can is not None and near else top)
        self.capacity.set_visible(near)
        self.capacity.set_ydata([can or 0, can or 0])
        self.capacity_label.text = "" if can is None else f"╌ can do {style.number(can)}"
        self.layers.draw(self.edges, self.values)

    def handled(self, run: View) -> tuple[Floats, Floats]:
        """Edges of the slices; a row each for done, spoilt and failed items a second."""
        tally = run.batches
        # Of a handful of calls made by hand each is to be seen; a line from call to call of a lab
        # would be all noise.
        edges = _edges(run, len(tally.calls), 0.7 if run.run.scenario is None else CALLS)
        kinds = ([time for time, _ in tally.done], tally.spoilt, tally.failed)
        return edges, np.array([_per_second(times, edges) for times in kinds])

    def sentence(self, run: View) -> str:
        tally, span = run.batches, max(run.until - run.start, 1e-9)
        done, came = (style.number(_round(len(each) / span)) for each in (tally.done, tally.sent))
        can = run.theory("capacity")
        of = "" if can is None else f", {style.number(_round(can))} can be"
        good = (
            f"good items handled in vain {style.count(len(tally.spoilt), 'time')}"
            if tally.spoilt
            else ""
        )
        bad = (
            style.count(len(tally.failed), "try").replace("trys", "tries") + " of bad ones"
            if tally.failed
            else ""
        )
        also = "".join(f"; {each}" for each in (good, bad) if each)
        return f"Items: {came} a second came, {done} were done{of}{also}."


def _edges(run: View, calls: int, each: float) -> Floats:
    """Slices of a round width that hold so many calls `each`, on average; the last ends with the
    run.
    """
    span = max(run.until - run.start, 1e-9)
    least = span * max(1 / BINS, each / max(calls, 1))
    width = next((step for step in (0.01, 0.02, 0.05, *style.TIME_STEPS) if step >= least), span)
    count = max(1, int(span / width))  # what is left over is part of the last
    return np.append(run.start + width * np.arange(count), run.until)


def _per_second(times: list[float], edges: Floats) -> Floats:
    return np.asarray(np.histogram(times, edges)[0] / np.diff(edges), dtype=float)


def _round(value: float) -> float:
    """Three figures of it, the noise of the rest left out."""
    return float(f"{value:.3g}")
