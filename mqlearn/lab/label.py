"""Lines of text, composed of stored pictures of their letters. A label that changes at each move of
a slider then costs microseconds instead of 2.5 ms.

Matplotlib computes the layout of every text again, which takes two thirds of a picture's time. Here
each letter of a font is drawn once, by the same library (FreeType), and texts are composed of these
pictures. The limits: one line, one font, no kerning, and letters from left to right.

A text may come from anywhere: an id in any script, with a line break, of 10,000 letters. A letter
that the font does not have is drawn as a box.
"""

import re
from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.font_manager import FontProperties, findfont
from matplotlib.ft2font import FT2Font
from numpy.typing import NDArray

from mqlearn.lab import style

Mask = NDArray[np.uint8]  # how much of a pixel the ink covers: 0 (paper) to 255
MARGIN = 4  # columns before the first letter's origin: some letters begin left of it
BOX = "□"  # in place of a letter that has no picture
LONGEST = 100  # letters of a word: longer ones are cut
# Control characters, halves of a surrogate pair, separators of lines, and marks that turn the
# direction of all the text after them.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028-\u202e\u2066-\u2069]")
_LONG = re.compile(rf"(\S{{{LONGEST}}})\S+")


def plain(text: object) -> str:
    """Return the text of `text` as one line that every page can show: a box for each character that
    is not to be seen, and "…" for the rest of a word of more than `LONGEST` letters.
    """
    line = _UNSEEN.sub(BOX, str(text))
    return _LONG.sub(r"\1…", line) if len(line) > LONGEST else line


class Label:
    """A line of text whose baseline begins at (x, y), CSS pixels from the top left.

    `ha` "center" and "right" place its middle or its end at x; `va` "center" its middle at y.
    `size` is in points. A text that is wider than `room` (CSS pixels; None: any width) is cut and
    ends in "…". All attributes may be changed between two draws.
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
        room: float | None = None,
    ) -> None:
        self.x, self.y, self.text, self.size, self.room = x, y, text, size, room
        self.color, self.weight, self.ha, self.va = color, weight, ha, va
        self.visible = True

    @property
    def text(self) -> str:
        """The text, as a plain line."""
        return self._text

    @text.setter
    def text(self, text: object) -> None:
        self._text = plain(text)

    def shown(self, scale: float = 1.0) -> str:
        """Return the text, cut to its room; `scale` is that of the picture."""
        if self.room is None:
            return self.text
        return fit(self.text, self.room * scale, self.size * scale, self.weight)

    def draw(self, pixels: NDArray[np.uint8], scale: float) -> None:
        """Draw the label into `pixels` (height × width × 3); parts outside the picture are cut
        off.
        """
        if not self.text or not self.visible:
            return
        mask, above, width = text_mask(self.shown(scale), self.size * scale, self.weight)
        shift = {"left": 0.0, "center": width / 2, "right": width}[self.ha]
        # A capital letter of this font is 0.72 of its size high; 72 points are an inch.
        down = 0.36 * self.size * style.DPI / 72 * scale if self.va == "center" else 0.0
        # Whole pixels only: a letter between two columns would be blurred.
        left = round(self.x * scale - shift) - MARGIN
        top = round(self.y * scale + down) - above
        y0, x0 = max(top, 0), max(left, 0)
        part = pixels[y0 : top + mask.shape[0], x0 : left + mask.shape[1]]
        ink = mask[y0 - top : y0 - top + part.shape[0], x0 - left : x0 - left + part.shape[1], None]
        color = np.array([int(self.color[i : i + 2], 16) for i in (1, 3, 5)], dtype=np.int32)
        # Each pixel is a mixture of paper and ink. Signed 32-bit numbers, since a difference of
        # bytes would overflow.
        part[:] = part + (color - part.astype(np.int32)) * ink // 255


def measure(text: str, size: float, weight: str) -> float:
    """Return the width of `text` in pixels; `size` in points."""
    return sum(_letter(letter, size, weight)[3] for letter in text)


def fit(text: str, width: float, size: float, weight: str) -> str:
    """Return `text`, or as much of its beginning as fits into `width` pixels before a "…"."""
    if measure(text, size, weight) <= width:
        return text
    left = width - measure("…", size, weight)
    for end, letter in enumerate(text):
        left -= _letter(letter, size, weight)[3]
        if left < 0:
            return text[:end].rstrip() + "…"
    return text + "…"


# Most labels of a lab are the same at each draw; 4096 texts are a few megabytes.
@lru_cache(maxsize=4096)
def text_mask(text: str, size: float, weight: str) -> tuple[Mask, int, float]:
    """Return a line of text as a mask (rows × columns), the number of its rows above the baseline,
    and its width in pixels.
    """
    above, below = _line_height(size)
    width = measure(text, size, weight)
    mask = np.zeros((above + below, int(width) + 3 * MARGIN), dtype=np.uint8)
    at = float(MARGIN)
    for letter in text:
        ink, left, top, advance = _letter(letter, size, weight)
        x, y = round(at) + left, above - top
        part = mask[max(y, 0) : y + ink.shape[0], max(x, 0) : x + ink.shape[1]]
        # The darker of the two pixels, since neighbouring letters may overlap by a column.
        np.maximum(
            part, ink[max(-y, 0) :, max(-x, 0) :][: part.shape[0], : part.shape[1]], out=part
        )
        at += advance
    return mask, above, width


def _line_height(size: float) -> tuple[int, int]:
    """Return how many rows a line needs above and below its baseline, accents included."""
    pixels = size * style.DPI / 72
    return int(pixels * 1.1) + 2, int(pixels * 0.4) + 2


@lru_cache(maxsize=4096)
def _letter(letter: str, size: float, weight: str) -> tuple[Mask, int, int, float]:
    """Return a letter's mask, the position of its left column and top row relative to the origin,
    and its advance: the distance (pixels) to the next letter's origin.
    """
    font = _font(size, weight)
    if not font.get_char_index(ord(letter)):
        return _box(size)
    # FreeType counts in 64ths of a pixel.
    advance = font.load_char(ord(letter)).horiAdvance / 64
    font.set_text(letter, 0.0)
    font.draw_glyphs_to_bitmap(antialiased=True)
    ink = np.array(font.get_image(), dtype=np.uint8)
    offset_x, offset_y = font.get_bitmap_offset()
    # the picture has an empty row at top and bottom
    below = round((offset_y + font.get_descent()) / 64) + 1
    return ink, offset_x // 64, ink.shape[0] - below, float(advance)


def _box(size: float) -> tuple[Mask, int, int, float]:
    """Return the box that stands for a letter which the font does not have."""
    pixels = size * style.DPI / 72
    height, width, line = round(0.72 * pixels), round(0.6 * pixels), max(round(pixels / 14), 1)
    ink = np.full((height, width), 255, dtype=np.uint8)
    ink[line:-line, line:-line] = 0
    return ink, line, height, float(width + 2 * line)


@lru_cache(maxsize=32)
def _font(size: float, weight: str) -> Any:
    font = FT2Font(findfont(FontProperties(family=style.FAMILY, weight=weight)))
    font.set_size(size, style.DPI)
    return font
