"""Arrivals: recorded ones, a class's own file with every kind of nonsense in it, and formulas."""

import io
import statistics

import pytest

from mqlearn.messaging.message import MessagePriority
from mqlearn.runtime.simulation import Simulation
from mqlearn.study import arrivals, data_files
from mqlearn.study.arrivals import Arrival, flight_day, poisson, read_arrivals, regular


def read(text):
    """Read a recording that is given as text."""
    return read_arrivals(io.StringIO(text))


def test_a_recording_with_every_column():
    """Columns may stand in any order and case, and a blank field takes its default."""
    text = "priority,TIME, size ,key\nHIGH,0.5,2,card\nlow,1.5,,\n,2,0.25,card\n"
    assert read(text) == (
        Arrival(0.5, 2.0, "card", MessagePriority.HIGH),
        Arrival(1.5, 1.0, None, MessagePriority.LOW),
        Arrival(2.0, 0.25, "card", MessagePriority.NORMAL),
    )


def test_a_recording_of_times_alone():
    """The column `time` is enough."""
    assert read("time\n0\n1e2\n.5\n") == (Arrival(0.0), Arrival(0.5), Arrival(100.0))


def test_unsorted_lines_are_sorted_and_equal_times_keep_their_order():
    """A log is not always in order; two arrivals at one instant stay as they were written."""
    assert [(a.time, a.key) for a in read("time,key\n5,a\n1,b\n5,c\n1,d\n")] == [
        (1.0, "b"),
        (1.0, "d"),
        (5.0, "a"),
        (5.0, "c"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "\ufefftime\n1\n2\n",
        "\n\ntime\n\n1\n   \n2\n\n",
        "time\r\n1\r\n2\r\n",
        "time\r1\r2",
        "time\n 1 \n\t2",
        '"time"\n"1"\n"2"\n',
        "time\n+1\n2.\n",
    ],
)
def test_what_spreadsheets_do_to_a_file_does_no_harm(text):
    """A byte order mark, blank lines, any line ending, spaces and quotes are taken for what they
    are.
    """
    assert [a.time for a in read(text)] == [1.0, 2.0]


def test_minus_zero_is_zero():
    """A time of -0 does not show up as -0.0."""
    assert str(read("time\n-0\n")[0].time) == "0.0"


def test_a_key_may_hold_a_comma_or_a_line():
    """A short_repr key is any text, and line numbers count the file's lines after it."""
    assert read('time,key\n1,"a,b"\n2,"a\nb"\n')[1].key == "a\nb"
    with pytest.raises(ValueError, match="line 4, column time"):
        read('time,key\n1,"a\nb"\nx,c\n')


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "",
            "line 1, column time: expected a header with this name, commas between columns, got "
            "nothing",
        ),
        (
            "\n \n",
            "line 1, column time: expected a header with this name, commas between columns, got "
            "nothing",
        ),
        (
            "1\n2\n",
            "line 1, column time: expected a header with this name, commas between columns, got "
            "'1'",
        ),
        (
            "size,key\n1,a\n",
            "line 1, column time: expected a header with this name, commas between columns, got "
            "'size,key'",
        ),
        (
            "time;size\n1;2\n",
            "line 1, column time: expected a header with this name, commas between columns, got "
            "'time;size'",
        ),
        (
            "\n\ntime,prioritiy\n1,LOW\n",
            "line 3, column 2: expected one of the names time, size, key, priority, got "
            "'prioritiy'",
        ),
        (
            "time,\n1,\n",
            "line 1, column 2: expected one of the names time, size, key, priority, got nothing",
        ),
        (
            "time,key,Time\n1,a,1\n",
            "line 1, column time: expected each column once, got 'time,key,Time'",
        ),
        ("time\n", "line 2, column time: expected at least one arrival, got nothing"),
        ("time,key\n1,a,b\n", "line 2, column 3: expected 2 columns as in the header, got 'b'"),
        ("time\n1\n\n2,\n", "line 4, column 2: expected 1 column as in the header, got nothing"),
        (
            "time,size,key\n1\n",
            "line 2, column size: expected 3 columns as in the header, got nothing",
        ),
        (
            "time,key\n,a\n",
            "line 2, column time: expected seconds, a number that is not negative, got nothing",
        ),
        (
            "time,key\n,\n",
            "line 2, column time: expected seconds, a number that is not negative, got nothing",
        ),
        ("time,size\n1,0\n", "line 2, column size: expected a positive number, got '0'"),
        ("time,size\n1,-2\n", "line 2, column size: expected a positive number, got '-2'"),
        ("time,size\n1,big\n", "line 2, column size: expected a positive number, got 'big'"),
        ("time,size\n1,nan\n", "line 2, column size: expected a positive number, got 'nan'"),
        ("time,size\n1,1e-400\n", "line 2, column size: expected a positive number, got '1e-400'"),
        (
            "time,priority\n1,urgent\n",
            "line 2, column priority: expected LOW, NORMAL, HIGH or CRITICAL, got 'urgent'",
        ),
        (
            "time,priority\n1,3\n",
            "line 2, column priority: expected LOW, NORMAL, HIGH or CRITICAL, got '3'",
        ),
    ],
)
def test_a_malformed_recording_is_refused(text, said):
    """The error names the line, the column, what was expected there and what was found."""
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the whole text is compared
        read(text)
    assert str(error.value) == said


@pytest.mark.parametrize(
    "time",
    [
        "x",
        "nan",
        "NaN",
        "inf",
        "-inf",
        "Infinity",
        "-1",
        "-0.001",
        "1e999",
        "1_000",
        "08:30",
        "1.2.3",
        "1 2",
        "0x10",
        "٣",
        "None",
        "1,5",
        "--1",
        ".",
    ],
)
def test_what_is_no_time_is_refused(time):
    """Only a plain, finite number that is not negative is a time, whatever Python's float() would
    take.
    """
    with pytest.raises(
        ValueError, match=r"line 3, column time: expected seconds, .*, got '"
    ) as error:
        read(f'time\n1\n"{time}"\n')
    assert str(error.value).endswith(f"got {time!r}")


@pytest.mark.parametrize(
    ("text", "line"), [('time,key\n1,a\n2,"b\n3,c\n', 3), ('time,key\n1,"a"b\n', 2)]
)
def test_broken_quotes_are_refused(text, line):
    """A quote that never ends, or ends too soon, does not swallow the rest of the file."""
    with pytest.raises(ValueError, match=f"line {line}: expected comma-separated values"):
        read(text)


def test_a_path(tmp_path):
    """A path may be text or a Path; a byte order mark is no part of the first column's name."""
    path = tmp_path / "ours.csv"
    path.write_bytes("time,key\n1,café\n".encode("utf-8-sig"))
    assert read_arrivals(path) == read_arrivals(str(path)) == (Arrival(1.0, 1.0, "café"),)


def test_another_encoding_is_refused(tmp_path):
    """A file in Latin-1 is refused by the line that shows it, not read as something else."""
    path = tmp_path / "ours.csv"
    path.write_bytes("time,key\n1,cafe\n2,café\n".encode("latin-1"))
    with pytest.raises(ValueError, match="line 3: expected text in UTF-8, got the byte 0xe9"):
        read_arrivals(path)


def test_a_file_of_bytes_is_refused():
    """What is opened as bytes is a mistake of the caller, not of the file."""
    with pytest.raises(TypeError, match="a path or a file opened as text, got a file of bytes"):
        read_arrivals(io.BytesIO(b"time\n1\n"))


def test_an_arrival_cannot_be_changed():
    """What was recorded stays as it is."""
    with pytest.raises(AttributeError):
        Arrival(1.0).time = 2.0


def test_regular_arrivals():
    """One arrival every 1 / rate seconds, the first after one gap, the last at the end itself."""
    assert regular(2, 2) == [0.5, 1.0, 1.5, 2.0]
    assert len(regular(6, 600)) == 3600
    assert len(regular(0.7, 30)) == 21 and regular(0.7, 30)[-1] == 30
    assert regular(1, 0.99) == []


def test_no_rate_or_no_time_brings_nothing():
    """A slider may stand at 0."""
    with Simulation(seed=1) as simulation:
        assert poisson(0, 60, simulation.draw) == poisson(1, 0, simulation.draw) == []
    assert regular(0, 60) == regular(1, 0) == []


@pytest.mark.parametrize(
    ("rate", "until", "said"),
    [
        (-1, 60, "rate must not be negative, got -1"),
        (float("nan"), 60, "rate must be finite, got nan"),
        (1, float("inf"), "until must be finite, got inf"),
        (1, -60, "until must not be negative, got -60"),
    ],
)
def test_impossible_rates_are_refused(rate, until, said):
    """An endless or negative list is refused before it is begun."""
    with pytest.raises(ValueError, match=said):
        regular(rate, until)
    with pytest.raises(ValueError, match=said):
        poisson(rate, until, lambda purpose, i: 0.5)


def test_poisson_gaps_follow_the_formula():
    """Each gap is -ln(1 - u) / rate with the u of that arrival's own number."""
    asked = []

    def draw(purpose, i):
        asked.append((purpose, i))
        return 0.75

    assert poisson(2, 2.5, draw) == pytest.approx([0.6931, 1.3863, 2.0794], abs=1e-4)
    assert asked == [("gap", 1), ("gap", 2), ("gap", 3), ("gap", 4)]


def test_a_longer_window_only_adds_arrivals_and_twice_the_rate_halves_the_times():
    """Arrival i depends on the seed and on i, on nothing else."""
    with Simulation(seed=7) as simulation:
        hour, day = poisson(1, 3600, simulation.draw), poisson(1, 86400, simulation.draw)
        assert day[: len(hour)] == hour
        assert poisson(2, 1800, simulation.draw) == [time / 2 for time in hour]


def test_poisson_arrivals_are_poisson():
    """Over 100,000 s at 1/s, mean and variance a second agree, to three standard errors (1.0 and
    1.3 %).
    """
    with Simulation(seed=1) as simulation:
        times = poisson(1, 100_000, simulation.draw)
    counts = [0] * 100_000
    for time in times:
        counts[min(int(time), 99_999)] += 1
    assert len(times) == pytest.approx(100_000, rel=0.01)
    assert statistics.variance(counts) / statistics.mean(counts) == pytest.approx(1, rel=0.0135)


@pytest.mark.parametrize(("day", "flown"), [("2013-12-02", 1001), ("2013-07-10", 883)])
def test_a_flight_day(day, flown):
    """The timetable has all flights, the actual departures only those that flew; both are sorted
    floats.
    """
    timetable, actual = flight_day(day, "timetable"), flight_day(day, "actual")
    assert (len(timetable), len(actual)) == (1004, flown)
    for times in (timetable, actual):
        assert times == sorted(times) and {type(time) for time in times} == {float}


def test_an_unknown_flight_day_is_refused():
    """The error lists what there is."""
    with pytest.raises(
        ValueError, match="day must be one of '2013-12-02', '2013-07-10', got '2013-01-01'"
    ):
        flight_day("2013-01-01", "actual")
    with pytest.raises(
        ValueError, match="which must be one of 'timetable', 'actual', got 'planned'"
    ):
        flight_day("2013-12-02", "planned")


def test_the_recordings_are_found_below_the_current_folder(tmp_path, monkeypatch):
    """Where the package is not in a clone, the current folder may be the notebooks' or the
    clone's.
    """
    real = arrivals.flight_file("2013-12-02").read_bytes()
    monkeypatch.setattr(
        data_files, "__file__", str(tmp_path / "site" / "mqlearn" / "study" / "data_files.py")
    )
    for here in (tmp_path / "notebooks", tmp_path):
        monkeypatch.chdir(tmp_path)
        with pytest.raises(FileNotFoundError, match="with a clone of the project"):
            flight_day("2013-12-02", "actual")
        (tmp_path / "notebooks" / "data").mkdir(parents=True)
        copy = tmp_path / "notebooks" / "data" / "flights_2013-12-02.csv"
        copy.write_bytes(real)
        monkeypatch.chdir(here)
        assert len(flight_day("2013-12-02", "actual")) == 1001
        copy.unlink()
        copy.parent.rmdir()
