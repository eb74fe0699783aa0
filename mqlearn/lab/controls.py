"""The widgets of a lab's panel and how they are laid out; what they mean is the lab's business."""

import dataclasses
from collections.abc import Callable, Mapping
from html import escape
from typing import Any

import ipywidgets as widgets

from mqlearn.lab import fields, page, style
from mqlearn.lab.instant import InstantPicture
from mqlearn.lab.instant_log import LogPicture, instant_picture
from mqlearn.lab.player import Player

NO_PRESET = "choose a preset …"


class Controls:
    """The left column (presets, prediction, fields, buttons) and the right one (picture, verdict,
    totals).
    """

    def __init__(self, lab: Any, params: list["dataclasses.Field[Any]"]) -> None:
        self._lab = lab
        self._quiet = False
        self.png = b""
        self.rows = {
            f.name: fields.FieldRow(f, getattr(lab.scenario, f.name), self._field) for f in params
        }
        self._picture = _html("mq-picture")
        self._verdict = _html("mq-verdict")
        self._totals = _html("mq-totals")
        self._code = _html("mq-code")
        self.player = Player(lambda _: lab.step(self.player.time))
        self._instant: InstantPicture | LogPicture | None = None
        self._below = _classed(widgets.VBox([self._totals]), "mq-below")
        right = _classed(widgets.VBox([self._picture, self._verdict, self._below]), "mq-right")
        self.box = _classed(
            widgets.HBox([self._left(), right, widgets.HTML(page.CSS, layout={"display": "none"})]),
            "mq-lab",
        )

    def _left(self) -> Any:
        lab = self._lab
        title = str(getattr(type(lab.scenario), "TITLE", type(lab.scenario).__name__))
        parts = [widgets.HTML(f'<div class="mq-title">{escape(title)}</div>')]
        room = page.HEIGHT - 24 - 58
        self.presets = None
        if getattr(lab._type, "PRESETS", None):
            self.presets = _classed(
                widgets.Dropdown(options=[NO_PRESET, *lab._type.PRESETS], description="preset"),
                "mq-preset",
            )
            self.presets.observe(self._preset, names="value")
            parts.append(self.presets)
            room -= 30
        ask = next((f for f in dataclasses.fields(lab._type) if f.name == fields.PREDICTION), None)
        self.prediction = None
        if ask is not None:
            question = str(ask.metadata.get("help") or ask.metadata.get("question") or "")
            self.prediction = widgets.Text(
                description="your prediction", placeholder="?", continuous_update=False
            )
            self._show_prediction(lab.scenario)
            # from now on it is somebody who types
            self.prediction.observe(self._predict, names="value")
            parts.append(
                _classed(widgets.VBox([widgets.HTML(escape(question)), self.prediction]), "mq-ask")
            )
            room -= 38 + 15 * (1 + len(question) // 40)
        parts += [fields.grouped(list(self.rows.values()), room), self._buttons()]
        return _classed(widgets.VBox(parts), "mq-left")

    def _buttons(self) -> Any:
        self.reset = self._button("Reset", "settings and seed as the lab began", self._lab.reset)
        self.reroll = self._button(
            "Re-roll", "the same settings with the next seed", self._lab.reroll
        )
        self.keep = self._toggle(
            "Keep as baseline", "keep this run in grey under the next ones", self._lab.keep
        )
        self.show_code = self._toggle("Show as code", "the Python that makes this run", self._mode)
        self.stepping = self._toggle("Step through", "one instant at a time", self._mode)
        return _classed(
            widgets.HBox([self.reset, self.reroll, self.keep, self.show_code, self.stepping]),
            "mq-buttons",
        )

    def _button(self, text: str, tip: str, act: Callable[[], None]) -> Any:
        button = widgets.Button(description=text, tooltip=tip)
        button.on_click(lambda _: self._guard(act))
        return button

    def _toggle(self, text: str, tip: str, act: Callable[[bool], None]) -> Any:
        toggle = widgets.ToggleButton(description=text, tooltip=tip)
        toggle.observe(lambda change: self._toggled(act, change["new"]), names="value")
        return toggle

    def _toggled(self, act: Callable[[bool], None], on: bool) -> None:
        if not self._quiet:
            self._guard(lambda: act(on))

    def _guard(self, act: Callable[[], None]) -> None:
        """An exception in a callback would vanish: it belongs into the panel."""
        try:
            act()
        except Exception as error:
            self._lab._complain(error)

    def _field(self, name: str) -> None:
        self._lab.by_hand({name: self.rows[name].value})

    def _preset(self, change: Any) -> None:
        if not self._quiet and change["new"] != NO_PRESET:
            self._guard(lambda: self._lab.preset(change["new"]))

    def _predict(self, change: Any) -> None:
        if self._quiet:
            return
        text = str(change["new"]).strip().replace(",", "").removesuffix("%")
        try:
            value = float(text) if text else None
        except ValueError:
            self._lab._complain(
                ValueError(f"your prediction must be a number, got {change['new']!r}")
            )
        else:
            self._guard(lambda: self._lab.predict(value))

    def _mode(self, _: bool) -> None:
        """Which of totals, code and player stands below, and whether an instant is shown."""
        self._lab.step((self.player.time or 0.0) if self.stepping.value else None)

    @property
    def time(self) -> float | None:
        """The instant on show (s), or None where it is the charts."""
        return self.player.time if self.stepping.value else None

    def step(self, time: float | None) -> None:
        self._quietly(lambda: setattr(self.stepping, "value", time is not None))
        if time is not None:
            self.player.follow(self._lab.run)
            self.player.time = time

    def follow(self, scenario: Any) -> None:
        """Make the controls show `scenario`, without running it."""
        for name, row in self.rows.items():
            row.value = getattr(scenario, name)
        self._quietly(lambda: self._show_prediction(scenario))
        if self.stepping.value:
            self.player.follow(self._lab.run)
        if self.presets is not None:
            settings = self._lab._type.PRESETS.get(self.presets.value)
            if settings and any(
                getattr(scenario, name) != value for name, value in settings.items()
            ):
                self._quietly(lambda: setattr(self.presets, "value", NO_PRESET))

    def name_preset(self, name: str) -> None:
        """Say which incident is on show, also where code chose it."""
        if self.presets is not None:
            presets = self.presets
            self._quietly(lambda: setattr(presets, "value", name))

    def _show_prediction(self, scenario: Any) -> None:
        if self.prediction is not None:
            value = getattr(scenario, fields.PREDICTION)
            self.prediction.value = "" if value is None else style.number(value).replace(",", "")

    def _quietly(self, act: Callable[[], None]) -> None:
        self._quiet = True
        try:
            act()
        finally:
            self._quiet = False

    def draw_instant(self, run: Any) -> None:
        """Show `run` at the player's time."""
        kind = instant_picture(run)
        if not isinstance(self._instant, kind):
            self._instant = kind(page.RIGHT, page.PICTURE_HEIGHT)
        self._instant.draw(run, self.player.time)
        self.picture(self._instant.png(), self._instant.sentence)

    def instant_sentence(self) -> str:
        return self._instant.sentence if self._instant else ""

    def picture(self, png: bytes, alt: str) -> None:
        self.png = png
        self._picture.value = page.picture(png, alt, page.RIGHT, page.PICTURE_HEIGHT)

    def say(self, verdict: str, error: str) -> None:
        self._verdict.value = page.verdict(verdict, error=error)

    def below(self, totals: Mapping[str, Any], was: Mapping[str, Any] | None, code: str) -> None:
        self._quietly(lambda: setattr(self.keep, "value", was is not None))
        self.keep.description = "Drop baseline" if was is not None else "Keep as baseline"
        self._totals.value = page.totals(totals, was)
        self._code.value = f"<pre>{escape(code)}</pre>"
        shown = (
            self.player.box
            if self.stepping.value
            else self._code
            if self.show_code.value
            else self._totals
        )
        if self._below.children != (shown,):
            self._below.children = (shown,)


def _html(name: str) -> Any:
    return _classed(widgets.HTML(), name)


def _classed(widget: Any, name: str) -> Any:
    widget.add_class(name)
    return widget
