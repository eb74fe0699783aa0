"""A picture of a run: its message as the title, and charts below it; charts over time share one
time axis.
"""

from collections.abc import Sequence
from typing import Any

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData
from mqlearn.lab.charts import CHARTS, Box, Chart, Predictions, Timeline
from mqlearn.lab.charts.base import named_errors
from mqlearn.lab.label import plain
from mqlearn.runtime import check

TITLE_HEIGHT = 44  # pixels: two lines
PAD = 4  # pixels at the left and right edge
GAP = 8  # pixels between two charts that stand side by side
TIME_AXIS = 16  # pixels under a chart for the labels of its time axis


class Dashboard:
    """Charts by name, laid out once in a picture of `width` × `height` CSS pixels.

    Charts over time stand one above the other; two others in a row stand side by side.
    `predicted_chart` names the chart that shows predictions; by default it is the first that can.
    """

    def __init__(
        self,
        names: Sequence[str],
        width: int = 570,
        height: int = 400,
        *,
        scale: float = 1.0,
        predicted_chart: str | None = None,
    ) -> None:
        unknown = [name for name in names if name not in CHARTS]
        if unknown or not names:
            raise ValueError(
                f"charts must be among {', '.join(sorted(CHARTS))}, got "
                f"{check.short_repr(unknown[0] if unknown else names)}"
            )
        self.canvas = Canvas(width, height, scale=scale)
        self._title = [
            self.canvas.text(PAD, 15 + 18 * i, size=style.TITLE, bold=True) for i in range(2)
        ]
        self._subtitle = self.canvas.text(PAD, 32, size=style.LABEL, color=style.MUTED)
        self.charts = [chart for row in self._layout(names) for chart in row]
        # a scenario may name a chart that cannot show a prediction: then the first that can is used
        able = [chart.name for chart in self.charts if chart.takes_prediction]
        first = able[0] if able else None
        self.predicted_chart = predicted_chart if predicted_chart in able else first
        self._ghost: ChartData | None = None

    def _layout(self, names: Sequence[str]) -> list[list[Chart]]:
        """Make the charts: each row gets its minimum height, and a share of the remaining
        height.
        """
        rows = _rows([CHARTS[name] for name in names])
        heights = [
            max(kind.min_height for kind in row) + _axis_height(rows, i)
            for i, row in enumerate(rows)
        ]
        spare = max(0.0, self.canvas.height - TITLE_HEIGHT - PAD - sum(heights))
        stretches = [max(kind.stretch for kind in row) for row in rows]
        made: list[list[Chart]] = []
        y = float(TITLE_HEIGHT)
        for i, row in enumerate(rows):
            # No row may stretch: then there is nothing to divide by.
            height = heights[i] + spare * stretches[i] / (sum(stretches) or 1.0)
            width = (self.canvas.width - 2 * PAD) / len(row)
            boxes = [
                Box(PAD + n * width, y, width - GAP * (n < len(row) - 1), height)
                for n in range(len(row))
            ]
            made.append(
                [
                    kind(self.canvas, box, axis=_axis_height(rows, i) > 0)
                    if issubclass(kind, Timeline)
                    else kind(self.canvas, box)
                    for kind, box in zip(row, boxes, strict=True)
                ]
            )
            y += height
        return made

    def draw(
        self,
        run: Any,
        ghost: Any = None,
        predictions: Predictions | None = None,
        *,
        title: str | None = None,
        ghost_title: str | None = None,
    ) -> None:
        """Show `run` over the baseline `ghost`, with the predictions made before it.

        `title` and `ghost_title` replace what the two runs say of themselves.
        """
        data = ChartData.of(run)
        if ghost is None:
            self._ghost = None
        elif self._ghost is None or self._ghost.run is not getattr(ghost, "run", ghost):
            # Kept between draws: a moved slider makes a new run, but the baseline stays the same,
            # and its tables need not be computed again.
            self._ghost = ChartData.of(ghost)
        for chart in self.charts:
            mine = chart.name == self.predicted_chart
            with named_errors(f'the chart "{chart.name}"'):
                chart.draw(data, self._ghost, (predictions if mine else None) or Predictions())
        subtitle = ""
        if self._ghost:
            subtitle = f"baseline: {ghost_title or headline(self._ghost.run)}"
        self._write(headline(data.run) if title is None else title, subtitle)
        self.canvas.draw()

    def _write(self, title: str, subtitle: str) -> None:
        room = self.canvas.width - 2 * PAD
        lines = self.canvas.wrap(title, room, lines=2, size=style.TITLE, bold=True)
        for text, line in zip(self._title, [*lines, "", ""], strict=False):
            text.text = line
        cut = self.canvas.wrap(subtitle, room, lines=1, size=style.LABEL)
        # It stands where the title's second line would be.
        self._subtitle.text = cut[0] if cut and len(lines) == 1 else ""

    def sentence(self, run: Any) -> str:
        """Return the picture in words, one sentence per chart."""
        data = ChartData.of(run)
        sentences = []
        for chart in self.charts:
            with named_errors(f'the chart "{chart.name}"'):
                sentences.append(chart.sentence(data))
        return plain(" ".join(sentences))

    def png(self) -> bytes:
        """Return the picture as drawn last."""
        return self.canvas.png()


def headline(run: Any) -> str:
    """Return the run's message in few words: its own `headline`, or else its verdict."""
    return str(getattr(run, "headline", "") or run.verdict)


def _rows(kinds: list[type[Chart]]) -> list[list[type[Chart]]]:
    """Divide charts into rows: a timeline or a full row stands alone, neighbours of other kinds
    stand in pairs.
    """
    rows: list[list[type[Chart]]] = []
    for kind in kinds:
        before = rows[-1] if rows else ()
        alone = any(one.timeline or one.full_row for one in (kind, *before))
        if rows and not alone and len(rows[-1]) == 1:
            rows[-1].append(kind)
        else:
            rows.append([kind])
    return rows


def _axis_height(rows: list[list[type[Chart]]], i: int) -> int:
    """Return the pixels that row `i` needs for a time axis: timelines one above the other share the
    axis under the last of them.
    """
    last = i + 1 == len(rows) or not rows[i + 1][0].timeline
    return TIME_AXIS if rows[i][0].timeline and last else 0
