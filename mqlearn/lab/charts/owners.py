"""The chart "owners": which member of a consumer group owns which partition."""

from typing import Any

from matplotlib.collections import PolyCollection

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.chart_data import ChartData
from mqlearn.lab.charts.base import Box, Predictions
from mqlearn.lab.charts.partition_rows import PartitionRows

# Members have no place in the palette of messages: pale shades of it, each with its letter.
SHADES = ("#8CCBF0", "#F8DCA3", "#9FD8C6", "#E3BFD4", "#F3C9A8", "#D9D9D9", "#F6F0A0", "#B9C6E8")
LETTERS_SHOWN = 60
NAMED = 3  # members, or silences, that are named one by one


class Owners(PartitionRows):
    """A ribbon per partition, in the shade of the member that owns it, with the member's letter.

    A white partition has no owner. A hatched one has an owner that has died or is stalled, which
    the group does not know yet.
    """

    name, min_height, stretch = "owners", 104, 1.2
    needs = ("joined", "assigned")

    def __init__(self, canvas: Canvas, box: Box, *, axis: bool) -> None:
        super().__init__(canvas, box, axis=axis)
        self.caption("owner of each partition; hatched: the owner is silent; white: no owner")
        self.ribbons = [
            canvas.moving(PolyCollection([], facecolor=shade, edgecolor=style.INK, linewidth=0.6))
            for shade in SHADES
        ]
        self.silent = canvas.moving(
            PolyCollection(
                [], facecolor=(1, 1, 1, 0.5), edgecolor=style.MUTED, linewidth=0, hatch="////"
            )
        )
        for ribbon in (*self.ribbons, self.silent):
            self.ax.add_collection(ribbon, autolim=False)
        self.letters = [
            canvas.text(0, 0, ha="center", va="center", bold=True) for _ in range(LETTERS_SHOWN)
        ]
        self.empty = canvas.text(
            box.x + (self.left + box.width - self.right) / 2,
            box.y + box.height / 2,
            ha="center",
            color=style.MUTED,
        )
        self.notes = [
            canvas.text(self.label_x, box.y + self.top + 12 + 16 * row, room=self.right - 10)
            for row in range(3)
        ]

    def draw(self, run: ChartData, ghost: ChartData | None, predictions: Predictions) -> None:  # noqa: ARG002 -- every chart's
        count, group = self.fit_rows(run, ghost), run.group
        box, (low, high) = self.ax.get_position(), self.ax.get_xlim()
        width, height = self.canvas.width * box.width, self.canvas.height * box.height
        left, top = self.canvas.width * box.x0, self.canvas.height * (1 - box.y1)
        self.empty.text = "" if group.owned else "no member owned a partition"
        shown = []
        for number, ribbon in enumerate(self.ribbons):
            mine = [
                owned
                for owned in group.owned
                if group.members.index(owned.member) % len(SHADES) == number
            ]
            ribbon.set_verts([_corners(owned) for owned in mine])
            # a stretch narrower than 13 pixels has no room for a letter
            shown += [o for o in mine if (o.end - o.start) / (high - low) * width > 13]
        self.silent.set_verts([_corners(owned) for owned in group.silent])
        for text, owned in zip(
            self.letters, [*shown[:LETTERS_SHOWN], *[None] * LETTERS_SHOWN], strict=False
        ):
            text.text = "" if owned is None else owned.member
            if owned is not None:
                text.room = (owned.end - owned.start) / (high - low) * width - 2
                text.x = left + ((owned.start + owned.end) / 2 - low) / (high - low) * width
                text.y = top + (owned.partition + 0.5) / count * height
        idle = [
            member
            for member in group.members
            if member not in {owned.member for owned in group.owned}
        ]
        lines = [
            style.count(len(group.members), "member"),
            style.count(group.generations, "generation"),
            f"idle: {', '.join(idle) if len(idle) <= NAMED else len(idle)}" if idle else "",
        ]
        for text, line in zip(self.notes, lines, strict=True):
            text.text = line

    def sentence(self, run: ChartData) -> str:
        group = run.group
        if not group.owned:
            return "Owners: no member owned a partition."
        last = {owned.partition: owned.member for owned in group.owned if owned.end >= run.until}
        now = ", ".join(
            f"{p}: {last.get(p, 'none')}" for p in range(max(o.partition for o in group.owned) + 1)
        )
        fell = ", ".join(f"{who} falls silent at {style.seconds(time)}" for who, time in group.fell)
        if len(group.fell) > NAMED:
            fell = f"{len(group.fell)} times one falls silent"
        return (
            f"Owners: {style.count(len(group.members), 'member')}, "
            f"{style.count(group.generations, 'generation')}; "
            f"{fell}{'; ' if fell else ''}at the end {now}."
        )


def _corners(owned: Any) -> list[tuple[float, float]]:
    """Return the corners of one stretch of ownership."""
    top, bottom = owned.partition + 0.1, owned.partition + 0.9
    return [(owned.start, top), (owned.end, top), (owned.end, bottom), (owned.start, bottom)]
