"""The chart "signals": the numbers of a watched queue over time, and the pages of its alert."""

from typing import Any

import numpy as np

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData, Floats
from mqlearn.lab.charts.base import Box, Predictions, Timeline
from mqlearn.lab.charts.signal_row import CAPTION, FOOT, Look, SignalRow
from mqlearn.lab.charts.trouble import Trouble

CUT = 4  # so many times its limit is the most that is shown of what the alert compares
OLD = "#0B5C8E"  # the age of what waits: a darker blue than their number
ROWS: tuple[tuple[str, dict[str, tuple[str, Look]]], ...] = (
    (
        "orders per second, over the last minute",
        {
            "coming": ("in", {"color": style.INK, "linewidth": 1.5}),
            "done": ("out", {"color": style.DONE, "linewidth": 2.4}),
            "charged": (
                "charged",
                {"color": style.AGAIN, "linewidth": 1.6, "linestyle": style.DASHED},
            ),
        },
    ),
    (
        "depth (orders that wait) and age of the oldest (s)",
        {
            "waiting": ("depth", {"color": style.WAITING, "linewidth": 2.6}),
            "oldest": ("oldest", {"color": OLD, "linewidth": 1.6, "linestyle": style.DASHED}),
        },
    ),
    (
        "in the last minute: % of tries that failed, and dead letters",
        {
            "errors": ("errors %", {"color": style.LOST, "linewidth": 2.2}),
            "dead": ("dead", {"color": style.DEAD, "linewidth": 1.5, "linestyle": style.DASHED}),
        },
    ),
)
ALERT = {"value": ("", {"color": style.INK, "linewidth": 1.6})}


class Signals(Timeline):
    """Four rows over one time axis: in, out and charged; depth and age; errors and dead letters;
    and what the alert compares with its limit (dashed).

    A triangle is a page, a hollow one a page while nothing was wrong. The background is shaded
    while the failure lasts. A prediction is of the seconds from the failure to the first page.

    The run's context has a `Watch` under the chart's name.
    """

    name, takes_prediction, min_height, stretch = "signals", True, 164, 3.0
    needs = ()
    top = 0

    def __init__(self, canvas: Canvas, box: Box, *, axis: bool) -> None:
        # its axes cover all rows: they have the time's ticks, the shade of the failure, and lines
        super().__init__(canvas, box, axis=axis)
        self.ax.spines[["left"]].set_visible(False)
        self.ax.set_ylim(0, 1)
        self.trouble = Trouble(self)
        whole = self.ax.get_position()
        tall = canvas.height * whole.height / (len(ROWS) + 1)
        tops = [box.y + tall * i for i in range(len(ROWS) + 1)]
        self.rows = [
            SignalRow(self, y, tall, caption, curves)
            for y, (caption, curves) in zip(tops, ROWS, strict=False)
        ]
        # the time's axis is that of the last row
        self.alert = SignalRow(self, tops[-1], tall + FOOT, "", ALERT)
        # a line over time crosses the rows, and leaves out the captions between them
        self.crossing = self._crossing([row.ax for row in (*self.rows, self.alert)])
        self.was_paged = canvas.moving(
            self.alert.ax.plot(
                [],
                [],
                linestyle="",
                marker="^",
                markersize=8,
                color=style.GHOST,
                clip_on=False,
                zorder=5,
            )[0]
        )
        self.limit = canvas.moving(
            self.alert.ax.axhline(0, color=style.INK, linewidth=1.4, linestyle=style.DASHED)
        )
        self.pages = {
            real: canvas.moving(
                self.alert.ax.plot(
                    [],
                    [],
                    linestyle="",
                    marker="^",
                    markersize=9,
                    markeredgewidth=1.5,
                    color=style.TROUBLED,
                    markerfacecolor=style.TROUBLED if real else style.PAPER,
                    clip_on=False,
                    zorder=6,
                )[0]
            )
            for real in (True, False)
        }
        self.said = canvas.text(
            self.label_x, tops[-1] + CAPTION + 4, size=style.SMALL, bold=True, va="center",
            color=style.TROUBLED, room=self.right - 10,
        )  # fmt: skip
        self.false = canvas.text(
            self.label_x, tops[-1] + CAPTION + 17, size=style.SMALL, va="center",
            color=style.TROUBLED, room=self.right - 10,
        )  # fmt: skip
        self.was = canvas.text(
            self.label_x, tops[-1] + CAPTION + 30, size=style.SMALL, va="center",
            color=style.GHOST, room=self.right - 10,
        )  # fmt: skip
        self.you = self._vertical(color=style.PREDICTED, linewidth=1.8, linestyle=style.DASHED)
        self.you_label = canvas.text(0, box.y + 10, color=style.PREDICTED, bold=True)
        self.theory = self._vertical(color=style.INK, linewidth=1.6, linestyle=style.DOTTED)
        self.room = canvas.moving(
            self.ax.plot(
                [],
                [],
                linestyle="",
                marker="|",
                markersize=13,
                color=style.PREDICTED,
                clip_on=False,
            )[0]
        )
        self.empty = canvas.text(box.x + self.left + 20, box.y + 40, color=style.MUTED)

    def _crossing(self, rows: list[Any]) -> list[float]:
        """Return the ends of these rows as heights in the axes of the whole chart, NaN between."""
        whole, heights = self.ax.get_position(), list[float]()
        for ax in rows:
            place = ax.get_position()
            heights += [(y - whole.y0) / whole.height for y in (place.y0, place.y1)] + [np.nan]
        return heights

    def _vertical(self, **look: Any) -> Any:
        """Return a vertical line, which is moved to a time."""
        return self.canvas.moving(
            self.ax.plot([0.0] * len(self.crossing), self.crossing, **look)[0]
        )

    def draw(self, run: ChartData, ghost: ChartData | None, predictions: Predictions) -> None:
        self.fit_time(run, ghost)
        self.trouble.draw(run)
        span = self.ax.get_xlim()
        now, was = run.signals, None if ghost is None else ghost.signals
        self.empty.text = "" if len(now.times) else "nothing was sampled"
        for row in self.rows:
            row.draw(
                now.times,
                {name: getattr(now, name) for name in row.lines},
                None if was is None else (was.times, {n: getattr(was, n) for n in row.lines}),
                span=span,
            )
        watch = now.watch
        values = np.array(watch.values, dtype=float)
        self.alert.draw(
            now.times[: len(values)],
            {"value": values},
            None
            if was is None
            else (was.times[: len(was.watch.values)], {"value": np.array(was.watch.values, float)}),
            span=span,
            least=1.5 * watch.limit,
            # what came of the failure is not to hide how near the limit was in the calm
            most=CUT * watch.limit or np.inf,
        )
        top = self.alert.top
        cut = f" (cut at {style.number(top)})" if (values > top).any() else ""
        theory = "; dotted: theory" if run.theory("page") is not None else ""
        # with the number: where a step of the slider moves the line by less than a pixel
        self.alert.caption.text = (
            f"alert: {watch.compared}{cut}; dashed: limit {style.number(watch.limit)}{theory}"
        )
        self.limit.set_ydata([watch.limit, watch.limit])
        for real, marks in self.pages.items():
            times = [time for time, right in watch.pages if right == real]
            marks.set_data(times, [watch.limit] * len(times))
        took, false = self.measured(run), sum(not real for _, real in watch.pages)
        self.said.text = "▲ none" if took is None else f"▲ after {style.seconds(took)}"
        self.false.text = f"△ {style.number(false)} false"
        self._draw_baseline(ghost, watch.limit)
        self._draw_predictions(run, predictions)

    def _draw_baseline(self, ghost: ChartData | None, limit: float) -> None:
        """Mark the first page of the baseline's failure, also where its values are cut off."""
        took = None if ghost is None else self.measured(ghost)
        began = None if ghost is None else _onset(ghost)
        paged = [] if took is None or began is None else [began + took]
        self.was_paged.set_data(paged, [limit] * len(paged))
        self.was.text = "" if took is None else f"▲ was {style.seconds(took)}"

    def _draw_predictions(self, run: ChartData, predictions: Predictions) -> None:
        began = _onset(run)
        low, high = self.ax.get_xlim()
        for line, seconds in (
            (self.you, predictions.prediction),
            (self.theory, run.theory("page")),
        ):
            line.set_visible(began is not None and seconds is not None)
            at = min((began or 0.0) + (seconds or 0.0), high)
            line.set_xdata([at] * len(self.crossing))
        self.you_label.visible = self.you.get_visible()
        if self.you_label.visible:
            at = min((began or 0.0) + (predictions.prediction or 0.0), high)
            place, share = self.ax.get_position(), (at - low) / (high - low)
            self.you_label.text = f"you {style.number(predictions.prediction or 0.0)}"
            self.you_label.ha = "left" if share < 0.8 else "right"
            self.you_label.x = self.canvas.width * (place.x0 + place.width * share) + (
                4 if share < 0.8 else -4
            )
        self.room.set_data(
            [min((began or 0.0) + seconds, high) for seconds in predictions.room],
            [0.0] * len(predictions.room),
        )

    def measured(self, run: ChartData) -> float | None:
        began = _onset(run)
        pages = [time for time, real in run.signals.watch.pages if real]
        return None if began is None or not pages else pages[0] - began

    def sentence(self, run: ChartData) -> str:
        now = run.signals
        if not len(now.times):
            return "Signals: nothing was sampled."
        watch, took = now.watch, self.measured(run)
        false = sum(not real for _, real in watch.pages)
        deepest, eldest = (_largest(each) for each in (now.waiting, now.oldest))
        page = (
            "none came since the failure"
            if took is None
            else f"the first since the failure came {style.seconds(took)} after it"
        )
        come, done, charged = (
            style.number(np.round(each[-1], 1)) for each in (now.coming, now.done, now.charged)
        )
        return (
            f"Signals: at the end {come} orders come per second, {done} are done and {charged} "
            f"charged; at most {style.number(deepest)} waited, the oldest for "
            f"{style.seconds(round(eldest))}. "
            f"{style.count(false, 'page').capitalize()} while nothing was wrong; {page}."
        )


def _onset(run: ChartData) -> float | None:
    """Return when the failure begins (s); None if there is none."""
    return run.context.outages[0][0] if run.context.outages else None


def _largest(values: Floats) -> float:
    return float(values.max(initial=0.0))
