"""Numbers and names as text: each where its rounding changes."""

from mqlearn.study.words import (
    format_count,
    format_duration,
    format_rate,
    format_wait,
    join_names,
)


def test_a_duration_has_three_digits_and_the_unit_that_suits_it() -> None:
    """Milliseconds below one second, whole seconds from a hundred on."""
    said = [
        format_duration(s) for s in (0.00123, 0.0984, 0.9994, 0.9996, 2.345, 99.94, 99.96, 1300)
    ]
    assert said == ["1.2 ms", "98.4 ms", "999 ms", "1 s", "2.35 s", "99.9 s", "100 s", "1,300 s"]


def test_a_rate_and_a_wait_of_theory() -> None:
    """Three digits; a rate is whole from a hundred on, a wait nothing below half a millisecond."""
    assert [format_rate(r) for r in (0.5, 2.345, 99.96, 1250)] == ["0.5", "2.35", "100", "1,250"]
    assert [format_wait(s) for s in (0.0004, 0.0005, 7.692)] == ["0", "0.0005", "7.69"]


def test_one_thing_is_in_the_singular_and_names_are_a_list() -> None:
    """None and several are in the plural; the last name comes after "and"."""
    assert [format_count(n, "order") for n in (0, 1, 1204)] == [
        "0 orders",
        "1 order",
        "1,204 orders",
    ]
    names = ["mail", "board", "parcel"]
    said = [join_names(names[:n]) for n in (1, 2, 3)]
    assert said == ["mail", "mail and board", "mail, board and parcel"]
