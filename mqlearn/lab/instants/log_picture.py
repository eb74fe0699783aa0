"""The step-through of a log: the events that each partition holds at one instant, and how far it
has been read.
"""

from typing import Any, ClassVar

from matplotlib.collections import PolyCollection

from mqlearn.lab import style
from mqlearn.lab.charts.base import swatch
from mqlearn.lab.charts.offsets import NEVER as NEVER_LOOK
from mqlearn.lab.charts.offsets import READ
from mqlearn.lab.charts.owners import SHADES
from mqlearn.lab.instants.base import InstantPicture
from mqlearn.lab.instants.frames import BLOCK, PITCH, TALL, short_id
from mqlearn.study.analysis.groups import process_name
from mqlearn.study.analysis.instants import (
    DONE,
    DONE_AGAIN,
    IN_HAND,
    NEVER_READ,
    WAITING,
    LogAt,
    PartitionAt,
)

# The look of an event by what became of it, in the order of the legend.
LOOKS: dict[str, dict[str, Any]] = {
    DONE: {"facecolor": READ},
    DONE_AGAIN: {"facecolor": style.AGAIN},
    IN_HAND: {"facecolor": style.IN_FLIGHT},
    WAITING: {"facecolor": style.WAITING},
    NEVER_READ: NEVER_LOOK,
}
MOST = 12  # partitions shown at most
ROOMY = 68  # a row of so many pixels has room for blocks under its bar
TOP, FOOT = 44, 350  # pixels between which the rows stand
BEFORE = 2  # blocks shown before the event at work


class LogPicture(InstantPicture):
    """Each partition as a row: a bar of its offsets, and the next events as blocks if there is
    room.

    All bars have one scale. A stroke through a bar marks the group's committed offset. Work done
    beyond it will be done again by the next owner; work not done before it will never be done.
    """

    last_event_y: ClassVar[int] = 385

    def __init__(self, width: int = 570, height: int = 408, *, scale: float = 1.0) -> None:
        super().__init__(width, height, scale=scale)
        canvas = self.canvas
        self.group_line = canvas.text(4, 34, color=style.MUTED, room=width - 8)
        # One collection for each kind of shape, since one is drawn faster than many patches. Later
        # ones are drawn over earlier ones.
        self.rails = self._fill(facecolor=style.RULE)
        self.fills = {state: self._fill(**look) for state, look in LOOKS.items()}
        self.chips = [
            self._fill(facecolor=shade, edgecolor=style.INK, linewidth=0.6) for shade in SHADES
        ]
        self.silent = self._fill(
            facecolor="none", edgecolor=style.MUTED, hatch=style.HATCH_NO_OWNER
        )
        self.strokes = self._fill(facecolor=style.INK)
        self.names = [canvas.text(0, 0, bold=True, va="center") for _ in range(MOST)]
        self.owners = [
            canvas.text(0, 0, bold=True, va="center", ha="center", room=22) for _ in range(MOST)
        ]
        self.numbers = [
            canvas.text(0, 0, size=style.SMALL, color=style.MUTED, va="center")
            for _ in range(3 * MOST)
        ]
        # more than enough: at most four rows have room for blocks, with eight blocks each
        self.ids = [
            canvas.text(0, 0, bold=True, ha="center", va="center", room=BLOCK - 2)
            for _ in range(5 * MOST)
        ]
        self._legend()

    def _fill(self, **look: Any) -> Any:
        look = {"linewidth": 0, **look}
        fill = self.canvas.moving(
            PolyCollection([], transform=self.canvas.figure.transFigure, **look)
        )
        self.canvas.figure.add_artist(fill)
        return fill

    def _legend(self) -> None:
        x = 4.0
        for state, look in LOOKS.items():
            swatch(self.canvas, x, FOOT + 6, width=12, height=10, **look)
            self.canvas.text(x + 16, FOOT + 15, state, size=style.SMALL, color=style.MUTED)
            x += 32 + self.canvas.measure(state, size=style.SMALL)
        swatch(self.canvas, x + 4, FOOT + 4, width=2.5, height=14, facecolor=style.INK)
        self.canvas.text(x + 12, FOOT + 15, "committed", size=style.SMALL, color=style.MUTED)

    def show(self, run: Any, time: float) -> None:
        self.now = now = LogAt(run.trace.records, time)
        appended = [(r.detail, r.entry) for r in run.trace.records if r.event == "appended"]
        # The scale is that of the whole run, so that it does not change from instant to instant.
        self.scale = max((offset for _, offset in appended), default=0) + 1
        # A partition that is still empty counts as well: the scenario knows of it.
        last = getattr(run.scenario, "partitions", 1) - 1
        count = max([partition for partition, _ in appended] + [last], default=0) + 1
        self._clear()
        self.row = min((FOOT - TOP) / min(count, MOST), 84.0)
        joined = (process_name(r.message_id) for r in run.trace.records if r.event == "joined")
        members = list(dict.fromkeys(joined))  # each once, the first to join first
        for number in range(min(count, MOST)):
            self._row(number, now.partitions.get(number, PartitionAt()), members)
        for fill, verts in self.shapes.values():
            fill.set_verts(verts)
        self.group_line.text = self._group() + (
            f"; {MOST} of {count} partitions shown" if count > MOST else ""
        )

    def _clear(self) -> None:
        every = {
            "rails": self.rails,
            "silent": self.silent,
            "strokes": self.strokes,
            **self.fills,
            **{f"chip {number}": chip for number, chip in enumerate(self.chips)},
        }
        # By kind of shape: its collection, and the rectangles gathered for it so far.
        self.shapes: dict[str, tuple[Any, list[Any]]] = {
            kind: (fill, []) for kind, fill in every.items()
        }
        self.ids_used = 0
        for label in (*self.names, *self.owners, *self.numbers, *self.ids):
            label.text = ""

    def _put(self, kind: str, x: float, y: float, width: float, height: float) -> None:
        self.shapes[kind][1].append(self.canvas.corners(x, y, width, height))

    def _row(self, number: int, partition: PartitionAt, members: list[str]) -> None:
        """Draw one partition: name and owner at the left, its bar, its numbers, its blocks."""
        roomy = self.row >= ROOMY
        y = TOP + number * self.row
        left, right = (
            (150.0, self.canvas.width - 8.0) if roomy else (64.0, self.canvas.width - 136.0)
        )
        tall = 14.0 if roomy else min(16.0, self.row - 10)
        bar = y + 8 if roomy else y + (self.row - tall) / 2
        self._name(number, partition, members, bar + tall / 2)
        pitch = (right - left) / self.scale  # pixels per offset
        self._put("rails", left, bar + tall, max(partition.end * pitch, 1.0), 1.5)
        for state, first, after in partition.stretches():
            # A stretch of one event among thousands would be thinner than a pixel.
            self._put(state, left + first * pitch, bar, max((after - first) * pitch, 1.5), tall)
        if self.now.read:
            self._put("strokes", left + partition.committed * pitch - 1.25, bar - 4, 2.5, tall + 8)
        lines = self._numbers(partition)
        if roomy:
            self._blocks(partition, left, bar + tall + 8, right)
        else:
            committed = f"at {partition.committed:,}, {partition.lag:,} behind"
            lines = [committed if len(lines) > 1 else lines[0]]
        for line, label in zip(lines, self.numbers[3 * number :], strict=False):
            label.text, label.x, label.y = line, right + 8, bar + tall / 2
            if roomy:
                label.x, label.y = 4, bar + tall / 2 + 18 + 14 * lines.index(line)

    def _numbers(self, partition: PartitionAt) -> list[str]:
        """Return the lines of text about a partition: its offsets, and its lag if it is read."""
        if not partition.end:
            return ["empty"]
        lines = [f"holds {partition.start:,} to {partition.end:,}"]
        if self.now.read:
            lines += [f"committed {partition.committed:,}", f"{partition.lag:,} behind"]
        return lines

    def _name(self, number: int, partition: PartitionAt, members: list[str], y: float) -> None:
        name, owner = self.names[number], self.owners[number]
        roomy = self.row >= ROOMY
        name.text = f"partition {number}" if roomy else str(number)
        name.x, name.y = 4 if roomy else 8, y
        if not self.now.grouped:
            return
        x = 96.0 if roomy else 32.0
        owner.text, owner.x, owner.y = partition.owner or "–", x + 11, y
        if partition.owner:
            shade = members.index(partition.owner) % len(SHADES)
            self._put(f"chip {shade}", x, y - 9, 22, 18)
            if partition.owner in self.now.silent:
                self._put("silent", x, y - 9, 22, 18)

    def _blocks(self, partition: PartitionAt, left: float, y: float, right: float) -> None:
        """Draw the events around the one being worked on as blocks, each with its number."""
        room = int((right - left) // PITCH)
        first = max(partition.start, min(partition.at_work - BEFORE, partition.end - room))
        for column, offset in enumerate(range(first, min(first + room, partition.end))):
            state, x = partition.state(offset), left + column * PITCH
            self._put(state, x, y, BLOCK, TALL)
            if self.now.read and offset == partition.committed:
                self._put("strokes", x - 3.25, y - 3, 2.5, TALL + 6)
            label = self.ids[self.ids_used]
            self.ids_used += 1
            label.text = short_id(partition.ids[offset])
            label.x, label.y = x + BLOCK / 2, y + TALL / 2
            # Only the blue of an event in hand is dark enough for white letters.
            label.color = style.PAPER if state == IN_HAND else style.INK

    def _group(self) -> str:
        """Return the line about the group: its generation, its members, and which of them are idle
        or silent.
        """
        if not self.now.grouped:
            return "each partition, all to one scale" + (
                "" if self.now.read else "; no group reads this log"
            )
        owners = {partition.owner for partition in self.now.partitions.values()}
        idle = [member for member in self.now.members if member not in owners]
        parts = [f"generation {self.now.generation}: {', '.join(self.now.members) or 'no member'}"]
        parts += [f"idle: {', '.join(idle)}"] if idle else []
        parts += [f"silent (hatched): {', '.join(self.now.silent)}"] if self.now.silent else []
        return "; ".join(parts)

    def describe(self, time: float) -> str:
        partitions = []
        for number, each in sorted(self.now.partitions.items()):
            owner = f" ({each.owner or 'no owner'})" if self.now.grouped else ""
            read = f", {each.committed} committed, {len(each.in_hand)} in hand"
            partitions.append(
                f"partition {number}{owner} holds {each.start} to {each.end}"
                + (read if self.now.read else "")
            )
        return f"At {style.seconds(time)}: {'; '.join(partitions) or 'the log is empty'}."
