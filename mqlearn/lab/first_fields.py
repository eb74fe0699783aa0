"""The few controls that a lab shows before a student asks for more of them."""

from typing import Any

import ipywidgets as widgets

from mqlearn.lab.fields import FieldRow, grouped, settable
from mqlearn.runtime import check

MOST_FIRST = 4
MORE, FEWER = "more …", "fewer"
TOGGLE = 26  # pixels of the toggle, as in the style sheet of panel_html.py
AIRY_ROW, TAB_BAR = 40, 32  # pixels of a row under its number, and of the tabs' own line


def first_names(scenario: type[Any]) -> tuple[str, ...]:
    """Return the names of the fields that a lab over this scenario class shows at first: its FIRST,
    or an empty tuple, and then all fields are shown.

    Raises ValueError unless FIRST is a tuple of at most four different names of such fields.
    """
    names = getattr(scenario, "FIRST", ())
    fields = [field.name for field in settable(scenario)]
    if (
        not isinstance(names, tuple)
        or len(names) > MOST_FIRST
        or len(set(names)) < len(names)
        or not set(names) <= set(fields)
    ):
        raise ValueError(
            f"FIRST of {scenario.__name__} must be a tuple of at most {MOST_FIRST} different names "
            f"of {', '.join(fields)}, got {check.short_repr(names)}"
        )
    return names


class FirstFields:
    """The rows named first, a toggle, and under it all other rows in their groups, in `room` pixels
    of height.

    The hidden rows keep their values: a preset sets them too. So the toggle counts those of them
    that are not as the lab began.
    """

    def __init__(self, rows: dict[str, FieldRow], names: tuple[str, ...], room: int) -> None:
        first = [rows[name] for name in names]
        self._rest = [row for name, row in rows.items() if name not in names]
        self._start = {row.name: row.value for row in self._rest}
        self.toggle = widgets.ToggleButton(description=MORE, tooltip="the other settings")
        self.toggle.observe(lambda _: self.show(), names="value")
        self.toggle.add_class("mq-more")
        boxes = [box for row in first for box in row.boxes]
        # What the other rows need at least: their longest group, in a tab.
        longest = max(
            (sum(len(r.boxes) for r in self._rest if r.group == g) for g in self._groups), default=0
        )
        left = room - TOGGLE - len(boxes) * AIRY_ROW
        airy = left >= TAB_BAR + longest * AIRY_ROW
        top = widgets.VBox(boxes)
        top.add_class("mq-airy" if airy else "mq-compact")
        self.others = grouped(self._rest, left if airy else room - TOGGLE - len(boxes) * 25)
        self.box = widgets.VBox([top, self.toggle, self.others])
        self.show()

    @property
    def _groups(self) -> set[str]:
        return {row.group for row in self._rest}

    def show(self) -> None:
        """Show or hide the other rows, as the toggle says."""
        shown = self.toggle.value
        self.others.layout.display = None if shown else "none"
        changed = sum(row.value != self._start[row.name] for row in self._rest)
        note = f" ({changed} changed)" if changed else ""
        self.toggle.description = f"{FEWER if shown else MORE}{note}"
