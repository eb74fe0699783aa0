"""Charts of tables: a ranking by need, messages per second on a logarithmic axis, features."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mqlearn.lab import show
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.charts.features import LOOKS
from mqlearn.lab.dashboard import Dashboard
from mqlearn.lab.show import as_run
from mqlearn.runtime.trace import Trace
from mqlearn.study.run import Context, Run
from tests.units.choosing_a_technology.recording import recording

FEATURES = pd.DataFrame(
    {
        "priority": ["native", "emulated", "unsupported"],
        "release_without_charge": ["native", "native", "unsupported"],
    },
    index=["memory", "redis", "kafka"],
)


@dataclass
class Row:
    """One engine of a ranking, as the chart reads it."""

    engine: str
    name: str
    score: float
    bars: dict[str, tuple[float, float]]
    missing: tuple[str, ...] = ()


RANKING = [
    Row("rabbitmq", "RabbitMQ", 80.0, {"order": (20.0, 40.0), "fan-out": (60.0, 60.0)}),
    Row("kafka", "Kafka", 40.0, {"order": (40.0, 40.0), "fan-out": (0.0, 60.0)}, ("fan-out",)),
]


def run_of(**tables: Any) -> Run:
    """A run that has nothing but these tables."""
    return replace(Run.of(Trace()), context=Context(tables=tables), headline="All of it")


def drawn(name: str, ghost: Run | None = None, **tables: Any) -> Any:
    """The chart of this name, drawn alone."""
    board = Dashboard([name], 640, 400)
    board.draw(run_of(**tables), ghost)
    return board.charts[0]


def test_the_dark_parts_of_a_row_are_as_long_as_its_points() -> None:
    """On one scale for all needs, each from the left edge of its column."""
    chart = drawn("ranking", ranking=RANKING)
    had = [path.vertices[:4, 0] for path in chart.had.get_paths()]
    wide = [float(np.ptp(corners)) for corners in had]
    pale = [float(np.ptp(path.vertices[:4, 0])) for path in chart.track.get_paths()]
    assert wide == pytest.approx([scale * pale[1] / 60 for scale in (20, 60, 40, 0)])
    assert pale[0] == pytest.approx(pale[1] * 40 / 60)
    heads = {head.text: head.x for head in chart.heads if head.text}
    assert list(heads) == ["order", "fan-out"]
    assert [corners.min() + chart.left for corners in had] == pytest.approx([*heads.values()] * 2)


def test_an_engine_that_is_out_is_hatched_and_says_so() -> None:
    """Its points are not written, so that no reader takes it for the second."""
    chart = drawn("ranking", ranking=RANKING)
    assert [label.text for label in chart.bars.numbers if label.text] == ["80", "out"]
    assert len(chart.bars.cut.get_paths()) == 1 and chart.bars.values["Kafka"] == 40.0
    assert chart.describe(RANKING) == (
        "Ranking: RabbitMQ 80, Kafka out with 0 points for fan-out. RabbitMQ: order 20 of 40, "
        "fan-out 60 of 60."
    )


def test_a_baseline_of_a_ranking_is_an_outline() -> None:
    """Wherever an engine is now, the outline is its former score."""
    before = run_of(ranking=[replace(RANKING[1], score=70.0), RANKING[0]])
    chart = drawn("ranking", before, ranking=RANKING)
    assert [path.vertices[:, 0].max() for path in chart.bars.ghost.get_paths()] == [80.0, 70.0]


def test_the_measured_dots_are_medians_and_the_lines_their_spread() -> None:
    """On the logarithm of the messages per second, a circle for sends and a square for receives."""
    chart = drawn("measured", measured=recording())
    names = [label.text for label in chart.names if label.text]
    assert names == ["Kafka log", "Kafka share group", "Redis Streams", "SQS (ElasticMQ)"]
    x, y = chart.dots["batched", "send"].get_data()
    assert [round(10**value) for value in x] == [60_000, 50_000, 40_000, 800]
    assert list(y) == pytest.approx([row - 0.17 for row in range(4)])
    x, y = chart.dots["one by one", "receive"].get_data()
    assert [round(10**value) for value in x] == [800, 100, 2_500, 100]
    spread = [10 ** np.array(line)[:, 0] for line in chart.spread.get_segments()]
    assert len(spread) == 16
    assert all(fast / slow == pytest.approx(1.25 / 0.8) for slow, fast in spread)
    assert [text for _, text in chart.ticks.shown] == ["10", "100", "1,000", "10,000", "100,000"]
    assert chart.numbers[0].text == "60,000 · 300"


def test_a_ranking_gives_the_measurements_its_order() -> None:
    """Both of Kafka's where the product is; what is not ranked is last."""
    chart = drawn("measured", measured=recording(), ranking=RANKING)
    names = [label.text for label in chart.names if label.text]
    assert names == ["Kafka log", "Kafka share group", "Redis Streams", "SQS (ElasticMQ)"]
    first = [replace(RANKING[0], engine="sqs"), *RANKING]
    chart = drawn("measured", measured=recording(), ranking=first)
    assert chart.names[0].text == "SQS (ElasticMQ)"


def test_two_settings_of_one_engine_are_two_rows() -> None:
    """Else the spread of the settings would look like that of the rounds."""
    always = recording().query("engine == 'redis'").assign(durability="always")
    chart = drawn("measured", measured=pd.concat([recording(), always]))
    names = [label.text for label in chart.names if label.text]
    assert {"Redis Streams, none", "Redis Streams, always"} < set(names)


def test_features_differ_in_letter_and_hatch_not_in_colour_alone() -> None:
    """A cell for each engine and feature; the letters are those of the legend."""
    chart = drawn("features", features=FEATURES)
    letters = [[label.text for label in row if label.text] for row in chart.letters]
    assert letters[:3] == [["N", "E", "–"], ["N", "N", "–"], []]
    assert {state: len(cells.get_paths()) for state, cells in chart.cells.items()} == {
        "native": 3,
        "emulated": 1,
        "unsupported": 2,
    }
    looks = [(letter, look.get("hatch")) for letter, look in LOOKS.values()]
    assert len(set(looks)) == len({letter for letter, _ in looks}) == 3
    assert chart.describe(FEATURES) == (
        "Features: in memory: native priority, release without charge; emulated –. Redis Streams: "
        "native release without charge; emulated priority. Kafka share group: native –; emulated "
        "–. All others are unsupported."
    )


@pytest.mark.parametrize(
    ("name", "table", "title"),
    [
        (
            "measured",
            recording(),
            "Kafka log sends 200 times as much in batches as one by one; between engines, in "
            "batches, it is at most 75 times",
        ),
        (
            "features",
            FEATURES,
            "3 of 6 are native, 1 emulated; no engine has more than 2 of the 2 features by itself",
        ),
    ],
)
def test_a_table_is_shown_by_its_chart_with_a_title_of_its_own(
    name: str, table: pd.DataFrame, title: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The picture, and below it its sentence."""
    assert show(table, name) is None
    shown = capsys.readouterr().out
    assert "<picture, " in shown and f"\n{name.title()}: " in shown
    board = Dashboard([name], 640, 500)
    kind: Any = type(board.charts[0])
    assert kind.title(table) == title


@pytest.mark.parametrize("name", ["ranking", "measured", "features"])
def test_no_label_sticks_out(name: str, outside: Any) -> None:
    """At the size of a page, with the longest names there are."""
    wide = FEATURES.reindex([*FEATURES.index, "kafka_log", "sqs", "pulsar", "rabbitmq"])
    tables = {"ranking": RANKING, "measured": recording(), "features": wide.fillna("native")}
    board = Dashboard([name], 640, 500)
    board.draw(run_of(**{name: tables[name]}))
    canvas: Canvas = board.canvas
    assert outside(canvas) == []


@pytest.mark.parametrize(
    ("charts", "table", "more", "said"),
    [
        ((), FEATURES, {}, r"run must be .* a table with its chart \(measured, features.*\), got "),
        (("depth",), FEATURES, {}, "charts must be one of 'measured', 'features', .*got 'depth'"),
        (("features", "measured"), FEATURES, {}, "charts must be one chart of a table"),
        (("measured",), FEATURES, {}, "must have the columns engine, .*, got no engine, dur"),
        (("ranking",), FEATURES, {}, "charts must be one of 'measured', .*, got 'ranking'"),
        (("features",), FEATURES, {"at": 1.0}, "at must be None: a table is shown, got 1.0"),
        (
            ("features",),
            FEATURES.replace("emulated", "maybe"),
            {},
            "priority of redis must be one of 'native', 'emulated', 'unsupported', got 'maybe'",
        ),
    ],
)
def test_a_table_that_cannot_be_shown_is_refused(
    charts: tuple[str, ...], table: pd.DataFrame, more: dict[str, Any], said: str
) -> None:
    """By the parameter, with what there is."""
    with pytest.raises(ValueError, match=said):
        show(table, *charts, **more)


@pytest.mark.parametrize("name", ["ranking", "measured", "features"])
def test_a_run_without_the_table_is_shown_empty_with_a_line(name: str) -> None:
    """Not an error: a scenario may have no recording."""
    board = Dashboard([name])
    board.draw(as_run(Trace()))
    chart: Any = board.charts[0]
    assert chart.empty.text and chart.empty.visible
    assert board.sentence(as_run(Trace())) == f"{name.title()}: no table."
