"""Which number moves first, in ten seeds of nine failures."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from mqlearn.units.monitoring.movers import (
    FAILURES,
    FEWEST,
    ONSET,
    SIGNALS,
    first_movers,
    signals,
    usual_range,
)

# seconds and how; none: in fewer than half of the seeds
EXPECTED = """
producer down                    in 20 down, out 20 down, p95 handler 60 gone, p95 sojourn 60 gone,
                                 charged 20 down
rush × 2                         in 20 up, out 45 up, depth 10 up, oldest 30 up, p95 sojourn 30 up,
                                 charged 45 up
half the workers die             out 40 down, depth 30 up, oldest 20 up, errors 80 up,
                                 p95 handler 190 down, p95 sojourn 35 up, charged 40 down
service twice as slow            out 40 down, depth 30 up, oldest 30 up, p95 handler 30 up,
                                 p95 sojourn 35 up, charged 40 down
service down, refuses at once    out 20 down, errors 10 up, dead 10 up, p95 handler 60 gone,
                                 p95 sojourn 60 gone, charged 20 down
service hangs 20 s, then fails   out 20 down, depth 10 up, oldest 20 up, errors 30 up,
                                 p95 handler 55 gone, p95 sojourn 60 gone, charged 20 down
bad release, 10 % of orders fail  depth 240 up, oldest 35 up, errors 10 up, dead 20 up,
                                 p95 sojourn 340 up
acks and does nothing            p95 handler 40 down, p95 sojourn 45 down, charged 20 down
one order stuck in a worker      oldest 20 up
"""


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """All nine."""
    return first_movers()


def test_each_cell_is_what_the_unit_says(table: pd.DataFrame) -> None:
    """Seconds to the first value outside of the usual range, and the way it went."""
    flat = " ".join(EXPECTED.split())
    for failure in FAILURES:
        rows = table[(table["failure"] == failure) & (table["moved"] != "")]
        said = ", ".join(f"{row.signal} {row.seconds:.0f} {row.moved}" for row in rows.itertuples())
        assert f"{failure} {said}" in flat, said
    assert len(table) == len(FAILURES) * len(SIGNALS)


def test_no_number_moves_in_all_failures(table: pd.DataFrame) -> None:
    """The age of the oldest misses three; the charges see seven, the time to done eight, and dead
    letters two; all but the time to done are first somewhere.
    """
    moved = table[table["moved"] != ""].groupby("signal")["failure"].agg(set)
    assert all(len(failures) < len(FAILURES) for failures in moved)
    assert set(FAILURES) - moved["oldest"] == {
        "producer down",
        "service down, refuses at once",
        "acks and does nothing",
    }
    assert [len(moved[name]) for name in ("dead", "charged", "p95 sojourn")] == [2, 7, 8]
    first = table["seconds"] == table.groupby("failure")["seconds"].transform("min")
    assert set(table[first]["signal"]) == set(SIGNALS) - {"p95 sojourn"}
    assert moved["charged"] == moved["out"] | {"acks and does nothing"}


def test_what_is_outside_is_outside(table: pd.DataFrame) -> None:
    """Recounted from the values of one run: none is outside before the seconds of its seed."""
    usual = usual_range()
    for failure in ("rush × 2", "acks and does nothing"):
        run = signals(failure, 0)
        for column, signal in enumerate(SIGNALS, 1):
            low, high = usual[signal]
            outside = [r[0] - ONSET for r in run if r[0] > ONSET and not low <= r[column] <= high]
            alone = first_movers([failure], seeds=1).set_index("signal").loc[signal]
            assert (outside or [None])[0] == (alone["seconds"] if alone["moved"] else None)


def test_a_percentile_of_a_handful_is_none() -> None:
    """Fewer than twenty done in the last minute."""
    run = signals("service down, refuses at once", 0)
    place = SIGNALS.index("p95 handler") + 1
    gone = [row[0] for row in run if math.isnan(row[place])]
    done = {row[0]: row[SIGNALS.index("out") + 1] * 60 for row in run if row[0] > 60}
    assert gone == [time for time, count in done.items() if round(count) < FEWEST]


def test_a_failure_that_does_not_exist_is_refused() -> None:
    """By name."""
    with pytest.raises(ValueError, match="failures must be one of"):
        first_movers(["fire"])
    with pytest.raises(ValueError, match="seeds must be at least 1, got 0"):
        first_movers(seeds=0)
