"""Numbers and names as text: each where its rounding changes."""

import math

from mqlearn.study.words import (
    format_count,
    format_duration,
    format_number,
    format_seconds,
    format_share,
    join_names,
)


def test_a_duration_has_three_digits_and_the_unit_that_suits_it() -> None:
    """Milliseconds below one second, whole seconds from a hundred on."""
    said = [
        format_duration(s) for s in (0.00123, 0.0984, 0.9994, 0.9996, 2.345, 99.94, 99.96, 1300)
    ]
    assert said == ["1.2 ms", "98.4 ms", "999 ms", "1 s", "2.35 s", "99.9 s", "100 s", "1,300 s"]


def test_a_number_has_three_digits_and_no_exponent() -> None:
    """It is whole from a hundred on; what no run can show is "about 0", and 0 has no sign."""
    values = (0, -0.0, 1e-5, 0.0005, 0.0123, 1.6, 7.692, -3.214, 99.96, 1000.0, 12345.6)
    assert [format_number(value) for value in values] == [
        "0",
        "0",
        "about 0",
        "0.0005",
        "0.012",
        "1.6",
        "7.69",
        "-3.21",
        "100",
        "1,000",
        "12,346",
    ]
    assert [format_number(math.nan), format_seconds(92.04)] == ["–", "92 s"]


def test_a_share_is_nothing_or_all_only_if_it_is() -> None:
    """Rounding must not turn a few into none, nor almost all into all."""
    shares = (0.0, 0.001, 0.005, 0.5, 0.995, 0.9999, 1.0)
    assert [format_share(share) for share in shares] == [
        "0%",
        "under 1%",
        "under 1%",
        "50%",
        "over 99%",
        "over 99%",
        "100%",
    ]


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
