"""The step-through of a log: what each partition holds at one instant, how far it is read, and by
whom.
"""

from typing import Any

from matplotlib.collections import PolyCollection

from mqlearn.lab import style
from mqlearn.lab.board import headline
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.charts.base import swatch
from mqlearn.lab.charts.logs import NEVER as NEVER_LOOK
from mqlearn.lab.charts.logs import READ
from mqlearn.lab.charts.owners import SHADES
from mqlearn.lab.happened import just_now
from mqlearn.lab.instant import BLOCK, PITCH, TALL, InstantPicture, short
from mqlearn.runtime.trace import MOVES
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

LOOKS: dict[str, dict[str, Any]] = {
    DONE: {"facecolor": READ},
    DONE_AGAIN: {"facecolor": style.AGAIN},
    IN_HAND: {"facecolor": style.IN_FLIGHT},
    WAITING: {"facecolor": style.WAITING},
    NEVER_READ: NEVER_LOOK,
}
MOST = 12  # partitions that are shown
ROOMY = 68  # pixels of a row in which blocks have room
TOP, FOOT = 44, 350  # the rows stand between
BEFORE = 2  # blocks before the one at work


class LogPicture:
    """Each partition as a row: a bar of its offsets, all to one scale, and the next events as
    blocks if there is room.

    A stroke through the bar is what the group has committed: what is done beyond it would be done
    again by the next owner, what is not done before it never will be.
    """

    def __init__(self, width: int = 570, height: int = 408, *, scale: float = 1.0) -> None:
        self.canvas = canvas = Canvas(width, height, scale=scale)
        self.title = canvas.text(4, 15, size=style.TITLE, bold=True)
        self.clock = canvas.text(width - 4, 15, size=style.TITLE, bold=True, ha="right")
        self.crowd = canvas.text(4, 34, color=style.MUTED)
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
        self.owners = [canvas.text(0, 0, bold=True, va="center", ha="center") for _ in range(MOST)]
        self.said = [
            canvas.text(0, 0, size=style.SMALL, color=style.MUTED, va="center")
            for _ in range(3 * MOST)
        ]
        self.ids = [canvas.text(0, 0, bold=True, ha="center", va="center") for _ in range(5 * MOST)]
        self.just = [canvas.text(4, 385 + 16 * row) for row in range(2)]
        self._legend()
        self.sentence = ""

    def _fill(self, **look: Any) -> Any:
        look = {"linewidth": 0, **look}
        found = self.canvas.moving(
            PolyCollection([], transform=self.canvas.figure.transFigure, **look)
        )
        self.canvas.figure.add_artist(found)
        return found

    def _legend(self) -> None:
        x = 4.0
        for state, look in LOOKS.items():
            swatch(self.canvas, x, FOOT + 6, width=12, height=10, **look)
            self.canvas.text(x + 16, FOOT + 15, state, size=style.SMALL, color=style.MUTED)
            x += 32 + self.canvas.measure(state, size=style.SMALL)
        swatch(self.canvas, x + 4, FOOT + 4, width=2.5, height=14, facecolor=style.INK)
        self.canvas.text(x + 12, FOOT + 15, "committed", size=style.SMALL, color=style.MUTED)

    def draw(self, run: Any, time: float) -> None:
        """Show `run` at `time` (s)."""
        self.now = now = LogAt(run.trace.records, time)
        ends = [
            (record.detail, record.entry)
            for record in run.trace.records
            if record.event == "appended"
        ]
        # of the whole run: a bar only grows
        self.scale = max((offset for _, offset in ends), default=0) + 1
        count = (
            max(
                [partition for partition, _ in ends] + [getattr(run.scenario, "partitions", 1) - 1],
                default=0,
            )
            + 1
        )
        self._clear()
        self.row = min((FOOT - TOP) / min(count, MOST), 84.0)
        members = list(
            dict.fromkeys(
                process_name(r.message_id) for r in run.trace.records if r.event == "joined"
            )
        )
        for number in range(min(count, MOST)):
            self._row(number, now.partitions.get(number, PartitionAt()), members)
        for fill, verts in self.verts.values():
            fill.set_verts(verts)
        self.crowd.text = self._crowd() + (
            f"; {MOST} of {count} partitions shown" if count > MOST else ""
        )
        self.clock.text = f"t = {time:,.1f} s"
        room = (
            self.canvas.width
            - 24
            - self.canvas.measure(self.clock.text, size=style.TITLE, bold=True)
        )
        self.title.text = self.canvas.wrap(
            headline(run), room, lines=1, size=style.TITLE, bold=True
        )[0]
        just = just_now(run, time)
        lines = self.canvas.wrap(just, self.canvas.width - 8, lines=2, size=style.LABEL)
        for label, line in zip(self.just, [*lines, ""], strict=False):
            label.text = line
        self.sentence = f"At {style.seconds(time)}: {self._told()} {just}"
        self.canvas.draw()

    def _clear(self) -> None:
        every = {
            "rails": self.rails,
            "silent": self.silent,
            "strokes": self.strokes,
            **self.fills,
            **{f"chip {number}": chip for number, chip in enumerate(self.chips)},
        }
        self.verts: dict[str, tuple[Any, list[Any]]] = {
            name: (fill, []) for name, fill in every.items()
        }
        self.used = 0
        for label in (*self.names, *self.owners, *self.said, *self.ids):
            label.text = ""

    def _put(self, name: str, x: float, y: float, width: float, height: float) -> None:
        self.verts[name][1].append(self.canvas.corners(x, y, width, height))

    def _row(self, number: int, place: PartitionAt, members: list[str]) -> None:
        roomy = self.row >= ROOMY
        y = TOP + number * self.row
        left, right = (
            (150.0, self.canvas.width - 8.0) if roomy else (64.0, self.canvas.width - 136.0)
        )
        tall = 14.0 if roomy else min(16.0, self.row - 10)
        bar = y + 8 if roomy else y + (self.row - tall) / 2
        self._name(number, place, members, bar + tall / 2)
        pitch = (right - left) / self.scale
        self._put("rails", left, bar + tall, max(place.end * pitch, 1.0), 1.5)
        for state, first, after in place.stretches():
            self._put(state, left + first * pitch, bar, max((after - first) * pitch, 1.5), tall)
        if self.now.read:
            self._put("strokes", left + place.committed * pitch - 1.25, bar - 4, 2.5, tall + 8)
        lines = self._numbers(place)
        if roomy:
            self._blocks(place, left, bar + tall + 8, right)
        else:
            lines = [
                f"at {place.committed:,}, {place.lag:,} behind" if len(lines) > 1 else lines[0]
            ]
        for line, label in zip(lines, self.said[3 * number :], strict=False):
            label.text, label.x, label.y = line, right + 8, bar + tall / 2
            if roomy:
                label.x, label.y = 4, bar + tall / 2 + 18 + 14 * lines.index(line)

    def _numbers(self, place: PartitionAt) -> list[str]:
        """What is written of a partition: offsets."""
        holds = [f"holds {place.start:,} to {place.end:,}" if place.end else "empty"]
        return holds + (
            [f"committed {place.committed:,}", f"{place.lag:,} behind"]
            if place.end and self.now.read
            else []
        )

    def _name(self, number: int, place: PartitionAt, members: list[str], y: float) -> None:
        name, owner = self.names[number], self.owners[number]
        roomy = self.row >= ROOMY
        name.text, name.x, name.y = (
            f"partition {number}" if roomy else str(number),
            4 if roomy else 8,
            y,
        )
        if not self.now.grouped:
            return
        x = 96.0 if roomy else 32.0
        owner.text, owner.x, owner.y = place.owner or "–", x + 11, y
        if place.owner:
            self._put(f"chip {members.index(place.owner) % len(SHADES)}", x, y - 9, 22, 18)
            if place.owner in self.now.silent:
                self._put("silent", x, y - 9, 22, 18)

    def _blocks(self, place: PartitionAt, left: float, y: float, right: float) -> None:
        """The events about the one at work, each with its number."""
        room = int((right - left) // PITCH)
        first = max(place.start, min(place.at_work - BEFORE, place.end - room))
        for column, offset in enumerate(range(first, min(first + room, place.end))):
            state, x = place.state(offset), left + column * PITCH
            self._put(state, x, y, BLOCK, TALL)
            if self.now.read and offset == place.committed:
                self._put("strokes", x - 3.25, y - 3, 2.5, TALL + 6)
            label = self.ids[self.used]
            self.used += 1
            label.text, label.x, label.y = short(place.ids[offset]), x + BLOCK / 2, y + TALL / 2
            label.color = style.PAPER if state == IN_HAND else style.INK

    def _crowd(self) -> str:
        if not self.now.grouped:
            return "each partition, all to one scale" + (
                "" if self.now.read else "; nobody reads this log"
            )
        owners = {place.owner for place in self.now.partitions.values()}
        idle = [member for member in self.now.members if member not in owners]
        parts = [f"generation {self.now.generation}: {', '.join(self.now.members) or 'nobody'}"]
        parts += [f"idle: {', '.join(idle)}"] if idle else []
        parts += [f"silent (hatched): {', '.join(self.now.silent)}"] if self.now.silent else []
        return "; ".join(parts)

    def _told(self) -> str:
        said = []
        for number, place in sorted(self.now.partitions.items()):
            owner = f" ({place.owner or 'nobody'})" if self.now.grouped else ""
            read = (
                f", {place.committed} committed, {len(place.in_hand)} in hand"
                if self.now.read
                else ""
            )
            said.append(f"partition {number}{owner} holds {place.start} to {place.end}{read}")
        return f"{'; '.join(said) or 'the log is empty'}."

    def png(self) -> bytes:
        """The picture as drawn last."""
        return self.canvas.png()


def instant_picture(run: Any) -> type[InstantPicture] | type[LogPicture]:
    """The kind of picture that shows an instant of `run`: of its log, if it has one and no
    queue.
    """
    events = {record.event for record in run.trace.records}
    return LogPicture if "appended" in events and not events & MOVES.keys() else InstantPicture
