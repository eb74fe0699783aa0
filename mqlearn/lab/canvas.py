"""One figure that is used for as long as its lab exists. Its fixed parts are drawn once; its moving
parts are drawn over them each time.

A new figure for each move of a slider costs 115 ms, this one about 10 ms. pyplot is not used: it
would keep every figure of the session in memory.
"""

from typing import Any, TypeVar

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mqlearn.lab import label as lettering
from mqlearn.lab import style
from mqlearn.lab.label import Label
from mqlearn.lab.png import encode

SomeArtist = TypeVar("SomeArtist", bound=Artist)


class Canvas:
    """A picture of fixed size, in CSS pixels; `scale=2` draws it with twice as many pixels in each
    direction, for high-resolution screens.

    Positions are pixels from the left and from the *top*. An artist that was passed to `moving` is
    not part of the background. It is drawn again each time, in the order of the calls of `moving`;
    texts are drawn last, over everything.
    """

    def __init__(self, width: int, height: int, *, scale: float = 1.0) -> None:
        self.width, self.height, self.scale = width, height, scale
        self.figure = Figure(
            figsize=(width / style.DPI, height / style.DPI),
            dpi=style.DPI * scale,
            facecolor=style.PAPER,
        )
        self._agg: Any = FigureCanvasAgg(self.figure)  # matplotlib types none of its methods
        self._moving: list[Artist] = []
        self._labels: list[Label] = []
        self._background: Any = None
        self._pixels = np.zeros((0, 0, 3), dtype=np.uint8)

    def axes(self, x: float, y: float, width: float, height: float, *, bare: bool = False) -> Axes:
        """Return new axes whose data area has its top left corner at (x, y), without ticks.

        They have a left and a bottom spine, and none if `bare`.
        """
        # matplotlib counts in shares of the figure, from the bottom.
        box = (
            x / self.width,
            1 - (y + height) / self.height,
            width / self.width,
            height / self.height,
        )
        ax = self.figure.add_axes(box, facecolor="none")
        ax.spines[["top", "right"]].set_visible(False)
        ax.spines[["left", "bottom"]].set(color=style.INK, linewidth=1.0)
        # `Ticks` draws the ticks and their labels: matplotlib's own would be part of the background
        ax.set(xticks=[], yticks=[])
        ax.margins(0)
        if bare:
            ax.spines[:].set_visible(False)
        return ax

    def text(
        self,
        x: float,
        y: float,
        text: str = "",
        *,
        size: float = style.LABEL,
        color: str = style.INK,
        bold: bool = False,
        ha: str = "left",
        va: str = "baseline",
        room: float | None = None,
    ) -> Label:
        """Return a new line of text at (x, y), which the caller changes through its attributes;
        `size` in points. If it is wider than `room` (pixels), it is cut.
        """
        weight = "bold" if bold else "normal"
        label = Label(x, y, text, size=size, color=color, weight=weight, ha=ha, va=va, room=room)
        self._labels.append(label)
        return label

    def corners(self, x: float, y: float, width: float, height: float) -> NDArray[np.float64]:
        """Return the corners of a rectangle given in pixels, in the figure's own coordinates."""
        left, right = x / self.width, (x + width) / self.width
        top, bottom = 1 - y / self.height, 1 - (y + height) / self.height
        return np.array([(left, bottom), (right, bottom), (right, top), (left, top)])

    def moving(self, artist: SomeArtist) -> SomeArtist:
        """Let `artist` be drawn again at each `draw`, over the background; return it."""
        artist.set_animated(True)  # matplotlib's word for: leave it out of an ordinary draw
        self._moving.append(artist)
        return artist

    def draw(self) -> None:
        """Draw the parts that move, over the background that the first call drew."""
        # This is blitting: the background is copied pixel by pixel, not drawn again. The renderer
        # writes into one buffer for the whole life of the figure.
        if self._background is None:
            self._agg.draw()
            self._background = self._agg.copy_from_bbox(self.figure.bbox)
        self._agg.restore_region(self._background)
        renderer = self._agg.get_renderer()
        for artist in self._moving:
            if artist.get_visible():
                artist.draw(renderer)
        # A view of that buffer without its alpha channel: the paper is opaque. The next draw
        # overwrites it, so a picture that is to stay must be copied or encoded.
        self._pixels = np.asarray(self._agg.buffer_rgba())[:, :, :3]
        for label in self._labels:
            label.draw(self._pixels, self.scale)

    def pixels(self) -> NDArray[np.uint8]:
        """Return the picture of the last `draw`, an array: height × width × 3 (red, green,
        blue).
        """
        return self._pixels

    def png(self) -> bytes:
        """Return the picture of the last `draw` as PNG bytes."""
        return encode(self._pixels)

    def measure(self, text: str, *, size: float = style.LABEL, bold: bool = False) -> float:
        """Return the width of `text` in CSS pixels; `size` in points."""
        # Measured at the size it is drawn at: the width of a font does not grow evenly.
        weight = "bold" if bold else "normal"
        return lettering.measure(lettering.plain(text), size * self.scale, weight) / self.scale

    def wrap(
        self, text: str, width: float, *, lines: int, size: float, bold: bool = False
    ) -> list[str]:
        """Return `text` broken at spaces into lines of `width` pixels, at most `lines` of them.

        If it is longer, the last line is cut and ends in "…".
        """
        rows: list[str] = []
        words = text.split()
        while words and len(rows) < lines:
            row = words.pop(0)
            while words and self.measure(f"{row} {words[0]}", size=size, bold=bold) <= width:
                row += " " + words.pop(0)
            rows.append(self.fit(row, width, size=size, bold=bold))
        if words:
            rows[-1] = self.fit(f"{rows[-1]} {words[0]}", width, size=size, bold=bold)
        return rows

    def fit(self, text: str, width: float, *, size: float, bold: bool = False) -> str:
        """Return `text` as a plain line, cut to `width` pixels: it then ends in "…"."""
        weight = "bold" if bold else "normal"
        plain = lettering.plain(text)
        return lettering.fit(plain, width * self.scale, size * self.scale, weight)
