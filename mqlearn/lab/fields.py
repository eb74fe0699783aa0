"""The controls of a lab, one row per field of its scenario: a named number field and a slider."""

import dataclasses
import io
from collections.abc import Callable
from typing import Any

import ipywidgets as widgets

from mqlearn.lab.number_field import NumberField
from mqlearn.runtime import check
from mqlearn.study.arrivals import Recording, decode, read_arrivals

GROUPS = ("load", "workers", "failures", "policy")
PREDICTION = "prediction"


class FieldRow:
    """One field of a scenario as widgets; `value` is the value for the scenario.

    A slider has no accessible name in ipywidgets, so the number field beside it carries the name
    and unit. On a change by a user, `changed(name)` is called once, after both widgets agree; a
    typed text that the field cannot have is handed to `refused`, as an error, and stays.

    The slider of a real number counts steps, 0, 1, 2, … With fractions, the browser would correct
    0.8 to 0.7999999999999999 when it draws the slider, and send that to the kernel, where it could
    overwrite a value that a later cell has set.
    """

    def __init__(
        self,
        field: "dataclasses.Field[Any]",
        value: Any,
        changed: Callable[[str], None],
        refused: Callable[[Exception], None],
    ) -> None:
        self.name = field.name
        self.meta = field.metadata
        self.group = str(self.meta.get("group") or GROUPS[0])
        self.label = label_of(field.name, str(self.meta.get("unit") or ""))
        self._changed, self._refused = changed, refused
        self._quiet = False
        self._value = value
        self.kind = kind_of(field.default, self.meta)
        self.recorded = bool(self.meta.get("recorded"))
        self.entry, self.slider = self._widgets(value)
        self.value = value
        self.entry.tooltip = str(self.meta.get("help") or "")
        # a typed number is told to `_typed` by its field
        (self.slider if self.number else self.entry).observe(self._moved, names="value")
        self.box = widgets.Box(self.parts)
        self.box.add_class("mq-row")
        if self.slider is None:
            self.box.add_class("mq-wide")
        self.boxes = [self.box]
        if self.recorded:
            self.upload = widgets.FileUpload(accept=".csv", description="own, as CSV")
            self.upload.tooltip = "a file with a column time, in seconds: see read_arrivals"
            self.upload.observe(self._uploaded, names="value")
            self.boxes.append(_classed(widgets.Box([self.upload]), "mq-upload"))

    @property
    def parts(self) -> list[Any]:
        return [self.entry] if self.slider is None else [self.entry, self.slider]

    @property
    def value(self) -> Any:
        return self._value

    @value.setter
    def value(self, value: Any) -> None:
        """Show `value` without calling `changed`."""
        self._quiet = True
        try:
            self._value = value
            if self.recorded and isinstance(value, Recording):
                own = (value.name.strip("'\"").rpartition("/")[2], value)
                self.entry.options = [*((name, name) for name in self.meta["choices"]), own]
            if self.number is None:
                self.entry.value = value
            else:
                self.number.show(value)
            if self.slider is not None:
                self.slider.value = self._notch(value)
        finally:
            self._quiet = False

    def check(self, value: Any) -> Any:
        """Return `value` in the type of the field; raise ValueError or TypeError if the field
        cannot have it.
        """
        if self.recorded and isinstance(value, Recording):
            return value
        if self.kind == "choice":
            check.one_of(self.name, value, self.meta["choices"])
            return value
        if self.kind == "switch":
            check.instance(self.name, value, bool)
            return value
        value = check.number(self.name, value)
        found = check.short_repr(value)
        if self.kind == "whole" and value != int(value):
            raise ValueError(f"{self.name} must be a whole number, got {found}")
        if not self.meta["low"] <= value <= self.meta["high"]:
            raise ValueError(
                f"{self.name} must be from {self.meta['low']} to {self.meta['high']}, got {found}"
            )
        return int(value) if self.kind == "whole" else float(value)

    def _widgets(self, value: Any) -> tuple[Any, Any]:
        style = {"description_width": "initial"}
        named = {"value": value, "description": self.label, "style": style}
        self.number: NumberField | None = None
        if self.kind == "choice":
            return widgets.Dropdown(
                options=list(self.meta["choices"]), description=self.label, style=style
            ), None
        if self.kind == "switch":
            return widgets.Checkbox(indent=False, **named), None
        self.number = NumberField(self.label, self.name, self._typed, self._refused, style=style)
        low, high, step = self.meta["low"], self.meta["high"], self.meta["step"]
        if self.kind == "real":
            low, high, step = 0, self._notch(high), 1
        return self.number.widget, widgets.IntSlider(
            value=self._notch(value), min=low, max=high, step=max(1, int(step)), readout=False
        )

    def _notch(self, value: Any) -> int:
        """Return the slider's position at `value`."""
        return (
            round((value - self.meta["low"]) / self.meta["step"])
            if self.kind == "real"
            else int(value)
        )

    def _at(self, notch: int) -> Any:
        """Return the value at the slider's position `notch`."""
        if self.kind != "real":
            return notch
        # Ten digits: low + 3 × 0.1 is then 0.3 and not 0.30000000000000004.
        return min(
            float(f"{self.meta['low'] + notch * self.meta['step']:.10g}"), float(self.meta["high"])
        )

    def _typed(self, value: float | None) -> None:
        try:
            self.value = self.check(value)
        except (TypeError, ValueError) as error:
            self._refused(error)
        else:
            self._changed(self.name)

    def _uploaded(self, change: Any) -> None:
        for file in change["new"][-1:]:
            try:
                text = io.StringIO(decode(bytes(file["content"])))
                text.name = file["name"]
                self.value = read_arrivals(text)
            except ValueError as error:
                self._refused(error)
            else:
                self._changed(self.name)

    def _moved(self, change: Any) -> None:
        if not self._quiet:
            self.value = self._at(change["new"]) if self.number else change["new"]
            self._changed(self.name)


def label_of(name: str, unit: str) -> str:
    """Return a field's name in words, with its unit: "visibility timeout, s"."""
    words = name.replace("_", " ")
    return f"{words}, {unit}" if unit else words


def kind_of(default: Any, meta: Any) -> str:
    """Return the kind of control that a field needs: "choice", "switch", "whole" or "real"."""
    if meta.get("choices"):
        return "choice"
    # before the test for int, since a bool is an int too
    if isinstance(default, bool):
        return "switch"
    return "whole" if isinstance(default, int) else "real"


def settable(scenario: type[Any]) -> list["dataclasses.Field[Any]"]:
    """Return the fields that get a control: all made with `param`, except the prediction."""
    return [
        f for f in dataclasses.fields(scenario) if f.name != PREDICTION and "group" in f.metadata
    ]


def grouped(rows: list[FieldRow], room: int) -> Any:
    """Return the rows under the headings of their groups, in the first of three layouts that fits
    into `room` pixels of height: sliders under their numbers, sliders beside them, or one group at
    a time in tabs.
    """
    names = [
        g
        for g in dict.fromkeys([*GROUPS, *(r.group for r in rows)])
        if any(r.group == g for r in rows)
    ]
    groups = {
        name: [box for row in rows if row.group == name for box in row.boxes] for name in names
    }
    count = sum(map(len, groups.values()))
    # heights of a row and of a heading in pixels, as in the style sheet of panel_html.py
    if count * 40 + len(names) * 18 <= room:
        return _headed(groups, "mq-airy")
    if count * 25 + len(names) * 16 <= room:
        return _headed(groups, "mq-compact")
    tabs = widgets.Tab(
        [_classed(widgets.VBox(boxes), "mq-airy") for boxes in groups.values()], titles=names
    )
    return _classed(tabs, "mq-tabs")


def _headed(groups: dict[str, list[Any]], look: str) -> Any:
    children = []
    for name, boxes in groups.items():
        children += [
            widgets.HTML(f'<div class="mq-group" role="heading" aria-level="4">{name}</div>'),
            *boxes,
        ]
    return _classed(widgets.VBox(children), look)


def _classed(widget: Any, name: str) -> Any:
    widget.add_class(name)
    return widget
