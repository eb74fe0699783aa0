"""The frame of a step-through's picture: the run's headline, the clock, the last event, and the alt
text.
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from mqlearn.lab import style
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.charts.base import named_errors
from mqlearn.lab.dashboard import headline
from mqlearn.lab.instants.last_event import describe_last_event
from mqlearn.lab.label import plain


class InstantPicture(ABC):
    """A picture of one instant, made once and then drawn again for each new instant.

    `width` and `height` are CSS pixels, and so are the positions of all its parts; after `draw`,
    `sentence` describes the picture in words.
    """

    last_event_y: ClassVar[int] = 384  # baseline of the first of two lines at the foot

    def __init__(self, width: int = 570, height: int = 408, *, scale: float = 1.0) -> None:
        self.canvas = Canvas(width, height, scale=scale)
        self.title = self.canvas.text(4, 15, size=style.TITLE, bold=True)
        self.clock = self.canvas.text(width - 4, 15, size=style.TITLE, bold=True, ha="right")
        self.last_event = [self.canvas.text(4, self.last_event_y + 16 * row) for row in range(2)]
        self.sentence = ""

    @abstractmethod
    def show(self, run: Any, time: float) -> None:
        """Update all parts except the heading and the last event to the state of `run` at `time`
        (s).
        """

    @abstractmethod
    def describe(self, time: float) -> str:
        """Return the state at `time` (s) in words, as the last `show` found it."""

    def draw(self, run: Any, time: float) -> None:
        """Show `run` at `time` (s)."""
        with named_errors("the step-through"):
            self.show(run, time)
            event = describe_last_event(run, time)
            self.sentence = plain(f"{self.describe(time)} {event}".strip())
        self.clock.text = f"t = {time:,.1f} s"
        # The clock is at the right of the same line, and wider the later it is.
        clock = self.canvas.measure(self.clock.text, size=style.TITLE, bold=True)
        room = self.canvas.width - 24 - clock
        title = self.canvas.wrap(headline(run), room, lines=1, size=style.TITLE, bold=True)
        self.title.text = title[0] if title else ""
        lines = self.canvas.wrap(event, self.canvas.width - 8, lines=2, size=style.LABEL)
        for label, line in zip(self.last_event, [*lines, "", ""], strict=False):
            label.text = line
        self.canvas.draw()

    def png(self) -> bytes:
        """Return the picture of the last `draw` as PNG bytes."""
        return self.canvas.png()
