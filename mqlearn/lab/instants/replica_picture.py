"""The step-through of a replicated log: what each replica has at one instant, entry by entry."""

from typing import Any, ClassVar

from matplotlib.collections import PolyCollection

from mqlearn.lab import style
from mqlearn.lab.charts.base import swatch
from mqlearn.lab.charts.offsets import READ
from mqlearn.lab.instants.base import InstantPicture
from mqlearn.lab.instants.frames import BLOCK, PITCH, TALL, short_id
from mqlearn.study.analysis.replicas import LEADER, ReplicaAnalysis

COMMITTED, ABOVE, DROPPED = "committed", "not committed", "not in the newest leader's log"
# The look of an entry by what is known of it, in the order of the legend.
LOOKS: dict[str, dict[str, Any]] = {
    COMMITTED: {"facecolor": READ},
    ABOVE: {"facecolor": style.WAITING},
    DROPPED: {"facecolor": "#F3C9A8", "hatch": "....", "edgecolor": style.LOST},
}
MOST = 5  # replicas shown at most
COLUMNS = 11  # entries shown of each
BEFORE = 3  # of these before the high watermark
TOP, FOOT, TALLEST = 48, 350, 90  # pixels: where the rows stand, and a row's height at most


class ReplicaPicture(InstantPicture):
    """A row per replica: its role, and the entries around the high watermark as blocks.

    Blocks in one column have the same offset. A stroke marks the high watermark: the entries before
    it are committed.
    """

    last_event_y: ClassVar[int] = 385

    def __init__(self, width: int = 570, height: int = 408, *, scale: float = 1.0) -> None:
        super().__init__(width, height, scale=scale)
        canvas = self.canvas
        self.log_line = canvas.text(4, 34, color=style.MUTED, room=width - 8)
        self.fills = {state: self._fill(**look) for state, look in LOOKS.items()}
        self.strokes = self._fill(facecolor=style.INK)
        self.names = [canvas.text(4, 0, bold=True) for _ in range(MOST)]
        self.roles = [canvas.text(76, 0, color=style.MUTED, room=width - 80) for _ in range(MOST)]
        self.more = [
            canvas.text(0, 0, va="center", size=style.SMALL, color=style.MUTED) for _ in range(MOST)
        ]
        self.ids = [
            canvas.text(0, 0, bold=True, ha="center", va="center", room=BLOCK - 2)
            for _ in range(MOST * COLUMNS)
        ]
        x = 4.0
        for state, look in LOOKS.items():
            swatch(canvas, x, FOOT + 6, width=12, height=10, **look)
            canvas.text(x + 16, FOOT + 15, state, size=style.SMALL, color=style.MUTED)
            x += 32 + canvas.measure(state, size=style.SMALL)
        swatch(canvas, x + 4, FOOT + 4, width=2.5, height=14, facecolor=style.INK)
        canvas.text(x + 12, FOOT + 15, "high watermark", size=style.SMALL, color=style.MUTED)

    def _fill(self, **look: Any) -> Any:
        look = {"linewidth": 0, **look}
        fill = self.canvas.moving(
            PolyCollection([], transform=self.canvas.figure.transFigure, **look)
        )
        self.canvas.figure.add_artist(fill)
        return fill

    def show(self, run: Any, time: float) -> None:
        records = [record for record in run.trace.records if record.time <= time]
        self.now = now = ReplicaAnalysis(records, time)
        self.watermark = now.watermark[-1][1] if now.watermark else 0
        last = max((log.end for log in now.logs.values()), default=0)
        self.first = max(0, min(self.watermark - BEFORE, last - COLUMNS))
        self.shapes: dict[str, list[Any]] = {state: [] for state in (*LOOKS, "stroke")}
        for label in (*self.names, *self.roles, *self.more, *self.ids):
            label.text = ""
        shown = now.replicas[:MOST]
        height = min((FOOT - TOP) / max(len(shown), 1), TALLEST)
        for row, number in enumerate(shown):
            self._row(row, number, TOP + row * height)
        for state, fill in self.fills.items():
            fill.set_verts(self.shapes[state])
        self.strokes.set_verts(self.shapes["stroke"])
        left_out = len(now.replicas) - len(shown)
        self.log_line.text = (
            f"entries from offset {self.first:,} on; {self.watermark:,} are committed"
            + (f"; {MOST} of {len(now.replicas)} replicas shown" if left_out else "")
        )

    def role(self, number: int) -> str:
        """Return what a replica is at this instant, and how many entries it has."""
        now = self.now
        role, epoch = now.last[number]
        parts = [f"leads in epoch {epoch}" if role == LEADER else role]
        if any(cut.replica == number and cut.end >= now.until for cut in now.cut):
            parts.append("cut off")
        log = now.logs[number]
        parts.append(style.count(log.end, "entry").replace("entrys", "entries"))
        if log.end > log.common:
            parts.append(f"{style.number(log.end - log.common)} will be dropped")
        return ", ".join(parts)

    def _row(self, row: int, number: int, y: float) -> None:
        log, ids = self.now.logs[number], self.now.ids(number)
        self.names[row].text, self.names[row].y = f"replica {number}", y + 12
        self.roles[row].text, self.roles[row].y = self.role(number), y + 12
        for column, offset in enumerate(range(self.first, min(self.first + COLUMNS, log.end))):
            state = ABOVE if offset >= self.watermark else COMMITTED
            state = DROPPED if offset >= log.common else state
            x, top = 4 + column * PITCH, y + 18
            self.shapes[state].append(self.canvas.corners(x, top, BLOCK, TALL))
            label = self.ids[row * COLUMNS + column]
            label.text, label.x, label.y = short_id(ids[offset]), x + BLOCK / 2, top + TALL / 2
        stroke = 4 + (self.watermark - self.first) * PITCH - 3.25
        self.shapes["stroke"].append(self.canvas.corners(stroke, y + 15, 2.5, TALL + 6))
        hidden = log.end - self.first - COLUMNS
        if hidden > 0:
            self.more[row].text = f"+{hidden:,}"
            self.more[row].x, self.more[row].y = 4 + COLUMNS * PITCH + 2, y + 18 + TALL / 2

    def describe(self, time: float) -> str:
        rows = "; ".join(f"replica {number}: {self.role(number)}" for number in self.now.replicas)
        return f"At {style.seconds(time)}: {self.watermark:,} committed; {rows or 'no replica'}."
