"""A recording of one's own: a table, a list, a file; and what is none, refused by its row."""

import io

import numpy as np
import pandas as pd
import pytest

from mqlearn.messaging.message import MessagePriority
from mqlearn.study.arrivals import Arrival, read_arrivals


def test_a_table_is_a_recording():
    """A DataFrame has the same columns; what is missing is blank, and the index may be the time."""
    frame = pd.DataFrame(
        {"Time": [3, 1], "size": [np.nan, 2.5], "key": ["a", None], "priority": ["high", pd.NA]}
    )
    found = (
        Arrival(1.0, 2.5, None, MessagePriority.NORMAL),
        Arrival(3.0, 1.0, "a", MessagePriority.HIGH),
    )
    assert read_arrivals(frame) == found
    assert read_arrivals(frame.rename(columns={"Time": "time"}).set_index("time")) == found
    assert repr(read_arrivals(frame)) == "read_arrivals(frame)"


@pytest.mark.parametrize(
    "times", [[2, 1.5], (2, 1.5), np.array([2, 1.5]), pd.Series([2, 1.5]), iter([2, 1.5])]
)
def test_a_list_of_times_is_a_recording(times):
    """Of any kind that can be walked through."""
    assert read_arrivals(times) == (Arrival(1.5), Arrival(2.0))


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (pd.DataFrame({"when": [1.0]}), "row 0, column time: expected a header with this name, "
         "commas between columns, got 'when'"),
        (pd.DataFrame({"time": [1.0], "colour": [2]}),
         "row 0, column 2: expected one of the names time, size, key, priority, got 'colour'"),
        (pd.DataFrame({"time": [1.0, -1.0]}),
         "row 2, column time: expected seconds, a number that is not negative, got '-1.0'"),
        (pd.DataFrame({"time": [1.0, np.nan]}),
         "row 2, column time: expected seconds, a number that is not negative, got nothing"),
        (pd.DataFrame({"time": pd.to_datetime(["2020-01-01"])}), "row 1, column time: expected "
         "seconds, a number that is not negative, got '2020-01-01 00:00:00'"),
        (pd.DataFrame({"time": [1], "size": [0]}),
         "row 1, column size: expected a positive number, got '0'"),
        (pd.DataFrame([[1, 2]], columns=["time", "time"]),
         "row 0, column time: expected each column once, got 'time,time'"),
        (pd.DataFrame({"time": []}),
         "row 1, column time: expected at least one arrival, got nothing"),
        ([], "row 1, column time: expected at least one arrival, got nothing"),
        ([1, float("inf")],
         "row 2, column time: expected seconds, a number that is not negative, got 'inf'"),
        ([True], "row 1, column time: expected seconds, a number that is not negative, got 'True'"),
        ("time\n1\n2\n", "source must be a path, got 'time\\n1\\n2\\n'; a text is read by "
         "read_arrivals(io.StringIO(text))"),
    ],
)  # fmt: skip
def test_a_wrong_table_is_refused(source, said):
    """By its row, from 1, its column, what was expected there and what was found."""
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the whole text is compared
        read_arrivals(source)
    assert str(error.value) == said


@pytest.mark.parametrize("source", [5, None, 1.5, pd.NA, object])
def test_what_is_no_recording_is_refused(source):
    """By the name of the parameter."""
    with pytest.raises(TypeError, match="source must be "):
        read_arrivals(source)


def test_errors_are_short():
    """Also if a field, or a path, is a million letters long."""
    for source in ("x" * 1_000_000, io.StringIO("time\n" + "9x" * 500_000)):
        with pytest.raises(ValueError) as error:  # noqa: PT011 - its length is compared
            read_arrivals(source)
        assert len(str(error.value)) < 500


def test_a_recording_says_how_it_is_read_again(tmp_path):
    """By the path that it was read from."""
    path = tmp_path / "ours.csv"
    path.write_text("time\n1\n")
    assert repr(read_arrivals(path)) == f"read_arrivals({str(path)!r})"
    with path.open() as file:
        assert repr(read_arrivals(file)) == f"read_arrivals({str(path)!r})"
    assert hash(read_arrivals(path)) == hash((Arrival(1.0),))
