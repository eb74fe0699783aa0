"""Exercise 08.1: the check of the key passes right answers and catches wrong ones."""

import pytest

from mqlearn.units.event_streams.flight_events import day_of
from mqlearn.units.event_streams.key import EXERCISE, check_key


def aircraft(event):
    """The worked solution: the aircraft, or the flight where there is none."""
    return event.tail or f"{event.carrier} {event.flight}"


WRONG = {
    "carrier": (lambda e: e.carrier, "42.61 %"),
    "airport": (lambda e: e.origin, "35.53 %"),
    "destination": (lambda e: e.destination, "37.92 %"),
    "each its own": (lambda e: f"{e.carrier}{e.flight}{e.kind}", "may see them in any order"),
    "no aircraft": (lambda e: e.tail, "it returned None"),
    "empty": (lambda e: e.tail or "", "it returned ''"),
    "nobody": (lambda e: None, "whichever way it takes"),
    "a number": (lambda e: e.flight, r"str(…)"),
    "a slip": (lambda e: e.tale, "has no attribute"),
    "too large by little": (lambda e: e.origin + e.destination, "30.01 %"),
    "torn where there is no aircraft": (lambda e: e.tail or f"{e.flight}{e.kind}", "2013-07-10"),
}


def test_the_worked_key_passes():
    """By aircraft, and by flight too."""
    assert check_key(aircraft).text.startswith("passed: two days, ")
    assert check_key(lambda e: f"{e.carrier} {e.flight}")


@pytest.mark.parametrize("name", WRONG)
def test_wrong_keys_are_caught(name):
    """Each on one of the two days at least, with the reason."""
    key, said = WRONG[name]
    verdict = check_key(key)
    assert not verdict
    assert any(part in verdict.text for part in said.split("|")), verdict.text


def test_the_aircraft_that_is_missing_is_missing_in_july():
    """32 flights of the bad day have no aircraft, and on the good day all have one."""
    assert not list(EXERCISE.mistakes(EXERCISE.play(lambda e: e.tail, "2013-12-02")))
    assert (
        len({(e.carrier, e.flight, e.origin) for e in day_of("2013-07-10") if e.tail is None}) == 32
    )
