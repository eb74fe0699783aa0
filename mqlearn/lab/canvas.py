"""One figure that lives as long as its lab: what stands still is drawn once, what moves is drawn over it.

A new figure for each move of a slider costs 115 ms, this one about ten. No pyplot: a lab has no global state.
"""

from collections.abc import Hashable, Iterable
from typing import Any, TypeVar

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text

from mqlearn.lab import style
from mqlearn.lab.png import encode

SomeArtist = TypeVar("SomeArtist", bound=Artist)


class Canvas:
    """A picture of fixed size, in CSS pixels; `scale` 2 draws it twice as fine for print and sharp screens.

    Positions are pixels from the left and from the *top*. An artist made by `text`, or given to `moving`, is
    left out of the background and drawn anew each time, in the order in which they were given.
    """

    def __init__(self, width: int, height: int, *, scale: float = 1.0) -> None:
        self.width, self.height, self.scale = width, height, scale
        self.figure = Figure(figsize=(width / style.DPI, height / style.DPI), dpi=style.DPI * scale, facecolor=style.PAPER)
        self._agg = FigureCanvasAgg(self.figure)
        self._moving: list[Artist] = []
        self._background: Any = None
        self._key: Hashable = None

    def axes(self, x: float, y: float, width: float, height: float, *, bare: bool = False) -> Axes:
        """Axes whose data area has its top left corner at (x, y); without spines and ticks if `bare`."""
        box = (x / self.width, 1 - (y + height) / self.height, width / self.width, height / self.height)
        ax = self.figure.add_axes(box, facecolor="none")
        ax.spines[["top", "right"]].set_visible(False)
        ax.spines[["left", "bottom"]].set(color=style.INK, linewidth=1.0)
        ax.tick_params(labelsize=style.LABEL, colors=style.INK, labelfontfamily=style.FAMILY, length=3, pad=2.5)
        ax.margins(0)
        if bare:
            ax.spines[:].set_visible(False)
            ax.set_xticks([])
            ax.set_yticks([])
        return ax

    def text(self, x: float, y: float, text: str = "", *, still: bool = False, size: float = style.LABEL, **look: Any) -> Text:
        """A text whose baseline (or `va`) is at (x, y); part of the background if `still`."""
        look = {"color": style.INK, "family": style.FAMILY, "parse_math": False, **look}
        made = self.figure.text(x / self.width, 1 - y / self.height, text, size=size, **look)
        return made if still else self.moving(made)

    def moving(self, artist: SomeArtist) -> SomeArtist:
        """Redraw `artist` at each `draw`, over the background."""
        artist.set_animated(True)
        self._moving.append(artist)
        return artist

    def at(self, text: Text, x: float, y: float) -> None:
        """Move `text` to (x, y)."""
        text.set_position((x / self.width, 1 - y / self.height))

    def draw(self, still: Iterable[Hashable] = ()) -> None:
        """Draw what moves. `still` says all that the background depends on beside the axes' limits."""
        key = (tuple(still), tuple(ax.viewLim.bounds for ax in self.figure.axes))
        if key != self._key:
            self._agg.draw()
            self._background = self._agg.copy_from_bbox(self.figure.bbox)
            self._key = key
        self._agg.restore_region(self._background)
        renderer = self._agg.get_renderer()
        for artist in self._moving:
            if artist.get_visible():
                artist.draw(renderer)

    def pixels(self) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """The picture as drawn last, height × width × 4."""
        return np.asarray(self._agg.buffer_rgba())

    def png(self) -> bytes:
        """The picture as drawn last, as PNG bytes."""
        return encode(self.pixels())

    def measure(self, text: str, *, size: float = style.LABEL, weight: str = "normal") -> float:
        """Width of `text` in CSS pixels."""
        font = FontProperties(family=style.FAMILY, size=size, weight=weight)
        width, _, _ = self._agg.get_renderer().get_text_width_height_descent(text, font, False)
        return float(width / self.scale)

    def wrap(self, text: str, width: float, *, lines: int, size: float, weight: str = "normal") -> list[str]:
        """`text` broken at spaces into at most `lines` lines of `width` pixels, the last one cut with "…"."""
        rows: list[str] = []
        words = text.split()
        while words and len(rows) < lines:
            row = words.pop(0)
            while words and self.measure(f"{row} {words[0]}", size=size, weight=weight) <= width:
                row += " " + words.pop(0)
            rows.append(row)
        if words:
            cut = f"{rows[-1]} {words[0]}"
            while cut and self.measure(cut + "…", size=size, weight=weight) > width:
                cut = cut[:-1].rstrip()
            rows[-1] = cut + "…"
        return rows
