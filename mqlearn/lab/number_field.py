"""A field for a typed number, in the notations that people type.

A browser's own number field drops what it does not expect, a comma or a minus of another kind,
without a word: 1,5 becomes 15. So a number is typed as a text here, and read by `read_number`.
"""

import math
import re
import unicodedata
from collections.abc import Callable
from typing import Any

import ipywidgets as widgets

from mqlearn.runtime import check

# As other alphabets and typesetters write them.
SIGNS = str.maketrans({"−": "-", "﹣": "-", "－": "-", "＋": "+", "．": ".", "，": ",", "％": "%"})
MARKS = str.maketrans({"٫": ".", "٬": "'", "’": "'"})
# The same space or apostrophe between all groups of three digits.
_GROUPED = re.compile(r"(?<![\d.,])\d{1,3}(?:([\s'])\d{3})(?:\1\d{3})*(?![\d\s'])")
_NUMBER = re.compile(r"([+-]?)([\d.,]+)(e[+-]?\d{1,4})?", re.ASCII | re.IGNORECASE)


def read_number(name: str, text: str) -> float | None:
    """Return the number that a person typed, None for an empty text.

    A decimal comma is as good as a decimal point; digits may be grouped in threes by spaces,
    apostrophes, or the one of comma and point that is not the decimal one. A "%" at the end counts
    nothing. Raises ValueError, with `name`, for a text that is no number or could be two, as 1,500.
    """
    found = text.strip().translate(SIGNS).translate(MARKS)
    found = found.removesuffix("%").strip()
    if not found:
        return None
    plain = "".join(str(unicodedata.decimal(sign, sign)) for sign in found)
    plain = _GROUPED.sub(lambda group: re.sub(r"[\s']", "", group[0]), plain, count=1)
    parts = _NUMBER.fullmatch(plain)
    digits = _with_decimal_point(name, text, parts[2]) if parts else ""
    if not parts or not digits.strip("."):
        raise ValueError(f"{name} must be a number, got {check.short_repr(text)}")
    value = float(parts[1] + digits + (parts[3] or ""))
    if not math.isfinite(value):
        raise ValueError(f"{name} must be finite, got {check.short_repr(text)}")
    return value


def _with_decimal_point(name: str, text: str, digits: str) -> str:
    """Return digits, commas and points in Python's notation; "" if they make no number."""
    marks = re.sub(r"\d", "", digits)
    # in 1,500,000 there is no decimal one: the only mark comes twice
    decimal = "" if len(marks) > 1 and len(set(marks)) == 1 else marks[-1:]
    whole, _, fraction = digits.rpartition(decimal) if decimal else (digits, "", "")
    group = next((mark for mark in marks if mark != decimal), "")
    if group:
        in_threes = re.fullmatch(rf"\d{{1,3}}(\{group}\d{{3}})+", whole)
        return f"{whole.replace(group, '')}.{fraction}" if in_threes else ""
    if decimal == "," and len(fraction) == 3 and re.fullmatch(r"[1-9]\d{0,2}", whole):
        raise ValueError(
            f"{name} must be a number that can be read in one way only, got "
            f"{check.short_repr(text)}: write {whole}.{fraction} or {whole}{fraction}"
        )
    return f"{whole}.{fraction}"


class NumberField:
    """A named text field that shows a number, `value`, and calls `typed(number)` when a user has
    typed another one, None for an empty field, or `refused(error)` if it is not one.
    """

    def __init__(
        self,
        label: str,
        name: str,
        typed: Callable[[float | None], object],
        refused: Callable[[Exception], object],
        **look: Any,
    ) -> None:
        self._name, self._typed, self._refused = name, typed, refused
        self._quiet = False
        self.widget = widgets.Text(description=label, continuous_update=False, **look)
        self.widget.observe(self._changed, names="value")

    def show(self, value: float | None) -> None:
        """Show a number, or nothing, without calling `typed`."""
        self._quiet = True
        try:
            # twelve digits: 0.1 + 0.2 is shown as 0.3
            self.widget.value = "" if value is None else f"{value:.12g}"
        finally:
            self._quiet = False

    def _changed(self, change: Any) -> None:
        if self._quiet:
            return
        try:
            value = read_number(self._name, str(change["new"]))
        except ValueError as error:
            self._refused(error)
        else:
            self._typed(value)
