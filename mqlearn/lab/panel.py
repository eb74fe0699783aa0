"""The lab: one panel over one scenario. Move a control, and the run, the charts and the sentence
follow.
"""

import base64
import dataclasses
import threading
from collections.abc import Iterable
from typing import Any

from mqlearn.lab import fields, page, style
from mqlearn.lab.board import Board
from mqlearn.lab.charts import Marks
from mqlearn.lab.controls import Controls
from mqlearn.lab.view import View, view
from mqlearn.runtime import check

KEPT = 16  # runs that a lab remembers: a slider that is moved to and fro finds them again
DEFAULT_CHARTS = ("depth", "dead")


class Lab:
    """An interactive panel over a scenario class: `Lab(WorkQueue, seed=7, workers=2)`.

    What the mouse does, code does too: `set`, `preset`, `predict`, `room`, `keep`, `step`,
    `reroll`, `reset`. `run` is the run on show, `verdict` and `sentence` say what it came to and
    what the picture shows.
    """

    def __init__(self, scenario: type[Any], seed: int = 0, **settings: Any) -> None:
        if not (isinstance(scenario, type) and hasattr(scenario, "__dataclass_fields__")):
            raise TypeError(f"scenario must be a scenario class, got {scenario!r}")
        check.whole("seed", seed, low=-(2**63))
        self._type = scenario
        self._lock = threading.RLock()  # JupyterLab may call a slider's callback on another thread
        self._rows = {f.name: f for f in fields.settable(scenario)}
        self._start = scenario(**self._known(settings))
        self._start_seed = self.seed = seed
        self.scenario: Any = self._start
        self.error = ""
        self.baseline: Any = None
        self._baseline_view: View | None = None
        self._marks = Marks(prediction=getattr(self.scenario, fields.PREDICTION, None))
        names = tuple(getattr(scenario, "CHARTS", DEFAULT_CHARTS))
        self._board = Board(
            names, page.RIGHT, page.PICTURE_HEIGHT, marks_on=getattr(scenario, "PREDICTS", None)
        )
        self._ui = Controls(self, list(self._rows.values()))
        self._kept: dict[tuple[Any, int], View] = {}
        self.run: Any = self.scenario.run(seed)
        self._seen = view(self.run)
        self._show()

    def set(self, **settings: Any) -> None:
        """Change fields of the scenario by name and run it, as if their controls had been moved.

        Raises TypeError for a name the scenario has not, ValueError for a value it refuses; the
        panel then still shows the last good run and says why.
        """
        with self._lock:
            checked = self._known(settings)
            try:
                checked = {
                    name: self._ui.rows[name].check(value) if name in self._ui.rows else value
                    for name, value in checked.items()
                }
                scenario = dataclasses.replace(self.scenario, **checked)
                if fields.PREDICTION in checked:  # only one that was not refused
                    self._marks = dataclasses.replace(
                        self._marks, prediction=checked[fields.PREDICTION]
                    )
                self._adopt(scenario, self.seed)
            except Exception as error:
                self._complain(error)
                raise

    def predict(self, value: float | None) -> None:
        """Say what you expect: drawn dashed over the result, and the verdict says how far off it
        was.
        """
        with self._lock:
            if value is not None:
                check.number("value", value)
            takes = fields.PREDICTION in {f.name for f in dataclasses.fields(self._type)}
            scenario = (
                dataclasses.replace(self.scenario, prediction=value) if takes else self.scenario
            )
            # only one that was not refused
            self._marks = dataclasses.replace(self._marks, prediction=value)
            if takes:
                self._adopt(scenario, self.seed)
            else:
                self._show()

    def room(self, answers: Iterable[float]) -> None:
        """Draw everybody's answers over the result, a mark each; an empty list takes them away."""
        with self._lock:
            self._marks = dataclasses.replace(self._marks, room=_numbers("answers", answers))
            self._show()

    def preset(self, name: str) -> None:
        """Take the settings of an incident by its name; the rest is as the lab began."""
        presets = getattr(self._type, "PRESETS", {})
        check.instance("name", name, str)
        if name not in presets:
            raise ValueError(
                f"name must be one of {', '.join(presets) or 'no presets'}, got {name!r}"
            )
        with self._lock:
            mine = (
                {fields.PREDICTION: self._marks.prediction}
                if hasattr(self._start, fields.PREDICTION)
                else {}
            )
            self._adopt(dataclasses.replace(self._start, **{**mine, **presets[name]}), self.seed)
            self._ui.name_preset(name)

    def reset(self) -> None:
        """Back to the settings and the seed that the lab began with; a baseline stays."""
        with self._lock:
            self._marks = Marks(prediction=getattr(self._start, fields.PREDICTION, None))
            self._adopt(self._start, self._start_seed)

    def reroll(self) -> None:
        """The same settings with the next seed: what differs now is chance."""
        with self._lock:
            self._adopt(self.scenario, self.seed + 1)

    def keep(self, kept: bool = True) -> None:
        """Keep this run as the grey baseline, or drop the baseline with `keep(False)`."""
        check.instance("kept", kept, bool)
        with self._lock:
            self.baseline, self._baseline_view = (self.run, self._seen) if kept else (None, None)
            self._show()

    def step(self, time: float | None) -> None:
        """Show what is where at `time` (s) instead of the charts; `step(None)` goes back to
        them.
        """
        check.number("time", time, optional=True)
        with self._lock:
            self._ui.step(None if time is None else min(max(time, 0.0), float(self.run.until)))
            self._show()

    def code(self) -> str:
        """Three lines of Python that make the run on show again."""
        plain = self._type()
        changed = [
            f"{f.name}={getattr(self.scenario, f.name)!r}"
            for f in dataclasses.fields(self._type)
            if getattr(self.scenario, f.name) != getattr(plain, f.name)
            and f.name != fields.PREDICTION
        ]
        made = f"{self._type.__name__}({', '.join(changed)})"
        imported = f"from {_public(self._type)} import {self._type.__name__}"
        return f"{imported}\nrun = {made}.run(seed={self.seed})\nprint(run.verdict)"

    @property
    def verdict(self) -> str:
        """The run's one sentence, and how far off the prediction was unless the run says so
        itself.
        """
        said = str(self.run.verdict)
        guess, chart = self._marks.prediction, self.charts.get(str(self._board.marks_on))
        found = None if chart is None else chart.measured(self._seen)
        if guess is not None and found is not None and "you said" not in said.lower():
            said += f" You said {style.number(guess)}, it is {style.number(found)}."
        if self._marks.room:
            said += (
                f" The room's {style.count(len(self._marks.room), 'answer')}: "
                f"{_spread(self._marks.room)}."
            )
        return said

    @property
    def sentence(self) -> str:
        """What the picture shows, with numbers: its text for those who do not see it."""
        return (
            self._ui.instant_sentence()
            if self._ui.time is not None
            else self._board.sentence(self._seen)
        )

    @property
    def charts(self) -> dict[str, Any]:
        """The charts on show by name, for tests and the curious."""
        return {chart.name: chart for chart in self._board.charts}

    @property
    def widget(self) -> Any:
        """The panel as an ipywidgets box."""
        return self._ui.box

    def png(self) -> bytes:
        """The picture on show."""
        return self._ui.png if self._ui.png else self._board.png()

    def _adopt(self, scenario: Any, seed: int) -> None:
        """Run `scenario`; only if that works, take it over and show it."""
        seen = self._kept.pop((scenario, seed), None) or view(scenario.run(seed))
        # the same settings and seed give the same run: it need not be made again
        self._kept[scenario, seed] = seen
        if len(self._kept) > KEPT:
            del self._kept[next(iter(self._kept))]
        self.scenario, self.seed, self.run, self.error = scenario, seed, seen.run, ""
        self._seen = seen
        self._ui.follow(scenario)
        self._show()

    def by_hand(self, settings: dict[str, Any]) -> None:
        """A control was moved: run with the new values, or say in the panel what is wrong with
        them.
        """
        with self._lock:
            try:
                self._adopt(dataclasses.replace(self.scenario, **settings), self.seed)
            except Exception as error:  # would vanish in the log of the kernel
                self._complain(error, put_back=False)

    def _complain(self, error: Exception, *, put_back: bool = True) -> None:
        self.error = str(error) or type(error).__name__
        if put_back:
            self._ui.follow(self.scenario)
        self._ui.say(self.verdict, self.error)

    def _show(self) -> None:
        if self._ui.time is None:
            self._board.draw(self._seen, self._baseline_view, self._marks)
            self._ui.picture(self._board.png(), self._board.sentence(self._seen))
        else:
            self._ui.draw_instant(self.run)
        self._ui.say(self.verdict, self.error)
        self._ui.below(
            self.run.totals, None if self.baseline is None else self.baseline.totals, self.code()
        )

    def _known(self, settings: dict[str, Any]) -> dict[str, Any]:
        names = [f.name for f in dataclasses.fields(self._type)]
        for name in settings:
            if name not in names:
                raise TypeError(
                    f"{self._type.__name__} has no setting {name!r}; it has {', '.join(names)}"
                )
        return settings

    def __repr__(self) -> str:
        return f"Lab({self._type.__name__}, seed={self.seed}): {self.run.verdict}"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:  # noqa: ARG002 -- IPython asks so
        """The live panel; beside it a picture and a line of text for where no kernel runs."""
        live = dict(self.widget._repr_mimebundle_() or {})
        return {
            **live,
            "image/png": base64.b64encode(self.png()).decode(),
            "text/plain": repr(self),
        }


def _numbers(name: str, values: Iterable[float]) -> tuple[float, ...]:
    check.instance(name, values, Iterable)
    found = tuple(values)
    for value in found:
        check.number(name, value)
    return found


def _spread(answers: tuple[float, ...]) -> str:
    middle = sorted(answers)[len(answers) // 2]
    low, high = style.number(min(answers)), style.number(max(answers))
    return f"from {low} to {high}, the middle one {style.number(middle)}"


def _public(scenario: type[Any]) -> str:
    """The shortest module that a scenario can be imported from."""
    module = scenario.__module__
    parent = module.rpartition(".")[0]
    try:
        found = (
            getattr(__import__(parent, fromlist=["_"]), scenario.__name__, None) if parent else None
        )
    except ImportError:
        found = None
    return parent if found is scenario else module
