"""The framed places of a queue's picture: blocks for messages, and the workers that hold them."""

from typing import Any

from matplotlib.collections import PolyCollection
from matplotlib.patches import Rectangle

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.label import Label

# Pixels: width and height of a message's block, and from one block to the next.
BLOCK, TALL, PITCH = 42.0, 31.0, 46.0
GAP = 4  # pixels between two rows of blocks


class MessagesFrame:
    """A frame with a name, a count, and the first messages as blocks; the others are only counted.

    `backwards` fills it from the right, so that the next message is nearest to the workers. `foot`
    is the space (pixels) under each block for a line of text, `room` the space under all blocks.
    """

    def __init__(  # noqa: PLR0913 -- its position alone takes four numbers
        self,
        canvas: Canvas,
        x: float,
        y: float,
        width: float,
        height: float,
        name: str,
        color: str,
        *,
        ink: str = style.INK,
        backwards: bool = False,
        foot: float = 0.0,
        room: float = 0.0,
    ) -> None:
        self.canvas, self.x, self.y, self.width = canvas, x, y, width
        self.foot, self.backwards = foot, backwards
        draw_frame(canvas, x, y, width, height)
        self.name = canvas.text(x + 1, y - 7, name, bold=True)
        self.count = canvas.text(x + width - 2, y - 7, ha="right", bold=True, size=style.TITLE)
        self.columns = int((width - 6) // PITCH)
        self.rows = int((height - 6 - room) // (TALL + GAP + foot))
        # All blocks are one collection: matplotlib draws it in a fraction of the time of patches.
        self.blocks = _blocks(canvas, color)
        # A fixed set of labels, one for each block there is room for; unused ones stay empty.
        self.names = [
            canvas.text(0, 0, ha="center", color=ink, bold=True, room=BLOCK - 2)
            for _ in range(self.columns * self.rows)
        ]
        self.dots = [canvas.text(0, 0, ha="center", color=ink) for _ in self.names]
        self.feet = (
            [canvas.text(0, 0, ha="center", size=style.SMALL) for _ in self.names] if foot else []
        )
        self.more = canvas.text(0, 0, ha="center", bold=True)

    def show(self, messages: list[Any], notes: list[str] | None = None) -> None:
        """Show `messages`, the next one first, each with its note from `notes` under it."""
        room = len(self.names)
        # If not all fit, the place of the last block shows the number of the others, as "+12".
        shown = messages[: room if len(messages) <= room else room - 1]
        places = [self._place(i) for i in range(len(shown))]
        self.blocks.set_verts([self.canvas.corners(x, y, BLOCK, TALL) for x, y in places])
        for i, (name, dots) in enumerate(zip(self.names, self.dots, strict=True)):
            name.text = dots.text = ""
            if i < len(shown):
                x, y = places[i]
                write_block(name, dots, x, y, shown[i])
        for i, foot in enumerate(self.feet):
            foot.text = notes[i] if notes and i < len(shown) else ""
            if i < len(shown):
                foot.x, foot.y = places[i][0] + BLOCK / 2, places[i][1] + TALL + 13
        self.count.text = f"{len(messages):,}"
        hidden = len(messages) - len(shown)
        self.more.text = f"+{hidden:,}" if hidden else ""
        if hidden:
            x, y = self._place(len(shown))
            self.more.x, self.more.y = x + BLOCK / 2, y + 20

    def _place(self, i: int) -> tuple[float, float]:
        """Return the top left corner of block `i`, in pixels of the picture."""
        row, column = divmod(i, self.columns)
        x = self.x + 5 + column * PITCH
        if self.backwards:
            x = self.x + self.width - 5 - BLOCK - column * PITCH
        return x, self.y + 5 + row * (TALL + GAP + self.foot)


class WorkersFrame:
    """The workers, one row for each: the message that the worker holds, and for how long (s)."""

    def __init__(self, canvas: Canvas, x: float, y: float, width: float, height: float) -> None:
        self.canvas, self.x, self.y, self.width = canvas, x, y, width
        draw_frame(canvas, x, y, width, height)
        canvas.text(x + 1, y - 7, "Workers", bold=True)
        self.count = canvas.text(x + width - 2, y - 7, ha="right", bold=True, size=style.TITLE)
        self.rows = int((height - 6) // (TALL + GAP))
        self.blocks = _blocks(canvas, style.IN_FLIGHT)
        rows = range(self.rows)
        self.workers = [canvas.text(x + 6, 0, room=width - 140) for _ in rows]
        self.names = [
            canvas.text(0, 0, ha="center", color=style.PAPER, bold=True, room=BLOCK - 2)
            for _ in rows
        ]
        self.dots = [canvas.text(0, 0, ha="center", color=style.PAPER) for _ in rows]
        self.notes = [canvas.text(0, 0, size=style.SMALL, color=style.MUTED) for _ in rows]

    def show(self, workers: dict[str, list[Any]], now: float) -> None:
        """Show the messages that each worker holds at `now` (s); without one it is idle."""
        verts = []
        # By length first: worker-2 comes before worker-10.
        rows = sorted(workers.items(), key=lambda item: (len(item[0]), item[0]))
        for row in range(self.rows):
            for label in (self.workers[row], self.names[row], self.dots[row], self.notes[row]):
                label.text = ""
            if row >= len(rows):
                continue
            name, held = rows[row]
            y = self.y + 5 + row * (TALL + GAP)
            self.workers[row].text, self.workers[row].y = name, y + 20
            x = self.x + self.width - 130
            self.notes[row].x, self.notes[row].y = x + (BLOCK + 6 if held else 0), y + 20
            self.notes[row].text = _holding(held, now)
            if held:
                verts.append(self.canvas.corners(x, y, BLOCK, TALL))
                write_block(self.names[row], self.dots[row], x, y, held[0])
        self.blocks.set_verts(verts)
        busy = sum(bool(held) for held in workers.values())
        # There is room for one of the two notes. If not all workers are shown, saying that is more
        # important than the word "busy".
        word = "busy" if len(rows) <= self.rows else f"({self.rows} shown)"
        self.count.text = f"{busy}/{len(workers)} {word}"


def _holding(held: list[Any], now: float) -> str:
    """Return the note beside a worker: idle, how many more it holds, or for how long (s)."""
    if not held:
        return "idle"
    if len(held) > 1:
        return f"+{len(held) - 1} more"
    since = getattr(held[0], "since", None)
    return "" if since is None else f"for {now - since:.1f} s"


def _blocks(canvas: Canvas, color: str) -> PolyCollection:
    blocks = canvas.moving(
        PolyCollection([], facecolor=color, linewidth=0, transform=canvas.figure.transFigure)
    )
    canvas.figure.add_artist(blocks)
    return blocks


def short_id(message_id: str) -> str:
    """Return the part of an id that fits a block: the number at its end, or its first letters.

    order-57 becomes 57, and order-57/2, its second message, 57/2.
    """
    digits = message_id[len(message_id.rstrip("0123456789/")) :]
    return digits[-5:].strip("/") or message_id[:5]


def write_block(name: Label, dots: Label, x: float, y: float, message: Any) -> None:
    """Write a message's short id, and a dot for each of its tries, into the block whose top left
    corner is (x, y), in pixels.
    """
    tries = int(getattr(message, "tries", 0) or 0)
    name.text, name.x = short_id(message.message_id), x + BLOCK / 2
    name.y = y + (16 if tries else 20)
    dots.text = "•" * tries if tries <= 6 else f"{tries}×"  # seven dots are wider than the block
    dots.x, dots.y = x + BLOCK / 2, y + 28


def draw_frame(canvas: Canvas, x: float, y: float, width: float, height: float) -> None:
    """Draw the grey box of a place, its top left corner at (x, y) pixels."""
    corner = (x / canvas.width, 1 - (y + height) / canvas.height)
    size = (width / canvas.width, height / canvas.height)
    look: dict[str, Any] = {"facecolor": "#F4F4F4", "edgecolor": style.RULE, "linewidth": 1.0}
    canvas.figure.add_artist(Rectangle(corner, *size, transform=canvas.figure.transFigure, **look))
