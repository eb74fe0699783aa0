"""The widgets of a lab's panel and their layout. Each widget calls the method of the lab that does
its work.
"""

import dataclasses
from collections.abc import Callable, Mapping
from html import escape
from typing import Any

import ipywidgets as widgets

from mqlearn.lab import fields, panel_html
from mqlearn.lab.first_fields import FirstFields
from mqlearn.lab.instants import InstantPicture, instant_picture
from mqlearn.lab.instants.player import Player
from mqlearn.lab.number_field import NumberField

NO_PRESET = "choose a preset …"


class Controls:
    """The left column (presets, prediction, fields, buttons) and the right one (picture, verdict,
    totals).

    A widget calls its observers even when code sets its value. `_quiet` is True while the panel
    itself sets values, so that only a user's change reaches the lab.
    """

    def __init__(self, lab: Any, params: list["dataclasses.Field[Any]"]) -> None:
        self._lab = lab
        self._quiet = False
        self.png = b""
        self.rows = {
            f.name: fields.FieldRow(f, getattr(lab.scenario, f.name), self._field, self._refused)
            for f in params
        }
        self._picture = _html("mq-picture")
        self._verdict = _html("mq-verdict")
        self._totals = _html("mq-totals")
        self._code = _html("mq-code")
        self.player = Player(
            lambda time: self._report_errors(lambda: lab.step(time)), self._refused
        )
        self._instant: InstantPicture | None = None
        self._below = _classed(widgets.VBox([self._totals]), "mq-below")
        right = _classed(widgets.VBox([self._picture, self._verdict, self._below]), "mq-right")
        self.box = _classed(
            widgets.HBox(
                [self._left(), right, widgets.HTML(panel_html.CSS, layout={"display": "none"})]
            ),
            "mq-lab",
        )

    def _left(self) -> Any:
        lab = self._lab
        title = str(getattr(type(lab.scenario), "TITLE", type(lab.scenario).__name__))
        parts = [widgets.HTML(f'<div class="mq-title">{escape(title)}</div>')]
        # Pixels left for the fields: the title and the buttons are there in every panel.
        room = panel_html.HEIGHT - 24 - 58
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
        self._prediction: NumberField | None = None
        if ask is not None:
            question = str(ask.metadata.get("help") or ask.metadata.get("question") or "")
            self._prediction = NumberField(
                "your prediction",
                "your prediction",
                lambda value: self._report_errors(lambda: lab.predict(value)),
                self._refused,
                placeholder="?",
            )
            self.prediction = self._prediction.widget
            self._show_prediction(lab.scenario)
            parts.append(
                _classed(widgets.VBox([widgets.HTML(escape(question)), self.prediction]), "mq-ask")
            )
            room -= 38 + 15 * (1 + len(question) // 40)  # a line of it has about 40 letters
        self.first = FirstFields(self.rows, lab._first, room) if lab._first else None
        shown = self.first.box if self.first else fields.grouped(list(self.rows.values()), room)
        parts += [shown, self._buttons()]
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
        button.on_click(lambda _: self._report_errors(act))
        return button

    def _toggle(self, text: str, tip: str, act: Callable[[bool], None]) -> Any:
        toggle = widgets.ToggleButton(description=text, tooltip=tip)
        toggle.observe(lambda change: self._toggled(act, change["new"]), names="value")
        return toggle

    def _toggled(self, act: Callable[[bool], None], on: bool) -> None:
        if not self._quiet:
            self._report_errors(lambda: act(on))

    def _report_errors(self, act: Callable[[], None]) -> None:
        """Call `act`; show an exception in the panel: an exception in a widget's callback is not
        shown anywhere else.
        """
        try:
            act()
        except BaseException as error:
            if self._lab.closed:
                return
            self._lab._show_error(error)
            if isinstance(error, KeyboardInterrupt):
                raise

    def _field(self, name: str) -> None:
        self._lab._control_moved({name: self.rows[name].value})

    def _preset(self, change: Any) -> None:
        if not self._quiet and change["new"] != NO_PRESET:
            self._report_errors(lambda: self._lab.preset(change["new"]))

    def _refused(self, error: Exception) -> None:
        """Show why what was typed is not used. It stays there, so that it can be corrected."""
        self._lab._show_error(error, put_back=False)

    def _mode(self, _: bool) -> None:
        """Show one instant or the charts, and below the verdict the totals, the code or the player
        (see `show_below`).
        """
        self._lab.step((self.player.time or 0.0) if self.stepping.value else None)

    @property
    def time(self) -> float | None:
        """The instant that is shown (s), or None while the charts are shown."""
        return self.player.time if self.stepping.value else None

    def step(self, time: float | None) -> None:
        """Set the step-through to `time` (s), or turn it off."""
        self._without_callbacks(lambda: setattr(self.stepping, "value", time is not None))
        if time is not None:
            self.player.follow(self._lab.run)
            self.player.time = time

    def show_settings(self, scenario: Any) -> None:
        """Set the controls to the fields of `scenario`, without running it."""
        for name, row in self.rows.items():
            row.value = getattr(scenario, name)
        if self.first is not None:
            self.first.show()
        self._without_callbacks(lambda: self._show_prediction(scenario))
        if self.stepping.value:
            self.player.follow(self._lab.run)
        # The name of a preset stays until one of its fields has another value.
        if self.presets is not None:
            settings = self._lab._type.PRESETS.get(self.presets.value)
            if settings and any(
                getattr(scenario, name) != value for name, value in settings.items()
            ):
                self._without_callbacks(lambda: setattr(self.presets, "value", NO_PRESET))

    def name_preset(self, name: str) -> None:
        """Show the name of the preset in use, also when code has chosen it."""
        if self.presets is not None:
            presets = self.presets
            self._without_callbacks(lambda: setattr(presets, "value", name))

    def _show_prediction(self, scenario: Any) -> None:
        if self._prediction is not None:
            self._prediction.show(getattr(scenario, fields.PREDICTION))

    def _without_callbacks(self, act: Callable[[], None]) -> None:
        self._quiet = True
        try:
            act()
        finally:
            self._quiet = False

    def close(self) -> None:
        """Close all widgets of the panel: the kernel and the page forget them."""
        parts = [self.box, self._totals, self._code, self.player.box, self.player.link]
        while parts:
            part = parts.pop()
            parts += getattr(part, "children", ())
            for name in ("layout", "style"):
                parts += [getattr(part, name)] if hasattr(part, name) else []
            if part.comm is not None:
                part.unobserve_all()
                part.close()

    def draw_instant(self, run: Any) -> None:
        """Show `run` at the player's time."""
        kind = instant_picture(run)
        if not isinstance(self._instant, kind):
            # made again only for another kind of picture: making one costs as much as many draws
            self._instant = kind(panel_html.RIGHT, panel_html.PICTURE_HEIGHT)
        self._instant.draw(run, self.player.time)
        self.show_picture(self._instant.png(), self._instant.sentence)

    def instant_sentence(self) -> str:
        """Return the shown instant in words; "" before the first."""
        return self._instant.sentence if self._instant else ""

    def show_picture(self, png: bytes, alt: str) -> None:
        """Show a picture; `alt` is its text."""
        self.png = png
        self._picture.value = panel_html.picture(
            png, alt, panel_html.RIGHT, panel_html.PICTURE_HEIGHT
        )

    def show_verdict(self, verdict: str, error: str) -> None:
        """Show the run's sentence, and before it an error if there is one."""
        self._verdict.value = panel_html.verdict(verdict, error=error)

    def show_below(
        self, totals: Mapping[str, Any], was: Mapping[str, Any] | None, code: str
    ) -> None:
        """Show the part below the verdict: the player while stepping, else the code if the user
        asked for it, else the totals of this run and of the baseline (`was`).
        """
        self._without_callbacks(lambda: setattr(self.keep, "value", was is not None))
        self.keep.description = "Drop baseline" if was is not None else "Keep as baseline"
        self._totals.value = panel_html.totals(totals, was)
        self._code.value = f"<pre>{escape(code)}</pre>"
        shown = (
            self.player.box
            if self.stepping.value
            else self._code
            if self.show_code.value
            else self._totals
        )
        # Set only if it changes: the browser builds the widget again each time.
        if self._below.children != (shown,):
            self._below.children = (shown,)


def _html(name: str) -> Any:
    return _classed(widgets.HTML(), name)


def _classed(widget: Any, name: str) -> Any:
    widget.add_class(name)
    return widget
