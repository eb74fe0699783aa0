"""Scenarios that fail inside the panel, in whatever way: it says so, and shows what it showed."""

from __future__ import annotations

import dataclasses
from typing import Any

import pandas as pd
import pytest

from mqlearn.lab import Lab
from mqlearn.messaging.memory import InMemoryMessageQueue
from mqlearn.messaging.message import Message
from mqlearn.messaging.retry import RetryPolicy
from mqlearn.runtime.base import WorkerCrash
from mqlearn.runtime.simulation import Simulation
from mqlearn.runtime.trace import Trace
from mqlearn.study.run import Run
from tests.lab.conftest import HandMadeRun, Orders


class Mute(Exception):
    """An exception whose text cannot be read."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


class Forgetful(RetryPolicy):
    """A policy that fails when it is asked."""

    def delay(self, attempt: int, draw: float = 0.0) -> float:
        raise KeyError("how long?")


def reported(scenario: Any, seed: int) -> Any:
    """A simulation that reports what a handed-in policy raised."""
    with Simulation(seed) as sim:
        trace = Trace()
        queue = InMemoryMessageQueue(runtime=sim, trace=trace, retry=Forgetful())
        queue.send(Message(id="order-1"))
        queue.nack(queue.receive(timeout=0))  # type: ignore[arg-type]
    return Run.of(trace)


def without(**changed: Any) -> Any:
    """A run with these attributes instead of its own; None takes one away."""

    def run(scenario: Any, seed: int) -> Any:
        made = HandMadeRun(scenario, seed)
        for name, value in changed.items():
            setattr(made, name, value)
        return made

    return run


def raising(error: BaseException) -> Any:
    """A run that raises this."""

    def run(scenario: Any, seed: int) -> Any:
        raise error

    return run


WAYS: dict[str, tuple[Any, str]] = {
    "exception": (raising(ZeroDivisionError("by none")), "by none"),
    "no text": (raising(ValueError()), "ValueError"),
    "mute": (raising(Mute()), "Mute"),
    "key": (raising(KeyError("order-1")), "KeyError: 'order-1'"),
    "long": (raising(ValueError("x" * 1_000_000)), "x" * 500 + "…"),
    "exit": (raising(SystemExit(2)), "SystemExit: 2"),
    "generator exit": (raising(GeneratorExit()), "GeneratorExit"),
    "crash": (raising(WorkerCrash("gone")), "gone"),
    "reported": (reported, "how long?"),
    "None": (lambda scenario, seed: None, "'NoneType' object has no attribute"),
    "text": (lambda scenario, seed: "done", "'str' object has no attribute"),
    "generator": (lambda scenario, seed: (yield), "'generator' object has no attribute"),
    "frame": (lambda scenario, seed: pd.DataFrame({"a": [1]}), "'DataFrame' object has no attr"),
    "no depth": (without(depth=lambda: None), 'the chart "depth" cannot show this run'),
    "no columns": (without(depth=pd.DataFrame), 'the chart "depth" cannot show this run'),
    "no totals": (without(totals=None), "'NoneType' object"),
    "no end": (without(until="soon"), "could not convert string to float"),
}


@dataclasses.dataclass(frozen=True)
class Failing(Orders):
    """Orders; from five dying on, the run fails in the given way."""

    way: str = "exception"

    def run(self, seed: int = 0) -> Any:
        return WAYS[self.way][0](self, seed) if self.dying >= 5 else HandMadeRun(self, seed)


@pytest.mark.parametrize("way", WAYS)
def test_the_panel_says_what_failed_and_stays_as_it_was(way: str, by_hand: Any) -> None:
    """By the mouse without an exception, by code with it; then the lab goes on."""
    lab, said = Lab(Failing, way=way), WAYS[way][1]
    before = lab.run, lab.scenario, lab.png(), lab.sentence, lab._ui._picture.value
    by_hand(lab._ui.rows["dying"].slider, 7)
    assert said in lab.error and len(lab.error) < 700
    assert (lab.run, lab.scenario, lab.png(), lab.sentence, lab._ui._picture.value) == before
    assert 'class="mq-error"' in lab._ui._verdict.value
    with pytest.raises(BaseException) as caught:  # noqa: PT011 -- whatever it raises
        lab.set(dying=8, prediction=3)
    assert not isinstance(caught.value, KeyboardInterrupt) and said in lab.error
    assert (lab.run, lab.scenario, lab.png(), lab.sentence, lab._ui._picture.value) == before
    assert lab._ui.rows["dying"].value == 2 and "You said" not in lab.verdict
    lab._ui.presets.index = 1  # "all is lost": ten die
    assert said in lab.error and lab.run is before[0]
    by_hand(lab._ui.rows["dying"].slider, 3)
    assert lab.error == "" and lab.run.totals["dead"] == 3


def test_an_interrupt_reaches_the_cell_and_the_lab_goes_on(by_hand: Any) -> None:
    """Also out of a callback; the run that was there stays."""
    WAYS["interrupt"] = raising(KeyboardInterrupt()), ""
    lab = Lab(Failing, way="interrupt")
    before = lab.run
    with pytest.raises(KeyboardInterrupt):
        lab.set(dying=7)
    with pytest.raises(KeyboardInterrupt):
        by_hand(lab._ui.rows["dying"].slider, 7)
    assert lab.run is before and lab.error == "KeyboardInterrupt"
    lab.set(dying=1)
    assert lab.run.totals["dead"] == 1 and lab.error == ""


def test_a_run_that_cannot_be_stepped_through_keeps_its_charts(by_hand: Any) -> None:
    """The button is put back, and the reason shown."""
    WAYS["no instants"] = without(at=None), ""
    lab = Lab(Failing, way="no instants")
    lab.set(dying=6)
    by_hand(lab._ui.stepping, True)
    assert lab.error.startswith("the step-through cannot show this run")
    assert not lab._ui.stepping.value and lab.sentence.startswith("Depth:")
    lab.set(dying=2)
    lab.step(3.0)
    assert lab.sentence.startswith("At 3 s")
