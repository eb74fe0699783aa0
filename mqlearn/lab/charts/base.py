"""The base of all charts: a box in the picture, a `draw` for each run, and a sentence in words."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.markers import TICKDOWN, TICKLEFT, MarkerStyle
from matplotlib.patches import Rectangle

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData
from mqlearn.runtime.handed_in import reason_of

MOST = 1e12  # the largest number that may be predicted: an axis reaches every prediction


@dataclass(frozen=True)
class Box:
    """A rectangle of the picture: its top left corner and its size, in pixels."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Predictions:
    """The numbers predicted before the run: one `prediction`, and the answers of a class (`room`).

    They have the unit of the number that the chart measures.
    """

    prediction: float | None = None
    room: tuple[float, ...] = ()

    @property
    def values(self) -> tuple[float, ...]:
        """All predicted numbers; the axis must reach each of them."""
        return self.room if self.prediction is None else (*self.room, self.prediction)


@contextmanager
def named_errors(picture: str) -> Iterator[None]:
    """Raise whatever is raised in here as a ValueError that names the picture: records and tables
    made by hand may lack anything.
    """
    try:
        yield
    except Exception as error:
        raise ValueError(
            f"{picture} cannot show this run, whose records are not as the package makes them: "
            f"{reason_of(error)}"
        ) from error


class Chart(ABC):
    """A small picture of one table of a run: made once, then drawn again for each new run."""

    name: ClassVar[str]
    timeline: ClassVar[bool] = False  # its x axis is time, shared with charts above and below
    full_row: ClassVar[bool] = False  # it needs a row of the picture for itself
    takes_prediction: ClassVar[bool] = False  # a prediction can be drawn on it
    page_width: ClassVar[int] = 640  # pixels that it needs in a page, where it is shown alone
    min_height: ClassVar[int] = 60  # pixels of height without which it cannot be read
    stretch: ClassVar[float] = 1.0  # its share of the height left over
    # The kinds of record that it is about: one of them must occur. By default those of a queue.
    needs: ClassVar[tuple[str, ...]] = ("sent", "scheduled", "existing", "rejected")

    def __init__(self, canvas: Canvas, box: Box) -> None:
        self.canvas, self.box = canvas, box

    @abstractmethod
    def draw(self, run: ChartData, ghost: ChartData | None, predictions: Predictions) -> None:
        """Update the artists to show `run`; `ghost` is the baseline run, drawn in grey."""

    @abstractmethod
    def sentence(self, run: ChartData) -> str:
        """Return a description of the chart of `run` in words and numbers, for readers who cannot
        see it.
        """

    def measured(self, run: ChartData) -> float | None:  # noqa: ARG002 -- most charts show no single number
        """Return the number of `run` that a prediction on this chart is about, or None."""
        return None

    def caption(self, text: str) -> None:
        """Write `text` in grey above the chart; it says what the chart counts."""
        self.canvas.text(self.box.x, self.box.y + 11, text, size=style.SMALL, color=style.MUTED)


class Ticks:
    """The ticks of one axis, "x" or "y", and the labels beside them."""

    def __init__(self, canvas: Canvas, ax: Axes, axis: str) -> None:
        self.canvas, self.ax, self.axis = canvas, ax, axis
        self.shown: list[tuple[float, str]] = []
        ha, va = ("right", "center") if axis == "y" else ("center", "baseline")
        upright = axis == "y"
        marker = MarkerStyle(TICKLEFT if upright else TICKDOWN)
        # A tick's position is in data units along the axis, and a share of the chart's size across
        # it: 0 is on the axis itself.
        place = ax.get_yaxis_transform() if upright else ax.get_xaxis_transform()
        # Ticks are markers of a line that moves. Matplotlib's own are part of the background: a
        # changed one would have the whole background drawn again, for 15 ms.
        line = Line2D(
            [], [], transform=place, marker=marker, markersize=3, linestyle="", color=style.INK
        )
        line.set_clip_on(False)
        self._marks = canvas.moving(ax.add_line(line))
        # eight are enough: `time_ticks` returns at most seven
        self._labels = [canvas.text(0, 0, ha=ha, va=va) for _ in range(8)]

    def show(self, ticks: list[tuple[float, str]]) -> None:
        """Show a tick and its label at each of (value, label)."""
        self.shown = ticks[: len(self._labels)]
        values = [value for value, _ in self.shown]
        across = [0.0] * len(values)
        self._marks.set_data(*((across, values) if self.axis == "y" else (values, across)))
        box = self.ax.get_position()
        limits = self.ax.get_ylim() if self.axis == "y" else self.ax.get_xlim()
        for label, (value, text) in zip(
            self._labels, [*self.shown, *[(limits[0], "")] * 8], strict=False
        ):
            share = (value - limits[0]) / (limits[1] - limits[0])
            label.text = text
            if self.axis == "y":
                label.x = self.canvas.width * box.x0 - 6
                label.y = self.canvas.height * (1 - box.y0 - share * box.height)
            else:
                label.x = self.canvas.width * (box.x0 + share * box.width)
                label.y = self.canvas.height * (1 - box.y0) + 17

    def hide(self) -> None:
        """Hide the ticks but not the labels, for a chart that has no axis line."""
        self._marks.set_visible(False)


class Timeline(Chart):
    """A chart over the run's time (s); labels stand beside the curves in the right margin, instead
    of a legend.
    """

    timeline = True
    # Margins in pixels: the numbers at the y axis, the labels, the caption.
    left: ClassVar[int] = 42
    right: ClassVar[int] = 108
    top: ClassVar[int] = 21

    def __init__(self, canvas: Canvas, box: Box, *, axis: bool) -> None:
        super().__init__(canvas, box)
        self.axis = axis
        foot = 19 if axis else 5
        self.ax = canvas.axes(
            box.x + self.left,
            box.y + self.top,
            box.width - self.left - self.right,
            box.height - self.top - foot,
        )
        self.label_x = box.x + box.width - self.right + 10
        # The width in pixels: the data is reduced to so many slices of time, as finer ones would
        # not be visible.
        self.columns = int((box.width - self.left - self.right) * canvas.scale)
        self.axis_top = 1.0
        self.x_ticks, self.y_ticks = Ticks(canvas, self.ax, "x"), Ticks(canvas, self.ax, "y")

    def steps(self, **look: Any) -> Line2D:
        """Return a new line, drawn as a step function: each level lasts until the next. `draw` sets
        its data.
        """
        return self.canvas.moving(
            self.ax.plot([], [], drawstyle="steps-post", clip_on=False, **look)[0]
        )

    def fit_time(self, run: ChartData, ghost: ChartData | None = None) -> None:
        """Make the x axis show the whole run and its baseline."""
        end = max(run.until, ghost.until if ghost else 0.0, 1e-9)
        # most draws have the same axis: its ticks and labels need no update
        if self.ax.get_xlim() == (run.start, end):
            return
        self.ax.set_xlim(run.start, end)
        ticks = style.time_ticks(run.start, end)
        self.x_ticks.show([(t, label if self.axis else "") for t, label in ticks])

    def fit_height(self, value: float) -> None:
        """Let the y axis end at a round number not below `value`, with ticks at 0, the middle and
        the top.
        """
        top = style.nice_top(max(value, 1.0), self.axis_top)
        if top != self.axis_top or not self.y_ticks.shown:
            self.axis_top = top
            self.ax.set_ylim(0, top)
            # between 0 and 1 message there is none
            levels = (0, top) if top == 1 else (0, top / 2, top)
            self.y_ticks.show([(v, style.number(v)) for v in levels])

    def legend_entry(self, row: int, label: str, **patch: Any) -> None:
        """Draw a swatch and its label in the right margin, in `row` from the top."""
        y = self.box.y + self.top + 3 + 18 * row
        swatch(self.canvas, self.label_x, y, **patch)
        self.canvas.text(self.label_x + 20, y + 10.5, label)


def swatch(
    canvas: Canvas, x: float, y: float, *, width: float = 14, height: float = 12, **patch: Any
) -> None:
    """Draw a small fixed rectangle for a legend, with its top left corner at (x, y) pixels."""
    place = (x / canvas.width, 1 - (y + height) / canvas.height)
    patch = {"linewidth": 0, **patch}
    canvas.figure.add_artist(
        Rectangle(
            place,
            width / canvas.width,
            height / canvas.height,
            transform=canvas.figure.transFigure,
            **patch,
        )
    )


def remove_bottom_spine(ax: Axes) -> None:
    """Remove the bottom spine: bars from zero do not need it."""
    ax.spines[["bottom"]].set_visible(False)
