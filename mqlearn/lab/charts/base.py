"""What every chart does: take a place in the picture, draw a run over its baseline, say what it
shows.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.markers import TICKDOWN, TICKLEFT, MarkerStyle
from matplotlib.patches import Rectangle

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.view import View


@dataclass(frozen=True)
class Box:
    """A rectangle of the picture, in pixels from the top left."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Marks:
    """What people said before the run: one prediction and a room's answers, in the chart's own
    unit.
    """

    prediction: float | None = None
    room: tuple[float, ...] = ()

    @property
    def values(self) -> tuple[float, ...]:
        return self.room if self.prediction is None else (*self.room, self.prediction)


class Chart(ABC):
    """A small picture of one table of a run, made once, then told to `draw` run after run."""

    name: ClassVar[str]
    # its x axis is the run's time, shared with the charts above and below
    timeline: ClassVar[bool] = False
    wide: ClassVar[bool] = False  # it needs a row of the picture for itself
    takes_marks: ClassVar[bool] = False  # a prediction can be drawn on it
    least: ClassVar[int] = 60  # pixels of height without which it cannot be read
    weight: ClassVar[float] = 1.0  # its share of the height left over

    def __init__(self, canvas: Canvas, box: Box) -> None:
        self.canvas, self.box = canvas, box

    @abstractmethod
    def draw(self, run: View, ghost: View | None, marks: Marks) -> None:
        """Bring the artists up to date with `run`; `ghost` is the baseline, drawn in grey."""

    @abstractmethod
    def sentence(self, run: View) -> str:
        """What the chart shows of `run`, with numbers, for those who do not see it."""

    def measured(self, run: View) -> float | None:  # noqa: ARG002 -- most charts show no single number
        """The number that a prediction drawn on this chart is about."""
        return None

    def caption(self, text: str) -> None:
        """What is counted, in grey above the chart."""
        self.canvas.text(self.box.x, self.box.y + 11, text, size=style.SMALL, color=style.MUTED)


class Ticks:
    """The ticks of one axis ("x" or "y") and the labels beside them."""

    def __init__(self, canvas: Canvas, ax: Axes, axis: str) -> None:
        self.canvas, self.ax, self.axis = canvas, ax, axis
        self.shown: list[tuple[float, str]] = []
        ha, va = ("right", "center") if axis == "y" else ("center", "baseline")
        upright = axis == "y"
        marker = MarkerStyle(TICKLEFT if upright else TICKDOWN)
        place = ax.get_yaxis_transform() if upright else ax.get_xaxis_transform()
        # One line of markers: matplotlib's own ticks would have all that stands still drawn anew,
        # for 15 ms.
        line = Line2D(
            [], [], transform=place, marker=marker, markersize=3, linestyle="", color=style.INK
        )
        line.set_clip_on(False)
        self._marks = canvas.moving(ax.add_line(line))
        self._labels = [canvas.text(0, 0, ha=ha, va=va) for _ in range(8)]

    def put(self, ticks: list[tuple[float, str]]) -> None:
        """Show a tick and its label at each of (value, label)."""
        self.shown = ticks[: len(self._labels)]
        values = [value for value, _ in self.shown]
        across = [0.0] * len(values)
        self._marks.set_data(*((across, values) if self.axis == "y" else (values, across)))
        box, limits = (
            self.ax.get_position(),
            self.ax.get_ylim() if self.axis == "y" else self.ax.get_xlim(),
        )
        for label, (value, text) in zip(
            self._labels, [*self.shown, *[(limits[0], "")] * 8], strict=False
        ):
            share = (value - limits[0]) / (limits[1] - limits[0])
            label.text = text
            if self.axis == "y":
                label.x, label.y = (
                    self.canvas.width * box.x0 - 6,
                    self.canvas.height * (1 - box.y0 - share * box.height),
                )
            else:
                label.x, label.y = (
                    self.canvas.width * (box.x0 + share * box.width),
                    self.canvas.height * (1 - box.y0) + 17,
                )

    def hide(self) -> None:
        """Show labels at most, where a chart has no line for the ticks to stand on."""
        self._marks.set_visible(False)


class Timeline(Chart):
    """A chart over the run's time. Its right margin holds direct labels instead of a legend."""

    timeline = True
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
        self.columns = int((box.width - self.left - self.right) * canvas.scale)
        self.over = 1.0
        self.x_ticks, self.y_ticks = Ticks(canvas, self.ax, "x"), Ticks(canvas, self.ax, "y")

    def steps(self, **look: Any) -> Line2D:
        """A line that keeps each level until the next, to be given data at each `draw`."""
        return self.canvas.moving(
            self.ax.plot([], [], drawstyle="steps-post", clip_on=False, **look)[0]
        )

    def over_time(self, run: View, ghost: View | None = None) -> None:
        """Make the x axis show the whole run, and its baseline."""
        end = max(run.until, ghost.until if ghost else 0.0, 1e-9)
        if self.ax.get_xlim() == (run.start, end):
            return
        self.ax.set_xlim(run.start, end)
        ticks = style.time_ticks(run.start, end)
        self.x_ticks.put([(t, label if self.axis else "") for t, label in ticks])

    def up_to(self, value: float) -> None:
        """Make the y axis reach `value`: in round steps, with ticks at the bottom, the middle and
        the top.
        """
        top = style.nice_top(max(value, 1.0), self.over)
        if top != self.over or not self.y_ticks.shown:
            self.over = top
            self.ax.set_ylim(0, top)
            self.y_ticks.put([(v, style.number(v)) for v in (0, top / 2, top)])

    def key(self, row: int, label: str, **patch: Any) -> None:
        """A swatch and its label in the right margin, `row` from the top."""
        y = self.box.y + self.top + 3 + 18 * row
        swatch(self.canvas, self.label_x, y, **patch)
        self.canvas.text(self.label_x + 20, y + 10.5, label)


def swatch(
    canvas: Canvas, x: float, y: float, *, width: float = 14, height: float = 12, **patch: Any
) -> None:
    """A still rectangle of the picture with its top left corner at (x, y) pixels."""
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


def frameless(ax: Axes) -> None:
    """Leave only the left spine: bars that begin at zero need no more."""
    ax.spines[["bottom"]].set_visible(False)
