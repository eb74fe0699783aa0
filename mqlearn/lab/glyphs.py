"""Text as cached pictures of its letters: a label that changes at each move costs microseconds, not
2.5 ms.

Matplotlib lays out every text anew, and that is two thirds of a picture's time. Here each letter of
a font is drawn once, by the same FreeType, and words are put together from them. One line, one
font, no kerning.
"""

from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.font_manager import FontProperties, findfont
from matplotlib.ft2font import FT2Font
from numpy.typing import NDArray

from mqlearn.lab import style

Mask = NDArray[np.uint8]
AHEAD = 4  # columns before the origin, for letters that begin left of it


class Label:
    """A line of text whose baseline is at (x, y), pixels from the top left; `va="center"` centres
    it on y.
    """

    def __init__(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float,
        color: str,
        weight: str,
        ha: str,
        va: str,
    ) -> None:
        self.x, self.y, self.text, self.size = x, y, text, size
        self.color, self.weight, self.ha, self.va = color, weight, ha, va
        self.visible = True

    def draw(self, pixels: NDArray[np.uint8], scale: float) -> None:
        """Put the label on `pixels` (height × width × 3); what falls outside is cut."""
        if not self.text or not self.visible:
            return
        mask, above, width = word(self.text, self.size * scale, self.weight)
        shift = {"left": 0.0, "center": width / 2, "right": width}[self.ha]
        down = 0.36 * self.size * style.DPI / 72 * scale if self.va == "center" else 0.0
        left = round(self.x * scale - shift) - AHEAD
        top = round(self.y * scale + down) - above
        y0, x0 = max(top, 0), max(left, 0)
        part = pixels[y0 : top + mask.shape[0], x0 : left + mask.shape[1]]
        ink = mask[y0 - top : y0 - top + part.shape[0], x0 - left : x0 - left + part.shape[1], None]
        color = np.array([int(self.color[i : i + 2], 16) for i in (1, 3, 5)], dtype=np.int32)
        part[:] = part + (color - part.astype(np.int32)) * ink // 255


def measure(text: str, size: float, weight: str) -> float:
    """Width of `text` in pixels."""
    return sum(_letter(letter, size, weight)[3] for letter in text)


@lru_cache(maxsize=4096)
def word(text: str, size: float, weight: str) -> tuple[Mask, int, float]:
    """A line of text as a mask (0 to 255), the rows of it that are above the baseline, and its
    width.
    """
    above, below = _room(size)
    width = measure(text, size, weight)
    mask = np.zeros((above + below, int(width) + 3 * AHEAD), dtype=np.uint8)
    at = float(AHEAD)
    for letter in text:
        ink, left, top, advance = _letter(letter, size, weight)
        x, y = round(at) + left, above - top
        part = mask[max(y, 0) : y + ink.shape[0], max(x, 0) : x + ink.shape[1]]
        np.maximum(
            part, ink[max(-y, 0) :, max(-x, 0) :][: part.shape[0], : part.shape[1]], out=part
        )
        at += advance
    return mask, above, width


def _room(size: float) -> tuple[int, int]:
    tall = size * style.DPI / 72
    return int(tall * 1.1) + 2, int(tall * 0.4) + 2


@lru_cache(maxsize=4096)
def _letter(letter: str, size: float, weight: str) -> tuple[Mask, int, int, float]:
    """A letter's mask, where its left column and top row are from the origin, and how far it moves
    on.
    """
    font = _font(size, weight)
    advance = font.load_char(ord(letter)).horiAdvance / 64
    font.set_text(letter, 0.0)
    font.draw_glyphs_to_bitmap(antialiased=True)
    ink = np.array(font.get_image(), dtype=np.uint8)
    offset_x, offset_y = font.get_bitmap_offset()
    # the picture has an empty row at top and bottom
    below = round((offset_y + font.get_descent()) / 64) + 1
    return ink, offset_x // 64, ink.shape[0] - below, float(advance)


@lru_cache(maxsize=32)
def _font(size: float, weight: str) -> Any:
    font = FT2Font(findfont(FontProperties(family=style.FAMILY, weight=weight)))
    font.set_size(size, style.DPI)
    return font
