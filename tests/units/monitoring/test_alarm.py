"""Exercise 13.3: its check passes right alarms, and catches and replays wrong ones."""

from __future__ import annotations

import pytest

from mqlearn.study.verdict import recall
from mqlearn.units.monitoring.alarm import EXERCISE, SOON, check_alarm
from mqlearn.units.monitoring.hours import hour
from tests.units.monitoring import alarms

CAUGHT = {
    alarms.AnyDeadLetter: 100,
    alarms.ATightAge: 99,
    alarms.Deep: 90,
    alarms.NothingDone: 86,
    alarms.BadForFiveMinutes: 80,
    alarms.Silent: 80,
    alarms.VeryDeep: 63,
    alarms.OnlyTheAge: 60,
    alarms.ShareOfDead: 60,
    alarms.SinceTheStart: 47,
    alarms.BurnOfWhatIsDone: 45,
    alarms.AgeAndDead: 40,
    alarms.AllButCharged: 20,
}
"""In how many of the hundred seeds."""


@pytest.mark.parametrize("wrong", CAUGHT)
def test_a_wrong_alarm_is_caught(wrong, caught) -> None:
    """Each in at least twenty of a hundred seeds, and by the check as a whole."""
    assert caught(EXERCISE, wrong) == CAUGHT[wrong] >= 20
    assert not check_alarm(wrong)


@pytest.mark.parametrize("right", [alarms.Right, alarms.ByTheShare, alarms.WithThePackage])
def test_a_right_alarm_passes(right) -> None:
    """Three ways, none of them near the 150 seconds."""
    said = check_alarm(right).text
    assert said.startswith("passed: 100 seeds of 40 minutes: no false page; seconds to a page")
    assert said.endswith("at most 104 s")


def test_the_hours_are_what_the_check_says() -> None:
    """Twenty of each failure and twenty without; a rush, a pause, two dead letters and more."""
    seen = [hour(seed) for seed in range(100)]
    failures = [each.failure for each in seen]
    assert {kind: failures.count(kind) for kind in failures} == dict.fromkeys(failures, 20)
    for each in seen:
        assert len(each.samples) == 240 and each.samples[-1].now == 2400.0
        assert 15 <= each.pause[1] - each.pause[0] <= 30
        if each.failure:
            assert 900 <= each.onset <= 1500 and 300 <= each.end - each.onset <= 600
        else:
            assert each.samples[-1].dead == 2


def test_a_replay_shows_what_the_verdict_says() -> None:
    """The page, hollow since nothing was wrong; the failure is shaded."""
    run = recall(check_alarm(alarms.AnyDeadLetter).failing_seed)
    watch = run.context.tables["signals"]
    assert run.charts == ("signals",) and watch.samples == hour(0).samples
    assert watch.pages[0] == (140.0, False) and "it fired at 140 s" in run.verdict
    late = recall(check_alarm(alarms.BadForFiveMinutes).failing_seed)
    (began, ended), (time, real) = late.context.outages[0], late.context.tables["signals"].pages[0]
    assert began + SOON < time < ended and real
    assert f"it fired {time - began:,.0f} s later" in late.verdict


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (alarms.Deep, "require that the condition holds longer"),
        (alarms.ATightAge, "Monday's rush"),
        (alarms.AnyDeadLetter, "one poison order"),
        (alarms.Silent, "which number of a queue grows"),
        (alarms.OnlyTheAge, "how many do so in a minute"),
        (alarms.AgeAndDead, "which counter stands still"),
        (alarms.AllButCharged, "counted outside of it"),
    ],
)
def test_the_hint_is_about_what_went_wrong(wrong, hint) -> None:
    """Each disturbance and each failure has its own."""
    assert hint in check_alarm(wrong).text


def test_an_object_that_is_no_alarm_is_told_so() -> None:
    """No method `see`; a stub of one; one that raises in the middle."""

    class Stub:
        def see(self, sample) -> None:
            pass

    class Broken:
        def see(self, sample) -> bool:
            return 1 / (100 - sample.now) > 1

    assert "a method see(sample), it returned 5. Hint" in check_alarm(lambda: 5).text
    assert "at 10 s: expected True or False, it returned None" in check_alarm(Stub).text
    assert "at 100 s: expected True or False, it raised ZeroDiv" in check_alarm(Broken).text


def test_truth_of_numpy_is_truth() -> None:
    """A comparison with an array's number is a bool of NumPy."""
    import numpy as np

    class Alarm(alarms.Right):
        def see(self, sample):
            return np.bool_(super().see(sample))

    assert check_alarm(Alarm)
