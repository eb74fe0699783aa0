"""A picture of a run: its message as the title, under it the charts, those over time on one
axis.
"""

from collections.abc import Sequence
from typing import Any

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.charts import CHARTS, Box, Chart, Marks, Timeline
from mqlearn.lab.view import View, view

TITLE_HEIGHT = 44  # two lines
PAD = 4


class Board:
    """Charts by name, laid out once in a picture of `width` × `height` CSS pixels.

    Charts over time stand one above the other; two others in a row stand side by side. `marks_on`
    names the chart that predictions are drawn on; by default the first that takes them.
    """

    def __init__(
        self,
        names: Sequence[str],
        width: int = 570,
        height: int = 400,
        *,
        scale: float = 1.0,
        marks_on: str | None = None,
    ) -> None:
        unknown = [name for name in names if name not in CHARTS]
        if unknown or not names:
            raise ValueError(
                f"charts must be among {', '.join(sorted(CHARTS))}, got "
                f"{unknown[0] if unknown else names!r}"
            )
        self.canvas = Canvas(width, height, scale=scale)
        self._title = [
            self.canvas.text(PAD, 15 + 18 * i, size=style.TITLE, bold=True) for i in range(2)
        ]
        self._below = self.canvas.text(PAD, 32, size=style.LABEL, color=style.MUTED)
        self.charts = [chart for row in self._layout(names) for chart in row]
        takers = [chart.name for chart in self.charts if chart.takes_marks]
        self.marks_on = marks_on if marks_on in takers else (takers[0] if takers else None)
        self._ghost: View | None = None

    def _layout(self, names: Sequence[str]) -> list[list[Chart]]:
        rows = _rows([CHARTS[name] for name in names])
        least = [max(kind.least for kind in row) + _foot(rows, i) for i, row in enumerate(rows)]
        spare = max(0.0, self.canvas.height - TITLE_HEIGHT - PAD - sum(least))
        weights = [max(kind.weight for kind in row) for row in rows]
        made: list[list[Chart]] = []
        y = float(TITLE_HEIGHT)
        for i, row in enumerate(rows):
            height = least[i] + spare * weights[i] / (sum(weights) or 1.0)
            width = (self.canvas.width - 2 * PAD) / len(row)
            boxes = [
                Box(PAD + n * width, y, width - 8 * (n < len(row) - 1), height)
                for n in range(len(row))
            ]
            made.append(
                [
                    kind(self.canvas, box, axis=_foot(rows, i) > 0)
                    if issubclass(kind, Timeline)
                    else kind(self.canvas, box)
                    for kind, box in zip(row, boxes, strict=True)
                ]
            )
            y += height
        return made

    def draw(
        self, run: Any, ghost: Any = None, marks: Marks | None = None, *, title: str | None = None
    ) -> None:
        """Show `run` over the baseline `ghost`, with what people predicted."""
        now = view(run)
        if ghost is None:
            self._ghost = None
        elif self._ghost is None or self._ghost.run is not getattr(ghost, "run", ghost):
            # kept: its tables are made once, not at each move of a slider
            self._ghost = view(ghost)
        for chart in self.charts:
            chart.draw(
                now, self._ghost, marks or Marks() if chart.name == self.marks_on else Marks()
            )
        below = f"baseline: {headline(self._ghost.run)}" if self._ghost else ""
        self._say(headline(now.run) if title is None else title, below)
        self.canvas.draw()

    def _say(self, title: str, below: str) -> None:
        lines = self.canvas.wrap(
            title, self.canvas.width - 2 * PAD, lines=2, size=style.TITLE, bold=True
        )
        for text, line in zip(self._title, [*lines, "", ""], strict=False):
            text.text = line
        cut = self.canvas.wrap(below, self.canvas.width - 2 * PAD, lines=1, size=style.LABEL)
        self._below.text = cut[0] if cut and len(lines) == 1 else ""

    def sentence(self, run: Any) -> str:
        """What the picture shows, a sentence for each chart."""
        now = view(run)
        return " ".join(chart.sentence(now) for chart in self.charts)

    def png(self) -> bytes:
        """The picture as drawn last."""
        return self.canvas.png()


def headline(run: Any) -> str:
    """The run's message in few words: its own `headline`, or else its verdict."""
    return str(getattr(run, "headline", "") or run.verdict)


def _rows(kinds: list[type[Chart]]) -> list[list[type[Chart]]]:
    """Timelines alone in their rows, neighbours of other kinds in pairs."""
    rows: list[list[type[Chart]]] = []
    for kind in kinds:
        alone = [one for one in (kind, *(rows[-1] if rows else ())) if one.timeline or one.wide]
        if rows and not alone and len(rows[-1]) == 1:
            rows[-1].append(kind)
        else:
            rows.append([kind])
    return rows


def _foot(rows: list[list[type[Chart]]], i: int) -> int:
    """Pixels that row `i` needs for the time axis: only under the last of the timelines that share
    it.
    """
    last = i + 1 == len(rows) or not rows[i + 1][0].timeline
    return 16 if rows[i][0].timeline and last else 0
