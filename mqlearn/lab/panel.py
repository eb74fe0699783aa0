"""The lab: a panel over a scenario. When a control is moved, the scenario is run again, and the
charts and the verdict change.
"""

import base64
import dataclasses
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from mqlearn.lab import fields, panel_html, style
from mqlearn.lab.cells import remember
from mqlearn.lab.chart_data import ChartData
from mqlearn.lab.charts import Predictions
from mqlearn.lab.charts.base import MOST
from mqlearn.lab.controls import Controls
from mqlearn.lab.dashboard import Dashboard
from mqlearn.lab.first_fields import first_names
from mqlearn.lab.label import plain
from mqlearn.lab.run_cache import RunCache
from mqlearn.runtime import check
from mqlearn.runtime.handed_in import reason_of

DEFAULT_CHARTS = ("depth", "dead")


class Lab:
    """An interactive panel over a scenario class: `Lab(WorkQueue, seed=7, workers=2)`.

    For each control there is a method: `set`, `preset`, `predict`, `room`, `keep`, `step`,
    `reroll`, `reset`. `run` is the run that is shown, `verdict` its result in a sentence,
    `sentence` its picture in words. A cell that makes a lab and is run again closes the lab that it
    has made before; a lab of another cell is closed by `close`.
    """

    def __init__(self, scenario: type[Any], seed: int = 0, **settings: Any) -> None:
        if not (isinstance(scenario, type) and hasattr(scenario, "__dataclass_fields__")):
            raise TypeError(f"scenario must be a scenario class, got {check.short_repr(scenario)}")
        seed = check.whole("seed", seed, low=-(2**63))
        self._type = scenario
        # A control's callback may come on another thread than the cell that uses the lab. The lock
        # is reentrant: a callback sets widgets, whose own callbacks come back here.
        self._lock = threading.RLock()
        self._rows = {f.name: f for f in fields.settable(scenario)}
        self._first = first_names(scenario)
        self._start = scenario(**self._known(settings))
        self._start_seed = self.seed = seed
        self.scenario: Any = self._start
        self._runs = RunCache()
        # first: if it raises, no widget has been made yet
        self._data = self._runs.get(self.scenario, seed)
        self.run: Any = self._data.run
        self.closed = False
        self.error = ""
        self.baseline: Any = None
        self._baseline_data: ChartData | None = None
        self._predictions = Predictions(prediction=getattr(self.scenario, fields.PREDICTION, None))
        names = tuple(getattr(scenario, "CHARTS", DEFAULT_CHARTS))
        self._dashboard = Dashboard(
            names,
            panel_html.RIGHT,
            panel_html.PICTURE_HEIGHT,
            predicted_chart=getattr(scenario, "PREDICTS", None),
        )
        self._ui = Controls(self, list(self._rows.values()))
        try:
            self._show()
        except BaseException:
            self.close()
            raise
        remember(self)

    def set(self, **settings: Any) -> None:
        """Change fields of the scenario by name and run it, as if their controls had been moved.

        Raises TypeError for a name that the scenario does not have, ValueError for a value that it
        refuses; the panel then shows the reason, and still the last run that worked.
        """
        with self._change():
            checked = self._known(settings)
            try:
                checked = {
                    name: self._ui.rows[name].check(value) if name in self._ui.rows else value
                    for name, value in checked.items()
                }
                scenario = dataclasses.replace(self.scenario, **checked)
                self._adopt(scenario, self.seed)
            except BaseException as error:
                self._show_error(error)
                raise

    def predict(self, value: float | None) -> None:
        """Set your prediction (None removes it): it is drawn as a dashed line over the result, and
        the verdict compares the two.
        """
        with self._change():
            value = check.number("value", value, low=-MOST, high=MOST, optional=True)
            scenario = self.scenario
            if fields.PREDICTION in {f.name for f in dataclasses.fields(self._type)}:
                scenario = dataclasses.replace(scenario, prediction=value)
            predictions = dataclasses.replace(self._predictions, prediction=value)
            self._adopt(scenario, self.seed, predictions)

    def room(self, answers: Iterable[float]) -> None:
        """Draw the answers of a class over the result, one mark for each answer; an empty list
        removes them.
        """
        with self._change():
            predictions = dataclasses.replace(self._predictions, room=_numbers("answers", answers))
            self._adopt(self.scenario, self.seed, predictions)

    def preset(self, name: str) -> None:
        """Use the settings of an incident by its name; all other fields get the values that the lab
        began with.
        """
        presets = getattr(self._type, "PRESETS", {})
        check.instance("name", name, str)
        if name not in presets:
            raise ValueError(
                f"name must be one of {', '.join(presets) or 'no presets'}, got "
                f"{check.short_repr(name)}"
            )
        with self._change():
            # the prediction stays: a class predicts first, and then chooses the incident
            mine = (
                {fields.PREDICTION: self._predictions.prediction}
                if hasattr(self._start, fields.PREDICTION)
                else {}
            )
            self._adopt(dataclasses.replace(self._start, **{**mine, **presets[name]}), self.seed)
            self._ui.name_preset(name)

    def reset(self) -> None:
        """Return to the settings and the seed that the lab began with; a baseline stays."""
        with self._change():
            guess = Predictions(prediction=getattr(self._start, fields.PREDICTION, None))
            self._adopt(self._start, self._start_seed, guess)

    def reroll(self) -> None:
        """Run the same settings with the next seed: any difference is then due to chance."""
        with self._change():
            self._adopt(self.scenario, self.seed + 1)

    def keep(self, kept: bool = True) -> None:
        """Keep this run as the grey baseline, or drop the baseline with `keep(False)`."""
        check.instance("kept", kept, bool)
        with self._change():
            self.baseline, self._baseline_data = (self.run, self._data) if kept else (None, None)
            self._show()

    def step(self, time: float | None) -> None:
        """Show the instant `time` (s) of the run instead of the charts, or with None the charts."""
        time = check.number("time", time, optional=True)
        with self._change():
            try:
                self._ui.step(None if time is None else min(max(time, 0.0), float(self.run.until)))
                self._show()
            except BaseException:  # a run that cannot be stepped through
                self._ui.step(None)
                self._show()
                raise

    def code(self) -> str:
        """Return three lines of Python that repeat the shown run."""
        plain = self._type()
        changed = [
            f"{f.name}={getattr(self.scenario, f.name)!r}"
            for f in dataclasses.fields(self._type)
            if getattr(self.scenario, f.name) != getattr(plain, f.name)
            and f.name != fields.PREDICTION
        ]
        made = f"{self._type.__name__}({', '.join(changed)})"
        imported = f"from {_public(self._type)} import {self._type.__name__}"
        if "read_arrivals(" in made:
            imported += "\nfrom mqlearn.study.arrivals import read_arrivals"
        return f"{imported}\nrun = {made}.run(seed={self.seed})\nprint(run.verdict)"

    @property
    def verdict(self) -> str:
        """The run's result in a sentence, with the prediction beside the number that was
        measured.
        """
        text = str(self.run.verdict)
        guess, chart = (
            self._predictions.prediction,
            self.charts.get(str(self._dashboard.predicted_chart)),
        )
        found = None if chart is None else chart.measured(self._data)
        # Some scenarios compare in their own words.
        if guess is not None and found is not None and "you said" not in text.lower():
            text += f" You said {style.number(guess)}, it is {style.number(found)}."
        if self._predictions.room:
            text += (
                f" The room's {style.count(len(self._predictions.room), 'answer')}: "
                f"{_spread(self._predictions.room)}."
            )
        return plain(text)

    @property
    def sentence(self) -> str:
        """The picture in words, with numbers: its text for readers who cannot see it."""
        return (
            self._ui.instant_sentence()
            if self._ui.time is not None
            else self._dashboard.sentence(self._data)
        )

    @property
    def charts(self) -> dict[str, Any]:
        """The charts on show, by name."""
        return {chart.name: chart for chart in self._dashboard.charts}

    @property
    def widget(self) -> Any:
        """The panel as an ipywidgets box."""
        return self._ui.box

    def png(self) -> bytes:
        """Return the picture on show, as PNG bytes."""
        return self._ui.png if self._ui.png else self._dashboard.png()

    def close(self) -> None:
        """Remove the panel from the page, and free its widgets and its former runs. `run` and
        `verdict` stay; to move a control afterwards raises RuntimeError.
        """
        with self._lock:
            self.closed = True
            self._ui.close()
            self._runs = RunCache()
            self.baseline = self._baseline_data = None

    @contextmanager
    def _change(self) -> Iterator[None]:
        with self._lock:
            if self.closed:
                raise RuntimeError("this lab is closed: make a new one")
            yield

    def _adopt(self, scenario: Any, seed: int, predictions: Predictions | None = None) -> None:
        """Run `scenario` and show it. If the run, or its picture, raises an exception, the lab does
        not change.
        """
        # first: if it raises, nothing of the lab has changed yet
        data = self._runs.get(scenario, seed)
        before = self.scenario, self.seed, self.run, self._data, self._predictions, self.error
        if predictions is None:
            predictions = self._predictions
            if hasattr(scenario, fields.PREDICTION):
                guess = getattr(scenario, fields.PREDICTION)
                predictions = dataclasses.replace(predictions, prediction=guess)
        self.scenario, self.seed, self.run, self.error = scenario, seed, data.run, ""
        self._data, self._predictions = data, predictions
        try:
            self._ui.show_settings(scenario)
            self._show()
        except BaseException:  # a run that is none, or whose tables are not as charts read them
            self.scenario, self.seed, self.run, self._data, self._predictions, self.error = before
            self._ui.show_settings(self.scenario)
            self._show()
            raise

    def _control_moved(self, settings: dict[str, Any]) -> None:
        """Run with the values of a moved control, or show in the panel why that does not work."""
        with self._change():
            try:
                self._adopt(dataclasses.replace(self.scenario, **settings), self.seed)
            # Raised in a callback it would only reach the kernel's log, and SystemExit the kernel.
            except BaseException as error:
                self._show_error(error, put_back=False)
                if isinstance(error, KeyboardInterrupt):
                    raise

    def _show_error(self, error: BaseException, *, put_back: bool = True) -> None:
        """Show an error in the panel; `put_back` sets the controls to the values of the run that is
        shown.

        A control that a user moves is not put back: while a number is being typed, its first digits
        alone may be refused.
        """
        self.error = reason_of(error)
        if put_back:
            self._ui.show_settings(self.scenario)
        self._ui.show_verdict(self.verdict, self.error)

    def _show(self) -> None:
        if self._ui.time is None:
            self._dashboard.draw(self._data, self._baseline_data, self._predictions)
            self._ui.show_picture(self._dashboard.png(), self._dashboard.sentence(self._data))
        else:
            self._ui.draw_instant(self.run)
        self._ui.show_verdict(self.verdict, self.error)
        self._ui.show_below(
            self.run.totals, None if self.baseline is None else self.baseline.totals, self.code()
        )

    def _known(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Return `settings`; TypeError for a name that is no field of the scenario."""
        names = [f.name for f in dataclasses.fields(self._type)]
        for name in settings:
            if name not in names:
                raise TypeError(
                    f"{self._type.__name__} has no setting {check.short_repr(name)}; it has "
                    f"{', '.join(names)}"
                )
        return settings

    def __repr__(self) -> str:
        verdict = plain(self.run.verdict)
        return f"Lab({self._type.__name__}, seed={self.seed}): {verdict}"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:  # noqa: ARG002 -- IPython asks so
        """Return the live panel, and a picture and a line of text for pages without a kernel."""
        # Jupyter shows the richest of these that it can.
        live = {} if self.closed else dict(self.widget._repr_mimebundle_() or {})
        return {
            **live,
            "image/png": base64.b64encode(self.png()).decode(),
            "text/plain": repr(self),
        }


def _numbers(name: str, values: Iterable[float]) -> tuple[float, ...]:
    check.instance(name, values, Iterable)
    if getattr(values, "ndim", 1) != 1:  # an array of numpy's, which may have no or several axes
        raise TypeError(f"{name} must be a list of numbers, got {check.short_repr(values)}")
    return tuple(check.number(name, value, low=-MOST, high=MOST) for value in values)


def _spread(answers: tuple[float, ...]) -> str:
    middle = sorted(answers)[len(answers) // 2]
    low, high = style.number(min(answers)), style.number(max(answers))
    return f"from {low} to {high}, the middle one {style.number(middle)}"


def _public(scenario: type[Any]) -> str:
    """Return the shortest module name that a scenario can be imported from."""
    # A unit's package may export the class that is defined in one of its modules.
    module = scenario.__module__
    parent = module.rpartition(".")[0]
    try:
        found = (
            getattr(__import__(parent, fromlist=["_"]), scenario.__name__, None) if parent else None
        )
    except ImportError:
        found = None
    return parent if found is scenario else module
