"""Numbers as people type them: read in the one way that they can mean, or refused."""

from __future__ import annotations

from typing import Any

import pytest

from mqlearn.lab import Lab
from mqlearn.lab.number_field import read_number
from mqlearn.units.messages_and_queues.scenario import PriorityMix
from mqlearn.units.work_queues import WorkQueue

READ: dict[str, float | None] = {
    "1.5": 1.5, "1,5": 1.5, "-1,5": -1.5, "−3": -3.0, "－３": -3.0, "+5": 5.0, " 7 ": 7.0,
    "1,500.5": 1500.5, "1.500,5": 1500.5, "1,500,000": 1_500_000.0, "1.500.000": 1_500_000.0,
    "1,500.000": 1500.0, "1.500,000": 1500.0, "1.500": 1.5, "2.667": 2.667, "1234,567": 1234.567,
    "0,500": 0.5, "0,125": 0.125, "1 200": 1200.0, "1 200 000": 1_200_000.0, "1\u202f200,5": 1200.5,
    "1\u00a0200": 1200.0, "1'200.5": 1200.5, "1’200": 1200.0, "1e3": 1000.0, "1E-3": 0.001,
    "1,5e3": 1500.0, "40 %": 40.0, "40%": 40.0, "12,5 %": 12.5, "١٫٥": 1.5, "١٢٣": 123.0,
    "१२": 12.0, "１，５": 1.5, ".5": 0.5, ",5": 0.5, "5.": 5.0, "5,": 5.0, "007": 7.0, "-0": 0.0,
    "": None, "   ": None, "%": None,
}  # fmt: skip
AMBIGUOUS = ["1,500", "12,345", "123,456", "-1,500", "1,500 %", "1,500e3", "١,٥٠٠"]
NO_NUMBER = [
    "many", "∞", "inf", "-inf", "nan", "1_000", "0x10", "10²", "½", "1/2", ".", ",", "-", "--5",
    "1..5", "1,,5", "1.5.", "1,5,", "1.50.000", "1,50,000", "12 00", "1 20", "1 2", "1,200 000",
    "1,2.3,4", "5 s", "1 000,000.5,", "- 3", "1-2", "5e", "e5", "1e1.5", "True", "None", "\0", "五",
    "1e99999", "$5", "1 200.500,3",
]  # fmt: skip
TOO_LARGE = ["1e400", "9" * 400, "-1e999"]


@pytest.mark.parametrize("text", READ)
def test_a_number_is_read(text: str) -> None:
    """With a decimal comma or point, in groups of three, in other digits, as a share."""
    assert read_number("x", text) == READ[text]


@pytest.mark.parametrize("text", AMBIGUOUS)
def test_what_could_be_two_numbers_is_refused(text: str) -> None:
    """A thousand and a half, or one and a half: the error says how to write either."""
    with pytest.raises(ValueError, match=r"x must be a number that can be read in one way only, "):
        read_number("x", text)


@pytest.mark.parametrize("text", NO_NUMBER)
def test_what_is_no_number_is_refused(text: str) -> None:
    """Nothing is dropped from it until a number is left."""
    with pytest.raises(ValueError, match=r"^x must be a number, got ") as caught:
        read_number("x", text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("text", TOO_LARGE)
def test_what_is_too_large_is_refused(text: str) -> None:
    """In a short error."""
    with pytest.raises(ValueError, match=r"^x must be finite, got ") as caught:
        read_number("x", text)
    assert len(str(caught.value)) < 300


def test_a_decimal_comma_in_every_field_of_the_panel(by_hand: Any) -> None:
    """In the prediction, in a row of its own and in the time of the step-through."""
    lab = Lab(WorkQueue)
    by_hand(lab._ui.prediction, "1,5")
    assert lab.scenario.prediction == 1.5 and "You said 1.5" in lab.verdict
    by_hand(lab._ui.rows["service"].entry, "0,25")
    assert lab.scenario.service == 0.25 and lab._ui.rows["service"].entry.value == "0.25"
    lab.step(0.0)
    by_hand(lab._ui.player.field.widget, "2,5")
    assert lab._ui.time == 2.5 and lab._ui.player.field.widget.value == "2.5"


def test_a_field_that_is_refused_keeps_its_text_and_changes_nothing(by_hand: Any) -> None:
    """The panel says why, until a number is typed that can be used."""
    lab = Lab(PriorityMix)
    before, entry = lab.scenario, lab._ui.rows["rate"].entry
    for text, said in (
        ("1,500", "rate must be a number that can be read in one way only, got '1,500'"),
        ("many", "rate must be a number, got 'many'"),
        ("", "rate must be a number, got None"),
        ("1e6", "rate must be from"),
        ("−1", "rate must be from"),
    ):
        by_hand(entry, text)
        assert lab.error.startswith(said) and entry.value == text
        assert lab.scenario is before and lab._ui.rows["rate"].value == before.rate
    by_hand(entry, "0,7")
    assert lab.error == "" and lab.scenario.rate == 0.7


def test_a_whole_field_takes_whole_numbers(by_hand: Any) -> None:
    """3.0 is one, 2,5 is none."""
    lab = Lab(WorkQueue)
    row = lab._ui.rows["workers"]
    by_hand(row.entry, "4,0")
    assert lab.scenario.workers == 4 and row.slider.value == 4 and row.entry.value == "4"
    by_hand(row.entry, "2,5")
    assert lab.error == "workers must be a whole number, got 2.5" and lab.scenario.workers == 4


def test_a_typed_time_that_is_none_is_refused_and_one_outside_is_the_nearest(by_hand: Any) -> None:
    """The step-through stays where it is, or goes to the end."""
    lab = Lab(WorkQueue)
    lab.step(3.0)
    by_hand(lab._ui.player.field.widget, "soon")
    assert lab.error == "t must be a number, got 'soon'" and lab._ui.time == 3.0
    by_hand(lab._ui.player.field.widget, "1e9")
    assert lab._ui.time == lab.run.until
