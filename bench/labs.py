"""The answer time of a lab: from a moved slider to the picture's bytes, without the browser."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from itertools import cycle
from typing import Any

from bench.measure import interleaved, table
from mqlearn.lab import Lab
from mqlearn.lab.chart_data import ChartData
from mqlearn.lab.dashboard import Dashboard
from mqlearn.lab.run_cache import RunCache
from mqlearn.units import scenarios


def slider(kind: type[Any]) -> tuple[str, list[Any]]:
    """The lab's first slider that has steps enough, and the values around its default that it is
    moved to in turn.
    """
    field = next(
        each
        for each in fields(kind)
        if isinstance(each.default, float) or (isinstance(each.default, int) and each.default >= 10)
    )
    return field.name, [
        type(field.default)(field.default * share) for share in (0.9, 1.0, 1.1, 1.2)
    ]


def answers(repeats: int = 21, names: Sequence[str] = tuple(scenarios())) -> list[str]:
    """Milliseconds from moving a slider to the picture of these scenarios' labs, in all and by
    part.
    """
    rows: list[tuple[Any, ...]] = [
        ("lab", "sent", "all in all", "simulation", "tables", "drawing", "panel")
    ]
    for name in names:
        taken, messages = _split(scenarios()[name], repeats)
        parts = [
            taken["simulation"],
            taken["tables and drawing"] - taken["drawing"],
            taken["drawing"],
        ]
        cells = [taken["lab"], *parts, taken["lab"] - sum(parts)]
        rows.append((name, f"{messages:,}", *(f"{seconds * 1e3:.1f}" for seconds in cells)))
    return ["lab: milliseconds from a moved slider to the picture, medians", *table(*rows)]


def _split(kind: type[Any], repeats: int) -> tuple[dict[str, float], int]:
    """Median seconds of a whole answer and of its parts, and how many messages or events a run
    has.
    """
    field, values = slider(kind)
    values = values[:repeats]
    lab = Lab(kind)
    board = Dashboard(kind.CHARTS, lab._dashboard.canvas.width, lab._dashboard.canvas.height)
    turns = {name: cycle(values) for name in ("lab", "simulation", "draw", "redraw")}
    runs = {value: kind(**{field: value}).run(0) for value in values}

    def move() -> Callable[[], Any]:
        value = next(turns["lab"])
        lab._runs = RunCache()  # or the fifth move would find the run of the first
        return lambda: lab.set(**{field: value})

    def simulate() -> Callable[[], Any]:
        scenario = kind(**{field: next(turns["simulation"])})
        return lambda: scenario.run(0)

    def draw() -> Callable[[], Any]:
        seen = ChartData(
            kind(**{field: next(turns["draw"])}).run(0)
        )  # none of its tables is made yet
        return lambda: (board.draw(seen), board.png(), board.sentence(seen))

    def redraw() -> Callable[[], Any]:
        seen = ChartData(runs[next(turns["redraw"])])
        board.draw(seen)
        return lambda: (board.draw(seen), board.png(), board.sentence(seen))

    taken = interleaved(
        {"lab": move, "simulation": simulate, "tables and drawing": draw, "drawing": redraw},
        repeats,
    )
    sent = sum(record.event in ("sent", "appended") for record in runs[values[0]].trace.records)
    return taken, sent
