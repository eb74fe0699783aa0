"""The common part of the charts of subscribers: the number that is shown, and the note about the
others.
"""

from mqlearn.lab import style
from mqlearn.lab.charts.base import Chart
from mqlearn.lab.label import Label

MOST = 4  # subscribers shown at most
FEW = 3  # places that are there even with fewer subscribers, so that the layout stays the same


def omission_label(chart: Chart, down: float = 11) -> Label:
    """Return the label at the right of a chart's caption, `down` pixels from the chart's top."""
    box = chart.box
    return chart.canvas.text(
        box.x + box.width - 2, box.y + down, size=style.SMALL, color=style.MUTED, ha="right"
    )


def omission(names: list[str], shown: int) -> str:
    """Return the note that only `shown` of these subscribers are shown, or "" if all are."""
    return f"{shown} of {len(names)} shown" if len(names) > shown else ""
