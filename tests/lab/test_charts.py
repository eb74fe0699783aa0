"""Charts draw what the tables say, and say it."""

from typing import Any

import numpy as np
import pytest

from mqlearn.lab import replay, show
from mqlearn.lab.canvas import Canvas
from mqlearn.lab.charts import CHARTS
from mqlearn.lab.charts.steps import downsample
from mqlearn.lab.dashboard import Dashboard
from mqlearn.lab.style import nice_top, number, time_ticks
from mqlearn.study.verdict import forget, remember


@pytest.mark.parametrize("name", sorted(CHARTS))
def test_every_chart_draws_over_a_baseline_and_says_a_sentence(name: str, scenario: Any) -> None:
    """No chart needs the others, and each leaves ink on the paper."""
    board = Dashboard([name])
    run, ghost = scenario(dying=3).run(0), scenario(dying=1).run(0)
    board.draw(run, ghost)
    assert (board.canvas.pixels() != 255).any() and board.sentence(run).endswith(".")


def test_a_peak_shorter_than_a_pixel_is_still_drawn() -> None:
    """Each slice of time shows its highest instant."""
    edges, values = downsample(
        np.array([0.0, 5.01, 5.02]), np.array([[1.0, 9.0, 1.0]]), 0.0, 10.0, 10
    )
    assert values[0].tolist() == [1, 1, 1, 1, 1, 9, 1, 1, 1, 1] and len(edges) == 11


def test_an_axis_widens_in_round_steps_and_narrows_late() -> None:
    """A dragged slider moves the curve, not the axis."""
    assert (
        nice_top(39) == 40
        and nice_top(41, 40) == 60
        and nice_top(20, 60) == 60
        and nice_top(5, 60) == 6
    )


def test_numbers_and_ticks_are_written_as_people_write_them() -> None:
    """Three figures, thousands apart, the unit once; long days by the clock."""
    assert [number(v) for v in (1204, 26.0, 7.69, 0.0123)] == ["1,204", "26", "7.69", "0.012"]
    assert [label for _, label in time_ticks(0, 600)] == ["0", "120", "240", "360", "480", "600 s"]
    assert time_ticks(0, 86400)[1][1] == "04:00"


def test_a_title_is_cut_at_its_last_line() -> None:
    """No label runs out of the picture."""
    lines = Canvas(100, 50).wrap("one two three four five six seven", 60, lines=2, size=9)
    assert len(lines) == 2 and lines[1].endswith("…")


def test_an_unknown_chart_is_refused_by_name() -> None:
    """The error lists the charts there are."""
    with pytest.raises(ValueError, match=r"charts must be among .*depth.*, got 'pie'"):
        Dashboard(["pie"])


def test_show_prints_the_sentence_under_the_picture(
    scenario: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """A notebook's text says what its picture shows, which nbval can compare."""
    assert show(scenario().run(0), "dead") is None
    assert capsys.readouterr().out.endswith("Dead letters: 2, the first at 2.5 s (2 boom).\n")


def test_replay_shows_the_run_that_a_check_failed_on(
    scenario: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """By its seed, or the last one; a seed that did not fail is refused."""
    forget()
    remember(17, lambda: scenario(dying=9).run(17))
    replay(17)
    assert "order-1 dead" in capsys.readouterr().out
    with pytest.raises(LookupError):
        replay(18)
    forget()
