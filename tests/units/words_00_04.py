"""The claims of the labs of units 00 to 04."""

import re

from mqlearn.study.run import Run
from mqlearn.study.words import format_number
from tests.units.verdicts import claim, number

SCENARIOS = ("FailingWork",)


@claim(r"([\d,]+) of 1,000 orders died", "FailingWork")
def _(run: Run, said: "re.Match[str]") -> bool:
    return number(said[1]) == run.totals["dead"] and run.totals["sent"] == 1000


@claim(r"(about 0|[\d.,]+) are expected", "FailingWork")
def _(run: Run, said: "re.Match[str]") -> bool:
    return said[1] == format_number(1000 * run.scenario.failure_rate**4)


@claim(r"Dead letters: (none|[\d,]+)")
def _(run: Run, said: "re.Match[str]") -> bool:
    return number(said[1]) == run.totals["dead"]
