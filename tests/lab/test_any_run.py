"""Every chart and the step-through, of every kind of run, with ids in every script: drawn, or
refused in a sentence.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from mqlearn.lab import show
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.charts import CHARTS
from mqlearn.lab.dashboard import Dashboard
from mqlearn.lab.instants import instant_picture
from mqlearn.lab.label import BOX, plain, text_mask
from mqlearn.lab.show import as_run
from mqlearn.runtime.events import EVENTS
from mqlearn.runtime.trace import Record, Trace
from mqlearn.study.run import Run
from tests.lab.traces import TRACES, Name, order

# Ids of every script, and of everything that is no letter; {} is a number.
ODD = (
    "订单-{}", "注文{}番", "주문-{}", "ऑर्डर-{}", "คำสั่ง-{}", "👍🏽👩‍👩‍👧{}", "طلب-{}\u202eabc",
    "a\tb\nc\r\0\x1b[31m{}", "\u200b\u200b", "\ud83d{}\udc4d", "$x^{}$ \\frac %s", " ",
    "x" * 10_000 + "{}", "9" * 10_000, "a word " * 2_000, "{}",
)  # fmt: skip


def odd(first: int) -> Name:
    """Return names that are odd each in another way."""
    return lambda i: ODD[(first + i) % len(ODD)].replace("{}", str(i))


# a trace uses names 0 to 9: with three starts each is a message, a key, a member, a queue somewhere
NAMES: dict[str, Name] = {"ours": order, **{f"odd {i}": odd(i) for i in (0, 5, 11)}}


@cache
def run_of(kind: str, script: str) -> Any:
    """Return the run of a trace of this kind, with names in this script."""
    return as_run(TRACES[kind](NAMES[script]))


@cache
def board_of(name: str) -> Dashboard:
    """Return the dashboard of one chart; a lab's, too, is used for many runs."""
    return Dashboard((name,), 640, 260)


def refusal(look: Callable[..., object], *args: Any) -> str:
    """Return the sentence of the ValueError that a call raises; "" if it raises none."""
    try:
        look(*args)
    except ValueError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("script", NAMES)
@pytest.mark.parametrize("kind", [kind for kind in TRACES if kind != "by_hand"])
def test_every_chart_draws_every_run(kind: str, script: str) -> None:
    """What a run does not have is empty, and what a font does not have is a box."""
    run = run_of(kind, script)
    for name in CHARTS:
        board = board_of(name)
        board.draw(run, run)
        assert board.png().startswith(b"\x89PNG")
        said = board.sentence(run)
        assert not {*"\n\t\r\0\x1b\u202e"} & {*said}
        said.encode()  # half of a surrogate pair could not be sent to a browser


@pytest.mark.parametrize("script", NAMES)
@pytest.mark.parametrize("kind", [kind for kind in TRACES if kind != "by_hand"])
def test_every_run_is_stepped_through(kind: str, script: str) -> None:
    """At its beginning, in the middle and at its end."""
    run = run_of(kind, script)
    picture = instant_picture(run)()
    for time in (0.0, run.until / 2, run.until):
        picture.draw(run, time)
        assert picture.png().startswith(b"\x89PNG") and picture.sentence.startswith("At ")
        picture.sentence.encode()


@pytest.mark.parametrize("name", CHARTS)
@pytest.mark.parametrize("kind", TRACES)
def test_a_chart_of_something_else_is_refused_in_a_sentence(
    kind: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """`show` draws the chart, or says what the chart needs and what there is; nothing else is
    raised.
    """
    run = run_of(kind, "ours")
    kinds = {record.event for record in run.trace.records}
    if kinds and not kinds & {*CHARTS[name].needs}:
        with pytest.raises(ValueError, match=f"charts must be .*'{name}' needs .*, and there are"):
            show(run, name)
        assert capsys.readouterr().out == ""
        return
    error = refusal(lambda: show(run, name))
    assert error == "" or kind == "by_hand"
    assert error.startswith(f'the chart "{name}" cannot show this run' if error else "")
    assert ("<picture" in capsys.readouterr().out) == (not error)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("queue", "Depth: "),
        ("live", "Depth: "),
        ("stream", "Sizes: "),
        ("group", "Sizes: "),
        ("store", "Sizes: partition "),
        ("breaker", "Breaker: open"),
        ("both", "Depth: "),
        ("empty", "Depth: "),
    ],
)
def test_a_trace_is_shown_by_charts_of_what_it_has(
    kind: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not by the empty depth of a queue that is not there."""
    show(run_of(kind, "ours").trace)
    assert said in capsys.readouterr().out


def test_a_live_trace_begins_at_zero() -> None:
    """Its records have dates; a chart from 1970 to today would show a stroke at its right edge."""
    trace = TRACES["live"](order)
    run, later = as_run(trace), trace.records[0].time
    assert later > 1e9 and run.until == trace.records[-1].time - later < 60
    assert [record.time for record in run.trace.records] == [
        record.time - later for record in trace.records
    ]
    assert as_run(run) is run and as_run(Run.of(trace)).until == run.until


@pytest.mark.parametrize("event", EVENTS)
def test_a_record_that_says_too_little_is_refused_in_a_sentence(event: str) -> None:
    """By every chart and the step-through: either drawn, or a ValueError that names the picture."""
    trace = Trace()
    trace.record(Record(1.0, event, "mine", 1, "a"))
    run = as_run(TRACES["empty"](order))
    object.__setattr__(run, "trace", trace)
    for name in CHARTS:
        board = board_of(name)
        for look in (board.draw, board.sentence):
            error = refusal(look, run)
            assert error.startswith(f'the chart "{name}" cannot show this run' if error else "")
    error = refusal(instant_picture(run)().draw, run, 2.0)
    assert error.startswith("the step-through cannot show this run" if error else "")


def test_a_letter_that_the_font_lacks_is_a_box_of_its_own_width() -> None:
    """Every one the same, and all of it ink: nothing is skipped, nothing overlaps."""
    one, above, width = text_mask("单", 9.0, "normal")
    assert one.sum() > 0 and above > 9
    two, _, double = text_mask("订👍", 9.0, "normal")
    assert double == 2 * width and two.sum() == 2 * one.sum()


def test_plain_shows_every_character_in_one_line() -> None:
    """A box for what is not to be seen; the end of a word without end is cut."""
    assert plain("a\tb\nc\0\u202e\ud800") == f"a{BOX}b{BOX}c{BOX}{BOX}{BOX}"
    assert plain("order-17 订单 $x$ é 👍") == "order-17 订单 $x$ é 👍"
    assert plain("x" * 10_000 + " y") == "x" * 100 + "… y"


def test_a_label_is_cut_to_its_room_and_a_title_to_its_line() -> None:
    """Its beginning stays, as much of it as fits."""
    canvas = Canvas(300, 60)
    label = canvas.text(290, 20, "order-" + "9" * 500, ha="right", room=70)
    assert label.shown() == "order-99…"
    assert canvas.measure(label.shown()) <= 70
    (title,) = canvas.wrap("y" * 500, 200, lines=1, size=11)
    assert canvas.measure(title, size=11) <= 200 and title.endswith("y…")
