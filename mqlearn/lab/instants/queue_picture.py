"""The step-through of a queue: the place of each message at one instant, with a dot for each
try.
"""

from typing import Any

from matplotlib.patches import FancyArrowPatch

from mqlearn.lab import style
from mqlearn.lab.instants.base import InstantPicture
from mqlearn.lab.instants.frames import MessagesFrame, WorkersFrame, draw_frame, short_id
from mqlearn.runtime.events import MOVES


class QueuePicture(InstantPicture):
    """The messages that wait, are held, delayed, done and dead at one instant: `run.at(time)`."""

    def __init__(self, width: int = 570, height: int = 408, *, scale: float = 1.0) -> None:
        super().__init__(width, height, scale=scale)
        canvas = self.canvas
        self.waiting = MessagesFrame(
            canvas, 4, 58, 288, 146, "Waiting", style.WAITING, backwards=True
        )
        canvas.text(216, 51, "next ▸", size=style.SMALL, color=style.MUTED)
        self.workers = WorkersFrame(canvas, 322, 58, 244, 146)
        self.delayed = MessagesFrame(canvas, 4, 258, 288, 106, "Delayed", style.DELAYED, foot=16)
        self.dead = MessagesFrame(
            canvas, 454, 258, 112, 106, "Dead", style.DEAD, ink=style.PAPER, room=20
        )
        self.reason = canvas.text(459, 356, size=style.SMALL, color=style.MUTED)
        draw_frame(canvas, 322, 258, 112, 106)
        canvas.text(323, 251, "Done", bold=True)
        # Darker than the green of a bar: text needs more contrast with the paper than an area does.
        self.done = canvas.text(378, 316, ha="center", color="#007A59", bold=True, size=20)
        self.last_done = canvas.text(
            378, 340, ha="center", size=style.SMALL, color=style.MUTED, room=108
        )
        # The ways a message can go, each an arrow between two frames with its name beside it.
        for start, end, label, at in (
            ((295, 130), (319, 130), "", (0, 0)),
            ((378, 207), (378, 238), "worked", (384, 226)),
            ((524, 207), (524, 238), "given up", (472, 226)),
            ((330, 207), (296, 256), "failed", (268, 226)),
            ((60, 240), (60, 207), "due again", (66, 226)),
        ):
            self._arrow(start, end)
            canvas.text(*at, label, size=style.SMALL, color=style.MUTED)

    def _arrow(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        # The figure's own coordinates run from 0 to 1, and upwards.
        ends = [(x / self.canvas.width, 1 - y / self.canvas.height) for x, y in (start, end)]
        look: dict[str, Any] = {
            "arrowstyle": "-|>",
            "mutation_scale": 10,  # size of the head, in points
            "linewidth": 1.6,
            "color": style.GHOST,
            "shrinkA": 0,
            "shrinkB": 0,
        }
        self.canvas.figure.add_artist(
            FancyArrowPatch(*ends, transform=self.canvas.figure.transFigure, **look)
        )

    def show(self, run: Any, time: float) -> None:
        self.now = now = run.at(time)
        queues = {record.source for record in run.trace.records if record.event in MOVES}
        # Several queues are drawn as one place, and the name of the place says so.
        self.waiting.name.text = (
            f"Waiting, in {len(queues)} queues" if len(queues) > 1 else "Waiting"
        )
        self.waiting.show(list(now.waiting))
        delayed = list(now.delayed)
        self.delayed.show(delayed, [_due_in(message, time) for message in delayed])
        self.dead.show(list(reversed(now.dead)))  # the latest first: older ones are counted only
        self.workers.show(held_by_worker(now), time)
        self.done.text = f"{len(now.done):,}"
        latest = ", ".join(short_id(message.message_id) for message in list(now.done)[-3:])
        self.last_done.text = f"last: {latest}" if latest else ""
        self.reason.text = ""
        if now.dead and getattr(now.dead[-1], "reason", ""):
            reason = str(now.dead[-1].reason)
            self.reason.text = self.canvas.wrap(reason, 104, lines=1, size=style.SMALL)[0]

    def describe(self, time: float) -> str:
        now = self.now
        busy = [
            f"{worker} holds {', '.join(message.message_id for message in held)}"
            for worker, held in held_by_worker(now).items()
            if held
        ]
        return (
            f"At {style.seconds(time)}: {len(now.waiting)} waiting, {len(now.delayed)} delayed, "
            f"{len(now.done)} done, {len(now.dead)} dead;"
            f" {', '.join(busy) or 'no worker holds a message'}."
        )


def held_by_worker(now: Any) -> dict[str, list[Any]]:
    """Return the messages that each worker holds at an instant; an idle worker has []."""
    held: dict[str, list[Any]] = {}
    # An instant may give one message instead of a list, or None: both become lists here.
    for worker, messages in dict(now.workers).items():
        if messages is None:
            held[worker] = []
        else:
            held[worker] = list(messages) if isinstance(messages, list | tuple) else [messages]
    return held


def _due_in(message: Any, time: float) -> str:
    due = getattr(message, "due", None)
    return "" if due is None else f"in {max(due - time, 0):.0f} s"
