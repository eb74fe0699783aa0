"""The controls of a lab, one row a field of its scenario: a named number field and a slider that
agree.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import ipywidgets as widgets

GROUPS = ("load", "workers", "failures", "policy")
PREDICTION = "prediction"


class FieldRow:
    """One field of a scenario as widgets; `value` is what the scenario would get.

    A slider has no accessible name in ipywidgets, so the number field beside it carries the name
    and unit. On a change by hand, `changed(name)` is called once, after both widgets agree. The
    slider of a real number counts steps: one of fractions corrects 0.8 to 0.7999999999999999 as
    soon as the browser draws it and sends that back, which can undo what a later cell has set.
    """

    def __init__(
        self, field: "dataclasses.Field[Any]", value: Any, changed: Callable[[str], None]
    ) -> None:
        self.name = field.name
        self.meta = field.metadata
        self.group = str(self.meta.get("group") or GROUPS[0])
        self.label = spoken(field.name, str(self.meta.get("unit") or ""))
        self._changed = changed
        self._quiet = False
        self.kind = kind_of(field.default, self.meta)
        self.entry, self.slider = self._widgets(value)
        self.entry.tooltip = str(self.meta.get("help") or "")
        for widget in self.parts:
            widget.observe(self._moved, names="value")
        self.box = widgets.Box(self.parts)
        self.box.add_class("mq-row")
        if self.slider is None:
            self.box.add_class("mq-wide")

    @property
    def parts(self) -> list[Any]:
        return [self.entry] if self.slider is None else [self.entry, self.slider]

    @property
    def value(self) -> Any:
        return self.entry.value

    @value.setter
    def value(self, value: Any) -> None:
        """Show `value` without calling `changed`."""
        self._quiet = True
        try:
            self.entry.value = value
            if self.slider is not None:
                self.slider.value = self._notch(value)
        finally:
            self._quiet = False

    def check(self, value: Any) -> Any:
        """`value` as the field would hold it; ValueError or TypeError, naming field, rule and
        value.
        """
        if self.kind == "choice":
            if value not in self.meta["choices"]:
                raise ValueError(
                    f"{self.name} must be one of {', '.join(map(str, self.meta['choices']))}, got "
                    f"{value!r}"
                )
            return value
        if self.kind == "switch":
            if not isinstance(value, bool):
                raise TypeError(f"{self.name} must be True or False, got {value!r}")
            return value
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError(f"{self.name} must be a number, got {value!r}")
        if self.kind == "whole" and value != int(value):
            raise ValueError(f"{self.name} must be a whole number, got {value!r}")
        if not self.meta["low"] <= value <= self.meta["high"]:
            raise ValueError(
                f"{self.name} must be from {self.meta['low']} to {self.meta['high']}, got {value!r}"
            )
        return int(value) if self.kind == "whole" else float(value)

    def _widgets(self, value: Any) -> tuple[Any, Any]:
        style = {"description_width": "initial"}
        named = {"value": value, "description": self.label, "style": style}
        if self.kind == "choice":
            return widgets.Dropdown(options=list(self.meta["choices"]), **named), None
        if self.kind == "switch":
            return widgets.Checkbox(indent=False, **named), None
        bounds = {"min": self.meta["low"], "max": self.meta["high"], "step": self.meta["step"]}
        if self.kind == "whole":
            bounds["step"] = max(1, int(bounds["step"]))
            return widgets.BoundedIntText(**bounds, **named), widgets.IntSlider(
                value=value, readout=False, **bounds
            )
        return widgets.BoundedFloatText(**bounds, **named), widgets.IntSlider(
            value=self._notch(value), min=0, max=self._notch(bounds["max"]), readout=False
        )

    def _notch(self, value: Any) -> int:
        """Where the slider stands at `value`."""
        return (
            round((value - self.meta["low"]) / self.meta["step"])
            if self.kind == "real"
            else int(value)
        )

    def _at(self, notch: int) -> Any:
        """The value where the slider stands at `notch`."""
        if self.kind != "real":
            return notch
        return min(
            float(f"{self.meta['low'] + notch * self.meta['step']:.10g}"), float(self.meta["high"])
        )

    def _moved(self, change: Any) -> None:
        if not self._quiet:
            self.value = (
                self._at(change["new"]) if change["owner"] is self.slider else change["new"]
            )
            self._changed(self.name)


def spoken(name: str, unit: str) -> str:
    """A field's name as people read it, with its unit: "visibility timeout, s"."""
    words = name.replace("_", " ")
    return f"{words}, {unit}" if unit else words


def kind_of(default: Any, meta: Any) -> str:
    """Which control a field needs: "choice", "switch", "whole" or "real"."""
    if meta.get("choices"):
        return "choice"
    if isinstance(default, bool):
        return "switch"
    return "whole" if isinstance(default, int) else "real"


def settable(scenario: type[Any]) -> list["dataclasses.Field[Any]"]:
    """The fields of a scenario that get a control: those made with `param`, but not the
    prediction.
    """
    return [
        f for f in dataclasses.fields(scenario) if f.name != PREDICTION and "group" in f.metadata
    ]


def grouped(rows: list[FieldRow], room: int) -> Any:
    """The rows under their groups' headings, in about `room` pixels: compact if need be, else in
    tabs.
    """
    names = [
        g
        for g in dict.fromkeys([*GROUPS, *(r.group for r in rows)])
        if any(r.group == g for r in rows)
    ]
    groups = {name: [row.box for row in rows if row.group == name] for name in names}
    if len(rows) * 40 + len(names) * 18 <= room:
        return _headed(groups, "mq-airy")
    if len(rows) * 25 + len(names) * 16 <= room:
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
