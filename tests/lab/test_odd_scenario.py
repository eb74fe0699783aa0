"""A scenario of one's own with odd names, ranges and totals, and a run that is over at once."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import numpy as np
import pytest

from mqlearn.lab import Lab, show
from mqlearn.lab.charts import CHARTS
from mqlearn.messaging.memory import InMemoryMessageQueue
from mqlearn.messaging.message import Message
from mqlearn.messaging.queue import MessageQueue
from mqlearn.runtime.base import Runtime
from mqlearn.runtime.trace import Trace
from mqlearn.study.run import Run
from mqlearn.study.scenario import Scenario, param
from mqlearn.units.start_here import FailingWork


@dataclasses.dataclass(frozen=True)
class Odd(Scenario):
    """One message, sent at 0 s: then the run is over."""

    TITLE: ClassVar[str] = "订单 <b>\t\n$x$ \ud800"
    CHARTS: ClassVar[tuple[str, ...]] = tuple(CHARTS)[:6]
    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        "a\nb": {"rate": 2.0}, "订": {"rate": 3.0}, "": {"rate": 4.0},
    }  # fmt: skip
    rate: float = param(1.0, unit="个", low=0, high=10, step=0.1, help="<i>\0")
    below: int = param(3, low=-5, high=5)
    tiny: float = param(1e-6, low=0, high=1e-5, step=1e-6)
    large: float = param(1e9, low=0, high=1e12, step=1e9)
    prediction: float | None = param(None, low=0, high=100, help="\ud800?")

    def _simulate(self, runtime: Runtime, queue: MessageQueue | None, seed: int) -> Run:
        trace = Trace()
        InMemoryMessageQueue(runtime=runtime, trace=trace, name="<b>").send(
            Message(id="<script>订\ud800")
        )
        totals: Any = {
            "订\n": np.int64(3), "x" * 500: np.float32(2), "nan": float("nan"), "none": None,
            "inf": float("inf"), "array": np.zeros(3),
        }  # fmt: skip
        verdict = "\ud800订 <b>" + "y" * 1_000_000
        return dataclasses.replace(
            Run.of(trace), scenario=self, seed=seed, verdict=verdict, totals=totals
        )


def test_the_panel_shows_what_can_be_shown() -> None:
    """As text, never as HTML, in a length that a page can have, and in UTF-8."""
    lab = Lab(Odd)
    for name in Odd.PRESETS:
        lab.preset(name)
        assert lab._ui.presets.value == name
    for part in (lab._ui._verdict.value, lab._ui._totals.value, lab._ui._picture.value):
        part.encode()
        assert "<b>" not in part and "<script>" not in part
    for text in (lab.verdict, repr(lab), lab._ui._totals.value):
        text.encode()
        assert len(text) < 1000
    lab.step(0.0)
    assert lab.sentence.startswith("At 0 s: 1 waiting")
    lab._ui.player.next.click()
    assert lab._ui.time == 0.0 and lab.error == ""


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("below", "-3", -3),
        ("below", "−4,0", -4),
        ("tiny", "0,000002", 2e-6),
        ("tiny", "5e-7", 5e-7),
        ("large", "1e12", 1e12),
        ("large", "999.999.999.999", 999_999_999_999.0),
        ("rate", "0,05", 0.05),
    ],
)
def test_small_large_and_negative_numbers_are_typed(name: str, text: str, value: float) -> None:
    """And shown as they are, also between two positions of the slider."""
    lab = Lab(Odd)
    row = lab._ui.rows[name]
    row.entry.value = text
    assert lab.error == "" and getattr(lab.scenario, name) == value
    row.entry.value = row.entry.value + " "
    assert lab.error == "" and getattr(lab.scenario, name) == value


@pytest.mark.parametrize("name", [name for name, kind in CHARTS.items() if kind.takes_prediction])
def test_every_prediction_that_is_allowed_is_drawn(name: str) -> None:
    """However far from what was measured."""
    run = FailingWork().run(0)
    for prediction in (1e12, -1e12, 0):
        show(run, name, prediction=prediction)


def test_the_answers_of_a_room_may_be_far_apart() -> None:
    """From the lowest to the highest number, and ten thousand of them."""
    lab = Lab(FailingWork)
    lab.room([1e12, -1e12, 5])
    assert "The room's 3 answers: from -1,000,000,000,000 to 1,000,000,000,000" in lab.verdict
    lab.room([0.0] * 10_000)
    assert "The room's 10,000 answers" in lab.verdict
