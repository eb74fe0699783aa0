"""The step-through: what is where at one instant, messages as blocks, a dot for each try so far."""

from typing import Any

from matplotlib.collections import PolyCollection
from matplotlib.patches import FancyArrowPatch, Rectangle

from mqlearn.lab import style
from mqlearn.lab.board import headline
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.glyphs import Label
from mqlearn.lab.happened import just_now
from mqlearn.runtime.trace import MOVES

BLOCK, TALL, PITCH = 42.0, 31.0, 46.0


class Shelf:
    """A framed place with a name, a count, and its first messages as blocks; the rest is a
    number.
    """

    def __init__(  # noqa: PLR0913 -- its place alone takes four numbers
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
        **look: Any,
    ) -> None:
        self.canvas, self.x, self.y, self.width = canvas, x, y, width
        self.foot, self.backwards = foot, backwards
        frame(canvas, x, y, width, height)
        self.name = canvas.text(x + 1, y - 7, name, bold=True)
        self.count = canvas.text(x + width - 2, y - 7, ha="right", bold=True, size=style.TITLE)
        self.columns = int((width - 6) // PITCH)
        self.rows = int((height - 6 - room) // (TALL + 4 + foot))
        self.blocks = canvas.moving(
            PolyCollection(
                [], facecolor=color, linewidth=0, transform=canvas.figure.transFigure, **look
            )
        )
        canvas.figure.add_artist(self.blocks)
        self.names = [
            canvas.text(0, 0, ha="center", color=ink, bold=True)
            for _ in range(self.columns * self.rows)
        ]
        self.dots = [canvas.text(0, 0, ha="center", color=ink) for _ in self.names]
        self.feet = (
            [canvas.text(0, 0, ha="center", size=style.SMALL) for _ in self.names] if foot else []
        )
        self.more = canvas.text(0, 0, ha="center", bold=True)

    def show(self, pieces: list[Any], said: list[str] | None = None) -> None:
        """`pieces` in the order in which they come; `said` is written under each."""
        room = len(self.names)
        shown = pieces[: room if len(pieces) <= room else room - 1]
        places = [self._place(i) for i in range(len(shown))]
        self.blocks.set_verts([self.canvas.corners(x, y, BLOCK, TALL) for x, y in places])
        for i, (name, dots) in enumerate(zip(self.names, self.dots, strict=True)):
            name.text = dots.text = ""
            if i < len(shown):
                x, y = places[i]
                block(name, dots, x, y, shown[i])
        for i, foot in enumerate(self.feet):
            foot.text = said[i] if said and i < len(shown) else ""
            if i < len(shown):
                foot.x, foot.y = places[i][0] + BLOCK / 2, places[i][1] + TALL + 13
        self.count.text = f"{len(pieces):,}"
        self.more.text = f"+{len(pieces) - len(shown):,}" if len(pieces) > len(shown) else ""
        if self.more.text:
            x, y = self._place(len(shown))
            self.more.x, self.more.y = x + BLOCK / 2, y + 20

    def _place(self, i: int) -> tuple[float, float]:
        row, column = divmod(i, self.columns)
        x = self.x + 5 + column * PITCH
        if self.backwards:  # the next one stands nearest to the workers
            x = self.x + self.width - 5 - BLOCK - column * PITCH
        return x, self.y + 5 + row * (TALL + 4 + self.foot)


class Bench:
    """The workers, each with the message it holds and what is left of its lease."""

    def __init__(self, canvas: Canvas, x: float, y: float, width: float, height: float) -> None:
        self.canvas, self.x, self.y, self.width = canvas, x, y, width
        frame(canvas, x, y, width, height)
        canvas.text(x + 1, y - 7, "Workers", bold=True)
        self.count = canvas.text(x + width - 2, y - 7, ha="right", bold=True, size=style.TITLE)
        self.rows = int((height - 6) // (TALL + 4))
        self.blocks = canvas.moving(
            PolyCollection(
                [], facecolor=style.IN_FLIGHT, linewidth=0, transform=canvas.figure.transFigure
            )
        )
        canvas.figure.add_artist(self.blocks)
        self.workers = [canvas.text(x + 6, 0) for _ in range(self.rows)]
        self.names = [
            canvas.text(0, 0, ha="center", color=style.PAPER, bold=True) for _ in range(self.rows)
        ]
        self.dots = [canvas.text(0, 0, ha="center", color=style.PAPER) for _ in range(self.rows)]
        self.notes = [
            canvas.text(0, 0, size=style.SMALL, color=style.MUTED) for _ in range(self.rows)
        ]

    def show(self, workers: dict[str, list[Any]], now: float) -> None:
        """What each worker holds at `now` (s); a worker that holds nothing is idle."""
        verts = []
        rows = sorted(workers.items(), key=lambda item: (len(item[0]), item[0]))
        for row in range(self.rows):
            for label in (self.workers[row], self.names[row], self.dots[row], self.notes[row]):
                label.text = ""
            if row >= len(rows):
                continue
            name, held = rows[row]
            y = self.y + 5 + row * (TALL + 4)
            self.workers[row].text, self.workers[row].y = name, y + 20
            x = self.x + self.width - 130
            self.notes[row].x, self.notes[row].y = x + (BLOCK + 6 if held else 0), y + 20
            if not held:
                self.notes[row].text = "idle"
                continue
            verts.append(self.canvas.corners(x, y, BLOCK, TALL))
            block(self.names[row], self.dots[row], x, y, held[0])
            since = getattr(held[0], "since", None)
            more = (
                f"+{len(held) - 1} more"
                if len(held) > 1
                else ""
                if since is None
                else f"for {now - since:.1f} s"
            )
            self.notes[row].text = more
        self.blocks.set_verts(verts)
        busy = sum(bool(held) for held in workers.values())
        # One word, or it runs into the heading: whoever sees only four of thirty has to be told
        # that first.
        said = "busy" if len(rows) <= self.rows else f"({self.rows} shown)"
        self.count.text = f"{busy}/{len(workers)} {said}"


class InstantPicture:
    """Waiting, workers, delayed, done and dead letters at one instant of a run, as `run.at(t)`
    tells them.
    """

    def __init__(self, width: int = 570, height: int = 408, *, scale: float = 1.0) -> None:
        self.canvas = canvas = Canvas(width, height, scale=scale)
        self.title = canvas.text(4, 15, size=style.TITLE, bold=True)
        self.clock = canvas.text(width - 4, 15, size=style.TITLE, bold=True, ha="right")
        self.waiting = Shelf(canvas, 4, 58, 288, 146, "Waiting", style.WAITING, backwards=True)
        canvas.text(216, 51, "next ▸", size=style.SMALL, color=style.MUTED)
        self.bench = Bench(canvas, 322, 58, 244, 146)
        self.delayed = Shelf(canvas, 4, 258, 288, 106, "Delayed", style.DELAYED, foot=16)
        self.dead = Shelf(canvas, 454, 258, 112, 106, "Dead", style.DEAD, ink=style.PAPER, room=20)
        self.why = canvas.text(459, 356, size=style.SMALL, color=style.MUTED)
        frame(canvas, 322, 258, 112, 106)
        canvas.text(323, 251, "Done", bold=True)
        self.done = canvas.text(378, 316, ha="center", color="#007A59", bold=True, size=20)
        self.last = canvas.text(378, 340, ha="center", size=style.SMALL, color=style.MUTED)
        self.just = [canvas.text(4, 384 + 16 * i) for i in range(2)]
        for points, label, at in (
            (((295, 130), (319, 130)), "", (0, 0)),
            (((378, 207), (378, 238)), "worked", (384, 226)),
            (((524, 207), (524, 238)), "given up", (472, 226)),
            (((330, 207), (296, 256)), "failed", (268, 226)),
            (((60, 240), (60, 207)), "due again", (66, 226)),
        ):
            self._arrow(*points)
            canvas.text(*at, label, size=style.SMALL, color=style.MUTED)
        self.sentence = ""

    def _arrow(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        places = [(x / self.canvas.width, 1 - y / self.canvas.height) for x, y in (start, end)]
        look: dict[str, Any] = {
            "arrowstyle": "-|>",
            "mutation_scale": 10,
            "linewidth": 1.6,
            "color": style.GHOST,
            "shrinkA": 0,
            "shrinkB": 0,
        }
        self.canvas.figure.add_artist(
            FancyArrowPatch(*places, transform=self.canvas.figure.transFigure, **look)
        )

    def draw(self, run: Any, time: float) -> None:
        """Show `run` at `time` (s)."""
        now = run.at(time)
        self.now = now
        queues = {record.source for record in run.trace.records if record.event in MOVES}
        self.waiting.name.text = (
            f"Waiting, in {len(queues)} queues" if len(queues) > 1 else "Waiting"
        )
        self.waiting.show(list(now.waiting))
        delayed = list(now.delayed)
        self.delayed.show(delayed, [_due(piece, time) for piece in delayed])
        self.dead.show(list(reversed(now.dead)))  # the latest first
        self.bench.show(holders(now), time)
        self.done.text = f"{len(now.done):,}"
        latest = ", ".join(short(p.message_id) for p in list(now.done)[-3:])
        self.last.text = f"last: {latest}" if latest else ""
        self.why.text = ""
        if now.dead and getattr(now.dead[-1], "reason", ""):
            said = self.canvas.wrap(str(now.dead[-1].reason), 104, lines=1, size=style.SMALL)
            self.why.text = said[0]
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
        for label, line in zip(
            self.just,
            [*self.canvas.wrap(just, self.canvas.width - 8, lines=2, size=style.LABEL), "", ""],
            strict=False,
        ):
            label.text = line
        self.sentence = self._sentence(time, just)
        self.canvas.draw()

    def _sentence(self, time: float, just: str) -> str:
        now = self.now
        busy = [
            f"{worker} holds {', '.join(p.message_id for p in held)}"
            for worker, held in holders(now).items()
            if held
        ]
        return (
            f"At {style.seconds(time)}: {len(now.waiting)} waiting, {len(now.delayed)} delayed, "
            f"{len(now.done)} done, {len(now.dead)} dead;"
            f" {', '.join(busy) or 'no worker holds a message'}. {just}"
        ).strip()

    def png(self) -> bytes:
        """The picture as drawn last."""
        return self.canvas.png()


def holders(now: Any) -> dict[str, list[Any]]:
    """The workers of an instant and the messages that each of them holds."""
    held: dict[str, list[Any]] = {}
    for worker, pieces in dict(now.workers).items():
        held[worker] = (
            [] if pieces is None else list(pieces) if isinstance(pieces, list | tuple) else [pieces]
        )
    return held


def _due(piece: Any, time: float) -> str:
    due = getattr(piece, "due", None)
    return "" if due is None else f"in {max(due - time, 0):.0f} s"


def short(message_id: str) -> str:
    """What fits a block: the number at the end of an id, or its first letters; of order-57/2 it is
    57/2.
    """
    digits = message_id[len(message_id.rstrip("0123456789/")) :]
    return digits[-5:].strip("/") or message_id[:5]


def block(name: Label, dots: Label, x: float, y: float, piece: Any) -> None:
    """Write a message's number and a dot for each of its tries into the block at (x, y)."""
    tries = int(getattr(piece, "tries", 0) or 0)
    name.text, name.x, name.y = short(piece.message_id), x + BLOCK / 2, y + (16 if tries else 20)
    dots.text, dots.x, dots.y = ("•" * tries if tries <= 6 else f"{tries}×"), x + BLOCK / 2, y + 28


def frame(canvas: Canvas, x: float, y: float, width: float, height: float) -> None:
    """The box of a place."""
    corner, size = (
        (x / canvas.width, 1 - (y + height) / canvas.height),
        (width / canvas.width, height / canvas.height),
    )
    look: dict[str, Any] = {"facecolor": "#F4F4F4", "edgecolor": style.RULE, "linewidth": 1.0}
    canvas.figure.add_artist(Rectangle(corner, *size, transform=canvas.figure.transFigure, **look))
