"""A scenario as small as the lab allows: what the panel asks of a scenario and a run, no more. And
what sticks out.
"""

import dataclasses
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest

from mqlearn.lab import Lab
from mqlearn.lab.canvas import Canvas
from mqlearn.runtime.trace import Record
from mqlearn.study.run import Context


def _param(default: Any, low: float, high: float, group: str, **more: Any) -> Any:
    return dataclasses.field(
        default=default,
        metadata={"unit": "", "low": low, "high": high, "step": 1, "group": group, **more},
    )


class HandMadeRun:
    """Ten orders, one a second, each done after a second; the first `dying` of them die instead."""

    def __init__(self, scenario: Any, seed: int) -> None:
        self.scenario, self.seed, self.until = scenario, seed, 12.0
        records = []
        for i in range(1, 11):
            order = ("orders", i, f"order-{i}", "NORMAL", 1)
            ending = (
                ("dead", "worker-0", i, "boom")
                if i <= scenario.dying
                else ("acked", "worker-0", i, "")
            )
            events = [
                (i + 0.0, "sent", "", 0, ""),
                (i + 0.5, "received", "worker-0", i, ""),
                (i + 1.5, *ending),
            ]
            records += [
                Record(t, event, *order, worker, receipt, detail)
                for t, event, worker, receipt, detail in events
            ]
        self.trace = SimpleNamespace(records=sorted(records, key=lambda r: r.time))
        self.totals = {"sent": 10, "dead": scenario.dying}
        self.theory: dict[str, Any] = {}
        self.charts, self.context = (), Context()
        self.verdict = f"{scenario.dying} of 10 orders died."

    def depth(self) -> pd.DataFrame:
        moves = {"sent": (1, 0), "received": (-1, 1), "acked": (0, -1), "dead": (0, -1)}
        steps = np.cumsum([moves[r.event] for r in self.trace.records], axis=0)
        frame = pd.DataFrame(
            steps, columns=["waiting", "in_flight"], index=[r.time for r in self.trace.records]
        )
        return frame.assign(delayed=0, done=0, dead=0)

    def jobs(self) -> pd.DataFrame:
        dying = self.scenario.dying
        rows = [
            {"entry": i, "message_id": f"order-{i}", "priority": "NORMAL", "sent": float(i),
             "settled": i + 1.5, "tries": 1,
             "outcome": "dead" if i <= dying else "completed", "wait": 0.5}
            for i in range(1, 11)
        ]  # fmt: skip
        return pd.DataFrame(rows)

    def tries(self) -> pd.DataFrame:
        rows = [
            {"worker": "worker-0", "entry": i, "attempt": 1, "start": i + 0.5, "end": i + 1.5}
            for i in range(1, 11)
        ]
        return pd.DataFrame(rows)

    def deliveries(self) -> pd.DataFrame:
        return (
            self.tries().rename(columns={"start": "received", "end": "until"}).assign(end="acked")
        )

    def at(self, time: float) -> Any:
        places: dict[int, str] = {}
        for r in self.trace.records:
            if r.time <= time:
                places[r.entry] = r.event
        piece = {i: SimpleNamespace(message_id=f"order-{i}", tries=1) for i in places}
        now = {
            kind: [piece[i] for i, p in places.items() if p == kind]
            for kind in ("sent", "received", "acked", "dead")
        }
        return SimpleNamespace(
            waiting=now["sent"],
            delayed=[],
            done=now["acked"],
            dead=now["dead"],
            workers={"worker-0": now["received"]},
        )


@dataclasses.dataclass(frozen=True)
class Orders:
    """A scenario of ten orders."""

    TITLE: ClassVar[str] = "Ten orders"
    CHARTS: ClassVar[tuple[str, ...]] = ("depth", "dead")
    PREDICTS: ClassVar[str] = "dead"
    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {"all is lost": {"dying": 10}}
    dying: int = _param(2, 0, 10, "failures")
    pace: float = _param(1.0, 0, 5, "load", step=0.1, help="how fast")
    prediction: float | None = _param(None, 0, 10, "load", help="How many die?")

    def run(self, seed: int = 0) -> HandMadeRun:
        if self.pace == 0:
            raise ValueError("pace must be positive, got 0.0")
        return HandMadeRun(self, seed)


@pytest.fixture
def lab() -> Lab:
    """A panel over ten orders."""
    return Lab(Orders)


@pytest.fixture
def scenario() -> type[Orders]:
    """The scenario itself."""
    return Orders


@pytest.fixture
def outside() -> Callable[[Canvas], list[str]]:
    """The labels of a picture that stick out of it at the left or at the right."""

    def found(canvas: Canvas) -> list[str]:
        texts = []
        for label in canvas._labels:
            width = canvas.measure(label.shown(), size=label.size, bold=label.weight == "bold")
            left = label.x - {"left": 0.0, "center": width / 2, "right": width}[label.ha]
            if label.text and label.visible and not (left >= 0 and left + width <= canvas.width):
                texts.append(label.text)
        return texts

    return found


@pytest.fixture
def by_hand() -> Callable[[Any, Any], None]:
    """Move a widget as a browser does."""

    def move(widget: Any, value: Any) -> None:
        data = {"method": "update", "state": {"value": value}, "buffer_paths": []}
        widget._handle_msg({"content": {"data": data}, "buffers": []})

    return move
