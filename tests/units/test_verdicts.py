"""No verdict, headline or chart of a lab lies, whatever its controls say."""

import re

import pytest

from mqlearn.units import scenarios
from tests.units import words_00_04, words_05_06, words_07_10
from tests.units.verdicts import lies, settings

HELD = (*words_00_04.SCENARIOS, *words_05_06.SCENARIOS, *words_07_10.SCENARIOS)
CASES = [(name, label) for name in HELD for label in settings(scenarios()[name])]
each_case = pytest.mark.parametrize(("name", "setting"), CASES, ids=str)


@each_case
def test_no_lab_lies_at_the_ends_of_its_controls(name: str, setting: str) -> None:
    """Each number said is the run's, each checking word is true of it, and none is unknown."""
    kind = scenarios()[name]
    assert lies(kind(**settings(kind)[setting]).run(seed=0)) == []


@each_case
def test_numbers_are_written_in_one_way(name: str, setting: str) -> None:
    """No exponent, no -0, no nan, no "1000.0", no "1 orders"."""
    kind = scenarios()[name]
    run = kind(**settings(kind)[setting]).run(seed=0)
    said = f"{run.verdict} {run.headline}"
    wrong = r"\de[-+]?\d|-0\b|\bnan\b|\binf\b|\d\.0\b(?! s)|\d{4}"
    one = r"(?<![\d.,])1 (?!(?:of|is|was|has|waits|comes)\b)[a-z]+s\b"  # "1 orders"
    assert re.findall(f"{wrong}|{one}", said) == [], said
