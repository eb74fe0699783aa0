"""The panel without a kernel: controls in, a run and its picture out."""

import base64
import struct
from typing import Any

import pytest

from mqlearn.lab import Lab
from mqlearn.units.messages_and_queues.scenario import PriorityMix
from mqlearn.units.start_here.scenario import FailingWork


def test_a_moved_slider_runs_the_scenario_and_moves_its_number_field(
    lab: Lab, by_hand: Any
) -> None:
    """The browser's own message ends in another run, and both widgets agree."""
    row = lab._ui.rows["dying"]
    by_hand(row.slider, 5)
    assert lab.run.totals["dead"] == 5 and row.entry.value == "5"
    assert lab.charts["dead"].line.get_ydata()[-1] == 5


def test_a_typed_number_moves_the_slider(lab: Lab, by_hand: Any) -> None:
    """The number field is as good as the slider."""
    by_hand(lab._ui.rows["dying"].entry, "7")
    assert lab.run.totals["dead"] == 7 and lab._ui.rows["dying"].slider.value == 7


def test_set_refuses_what_the_scenario_has_not(lab: Lab) -> None:
    """An unknown name raises TypeError that names it and the names there are."""
    with pytest.raises(TypeError, match=r"no setting 'dieing'.*dying"):
        lab.set(dieing=3)


@pytest.mark.parametrize("value", [11, -1, 2.5])
def test_set_refuses_impossible_values_and_changes_nothing(lab: Lab, value: float) -> None:
    """The error names field, rule and value; the last good run stays."""
    with pytest.raises(ValueError, match=f"dying must be .*, got {value}"):
        lab.set(dying=value)
    assert lab.run.totals["dead"] == 2 and f"got {value}" in lab._ui._verdict.value


def test_a_scenario_that_raises_is_told_in_the_panel_and_the_last_chart_kept(
    lab: Lab, by_hand: Any
) -> None:
    """An exception in a callback would vanish: it is shown, and gone after the next good run."""
    before = lab._ui._picture.value
    by_hand(lab._ui.rows["pace"].slider, 0)
    assert lab.error == "pace must be positive, got 0.0" and lab.error in lab._ui._verdict.value
    assert lab._ui._picture.value == before
    by_hand(lab._ui.rows["pace"].slider, 20)  # steps of 0.1
    assert lab.scenario.pace == 2.0 and lab._ui.rows["pace"].entry.value == "2"
    assert lab.error == "" and "positive" not in lab._ui._verdict.value


def test_a_kept_run_is_the_grey_baseline_until_dropped(lab: Lab) -> None:
    """The ghost keeps its own numbers while the run changes."""
    lab.keep()
    lab.set(dying=6)
    dead = lab.charts["dead"]
    assert (
        dead.ghost.get_ydata()[-1] == 2
        and dead.line.get_ydata()[-1] == 6
        and dead.ghost.get_visible()
    )
    assert "baseline" in lab._ui._totals.value and lab._ui.keep.value
    lab.keep(False)
    assert not dead.ghost.get_visible() and lab.baseline is None


def test_a_prediction_is_a_dashed_line_and_a_room_a_rug(lab: Lab, by_hand: Any) -> None:
    """Predictions stand at their own heights over the result; nonsense is refused in the panel."""
    lab.room([1, 8, 3])
    by_hand(lab._ui.prediction, "8")
    marks = lab.charts["dead"].marks
    assert (
        marks.line.get_ydata()[0] == 8 and marks.line.get_visible() and marks.label.text == "you 8"
    )
    assert sorted(marks.rug.get_ydata()) == [1, 3, 8] and lab.scenario.prediction == 8
    assert "You said 8, it is 2" in lab.verdict
    by_hand(lab._ui.prediction, "many")
    assert (
        lab.error == "your prediction must be a number, got 'many'"
        and "many" in lab._ui._verdict.value
    )


def test_a_lab_may_begin_with_a_prediction() -> None:
    """Given as a setting it is on show from the first picture on."""
    lab = Lab(PriorityMix, prediction=3.0)
    assert lab._ui.prediction.value == "3" and "You said 3" in lab.verdict


def test_a_prediction_that_is_set_is_drawn_and_taken_away() -> None:
    """As one that was typed: a dashed line, the field beside it, the verdict."""
    lab = Lab(FailingWork)
    lab.set(prediction=7)
    assert lab.charts["dead"].marks.line.get_visible() and lab._ui.prediction.value == "7"
    lab.set(prediction=None)
    assert not lab.charts["dead"].marks.line.get_visible() and lab._ui.prediction.value == ""
    with pytest.raises(ValueError, match="prediction"):
        lab.set(prediction=-1)
    assert not lab.charts["dead"].marks.line.get_visible()


def test_a_prediction_that_the_scenario_refuses_is_not_drawn() -> None:
    """The panel names the rule, and neither the chart nor the verdict knows of the number."""
    lab = Lab(FailingWork)
    lab._ui.prediction.value = "-5"
    assert lab.error == "prediction must not be negative, got -5.0"
    assert "You said" not in lab.verdict and not lab.charts["dead"].marks.line.get_visible()


def test_the_slider_of_a_real_number_counts_steps() -> None:
    """No browser can correct a whole number, and every step gives the number that is written
    there.
    """
    row = Lab(PriorityMix)._ui.rows["rate"]
    said = []
    for notch in range(row.slider.max + 1):
        row.slider.value = notch
        said.append(row.value)
    assert said == [round(0.1 * n, 1) for n in range(1, 31)]
    row.value = 0.333
    assert row.value == 0.333 and row.slider.value == 2


def test_a_preset_chosen_by_code_is_named_in_the_panel() -> None:
    """The list says which incident is on show until a field leaves it."""
    lab = Lab(PriorityMix)
    lab.preset("starved")
    assert lab._ui.presets.value == "starved"
    lab.set(rate=1.0)
    assert lab._ui.presets.value != "starved"


def test_presets_reset_and_reroll(lab: Lab) -> None:
    """A preset is chosen by name, reset goes back to the start, re-roll takes the next seed."""
    lab._ui.presets.index = 1
    assert lab.run.totals["dead"] == 10
    lab._ui.reroll.click()
    assert lab.seed == lab.run.seed == 1
    lab._ui.reset.click()
    assert lab.run.totals["dead"] == 2 and lab.seed == 0
    with pytest.raises(ValueError, match="all is lost, got 'calm'"):
        lab.preset("calm")


def test_code_makes_the_run_again(lab: Lab) -> None:
    """Three lines, with only what differs from the defaults."""
    lab.set(dying=4)
    assert lab.code().splitlines()[1:] == [
        "run = Orders(dying=4).run(seed=0)",
        "print(run.verdict)",
    ]


def test_step_through_shows_what_run_at_says(lab: Lab) -> None:
    """At 3.7 s orders 1 and 2 are settled and order 3 is with the worker."""
    lab.step(3.7)
    picture = lab._ui._instant
    assert picture.sentence in lab._ui._picture.value.replace("&#x27;", "'")
    now = lab.run.at(3.7)
    assert picture.dead.count.text == str(len(now.dead)) == "2"
    assert picture.workers.names[0].text == "3" and picture.workers.count.text == "1/1 busy"
    lab._ui.player.next.click()
    assert lab._ui.time == 4.0
    lab.step(None)
    assert lab._ui.time is None and lab.sentence.startswith("Depth:")


def test_without_a_kernel_the_picture_is_there(lab: Lab) -> None:
    """The bundle has the live view, a whole PNG and a short stable line of text."""
    bundle = lab._repr_mimebundle_()
    assert bundle["text/plain"] == "Lab(Orders, seed=0): 2 of 10 orders died."
    assert "application/vnd.jupyter.widget-view+json" in bundle
    png = base64.b64decode(bundle["image/png"])
    assert png.startswith(b"\x89PNG") and struct.unpack(">II", png[16:24]) == (570, 408)


def test_the_picture_has_its_sentence_as_text_and_the_verdict_is_a_live_region(lab: Lab) -> None:
    """Those who do not see the picture hear the same numbers."""
    assert lab.sentence == (
        "Depth: at most 2 messages not yet settled, at 2 s; at the end 0 waiting, 0 in flight, 0 "
        "delayed. "
        "Dead letters: 2, the first at 2.5 s (2 boom)."
    )
    assert f'alt="{lab.sentence}"' in lab._ui._picture.value
    assert '<p role="status" aria-live="polite">2 of 10 orders died.</p>' in lab._ui._verdict.value
